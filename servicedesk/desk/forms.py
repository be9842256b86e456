"""Filters of the managers' pages."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from servicedesk.core.forms import DeskForm
from servicedesk.core.models import RuleResult

DAYS = {"7": 7, "30": 30, "90": 90, "365": 365}


class ComplianceFilter(DeskForm):
    """Period, team and person. What is not understood filters nothing."""

    days = forms.ChoiceField(
        label=_("Period"),
        required=False,
        choices=[
            ("7", _("7 days")),
            ("30", _("30 days")),
            ("90", _("90 days")),
            ("365", _("1 year")),
        ],
    )
    team = forms.ModelChoiceField(
        Team.objects.all(), to_field_name="uid", label=_("Team"), required=False,
        empty_label=_("All teams"),
    )  # fmt: skip
    person = forms.ModelChoiceField(
        User.objects.staff(), to_field_name="uid", label=_("Person"), required=False,
        empty_label=_("All people"),
    )  # fmt: skip

    @property
    def since(self) -> datetime:
        """Whole days in local time, today included."""
        days = DAYS.get(self.cleaned_data.get("days") or "30", 30)
        first: date = timezone.localdate() - timedelta(days=days - 1)
        return timezone.make_aware(datetime.combine(first, time()))

    def apply(self, results: QuerySet[RuleResult]) -> QuerySet[RuleResult]:
        results = results.filter(counts_at__gte=self.since)
        if team := self.cleaned_data.get("team"):
            results = results.filter(team_id=team.pk)
        if person := self.cleaned_data.get("person"):
            results = results.filter(person_id=person.pk)
        return results
