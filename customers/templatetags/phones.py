"""Telephone numbers in pages: masked, with a way to see the whole (GEN-7)."""

from __future__ import annotations

from typing import Any

from django import template

from customers import queries
from customers.models import Contact, Store

register = template.Library()


@register.filter
def masked(phone: str | None) -> str:
    return queries.masked(phone or "")


@register.inclusion_tag("customers/_masked.html", takes_context=True)
def hidden_phone(context: template.Context, item: Store | Contact) -> dict[str, Any]:
    """The masked number of a store or person, and the button that asks what it is needed for."""
    actor = context["request"].actor
    return {
        "item": item,
        "kind": "stores" if isinstance(item, Store) else "contacts",
        "may_reveal": actor.may("customers.reveal_phone"),
    }
