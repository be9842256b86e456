"""System checks: what would otherwise fail quietly in production."""

from __future__ import annotations

from ctypes.util import find_library
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.db import connections


@register("database")
def trigrams_know_chinese(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """With LC_CTYPE=C PostgreSQL takes no Chinese character for a letter."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT '打' ~ '[[:alpha:]]'")
            if not cursor.fetchone()[0]:
                found.append(
                    Error(
                        "The database does not treat Chinese characters as letters.",
                        hint="Create the cluster with --locale-provider=builtin "
                        "--builtin-locale=C.UTF-8 --lc-ctype=C.UTF-8.",
                        id="core.E001",
                    )
                )
    return found


@register()
def subsetter_is_installed(**kwargs: Any) -> list[CheckMessage]:
    if find_library("harfbuzz-subset"):
        return []
    return [
        checks.Warning(
            "libharfbuzz-subset is missing: each form takes many times as long to render.",
            hint="Install the package libharfbuzz-subset0.",
            id="core.W001",
        )
    ]
