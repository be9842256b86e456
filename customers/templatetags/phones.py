"""Telephone numbers in pages: masked, with a way to see the whole (GEN-7)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import template
from django.urls import reverse

from customers import queries
from customers.models import Contact, Store

register = template.Library()


@register.filter
def masked(phone: str | None) -> str:
    return queries.masked(phone or "")


@register.inclusion_tag("customers/_masked.html", takes_context=True)
def hidden_phone(context: template.Context, item: Store | Contact) -> dict[str, Any]:
    """The masked number of a store or person, and the button that asks what it is needed for."""
    kind = "stores" if isinstance(item, Store) else "contacts"
    return hidden(context, item.phone, item.uid, reverse("customers:phone", args=[kind, item.uid]))


@register.inclusion_tag("customers/_masked.html", takes_context=True, name="hidden_number")
def hidden_number(context: template.Context, number: str, uid: UUID, url: str) -> dict[str, Any]:
    """The same for a number that another record carries; `url` asks and answers."""
    return hidden(context, number, uid, url)


def hidden(context: template.Context, number: str, uid: UUID, url: str) -> dict[str, Any]:
    actor = context["request"].actor
    return {
        "phone": number, "uid": uid, "url": url,
        "may_reveal": actor.may("customers.reveal_phone"),
    }  # fmt: skip
