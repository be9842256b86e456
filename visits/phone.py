"""Visits on a phone: which acts may come late from one, and on what a decision depends."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from servicedesk.core import phone
from servicedesk.core.actors import Actor
from servicedesk.core.http import carry_out
from servicedesk.core.panels import panel
from servicedesk.core.phone import Basis, Call, Invalid, Outcome, PhoneKind, phone_kind
from visits import actions
from visits.forms import FORMS, VisitForm
from visits.models import VisitOrder
from visits.states import VISIT
from visits.views import pack, paper
from visits.views.shared import after_act, make_form

KIND = "visits.visitorder"
# The engineer's acts. The rest is the desk's, and the desk has a network.
VERBS = frozenset(
    step.name
    for step in VISIT
    if step.name in FORMS and step.permission in {"visits.work", "visits.attach"}
)
# Where “recorded” would be an odd word for it.
SAID = {"present_form": _("The form is ready: now the customer signs.")}
_PLAN = frozenset(
    {
        "status",
        "engineer",
        "window_from",
        "window_until",
        "address",
        "contact_name",
        "contact_phone",
    }
)
# Everything else is a fact: it counts whenever it is heard of. These are decided on what one has seen.
DECISIONS = {
    "send_back": Basis(_PLAN),
    "appoint": Basis(_PLAN),
    "rearrange": Basis(_PLAN),
    "finish": Basis(frozenset({"status", "need", "installation"}), ("work",)),
    "revise": Basis(frozenset({"status"})),
    "present_form": Basis(frozenset({"status"}), ("work",)),
    "refuse_signature": Basis(frozenset({"status"}), ("work",)),
    "hand_in": Basis(frozenset({"status", "signature_refused"})),
}


def _find(number: str, actor: Actor) -> VisitOrder | None:
    return (
        VisitOrder.objects.visible_to(actor)
        .select_related("store", "engineer", "category", "installation", "ticket")
        .filter(number=number)
        .first()
    )


def _knew(number: str, actor: Actor) -> VisitOrder | None:
    """The order that was his once: what he did on it still concerns the desk."""
    if not VisitOrder.history.filter(number=number, engineer_id=actor.id).exists():
        return None
    return VisitOrder.objects.filter(number=number).first()


def _act(visit: VisitOrder, verb: str, call: Call) -> Outcome:
    if verb == paper.SIGN:
        return paper.sign(visit, call)
    form = make_form(verb, visit, call.by, call.data, call.files, at=call.at)
    if not form.is_valid():
        raise Invalid(_errors(form), code="invalid")
    if carry_out(form, getattr(actions, verb), visit, at=call.at, by=call.by) is None:
        raise Invalid(_errors(form))
    return Outcome(after_act(visit, verb), str(SAID.get(verb, "")))


def _errors(form: VisitForm) -> dict[str, list[str]]:
    return {
        "" if name == "__all__" else name: [str(text) for text in texts]
        for name, texts in form.errors.items()
    }


def _earliest(visit: VisitOrder) -> datetime:
    return visit.ordered_at


phone_kind(
    PhoneKind(
        name=KIND, machine=VISIT, verbs=VERBS | {paper.SIGN}, decisions=DECISIONS, find=_find, knew=_knew,
        act=_act, earliest=_earliest, pack=lambda request, now: pack.pack(request, now, VERBS, DECISIONS),
        paper=paper.paper, others=paper.LABELS, fleeting=paper.FLEETING,
    )
)  # fmt: skip


@panel("visits.visit", "phone/_commands.html", order=20)
def phone_of_visit(visit: VisitOrder, actor: Actor) -> dict[str, Any] | None:
    """What the engineer's phone said of this visit and could not be recorded, or by a wrong clock."""
    device = phone.last_seen([visit.engineer_id or 0]).get(visit.engineer_id or 0)
    commands = [
        {
            "command": command,
            "label": phone.KINDS[command.kind].label(command.verb),
            "skew": phone.skew_in_words(command.clock_offset_ms),
        }
        for command in phone.troubled(KIND, visit.pk)
    ]
    if device is None and not commands:
        return None
    skew = phone.skew_in_words(device.clock_offset_ms) if device else ""
    return {"device": device, "skew": skew, "commands": commands}
