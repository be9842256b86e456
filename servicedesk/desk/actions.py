"""What the roof itself writes."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from django.db import connection
from django.utils.translation import gettext as _

from customers.models import Customer
from servicedesk.core.actions import action, require
from servicedesk.core.actors import Actor
from servicedesk.core.documents import freeze
from servicedesk.core.errors import Refused
from servicedesk.core.events import record
from servicedesk.core.models import Document, Entry, token_hash
from servicedesk.core.numbering import next_number
from servicedesk.core.sealing import try_again
from servicedesk.desk.events import FiguresExported, ReportTriedAgain, WallLinkMade, WallLinkRevoked
from servicedesk.desk.managers.filters import Period
from servicedesk.desk.managers.report_facts import Told, month_of, recount, report_data
from servicedesk.desk.managers.rollups import DAY_LOCK
from servicedesk.desk.models import MonthlyReport, WallLink
from servicedesk.desk.pdf import MONTHLY_REPORT

log = logging.getLogger(__name__)

# As long as a token of the API at most; then somebody asks whether the screen still hangs there.
WALL_LIFE = timedelta(days=365)


@action
def note_export(
    *, table: str, title: str, file_type: str, filters: str, rows: int, at: datetime, by: Actor
) -> Entry:
    """Put down who exported what, before the first byte leaves (GEN-7)."""
    require(by, "managers.see")
    event = FiguresExported(
        at=at, table=table, title=title, file_type=file_type, filters=filters, rows=rows
    )
    return record(event, about=[("accounts.user", by.id)] if by.id else [], by=by)


@action
def make_report(
    month: date, customer: Customer | None, *, scheduled: bool = False, at: datetime, by: Actor
) -> Document | None:
    """Freeze the service report of a month as it stands; a worker renders and seals it.

    Making it again gives another version, and both are kept. `scheduled`: the one after the end
    of the month, made once however many workers try; None if it was made already.
    """
    require(by, "managers.report")
    span = month_of(month)
    if span.start > at:
        raise Refused(_("This month has not begun yet."), field="month")
    report, _new = MonthlyReport.objects.get_or_create(
        month=span.first, customer=customer,
        # Called only where the report is new: numbers have no gaps.
        defaults={"number": lambda: next_number("MR", at=at)},  # type: ignore[misc]
    )  # fmt: skip
    # Two who make the same one wait for each other here.
    report.refresh_from_db(from_queryset=MonthlyReport.objects.select_for_update())
    if scheduled and report.scheduled_at is not None:
        return None
    _hold_still(span)
    data = report_data(Told(span.first, customer, at, by), number=report.number)
    faults = list(recount(data))
    if faults:
        log.warning("%s does not agree with its annex: %s", report, "; ".join(faults[:20]))
        raise Refused(
            _("Records changed while the report was being made. Please make it once more.")
        )
    if scheduled:
        report.scheduled_at = at
        report.save(update_fields=["scheduled_at"])
    return freeze(
        MONTHLY_REPORT, report, number=report.number, data=data,
        keywords=[customer.name if customer else _("All customers"), data["title"]], at=at, by=by,
    )  # fmt: skip


@action
def retry_report(report: MonthlyReport, *, at: datetime, by: Actor) -> Document:
    """Have the worker make the file once more of a report whose making failed."""
    require(by, "managers.report")
    document = Document.objects.filter(
        subject_kind=MonthlyReport._meta.label_lower, subject_id=report.pk
    ).latest("version")
    try_again(document)
    record(ReportTriedAgain(at=at, number=str(document)), about=[report], by=by)
    return document


# --- the screen on the wall -------------------------------------------------------------------


@action
def make_wall_link(
    *, name: str, chosen: Mapping[str, str], filters: str, at: datetime, by: Actor
) -> tuple[WallLink, str]:
    """The link and its token, which is known now and never again. filters: `chosen`, in words."""
    require(by, "managers.wall")
    assert by.id is not None, "a screen shows what its maker may see"
    token = secrets.token_urlsafe(32)
    link = WallLink.objects.create(
        name=name, token_sha256=token_hash(token), chosen=dict(chosen), made_by_id=by.id,
        made_at=at, expires_at=at + WALL_LIFE,
    )  # fmt: skip
    record(WallLinkMade(at=at, name=name, filters=filters), about=[link], by=by)
    return link, token


@action
def revoke_wall_link(link: WallLink, *, at: datetime, by: Actor) -> WallLink:
    """The screen shows nothing more, from its next question on."""
    require(by, "managers.wall")
    link.refresh_from_db(from_queryset=WallLink.objects.select_for_update())
    if link.revoked_at is not None:
        raise Refused(_("This link was revoked already."))
    link.revoked_at = at
    link.save(update_fields=["revoked_at"])
    record(WallLinkRevoked(at=at, name=link.name), about=[link], by=by)
    return link


def note_wall_seen(link: WallLink, *, at: datetime) -> None:
    """At most one write a minute: a screen asks every five seconds."""
    if link.seen_at is None or at - link.seen_at >= timedelta(minutes=1):
        WallLink.objects.filter(pk=link.pk).update(seen_at=at)


def _hold_still(span: Period) -> None:
    """Until the transaction ends no worker makes the sums of these days again, so that figures
    and annex are read from the same ones."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(%s, day) FROM generate_series(%s, %s) AS day",
            [DAY_LOCK, span.first.toordinal(), span.last.toordinal()],
        )
