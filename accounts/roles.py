"""Who may do what: one table. A permission that an action names and this table lacks fails a test."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    HELPDESK = "helpdesk", _("Helpdesk")
    ENGINEER = "engineer", _("Engineer")
    DISPATCHER = "dispatcher", _("Dispatcher")
    MANAGER = "manager", _("Manager")
    BUSINESS = "business", _("Business")
    TRAINER = "trainer", _("Trainer")
    ADMINISTRATOR = "administrator", _("Administrator")
    CLIENT = "client", _("API client")


_H, _E, _D, _M = Role.HELPDESK, Role.ENGINEER, Role.DISPATCHER, Role.MANAGER
_B, _T, _A, _C = Role.BUSINESS, Role.TRAINER, Role.ADMINISTRATOR, Role.CLIENT
_DESK = frozenset({_H, _D, _M, _A})
_STAFF = frozenset({_H, _E, _D, _M, _B, _T, _A})

# permission → the roles that hold it
PERMISSIONS: dict[str, frozenset[Role]] = {
    # accounts
    "accounts.manage": frozenset({_A}),
    "accounts.see_sessions_of_all": frozenset({_A}),
    # customers
    "customers.see": _STAFF | {_C},
    "customers.write": _DESK | {_C},
    "customers.import": frozenset({_D, _M, _A}),
    "customers.reveal_phone": _STAFF | {_C},
    "customers.manage_products": frozenset({_D, _M, _A}),
    "customers.manage_parts": _DESK,
    "customers.manage_contracts": frozenset({_D, _M, _B, _A, _C}),
    # sla
    "sla.see": _STAFF | {_C},
    "sla.see_all": _DESK | {_B, _C},
    "sla.acknowledge": _STAFF,
    "sla.manage": frozenset({_M, _A}),
    # knowledge
    "knowledge.see": _STAFF | {_C},
    "knowledge.write": frozenset({_H, _E, _D, _M, _A}),
    "knowledge.publish": frozenset({_D, _M, _A}),
    "knowledge.manage_categories": frozenset({_D, _M, _A}),
    # tickets: calls, messages, promises
    "calls.take": _DESK | {_E},
    "calls.see_all": _DESK,
    "messages.work": _STAFF,
    "promises.work": _DESK | {_E},
    "promises.see_all": _DESK,
    "referrals.manage": frozenset({_D, _M, _A}),
    # tickets: tickets, remote sessions
    "tickets.open": _DESK | {_E, _C},
    "tickets.see_all": _DESK | {_B, _C},
    "tickets.assign": frozenset({_H, _D, _M, _A}),
    "tickets.work": _DESK | {_E},
    # An engineer nudges about what he owns.
    "tickets.nudge": _DESK | {_E},
    "tickets.comment": _STAFF | {_C},
    "tickets.close": _DESK | {_C},
    "tickets.reopen": _DESK | {_C},
    "tickets.extend": _DESK | {_E},
    "remote.work": _DESK | {_E},
    # visits
    "visits.order": _DESK | {_E, _C},
    "visits.see_all": _DESK | {_B, _C},
    "visits.plan": frozenset({_H, _D, _M, _A}),
    # An engineer offers times for his own orders.
    "visits.offer": _DESK | {_E},
    "visits.work": frozenset({_E}),
    "visits.attach": _DESK | {_E},
    "visits.check": _DESK,
    "visits.follow_up": _DESK,
    "visits.cancel": frozenset({_H, _D, _M, _A, _C}),
    # documents; nobody of the house may sign for the customer (GEN-2)
    "documents.see": _STAFF | {_C},
    "documents.mail": _DESK | {_E},
    "documents.export": frozenset({_M, _A}),
    # To lay a form before the customer, by link or on one's own phone: no signature of the house.
    "documents.ask_customer": _STAFF,
    "documents.sign_own": frozenset({_E, _H, _D, _T, _B}),
    # the roof
    "rules.see_own": _STAFF,
    "rules.see_all": frozenset({_D, _M, _A}),
    "managers.see": frozenset({_D, _M, _A}),
    "managers.report": frozenset({_D, _M, _A}),
    "managers.wall": frozenset({_M, _A}),
    "outbox.see": frozenset({_M, _A}),
    "outbox.replay": frozenset({_A}),
}

# Only the holder of a customer's link acts with it.
CUSTOMER_PERMISSIONS = frozenset({"documents.sign_as_customer", "visits.answer_offer"})


def permissions_of(role: str) -> frozenset[str]:
    return frozenset(name for name, roles in PERMISSIONS.items() if role in roles)
