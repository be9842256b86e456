"""The Chinese catalogue, without GNU gettext: find, add, compile.

manage.py catalogue missing [PATH …]   untranslated texts as JSON
manage.py catalogue add FILE.json      {"English": "中文"} into the catalogue
manage.py catalogue update             drop what no source contains any more
manage.py catalogue compile            .po → .mo
"""

from __future__ import annotations

import fcntl
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation.template import templatize

FOLDER = settings.BASE_DIR / "locale" / "zh_Hans" / "LC_MESSAGES"
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}

MessageId = tuple[str | None, str | tuple[str, ...]]


def sources(*prefixes: str) -> Iterator[Path]:
    packages = ["servicedesk", "accounts", "customers", "sla", "knowledge", "tickets", "visits"]
    for folder in packages:
        yield from sorted((settings.BASE_DIR / folder).rglob("*.py"))
    yield from sorted((settings.BASE_DIR / "templates").rglob("*.*"))


def messages(*prefixes: str) -> dict[MessageId, list[tuple[str, int]]]:
    """Every translatable text of the sources with the places where it stands."""
    found: dict[MessageId, list[tuple[str, int]]] = {}
    for path in sources():
        name = str(path.relative_to(settings.BASE_DIR))
        if (prefixes and not name.startswith(prefixes)) or "migrations" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".py":
            # What Python would take for wrong indentation is the template's own.
            text = "\n".join(map(str.lstrip, templatize(text, origin=name).split("\n")))
        for line, message, _comments, context in extract(
            "python", BytesIO(text.encode()), keywords=KEYWORDS
        ):
            if message and message != "":
                found.setdefault((context, message), []).append((name, line))
    return found


@contextmanager
def catalogue(*, write: bool = False) -> Iterator[Catalog]:
    """The catalogue as it is in the file, locked against another writer."""
    path = FOLDER / "django.po"
    path.touch()
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX if write else fcntl.LOCK_SH)
        content = read_po(BytesIO(file.read()), locale="zh_Hans")
        yield content
        if write:
            buffer = BytesIO()
            write_po(buffer, content, sort_output=True, no_location=True, omit_header=False)
            file.seek(0)
            file.truncate()
            file.write(buffer.getvalue())


def missing(*prefixes: str) -> list[MessageId]:
    with catalogue() as content:
        return [
            (context, message)
            for context, message in messages(*prefixes)
            if not (found := content.get(_first(message), context)) or not _complete(found.string)
        ]


def _first(message: str | Sequence[str]) -> str:
    return message if isinstance(message, str) else message[0]


def _complete(string: Any) -> bool:
    return bool(string) if isinstance(string, str) else bool(string) and all(string)


class Command(BaseCommand):
    help = "Find, add and compile translations."
    # The catalogue can be worked on while the rest is not whole.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["missing", "add", "update", "compile"])
        parser.add_argument("paths", nargs="*")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"do_{options['verb']}")(*options["paths"])

    def do_missing(self, *paths: str) -> None:
        todo = {_first(message): "" for _context, message in missing(*paths)}
        json.dump(todo, sys.stdout, ensure_ascii=False, indent=1, sort_keys=True)
        self.stdout.write("")

    def do_add(self, path: str) -> None:
        """Plural texts are added under their singular; Chinese has one form."""
        translations: dict[str, str] = json.loads(Path(path).read_text(encoding="utf-8"))
        found = messages()
        with catalogue(write=True) as content:
            for context, message in found:
                text = translations.get(_first(message))
                if text:
                    single = isinstance(message, str)
                    flags = ["python-format"] if "%(" in _first(message) else []
                    # What is known already would keep its former translation.
                    content.delete(_first(message), context)
                    content.add(message, text if single else [text], context=context, flags=flags)
        self.do_compile()

    def do_update(self) -> None:
        used = messages()
        keys = {(context, _first(message)) for context, message in used}
        with catalogue(write=True) as content:
            for message in list(content):
                if message.id and (message.context, _first(message.id)) not in keys:
                    content.delete(_first(message.id), message.context)
            content.obsolete.clear()
        self.do_compile()

    def do_compile(self) -> None:
        with catalogue() as content, (FOLDER / "django.mo").open("wb") as file:
            write_mo(file, content)
