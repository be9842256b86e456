"""Fields and the abstract bases that all business records share."""

from __future__ import annotations

import uuid
from datetime import date

import uuid_utils.compat
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from servicedesk.core.history import tracked


def uuid7() -> uuid.UUID:
    """A UUID that sorts by time (RFC 9562), the public name of what has no form number."""
    return uuid_utils.compat.uuid7()


# What lies outside was mistyped, or would leave what dates can hold once hours are added.
FIRST_YEAR, LAST_YEAR = 2000, 2100


def in_this_century(day: date) -> None:
    """Validator of every day and moment that comes from outside."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValidationError(
            _("Please enter a date between %(first)d and %(last)d.")
            % {"first": FIRST_YEAR, "last": LAST_YEAR}
        )


def one_line(text: str) -> None:
    """Validator of names, titles and numbers: they stand in lists, and in subjects of e-mails."""
    if len(text.splitlines()) > 1:
        raise ValidationError(_("Please write this in one line."))


class Named(models.Model):
    """Public name and version (`If-Match`), for a record whose history leaves secrets out."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        abstract = True


class Record(Named):
    """A business record: named, versioned, with the history of all its fields."""

    history = tracked(inherit=True)

    class Meta:
        abstract = True
