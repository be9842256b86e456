"""What the documents say is there: commands, settings, links, API addresses, files of the code."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|<img[^>]*\bsrc=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(params=DOCUMENTS, ids=name)
def document(request) -> Path:
    return request.param


# --- commands ---------------------------------------------------------------------------------


def commands_in(text: str, pattern: str) -> Iterator[tuple[str, list[str]]]:
    """The command and the long options of each line that calls it."""
    for found in re.finditer(rf"{pattern} +([a-z_]+)([^\n`|;&#]*)", text):
        yield found[1], re.findall(r"(?<= )--([a-z-]+)", found[2])


def test_every_management_command_exists_with_its_options(document):
    for command, options in commands_in(read(document), r"(?:manage\.py|dev\.py manage)"):
        assert command in get_commands(), f"manage.py {command}"
        parser = load_command_class(get_commands()[command], command).create_parser("", command)
        for option in options:
            assert f"--{option}" in parser._option_string_actions, f"{command} --{option}"


def test_every_command_of_the_launcher_exists(document):
    used = {command for command, _options in commands_in(read(document), r"dev\.py")}
    if used:
        command = [sys.executable, str(ROOT / "dev.py"), "--help"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert used <= set(re.findall(r"dev\.py ([a-z]+)", shown))


def test_the_search_sees_commands_and_options():
    text = "Run `python manage.py restore X --check` or python3 dev.py manage backup out"

    found = list(commands_in(text, r"(?:manage\.py|dev\.py manage)"))

    assert found == [("restore", ["check"]), ("backup", [])]


# --- settings ---------------------------------------------------------------------------------


def test_the_file_of_examples_has_every_setting_and_no_other():
    source = read(ROOT / "servicedesk/settings.py")
    read_there = set(re.findall(r"(?:env\.\w+|_folder|_url)\(\s*\"([A-Z0-9_]+)\"", source))
    examples = read(ROOT / ".env.example")
    documented = set(re.findall(r"^#?([A-Z0-9_]+)=", examples, re.MULTILINE))
    compose = set(re.findall(r"\$\{([A-Z_]+)", read(ROOT / "docker-compose.yml")))

    assert len(read_there) > 15
    assert read_there - documented == set(), "read, but not documented"
    assert documented - read_there - compose - {"SECRET_KEY_FILE"} == set(), "documented, not read"


def test_the_table_of_settings_has_every_setting_and_no_other():
    examples = read(ROOT / ".env.example")
    documented = set(re.findall(r"^#?([A-Z0-9_]+)=", examples, re.MULTILINE)) - {"SECRET_KEY_FILE"}
    table = re.findall(r"^\| `([A-Z0-9_]+)`", read(ROOT / "docs/running.md"), re.MULTILINE)

    assert sorted(table) == sorted(documented)


# --- links ------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """The anchors of headings, as GitHub makes them."""
    found = set()
    for heading in HEADING.findall(FENCED.sub("", read(path))):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-"))
    return found


def test_every_link_leads_somewhere(document):
    for pair in LINK.findall(FENCED.sub("", read(document))):
        target = unquote(pair[0] or pair[1])
        if re.match(r"[a-z]+:", target):
            continue
        place, _sign, anchor = target.partition("#")
        path = (document.parent / place) if place else document
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path), target


def test_every_document_is_reached_from_the_readme():
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        path = todo.pop()
        if path in reached or path.suffix != ".md":
            continue
        reached.add(path)
        links = (unquote(first or second) for first, second in LINK.findall(read(path)))
        places = (link.partition("#")[0] for link in links if not re.match(r"[a-z]+:", link))
        todo += [(path.parent / place).resolve() for place in places if place]

    assert set(DOCUMENTS) - reached == set()


def test_every_picture_is_used_and_small():
    used = "".join(map(read, DOCUMENTS))
    for path in (ROOT / "docs/images").iterdir():
        assert path.name in used, f"{path.name} is shown nowhere"
        assert path.stat().st_size <= 200_000, path.name


# --- the code ---------------------------------------------------------------------------------


def test_every_named_file_of_the_code_exists(document):
    """`tickets/states.py` in backquotes names a file of the checkout."""
    places = re.findall(
        r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|html|css|js|yaml|yml|conf|po))`", read(document)
    )
    for place in places:
        assert (ROOT / place).exists() or (document.parent / place).exists(), place


def test_every_address_of_the_api_exists():
    paths = re.findall(r"^  (/api/v1/\S+):$", read(ROOT / "docs/openapi.yaml"), re.MULTILINE)
    known = [re.compile(re.sub(r"\\{\w+\\}", r"[^/]+", re.escape(path))) for path in paths]
    text = re.sub(r"\$\w+", "x", read(ROOT / "docs/api.md"))
    used = {place.rstrip("/") for place in re.findall(r"/api/v1(?:/[\w-]+)+", text)}

    assert len(used) > 8
    assert [place for place in used if not any(path.fullmatch(place) for path in known)] == []
