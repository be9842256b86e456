"""Late notice and postponement in two taps, with the rule shown before one chooses (VISIT-13, 14)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.journal import journal
from tests.visits.factories import WINDOW, make_visit
from visits.models import Appointment
from visits.states import Status

pytestmark = pytest.mark.django_db


def soon(status, engineer, minutes=90):
    return make_visit(
        status, engineer, shift=timezone.now() + timedelta(minutes=minutes) - WINDOW[0]
    )


def clock(moment):
    return f"{timezone.localtime(moment):%H:%M}"


def test_the_late_notice_says_the_rule_and_is_one_button(engineer, logged_in):
    visit, client = soon(Status.EN_ROUTE, engineer, 20), logged_in(engineer)
    url = f"{visit.get_absolute_url()}tell_late/"

    page = client.get(url).content.decode()
    answer = client.post(url, {"minutes": "30", "reason": ""})

    assert (
        f"最迟提前 5 分钟告知客户（{clock(visit.window_from - timedelta(minutes=5))}"
        in page.replace(f"{timezone.localtime(visit.window_from):%-m月%-d日} ", "")
    )
    assert '<button class="btn btn-plain" type="submit" name="minutes" value="30">' in page
    assert answer.status_code == 302
    assert journal(visit)[-1][0] == "visit.told_late"


def test_the_form_of_the_postponement_says_both_rules(engineer, logged_in):
    visit = soon(Status.APPOINTED, engineer)

    page = logged_in(engineer).get(f"{visit.get_absolute_url()}rearrange/").content.decode()

    for minutes in (30, 240):
        assert clock(visit.window_from - timedelta(minutes=minutes)) in page
    assert "须提前 30 分钟告知客户" in page
    assert "须提前 4 小时告知" in page


def test_an_hour_later_is_one_button_and_moves_the_whole_window(engineer, logged_in):
    visit, client = soon(Status.APPOINTED, engineer), logged_in(engineer)
    page = client.get(f"{visit.get_absolute_url()}rearrange/").context["form"]

    answer = client.post(
        f"{visit.get_absolute_url()}rearrange/",
        {
            "shift": "60", "reason": page["reason"].value(), "asked_by": page["asked_by"].value(),
            "agreed_with": page["agreed_with"].value(), "window_from": "", "length": "60",
            "travel_minutes": "30",
        },
    )  # fmt: skip

    assert answer.status_code == 302, answer.context["form"].errors
    before, after = Appointment.objects.order_by("id")
    hour = timedelta(hours=1)
    assert (after.window_from, after.window_until) == (
        before.window_from + hour, before.window_until + hour,
    )  # fmt: skip
    assert (after.asked_by, after.replaces) == ("engineer", before)


def test_without_a_button_the_time_is_asked_for(engineer, logged_in):
    visit = soon(Status.APPOINTED, engineer)

    answer = logged_in(engineer).post(
        f"{visit.get_absolute_url()}rearrange/",
        {"reason": "盘点", "asked_by": "customer", "agreed_with": "李店长", "length": "60",
         "travel_minutes": "30"},
    )  # fmt: skip

    assert answer.status_code == 422
    assert "window_from" in answer.context["form"].errors
