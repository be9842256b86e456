"""A list's filters under a name, for one person."""

from __future__ import annotations

from django.utils.translation import gettext as _

from servicedesk.core.actions import action, require
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from tickets.models import SavedView

MOST = 20


@action
def save_view(*, name: str, query: str, by: Actor, at: object = None) -> SavedView:
    """Keep the filters; an old view of that name gets the new ones."""
    require(by, "tickets.comment")
    if by.kind != "user" or by.id is None:
        raise Refused(_("Only a colleague has views."))
    own = SavedView.objects.visible_to(by)
    view = own.filter(name=name).first()
    if view is None:
        if own.count() >= MOST:
            raise Refused(_("Delete a view first; 20 are the most."), field="name")
        return SavedView.objects.create(user_id=by.id, name=name, query=query)
    view.query = query
    view.version += 1
    view.save(update_fields=["query", "version"])
    return view


@action
def delete_view(view: SavedView, *, by: Actor) -> None:
    view.delete()
