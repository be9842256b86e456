"""Exceptions from a file: a preview, errors per row, all or nothing."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework.test import APIClient

from sla import actions
from tests.conftest import AT
from tests.customers.conftest import browser
from tests.sla.test_calendars import NINE_TO_SIX, calendar  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

CSV = "日期,名称,工作时间\n2026-10-01,国庆节,\n2026-10-10,国庆节调休,09:00-12:00 13:00-18:00\n"
ICAL = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//x//CN
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20261001
DTEND;VALUE=DATE:20261004
SUMMARY:国庆节
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART;VALUE=DATE:20261010
SUMMARY:国庆节 补班
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def upload(calendar, manager):  # noqa: F811
    client = browser(manager)

    def send(text: str | bytes, name: str = "days.csv"):
        content = text if isinstance(text, bytes) else text.encode()
        url = reverse("sla:calendar_import", args=[calendar.uid])
        return client.post(url, {"file": SimpleUploadedFile(name, content)})

    send.client = client
    return send


def confirm(upload, calendar, answer):  # noqa: F811
    # As the page draws it, not as the view means it.
    initial = {field.name: field.value() for field in answer.context["form"]}
    return upload.client.post(reverse("sla:calendar_import_do", args=[calendar.uid]), initial)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_is_shown_first_and_then_taken_over(encoding, upload, calendar):  # noqa: F811
    answer = upload(CSV.encode(encoding))
    assert answer.status_code == 200
    assert [row.effect for row in answer.context["rows"]] == ["new", "new"]
    calendar.refresh_from_db()
    assert calendar.current.number == 1

    confirm(upload, calendar, answer)
    calendar.refresh_from_db()
    assert calendar.current.days == {
        "2026-10-01": {"name": "国庆节", "windows": []},
        "2026-10-10": {"name": "国庆节调休", "windows": NINE_TO_SIX},
    }
    assert [row.effect for row in upload(CSV).context["rows"]] == ["same", "same"]


def test_an_icalendar_brings_whole_days_and_make_up_days(upload, calendar):  # noqa: F811
    confirm(upload, calendar, upload(ICAL.replace("\n", "\r\n"), "cn.ics"))

    calendar.refresh_from_db()
    assert sorted(calendar.current.days) == ["2026-10-01", "2026-10-02", "2026-10-03", "2026-10-10"]
    assert calendar.current.days["2026-10-10"]["windows"] == NINE_TO_SIX


def test_wrong_rows_are_named_and_nothing_is_offered(upload, calendar):  # noqa: F811
    answer = upload(
        "date,name,windows\n2026-10-01,国庆节,\nmorgen,x,\n2026-10-02,,\n2026-10-03,x,9-12\n"
        "2026-10-01,again,\n"
    )
    assert answer.status_code == 422
    assert [row.line for row in answer.context["errors"]] == [3, 4, 5, 6]
    assert "calendars/" + str(calendar.uid) + "/import/do/" not in answer.content.decode()


@pytest.mark.parametrize(
    ("content", "name", "line"),
    [
        (CSV + '2026-10-11,"国庆\n值班",\n', "x.csv", 5),
        (ICAL.replace("SUMMARY:国庆节\n", "SUMMARY:国庆\\n节\n"), "x.ics", 1),
    ],
)
def test_a_name_with_a_line_break_is_an_error_of_its_row(content, name, line, upload, calendar):  # noqa: F811
    answer = upload(content, name)

    assert answer.status_code == 422
    assert [(row.line, row.error) for row in answer.context["errors"]] == [
        (line, "名称中有换行，请写成一行。")
    ]


@pytest.mark.parametrize(
    "event",
    [
        "DTSTART:20261001T090000Z\nDTEND:20261001T100000Z\nSUMMARY:x",
        "DTSTART;VALUE=DATE:20261001\nRRULE:FREQ=YEARLY\nSUMMARY:x",
        "DTSTART;VALUE=DATE:20261001\nDTEND;VALUE=DATE:20301001\nSUMMARY:x",
        "DTSTART;VALUE=DATE:20261001",
        "SUMMARY:x",
    ],
)
def test_events_that_are_no_whole_days_are_errors(event, upload, calendar):  # noqa: F811
    text = f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{event}\nEND:VEVENT\nEND:VCALENDAR\n"
    answer = upload(text, "x.ics")
    assert answer.status_code == 422
    assert len(answer.context["errors"]) == 1


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "x.csv"), (b"date,name\n", "x.csv"), (b"a,b\n1,2\n", "x.csv"),
        (b"\xff\xfe\x00\xd8", "x.csv"), (b"x" * (1024 * 1024 + 1), "x.csv"),
        (b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "x.ics"), (b"\x00\x01", "x.ics"),
        (b"date,name\n" + b"2026-10-01,x\n" * 1001, "x.csv"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_at_the_field(content, name, upload):
    answer = upload(content, name)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"file"}


def test_a_preview_of_an_older_version_is_not_taken_over(upload, calendar, manager):  # noqa: F811
    answer = upload(CSV)
    actions.change_calendar(calendar, zone="UTC", at=AT, by=manager.as_actor())

    confirm(upload, calendar, answer)
    calendar.refresh_from_db()
    assert calendar.current.days == {}


@pytest.mark.parametrize(
    "days",
    [
        "[]",
        '{"x": 1}',
        '{"x": {"name": "a"}}',
        "{",
        '{"2026-01-01": {"name": "a", "windows": "x"}}',
    ],
)
def test_a_bent_import_changes_nothing(days, upload, calendar):  # noqa: F811
    upload.client.post(
        reverse("sla:calendar_import_do", args=[calendar.uid]),
        {"days": days, "expected": 1, "note": "x"},
    )
    calendar.refresh_from_db()
    assert calendar.current.number == 1


# --- Over the API ------------------------------------------------------------------------------


@pytest.fixture
def send(calendar, manager):  # noqa: F811
    def post(verb, text, name="days.csv", by=manager, **more):
        api = APIClient()
        api.force_authenticate(by)
        file = SimpleUploadedFile(name, text.encode())
        url = f"/api/v1/calendars/{calendar.uid}/{verb}"
        return api.post(url, {"file": file, **more}, format="multipart")

    return post


@pytest.mark.parametrize(("text", "name", "days"), [(CSV, "x.csv", 2), (ICAL, "x.ics", 4)])
def test_the_api_previews_and_imports_a_file(text, name, days, send, calendar):  # noqa: F811
    preview = send("preview-import", text, name)
    assert preview.status_code == 200
    assert [row["effect"] for row in preview.json()] == ["new"] * days
    calendar.refresh_from_db()
    assert calendar.current.number == 1

    done = send("import-days", text, name, expected=1)
    assert (done.status_code, done.json()["version_number"]) == (200, 2)
    assert len(done.json()["days"]) == days
    assert calendar.versions.get(number=2).note == name
    # A second time it changes nothing; on a version that is over it is refused.
    assert send("import-days", text, name).json()["version_number"] == 2
    assert send("import-days", text, name, expected=1).status_code == 409


def test_the_api_names_wrong_rows_and_imports_none(send, calendar):  # noqa: F811
    text = "date,name,windows\n2026-10-01,国庆节,\n2026-10-02,,\n2026-10-03,x,9-12\n"
    preview = send("preview-import", text).json()
    assert [bool(row["error"]) for row in preview] == [False, True, True]

    refused = send("import-days", text)
    assert refused.status_code == 400
    told = refused.json()["errors"]
    assert [error["pointer"] for error in told] == ["/file", "/file"]
    assert [error["detail"].split(":")[0] for error in told] == ["3", "4"]
    assert send("import-days", "no table", "x.csv").status_code == 409
    calendar.refresh_from_db()
    assert calendar.current.days == {}


@pytest.mark.parametrize("verb", ["preview-import", "import-days"])
def test_the_api_imports_for_whoever_manages_calendars_alone(verb, send, helpdesk, calendar):  # noqa: F811
    assert send(verb, CSV, by=helpdesk).status_code in {403, 404}
    calendar.refresh_from_db()
    assert calendar.current.number == 1
