"""The entry of the navigation, and how the statuses look."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from knowledge.states import Status
from servicedesk.core.looks import Look, looks
from servicedesk.core.panels import Nav, nav

nav(
    Nav(
        key="knowledge", label=_("Knowledge"), icon="book", url_name="knowledge:list",
        permission="knowledge.see", section=_("Knowledge and records"), order=62,
    )
)  # fmt: skip
looks(
    "knowledge.Article",
    {
        Status.DRAFT: Look("wait", "pencil"),
        Status.PUBLISHED: Look("good", "checks"),
        Status.RETIRED: Look("muted", "archive"),
    },
)
