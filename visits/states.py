"""The on-site visit (上门服务, VISIT-1…24) from the order to the archive."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from servicedesk.core.states import Machine, Transition


class Status(models.TextChoices):
    ORDERED = "ordered", _("To be assigned")
    ASSIGNED = "assigned", _("Assigned")
    ACCEPTED = "accepted", _("Accepted")
    APPOINTED = "appointed", _("Appointment made")
    EN_ROUTE = "en_route", _("On the way")
    ARRIVED = "arrived", _("Arrived")
    WAITING = "waiting", _("Waiting for the customer")
    MISSED = "missed", _("Customer not met")
    WORKING = "working", _("Working")
    INTERRUPTED = "interrupted", _("Interrupted")
    FINISHED = "finished", _("Work done")
    SIGNED = "signed", _("Signed")
    HANDED_IN = "handed_in", _("Handed in")
    ARCHIVED = "archived", _("Archived")
    CANCELLED = "cancelled", _("Cancelled")


S = Status
FINAL = frozenset({S.ARCHIVED, S.CANCELLED})
BEFORE_ARRIVAL = frozenset({S.ORDERED, S.ASSIGNED, S.ACCEPTED, S.APPOINTED, S.EN_ROUTE})
# The appointment still stands before the engineer.
APPOINTED_AHEAD = frozenset({S.APPOINTED, S.EN_ROUTE})
ON_SITE = frozenset({S.ARRIVED, S.WAITING, S.WORKING, S.INTERRUPTED})
# What the visit is for is not done yet, or the customer has not signed it.
UNSIGNED = BEFORE_ARRIVAL | ON_SITE | {S.MISSED, S.FINISHED}

# VISIT-16: so long one waits for an absent customer before the note is left.
WAITING_TIME = timedelta(minutes=15)


def _from(*statuses: Status) -> frozenset[str]:
    return frozenset(statuses)


VISIT = Machine(
    # the desk
    Transition("assign", _("Assign"), _from(S.ORDERED, S.ASSIGNED, S.ACCEPTED, S.APPOINTED),
               S.ASSIGNED, "visits.plan", "user-check"),
    # A plan is no promise: an appointment that stands does not move by it.
    Transition("plan", _("Plan a time"),
               _from(S.ORDERED, S.ASSIGNED, S.ACCEPTED, S.APPOINTED, S.MISSED), None,
               "visits.plan", "calendar-plus"),
    Transition("note_bring", _("What to bring"), BEFORE_ARRIVAL | {S.MISSED}, None, "visits.plan",
               "backpack"),
    # Whoever is under way or on site may fall ill or leave; so may he who still has the form.
    Transition("send_another", _("Send another engineer"),
               _from(S.EN_ROUTE, S.ARRIVED, S.WAITING, S.MISSED, S.WORKING, S.INTERRUPTED),
               S.ASSIGNED, "visits.plan", "user-share"),
    Transition("pass_on_form", _("Give the form to another engineer"),
               _from(S.FINISHED, S.SIGNED), None, "visits.plan", "user-share"),
    Transition("cancel", _("Cancel"), BEFORE_ARRIVAL | {S.MISSED} | ON_SITE, S.CANCELLED,
               "visits.cancel", "x"),
    # accepting, VISIT-2…4; who accepts an order with an appointment has the appointment, too
    Transition("accept", _("Accept the order"), _from(S.ASSIGNED), S.ACCEPTED, "visits.work", "check"),
    Transition("send_back", _("Send back"), _from(S.ASSIGNED, S.ACCEPTED), S.ORDERED,
               "visits.work", "arrow-back-up"),
    Transition("consult", _("I consulted colleagues or documents"),
               _from(S.ACCEPTED, S.APPOINTED), None, "visits.work", "users"),
    # the appointment, VISIT-3, 5, 8, 13, 14
    Transition("log_attempt", _("Record a call attempt"),
               _from(S.ACCEPTED, S.APPOINTED, S.EN_ROUTE, S.WAITING, S.MISSED), None,
               "visits.work", "phone-outgoing"),
    Transition("appoint", _("Make the appointment"), _from(S.ACCEPTED, S.MISSED), S.APPOINTED,
               "visits.work", "calendar-check"),
    Transition("offer_times", _("Let the customer choose a time"),
               _from(S.ACCEPTED, S.APPOINTED, S.MISSED), None, "visits.offer", "calendar-share"),
    Transition("rearrange", _("Re-arrange"),
               _from(S.APPOINTED, S.EN_ROUTE, S.ARRIVED, S.WAITING, S.INTERRUPTED), S.APPOINTED,
               "visits.work", "calendar-time"),
    Transition("refuse_new_time", _("Customer refuses a new time"),
               _from(S.ACCEPTED, S.APPOINTED, S.EN_ROUTE), None, "visits.work", "calendar-x"),
    Transition("tell_late", _("Tell the customer that I am late"),
               _from(S.APPOINTED, S.EN_ROUTE), None, "visits.work", "clock-exclamation"),
    # the way, VISIT-9…12, 15
    Transition("prepare", _("Departure checklist"), _from(S.ACCEPTED, S.APPOINTED), None,
               "visits.work", "checklist"),
    # VISIT-5: who is not reached by telephone is gone to without an appointment.
    Transition("depart", _("Set off"), _from(S.ACCEPTED, S.APPOINTED), S.EN_ROUTE,
               "visits.work", "car"),
    # Some engineers only report when they stand at the door, hence also without a departure.
    Transition("arrive", _("Arrived"), _from(S.APPOINTED, S.EN_ROUTE), S.ARRIVED, "visits.work",
               "map-pin-check"),
    # the absent customer, VISIT-7, 16
    Transition("wait_for_customer", _("Customer is not there"), _from(S.ARRIVED), S.WAITING,
               "visits.work", "hourglass"),
    Transition("meet", _("Customer has come"), _from(S.WAITING), S.ARRIVED, "visits.work",
               "user-plus"),
    Transition("leave_note", _("Leave the note"), _from(S.WAITING), S.MISSED, "visits.work",
               "note"),
    # the work, VISIT-17…20, 22
    Transition("start_work", _("Start work"), _from(S.ARRIVED), S.WORKING, "visits.work",
               "player-play"),
    Transition("interrupt", _("Interrupt"), _from(S.WORKING), S.INTERRUPTED, "visits.work",
               "player-pause"),
    Transition("resume", _("Resume"), _from(S.INTERRUPTED), S.WORKING, "visits.work",
               "player-play"),
    Transition("record_work", _("Work record"), _from(S.WORKING, S.INTERRUPTED), None,
               "visits.work", "clipboard-text"),
    Transition("add_part", _("Part or software used"), _from(S.WORKING, S.INTERRUPTED), None,
               "visits.work", "package"),
    Transition("remove_part", _("Remove part"), _from(S.WORKING, S.INTERRUPTED), None,
               "visits.work", "package-off", hidden=True),
    Transition("finish", _("Work done"), _from(S.WORKING), S.FINISHED, "visits.work", "check"),
    Transition("revise", _("Correct the record"), _from(S.FINISHED), S.WORKING, "visits.work",
               "edit"),
    # signature and hand-in, VISIT-21, 23
    Transition("present_form", _("Show the form for signature"), _from(S.FINISHED), None,
               "visits.work", "signature"),
    Transition("complete_form", _("Form is signed by both"), _from(S.FINISHED), S.SIGNED,
               "visits.work", "signature", hidden=True),
    Transition("refuse_signature", _("Customer refuses to sign"), _from(S.FINISHED), S.SIGNED,
               "visits.work", "signature-off"),
    Transition("hand_in", _("Hand in"), _from(S.SIGNED), S.HANDED_IN, "visits.work", "inbox"),
    Transition("return_form", _("Return to the engineer"), _from(S.HANDED_IN), S.SIGNED,
               "visits.check", "arrow-back-up"),
    Transition("archive", _("Complete, archive"), _from(S.HANDED_IN), S.ARCHIVED,
               "visits.check", "archive"),
    # afterwards, VISIT-24; any time, VISIT-6
    Transition("follow_up", _("Record the follow-up call"), _from(S.HANDED_IN, S.ARCHIVED), None,
               "visits.follow_up", "phone-call"),
    Transition("flag_complaint", _("Customer is angry"), frozenset(set(S) - {S.CANCELLED}), None,
               "visits.work", "mood-angry"),
    Transition("attach", _("Add a photo or file"), frozenset(set(S) - {S.CANCELLED}), None,
               "visits.attach", "camera"),
)  # fmt: skip
