"""The roof's own entries of the navigation, and how forms look."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from servicedesk.core.looks import Look, looks
from servicedesk.core.panels import Nav, nav

nav(Nav("home", _("My work"), "home", "desk:home", "", "", 10))
nav(
    Nav("archive", _("Archive of forms"), "archive", "documents:archive", "documents.see",
        _("Knowledge and records"), 70)
)  # fmt: skip
nav(
    Nav("handbook", _("Handbook"), "checklist", "desk:managers_handbook", "rules.see_own",
        _("Knowledge and records"), 80)
)  # fmt: skip
nav(
    Nav("managers", _("Service figures"), "chart-bar", "desk:managers", "managers.see",
        _("Managers"), 90)
)  # fmt: skip
nav(
    Nav("outbox", _("Outgoing messages"), "send", "desk:outbox", "outbox.see",
        _("Administration"), 95)
)  # fmt: skip

looks(
    "core.Document",
    {
        "open": Look("info", "signature"),
        "complete": Look("active", "loader"),
        "sealed": Look("good", "rosette"),
        "failed": Look("bad", "alert-circle"),
        "void": Look("muted", "file-off"),
    },
)
looks(
    "core.DocumentExport",
    {
        "queued": Look("info", "clock"),
        "running": Look("active", "loader"),
        "done": Look("good", "check"),
        "failed": Look("bad", "alert-circle"),
        "expired": Look("muted", "trash"),
    },
)
looks(
    "core.OutboxMessage",
    {
        "queued": Look("info", "clock"),
        "sending": Look("active", "send"),
        "sent": Look("good", "check"),
        "dead": Look("bad", "alert-circle"),
    },
)
