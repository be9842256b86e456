"""Signing, correcting and handing over at the same time: one order of locks, so nobody is thrown out."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from servicedesk.core import documents
from servicedesk.core.actions import lock
from servicedesk.core.errors import Refused
from servicedesk.core.models import Document, SignLink, token_hash
from tests.tickets.tickets import factories
from tests.visits.factories import make_visit, strokes
from tickets.actions import extensions
from tickets.models import Extension
from visits import actions
from visits.models import VisitOrder

pytestmark = pytest.mark.django_db(transaction=True)
ANSWERS = {"punctuality": 5, "conduct": 5, "skill": 5, "result": 5, "remarks": ""}


@pytest.fixture
def visit(engineer):
    return make_visit("finished", engineer)


@pytest.fixture
def form(visit, engineer):
    return actions.present_form(visit, at=timezone.now(), by=engineer.as_actor())


def link_to(form, by):
    token = documents.make_link(
        form, block="customer", method="L1", signer_name="李晓梅", at=timezone.now(), by=by
    )
    return SignLink.objects.select_related("document").get(token_sha256=token_hash(token))


def sign(link, answers=ANSWERS):
    documents.sign_by_link(
        link, signer_name="李晓梅", strokes=strokes(), shown_sha256=link.document.data_sha256,
        answers=answers, at=timezone.now(), by=documents.signer(link),
    )  # fmt: skip


def interleave(first, second):
    """`first(reached)` calls `reached()` amid its transaction; then `second` starts and must wait."""
    there, begun = threading.Event(), threading.Event()

    def reached():
        there.set()
        begun.wait(timeout=10)
        # So long the other has to run into what is locked.
        threading.Event().wait(0.5)

    def run(work):
        try:
            with transaction.atomic():
                work()
        except Refused:
            return "refused"
        finally:
            connection.close()
        return "done"

    def later():
        there.wait(timeout=10)
        begun.set()
        return run(second)

    with ThreadPoolExecutor(2) as threads:
        both = threads.submit(run, lambda: first(reached)), threads.submit(later)
        return [each.result(timeout=30) for each in both]


def test_the_customer_signs_while_the_engineer_corrects(visit, form, engineer):
    link = link_to(form, engineer.as_actor())

    def correct(reached):
        mine = VisitOrder.objects.get(pk=visit.pk)
        lock(mine)
        reached()
        actions.revise(mine, reason="漏记配件", at=timezone.now(), by=engineer.as_actor())

    assert interleave(correct, lambda: sign(link)) == ["done", "refused"]


def test_the_customer_signs_while_another_link_is_made(form, engineer, monkeypatch):
    link = link_to(form, engineer.as_actor())
    signing = documents.sign

    def slowly(reached):
        def sign_slowly(*args, **kwargs):
            reached()
            return signing(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(documents, "sign", sign_slowly)
            sign(link)

    again = interleave(slowly, lambda: link_to(Document.objects.get(), engineer.as_actor()))

    # What is signed needs no other link.
    assert again == ["done", "refused"]


def test_the_customer_agrees_while_the_proposal_is_withdrawn(helpdesk):
    """The ticket stands above its extension, and is locked first by both."""
    by = helpdesk.as_actor()
    now = timezone.now()
    ticket = factories.make_ticket("assigned", helpdesk, at=now - timedelta(hours=1))
    extension = extensions.propose_extension(
        ticket, plan="换机", proposed_due_at=now + timedelta(days=2), at=now, by=by
    )
    link = link_to(Document.objects.get(number=extension.number), by)

    def withdraw(reached):
        mine = Extension.objects.get(pk=extension.pk)
        lock(mine.ticket)
        reached()
        extensions.withdraw(mine, at=timezone.now(), by=by)

    assert interleave(withdraw, lambda: sign(link, {})) == ["done", "refused"]
