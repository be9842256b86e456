"""What the pages share: finding a visit, its acts, and the form of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse

from servicedesk.core.actors import Actor
from servicedesk.core.http import DeskRequest
from servicedesk.core.states import Transition
from visits.forms import FORMS, VisitForm
from visits.models import VisitOrder
from visits.queries import documents_of, for_page
from visits.states import VISIT


def is_phone(actor: Actor) -> bool:
    """Whoever makes visits gets the pages made for a telephone."""
    return actor.may("visits.work")


def find_visit(request: DeskRequest, number: str) -> VisitOrder:
    """The visit, if the actor may see it; else 404, which does not tell that it exists."""
    return get_object_or_404(for_page(VisitOrder.objects.visible_to(request.actor)), number=number)


def find_step(verb: str) -> Transition:
    if verb not in FORMS or verb not in VISIT:
        raise Http404
    return VISIT[verb]


def make_form(verb: str, visit: VisitOrder, actor: Actor, *data: Any, **more: Any) -> VisitForm:
    """The form of a verb. Its fields have ids of their own: a page may show several."""
    return FORMS[verb](*data, visit=visit, by=actor, auto_id=f"id_{verb}_%s", **more)


@dataclass(frozen=True, slots=True)
class Act:
    """Something the person may do now, as a button or as a line of the menu."""

    name: str
    label: Any
    icon: str
    url: str
    one_tap: bool


def act_url(visit: VisitOrder, verb: str) -> str:
    return reverse("visits:act", args=[visit.number, verb])


def after_act(visit: VisitOrder, verb: str) -> str:
    """Where an act leads to."""
    if verb == "present_form":
        return reverse("visits:sign", args=[visit.number])
    if verb in {"leave_note", "refuse_signature"}:
        # The form just made waits for the engineer's own signature.
        document = documents_of(visit)[0]
        return reverse("documents:document", args=[document.uid])
    if verb in {"send_back", "hand_in"}:
        # The order has left the engineer's hands.
        return reverse("visits:today")
    return visit.get_absolute_url()


def acts_of(visit: VisitOrder, actor: Actor) -> Iterator[Act]:
    for step in VISIT.open_to(actor, visit.status):
        if step.name in FORMS:
            yield Act(
                step.name, step.label, step.icon, act_url(visit, step.name),
                FORMS[step.name].one_tap,
            )  # fmt: skip
