"""Every page that a role can go to: it opens, fits the screen, in both themes, for everybody.

Each page is loaded once per role; width and theme change under it as they do for a person.
axe-core looks at a page in the role that sees most of it, in the states that differ.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.roles import Role
from customers.actions import create_stock_part
from customers.models import Customer, Store
from knowledge.actions import create_article
from servicedesk.core import documents, panels
from tests.browser.hands import complaints
from tests.conftest import AT, person
from tests.tickets.tickets.factories import make_session
from tests.visits.factories import make_visit
from tickets.actions.calls import end_call
from tickets.models import Ticket
from tickets.states import RemoteStatus
from visits import actions as visits
from visits.models import VisitOrder
from visits.states import Status
from visits.views.public import note_token

pytestmark = pytest.mark.browser

AXE = (settings.NODE_MODULES / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
# Both widths and both themes in two looks: a page costs axe most of its time.
LOOKS = ((1440, "light"), (390, "dark"))
# Whose pages axe looks at: the desk's with every part, the telephone's, the administration's.
LOOKED_AT = {Role.DISPATCHER: "/", Role.ENGINEER: "/visits/", Role.ADMINISTRATOR: "/accounts/"}
ROLES = [role for role in Role if role != Role.CLIENT]


@pytest.fixture
def world(transactional_db) -> dict[str, Any]:
    """One record of each kind, made by the actions."""
    people = {role: person(f"p-{role}", f"{role.label}一", role) for role in ROLES}
    engineer, desk = people[Role.ENGINEER], people[Role.HELPDESK]
    missed = make_visit(Status.MISSED, engineer, shift=timedelta(days=-1))
    create_stock_part(code="CAB-6", name="网线", at=AT, by=desk.as_actor())
    visit = make_visit(Status.FINISHED, engineer)
    form = visits.present_form(visit, at=timezone.now(), by=engineer.as_actor())
    make_visit(Status.ORDERED, engineer)
    session = make_session(RemoteStatus.CLOSED, engineer)
    call = end_call(
        outcome="message", answered_at=AT, caller_number="13800138001", caller_name="李红梅",
        salutation="李店长", need="想问积分规则", to_user=engineer, call_back_by=AT.replace(hour=9),
        at=AT, by=desk.as_actor(),
    )  # fmt: skip
    article = create_article(
        title="小票打印不出来", symptom="打印机没有反应", cause="服务停止", solution="重启打印服务",
        product=None, category=None, at=AT, by=engineer.as_actor(),
    )  # fmt: skip
    return {
        "people": people,
        "records": [
            visit, session, session.ticket, call, call.messages.get(), article,
            Customer.objects.first(), Store.objects.first(),
        ],
        "form": form,
        "visit": visit,
        "missed": missed,
        "link": documents.make_link(
            form, block="customer", method="L2", signer_name="李晓梅", phone_last4="5678",
            at=timezone.now(), by=engineer.as_actor(),
        ),
    }  # fmt: skip


def pages_of(role: Role, world: dict[str, Any]) -> list[str]:
    """All entries of the role's navigation, and the records that it may see."""
    actor = world["people"][role].as_actor()
    found = [
        reverse(entry.url_name)
        for entry in panels._navigation
        if not entry.permission or actor.may(entry.permission)
    ]
    found += [
        record.get_absolute_url()
        for record in world["records"]
        if type(record).objects.visible_to(actor).filter(pk=record.pk).exists()
    ]
    if VisitOrder.objects.visible_to(actor).filter(pk=world["visit"].pk).exists():
        found.append(reverse("documents:document", args=[world["form"].uid]))
    ticket = Ticket.objects.visible_to(actor).first()
    if ticket is not None:
        found.append(reverse("tickets:changes", args=[ticket.number]))
    if role == Role.ENGINEER:
        number = world["visit"].number
        found += [reverse("visits:sign", args=[number]), reverse("visits:my_badge", args=[number])]
        found.append(reverse("visits:note", args=[world["missed"].number]))
    if actor.may("customers.manage_parts"):
        found += [reverse("customers:part_new"), reverse("customers:part_import")]
    if role == Role.ADMINISTRATOR:
        found.append(reverse("accounts:user", args=[User.objects.get_queryset().first().uid]))
    return list(dict.fromkeys(found))


def turn(page: Page, width: int, theme: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme }", theme)


def faults(page: Page, url: str, *, axe: bool) -> list[str]:
    """What is wrong with one page in any of its looks."""
    answer = page.goto(url, wait_until="load")
    assert answer is not None
    # Choosers load their script last; whoever leaves earlier breaks it off.
    expect(page.locator("select[data-remote-select]:not(.tomselected)")).to_have_count(0)
    found = [] if answer.status == 200 else [f"{url}: {answer.status}"]
    for width, theme in LOOKS:
        turn(page, width, theme)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found += [f"{url} at {width}: {wide} px too wide"] if wide > 0 else []
        if axe:
            found += violations(page, f"{url} at {width} {theme}")
    return found


def violations(page: Page, where: str) -> list[str]:
    """What axe-core calls serious or critical."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"(() => {{ {AXE} }})()")
    seen = page.evaluate(
        """async () => {
            for (const animation of document.getAnimations()) animation.finish();
            const { violations } = await axe.run(document, { resultTypes: ["violations"] });
            return violations
                .filter(({ impact }) => impact === "serious" || impact === "critical")
                .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((n) => n.html).join(" | ")}`);
        }"""
    )
    return [f"{where}: {line}" for line in seen]


@pytest.mark.parametrize("role", ROLES)
def test_every_page_of_a_role_is_sound(role, world, page_of):
    page = page_of(world["people"][role])
    said = complaints(page)
    found = []
    for url in pages_of(role, world):
        found += faults(page, url, axe=url.startswith(LOOKED_AT.get(role, "none")))

    assert "\n".join(found + said) == ""


def test_the_pages_for_everybody_are_sound(world, page_of):
    form = world["form"]
    page = page_of()
    said = complaints(page)
    found = []
    for url in (
        reverse("account_login"),
        reverse("documents:verify_file"),
        reverse("documents:verify", args=[form.number, form.verify_code]),
        reverse("documents:sign", args=[world["link"]]),
        reverse("visits:note_link", args=[note_token(world["missed"].notes.get())]),
    ):
        found += faults(page, url, axe=True)

    assert "\n".join(found + said) == ""
