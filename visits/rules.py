"""Handbook rules as checks: GEN-2…8 and VISIT-1…24, about one visit.

No check reads a clock. What has not come to its turn is “not applicable” until it has; what
the engineer did without leaving the trace that the handbook asks for is “not provable”.
"""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from servicedesk.core.document_events import DocumentSigned
from servicedesk.core.models import Document, Entry, Signature
from servicedesk.core.rules import (
    Finding,
    Journal,
    broken,
    kept,
    not_applicable,
    not_provable,
    rule,
)
from sla.events import DeadlineMet, DeadlineStepFired
from visits.clocks import EARLIEST_ARRIVAL, LATE_NOTICE, LATEST_ARRIVAL
from visits.events import (
    AppointmentMade,
    AppointmentMoved,
    ComplaintFlagged,
    ContactAttempted,
    CustomerAwaited,
    CustomerMet,
    DeparturePrepared,
    FollowUpMade,
    FormHandedIn,
    LateNoticeGiven,
    NewTimeRefused,
    NoteLeft,
    VisitAccepted,
    VisitArchived,
    VisitArrived,
    VisitConsulted,
    VisitDeparted,
    VisitEvent,
    VisitFinished,
    VisitOrdered,
    WorkInterrupted,
    WorkRecorded,
    WorkResumed,
    WorkStarted,
)
from visits.models import Appointment, Satisfaction, VisitOrder, WorkRecord
from visits.pdf import CUSTOMER
from visits.states import FINAL, WAITING_TIME

VISIT = "visits.visitorder"
WE = Appointment.AskedBy.ENGINEER
WAITING_MINUTES = int(WAITING_TIME.total_seconds() // 60)
NOTICE_MINUTES = int(LATE_NOTICE.total_seconds() // 60)


def _missed(journal: Journal, kind: str) -> list[Entry]:
    """Entries that show that a clock of this kind ran out."""
    fired = [e for e in journal.all(DeadlineStepFired.type) if e.data["missed"]]
    late = [e for e in journal.all(DeadlineMet.type) if e.data["late"]]
    return [e for e in (*fired, *late) if e.data["kind"] == kind]


def _in_time(journal: Journal, kind: str, deed: Entry | None) -> Finding:
    """The deed was done before its clock ran out; nothing is said while it is still open."""
    if missed := _missed(journal, kind):
        return broken(*missed)
    return kept(deed) if deed is not None else not_applicable()


def _minutes(count: int) -> str:
    return ngettext("%(n)d minute", "%(n)d minutes", count) % {"n": count}


def attested(
    rule_id: str, title: object, event: type[VisitEvent], *items: str, after: type[VisitEvent]
) -> None:
    """A rule that rests on ticks: all of `items` in the checklist that `event` carries.

    `after`: what cannot come about without the checklist having had its turn.
    """

    def check(visit: VisitOrder, journal: Journal) -> Finding:
        entry = journal.last(event.type)
        if entry is None:
            later = journal.first(after.type)
            return (
                not_provable(_("The checklist was not filled in.")) if later else not_applicable()
            )
        unticked = set(items) & set(entry.data["unticked"])
        return broken(entry) if unticked else kept(entry)

    rule(rule_id, subject=VISIT, title=title, attested=True)(check)


# --- general conduct --------------------------------------------------------------------------


@rule("GEN-2", subject=VISIT, title=_lazy("Nobody signs for the customer"))
def customer_signed_himself(visit: VisitOrder, journal: Journal) -> Finding:
    entries = [e for e in journal.all(DocumentSigned.type) if e.data["block"] == CUSTOMER.name]
    signatures = Signature.objects.filter(
        document__subject_kind=VISIT, document__subject_id=visit.pk, block=CUSTOMER.name
    ).select_related("link")
    by_house = [s for s in signatures if s.actor_kind != "contact"]
    if by_house or any(e.actor_kind != "contact" for e in entries):
        return broken(*entries, note=_("Not signed by the customer himself."))
    if any(_from_where_the_link_was_made(signature) for signature in signatures):
        return not_provable(
            *entries, note=_("Signed with the address and browser that the link was made with.")
        )
    return kept(*entries) if entries else not_applicable()


def _from_where_the_link_was_made(signature: Signature) -> bool:
    """The customer's own device and the engineer's look alike from here."""
    link = signature.link
    return (
        link is not None
        and signature.method == Signature.Method.OWN_DEVICE
        and bool(link.made_user_agent)
        and (signature.ip, signature.user_agent) == (link.made_ip, link.made_user_agent)
    )


@rule("GEN-4", subject=VISIT, title=_lazy("No broken appointments without cause"))
def appointment_kept(visit: VisitOrder, journal: Journal) -> Finding:
    """There within the window; or moved by consent; or the customer knew before it was over."""
    arrivals = [e for e in journal.all(VisitArrived.type) if e.data["window_until"]]
    if not arrivals:
        return not_applicable()
    told = journal.all(LateNoticeGiven.type)
    for arrival in arrivals:
        until = arrival.data["window_until"]
        if arrival.at > datetime.fromisoformat(until) and not told:
            return broken(arrival)
    return kept(*arrivals, *journal.all(AppointmentMoved.type), *told)


@rule("GEN-8", subject=VISIT, title=_lazy("The customer judges the service"))
def customer_rated(visit: VisitOrder, journal: Journal) -> Finding:
    signed = [e for e in journal.all(DocumentSigned.type) if e.data["block"] == CUSTOMER.name]
    if not signed:
        return not_applicable()
    rated = Satisfaction.objects.filter(visit=visit).exists()
    return kept(*signed) if rated else broken(*signed)


attested("GEN-3", _lazy("No gifts"), VisitFinished, "no_gifts", after=FormHandedIn)
attested(
    "GEN-5", _lazy("No smoking, eating or drinking at the customer's"), VisitFinished,
    "no_smoking", after=FormHandedIn,
)  # fmt: skip
attested(
    "GEN-6", _lazy("Customer's devices only with permission"), VisitFinished, "devices",
    after=FormHandedIn,
)  # fmt: skip
attested(
    "GEN-7", _lazy("Customer information is not spread"), VisitFinished, "no_copies",
    after=FormHandedIn,
)  # fmt: skip


# --- order and appointment --------------------------------------------------------------------


@rule("VISIT-1", subject=VISIT, title=_lazy("The order carries name, telephone, address, need"))
def order_complete(visit: VisitOrder, journal: Journal) -> Finding:
    """They are required; that the address is right shows on the appointment call."""
    made = journal.last(AppointmentMade.type)
    given = (visit.contact_name, visit.contact_phone, visit.address, visit.need)
    if not all(text.strip() for text in given):
        return broken(*journal.all(VisitOrdered.type))
    if made is None:
        return not_applicable()
    return kept(made) if made.data["address_verified"] else broken(made)


@rule("VISIT-2", subject=VISIT, title=_lazy("Accepted in time, with a first judgement"))
def accepted_with_judgement(visit: VisitOrder, journal: Journal) -> Finding:
    return _in_time(journal, "visit.accept", journal.last(VisitAccepted.type))


@rule("VISIT-3", subject=VISIT, title=_lazy("Clashes are seen before; a refusal goes up"))
def no_clash(visit: VisitOrder, journal: Journal) -> Finding:
    """Every appointment was checked against the others; who insisted on his time got it."""
    agreed = journal.all(AppointmentMade.type, AppointmentMoved.type)
    refused = journal.all(NewTimeRefused.type)
    if not agreed and not refused:
        return not_applicable()
    for no in refused:
        arrival = next((e for e in journal.all(VisitArrived.type) if e.at >= no.at), None)
        until = arrival.data["window_until"] if arrival else None
        if arrival is not None and until and arrival.at > datetime.fromisoformat(until):
            return broken(no, arrival)
    return kept(*agreed, *refused)


@rule("VISIT-4", subject=VISIT, title=_lazy("Unknown faults mean consulting first"))
def consulted_first(visit: VisitOrder, journal: Journal) -> Finding:
    accepted, departed = journal.last(VisitAccepted.type), journal.last(VisitDeparted.type)
    if accepted is None or departed is None:
        return not_applicable()
    seen, failed = accepted.data["seen_before"], accepted.data["failed_before"]
    if seen is None:
        return not_provable(_("The order names no fault category."))
    if seen and not failed:
        return not_applicable()
    consulted = [e for e in journal.all(VisitConsulted.type) if e.at <= departed.at]
    return kept(*consulted) if consulted else broken(accepted, departed)


@rule("VISIT-5", subject=VISIT, title=_lazy("Not reached: try again, or go there"))
def tried_again(visit: VisitOrder, journal: Journal) -> Finding:
    tries = journal.all(ContactAttempted.type)
    failed = [e for e in tries if e.data["outcome"] != "reached"]
    if not failed:
        return not_applicable()
    last = failed[-1]
    went_on = [
        e
        for e in journal.all(
            ContactAttempted.type, AppointmentMade.type, VisitDeparted.type, AppointmentMoved.type
        )
        if e.at >= last.at and e.pk != last.pk
    ]
    if went_on:
        return kept(*failed, *went_on[:1])
    return broken(*failed) if visit.status in FINAL else not_applicable()


@rule("VISIT-6", subject=VISIT, title=_lazy("Anger is taken on, and the supervisor knows"))
def anger_taken_on(visit: VisitOrder, journal: Journal) -> Finding:
    angry = journal.all(ComplaintFlagged.type)
    if not angry:
        return not_applicable()
    if not all(e.data["supervisors"] for e in angry):
        return broken(*angry, note=_("No supervisor was told."))
    outcome = [
        e
        for e in journal.all(FollowUpMade.type, DocumentSigned.type, AppointmentMoved.type)
        if e.at >= angry[-1].at
    ]
    if outcome:
        return kept(*angry, *outcome[:1])
    return (
        broken(*angry, note=_("No outcome is recorded."))
        if visit.archived_at
        else (not_applicable())
    )


@rule("VISIT-7", subject=VISIT, title=_lazy("Absent customer: note left, called afterwards"))
def note_left(visit: VisitOrder, journal: Journal) -> Finding:
    note = journal.last(NoteLeft.type)
    if note is None:
        return not_applicable()
    missed = _missed(journal, "visit.follow_up_missed")
    if missed:
        return broken(note, *missed)
    called = [
        e for e in journal.all(ContactAttempted.type, AppointmentMade.type) if e.at >= note.at
    ]
    if called:
        return kept(note, *called[:1])
    return broken(note) if visit.status in FINAL else not_applicable()


@rule("VISIT-8", subject=VISIT, title=_lazy("Appointment call: address and number checked"))
def appointment_call(visit: VisitOrder, journal: Journal) -> Finding:
    made = journal.last(AppointmentMade.type)
    if made is None:
        return not_applicable()
    checked = made.data["address_verified"] and made.data["phone_verified"]
    return kept(made) if checked else broken(made)


# --- the way ----------------------------------------------------------------------------------


@rule(
    "VISIT-9", subject=VISIT, title=_lazy("USB drive scanned before leaving and on return"),
    attested=True,
)  # fmt: skip
def drive_scanned(visit: VisitOrder, journal: Journal) -> Finding:
    prepared, departed = journal.last(DeparturePrepared.type), journal.first(VisitDeparted.type)
    if departed is None and prepared is None:
        return not_applicable()
    if prepared is None:
        return not_provable(_("The checklist was not filled in."))
    if not prepared.data["usb_drive"]:
        return not_applicable()
    handed_in = journal.last(FormHandedIn.type)
    if handed_in is None:
        return not_applicable()
    return kept(prepared, handed_in) if handed_in.data["usb_scanned_at"] else broken(handed_in)


attested(
    "VISIT-10", _lazy("Tidy, everything found, ID card and badge with you"), DeparturePrepared,
    "tidy", "resources", "id_card", "badge", after=VisitDeparted,
)  # fmt: skip


@rule("VISIT-11", subject=VISIT, title=_lazy("Leave early enough"))
def left_early_enough(visit: VisitOrder, journal: Journal) -> Finding:
    departed, arrived = journal.last(VisitDeparted.type), journal.last(VisitArrived.type)
    if departed is None:
        return not_provable(_("The departure was not recorded.")) if arrived else not_applicable()
    late = departed.data["minutes_late"]
    if late is None:
        return not_applicable()
    return broken(departed, note=_minutes(late)) if late > 0 else kept(departed)


@rule("VISIT-12", subject=VISIT, title=_lazy("Arrive 5–10 minutes before the appointment"))
def arrived_early(visit: VisitOrder, journal: Journal) -> Finding:
    arrived = journal.last(VisitArrived.type)
    if arrived is None or arrived.data["minutes_before"] is None:
        return not_applicable()
    before = arrived.data["minutes_before"]
    answer = kept if LATEST_ARRIVAL <= before <= EARLIEST_ARRIVAL else broken
    note = _("%(time)s before") if before >= 0 else _("%(time)s late")
    return answer(arrived, note=note % {"time": _minutes(abs(before))})


@rule("VISIT-13", subject=VISIT, title=_lazy("Late: the customer is told before"))
def told_before_late(visit: VisitOrder, journal: Journal) -> Finding:
    arrived = journal.last(VisitArrived.type)
    if arrived is None or (arrived.data["minutes_before"] or 0) >= 0:
        return not_applicable()
    told = [
        e
        for e in journal.all(LateNoticeGiven.type)
        if (e.data["minutes_before"] or 0) >= NOTICE_MINUTES and e.at <= arrived.at
    ]
    return kept(*told, arrived) if told else broken(arrived)


@rule("VISIT-14", subject=VISIT, title=_lazy("Postponed: 30 minutes or 4 hours before"))
def postponed_in_time(visit: VisitOrder, journal: Journal) -> Finding:
    ours = [e for e in journal.all(AppointmentMoved.type) if e.data["in_time"] is not None]
    late = [e for e in ours if not e.data["in_time"]]
    if not ours:
        return not_applicable()
    return broken(*late) if late else kept(*ours)


attested(
    "VISIT-15", _lazy("Tidied up, reported to the front desk, badge shown"), WorkStarted,
    "tidied", "front_desk", after=VisitFinished,
)  # fmt: skip


@rule("VISIT-16", subject=VISIT, title=_lazy("Customer away: asked, waited 15 minutes"))
def waited(visit: VisitOrder, journal: Journal) -> Finding:
    waiting = journal.last(CustomerAwaited.type)
    if waiting is None:
        return not_applicable()
    end = next(
        (e for e in journal.all(NoteLeft.type, CustomerMet.type, AppointmentMoved.type)
         if e.at >= waiting.at), None,
    )  # fmt: skip
    if end is None:
        return not_applicable()
    if end.type == NoteLeft.type and end.data["waited_minutes"] < WAITING_MINUTES:
        return broken(waiting, end)
    if end.type == NoteLeft.type and not waiting.data["asked"]:
        return not_provable(_("Not recorded whether somebody else could receive the engineer."))
    return kept(waiting, end)


attested(
    "VISIT-17", _lazy("Introduced, badge shown long enough"), WorkStarted, "introduced",
    after=VisitFinished,
)  # fmt: skip


# --- the work ---------------------------------------------------------------------------------


@rule("VISIT-18", subject=VISIT, title=_lazy("Interrupted: resumed or re-arranged by consent"))
def interruption_ended(visit: VisitOrder, journal: Journal) -> Finding:
    stops = journal.all(WorkInterrupted.type)
    if not stops:
        return not_applicable()
    ends = [e for e in journal.all(WorkResumed.type, AppointmentMoved.type) if e.at >= stops[0].at]
    if len(ends) >= len(stops):
        return kept(*stops, *ends)
    return broken(*stops) if visit.status in FINAL else not_applicable()


@rule(
    "VISIT-19", subject=VISIT, title=_lazy("Diagnosed, done with consent, tested by the customer")
)
def work_recorded(visit: VisitOrder, journal: Journal) -> Finding:
    finished, recorded = journal.last(VisitFinished.type), journal.last(WorkRecorded.type)
    if finished is None:
        return not_applicable()
    work = WorkRecord.objects.filter(visit=visit).first()
    if work is None or recorded is None:
        return broken(finished)
    needed = [work.findings, work.work_done, work.tested_by, work.test_result]
    if work.touches_data:
        needed.append(work.data_consent_by)
    return kept(recorded, finished) if all(text.strip() for text in needed) else broken(finished)


attested(
    "VISIT-20", _lazy("Left clean, use explained, other needs asked"), VisitFinished, "clean",
    "explained", "needs", after=FormHandedIn,
)  # fmt: skip


@rule("VISIT-21", subject=VISIT, title=_lazy("The customer reads, rates and signs the form"))
def form_signed(visit: VisitOrder, journal: Journal) -> Finding:
    finished = journal.last(VisitFinished.type)
    signed = [e for e in journal.all(DocumentSigned.type) if e.data["block"] == CUSTOMER.name]
    if finished is None or visit.signature_refused:
        return not_applicable()
    if signed and Satisfaction.objects.filter(visit=visit).exists():
        return kept(*signed)
    return broken(finished) if visit.handed_in_at or signed else not_applicable()


@rule("VISIT-22", subject=VISIT, title=_lazy("Not solved: what happens next, and when"))
def next_step_said(visit: VisitOrder, journal: Journal) -> Finding:
    finished = journal.last(VisitFinished.type)
    if finished is None or finished.data["result"] != WorkRecord.Result.NOT_SOLVED:
        return not_applicable()
    if not finished.data["next_step"] or not finished.data["next_step_at"]:
        return broken(finished)
    missed = _missed(journal, "visit.next_step")
    return broken(finished, *missed) if missed else kept(finished)


@rule("VISIT-23", subject=VISIT, title=_lazy("The form is handed in and archived"))
def handed_in_and_archived(visit: VisitOrder, journal: Journal) -> Finding:
    if late := _missed(journal, "visit.hand_in"):
        return broken(*late)
    archived = journal.last(VisitArchived.type)
    if archived is None:
        return not_applicable()
    sealed = Document.objects.filter(number=visit.number, status=Document.Status.SEALED).exists()
    return kept(archived) if sealed else broken(archived, note=_("The form is not sealed."))


@rule("VISIT-24", subject=VISIT, title=_lazy("Follow up afterwards"))
def followed_up(visit: VisitOrder, journal: Journal) -> Finding:
    return _in_time(journal, "visit.follow_up", journal.last(FollowUpMade.type))
