"""What the forms of a visit print, as plain data (forms.md SV, MN). The seal covers just this."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from customers.queries import addressees
from servicedesk.core.documents import Addressee, Block, DocumentKind, define, printed_rows
from servicedesk.core.forms import DeskForm, RatingButtons, Textarea
from servicedesk.core.paper import mark, marks
from visits.models import MissedNote, VisitOrder, WorkRecord
from visits.queries import waits


class RatingForm(DeskForm):
    """Filled in by the customer together with his signature (GEN-8)."""

    punctuality = forms.TypedChoiceField(
        label=_("Punctuality"),
        choices=[(n, n) for n in range(1, 6)],
        coerce=int,
        widget=RatingButtons,
    )
    conduct = forms.TypedChoiceField(
        label=_("Conduct"),
        choices=[(n, n) for n in range(1, 6)],
        coerce=int,
        widget=RatingButtons,
    )
    skill = forms.TypedChoiceField(
        label=_("Skill"),
        choices=[(n, n) for n in range(1, 6)],
        coerce=int,
        widget=RatingButtons,
    )
    result = forms.TypedChoiceField(
        label=_("Result"),
        choices=[(n, n) for n in range(1, 6)],
        coerce=int,
        widget=RatingButtons,
    )
    remarks = forms.CharField(
        label=_("What would you like to tell us?"),
        max_length=1000,
        required=False,
        widget=Textarea(rows=2),
    )


def visit_addressees(visit: VisitOrder) -> Sequence[Addressee]:
    return addressees(visit.customer, visit.store, visit.contact)


CUSTOMER = Block("customer", _("Customer's signature"), outside=True)
WAITING, INTERRUPTION = _("Waiting for the customer"), _("Interruption")
ENGINEER = Block("engineer", _("Engineer's signature"), outside=False)

_MOMENT = re.compile(r"(_at|_from|_until|\.since|\.until)$")


def visit_rows(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the order prints: moments to the minute. js/phone/record.js says the same."""
    return [
        (name, _minute(value) if _MOMENT.search(name) else value)
        for name, value in printed_rows(data)
    ]


def _minute(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%dT%H:%M}"


VISIT_FORM = define(
    DocumentKind(
        "visit",
        _("On-site service order"),
        "pdf/visit.html",
        (CUSTOMER, ENGINEER),
        RatingForm,
        rows=visit_rows,
        addressees=visit_addressees,
    )
)
# The customer does not sign; the reason is printed in his place.
UNSIGNED_FORM = define(
    DocumentKind(
        "visit_unsigned",
        _("On-site service order"),
        "pdf/visit.html",
        (ENGINEER,),
        addressees=visit_addressees,
    )
)
MISSED_NOTE = define(
    DocumentKind(
        "missed_note",
        _("Missed-customer note"),
        "pdf/missed_note.html",
        (ENGINEER,),
        addressees=visit_addressees,
    )
)


def keywords(visit: VisitOrder) -> list[str]:
    """What the archive finds the form by."""
    return [
        visit.customer.name,
        visit.store.name,
        visit.contact_name,
        visit.engineer.name if visit.engineer else "",
        visit.ticket.number if visit.ticket else "",
    ]


def numbers_to_call(visit: VisitOrder) -> str:
    """The service line, and the engineer himself."""
    engineer = visit.engineer
    own = f" / {engineer.phone} ({engineer.name})" if engineer and engineer.phone else ""
    return f"{settings.SERVICE_PHONE}{own}"[:60]


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def visit_data(visit: VisitOrder) -> dict[str, Any]:
    """Every printed value of the service order, copied. Words in the language of the form."""
    with translation.override(settings.LANGUAGE_CODE):
        work = WorkRecord.objects.filter(visit=visit).select_related("category").first()
        return {
            "number": visit.number,
            "head": _head(visit),
            "customer": {
                "customer": visit.customer.name,
                "store": visit.store.name,
                "address": visit.address,
                "contact": visit.contact_name,
                "salutation": visit.salutation,
                "phone": visit.contact_phone,
            },
            "product": _product(visit),
            "need": visit.need,
            "task": visit.task,
            "first_judgement": visit.first_judgement,
            "appointment": _appointment(visit),
            "on_site": _on_site(visit, work),
            "work": _work(work or WorkRecord(visit=visit)),
            "parts": [
                {
                    "name": part.name,
                    "code": part.stock.code if part.stock else "",
                    "quantity": part.quantity,
                    "unit": part.unit,
                    "serial": part.serial,
                }
                for part in visit.parts.select_related("stock")
            ],
            "signature_refused": visit.signature_refused,
            "engineer": {
                "name": visit.engineer.name if visit.engineer else "",
                "staff_number": visit.engineer.staff_number if visit.engineer else "",
            },
        }


def visit_marked(data: Mapping[str, Any]) -> dict[str, Any]:
    """The same data with marks wherever an engineer's acts write, for a phone without a network."""
    return {
        **data,
        "customer": data["customer"] | marks("customer", "address", "phone"),
        "first_judgement": mark("first_judgement"),
        "appointment": data["appointment"]
        | marks("appointment", "window_from", "window_until", "agreed_with"),
        "on_site": marks("on_site", *data["on_site"])
        | {"stood_still": [marks("on_site.stood_still.0", "what", "since", "until", "reason")]},
        "work": marks("work", *data["work"]),
        "parts": [marks("parts.0", "name", "code", "quantity", "unit", "serial")],
    }


def _head(visit: VisitOrder) -> dict[str, Any]:
    ticket = visit.ticket
    taken_by = ticket.owner if ticket else visit.ordered_by
    return {
        "ticket": ticket.number if ticket else "",
        "received_at": _iso(ticket.received_at if ticket else visit.ordered_at),
        "taken_by": taken_by.name if taken_by else "",
        "priority": str(_("Urgent") if visit.is_urgent else _("Normal")),
        "expected_at": _iso(ticket.expected_at) if ticket else None,
        "due_at": _iso(ticket.due_at) if ticket else None,
    }


def _product(visit: VisitOrder) -> dict[str, Any]:
    installation = visit.installation
    if installation is None:
        return {"product": "", "version": "", "installation": ""}
    return {
        "product": installation.product.name,
        "version": installation.software_version,
        "installation": installation.remote_id,
    }


def _appointment(visit: VisitOrder) -> dict[str, Any]:
    rows: list[Any] = list(visit.appointments.select_related("replaces"))
    last = rows[-1] if rows else None
    return {
        "window_from": _iso(last.window_from) if last else None,
        "window_until": _iso(last.window_until) if last else None,
        "agreed_with": last.agreed_with if last else "",
        "moves": [
            {
                "old_from": _iso(row.replaces.window_from),
                "old_until": _iso(row.replaces.window_until),
                "new_from": _iso(row.window_from),
                "new_until": _iso(row.window_until),
                "asked_by": row.get_asked_by_display(),
                "reason": row.reason,
                "notice_minutes": row.notice_minutes,
            }
            for row in rows
            if row.replaces is not None
        ],
    }


def _on_site(visit: VisitOrder, work: WorkRecord | None) -> dict[str, Any]:
    stood_still = [
        {
            "what": str(WAITING),
            "since": _iso(wait.since),
            "until": _iso(wait.until),
            "reason": wait.reason,
        }
        for wait in waits(visit)
    ] + [
        {
            "what": str(INTERRUPTION),
            "since": _iso(row.started_at),
            "until": _iso(row.ended_at),
            "reason": row.reason,
        }
        for row in visit.interruptions.all()
    ]
    return {
        "departed_at": _iso(visit.departed_at),
        "arrived_at": _iso(visit.arrived_at),
        "started_at": _iso(visit.started_at),
        "finished_at": _iso(visit.finished_at),
        "stood_still": stood_still,
        "people_met": work.people_met if work else "",
    }


def _work(work: WorkRecord) -> dict[str, Any]:
    return {
        "category": str(work.category) if work.category else "",
        "findings": work.findings,
        "cause": work.cause,
        "work_done": work.work_done,
        "changes_made": work.changes_made,
        "touches_data": work.touches_data,
        "data_consent_by": work.data_consent_by,
        "tested_by": work.tested_by,
        "test_result": work.test_result,
        "result": work.result,
        "result_label": str(work.get_result_display()),
        "next_step": work.next_step,
        "next_step_at": _iso(work.next_step_at),
        "advice": work.advice,
        "other_needs": work.other_needs,
    }


def missed_note_data(note: MissedNote) -> dict[str, Any]:
    visit = note.visit
    return {
        "number": note.number,
        "visit": visit.number,
        "customer": visit.customer.name,
        "store": visit.store.name,
        "address": visit.address,
        "contact": visit.contact_name,
        "salutation": visit.salutation,
        "need": visit.need,
        "appointed_from": _iso(visit.window_from),
        "appointed_until": _iso(visit.window_until),
        "came_at": _iso(note.came_at),
        "waited_since": _iso(note.waited_since),
        "left_at": _iso(note.left_at),
        "left_with": note.left_with,
        "phone": note.phone,
        "proposed_from": _iso(note.proposed_from),
        "proposed_until": _iso(note.proposed_until),
        "engineer": visit.engineer.name if visit.engineer else "",
        "staff_number": visit.engineer.staff_number if visit.engineer else "",
    }
