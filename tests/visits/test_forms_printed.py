"""The printed forms: SV and MN (forms.md)."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pypdf
import pytest

from servicedesk.core import paper
from servicedesk.core.models import Document
from servicedesk.core.pdf import renderer
from tests.visits.factories import FINISHED, WINDOW, make_visit, sign_as_customer, sign_as_engineer
from visits import actions
from visits.models import MissedNote
from visits.pdf import missed_note_data, visit_data
from visits.states import Status

pytestmark = pytest.mark.django_db


def text_of(document) -> str:
    content = renderer.render(paper.render(document, layout="pdf/base.html"))
    return "".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(content)).pages)


def test_the_service_order_prints_every_field_of_the_record(engineer):
    visit, by = make_visit(Status.APPOINTED, engineer), engineer.as_actor()
    actions.rearrange(
        visit, window_from=WINDOW[0] + timedelta(hours=1), window_until=WINDOW[1]
        + timedelta(hours=1), asked_by="customer", reason="早会", agreed_with="李店长",
        at=WINDOW[0] - timedelta(hours=1), by=by,
    )  # fmt: skip
    actions.arrive(visit, at=WINDOW[0] + timedelta(minutes=52), by=by)
    actions.wait_for_customer(visit, asked="前台说在开会", at=WINDOW[0] + timedelta(hours=1), by=by)
    actions.meet(visit, at=WINDOW[0] + timedelta(minutes=70), by=by)
    actions.start_work(
        visit, people_met="李晓梅", ticked=[], at=WINDOW[0] + timedelta(minutes=72), by=by
    )
    actions.interrupt(visit, reason="停电", at=WINDOW[0] + timedelta(minutes=80), by=by)
    actions.resume(visit, at=WINDOW[0] + timedelta(minutes=90), by=by)
    at = FINISHED + timedelta(hours=2)
    actions.add_part(visit, name="六类网线", quantity=2, serial="CAT6-77", at=at, by=by)
    actions.record_work(
        visit, findings="端口氧化", cause="受潮", work_done="清洁端口", changes_made="改 IP",
        touches_data=True, data_consent_by="王总", tested_by="李晓梅", test_result="正常",
        result="workaround", next_step="换新终端", next_step_at=at + timedelta(days=2),
        advice="保持干燥", other_needs="想要第二台", at=at, by=by,
    )  # fmt: skip
    actions.finish(visit, ticked=[], at=at, by=by)
    document = actions.present_form(visit, at=at, by=by)
    sign_as_customer(document, engineer, at=at)
    sign_as_engineer(document, engineer, at=at)

    text = text_of(document)

    for printed in [
        visit.number, visit.ticket.number, "周敏", "普通", "客户无要求", visit.customer.name,
        visit.store.name, "淮海中路", "李晓梅", "李店长", "13912345678", "积分产品", "3.2.1",
        "882 114 903", "积不了分", "多半是网线或网口", "2026-03-02 12:30", "早会", "前台说在开会",
        "停电", "端口氧化", "受潮", "清洁端口", "改 IP", "王总", "六类网线", "CAT6-77", "临时方案",
        "换新终端", "保持干燥", "想要第二台", "4 / 5", "谢谢", "张伟",
    ]:  # fmt: skip
        assert printed.replace(" ", "") in text.replace(" ", "").replace("\n", ""), printed


def test_the_data_are_plain_and_the_same_each_time(engineer):
    visit = make_visit(Status.FINISHED, engineer)
    assert visit_data(visit) == visit_data(visit)


def test_the_data_do_not_depend_on_the_readers_language(engineer):
    from django.utils import translation

    visit = make_visit(Status.FINISHED, engineer)
    with translation.override("en"):
        english = visit_data(visit)
    assert english == visit_data(visit)


def test_a_refused_signature_is_printed_with_its_reason(engineer):
    visit = make_visit(Status.FINISHED, engineer)
    actions.refuse_signature(visit, reason="等总部确认", at=FINISHED, by=engineer.as_actor())
    assert "等总部确认" in text_of(Document.objects.get(kind="visit_unsigned"))


def test_a_visit_without_ticket_product_or_appointment_prints_too(engineer):
    from tests.visits.factories import make_store, order

    visit = order(store=make_store(), contact_name="王经理", need="演示新功能")
    data = visit_data(visit)
    assert (data["head"]["ticket"], data["product"]["product"]) == ("", "")
    assert data["appointment"]["window_from"] is None


def test_the_note_tells_whom_to_call_and_when_he_was_there(engineer):
    make_visit(Status.MISSED, engineer)
    note = MissedNote.objects.get()

    text = text_of(Document.objects.get(number=note.number)).replace("\n", "")

    for printed in [note.number, "400-800-1234", "交前台王女士", "11:22", "11:38", "张伟"]:
        assert printed in text, printed
    assert missed_note_data(note)["visit"] == note.visit.number


def test_a_signature_drawn_on_the_high_pad_of_a_phone_is_printed_whole():
    line = [[{"x": 20.0, "y": 30.0}, {"x": 300.0, "y": 395.5}]]
    assert 'viewBox="0 0 600 400"' in paper.ink(line)
    assert 'viewBox="0 0 600 200"' in paper.ink([[{"x": 1.0, "y": 5.0}]])
