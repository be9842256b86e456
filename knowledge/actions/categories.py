"""The fault tree: which kinds of faults there are."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from knowledge.events import (
    CategoryCreated,
    CategoryDeactivated,
    CategoryEdited,
    CategoryReactivated,
)
from knowledge.models import FaultCategory
from servicedesk.core.actions import action, lock, require, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record

SEPARATOR = " / "

# A tree to start with: code, name, and what lies below.
Branch = tuple[str, str, tuple["Branch", ...]]
USUAL: tuple[Branch, ...] = (
    ("SW", "软件", (
        ("SW-POINTS", "积分", (
            ("SW-POINTS-MISSING", "积分未到账", ()),
            ("SW-POINTS-REDEEM", "兑换失败", ()),
            ("SW-POINTS-WRONG", "积分数不对", ()),
        )),
        ("SW-MEMBER", "会员", (
            ("SW-MEMBER-FIND", "查不到会员", ()),
            ("SW-MEMBER-CARD", "会员码无法识别", ()),
            ("SW-MEMBER-MERGE", "会员资料重复", ()),
        )),
        ("SW-POS", "收银", (
            ("SW-POS-LOGIN", "无法登录", ()),
            ("SW-POS-PAY", "支付异常", ()),
            ("SW-POS-SLOW", "收银卡顿", ()),
            ("SW-POS-RECEIPT", "小票内容有误", ()),
        )),
        ("SW-SYNC", "数据同步", (
            ("SW-SYNC-UPLOAD", "数据上传失败", ()),
            ("SW-SYNC-STOPPED", "总部与门店不一致", ()),
        )),
        ("SW-INSTALL", "安装升级", (
            ("SW-INSTALL-UPDATE", "升级失败", ()),
            ("SW-INSTALL-LICENCE", "授权到期", ()),
            ("SW-INSTALL-DATABASE", "数据库无法启动", ()),
        )),
        ("SW-REPORT", "报表", ()),
        ("SW-OTHER", "其他软件问题", ()),
    )),
    ("HW", "硬件", (
        ("HW-PRINTER", "打印机", (
            ("HW-PRINTER-DEAD", "不打印", ()),
            ("HW-PRINTER-JAM", "卡纸", ()),
            ("HW-PRINTER-FAINT", "字迹不清", ()),
        )),
        ("HW-SCANNER", "扫码设备", ()),
        ("HW-CARD", "读卡器", ()),
        ("HW-TILL", "收银机", (
            ("HW-TILL-POWER", "无法开机", ()),
            ("HW-TILL-SCREEN", "触摸屏失灵", ()),
            ("HW-TILL-DRAWER", "钱箱打不开", ()),
        )),
        ("HW-NETWORK", "网络", (
            ("HW-NETWORK-DOWN", "断网", ()),
            ("HW-NETWORK-SLOW", "网速慢", ()),
        )),
        ("HW-OTHER", "其他硬件问题", ()),
    )),
)  # fmt: skip


@action
def create_category(
    *, code: str, name: str, parent: FaultCategory | None = None, at: datetime, by: Actor
) -> FaultCategory:
    """A new branch below `parent`, or a new root."""
    require(by, "knowledge.manage_categories")
    if parent is not None:
        lock(parent)
    category = FaultCategory(
        code=unicodedata.normalize("NFKC", code).strip().upper(),
        name=_name(name),
        parent=parent,
    )
    category.path = _path(category)
    if not category.code:
        raise Refused(_("Enter a code."), field="code")
    try:
        with transaction.atomic():
            category.save()
    except IntegrityError as error:
        raise Refused(
            _("The code %(code)s is taken already.") % {"code": category.code}, field="code"
        ) from error
    record(
        CategoryCreated(at=at, category_id=category.pk, path=category.path),
        about=[category],
        by=by,
    )
    return category


@action
def edit_category(
    category: FaultCategory,
    *,
    name: str,
    parent: FaultCategory | None,
    at: datetime,
    by: Actor,
) -> FaultCategory:
    """Rename or move a branch; all below it move along."""
    require(by, "knowledge.manage_categories")
    lock(category)
    old_path, name = category.path, _name(name)
    if (name, parent) == (category.name, category.parent):
        return category
    if parent is not None:
        lock(parent)
    above = parent
    while above is not None:
        if above.pk == category.pk:
            raise Refused(_("A category cannot lie below itself."), field="parent")
        above = above.parent
    category.name, category.parent = name, parent
    category.path = _path(category)
    save_changes(category, "name", "parent", "path")
    _move_along(category)
    record(
        CategoryEdited(at=at, category_id=category.pk, old_path=old_path, path=category.path),
        about=[category],
        by=by,
    )
    return category


@action
def deactivate_category(category: FaultCategory, *, at: datetime, by: Actor) -> FaultCategory:
    """Not offered any more; what was classified by it keeps it."""
    require(by, "knowledge.manage_categories")
    lock(category)
    if not category.is_active:
        raise Refused(_("%(item)s is out of use already.") % {"item": category})
    if category.children.filter(is_active=True).exists():
        raise Refused(_("Take the categories below it out of use first."))
    category.is_active = False
    save_changes(category, "is_active")
    record(
        CategoryDeactivated(at=at, category_id=category.pk, path=category.path),
        about=[category],
        by=by,
    )
    return category


@action
def reactivate_category(category: FaultCategory, *, at: datetime, by: Actor) -> FaultCategory:
    require(by, "knowledge.manage_categories")
    lock(category)
    if category.is_active:
        raise Refused(_("%(item)s is in use already.") % {"item": category})
    if category.parent is not None and not category.parent.is_active:
        raise Refused(_("Take the category above it into use first."))
    category.is_active = True
    save_changes(category, "is_active")
    record(
        CategoryReactivated(at=at, category_id=category.pk, path=category.path),
        about=[category],
        by=by,
    )
    return category


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise Refused(_("Enter a name."), field="name")
    if SEPARATOR.strip() in name:
        raise Refused(_("The name cannot contain a slash."), field="name")
    return name


def _path(category: FaultCategory) -> str:
    path = category.name
    if category.parent is not None:
        path = f"{category.parent.path}{SEPARATOR}{path}"
    limit: int = FaultCategory._meta.get_field("path").max_length or 0
    if len(path) > limit:
        raise Refused(_("The tree is too deep for this name."), field="name")
    return path


def _move_along(category: FaultCategory) -> None:
    for child in category.children.select_for_update(no_key=True):
        child.parent = category
        child.path = _path(child)
        save_changes(child, "path")
        _move_along(child)


@action
def create_usual_categories(*, at: datetime, by: Actor) -> dict[str, FaultCategory]:
    """The tree to start with; what is there already (by code) stays as it is."""
    require(by, "knowledge.manage_categories")
    known = {category.code: category for category in FaultCategory.objects.all()}

    def grow(branches: tuple[Branch, ...], parent: FaultCategory | None) -> None:
        for code, name, below in branches:
            if code not in known:
                known[code] = create_category(code=code, name=name, parent=parent, at=at, by=by)
            grow(below, known[code])

    grow(USUAL, None)
    return known
