"""What the pages of messages and promises share."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from servicedesk.core.http import DeskRequest
from tickets.models import CallbackPromise, Message


def tabs(request: DeskRequest, active: str) -> list[Any]:
    """(label, url, active, open ones): two queries, whatever there is."""
    actor = request.actor
    mine, taken = Q(to_user_id=actor.id), Q(taken_by_id=actor.id)
    messages = (
        Message.objects.visible_to(actor)
        .open()
        .aggregate(mine=Count("pk", filter=mine), taken=Count("pk", filter=taken), all=Count("pk"))
    )
    promises = (
        CallbackPromise.objects.visible_to(actor)
        .open()
        .aggregate(mine=Count("pk", filter=Q(owner_id=actor.id)), all=Count("pk"))
    )
    inbox, callbacks = reverse("tickets:inbox"), reverse("tickets:promises")
    found = [
        ("messages:mine", _("Messages for me"), inbox, messages["mine"]),
        ("promises:mine", _("My callbacks"), callbacks, promises["mine"]),
        ("messages:taken", _("Taken by me"), f"{inbox}?box=taken", messages["taken"]),
    ]
    if actor.may("promises.see_all"):
        found += [
            ("messages:all", _("All messages"), f"{inbox}?box=all", messages["all"]),
            ("promises:all", _("All callbacks"), f"{callbacks}?box=all", promises["all"]),
        ]
    return [(label, url, key == active, count) for key, label, url, count in found]
