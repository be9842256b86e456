"""GEN-2 as a matrix: no account of any role, at no address, puts a signature in the customer's place.

Whoever is logged in sends all that a signature consists of to every address there is, pages and
API: the strokes, the hash, the name, the rating, the right digits, the tokens of links that he has
made himself. What counts is what stands in the database afterwards.
"""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from customers.actions import edit_contact
from customers.queries import proof_of
from servicedesk.core import documents
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from servicedesk.core.models import Document, KeptSignature, Signature
from servicedesk.core.rules import evaluate
from tests.conftest import PIN, give_pin, person
from tests.test_hostile_input import BODIES, PARAMETER, addresses
from tests.test_hostile_input import records as records_of_most
from tests.visits.factories import make_visit, strokes
from tickets.models import Extension
from tickets.states import ExtensionStatus
from visits import actions
from visits.models import Satisfaction
from visits.states import Status

pytestmark = pytest.mark.django_db
records = records_of_most

SIGNING = (
    "documents/", "visits/", "phone/", "tickets/extensions/", "accounts/me/", "api/v1/visits",
    "api/v1/extensions", "api/v1/documents",
)  # fmt: skip
RATING = dict.fromkeys(("punctuality", "conduct", "skill", "result"), "5")


@pytest.fixture
def visit(engineer):
    visit = make_visit(Status.FINISHED, engineer)
    actions.present_form(visit, at=timezone.now(), by=engineer.as_actor())
    give_pin(engineer)
    return visit


@pytest.fixture
def forms(visit, records):
    """Two forms that wait for the customer; the addresses lead to them."""
    form = Document.objects.get(number=visit.number)
    consent = Document.objects.get(number=records["tickets/extensions/"].number)
    records |= {"visits/": visit, "documents/": form, "api/v1/visits/": visit}
    records |= {"api/v1/documents/": form}
    return [form, consent]


def tokens(forms, engineer):
    """Links of both kinds, as whoever made them knows them."""
    for form in forms:
        for method in ("L1", "L2"):
            yield form, documents.make_link(
                form, block="customer", method=method, signer_name="李晓梅",
                phone_last4="5678" if method == "L2" else "", at=timezone.now(),
                by=engineer.as_actor(),
            )  # fmt: skip


def all_of_it(form):
    """Everything that any door to a signature asks for, by every name it might have there."""
    drawn = strokes()
    return {
        "act": "sign", "block": "customer", "place": "customer", "method": "L2", "digits": "5678",
        "pin": PIN, "signer_name": "李晓梅", "strokes": drawn, "shown_sha256": form.data_sha256,
        "sha256": form.data_sha256, "answers": RATING, "reason": "客户已同意", "closing": "confirmed",
        "answered_by": "李晓梅", "in_person": True, "evidence": "x", "document": str(form.uid),
        "rows": [], "device_at": timezone.now().isoformat(), "token": "x", "signature": drawn,
    } | {f"answers-{name}": value for name, value in RATING.items()} | RATING  # fmt: skip


def as_form(body):
    return {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()
    }


class SomebodyOfTheHouse:
    """Sends, looks whether anything of the customer's was made up, and undoes it all."""

    def __init__(self, user):
        self.user, self.sent, self.forged = user, 0, []

    def send(self, url, body, **options):
        with transaction.atomic():
            client = Client(raise_request_exception=False)
            client.force_login(self.user)
            client.post(url, body, **options)
            if self._made_up():
                self.forged.append(url)
            transaction.set_rollback(True)
        self.sent += 1

    @staticmethod
    def _made_up():
        return (
            Signature.objects.exclude(block="engineer").exists()
            or Signature.objects.exclude(method="account").exists()
            or KeptSignature.objects.exists()
            or Satisfaction.objects.exists()
            or Extension.objects.filter(
                status=ExtensionStatus.CONSENTED, channel__in=["link", "in_person"]
            ).exists()
        )


def everywhere(records, forms, engineer, *, only=()):
    """(address, body, how) for each address and each form; where there is a token, for both links."""
    for form in forms:
        links = [token for _form, token in tokens([form], engineer)]
        body = all_of_it(form) | {"token": links[1]}
        for token in links:
            for route, url in addresses(records, token):
                if only and not route.startswith(only):
                    continue
                if token != links[1] and "token>" not in route:
                    continue
                path = "/" + PARAMETER.sub(lambda m: f"{{{m[2]}}}", route)
                if not route.startswith("api/"):
                    yield url, as_form(body), {}
                    continue
                known = BODIES.get(path, ())
                sent = {name: value for name, value in body.items() if name in known} or body
                yield url, json.dumps(sent), {"content_type": "application/json"}


def test_who_may_everything_signs_nowhere_for_the_customer(records, forms, engineer):
    """The engineer of the visit, with every permission there is, at every address."""
    somebody = SomebodyOfTheHouse(engineer)
    for url, body, how in everywhere(records, forms, engineer):
        somebody.send(url, body, **how)

    assert somebody.forged == []
    assert somebody.sent > 400


@pytest.mark.parametrize("role", list(Role))
def test_no_role_signs_for_the_customer(role, request, engineer, visit):
    # The real permissions; `records` would give all of them to everybody.
    ordered = {
        "visits/": visit, "documents/": Document.objects.get(number=visit.number),
        "api/v1/visits/": visit, "api/v1/documents/": Document.objects.get(number=visit.number),
    }  # fmt: skip
    user = engineer if role == Role.ENGINEER else person("somebody", "某人", role)
    somebody = SomebodyOfTheHouse(user)
    for url, body, how in everywhere(
        ordered, [Document.objects.get(number=visit.number)], engineer, only=SIGNING
    ):
        somebody.send(url, body, **how)

    assert somebody.forged == []
    assert somebody.sent > 40


def test_the_walk_would_find_a_forged_signature(visit, engineer):
    """What it looks at does change when the customer himself signs."""
    form = Document.objects.get(number=visit.number)
    ((_form, token),) = list(tokens([form], engineer))[1:]
    url = reverse("documents:sign", args=[token])
    phone, body = Client(), as_form(all_of_it(form))
    phone.post(url, body)

    assert phone.post(url, body).status_code == 302
    assert SomebodyOfTheHouse._made_up()


# --- the customer's own link (L2) -----------------------------------------------------------------


@pytest.fixture
def own_link(visit, engineer):
    form = Document.objects.get(number=visit.number)
    (_l1, (_form, token)) = tokens([form], engineer)
    return form, reverse("documents:sign", args=[token])


@pytest.mark.parametrize("role", [role for role in Role if role != Role.CLIENT])
def test_a_link_does_not_open_where_somebody_is_logged_in(role, own_link):
    form, url = own_link
    client = Client()
    client.force_login(person("somebody", "某人", role))

    for answer in (client.get(url), client.post(url, as_form(all_of_it(form)))):
        assert answer.status_code == 403
        assert "请在您自己的手机上打开" in answer.text
        assert form.data["need"] not in answer.text
    assert not Signature.objects.exists()


def test_nor_where_somebody_was(own_link, engineer):
    form, url = own_link
    client = Client()
    client.force_login(engineer)
    client.get("/visits/")
    client.post(reverse("account_logout"))
    assert client.get("/visits/").status_code == 302

    assert client.get(url).status_code == 403
    assert client.post(url, as_form(all_of_it(form))).status_code == 403
    assert not Signature.objects.exists()


def test_the_link_says_who_made_it_and_with_what(visit, engineer):
    client = Client(REMOTE_ADDR="203.0.113.9", headers={"user-agent": "Handy"})
    client.force_login(engineer)
    client.post(reverse("visits:share", args=[visit.number]))

    link = Document.objects.get(number=visit.number).links.get()
    assert (link.made_by_kind, link.made_by_id) == ("user", engineer.pk)
    assert (link.made_ip, link.made_user_agent) == ("203.0.113.9", "Handy")


@pytest.mark.parametrize(
    ("ip", "program", "answer"),
    [
        ("203.0.113.9", "Handy", "not_provable"),
        ("203.0.113.9", "Other", "kept"),
        ("198.51.100.2", "Handy", "kept"),
    ],
)
def test_signed_from_where_the_link_was_made_gen_2_is_not_provable(
    ip, program, answer, visit, engineer
):
    form = Document.objects.get(number=visit.number)
    token = documents.make_link(
        form, block="customer", method="L2", phone_last4="5678", ip="203.0.113.9",
        user_agent="Handy", at=timezone.now(), by=engineer.as_actor(),
    )  # fmt: skip
    phone = Client(REMOTE_ADDR=ip, headers={"user-agent": program})
    url, body = reverse("documents:sign", args=[token]), as_form(all_of_it(form))
    phone.post(url, body)
    phone.post(url, body)

    visit.refresh_from_db()
    found = {rule.id: finding.answer for rule, finding in evaluate(visit)}
    assert found["GEN-2"] == answer


def test_no_page_of_the_house_tells_the_digits(visit, engineer):
    client = Client()
    client.force_login(engineer)
    for page in (
        client.get(reverse("visits:sign", args=[visit.number])),
        client.post(reverse("visits:share", args=[visit.number])),
    ):
        assert visit.contact.phone_digits[-4:] not in page.text


def test_without_a_number_on_record_there_is_no_link(visit, engineer):
    type(visit).objects.filter(pk=visit.pk).update(contact=None)
    client = Client()
    client.force_login(engineer)

    answer = client.post(reverse("visits:share", args=[visit.number]))

    assert answer.status_code == 409
    assert not Document.objects.get(number=visit.number).links.exists()
    assert "请把手机交给客户" in client.get(reverse("visits:sign", args=[visit.number])).text


def test_the_number_of_the_visit_is_no_proof(visit, engineer):
    """The engineer writes it down himself when he appoints."""
    type(visit).objects.filter(pk=visit.pk).update(contact_phone="13900001111")
    client = Client()
    client.force_login(engineer)
    client.post(reverse("visits:share", args=[visit.number]))

    link = Document.objects.get(number=visit.number).links.get()
    assert link.phone_last4 == visit.contact.phone_digits[-4:] != "1111"


def test_who_entered_the_number_makes_no_link(visit, engineer, helpdesk):
    """Else he would have chosen what proves the customer."""
    edit_contact(visit.contact, phone="13900002222", at=timezone.now(), by=helpdesk.as_actor())
    edit_contact(visit.contact, name="李红", at=timezone.now(), by=SYSTEM)
    proof = proof_of(visit.contact)
    assert proof == {"phone_last4": "2222", "number_by": helpdesk.pk}
    form = Document.objects.get(number=visit.number)

    with pytest.raises(Refused):
        documents.make_link(
            form, block="customer", method="L2", **proof | {"number_by": engineer.pk},
            at=timezone.now(), by=engineer.as_actor(),
        )  # fmt: skip
    assert not form.links.exists()
    documents.make_link(
        form, block="customer", method="L2", **proof, at=timezone.now(), by=engineer.as_actor()
    )


def test_so_many_links_a_day(own_link, engineer):
    form, _url = own_link
    made = form.links.count()
    for _ in range((documents.MOST_LINKS - made) // 2):
        list(tokens([form], engineer))

    with pytest.raises(Refused):
        list(tokens([form], engineer))


# --- the house's own places ------------------------------------------------------------------------


def test_only_the_person_named_signs_a_place_of_the_house(visit, business, other_engineer, admin):
    form = Document.objects.get(number=visit.number)
    for somebody in (business, other_engineer, admin):
        with pytest.raises(PermissionDenied):
            documents.sign_own(
                form, block="engineer", strokes=strokes(), shown_sha256=form.data_sha256,
                at=timezone.now(), by=somebody.as_actor(),
            )  # fmt: skip
        client = Client()
        client.force_login(somebody)
        page = client.get(reverse("documents:document", args=[form.uid]))
        assert page.status_code == 404 or page.context["form"] is None
        client.post(
            reverse("documents:sign_own", args=[form.uid]),
            {"strokes": json.dumps(strokes()), "shown_sha256": form.data_sha256},
        )
    assert not Signature.objects.exists()
