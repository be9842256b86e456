"""No address answers what nobody meant to send with an error of ours.

Walks every address that the resolver knows, pages and API, and sends null characters, half
characters, depth, length, and far days: in the address, in the query, in each field that any form or
endpoint has. Each address meets a third of the values, another third than its neighbour, so that the
ordinary run stays short; `HOSTILE=all pytest tests/test_hostile_input.py` sends every value to each.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from django import forms
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.actions import create_team
from accounts.models import User
from accounts.roles import PERMISSIONS
from knowledge.actions import create_article
from knowledge.states import ARTICLE
from servicedesk.core import documents
from servicedesk.core.fields import uuid7
from servicedesk.core.forms import DeskForm
from servicedesk.core.models import Document
from sla.models import Calendar, Deadline, Policy
from tests.tickets.tickets.factories import make_call, make_category, make_session
from tests.visits.factories import make_visit
from tickets.actions.extensions import propose_extension
from tickets.actions.messages import take_message
from tickets.actions.promises import make_promise
from tickets.states import EXTENSION, HANDOVER, MESSAGE, PROMISE, REMOTE, TICKET
from visits.states import VISIT

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parent.parent
DEEP, LONG = "[" * 5000, "9" * 5000


def mark(*values: object) -> bytes:
    return urlsafe_b64encode(json.dumps(values).encode())


# As bytes of an address or a form; a browser could send each.
SENT = {
    "null": b"a\0b",
    "half": b"\xed\xa0\x80",
    "deep": DEEP.encode(),
    "long": LONG.encode(),
    "below": b"-1",
    "last day": b"9999-12-31",
    "last moment": b"9999-12-31T23:59",
    "first moment": b"0001-01-01T00:00",
    "lines": b"a\r\nb",
}
# What has a meaning in queries, sent beside one of those.
QUERIES = {
    "null": {"after": b"\0"},
    "half": {"after": mark("\0", "1"), "cursor": b"cD1hYmM=", "day": b"9999-12-31"},
    "deep": {"after": urlsafe_b64encode(b"[" * 2900), "cursor": b"cD0=", "day": b"0001-01-01"},
    "long": {"before": mark("\ud800", "1"), "cursor": DEEP.encode(), "limit": LONG.encode()},
    "below": {"before": mark(None, None), "cursor": b"-1", "limit": b"-1", "since": b"0001-01-01"},
    "last day": {"after": mark("9999-12-31T23:59:59-14:00", "1"), "cursor": b"%00"},
}
# As a field of a body in JSON, spelled there.
IN_BODIES = {
    "half": r'"\ud800"',
    "nested": "[" * 15 + "]" * 15,
    "big": "1" + "0" * 30,
    "infinite": "1e400",
    "object": '{"a": {"b": 1}}',
    "last moment": '"9999-12-31T23:59:59Z"',
    "first moment": '"0001-01-01T00:00:00+14:00"',
    "lines": r'"a\nb"',
}
# `readyz` says 503 where no worker runs; the style guide is there while developing only. The pack of a
# phone takes no input, and its blank forms leave variables of their templates undefined.
NOT_OURS = ("styleguide", "readyz", "phone/pack/", "favicon", "^")
VERBS = {
    "tickets/extensions/": EXTENSION, "tickets/remote/": REMOTE, "tickets/handovers/": HANDOVER,
    "tickets/inbox/messages/": MESSAGE, "tickets/inbox/callbacks/": PROMISE, "tickets/": TICKET,
    "visits/": VISIT, "knowledge/": ARTICLE,
}  # fmt: skip


# --- what there is ------------------------------------------------------------------------------


def routes(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for item in resolver.url_patterns:
        route = before + str(item.pattern)
        if isinstance(item, URLResolver):
            yield from routes(item, route)
        else:
            yield route, item


ROUTES = dict(routes(get_resolver()))
PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")


def all_forms(base: type[forms.BaseForm]) -> Iterator[type[forms.BaseForm]]:
    for form in base.__subclasses__():
        yield form
        yield from all_forms(form)


def names_in_sources() -> set[str]:
    """What views read by themselves."""
    asked = re.compile(r'(?:GET|POST|query_params)\.get(?:list)?\(\s*"([\w-]+)"')
    return {
        name
        for app in ("accounts", "customers", "knowledge", "sla", "tickets", "visits", "servicedesk")
        for path in (ROOT / app).rglob("*.py")
        for name in asked.findall(path.read_text(encoding="utf-8"))
    }


def names_of_fields() -> set[str]:
    fields = {
        (name, isinstance(field, forms.MultiValueField))
        for form in all_forms(DeskForm)
        for name, field in form.base_fields.items()
    }
    parts = {f"{name}_{part}" for name, several in fields if several for part in ("choice", "time")}
    return {name for name, _several in fields} | parts


def bodies() -> dict[str, list[str]]:
    """The fields that each endpoint takes, from the committed document of the API."""
    api = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text(encoding="utf-8"))
    found = {}
    for path, methods in api["paths"].items():
        content = methods.get("post", {}).get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        name = schema.get("$ref", "").rpartition("/")[2]
        fields = api["components"]["schemas"].get(name, {}).get("properties", {})
        found[path] = list(fields)
    return found


BODIES = bodies()


# --- who asks, and for what ----------------------------------------------------------------------


@pytest.fixture
def records(engineer, helpdesk, monkeypatch):
    """One of most records, by where its address begins; the engineer may do everything."""
    monkeypatch.setattr("accounts.models.permissions_of", lambda _role: frozenset(PERMISSIONS))
    by, now = engineer.as_actor(), timezone.now()
    visit = make_visit("accepted", engineer)
    told = {"caller_name": "李", "caller_number": "138", "at": now, "by": by}
    soon = now + timedelta(hours=1)
    category, product = make_category(), visit.installation.product
    session = make_session("prepared", engineer, at=now - timedelta(hours=1))
    extension = propose_extension(
        session.ticket, plan="换机", proposed_due_at=now + timedelta(days=2), at=now, by=by
    )
    article = create_article(
        category=category, product=product, title="x", symptom="y", solution="z", at=now, by=by
    )
    found = {
        "accounts/people/": helpdesk, "accounts/people/teams/": create_team(name="组", at=now, by=by),
        "tickets/": session.ticket, "tickets/remote/": session, "tickets/extensions/": extension,
        "tickets/calls/": make_call(session.ticket, at=now, by=engineer),
        "tickets/inbox/messages/": take_message(
            to_user=engineer, text="x", call_back_by=soon, **told
        ),
        "tickets/inbox/callbacks/": make_promise(owner=engineer, question="x", due_at=soon, **told),
        "visits/": visit, "knowledge/": article, "knowledge/categories/": category,
        "customers/": visit.customer, "customers/stores/": visit.store,
        "customers/contacts/": visit.contact, "customers/installations/": visit.installation,
        "customers/products/": product, "customers/<slug:kind>/": visit.contact,
        "deadlines/": Deadline.objects.first(), "deadlines/calendars/": Calendar.objects.first(),
        "deadlines/policies/": Policy.objects.first(), "documents/": Document.objects.first(),
    }  # fmt: skip
    api = {
        "users": "accounts/people/", "stores": "customers/stores/", "contacts": "customers/contacts/",
        "products": "customers/products/", "installations": "customers/installations/",
        "calendars": "deadlines/calendars/", "policies": "deadlines/policies/",
        "fault-categories": "knowledge/categories/", "articles": "knowledge/",
        "calls": "tickets/calls/", "messages": "tickets/inbox/messages/",
        "promises": "tickets/inbox/callbacks/", "extensions": "tickets/extensions/",
        "remote-sessions": "tickets/remote/", "tickets": "tickets/", "visits": "visits/",
        "customers": "customers/", "deadlines": "deadlines/", "documents": "documents/",
    }  # fmt: skip
    return found | {f"api/v1/{name}/": found[prefix] for name, prefix in api.items()}


@pytest.fixture
def link(records):
    """A customer's link to the form of the extension."""
    form = Document.objects.get(number=records["tickets/extensions/"].number)
    return documents.make_link(
        form, block="customer", method="L1", at=timezone.now(), by=User.objects.get(
            username="zhangwei"
        ).as_actor(),
    )  # fmt: skip


def addresses(records, link, *, bad=""):
    """Each route with what it needs; with `bad`, once for each part that could be that instead."""
    for route in ROUTES:
        if route.startswith(NOT_OURS):
            continue
        record = next(
            (records[s] for s in sorted(records, key=len, reverse=True) if route.startswith(s)),
            None,
        )
        parts = [name for _kind, name in PARAMETER.findall(route)]
        verbs = next((m for start, m in VERBS.items() if route.startswith(start)), ())
        for verb in [v.name for v in verbs] if "verb" in parts and not bad else [""]:
            good = {
                "uid": str(getattr(record, "uid", uuid7())), "verb": verb or "x",
                "number": getattr(record, "number", "x"), "kind": "contacts", "token": link,
            }  # fmt: skip
            if not bad:
                yield route, fill(route, good)
            for spoiled in parts if bad else ():
                yield route, fill(route, good | {spoiled: quote(bad)})


EACH = 1 if os.environ.get("HOSTILE") == "all" else 3


def share(found, names, name):
    """What of the addresses meets the value of this name."""
    return itertools.islice(found, list(names).index(name) % EACH, None, EACH)


def fill(route, values):
    return "/" + PARAMETER.sub(lambda part: values.get(part[2], "x"), route)


class Visitor:
    """Sends, notes what failed, and undoes what was done."""

    def __init__(self, user):
        client = Client()
        client.force_login(user)
        self.session = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.count, self.errors = 0, []

    def send(self, what, method, url, *args, **kwargs):
        client = Client(raise_request_exception=False)
        client.cookies[settings.SESSION_COOKIE_NAME] = self.session
        with transaction.atomic():
            answer = getattr(client, method)(url, *args, **kwargs)
            transaction.set_rollback(True)
        self.count += 1
        if answer.status_code >= 500:
            error = answer.exc_info[1] if answer.exc_info else answer.status_code
            self.errors.append(f"{method} {url[:80]} {what}: {error!r:.150}")
        return answer


@pytest.fixture
def visitor(engineer):
    return Visitor(engineer)


# --- the walk -------------------------------------------------------------------------------------


def test_the_walk_reaches_what_there_is(records, link, visitor):
    """If most addresses were not found, nothing below would prove much."""
    reached = [
        visitor.send("", "get", url).status_code != 404
        for route, url in addresses(records, link)
        if "verb>" not in route
    ]

    assert visitor.errors == []
    assert sum(reached) > 0.8 * len(reached)
    assert len(names_of_fields() | names_in_sources()) > 150
    assert sum(map(bool, BODIES.values())) > 100


IN_ADDRESSES = ["null", "half", "long", "last day"]


@pytest.mark.parametrize("name", IN_ADDRESSES)
def test_parts_of_addresses(name, records, link, visitor):
    for _route, url in share(addresses(records, link, bad=SENT[name]), IN_ADDRESSES, name):
        visitor.send(name, "get", url)

    assert visitor.errors == []
    assert visitor.count > 100 / EACH


@pytest.mark.parametrize("name", QUERIES)
def test_queries(name, records, link, visitor):
    values = dict.fromkeys(names_in_sources(), SENT[name]) | QUERIES[name]
    query = "&".join(f"{field}={quote(value)}" for field, value in values.items())
    pages = [url for route, url in addresses(records, link) if "verb>" not in route]
    for url in share(pages, QUERIES, name):
        visitor.send(name, "get", f"{url}?{query}")

    assert visitor.errors == []
    assert visitor.count > 200 / EACH


@pytest.mark.parametrize("name", SENT)
def test_forms(name, records, link, visitor):
    fields = sorted(names_of_fields() | names_in_sources())
    body = "&".join(f"{quote(field)}={quote(SENT[name])}" for field in fields)
    body += f"&{quote(SENT[name])[:200]}=x"
    assert len(fields) < settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    pages = [url for route, url in addresses(records, link) if not route.startswith("api/")]
    for url in share(pages, SENT, name):
        visitor.send(name, "post", url, body, "application/x-www-form-urlencoded")

    assert visitor.errors == []
    assert visitor.count > 200 / EACH


@pytest.mark.parametrize("name", IN_BODIES)
def test_bodies(name, records, link, visitor):
    """All fields at once, then nothing but the value."""
    value = IN_BODIES[name]
    endpoints = [(bodies_at(route), url) for route, url in addresses(records, link)]
    for names, url in share([e for e in endpoints if e[0] is not None], IN_BODIES, name):
        fields = ", ".join(f'"{field}": {value}' for field in names)
        for body in (f"{{{fields}}}", value):
            visitor.send(name, "post", url, body, "application/json")

    assert visitor.errors == []
    assert visitor.count > 100 / EACH


def bodies_at(route):
    return BODIES.get("/" + PARAMETER.sub(lambda part: f"{{{part[2]}}}", route))
