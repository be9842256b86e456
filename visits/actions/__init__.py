"""All that can happen to a visit. Pages, API, handlers and tests call these, nothing else does."""

from __future__ import annotations

from visits.actions.appointments import (
    appoint,
    log_attempt,
    rearrange,
    refuse_new_time,
    tell_late,
)
from visits.actions.orders import (
    accept,
    assign,
    cancel,
    consult,
    note_bring,
    order_visit,
    pass_on_form,
    reveal_phone,
    send_another,
    send_back,
)
from visits.actions.papers import (
    archive,
    attach,
    complete_form,
    flag_complaint,
    follow_up,
    hand_in,
    keep_rating,
    present_form,
    refuse_signature,
    resolve_ticket,
    return_form,
)
from visits.actions.planning import choose_time, decline_times, offer_times, plan
from visits.actions.trips import arrive, depart, leave_note, meet, prepare, wait_for_customer
from visits.actions.work import (
    add_part,
    finish,
    interrupt,
    record_work,
    remove_part,
    resume,
    revise,
    start_work,
)

__all__ = [
    "accept", "add_part", "appoint", "archive", "arrive", "assign", "attach", "cancel",
    "choose_time", "complete_form", "consult", "decline_times", "depart", "finish", "flag_complaint", "follow_up", "hand_in", "interrupt", "keep_rating", "leave_note", "log_attempt", "meet", "note_bring", "offer_times", "order_visit", "pass_on_form", "plan", "prepare", "present_form", "rearrange", "record_work", "refuse_new_time", "refuse_signature", "remove_part", "resolve_ticket", "resume", "return_form", "reveal_phone", "revise", "send_another", "send_back", "start_work",
    "tell_late", "wait_for_customer",
]  # fmt: skip
