"""What all pages rely on: icons that exist, forms that say what is wrong, components in both states."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest
import time_machine
from django import forms
from django.conf import settings
from django.template import Context, Template, TemplateSyntaxError
from django.utils.safestring import SafeString
from django.utils.translation import override

from servicedesk.core import looks, panels
from servicedesk.core.drawing import PLACE, filled
from servicedesk.core.events import EVENTS
from servicedesk.core.forms import (
    ActionForm,
    DeskForm,
    PhoneInput,
    RadioButtons,
    RemoteSelect,
    UidChoiceField,
)
from servicedesk.core.states import Machine
from servicedesk.core.templatetags.desk import initials, spell_duration

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
ICONS = settings.NODE_MODULES / "@tabler" / "icons" / "icons" / "outline"
ICON_IN_TEMPLATE = re.compile(r"""(?:\{% icon |icon=)["']([a-z0-9-]+)["']""")
ICON_IN_PYTHON = re.compile(
    r"""(?:\bicon="|^\s*icon(?::[^=\n]+)? = ")([a-z0-9-]+)\"""", re.MULTILINE
)


def render(source: str, **context: object) -> str:
    with override("zh-hans"):
        return Template("{% load desk %}" + source).render(Context(context))


def icons_in_sources() -> set[tuple[str, str]]:
    root = Path(settings.BASE_DIR)
    packages = ["servicedesk", *sorted(path.parent.name for path in root.glob("*/apps.py"))]
    places = [
        ("templates", "html", ICON_IN_TEMPLATE),
        *((p, "py", ICON_IN_PYTHON) for p in packages),
    ]
    return {
        (name, str(path.relative_to(root)))
        for folder, suffix, pattern in places
        for path in sorted((root / folder).rglob(f"*.{suffix}"))
        for name in pattern.findall(path.read_text(encoding="utf-8"))
    }


def icons_in_tables() -> set[tuple[str, str]]:
    """Of the navigation, the statuses, the events and the transitions."""
    modules = [
        import_module(f"{app}.states") for app in settings.FIRST_PARTY_APPS if _has_states(app)
    ]
    machines = [m for module in modules for m in vars(module).values() if isinstance(m, Machine)]
    return {
        *((entry.icon, f"navigation {entry.key}") for entry in panels._navigation),
        *((look.icon, f"status {key}") for key, look in looks._looks.items()),
        *((event.icon, f"event {key}") for key, event in EVENTS.items()),
        *(
            (step.icon, f"transition {step.name}")
            for machine in machines
            for step in machine
            if step.icon
        ),
    }


def _has_states(app: str) -> bool:
    return (Path(settings.BASE_DIR) / app / "states.py").exists()


def test_every_icon_that_is_named_exists():
    named = icons_in_sources() | icons_in_tables()

    assert len(named) > 60
    assert [(n, where) for n, where in sorted(named) if not (ICONS / f"{n}.svg").exists()] == []


@pytest.mark.parametrize(
    ("minutes", "level", "words"),
    [
        (10, "urgent", "剩 10 分"),
        (30, "warn", "剩 30 分"),
        (192, "ok", "剩 3 小时 12 分"),
        (3 * 1440 + 65, "ok", "剩 3 天 1 小时"),
        (-0.5, "over", "刚刚超时"),
        (-25, "over", "已超时 25 分"),
    ],
)
def test_remaining_time_says_how_long_and_how_bad(minutes, level, words):
    with time_machine.travel(NOW, tick=False):
        html = render("{% remaining due_at=due %}", due=NOW + timedelta(minutes=minutes))

    assert f"chip-{level}" in html
    assert words in html
    assert 'data-due="2026-11-2' in html


@pytest.mark.parametrize(
    ("allowed", "left", "level"),
    [
        (30, 27, "ok"), (30, 15, "warn"), (30, 5, "urgent"),
        (24 * 60, 13 * 60, "ok"), (24 * 60, 7 * 60, "warn"), (24 * 60, 4 * 60, "urgent"),
    ],
)  # fmt: skip
def test_the_share_that_is_left_of_the_time_allowed_sets_the_colour(allowed, left, level):
    """Yellow past half, red in the last sixth; remaining.js goes by the same seconds."""
    due = NOW + timedelta(minutes=left)
    with time_machine.travel(NOW, tick=False):
        html = render(
            "{% remaining due_at=due since=since %}",
            due=due,
            since=due - timedelta(minutes=allowed),
        )

    assert f"chip-{level}" in html
    assert f'data-warn="{allowed * 30}" data-urgent="{allowed * 10}"' in html


@pytest.mark.parametrize(
    ("state", "words"),
    [("met", "按时完成"), ("late", "超时完成"), ("paused", "已暂停"), ("cancelled", "未计时")],
)
def test_a_deadline_that_stands_still_does_not_count(state, words):
    html = render("{% remaining due_at=due state=state %}", due=NOW, state=state)

    assert words in html
    assert "data-remaining" not in html


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 11, 22, 1, 5, tzinfo=UTC), "今天 09:05"),
        (datetime(2026, 11, 21, 1, 5, tzinfo=UTC), "昨天 09:05"),
        (datetime(2026, 11, 22, 17, 0, tzinfo=UTC), "明天 01:00"),
        (datetime(2026, 3, 2, 1, 5, tzinfo=UTC), "3月2日 09:05"),
        (datetime(2025, 3, 2, 1, 5, tzinfo=UTC), "2025年3月2日 09:05"),
        (None, "—"),
    ],
)
def test_moments_are_said_in_local_time(at, words):
    with time_machine.travel(NOW, tick=False):
        assert words in render("{% when at %}", at=at)


def test_durations_name_the_two_largest_units():
    with override("zh-hans"):
        assert [spell_duration(s) for s in (20, 3600, 90_000, 86_400 * 2 + 60)] == [
            "0 分", "1 小时", "1 天 1 小时", "2 天",
        ]  # fmt: skip


def test_initials_suit_chinese_and_other_names():
    assert [
        initials(name) for name in ("王海涛", "李静", "Anna Berg", "", "管理员", "CRM 接口")
    ] == [
        "海涛",
        "李静",
        "AB",
        "?",
        "管理",
        "C",
    ]


def test_a_misspelt_argument_fails_when_the_page_is_compiled():
    with pytest.raises(TemplateSyntaxError, match="titel"):
        render('{% card titel="x" %}{% endcard %}')


class Sample(DeskForm):
    spans = {"at": 6}

    name = forms.CharField(label="姓名", help_text="全名")
    at = forms.DateTimeField(label="时间")
    kind = forms.ChoiceField(label="类别", choices=[("a", "甲")], widget=RadioButtons)
    sure = forms.BooleanField(label="已确认")


def test_errors_are_tied_to_their_control():
    html = render("{{ form }}", form=Sample({}))

    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_error"' in html
    assert 'href="#id_name"' in html
    assert ["请填写。" in html, "请选择。" in html, "请勾选确认。" in html] == [True, True, True]


def test_a_typed_date_survives_a_refusal():
    html = render("{{ form }}", form=Sample({"at": "2026-11-22T14:30"}))

    assert 'type="datetime-local"' in html
    assert 'value="2026-11-22T14:30"' in html
    assert "span-6" in html


def test_an_initial_moment_is_shown_in_local_time():
    assert 'value="2026-11-22T14:00"' in render("{{ form }}", form=Sample(initial={"at": NOW}))


def test_what_people_typed_is_never_markup():
    html = render(
        "{% timeline rows %}{% fact 'x' text %}", rows=[], text="<script>alert(1)</script>"
    )

    assert "<script>" not in html


def test_forms_on_one_page_have_ids_of_their_own_and_a_refused_one_is_open():
    actions = [
        ActionForm("accept", "接受", "/a/", Sample(), style="plain"),
        ActionForm("refuse", "拒绝", "/b/", Sample({}), style="primary"),
    ]
    html = render("{% action_panel actions %}", actions=actions)

    assert html.count('id="id_accept_name"') == html.count('id="id_refuse_name"') == 1
    assert html.index("拒绝") < html.index("接受")
    assert html.count("data-action-dialog open") == 1


def test_an_action_without_form_acts_at_once_and_a_dangerous_one_asks():
    html = render(
        "{% action_panel actions %}",
        actions=[
            ActionForm("start", "开始", "/s/"),
            ActionForm("cancel", "取消", "/c/", confirm="不能恢复"),
        ],
    )

    assert html.count("<dialog") == 1
    assert "不能恢复" in html


def test_a_refusal_of_a_form_without_fields_is_shown():
    form = DeskForm({})
    form.add_error(None, "客户还没有签字。")

    assert "客户还没有签字。" in render(
        "{% action_panel actions %}", actions=[ActionForm("hand_in", "交单", "/h/", form)]
    )


@pytest.mark.django_db
def test_a_remote_choice_renders_only_what_is_chosen(
    engineer, other_engineer, django_assert_num_queries
):
    from accounts.models import User

    class Choose(DeskForm):
        who = UidChoiceField(User.objects.all(), widget=RemoteSelect(url_name="desk:search"))

    with django_assert_num_queries(0):
        assert str(engineer.uid) not in render("{{ form }}", form=Choose())
    chosen = render("{{ form }}", form=Choose({"who": str(engineer.uid)}))
    assert f'value="{engineer.uid}" selected' in chosen
    assert str(other_engineer.uid) not in chosen
    assert "不在可用的选项中" in render("{{ form }}", form=Choose({"who": "no-uid"}))


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "405", "500"])
def test_error_pages_need_nothing_but_themselves(name):
    from django.template.loader import get_template

    html = get_template(f"{name}.html").render()

    assert "回到首页" in html


# --- Rows drawn by one template ---------------------------------------------------------------


def test_rows_are_filled_one_after_the_other_and_escaped():
    rows = [{"label": "<b>甲</b>", "mark": ""}, {"label": 7, "mark": SafeString("<i>!</i>")}]

    text = filled("row_of_tests.html", rows, big=True)

    assert text == '<p class="big">&lt;b&gt;甲&lt;/b&gt;</p>\n<p class="big">7<i>!</i></p>\n'


def test_no_rows_draw_nothing():
    assert filled("row_of_tests.html", []) == ""


def test_what_a_row_says_can_open_no_place():
    trick = PLACE.format("mark")

    assert filled("row_of_tests.html", [{"label": trick, "mark": "x"}]) == f"<p>{trick}x</p>\n"


def test_a_select_escapes_its_options_and_marks_the_chosen_one():
    class Choice(DeskForm):
        kind = forms.ChoiceField(
            choices=[("", "—"), ("a&b", "<甲>"), ("组", [("c", "丙")])], initial="a&b"
        )

    text = str(Choice()["kind"])

    assert '<option value="">—</option>' in text
    assert '<option value="a&amp;b" selected>&lt;甲&gt;</option>' in text
    assert '<optgroup label="组"><option value="c">丙</option></optgroup>' in text
    assert 'class="form-select"' in text


class Told(DeskForm):
    title = forms.CharField()
    phone = forms.CharField(widget=PhoneInput)
    text = forms.CharField(widget=forms.Textarea)
    on = forms.DateField()
    at = forms.DateTimeField()


GOOD = {
    "title": "积分终端",
    "phone": "138",
    "text": "一\n二",
    "on": "2026-03-02",
    "at": "2100-12-31T23:59",
}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, None),
        ({"title": "积分\n终端"}, "title"), ({"title": "积分\u2028终端"}, "title"),
        ({"phone": "1\r3"}, "phone"),
        ({"on": "1999-12-31"}, "on"), ({"on": "2101-01-01"}, "on"), ({"on": "9999-12-31"}, "on"),
        ({"at": "0001-01-01T00:00"}, "at"), ({"at": "9999-12-31T23:59"}, "at"),
    ],
)  # fmt: skip
def test_lines_are_lines_and_days_lie_in_this_century(change, field):
    assert list(Told(GOOD | change).errors) == ([field] if field else [])
