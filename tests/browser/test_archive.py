"""Archive and check in a browser: a PDF dropped on the page, a ZIP of a period, a mail, a correction."""

from __future__ import annotations

import base64
import io
import json
import zipfile

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from customers.models import Contact
from servicedesk.core import documents, exports, sealing, vault
from servicedesk.core.actors import SYSTEM
from servicedesk.core.models import OutboxMessage
from tests.browser.hands import complaints
from tests.browser.test_pages import turn, violations
from tests.core.forms_of_tests import PLAIN, data
from tests.visits.factories import make_visit
from visits.views.public import badge_token

pytestmark = pytest.mark.browser

DROP = """([content, name]) => {
  const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name, { type: "application/pdf" }));
  document.body.dispatchEvent(
    new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }),
  );
}"""


@pytest.fixture
def form(transactional_db, engineer):
    """A form of which a correction is sealed, too."""

    def freeze(**more):
        at = timezone.now()
        return documents.freeze(
            PLAIN, engineer, number="ZZ-20260302-0001", data=data(**more), at=at, by=SYSTEM
        )

    first = freeze()
    assert sealing.seal_waiting() == 1
    freeze(need="更正：刷卡机")
    assert sealing.seal_waiting() == 1
    first.refresh_from_db()
    return first


def drop(page: Page, content: bytes) -> None:
    page.goto(reverse("documents:verify_file"))
    page.evaluate(DROP, [base64.b64encode(content).decode(), "form.pdf"])


def test_a_dropped_pdf_is_genuine_altered_or_unknown(page_of, form):
    page = page_of()
    said = complaints(page)
    genuine = vault.read(form.file)
    middle = len(genuine) // 2
    altered = genuine[:middle] + bytes([genuine[middle] ^ 1]) + genuine[middle + 1 :]

    found = []
    for content, words in (
        (genuine, "真实"), (altered, "被改动"), (b"%PDF-1.7\n%%EOF\n", "无法识别"),
    ):  # fmt: skip
        drop(page, content)
        expect(page.locator(".notice-title")).to_contain_text(words)
        found += violations(page, words)
    page.goto(reverse("documents:verify", args=[form.number, form.verify_code]))
    expect(page.locator("main")).to_contain_text("新版本")
    turn(page, 390, "dark")
    found += violations(page, "verify")
    assert found + said == []


def test_a_period_is_packed_downloaded_and_checked(page_of, form, manager, tmp_path):
    page = page_of(manager)
    said = complaints(page)
    page.goto(reverse("documents:archive"))
    # Both versions stand there.
    expect(page.locator("#rows .cell-main")).to_have_count(2)
    page.locator("#rows form button").click()
    expect(page.locator("main")).to_contain_text("排队中")
    assert exports.pack_waiting() == 1
    page.reload()
    with page.expect_download() as download:
        page.locator('a[href$="/download/"]').click()
    path = tmp_path / "forms.zip"
    download.value.save_as(path)

    with zipfile.ZipFile(path) as packed:
        assert packed.testzip() is None
        manifest = next(name for name in packed.namelist() if name.endswith("manifest.json"))
        listed = json.loads(packed.read(manifest))
        assert len([name for name in packed.namelist() if "ZZ-2026" in name]) == 2
    assert form.file_sha256 in json.dumps(listed)
    call_command("verify_export", str(path), stdout=io.StringIO())

    found = violations(page, "export")
    for name in ("exports", "archive"):
        page.goto(reverse(f"documents:{name}"))
        found += violations(page, name)
        turn(page, 390, "dark")
        found += violations(page, f"{name} 390 dark")
    page.goto(reverse("documents:document", args=[form.uid]))
    expect(page.locator("main")).to_contain_text("ZZ-20260302-0001 v2")
    found += violations(page, "document")
    assert found + said == []


def test_the_customer_is_sent_the_sealed_form_from_its_page(page_of, engineer, helpdesk):
    visit = make_visit("signed", engineer)
    Contact.objects.filter(pk=visit.contact_id).update(email="li@example.com")
    assert sealing.seal_waiting() == 1
    document = documents.Document.objects.get(number=visit.number)
    page = page_of(helpdesk)
    said = complaints(page)

    page.goto(reverse("documents:document", args=[document.uid]))
    page.locator('a[href$="/mail/"]').click()
    found = violations(page, "mail")
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main")).to_contain_text("li@example.com")
    assert OutboxMessage.objects.get(channel="document").recipient == "li@example.com"

    # What a customer may meet besides: the badge, and links that are over.
    public = page_of(phone=True)
    badge = reverse("visits:badge", args=[badge_token(visit, timezone.localdate())])
    for url in (badge, reverse("documents:sign", args=["over"]), "/visits/t/over/"):
        public.goto(url)
        found += violations(public, url)
    assert found + said == []
