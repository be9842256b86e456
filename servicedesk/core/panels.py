"""Where upper apps show themselves: the navigation, and parts on the pages of lower apps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from servicedesk.core.actors import Actor


@dataclass(frozen=True, slots=True)
class Nav:
    """An entry of the navigation. `permission` may be empty: everybody sees it."""

    key: str
    label: Any
    icon: str
    url_name: str
    permission: str
    section: Any
    order: int
    badge: Callable[[Actor], int] | None = None


@dataclass(frozen=True, slots=True)
class NavItem:
    label: Any
    icon: str
    url: str
    section: Any
    active: bool
    badge: int


_navigation: list[Nav] = []


def nav(entry: Nav) -> None:
    _navigation.append(entry)
    _navigation.sort(key=lambda item: item.order)


def navigation(request: HttpRequest, actor: Actor) -> list[NavItem]:
    """What this person may go to; the entry with the longest matching path is the active one."""
    entries = [e for e in _navigation if not e.permission or actor.may(e.permission)]
    urls = {e.key: reverse(e.url_name) for e in entries}
    here = max((u for u in urls.values() if request.path.startswith(u)), key=len, default="")
    return [
        NavItem(
            e.label, e.icon, urls[e.key], e.section, urls[e.key] == here,
            e.badge(actor) if e.badge else 0,
        )
        for e in entries
    ]  # fmt: skip


Context = Callable[[Any, Actor], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a record's page that an upper app brings: template and its context.

    The context function returns None where the panel has nothing to show.
    """

    page: str
    template: str
    context: Context
    order: int


_panels: list[Panel] = []


def panel(page: str, template: str, *, order: int = 50) -> Callable[[Context], Context]:
    """Register a panel on a page such as `customers.store` or `tickets.ticket`."""

    def register(context: Context) -> Context:
        _panels.append(Panel(page, template, context, order))
        _panels.sort(key=lambda p: p.order)
        return context

    return register


def render_panels(page: str, obj: Any, request: HttpRequest) -> list[SafeString]:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = [(part, part.context(obj, actor)) for part in _panels if part.page == page]
    return [
        render_to_string(part.template, context, request)
        for part, context in found
        if context is not None
    ]
