"""hand_in, return_form, archive, follow_up: VISIT-9, 23, 24."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Notification
from servicedesk.core.errors import Refused, WrongState
from servicedesk.core.models import Document, RuleResult
from sla.models import Deadline
from tests.visits.factories import AFTER, FINISHED, make_desk_person, make_visit
from visits import actions
from visits.queries import handbook_gaps, lacking
from visits.states import Status
from visits.views.shared import make_form

pytestmark = pytest.mark.django_db
AT = FINISHED + timedelta(hours=6)


def desk():
    return make_desk_person().as_actor()


def sealed(visit):
    """The worker has rendered and sealed the form (its own tests do that for real)."""
    Document.objects.filter(number=visit.number).update(
        status="sealed", file="x.pdf", file_sha256="0" * 64, sealed_at=AT
    )


def test_handed_in_the_desk_has_a_day_to_check(engineer):
    visit = make_visit(Status.HANDED_IN, engineer)

    clock = Deadline.objects.of(visit).get(kind="visit.check")
    assert (clock.owner, clock.due_at) == (
        make_desk_person(), visit.handed_in_at + timedelta(hours=24),
    )  # fmt: skip
    assert Deadline.objects.of(visit).get(kind="visit.hand_in").status == "met"


def test_a_drive_that_was_taken_along_is_scanned_on_return(engineer):
    visit = make_visit(Status.SIGNED, engineer)
    with pytest.raises(Refused) as refused:
        actions.hand_in(visit, at=AFTER, by=engineer.as_actor())
    assert refused.value.field == "usb_scanned_at"
    with pytest.raises(Refused):
        actions.hand_in(
            visit, usb_scanned_at=AFTER + timedelta(minutes=1), at=AFTER, by=engineer.as_actor()
        )


def test_returned_the_engineer_has_a_day_to_complete_it(engineer):
    visit = make_visit(Status.HANDED_IN, engineer)

    actions.return_form(visit, reason="缺序列号", at=AFTER, by=desk())

    assert (visit.status, visit.handed_in_at) == (Status.SIGNED, None)
    open_clocks = dict(Deadline.objects.of(visit).open().values_list("kind", "due_at"))
    assert open_clocks == {"visit.hand_in": AFTER + timedelta(hours=24)}


def test_returned_without_a_reason_is_refused(engineer):
    visit = make_visit(Status.HANDED_IN, engineer)
    with pytest.raises(Refused):
        actions.return_form(visit, reason=" ", at=AFTER, by=desk())


def test_a_form_that_is_not_sealed_yet_is_not_archived(engineer):
    visit = make_visit(Status.HANDED_IN, engineer)
    with pytest.raises(Refused, match="盖章"):
        actions.archive(visit, at=AFTER, by=desk())
    visit.refresh_from_db()
    assert visit.status == Status.HANDED_IN


@pytest.mark.parametrize("door", ["page", "api"])
def test_a_sealed_form_is_archived_through_both_doors(door, engineer, doors):
    visit = make_visit(Status.HANDED_IN, engineer)
    sealed(visit)

    response = doors[door](make_desk_person(), visit, "archive", {})

    assert response.status_code == (302 if door == "page" else 200)
    visit.refresh_from_db()
    assert visit.status == Status.ARCHIVED
    assert Deadline.objects.of(visit).open().get().kind == "visit.follow_up"
    results = RuleResult.objects.filter(subject_id=visit.pk, subject_kind="visits.visitorder")
    assert results.count() > 25
    assert set(results.values_list("person_id", flat=True)) == {engineer.pk}


def test_a_refused_signature_does_not_hold_up_the_archive(engineer):
    assert make_visit(Status.ARCHIVED, engineer).signature_refused


@pytest.mark.parametrize("status", [Status.SIGNED, Status.ARCHIVED, Status.FINISHED])
def test_only_what_was_handed_in_is_archived(status, engineer):
    visit = make_visit(status, engineer)
    with pytest.raises(WrongState):
        actions.archive(visit, at=AFTER, by=desk())


def test_an_engineer_does_not_archive_his_own_form(engineer, doors):
    visit = make_visit(Status.HANDED_IN, engineer)
    assert doors["page"](engineer, visit, "archive", {}).status_code == 403
    assert doors["api"](engineer, visit, "archive", {}).status_code == 403


def test_the_check_list_names_what_is_missing(engineer):
    visit = make_visit(Status.HANDED_IN, engineer, record={"cause": ""})

    gaps = {str(gap.text): gap.blocks for gap in lacking(visit)}

    assert gaps == {"服务单尚未盖章": True, "未填原因": False}


def test_the_desk_sees_which_rules_were_broken_and_what_to_ask_for(engineer, client):
    visit = make_visit(Status.HANDED_IN, engineer, record={"cause": ""})
    client.force_login(make_desk_person())

    page = client.get(visit.get_absolute_url()).text

    broken = [str(gap.text) for gap in handbook_gaps(visit)]
    assert broken
    assert all(text.partition(" ")[0] in page for text in broken)
    asked = make_form("return_form", visit, desk()).initial["reason"]
    assert asked == "未填原因"


def test_the_engineer_sees_the_same_list_before_he_hands_in(engineer, client):
    visit = make_visit(Status.SIGNED, engineer, record={"cause": ""})
    client.force_login(engineer)

    assert "未填原因" in client.get(visit.get_absolute_url()).text


def test_nothing_is_missing_on_a_good_form(engineer):
    visit = make_visit(Status.HANDED_IN, engineer)
    sealed(visit)
    assert lacking(visit) == []


def test_the_follow_up_ends_its_clock_and_answers_its_rule(engineer):
    visit = make_visit(Status.ARCHIVED, engineer)
    rule = RuleResult.objects.get(subject_id=visit.pk, rule="VISIT-24")
    assert rule.answer == "not_applicable"

    actions.follow_up(
        visit, result="使用正常", satisfied=True, at=AT + timedelta(days=1), by=desk()
    )

    rule.refresh_from_db()
    assert rule.answer == "kept"
    assert visit.follow_up_result == "使用正常"
    assert not Deadline.objects.of(visit).open().exists()


def test_an_unhappy_customer_is_the_supervisors_matter(engineer, dispatcher):
    visit = make_visit(Status.ARCHIVED, engineer)
    actions.follow_up(visit, result="又坏了", satisfied=False, at=AFTER, by=desk())
    assert Notification.objects.filter(user=dispatcher, text__contains="又坏了").exists()


def test_who_was_called_before_the_archive_is_not_called_again(engineer):
    visit = make_visit(Status.HANDED_IN, engineer)
    sealed(visit)
    actions.follow_up(visit, result="正常", satisfied=True, at=AFTER, by=desk())

    actions.archive(visit, at=AFTER, by=desk())

    assert not Deadline.objects.of(visit).open().exists()


def test_a_follow_up_without_words_is_refused(engineer):
    with pytest.raises(Refused):
        actions.follow_up(
            make_visit(Status.ARCHIVED, engineer), result="", satisfied=True, at=AFTER, by=desk()
        )


def test_the_engineer_reads_why_it_came_back_until_he_hands_it_in_again(engineer, client):
    visit = make_visit(Status.HANDED_IN, engineer)
    at = AFTER
    actions.return_form(visit, reason="缺配件序列号", at=at, by=desk())
    client.force_login(engineer)
    assert "缺配件序列号" in client.get(visit.get_absolute_url()).context["returned_for"]

    actions.hand_in(
        visit, usb_scanned_at=FINISHED + timedelta(minutes=5), at=at, by=engineer.as_actor()
    )

    assert client.get(visit.get_absolute_url()).context["returned_for"] == ""


def test_the_desk_reads_that_nothing_is_missing(engineer, client):
    visit = make_visit(Status.HANDED_IN, engineer)
    client.force_login(make_desk_person())
    assert not client.get(visit.get_absolute_url()).context["complete"]
    sealed(visit)
    assert client.get(visit.get_absolute_url()).context["complete"]
