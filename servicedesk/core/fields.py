"""Fields and the abstract bases that all business records share."""

from __future__ import annotations

import uuid

import uuid_utils.compat
from django.db import models
from django.utils.translation import gettext_lazy as _

from servicedesk.core.history import tracked


def uuid7() -> uuid.UUID:
    """A UUID that sorts by time (RFC 9562), the public name of what has no form number."""
    return uuid_utils.compat.uuid7()


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
