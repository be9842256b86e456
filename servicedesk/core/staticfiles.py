"""Files of npm packages are served as they were installed, under `vendor/`; nothing is copied in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import FileSystemFinder
from django.core.checks import CheckMessage
from django.core.files.storage import FileSystemStorage

# What pages ask for, with the source maps that these files name; the rest is not published.
PUBLISHED = frozenset(
    {
        "@tabler/core/dist/css/tabler.min.css",
        "@tabler/core/dist/css/tabler.min.css.map",
        "echarts/dist/echarts.common.min.js",
        "idb/build/index.js",
        "signature_pad/dist/signature_pad.min.js",
        "signature_pad/dist/signature_pad.min.js.map",
        "tom-select/dist/js/tom-select.base.min.js",
        "tom-select/dist/js/tom-select.base.min.js.map",
    }
)


class PackageFinder(FileSystemFinder):
    """Finds `vendor/<path in node_modules>`."""

    def __init__(self, app_names: object = None) -> None:
        folders = sorted({str(Path(name).parent) for name in PUBLISHED})
        self.locations = [
            (f"vendor/{folder}", str(settings.NODE_MODULES / folder))
            for folder in folders
            if (settings.NODE_MODULES / folder).is_dir()
        ]
        self.storages = {}
        for prefix, root in self.locations:
            storage = FileSystemStorage(location=root)
            storage.prefix = prefix  # type: ignore[attr-defined]
            self.storages[root] = storage

    def find_location(self, root: str, path: str, prefix: str | None = None) -> str | None:
        published = path.removeprefix("vendor/") in PUBLISHED
        return super().find_location(root, path, prefix) if published else None

    # Before `list`, whose name hides the type's inside the class.
    def check(self, **kwargs: Any) -> list[CheckMessage]:
        return []

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Any]]:
        for name, storage in super().list(ignore_patterns):
            if f"{storage.prefix}/{name}".removeprefix("vendor/") in PUBLISHED:
                yield name, storage
