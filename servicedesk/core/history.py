"""Field history by django-simple-history: who changed what from → to.

A history row is written in the name of the acting actor. A write outside of an action has
none and is refused: that is how the house knows that there is no second code path.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import pairwise
from typing import Any

from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext as _
from simple_history.models import HistoricalRecords

from servicedesk.core.actions import acting, heard_at


class HistoryRow(models.Model):
    """What each history table carries besides the record's own fields."""

    actor_kind = models.CharField(max_length=10)
    actor_label = models.CharField(max_length=200)

    class Meta:
        abstract = True


class FieldHistory(HistoricalRecords):  # type: ignore[misc]
    """The library's tables and managers, filled by `write_history`."""

    def post_save(self, instance: models.Model, *, created: bool, **kwargs: Any) -> None:
        write_history([instance], "+" if created else "~")

    def pre_delete(self, instance: models.Model, **kwargs: Any) -> None:
        write_history([instance], "-")

    def post_delete(self, instance: models.Model, **kwargs: Any) -> None:
        """The last row was copied while it was still there."""


def tracked(**options: Any) -> FieldHistory:
    """The `history` attribute of a model outside the `Record` family."""
    return FieldHistory(bases=[HistoryRow], **options)


def write_history(records: Sequence[models.Model], kind: str) -> None:
    """Copy the records' rows into their history, in one statement; `kind` is "+", "~" or "-".

    In the database, since that takes a third of the time.
    """
    actor = acting()
    if actor is None:
        raise RuntimeError("Tracked records may be written by an action only")
    if not records:
        return
    at = heard_at() or timezone.now()
    user_id = actor.id if actor.kind in {"user", "client"} else None
    with connection.cursor() as cursor:
        cursor.execute(
            _copy(type(records[0])),
            [at, kind, user_id, actor.kind, actor.label, [record.pk for record in records]],
        )


def create_all(records: Sequence[Any]) -> None:
    """New records of one model with their history, in a few statements."""
    if records:
        type(records[0])._base_manager.bulk_create(records, batch_size=500)
        write_history(records, "+")


def change_all(records: Sequence[Any], *fields: str) -> None:
    """The same for the named fields of records that exist."""
    if records:
        type(records[0])._base_manager.bulk_update(records, fields, batch_size=500)
        write_history(records, "~")


@cache
def _copy(model: Any) -> str:
    rows = model.history.model
    columns = ", ".join(f'"{field.column}"' for field in rows.tracked_fields if not field.generated)
    return (
        f'INSERT INTO "{rows._meta.db_table}" ({columns}, history_date, history_type,'  # noqa: S608
        " history_user_id, actor_kind, actor_label)"
        f" SELECT {columns}, %s, %s, %s, %s, %s"
        f' FROM "{model._meta.db_table}" WHERE "{model._meta.pk.column}" = ANY(%s) ORDER BY 1'
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


def version_at(obj: Any, at: datetime) -> int:
    """The version that the record had at a moment; 0 before there was one."""
    row = obj.history.filter(history_date__lte=at).order_by("-version").first()
    return row.version if row is not None else 0


def changes_of_versions(
    obj: Any, versions: Collection[int], fields: Collection[str], related: Collection[str] = ()
) -> list[Change]:
    """What these versions changed of the fields, oldest first.

    related: records that belong to it, by the name of the relation; all their fields count.
    """
    if not versions:
        return []
    rows = list(
        obj.history.filter(
            version__gte=min(versions) - 1, version__lte=max(versions)
        ).order_by("version", "history_id")
    )  # fmt: skip
    found: list[Change] = []
    for old, new in pairwise(rows):
        if new.version not in versions:
            continue
        found += _compare(new, old, fields)
        for name in related:
            found += _changes_beside(obj, name, old.history_date, new.history_date)
    return found


def _changes_beside(obj: Any, name: str, after: datetime, until: datetime) -> list[Change]:
    relation = obj._meta.get_field(name)
    rows = relation.related_model.history.filter(
        **{relation.field.name: obj.pk}, history_date__lte=until
    ).order_by("id", "history_id")
    found: list[Change] = []
    former: Any = None
    for row in rows:
        if row.history_date > after:
            if former is not None and former.id == row.id:
                found += _compare(row, former)
            else:
                what = str(relation.related_model._meta.verbose_name)
                found.append(Change(row.history_date, _actor(row), what, None, _("new")))
        former = row
    return found


def _compare(new: Any, old: Any, only: Collection[str] | None = None) -> Sequence[Change]:
    found = []
    for field in new.tracked_fields:
        if field.name in UNINTERESTING or field.primary_key:
            continue
        if only is not None and field.name not in only:
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
