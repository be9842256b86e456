"""npm packages are served as they were installed, under `vendor/`; nothing is copied in."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import FileSystemFinder
from django.core.files.storage import FileSystemStorage

# What a page may ask for; the rest of node_modules is not published.
PUBLISHED = (
    "@tabler/core/dist/css",
    "@tabler/core/dist/js",
    "signature_pad/dist",
    "tom-select/dist",
    "idb/build",
    "echarts/dist",
)


class PackageFinder(FileSystemFinder):
    """Finds `vendor/<package folder>/<file>` in node_modules."""

    def __init__(self, app_names: object = None) -> None:
        self.locations = [
            (f"vendor/{folder}", str(settings.NODE_MODULES / folder))
            for folder in PUBLISHED
            if Path(settings.NODE_MODULES / folder).is_dir()
        ]
        self.storages = {}
        for prefix, root in self.locations:
            storage = FileSystemStorage(location=root)
            storage.prefix = prefix  # type: ignore[attr-defined]
            self.storages[root] = storage

    def check(self, **kwargs: object) -> list[object]:
        return []
