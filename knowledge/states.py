from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from servicedesk.core.states import Machine, Transition


class Status(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


_ALL = frozenset(Status.values)

ARTICLE = Machine(
    Transition(
        "edit", _("Edit"), frozenset({Status.DRAFT, Status.PUBLISHED}), None, "knowledge.write",
        "edit",
    ),
    Transition(
        "publish", _("Publish"), frozenset({Status.DRAFT, Status.RETIRED}), Status.PUBLISHED,
        "knowledge.publish", "checks",
    ),
    Transition(
        "retire", _("Retire"), frozenset({Status.DRAFT, Status.PUBLISHED}), Status.RETIRED,
        "knowledge.publish", "archive",
    ),
    Transition("use", _("It helped"), _ALL, None, "knowledge.see", "thumb-up"),
)  # fmt: skip
