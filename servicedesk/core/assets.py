"""What a telephone keeps of the product to start without a network, and the version of it.

The list is found, not written down: modules name each other by `import`, so whatever an entry
needs is on it. Each file goes with its hash; a telephone that loads while a new version is being
rolled out gets either the old files or the new ones, never a mixture.
"""

from __future__ import annotations

import base64
import hashlib
import posixpath
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.templatetags.static import static

# What the pages of the telephone name in their head.
ENTRIES = (
    "vendor/@tabler/core/dist/css/tabler.min.css",
    "css/tokens.css",
    "css/components.css",
    "css/phone.css",
    "css/visits.css",
    "css/paper.css",
    "css/signing.css",
    "css/print.css",
    "icons/desk.svg",
    "icons/phone-192.png",
    "js/theme-early.js",
    "js/handed-over-early.js",
    "js/main.js",
    "js/visits.js",
    "js/phone/main.js",
)
# Named by no import that can be read.
BESIDES = ("vendor/signature_pad/dist/signature_pad.min.js",)
# Where a customer signs without a network; no other page loads what this alone needs.
SIGNING = frozenset({"js/phone/lent.js", *BESIDES})
_IMPORT = re.compile(
    r"""(?:^(?:import|export)\b[^"';(]*|\bimport\()["'](\.{1,2}/[^"']+)["']""", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Asset:
    url: str
    integrity: str


def phone_assets() -> tuple[Asset, ...]:
    return _read() if settings.DEBUG else _remembered()


def asset_version() -> str:
    """Another one as soon as any file that a telephone keeps is another one."""
    text = "\n".join(f"{asset.url} {asset.integrity}" for asset in phone_assets())
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def script_names(*, without: Collection[str] = ()) -> list[str]:
    """The scripts among them, as names under `static/`; `without` some, and what they alone need."""
    return [name for name in _closure(without) if name.endswith(".js")]


@lru_cache(maxsize=1)
def _remembered() -> tuple[Asset, ...]:
    return _read()


def _read() -> tuple[Asset, ...]:
    return tuple(_asset(name) for name in _closure())


def _asset(name: str) -> Asset:
    # Pages name a file by its hash where the storage gives it one; modules import each other by
    # the plain name.
    if name in ENTRIES and hasattr(staticfiles_storage, "stored_name"):
        with staticfiles_storage.open(staticfiles_storage.stored_name(name)) as file:
            url, body = static(name), file.read()
    else:
        url, body = f"{settings.STATIC_URL}{name}", _source(name)
    return Asset(url, f"sha256-{base64.b64encode(hashlib.sha256(body).digest()).decode()}")


def _closure(without: Collection[str] = ()) -> list[str]:
    wanted, seen = [*ENTRIES, *BESIDES], dict[str, None]()
    while wanted:
        name = wanted.pop(0)
        if name in seen or name in without:
            continue
        seen[name] = None
        if name.endswith(".js"):
            folder, imported = posixpath.dirname(name), _IMPORT.findall(_source(name).decode())
            wanted += [posixpath.normpath(posixpath.join(folder, path)) for path in imported]
    return list(seen)


def _source(name: str) -> bytes:
    path = finders.find(name)
    if not isinstance(path, str):
        raise FileNotFoundError(f"static/{name} is kept on telephones, but it is not there")
    return Path(path).read_bytes()
