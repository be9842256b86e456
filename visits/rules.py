"""Handbook rules as checks: GEN-2…8 and VISIT-1…24, about one visit.

No check reads a clock. What has not come to its turn is “not applicable” until it has; what
the engineer did without leaving the trace that the handbook asks for is “not provable”.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from accounts.models import User
from servicedesk.core.document_events import DocumentSigned
from servicedesk.core.models import Document, Entry, RuleResult, Signature
from servicedesk.core.moments import to_the_minute
from servicedesk.core.rules import (
    Finding,
    Journal,
    broken,
    kept,
    not_applicable,
    not_provable,
    rule,
)
from sla.events import DeadlineCancelled, DeadlineMet, DeadlineMoved, DeadlineStepFired
from visits.clocks import EARLIEST_ARRIVAL, LATE_NOTICE, LATEST_ARRIVAL, SCAN_LIFE
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
    VisitAssigned,
    VisitCancelled,
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
from visits.models import Appointment, ContactAttempt, Satisfaction, VisitOrder, WorkRecord
from visits.pdf import CUSTOMER
from visits.queries import minutes_between
from visits.states import FINAL, WAITING_TIME

VISIT = "visits.visitorder"
WE = Appointment.AskedBy.ENGINEER
WAITING_MINUTES = int(WAITING_TIME.total_seconds() // 60)
NOTICE_MINUTES = int(LATE_NOTICE.total_seconds() // 60)


def _missed(journal: Journal, kind: str) -> list[Entry]:
    """Entries that show that a clock of this kind ran out."""
    return [e for e in journal.entries if e.data.get("kind") == kind and _tells_a_miss(e)]


def _tells_a_miss(entry: Entry) -> bool:
    match entry.type:
        case DeadlineStepFired.type:
            return bool(entry.data["missed"])
        case DeadlineMet.type:
            return bool(entry.data["late"])
        # Moved, or needed no more, when it had run out already: the miss stands.
        case DeadlineMoved.type:
            return entry.at > _moment(entry.data["old_due_at"])
        case DeadlineCancelled.type:
            return entry.at > _moment(entry.data["due_at"])
    return False


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _missed_by(journal: Journal, miss: Entry) -> tuple[int | None, int | None] | None:
    """Who had the order when its clock ran out, and his team; None if the journal has nobody."""
    before = journal.entries[: journal.entries.index(miss)]
    had = Journal(before).last(VisitAssigned.type)
    if had is None:
        return None
    person = User.objects.get_queryset().filter(pk=had.data["engineer_id"]).first()
    return None if person is None else (person.pk, person.team_id)


@dataclass(slots=True)
class Agreed:
    """One appointment as the journal tells it, from the agreement to what became of it.

    `end` is the arrival, the agreement on another time, or the cancellation; None while it is
    still ahead or waited for. It stands whoever is the engineer.
    """

    made: Entry
    start: datetime
    until: datetime
    end: Entry | None = None
    notices: list[Entry] = field(default_factory=list)
    # The last that is known of the visit while the appointment stood.
    known: datetime | None = None

    @property
    def arrival(self) -> Entry | None:
        return self.end if self.end is not None and self.end.type == VisitArrived.type else None

    @property
    def is_over(self) -> bool:
        """Its window has ended, as far as the journal reaches, and nobody had come."""
        last = self.end.at if self.end is not None else self.known
        return last is not None and last > self.until

    @property
    def told_before_it_ended(self) -> list[Entry]:
        return [e for e in self.notices if e.at <= self.until]

    @property
    def told_in_time(self) -> list[Entry]:
        """VISIT-13: five minutes before the window began at the latest."""
        return [e for e in self.notices if minutes_between(e.at, self.start) >= NOTICE_MINUTES]

    @property
    def evidence(self) -> list[Entry]:
        return [self.made, *self.notices, *([self.end] if self.end is not None else [])]


def _appointments(journal: Journal) -> list[Agreed]:
    """Every appointment of the visit. A notice counts for the one that stood when it was given."""
    found: list[Agreed] = []
    standing: Agreed | None = None
    for entry in journal.entries:
        if standing is not None:
            standing.known = entry.at
            if entry.type == LateNoticeGiven.type:
                standing.notices.append(entry)
            elif entry.type in ENDS:
                standing.end, standing = entry, None
        if entry.type in {AppointmentMade.type, AppointmentMoved.type}:
            start, until = entry.data["window_from"], entry.data["window_until"]
            standing = Agreed(entry, _moment(start), _moment(until))
            found.append(standing)
    return found


ENDS = frozenset({
    AppointmentMade.type, AppointmentMoved.type, VisitArrived.type, VisitCancelled.type,
})  # fmt: skip


def _trips(journal: Journal) -> Iterator[tuple[Entry, Entry | None]]:
    """Each arrival with the departure to it."""
    departed: Entry | None = None
    for entry in journal.all(VisitDeparted.type, VisitArrived.type):
        if entry.type == VisitArrived.type:
            yield entry, departed
        departed = entry if entry.type == VisitDeparted.type else None


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
        return not_provable(_("Signed with the address and browser that the link was made with."))
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
    """There within the window; or moved by consent, or the customer told, before it was over."""
    good: list[Entry] = []
    bad: list[Entry] = []
    for agreed in _appointments(journal):
        told = agreed.told_before_it_ended
        if agreed.is_over and not _came_after_all(agreed, told):
            bad += agreed.evidence
        elif agreed.end is not None and agreed.end.type != VisitCancelled.type:
            good += agreed.evidence
    if bad:
        return broken(*_once(bad))
    return kept(*_once(good)) if good else not_applicable()


def _came_after_all(agreed: Agreed, told: list[Entry]) -> bool:
    """He who is told may have to wait; nobody is told and then left alone."""
    return bool(told) and (agreed.end is None or agreed.end.type != VisitCancelled.type)


def _once(entries: list[Entry]) -> list[Entry]:
    """A moved appointment is the end of one and the beginning of the next."""
    return list({entry.pk: entry for entry in entries}.values())


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
        if journal.first(VisitDeparted.type, VisitArrived.type) is None:
            return not_applicable()
        return not_provable(_("Without an appointment call nobody confirmed the address."))
    return kept(made) if made.data["address_verified"] else broken(made)


@rule("VISIT-2", subject=VISIT, title=_lazy("Accepted in time, with a first judgement"))
def accepted_with_judgement(visit: VisitOrder, journal: Journal) -> Finding:
    """Who let his time run out broke it, also if a colleague accepted at once afterwards."""
    if missed := _missed(journal, "visit.accept"):
        return broken(*missed, whose=_missed_by(journal, missed[-1]))
    accepted = journal.last(VisitAccepted.type)
    return kept(accepted) if accepted is not None else not_applicable()


@rule("VISIT-3", subject=VISIT, title=_lazy("Clashes are seen before; a refusal goes up"))
def no_clash(visit: VisitOrder, journal: Journal) -> Finding:
    """Every appointment was checked against the others; who insisted on his time got it."""
    agreed = _appointments(journal)
    refused = journal.all(NewTimeRefused.type)
    if not agreed and not refused:
        return not_applicable()
    if silent := [no for no in refused if not no.data["supervisors"]]:
        return broken(*silent, note=_("No supervisor was told."))
    for no in refused:
        kept_to = next((a for a in reversed(agreed) if a.made.at <= no.at), None)
        if kept_to is not None and kept_to.is_over:
            return broken(no, *kept_to.evidence)
    return kept(*[each.made for each in agreed], *refused)


@rule("VISIT-4", subject=VISIT, title=_lazy("Unknown faults mean consulting first"))
def consulted_first(visit: VisitOrder, journal: Journal) -> Finding:
    """Of the engineer who went: what a former one had asked, he does not know."""
    accepted = journal.last(VisitAccepted.type)
    went = journal.last(VisitDeparted.type) or journal.last(VisitArrived.type)
    if accepted is None or went is None or went.at < accepted.at:
        return not_applicable()
    seen, failed = accepted.data["seen_before"], accepted.data["failed_before"]
    if seen is None:
        return not_provable(_("The order names no fault category."))
    if seen and not failed:
        return not_applicable()
    consulted = [e for e in journal.all(VisitConsulted.type) if accepted.at <= e.at <= went.at]
    return kept(*consulted) if consulted else broken(accepted, went)


@rule("VISIT-5", subject=VISIT, title=_lazy("Not reached: try again, or go there"))
def tried_again(visit: VisitOrder, journal: Journal) -> Finding:
    """Called again by the time proposed; where that would be too late, gone there."""
    failed = [e for e in journal.all(ContactAttempted.type) if e.data["outcome"] != REACHED]
    if not failed:
        return not_applicable()
    if missed := _missed(journal, "visit.next_try"):
        return broken(*failed, *missed, whose=_missed_by(journal, missed[-1]))
    if silent := [e for e in failed if e.data["go_there"] and not e.data["supervisors"]]:
        return broken(*silent, note=_("No supervisor was told."))
    answers = [_what_followed(journal, e) for e in failed]
    if all(answers):
        return kept(*failed, *[answer for answer in answers[-1:] if answer is not None])
    return broken(*failed) if visit.status in FINAL else not_applicable()


REACHED = ContactAttempt.Outcome.REACHED
# What ends the search for the customer, besides reaching him.
FOUND = frozenset({
    AppointmentMade.type, AppointmentMoved.type, VisitDeparted.type, VisitArrived.type,
})  # fmt: skip


def _what_followed(journal: Journal, failed: Entry) -> Entry | None:
    """The next call, or the way there; where the time was short, another vain call is neither."""
    later = journal.entries[journal.entries.index(failed) + 1 :]
    for entry in later:
        if entry.type in FOUND:
            return entry
        if entry.type == ContactAttempted.type and (
            entry.data["outcome"] == REACHED or not failed.data["go_there"]
        ):
            return entry
    return None


@rule("VISIT-6", subject=VISIT, title=_lazy("Anger is taken on, and the supervisor knows"))
def anger_taken_on(visit: VisitOrder, journal: Journal) -> Finding:
    angry = journal.all(ComplaintFlagged.type)
    if not angry:
        return not_applicable()
    if not all(e.data["supervisors"] for e in angry):
        return broken(*angry, note=_("No supervisor was told."))
    outcome = [
        e
        for e in journal.all(
            FollowUpMade.type, DocumentSigned.type, AppointmentMade.type, AppointmentMoved.type
        )
        # That the engineer signs says nothing about the customer.
        if e.at >= angry[-1].at and e.data.get("block", CUSTOMER.name) == CUSTOMER.name
    ]
    if outcome:
        return kept(*angry, *outcome[:1])
    if visit.archived_at:
        return broken(*angry, note=_("No outcome is recorded."))
    if visit.status in FINAL:
        return not_provable(_("No outcome is recorded."))
    return not_applicable()


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
    """Both scans have their time: not long before leaving, and after the work."""
    prepared, departed = journal.last(DeparturePrepared.type), journal.first(VisitDeparted.type)
    if departed is None and prepared is None:
        return not_applicable()
    if prepared is None:
        return not_provable(_("The checklist was not filled in."))
    if not prepared.data["usb_drive"]:
        return not_applicable()
    out = prepared.data["usb_scanned_at"]
    if out is None:
        return broken(prepared)
    late = [e for e in journal.all(VisitDeparted.type) if e.at - _moment(out) > SCAN_LIFE]
    if late:
        return broken(prepared, *late, note=_("The scan was more than a day old."))
    handed_in, finished = journal.last(FormHandedIn.type), journal.last(VisitFinished.type)
    if handed_in is None:
        return not_applicable()
    back = handed_in.data["usb_scanned_at"]
    if back is None:
        return broken(handed_in)
    if finished is not None and _moment(back) < to_the_minute(finished.at):
        return broken(finished, handed_in, note=_("The scan was before the work was done."))
    return kept(prepared, handed_in)


attested(
    "VISIT-10", _lazy("Tidy, everything found, ID card and badge with you"), DeparturePrepared,
    "tidy", "resources", "id_card", "badge", after=VisitDeparted,
)  # fmt: skip


@rule("VISIT-11", subject=VISIT, title=_lazy("Leave early enough"))
def left_early_enough(visit: VisitOrder, journal: Journal) -> Finding:
    departed = journal.all(VisitDeparted.type)
    late = [e for e in departed if (e.data["minutes_late"] or 0) > 0]
    if late:
        return broken(*late, note=_minutes(late[-1].data["minutes_late"]))
    if any(way is None for _arrival, way in _trips(journal)):
        return not_provable(_("The departure was not recorded."))
    judged = [e for e in departed if e.data["minutes_late"] is not None]
    return kept(*judged) if judged else not_applicable()


@rule("VISIT-12", subject=VISIT, title=_lazy("Arrive 5–10 minutes before the appointment"))
def arrived_early(visit: VisitOrder, journal: Journal) -> Finding:
    arrivals = [e for e in journal.all(VisitArrived.type) if e.data["minutes_before"] is not None]
    if not arrivals:
        return not_applicable()
    wrong = [
        e for e in arrivals
        if not LATEST_ARRIVAL <= e.data["minutes_before"] <= EARLIEST_ARRIVAL
    ]  # fmt: skip
    shown = wrong[-1] if wrong else arrivals[-1]
    before = shown.data["minutes_before"]
    note = _("%(time)s before") if before >= 0 else _("%(time)s late")
    answer = broken if wrong else kept
    return answer(*(wrong or arrivals), note=note % {"time": _minutes(abs(before))})


@rule("VISIT-13", subject=VISIT, title=_lazy("Late: the customer is told before"))
def told_before_late(visit: VisitOrder, journal: Journal) -> Finding:
    """Who comes late, or not at all, or asks for another time only then, has said so before."""
    late = [agreed for agreed in _appointments(journal) if _was_late(agreed)]
    if not late:
        return not_applicable()
    untold = [agreed for agreed in late if not agreed.told_in_time]
    evidence = [entry for agreed in untold or late for entry in agreed.evidence]
    return broken(*_once(evidence)) if untold else kept(*_once(evidence))


def _was_late(agreed: Agreed) -> bool:
    end = agreed.end
    if end is None or end.type == VisitCancelled.type:
        return agreed.is_over
    if end.type == VisitArrived.type:
        return end.at > agreed.start
    return end.at > agreed.start and end.data.get("asked_by", WE) == WE


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
    waits = journal.all(CustomerAwaited.type)
    if not waits:
        return not_applicable()
    findings = [_one_wait(visit, journal, waiting) for waiting in waits]
    for answer in (RuleResult.Answer.BROKEN, RuleResult.Answer.NOT_PROVABLE):
        for finding in findings:
            if finding.answer == answer:
                return finding
    return findings[-1]


def _one_wait(visit: VisitOrder, journal: Journal, waiting: Entry) -> Finding:
    later = Journal(journal.entries[journal.entries.index(waiting) + 1 :])
    end = later.first(NoteLeft.type, CustomerMet.type, AppointmentMoved.type)
    if end is None:
        if visit.status in FINAL:
            return not_provable(_("Not recorded how the waiting ended."))
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
    ends = [_end_of(journal, stop) for stop in stops]
    if all(ends):
        return kept(*stops, *[end for end in ends if end is not None])
    return broken(*stops) if visit.status in FINAL else not_applicable()


def _end_of(journal: Journal, stop: Entry) -> Entry | None:
    """Resumed, or another time agreed upon, before it was interrupted again."""
    later = Journal(journal.entries[journal.entries.index(stop) + 1 :])
    end = later.first(
        WorkResumed.type, AppointmentMoved.type, AppointmentMade.type, WorkInterrupted.type
    )
    return None if end is None or end.type == WorkInterrupted.type else end


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
    if finished is None:
        return not_applicable()
    if visit.signature_refused:
        # Whether he would still stand by what he signed before it was corrected, nobody knows.
        note = _("Signed, then corrected, then not signed any more.")
        return not_provable(note) if signed else not_applicable()
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
