"""Calls and what follows from them, tickets, remote sessions."""

from __future__ import annotations

from tickets.models.calls import Call, CallbackPromise, CallDraft, Message, ReferralTarget
from tickets.models.remote import RemoteSession, RemoteStep
from tickets.models.tickets import Extension, Handover, Note, SavedView, Ticket, TicketQuerySet

__all__ = [
    "Call",
    "CallDraft",
    "CallbackPromise",
    "Extension",
    "Handover",
    "Message",
    "Note",
    "ReferralTarget",
    "RemoteSession",
    "RemoteStep",
    "SavedView",
    "Ticket",
    "TicketQuerySet",
]
