"""The blocks of the dispatch board. There are hundreds of them, and a template for each took a second."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from servicedesk.core.templatetags.desk import icon
from visits.planning import Block
from visits.states import Status

register = template.Library()


@register.simple_tag(takes_context=True)
def board_block(context: dict[str, Any], block: Block, place: str) -> SafeString:
    """An appointment or a plan in a row of time ("day") or in a cell of the week ("week")."""
    visit = block.visit
    start = f"{timezone.localtime(block.window_from):%H:%M}"
    until = f"–{timezone.localtime(block.window_until):%H:%M}"
    return format_html(
        '<article class="{}"{}><p class="block-time">{}{}</p>'
        '<p class="block-store"><a href="{}">{}</a></p><p class="block-line">{}{}</p>{}</article>',
        _classes(block, place, chosen=visit == context["chosen"]),
        _handle(block, start) if block.movable else "",
        start,
        until if place == "week" or block.quarters > LEAST_WIDTH else "",
        _address(context, block),
        visit.store.name,
        visit.store.district,
        _standing(block),
        _marks(block),
    )


# So many quarters of an hour have room for the end of the window.
LEAST_WIDTH = 5


def _classes(block: Block, place: str, *, chosen: bool) -> str:
    return " ".join(
        filter(
            None,
            (
                "block",
                "block-agreed" if block.agreed else "block-planned",
                f"block-{block.tone}" if block.tone else "",
                "block-chosen" if chosen else "",
                f"c{block.column} w{block.quarters}" if place == "day" else "",
            ),
        )
    )


def _handle(block: Block, start: str) -> SafeString:
    """By what the script takes hold of it."""
    number = block.visit.number
    return format_html(
        ' tabindex="0" data-order="{}" data-plan="{}" data-length="{}" data-name="{} {}"'
        ' data-start="{}"',
        number, reverse("visits:act", args=[number, "plan"]), block.minutes, number,
        block.visit.store.name, start,
    )  # fmt: skip


def _address(context: dict[str, Any], block: Block) -> str:
    if not block.movable:
        return block.visit.get_absolute_url()
    return f"?day={context['day']:%Y-%m-%d}&span={context['span']}&order={block.visit.number}"


def _standing(block: Block) -> SafeString | str:
    """What the colour of the block does not say."""
    if not block.agreed:
        return format_html(" <strong>{}</strong>", _("not agreed"))
    if block.visit.status != Status.APPOINTED:
        return f" {block.visit.get_status_display()}"
    return ""


def _marks(block: Block) -> SafeString | str:
    if not block.marks:
        return ""
    sign = icon("alert-triangle", "sm")
    return format_html_join(
        "",
        '<p class="block-mark block-mark-{}">{}{}</p>',
        ((tone, sign, text) for tone, text in block.marks),
    )
