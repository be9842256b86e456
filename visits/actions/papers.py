"""The form: shown, signed or refused, handed in, checked, archived, followed up (VISIT-6, 21, 23, 24)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.queries import supervisors_of
from servicedesk.core import documents, files
from servicedesk.core.actions import action, advance, lock, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.models import Attachment, Document
from servicedesk.core.moments import to_the_minute
from sla import deadlines
from tickets.actions import tickets
from visits import pdf
from visits.actions.common import begin_step, check_own, start_clock, tick, told
from visits.actions.orders import keep_rules
from visits.events import (
    ComplaintFlagged,
    FileAttached,
    FollowUpMade,
    FormHandedIn,
    FormNotSigned,
    FormPresented,
    FormReturned,
    FormSigned,
    VisitArchived,
)
from visits.models import USB_BACK, USB_OUT, ChecklistAnswer, Satisfaction, VisitOrder, WorkRecord
from visits.queries import PHOTOS, lacking, service_form
from visits.states import Status


@action
def present_form(visit: VisitOrder, *, at: datetime, by: Actor) -> Document:
    """Freeze the form as it will print. Changed data make another version to be signed."""
    begin_step("present_form", visit, at=at, by=by)
    document = documents.freeze(
        pdf.VISIT_FORM, visit, number=visit.number, data=pdf.visit_data(visit),
        signers={pdf.ENGINEER.name: visit.engineer_id}, keywords=pdf.keywords(visit), at=at, by=by,
    )  # fmt: skip
    told(visit, FormPresented, at=at, by=by, document_uid=str(document.uid))
    return document


@action
def complete_form(visit: VisitOrder, *, at: datetime, by: Actor) -> VisitOrder:
    """Called when both have signed. A record that is being corrected cannot be signed."""
    step = begin_step("complete_form", visit, at=at, by=by)
    visit.signed_at = at
    advance(visit, step, "signed_at")
    told(visit, FormSigned, at=at, by=by, widely=True)
    return visit


@action
def keep_rating(
    visit: VisitOrder, *, answers: Mapping[str, Any], at: datetime, by: Actor
) -> Satisfaction:
    """What the customer answered together with his signature (GEN-8). Signed anew: rated anew."""
    lock(visit)
    if by.kind not in {"contact", "system"}:
        raise Refused(_("Only the customer rates the visit."))
    rating = Satisfaction.objects.filter(visit=visit).first() or Satisfaction(visit=visit)
    for field in ("punctuality", "conduct", "skill", "result"):
        setattr(rating, field, int(answers[field]))
    rating.remarks, rating.given_at = str(answers.get("remarks", "")), at
    rating.save()
    return rating


@action
def refuse_signature(visit: VisitOrder, *, reason: str, at: datetime, by: Actor) -> VisitOrder:
    """A normal outcome: the form says so, and is signed by the engineer alone.

    Not once the customer has signed: then only `revise` leads back, and he signs anew.
    """
    step = begin_step("refuse_signature", visit, at=at, by=by)
    if not reason.strip():
        raise Refused(_("Write down why the customer does not sign."), field="reason")
    shown = service_form(visit)
    if (
        shown is not None
        and shown.status != Document.Status.VOID
        and shown.signatures.filter(block=pdf.CUSTOMER.name).exists()
    ):
        raise Refused(_("The customer has signed the form already."))
    visit.signature_refused = reason
    advance(visit, step, "signature_refused")
    documents.freeze(
        pdf.UNSIGNED_FORM, visit, number=visit.number, data=pdf.visit_data(visit),
        signers={pdf.ENGINEER.name: visit.engineer_id}, keywords=pdf.keywords(visit), at=at, by=by,
    )  # fmt: skip
    told(visit, FormNotSigned, at=at, by=by, widely=True, reason=reason)
    return visit


@action
def hand_in(
    visit: VisitOrder, *, usb_scanned_at: datetime | None = None, at: datetime, by: Actor
) -> VisitOrder:
    """VISIT-23; and VISIT-9: a drive that was taken along is scanned on return."""
    step = begin_step("hand_in", visit, at=at, by=by)
    taken = ChecklistAnswer.objects.filter(visit=visit, item=USB_OUT).exists()
    if taken and usb_scanned_at is None:
        raise Refused(
            _("You took a USB drive along: when was it scanned on return?"),
            field="usb_scanned_at",
        )
    if usb_scanned_at is not None:
        if usb_scanned_at > at:
            raise Refused(_("The scan cannot lie in the future."), field="usb_scanned_at")
        if visit.finished_at is not None and usb_scanned_at < to_the_minute(visit.finished_at):
            raise Refused(
                _("That scan was before the work was done; scan the drive on return."),
                field="usb_scanned_at",
            )
        tick(
            visit, ChecklistAnswer.List.RETURN, {USB_BACK: True},
            notes={USB_BACK: f"{usb_scanned_at:%Y-%m-%dT%H:%M%z}"}, at=at,
        )  # fmt: skip
    visit.handed_in_at = at
    advance(visit, step, "handed_in_at")
    deadlines.meet("visit.hand_in", visit, at=at, by=by)
    start_clock("visit.check", visit, at=at, by=by, owner=desk_of(visit))
    told(
        visit, FormHandedIn, at=at, by=by,
        usb_scanned_at=usb_scanned_at.isoformat() if usb_scanned_at else None,
    )  # fmt: skip
    return visit


def desk_of(visit: VisitOrder) -> User | None:
    """Whoever of the desk ordered the visit looks after its form; else the ticket's owner."""
    if visit.ordered_by is not None and visit.ordered_by.as_actor().may("visits.check"):
        return visit.ordered_by
    return visit.ticket.owner if visit.ticket is not None else None


@action
def return_form(visit: VisitOrder, *, reason: str, at: datetime, by: Actor) -> VisitOrder:
    """Something is missing; the engineer brings it."""
    step = begin_step("return_form", visit, at=at, by=by)
    if not reason.strip():
        raise Refused(_("Say what is missing."), field="reason")
    visit.handed_in_at = None
    advance(visit, step, "handed_in_at")
    deadlines.cancel(visit, "visit.check", at=at, by=by)
    start_clock("visit.hand_in", visit, at=at, by=by)
    told(visit, FormReturned, at=at, by=by, reason=reason)
    return visit


@action
def archive(visit: VisitOrder, *, at: datetime, by: Actor) -> VisitOrder:
    """The desk found it complete. The sealed form is the archive; this closes the visit."""
    step = begin_step("archive", visit, at=at, by=by)
    missing = [gap.text for gap in lacking(visit) if gap.blocks]
    if missing:
        raise Refused(
            _("Not complete yet: %(missing)s") % {"missing": "; ".join(map(str, missing))}
        )
    visit.archived_at = at
    advance(visit, step, "archived_at")
    deadlines.meet("visit.check", visit, at=at, by=by)
    if visit.followed_up_at is None:
        start_clock(
            "visit.follow_up", visit, at=at, by=by, owner=desk_of(visit)
        )  # fmt: skip
    told(visit, VisitArchived, at=at, by=by, widely=True)
    keep_rules(visit, counts_at=visit.arrived_at or at, at=at)
    return visit


@action
def follow_up(
    visit: VisitOrder, *, result: str, satisfied: bool, at: datetime, by: Actor
) -> VisitOrder:
    """VISIT-24: the customer was called afterwards; an unhappy one is the supervisor's matter."""
    begin_step("follow_up", visit, at=at, by=by)
    if not result.strip():
        raise Refused(_("Write down what the customer said."), field="result")
    visit.followed_up_at, visit.follow_up_result = at, result
    save_changes(visit, "followed_up_at", "follow_up_result")
    deadlines.meet("visit.follow_up", visit, at=at, by=by)
    told(visit, FollowUpMade, at=at, by=by, widely=True, result=result, satisfied=satisfied)
    if visit.status == Status.ARCHIVED:
        keep_rules(visit, counts_at=visit.arrived_at or at, at=at)
    return visit


@action
def flag_complaint(visit: VisitOrder, *, text: str, at: datetime, by: Actor) -> VisitOrder:
    """VISIT-6: listen, take it on; the supervisor hears of it at once."""
    begin_step("flag_complaint", visit, at=at, by=by)
    if not text.strip():
        raise Refused(_("Write down what the customer said."), field="text")
    visit.is_complaint = True
    save_changes(visit, "is_complaint")
    if visit.ticket is not None:
        tickets.flag_complaint(visit.ticket, text=text, at=at, by=by)
    people = [person.name for person in supervisors_of(visit.engineer)]
    told(visit, ComplaintFlagged, at=at, by=by, widely=True, text=text, supervisors=people)
    return visit


@action
def resolve_ticket(visit: VisitOrder, *, at: datetime, by: Actor) -> VisitOrder:
    """The signed visit is the ticket's solution: one act, with the words of the work record."""
    lock(visit)
    if visit.ticket is None:
        raise Refused(_("This visit has no ticket."))
    work = WorkRecord.objects.filter(visit=visit).first()
    if work is None or work.result not in {WorkRecord.Result.SOLVED, WorkRecord.Result.WORKAROUND}:
        raise Refused(_("The visit did not solve it; the ticket stays open."))
    tickets.resolve(
        visit.ticket, solution="visit", resolution=f"{work.findings}\n{work.work_done}".strip(),
        at=at, by=by,
    )  # fmt: skip
    return visit


@action
def attach(
    visit: VisitOrder, *, file: UploadedFile[Any], purpose: str = "", at: datetime, by: Actor
) -> Attachment:
    """A photo of the note, of the fault, of the place as it was left; what the customer sent in.

    The desk adds to any visit, an engineer to his own.
    """
    begin_step("attach", visit, at=at, by=by)
    if not by.may("visits.check"):
        check_own(visit, by=by)
    attachment = files.store(file, visit, purpose=purpose, at=at, by=by)
    told(
        visit, FileAttached, at=at, by=by, name=attachment.name, purpose=purpose,
        purpose_label=str(PHOTOS.get(purpose, "")),
    )  # fmt: skip
    return attachment
