"""The vocabulary of the pages. Each tag draws one file of `templates/components/`.

Tags, not bare includes: an argument that is misspelt or missing fails when the template is
compiled, and what is optional has its default here. `docs/interface.md` shows them at work.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django import forms, template
from django.conf import settings
from django.template import Engine
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.template.defaultfilters import linebreaksbr
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, ngettext

from servicedesk.core.drawing import drawn, filled
from servicedesk.core.forms import ActionForm
from servicedesk.core.keyset import Page
from servicedesk.core.looks import look_of
from servicedesk.core.panels import NavItem

register = template.Library()
log = logging.getLogger(__name__)


# ---------------------------------------------------------------------------------------------
# Small things


def _svg(name: str) -> str:
    path = settings.NODE_MODULES / "@tabler" / "icons" / "icons" / "outline" / f"{name}.svg"
    try:
        source = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        # A page without one picture is better than no page; a test looks for wrong names.
        log.error("There is no icon %r", name)
        return ""
    inner = source[source.index(">", source.index("<svg")) + 1 : source.rindex("</svg>")]
    shapes = inner.replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "")
    return " ".join(shapes.split())


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, size: str = "") -> SafeString:
    """An outline icon of Tabler, hidden from screen readers. size: "", "sm", "lg", "xl"."""
    classes = f"icon icon-{size}" if size else "icon"
    return format_html(
        '<svg class="{}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"'
        ' stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{}</svg>',
        classes,
        mark_safe(_svg(name)),  # noqa: S308 - a file of the icon package, not input
    )


@register.simple_tag
def when(value: datetime | date | None, show: str = "short") -> SafeString | str:
    """A moment as people say it: 14:30 today, 11月21日 14:30, with the year if it is another.

    show: "short", "full" (always the whole date), "date" or "time".
    """
    if value is None:
        return mark_safe('<span class="nothing">—</span>')
    if isinstance(value, datetime) and timezone.is_aware(value):
        value = timezone.localtime(value)
    return _when(value, show, timezone.localdate(), get_language() or "")


@lru_cache(maxsize=4096)
def _when(value: datetime | date, show: str, today: date, language: str) -> SafeString:
    if isinstance(value, datetime):
        text = _moment(value, show, today)
        full = f"{value:%Y-%m-%d %H:%M}"
        machine = value.isoformat(timespec="seconds")
    else:
        text = full = date_format(value, _day_format(value, today=today))
        machine = value.isoformat()
    return format_html('<time datetime="{}" title="{}">{}</time>', machine, full, text)


def _day_format(day: date, *, today: date) -> str:
    # Translators: date formats after Django's `date` filter; Chinese: n月j日 and Y年n月j日.
    return gettext("M j") if day.year == today.year else gettext("M j, Y")


def _moment(local: datetime, show: str, today: date) -> str:
    clock = f"{local:%H:%M}"
    if show == "time":
        return clock
    if show == "full":
        return f"{local:%Y-%m-%d %H:%M}"
    if show == "date":
        return date_format(local, _day_format(local.date(), today=today))
    if local.date() == today:
        return gettext("today %(time)s") % {"time": clock}
    if local.date() == today - timedelta(days=1):
        return gettext("yesterday %(time)s") % {"time": clock}
    if local.date() == today + timedelta(days=1):
        return gettext("tomorrow %(time)s") % {"time": clock}
    return f"{date_format(local, _day_format(local.date(), today=today))} {clock}"


def spell_duration(seconds: float) -> str:
    """The two largest units: “2 d 4 h”, “3 h 12 min”, “25 min”; remaining.js says the same."""
    return _spell_minutes(int(abs(seconds) // 60), get_language() or "")


@lru_cache(maxsize=4096)
def _spell_minutes(minutes: int, language: str) -> str:
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [
        (days, gettext("%d d")),
        (hours, gettext("%d h")),
        (rest, gettext("%d min")),
    ]
    while len(parts) > 1 and parts[0][0] == 0:
        parts.pop(0)
    return " ".join(words % amount for amount, words in parts[:2] if amount or len(parts) == 1)


@register.filter
def duration(value: timedelta | float | None) -> str:
    """A length of time in words."""
    if value is None:
        return "—"
    return spell_duration(value.total_seconds() if isinstance(value, timedelta) else value)


@register.filter
def initials(name: str) -> str:
    """What an avatar shows: the given name's last two characters in Chinese, else two initials."""
    words = str(name).split()
    if not words:
        return "?"
    if _is_chinese(words[0]):
        # What ends so is a post and no name: 管理员, 值班员.
        return words[0][:2] if words[0].endswith("员") else words[0][-2:]
    latin = [word for word in words if not _is_chinese(word)]
    return "".join(word[0] for word in latin[:2]).upper()


def _is_chinese(word: str) -> bool:
    return any("\u4e00" <= char <= "\u9fff" for char in word)


@register.filter
def hue(name: str) -> int:
    """One of eight steady colours for a person's avatar."""
    return sum(str(name).encode()) % 8


@register.filter
def sections(navigation: Iterable[NavItem]) -> list[tuple[str, list[NavItem]]]:
    """The sidebar's groups, in the order of their first entry; places outside of it left out."""
    groups: dict[str, list[NavItem]] = {}
    for item in navigation:
        if item.section not in {"primary", "bar", "phone"}:
            groups.setdefault(str(item.section), []).append(item)
    return list(groups.items())


@register.simple_tag
def desk_words() -> str:
    """The few words that scripts need, as JSON for a data attribute (js/words.js)."""
    words = {
        "left": gettext("%s left"),
        "over": gettext("%s overdue"),
        "justOver": gettext("just overdue"),
        "days": gettext("%d d"),
        "hours": gettext("%d h"),
        "minutes": gettext("%d min"),
        "draftRestored": gettext("What you typed before was restored."),
        "draftDiscard": gettext("Discard"),
        "noResults": gettext("Nothing found"),
        "searching": gettext("Searching …"),
        "typeMore": gettext("Type to search"),
        "offline": gettext("No connection. Nothing was changed; try again."),
        "serverError": gettext("That did not work. Nothing was changed; please try again."),
    }
    return json.dumps(words, ensure_ascii=False)


# ---------------------------------------------------------------------------------------------
# Pieces without a body


@register.simple_tag(name="filled")
def filled_rows(
    template_name: str, rows: Iterable[Mapping[str, Any]], **context: str | bool
) -> SafeString:
    """The rows of a long list, drawn by one template (`core.drawing.filled`)."""
    return filled(template_name, rows, **context)


@register.simple_tag
def badge(label: Any, tone: str = "neutral", icon: str = "") -> SafeString:
    return drawn("components/badge.html", label=str(label), tone=tone, icon=icon)


@register.simple_tag
def status(obj: Any) -> SafeString:
    """The status of a record, in the look its app registered (`core.looks`)."""
    return _status(obj._meta, obj.status, get_language() or "")


@lru_cache(maxsize=512)
def _status(meta: Any, value: str, language: str) -> SafeString:
    look = look_of(meta.label, value)
    labels = dict(meta.get_field("status").flatchoices)
    return badge(labels.get(value, value), look.tone, look.icon)


MACHINE, DUE, WARN, URGENT = "[machine]", "[due]", "[warn]", "[urgent]"
# Yellow and red: from half of the time allowed and in its last sixth, or, where a moment was agreed
# upon and no time allowed, so many seconds before it. The telephone's pages know these, too.
SHARES = (1 / 2, 1 / 6)
FIXED = (30 * 60, 10 * 60)


@register.simple_tag
def remaining(
    deadline: Any = None,
    *,
    due_at: datetime | None = None,
    since: datetime | None = None,
    state: str = "",
    label: str = "",
) -> SafeString:
    """Time left until a deadline: an object like `sla.Deadline`, or `due_at` and `state`.

    since: when the time allowed began; its colour tells which share of it is used.
    States: "running" counts, also beyond the due time; "met", "late" (met after it was missed),
    "paused" and "cancelled" stand still.
    """
    if deadline is not None:
        due_at = deadline.due_at
        since = deadline.counted_from
        state = deadline.status
        if state == "met" and deadline.missed_at is not None:
            state = "late"
    state = state or "running"
    left = (due_at - timezone.now()).total_seconds() if due_at else 0
    warn, urgent = _limits(since, due_at)
    level = "ok"
    if left < 0:
        level = "over"
    elif left <= urgent:
        level = "urgent"
    elif left <= warn:
        level = "warn"
    if left >= 0:
        text = gettext("%s left") % spell_duration(left)
    elif left > -60:
        # Not yet a minute: “0 min” says nothing.
        text = gettext("just overdue")
    else:
        text = gettext("%s overdue") % spell_duration(left)
    local = timezone.localtime(due_at) if due_at else None
    # Moments and limits differ from row to row; all else of a chip is drawn once.
    pattern = drawn(
        "components/remaining.html",
        machine=MACHINE if local else "",
        due=DUE if local else "",
        state=state,
        level=level,
        text=text,
        warn=WARN,
        urgent=URGENT,
        label=str(label),
    )
    if local is None:
        return pattern
    chip: str = pattern
    machine, due = local.isoformat(timespec="seconds"), f"{local:%Y-%m-%d %H:%M}"
    for place, digits in ((MACHINE, machine), (DUE, due), (WARN, str(warn)), (URGENT, str(urgent))):
        chip = chip.replace(place, digits)
    return mark_safe(chip)  # noqa: S308 - digits


def _limits(since: datetime | None, due_at: datetime | None) -> tuple[int, int]:
    """With how many seconds left it turns yellow and red."""
    if since is None or due_at is None or since >= due_at:
        return FIXED
    allowed = (due_at - since).total_seconds()
    return round(allowed * SHARES[0]), round(allowed * SHARES[1])


@register.inclusion_tag("components/timeline.html")
def timeline(entries: Iterable[Any], *, empty: str = "") -> dict[str, Any]:
    """Lines of `core.timeline`, in the order given: .at .recorded_at .late .label .text .actor_label."""
    rows = filled("components/timeline_row.html", map(_timeline_cells, entries))
    return {"rows": rows, "empty": empty}


def _timeline_cells(entry: Any) -> dict[str, object]:
    label, text = entry.label, getattr(entry, "text", "")
    if url := getattr(entry, "url", ""):
        label = format_html('<a href="{}">{}</a>', url, label)
    late = ""
    if getattr(entry, "late", False):
        late = format_html(
            '<span class="timeline-late">{}{} {}</span>',
            icon("history"), gettext("entered later:"), when(entry.recorded_at),
        )  # fmt: skip
    return {
        "tone": getattr(entry, "tone", "") or "neutral",
        "icon": icon(getattr(entry, "icon", "") or "point"),
        "label": label,
        "text": text and format_html('<div class="timeline-text">{}</div>', linebreaksbr(text)),
        "actor": getattr(entry, "actor_label", ""),
        "at": when(entry.at),
        "late": late,
    }


@register.inclusion_tag("components/history.html")
def history_table(changes: Iterable[Any]) -> dict[str, Any]:
    """Who changed what from which value to which: .at .actor_label .field .old .new."""
    return {"changes": list(changes)}


@register.inclusion_tag("components/empty.html")
def empty(
    title: str,
    text: str = "",
    *,
    icon: str = "inbox",
    url: str = "",
    label: str = "",
    action_icon: str = "plus",
) -> dict[str, Any]:
    """Nothing here yet, and what to do next."""
    return {
        "title": title,
        "text": text,
        "icon": icon,
        "url": url,
        "label": label,
        "action_icon": action_icon,
    }


@register.inclusion_tag("components/pager.html")
def pager(page: Page[Any], *, note: str = "") -> dict[str, Any]:
    """Backwards and forwards through a keyset page (`core.keyset`)."""
    return {"previous": page.previous_url, "next": page.next_url, "note": note}


@register.inclusion_tag("components/tabs.html")
def tabs(items: Iterable[Any], *, label: str = "") -> dict[str, Any]:
    """Links to the parts of a page or the views of a list: (label, url, active, count=None)."""
    rows = []
    for item in items:
        text, url, active, *more = item
        rows.append(
            {"label": text, "url": url, "active": active, "count": more[0] if more else None}
        )
    return {"items": rows, "label": label}


@register.inclusion_tag("components/stat.html")
def stat(
    label: str,
    value: Any,
    *,
    icon: str = "",
    hint: str = "",
    url: str = "",
    tone: str = "neutral",
) -> dict[str, Any]:
    return {"label": label, "value": value, "icon": icon, "hint": hint, "url": url, "tone": tone}


@register.inclusion_tag("components/stepper.html")
def stepper(steps: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    """Where a process stands: (label, state, at=None); state "done", "current" or "todo"."""
    rows = []
    for step in steps:
        label, state, *more = step
        rows.append({"label": label, "state": state, "at": more[0] if more else None})
    return {"steps": rows}


@register.simple_tag
def person(name: Any, note: str = "", *, size: str = "", url: str = "") -> SafeString:
    """Somebody's name beside a coloured disc; None or "" is “nobody yet”."""
    return drawn("components/person.html", name=str(name or ""), note=str(note), size=size, url=url)


@register.inclusion_tag("components/phone.html")
def phone(number: str | None, *, big: bool = False) -> dict[str, Any]:
    """A number one can dial. A masked one (with *) is shown, not linked."""
    text = number or ""
    return {"number": text, "masked": "*" in text, "big": big}


@register.inclusion_tag("components/file_list.html")
def file_list(files: Iterable[Any]) -> dict[str, Any]:
    """Attached files: .name .url .size .added_by .added_at (the last three may be missing)."""
    return {
        "files": [
            {
                "name": file.name,
                "url": file.url,
                "size": getattr(file, "size", None),
                "added_by": getattr(file, "added_by", ""),
                "added_at": getattr(file, "added_at", None),
                "icon": _file_icon(file.name),
            }
            for file in files
        ]
    }


def _file_icon(name: str) -> str:
    suffix = name.rpartition(".")[2].lower()
    if suffix in {"png", "jpg", "jpeg", "gif", "webp", "heic"}:
        return "photo"
    return {"pdf": "file-type-pdf", "xlsx": "file-spreadsheet", "csv": "file-spreadsheet"}.get(
        suffix, "file-text"
    )


# ---------------------------------------------------------------------------------------------
# Forms


@register.inclusion_tag("components/form_for.html", takes_context=True)
def form_for(
    context: template.Context,
    form: forms.BaseForm,
    *,
    action: str = "",
    submit: str = "",
    icon: str = "",
    cancel: str = "",
    target: str = "",
    style: str = "primary",
    sticky: bool = False,
) -> dict[str, Any]:
    """A whole form, ready to send by POST.

    target: the CSS selector htmx replaces with the answer; without it the page is loaded anew.
    sticky: the button stays in sight at the bottom (long forms, phones).
    """
    return {
        "form": form,
        "action": action,
        "submit": submit or gettext("Save"),
        "icon": icon,
        "cancel": cancel,
        "target": target,
        "style": style,
        "sticky": sticky,
        "draft_key": getattr(form, "draft_key", ""),
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("components/action_panel.html", takes_context=True)
def action_panel(
    context: template.Context,
    actions: Sequence[ActionForm],
    *,
    target: str = "",
    empty: str = "",
) -> dict[str, Any]:
    """What may be done with a record now, as buttons. See `core.forms.ActionForm`."""
    rank = {"primary": 0, "plain": 1, "danger": 2}
    return {
        "actions": [
            (action, _fetched(action)) for action in sorted(actions, key=lambda a: rank[a.style])
        ],
        "target": target,
        "empty": empty,
        "csrf_token": context.get("csrf_token"),
    }


def _fetched(action: ActionForm) -> str:
    """Its markup, if it is one whose form is fetched when it is wanted."""
    if not action.needs_dialog or action.form or not action.asks or action.open:
        return ""
    words = {"name": action.name, "label": action.label, "url": action.url}
    return filled("components/action_fetched.html", [words], style=action.style, icon=action.icon)


@register.inclusion_tag("components/errors.html")
def form_errors(form: forms.BaseForm) -> dict[str, Any]:
    """What is wrong, above the form, each line leading to its field."""
    fields = [f for f in form if f.errors and (f.field.label or not f.is_hidden)]
    hidden = [e for each in form.hidden_fields() if not each.field.label for e in each.errors]
    count = sum(len(field.errors) for field in fields)
    return {
        "fields": fields,
        "others": [*form.non_field_errors(), *hidden],
        "title": ngettext("Please check one entry.", "Please check %(n)d entries.", count)
        % {"n": count},
    }


# ---------------------------------------------------------------------------------------------
# Pieces with a body: {% card title="…" %}…{% endcard %}


class _BodyNode(template.Node):
    """Renders its body, then `template_name` around it with the arguments and `body`."""

    child_nodelists = ("nodelist",)

    def __init__(
        self,
        template_name: str,
        nodelist: NodeList,
        arguments: Mapping[str, FilterExpression],
        defaults: Mapping[str, Any],
    ) -> None:
        self.template_name = template_name
        self.nodelist = nodelist
        self.arguments = arguments
        self.defaults = defaults

    def render(self, context: template.Context) -> SafeString:
        given = {name: value.resolve(context) for name, value in self.arguments.items()}
        body = self.nodelist.render(context)
        frame = Engine.get_default().get_template(self.template_name)
        inner = context.new({**self.defaults, **given, "body": body})
        if (csrf_token := context.get("csrf_token")) is not None:
            inner["csrf_token"] = csrf_token
        return frame.render(inner)


def _is_value(bit: str) -> bool:
    return re.match(r"\w+=", bit) is None


def _body_tag(name: str, **defaults: Any) -> None:
    """Register `{% name key=value … %}body{% endname %}`, drawn by components/<name>.html.

    The first argument may go without its name: `{% card _("History") %}`.
    """

    def compile_tag(parser: Parser, token: Token) -> _BodyNode:
        bits = token.split_contents()[1:]
        first = next(iter(defaults))
        arguments = (
            {first: parser.compile_filter(bits.pop(0))} if bits and _is_value(bits[0]) else {}
        )
        arguments |= token_kwargs(bits, parser)
        if bits:
            raise template.TemplateSyntaxError(f"{name}: not key=value: {' '.join(bits)}")
        if unknown := set(arguments) - set(defaults):
            raise template.TemplateSyntaxError(f"{name} does not know {', '.join(sorted(unknown))}")
        nodelist = parser.parse((f"end{name}",))
        parser.delete_first_token()
        return _BodyNode(f"components/{name}.html", nodelist, arguments, defaults)

    register.tag(name, compile_tag)


# The head of a page; the body holds its buttons. breadcrumbs: [(label, url), …]; back: one URL.
_body_tag("page_header", title="", subtitle="", breadcrumbs=(), back="", eyebrow="", badge=None)
# A framed part of a page. flush: no padding, for tables and lists. link/link_label: at its head.
_body_tag(
    "card",
    title="",
    subtitle="",
    icon="",
    flush=False,
    id="",
    link="",
    link_label="",
    tone="",
    count=None,
)
# A table that scrolls sideways on its own and keeps its head in sight. label: for screen readers.
_body_tag("data_table", label="", sticky=True)
# Label and value pairs; inside: {% fact %}. columns: 1, 2 or 3.
_body_tag("facts", columns=1)
# One pair with a value of markup; for plain text {% fact label value %} is shorter.
_body_tag("fact_block", label="")
# The filters of a list, sent by GET. form: a bound form. reset: URL without filters.
_body_tag("filter_bar", form=None, action="", reset="", active=0, target="")
# A message that stays on the page. tone: info, good, wait, bad.
_body_tag("notice", tone="info", title="", icon="")
# A native dialog, opened by any <button data-opens="ID">.
_body_tag("dialog", id="", title="", wide=False)
# A button that opens a small menu. Inside: <a class="menu-item"> or forms.
_body_tag("menu", label="", icon="", title="", align="end", style="ghost")
# The bar with the one big button on the phone, always at the thumb.
_body_tag("thumb_bar", note="")


@register.inclusion_tag("components/fact.html")
def fact(label: str, value: Any = None, *, icon: str = "") -> dict[str, Any]:
    """One label and its value; nothing is shown as a dash, never as an empty place."""
    blank = value is None or value == ""
    return {"label": label, "value": value, "blank": blank, "icon": icon}
