from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import actions
from accounts.models import User
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from servicedesk.core.history import changes
from tests.accounts.conftest import log_in
from tests.conftest import AT, person
from tests.journal import journal

pytestmark = pytest.mark.django_db

NEW = {
    "name": "周杰", "username": "zhoujie", "role": "engineer", "password": "eine-lange-losung",
    "phone": "13711112222", "email": "zj@example.com", "staff_number": "E010",
    "language": "zh-hans", "team": "",
}  # fmt: skip


def data(user: User, **changed) -> dict:
    names = ("name", "role", "team", "email", "phone", "staff_number", "language")
    return {name: getattr(user, name) for name in names} | changed


def edit(user, by=SYSTEM, **changed):
    return actions.edit_user(user, **data(user, **changed), at=AT, by=by)


def posted(user, **changed) -> dict:
    return {name: value or "" for name, value in data(user, **changed).items()}


def test_an_administrator_makes_an_account_and_the_person_logs_in(desk):
    answer = desk.post("/accounts/people/new/", NEW)

    user = User.objects.get(username="zhoujie")
    assert answer["Location"] == user.get_absolute_url()
    assert journal(user)[0][0] == "user.created"
    assert log_in(user, password="eine-lange-losung").get("/accounts/me/").status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("username", "guanli", "该登录名已被使用"),
        ("username", "GuanLi", "该登录名已被使用"),
        ("username", "two words", "只能使用文字、数字"),
        ("staff_number", "我 的 工号", "工号里不能有空格"),
        ("password", "short", "至少"),
        ("password", "zhoujie-zhou", "过于相似"),
        ("password", "qwerty123456", "最先"),
        ("role", "emperor", "emperor"),
        ("name", "", "请填写"),
    ],
)
def test_a_wrong_account_comes_back_with_the_reason_at_the_field(desk, field, value, text):
    answer = desk.post("/accounts/people/new/", NEW | {field: value})

    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert text in str(answer.context["form"].errors[field])
    assert "13711112222" in answer.content.decode()


def test_who_got_no_password_cannot_log_in_and_the_page_says_so(desk):
    answer = desk.post("/accounts/people/new/", NEW | {"password": ""}, follow=True)

    assert "周杰还不能登录：请先设置密码。" in answer.text


def test_everything_that_is_wrong_is_said_at_once_and_what_was_typed_stays(desk):
    wrong = {
        "name": "", "role": "", "email": "no address", "username": "guanli", "password": "tooshort",
        "staff_number": "E" * 30,
    }  # fmt: skip
    answer = desk.post("/accounts/people/new/", NEW | wrong)

    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == set(wrong)
    page = answer.content.decode()
    assert "该登录名已被使用" in page
    for typed in ("no address", "guanli", "E" * 30, "13711112222"):
        assert f'value="{typed}"' in page
    assert "tooshort" not in page, "a password is not sent back"


def test_a_good_password_is_asked_again_when_the_form_comes_back(desk):
    """Sent once more without it, the account would have none."""
    answer = desk.post("/accounts/people/new/", NEW | {"email": "no address"})

    assert "请重新输入密码" in str(answer.context["form"].errors["password"])


def test_the_empty_choice_of_a_role_says_what_to_do(desk):
    page = desk.get("/accounts/people/new/").content.decode()

    assert '<option value="" selected>请选择</option>' in page
    assert "---------" not in page


def test_a_change_is_in_the_journal_and_in_the_history(desk, admin, engineer):
    answer = desk.post(
        f"/accounts/people/{engineer.uid}/edit/", posted(engineer, phone="13911112222")
    )

    assert answer.status_code == 302
    engineer.refresh_from_db()
    assert engineer.phone == "13911112222"
    assert journal(engineer)[-1][0::2] == ("user.changed", "管理员")
    change = changes(engineer)[0]
    assert (change.field, change.old, change.new) == ("电话", "13800000000", "13911112222")
    assert "13800000000" in desk.get(engineer.get_absolute_url()).content.decode()


def test_saving_without_a_change_writes_nothing(engineer):
    version, before = engineer.version, journal(engineer)

    edit(engineer)

    engineer.refresh_from_db()
    assert (engineer.version, journal(engineer)) == (version, before)


def test_no_password_and_no_secret_goes_into_the_history(engineer):
    actions.set_password(engineer, password="eine-lange-losung", at=AT, by=SYSTEM)

    columns = {field.name for field in User.history.model._meta.fields}
    assert "password" not in columns
    assert "session_version" not in columns
    assert not any("md5$" in str(change.new) for change in changes(engineer))


def test_a_new_role_stands_in_the_journal_with_the_old_one(engineer):
    edit(engineer, role="dispatcher")

    assert [entry[0] for entry in journal(engineer)][-2:] == ["user.role_changed", "user.changed"]


def test_a_renamed_person_is_found_by_the_new_pinyin(desk, engineer):
    edit(engineer, name="欧阳锋")

    assert engineer.name in desk.get("/accounts/people/?q=ouyang").content.decode()
    assert engineer.name in desk.get("/accounts/people/?q=oyf").content.decode()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda a: edit(a, a.as_actor(), role="manager"), "自己的角色"),
        (lambda a: actions.deactivate(a, at=AT, by=a.as_actor()), "自己的账号"),
        (
            lambda a: actions.set_password(a, password="eine-lange-losung", at=AT, by=a.as_actor()),
            "我的账号",
        ),
    ],
)
def test_an_administrator_cannot_lock_the_own_account_out(admin, act, message):
    with pytest.raises(Refused, match=message):
        act(admin)


def test_an_api_client_does_not_become_a_colleague(api_client_user, engineer):
    with pytest.raises(Refused):
        edit(api_client_user, role="manager")
    with pytest.raises(Refused):
        edit(engineer, role="client")
    with pytest.raises(Refused):
        actions.set_password(api_client_user, password="eine-lange-losung", at=AT, by=SYSTEM)


def test_who_leaves_is_kept_and_may_come_back(desk, engineer):
    url = f"/accounts/people/{engineer.uid}"
    assert desk.post(f"{url}/deactivate/").status_code == 302
    engineer.refresh_from_db()
    assert not engineer.is_active
    assert engineer.as_actor().permissions == frozenset()
    assert engineer.name not in desk.get("/accounts/people/").content.decode()
    assert engineer.name in desk.get("/accounts/people/?active=no").content.decode()
    assert desk.post(f"{url}/deactivate/").status_code == 422

    desk.post(f"{url}/reactivate/")

    engineer.refresh_from_db()
    assert engineer.is_active
    assert [e[0] for e in journal(engineer)][-2:] == ["user.deactivated", "user.reactivated"]
    assert desk.post(f"{url}/reactivate/").status_code == 422


def test_a_password_set_by_the_administrator_works(desk, engineer):
    url = f"/accounts/people/{engineer.uid}/set-password/"
    weak = desk.post(url, {"password": "short"})
    assert weak.status_code == 422
    assert "至少" in weak.content.decode()

    desk.post(url, {"password": "eine-lange-losung"})

    assert log_in(engineer, password="eine-lange-losung")
    assert journal(engineer)[-1][0] == "user.password_set"


@pytest.mark.parametrize(
    "path",
    ["new/", "{uid}/edit/", "{uid}/deactivate/", "{uid}/set-password/", "{uid}/tokens/"],
)
def test_before_power_is_given_an_old_log_in_is_asked_again(desk, engineer, path):
    url = "/accounts/people/" + path.format(uid=engineer.uid)
    with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=False):
        answer = desk.post(url, {"password": "eine-lange-losung"})
        assert answer["Location"].startswith("/log-in/again/?next=")
        assert "eine-lange" not in str(dict(desk.session))
        asked = desk.get("/accounts/people/new/")
        again = desk.post(asked["Location"], {"password": "parol-parol-1"})
        assert again["Location"] == "/accounts/people/new/"
        assert desk.get(again["Location"]).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["", "new/", "{uid}/edit/", "teams/", "teams/new/", "tokens/"],
)
def test_the_administration_is_for_administrators(path, manager, engineer):
    answer = log_in(manager).get("/accounts/people/" + path.format(uid=engineer.uid))

    assert answer.status_code == 403


@pytest.mark.parametrize("verb", ["set-password", "deactivate", "reactivate", "tokens", "edit"])
def test_the_doors_of_the_administration_are_closed_to_others(verb, manager, engineer):
    assert log_in(manager).post(f"/accounts/people/{engineer.uid}/{verb}/").status_code == 403


@pytest.mark.parametrize(
    "act",
    [
        lambda u, by: edit(u, by, phone="1"),
        lambda u, by: actions.set_password(u, password="eine-lange-losung", at=AT, by=by),
        lambda u, by: actions.deactivate(u, at=AT, by=by),
        lambda u, by: actions.reactivate(u, at=AT, by=by),
        lambda u, by: actions.edit_own(u, phone="1", email="", language="en", at=AT, by=by),
        lambda u, by: actions.change_password(u, password="eine-lange-losung", at=AT, by=by),
        lambda u, by: actions.create_team(name="x", at=AT, by=by),
        lambda u, by: actions.create_user(username="x", name="x", role="engineer", at=AT, by=by),
        lambda u, by: actions.create_token(u, name="x", expires_at=AT, at=AT, by=by),
    ],
)
def test_the_actions_themselves_ask_for_the_permission(act, engineer, manager):
    with pytest.raises(PermissionDenied):
        act(engineer, manager.as_actor())


def test_a_colleague_sees_a_card_without_the_account_behind_it(dispatcher, engineer):
    page = log_in(dispatcher).get(engineer.get_absolute_url())

    assert page.status_code == 200
    text = page.content.decode()
    assert "13800000000" in text
    assert "set-password" not in text
    assert "edit/" not in text


def test_a_person_keeps_the_own_data(engineer):
    client = log_in(engineer)
    answer = client.post("/accounts/me/", {"phone": "13700000000", "email": "", "language": "en"})

    engineer.refresh_from_db()
    assert answer.status_code == 302
    assert (engineer.phone, engineer.language) == ("13700000000", "en")
    assert "My account" in client.get("/accounts/me/").content.decode()
    wrong = client.post("/accounts/me/", {"phone": "1", "email": "no", "language": "en"})
    assert wrong.status_code == 422


def test_the_remote_choice_finds_active_colleagues_only(engineer, dispatcher, api_client_user):
    client = log_in(dispatcher)
    found = client.get("/accounts/people/find/?q=zw").json()["results"]
    assert found == [{"uid": str(engineer.uid), "label": "张伟", "detail": "工程师"}]

    actions.deactivate(engineer, at=AT, by=SYSTEM)

    assert client.get("/accounts/people/find/?q=zw").json()["results"] == []
    assert client.get("/accounts/people/find/?q=%27").status_code == 200
    assert client.get("/accounts/people/find/?q=crm").json()["results"] == []


def test_filters_and_pages_of_the_list(desk, admin):
    team = actions.create_team(name="三组", at=AT, by=SYSTEM)
    for number in range(60):
        person(f"person{number:02}", f"员工{number:02}", "engineer", team)

    first = desk.get(f"/accounts/people/?team={team.uid}&active=yes")
    page = first.context["page"]
    assert [user.name for user in page.rows] == [f"员工{n:02}" for n in range(50)]
    second = desk.get("/accounts/people/" + page.next_url).context["page"]
    assert [user.name for user in second.rows] == [f"员工{n:02}" for n in range(50, 60)]
    assert len(desk.get("/accounts/people/?role=administrator").context["page"].rows) == 1
    assert desk.get("/accounts/people/?role=emperor").context["page"].rows == []
    fragment = desk.get("/accounts/people/?q=yg07", headers={"hx-request": "true"})
    assert "<html" not in fragment.content.decode()
    assert "员工07" in fragment.content.decode()


def test_lists_cost_the_same_with_more_rows(desk, engineer):
    def cost(path):
        with CaptureQueriesContext(connection) as captured:
            assert desk.get(path).status_code == 200
        return len(captured)

    paths = [
        "/accounts/people/", "/accounts/people/teams/", "/accounts/people/tokens/",
        "/accounts/notifications/", "/accounts/people/find/", engineer.get_absolute_url(),
        "/accounts/me/",
    ]  # fmt: skip
    before = {path: cost(path) for path in paths}

    client_user = person("erp", "ERP", "client")
    for number in range(12):
        team = actions.create_team(name=f"组 {number}", leader=engineer, at=AT, by=SYSTEM)
        person(f"p{number}", f"员工{number}", "engineer", team)
        actions.create_token(
            client_user, name="t", expires_at=AT + timedelta(days=9), at=AT, by=SYSTEM
        )
        actions.notify(
            User.objects.able_to("accounts.manage"), "text", dedup_key=f"k{number}", at=AT
        )
        edit(engineer, phone=f"1390000{number:04}")

    assert {path: cost(path) for path in paths} == before


def test_the_rows_of_the_list_are_one_query(desk, engineer, django_assert_num_queries):
    with django_assert_num_queries(3):  # session, person, rows with their teams
        desk.get("/accounts/people/?q=zw", headers={"hx-request": "true"})
    with django_assert_num_queries(3):
        desk.get("/accounts/people/find/?q=zw")
