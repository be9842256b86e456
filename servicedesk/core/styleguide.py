"""Every component with sample data, at /styleguide/ while DEBUG is on. Nothing of it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from servicedesk.core.forms import (
    ActionForm,
    DeskForm,
    PhoneInput,
    RadioButtons,
    RatingButtons,
    Textarea,
)
from servicedesk.core.keyset import Page
from servicedesk.core.panels import NavItem

LAYOUTS = {
    "desk": "styleguide.html",
    "phone": "styleguide_phone.html",
    "public": "styleguide_public.html",
}


@login_not_required
def page(request: HttpRequest) -> HttpResponse:
    """?layout=desk, phone or public; POST shows the refused form (422)."""
    if "q" in request.GET:
        return _found(request.GET["q"])
    layout = request.GET.get("layout", "desk")
    now = timezone.now()
    form = SampleForm(request.POST if request.method == "POST" else None, initial={"at": now})
    if request.method == "POST" and not form.is_valid():
        form.add_error(None, "该门店已有一张未完成的上门服务单。")
    if "toast" in request.GET:
        messages.success(request, "工单已转派给王海涛，对方会收到提醒。")
        messages.error(request, "邮件没有发出去，系统会再试。")
    context = {
        **_samples(now),
        "form": form,
        "navigation": _navigation(layout),
        "layout": layout,
    }
    return render(
        request, LAYOUTS.get(layout, LAYOUTS["desk"]), context, status=422 if form.errors else 200
    )


def _found(query: str) -> JsonResponse:
    stores = [
        ("万象城店", "021-6288 1200"),
        ("五角场店", "021-5566 8080"),
        ("徐家汇店", "021-6426 3311"),
    ]
    return JsonResponse(
        {
            "results": [
                {"uid": name, "label": f"美邻超市 {name}", "detail": number}
                for name, number in stores
                if query in name or query in number
            ]
        }
    )


class _StoreSelect(forms.Select):
    """RemoteSelect without a model: the style guide has none."""

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: Any = None) -> dict[str, Any]:
        attrs = super().build_attrs(base_attrs, extra_attrs)
        return {
            **attrs,
            "data-remote-select": "/styleguide/",
            "data-hint": "店名、拼音首字母或电话",
        }


class SampleForm(DeskForm):
    draft_key = "styleguide"
    spans = {"caller": 6, "phone": 6, "store": 8, "product": 4, "at": 6, "expected": 6}

    caller = forms.CharField(label="来电人称呼", max_length=40, help_text="例如：李店长")
    phone = forms.CharField(label="电话", widget=PhoneInput)
    store = forms.CharField(label="门店", widget=_StoreSelect(choices=[("", "")]))
    product = forms.ChoiceField(
        label="产品", choices=[("", "请选择"), ("pos", "积分收银 5.2"), ("app", "会员小程序 3.0")]
    )
    need = forms.CharField(label="客户的需求", widget=Textarea, help_text="按客户的原话记录。")
    urgency = forms.ChoiceField(
        label="紧急程度",
        widget=RadioButtons,
        choices=[("normal", "普通"), ("high", "较急"), ("urgent", "紧急")],
    )
    at = forms.DateTimeField(label="来电时间")
    expected = forms.DateTimeField(label="客户期望解决时间", required=False)
    channel = forms.ChoiceField(
        label="处理方式",
        widget=forms.RadioSelect,
        choices=[("phone", "电话解决"), ("remote", "转远程排障"), ("visit", "安排上门")],
    )
    rating = forms.ChoiceField(
        label="满意度", widget=RatingButtons, choices=[(n, n) for n in range(1, 6)], required=False
    )
    read_back = forms.BooleanField(label="已向客户复述并确认", help_text="CALL-11")


class HandOverForm(DeskForm):
    to = forms.ChoiceField(label="转给", choices=[("", "请选择"), ("w", "王海涛"), ("z", "张雪")])
    reason = forms.CharField(label="原因", widget=Textarea)


@dataclass(frozen=True)
class _Entry:
    at: datetime
    recorded_at: datetime
    label: str
    text: str
    actor_label: str
    icon: str
    tone: str = "neutral"

    @property
    def late(self) -> bool:
        return self.recorded_at - self.at > timedelta(minutes=10)


@dataclass(frozen=True)
class _Change:
    at: datetime
    actor_label: str
    field: str
    old: str
    new: str


@dataclass(frozen=True)
class _File:
    name: str
    size: int
    added_by: str
    added_at: datetime
    url: str = "#"


def _navigation(layout: str) -> list[NavItem]:
    rows = [
        ("接听来电", "phone-incoming", "primary", 0),
        ("我的工作", "layout-dashboard", "", 4),
        ("工单", "ticket", "服务", 38),
        ("回电与留言", "message-2", "服务", 5),
        ("远程排障", "device-desktop", "服务", 0),
        ("上门服务", "truck", "服务", 12),
        ("客户", "building-store", "资料", 0),
        ("知识库", "book-2", "资料", 0),
        ("表单归档", "archive", "资料", 0),
        ("手册执行", "checklist", "管理", 0),
        ("管理", "settings", "管理", 0),
        ("通知", "bell", "bar", 3),
        ("今天", "calendar-event", "phone", 0),
        ("上门", "truck", "phone", 2),
        ("消息", "message-2", "phone", 5),
        ("我", "user-circle", "phone", 0),
    ]
    here = {"工单", "今天"}
    return [
        NavItem(label, icon, f"?layout={layout}", section, label in here, badge)
        for label, icon, section, badge in rows
    ]


def _samples(now: datetime) -> dict[str, Any]:
    def ago(**length: float) -> datetime:
        return now - timedelta(**length)

    return {
        "soon": now + timedelta(minutes=48),
        "later": now + timedelta(hours=19, minutes=5),
        "tight": now + timedelta(hours=3, minutes=12),
        "past": ago(minutes=25),
        "yesterday": ago(days=1),
        "long_ago": ago(days=420),
        "crumbs": [("工单", "#"), ("美邻超市", "#"), ("TK-20261122-0007", "")],
        "tab_items": [
            ("全部", "#", True, 38), ("我的", "#", False, 4), ("未分派", "#", False, 2), ("即将超时", "#", False, 3),
        ],
        "steps": [
            ("新建", "done", ago(hours=5)), ("已分派", "done", ago(hours=4)),
            ("处理中", "current", ago(hours=3)), ("已解决", "todo"), ("已关闭", "todo"),
        ],
        "entries": [
            _Entry(ago(minutes=12), ago(minutes=11), "开始处理", "远程连接成功，客户在旁观看。", "王海涛", "player-play", "active"),
            _Entry(ago(hours=2), ago(minutes=5), "到达现场", "地下商场没有信号，离线记录。", "张雪", "map-pin", "info"),
            _Entry(ago(hours=4), ago(hours=4), "已分派", "李静 → 王海涛", "陈主管", "user-share"),
            _Entry(ago(hours=5), ago(hours=5), "接到来电", "收银台打不出积分小票，昨晚开始。", "李静", "phone-incoming", "good"),
        ],
        "changes": [
            _Change(ago(hours=1), "李静", "紧急程度", "普通", "紧急"),
            _Change(ago(hours=4), "陈主管", "负责人", "", "王海涛"),
        ],
        "files": [
            _File("收银台报错截图.png", 245_120, "李静", ago(hours=3)),
            _File("SV-20261121-0003 上门服务单.pdf", 74_300, "系统", ago(days=1)),
        ],
        "rows": _rows(now),
        "page": Page([], "", "#"),
        "actions": [
            ActionForm("resolve", "标记为已解决", "/styleguide/", HandOverForm(), "check", "primary"),
            ActionForm("hand-over", "转交", "/styleguide/", HandOverForm(), "user-share", intro="对方接受之前，仍由您负责。"),
            ActionForm("note", "记一笔", "/styleguide/", None, "note"),
            ActionForm("cancel", "取消工单", "/styleguide/", None, "x", "danger", confirm="取消后不能恢复，客户会收到通知。"),
        ],
        "tones": [
            ("neutral", "普通", "point"), ("info", "新建", "sparkles"), ("active", "处理中", "progress"),
            ("wait", "等待客户", "hourglass"), ("good", "已解决", "circle-check"), ("bad", "已超时", "alert-circle"),
            ("muted", "已关闭", "archive"),
        ],
    }  # fmt: skip


def _rows(now: datetime) -> list[dict[str, Any]]:
    samples: list[tuple[str, str, str, str, str, str, str, str, float]] = [
        (
            "0041",
            "收银台打不出积分小票",
            "美邻超市",
            "万象城店",
            "王海涛",
            "active",
            "处理中",
            "progress",
            47,
        ),
        (
            "0040",
            "会员扫码后积分没有到账，顾客在现场等",
            "惠民生活馆",
            "五角场店",
            "",
            "bad",
            "紧急",
            "urgent",
            -25,
        ),
        (
            "0038",
            "升级到 5.2 以后报表金额对不上",
            "金叶百货",
            "南京东路店",
            "张雪",
            "wait",
            "等待客户",
            "hourglass",
            190,
        ),
        (
            "0037",
            "新店开业，需要安装积分终端三台",
            "美邻超市",
            "徐家汇店",
            "刘志强",
            "info",
            "新建",
            "sparkles",
            1130,
        ),
        (
            "0035",
            "忘记管理员密码",
            "优品便利",
            "人民广场店",
            "李静",
            "good",
            "已解决",
            "circle-check",
            700,
        ),
    ]
    return [
        {
            "number": f"TK-20261122-{number}",
            "subject": subject,
            "customer": customer,
            "store": store,
            "owner": owner,
            "tone": tone,
            "status": status,
            "icon": icon if icon != "urgent" else "bolt",
            "due_at": now + timedelta(minutes=minutes),
            "state": "met" if status == "已解决" else "running",
            "at": now - timedelta(hours=index * 7),
        }
        for index, (
            number,
            subject,
            customer,
            store,
            owner,
            tone,
            status,
            icon,
            minutes,
        ) in enumerate(samples)
    ]
