"""Field history by django-simple-history: who changed what from → to.

A history row is written in the name of the acting actor. A write outside of an action has
none and is refused: that is how the house knows that there is no second code path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db import models
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext as _
from simple_history.models import HistoricalRecords
from simple_history.signals import pre_create_historical_record

from servicedesk.core.actions import acting, heard_at


class HistoryRow(models.Model):
    """What each history table carries besides the record's own fields."""

    actor_kind = models.CharField(max_length=10)
    actor_label = models.CharField(max_length=200)

    class Meta:
        abstract = True


def tracked(**options: Any) -> HistoricalRecords:
    """The `history` attribute of a model outside the `Record` family."""
    return HistoricalRecords(bases=[HistoryRow], **options)


@receiver(pre_create_historical_record)
def sign_history(sender: Any, **kwargs: Any) -> None:
    row = kwargs["history_instance"]
    actor = acting()
    if actor is None:
        raise RuntimeError(f"{sender.__name__} may be written by an action only")
    row.actor_kind, row.actor_label = actor.kind, actor.label
    row.history_date = heard_at() or row.history_date
    row.history_user_id = actor.id if actor.kind in {"user", "client"} else None


def write_history(records: Sequence[Any], *, is_new: bool) -> None:
    """The history of what was written by `bulk_create` or `bulk_update`, which send no signal."""
    actor = acting()
    if actor is None:
        raise RuntimeError("Only an action writes history")
    if not records:
        return
    rows = records[0].history.model
    at = heard_at() or timezone.now()
    user_id = actor.id if actor.kind in {"user", "client"} else None
    rows.objects.bulk_create(
        [
            rows(
                history_date=at,
                history_type="+" if is_new else "~",
                history_user_id=user_id,
                actor_kind=actor.kind,
                actor_label=actor.label,
                **{field.attname: getattr(each, field.attname) for field in rows.tracked_fields},
            )
            for each in records
        ],
        batch_size=500,
    )


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one change, as the record's page shows it."""

    at: datetime
    actor_label: str
    field: str
    old: Any
    new: Any


UNINTERESTING = {"version", "search", "queue", "updated_at"}


def changes(obj: Any, *, limit: int = 50) -> list[Change]:
    """The newest changes of the record's fields, newest first: one query, plus foreign names."""
    rows = list(obj.history.order_by("-history_date", "-history_id")[: limit + 1])
    found: list[Change] = []
    for new, old in pairwise(rows):
        found += _compare(new, old)
    if rows and rows[-1].history_type == "+":
        first = rows[-1]
        found.append(Change(first.history_date, _actor(first), "", None, str(obj)))
    return found


def _compare(new: Any, old: Any) -> Sequence[Change]:
    found = []
    for field in new.tracked_fields:
        if field.name in UNINTERESTING or field.primary_key:
            continue
        before, after = getattr(old, field.attname), getattr(new, field.attname)
        if before != after:
            found.append(
                Change(
                    new.history_date,
                    _actor(new),
                    str(field.verbose_name),
                    _shown(field, before),
                    _shown(field, after),
                )
            )
    return found


def _actor(row: Any) -> str:
    return _("System") if row.actor_kind == "system" else str(row.actor_label)


def _shown(field: models.Field[Any, Any], value: Any) -> Any:
    if value is not None and isinstance(field, models.ForeignKey):
        target = field.related_model._base_manager.filter(pk=value).first()
        return str(target or value)
    if field.choices:
        return dict(field.flatchoices).get(value, value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return value
