"""The frame of every action: one transaction, one actor, one locked row, one version more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.utils.translation import gettext as _

from servicedesk.core.actors import Actor
from servicedesk.core.errors import Stale, WrongState
from servicedesk.core.states import Machine, Transition

P = ParamSpec("P")
R = TypeVar("R")

_moment: ContextVar[datetime | None] = ContextVar("moment", default=None)
_replaying: ContextVar[bool] = ContextVar("replaying", default=False)
_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)
_expected: ContextVar[tuple[type[models.Model], int, Collection[int]] | None] = ContextVar(
    "expected", default=None
)


def acting() -> Actor | None:
    """The actor of the action that runs now; None outside of any."""
    return _acting.get()


def action(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function an action: it runs in a transaction, and its writes are `by`'s.

    Tracked records (`core.history`) refuse to be written outside of one.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        by = kwargs["by"]
        assert isinstance(by, Actor)
        at = kwargs.get("at")
        token, moment = _acting.set(by), _moment.set(at if isinstance(at, datetime) else None)
        try:
            with transaction.atomic():
                return function(*args, **kwargs)
        finally:
            _acting.reset(token)
            _moment.reset(moment)

    run.is_action = True  # type: ignore[attr-defined]
    return run


@contextmanager
def replaying() -> Iterator[None]:
    """Believe each action's `at` as the moment it was recorded, too.

    For demo data and for what is taken over from another system: without it the journal
    would call every entry reported late.
    """
    token = _replaying.set(True)
    try:
        yield
    finally:
        _replaying.reset(token)


def heard_at() -> datetime | None:
    """When a replayed action says it was recorded; None: now, by the database's clock."""
    return _moment.get() if _replaying.get() else None


def require(by: Actor, permission: str) -> None:
    """The first line of an action that creates something."""
    if not by.may(permission):
        raise PermissionDenied(f"{by.label} lacks {permission}")


def begin(machine: Machine, name: str, obj: Any, *, by: Actor) -> Transition:
    """The first line of an action on a record: lock the row, check permission, then status.

    It refreshes the caller's own object, so the caller sees what the action did; unsaved
    changes on the object are lost. Raises PermissionDenied, WrongState or Stale.
    """
    lock(obj)
    step = machine[name]
    require(by, step.permission)
    if obj.status not in step.sources:
        raise WrongState(
            _("%(object)s is “%(status)s”; “%(action)s” is not possible.")
            % {"object": obj, "status": obj.get_status_display(), "action": step.label}
        )
    return step


def lock(obj: Any) -> None:
    """Lock the row until the transaction ends and refresh the object from it."""
    obj.refresh_from_db(from_queryset=type(obj)._base_manager.select_for_update(no_key=True))
    expected = _expected.get()
    if expected is None or expected[:2] != (type(obj), obj.pk):
        return
    if obj.version not in expected[2]:
        raise Stale(_("%(object)s was changed by somebody else meanwhile.") % {"object": obj})


@contextmanager
def expecting(obj: Any, versions: Collection[int] | None) -> Iterator[None]:
    """Refuse the action inside if the record is at none of the `versions` (`If-Match`)."""
    token = _expected.set(None if versions is None else (type(obj), obj.pk, versions))
    try:
        yield
    finally:
        _expected.reset(token)


def advance(obj: Any, step: Transition, *fields: str) -> None:
    """Write the changed `fields` and the status the step leads to."""
    if step.target is not None:
        obj.status = step.target
        fields = ("status", *fields)
    save_changes(obj, *fields)


def save_changes(obj: Any, *fields: str) -> None:
    """Save only what the action changed, as the record's next version."""
    obj.version += 1
    obj.save(update_fields=["version", *fields])
