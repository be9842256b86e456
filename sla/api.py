"""/api/v1/deadlines, escalations, calendars, policies.

Deadlines start and end with what they belong to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action as route
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from customers.models import Contract, Customer, Product
from servicedesk.core.actions import require
from servicedesk.core.api import (
    ActionInput,
    DeskViewSet,
    Problem,
    RecordField,
    StrictSerializer,
    verb,
)
from sla import actions, importers, queries
from sla.actions.policies import LONGEST, movement_of
from sla.kinds import CHANNELS, PEOPLE, Step
from sla.models import (
    Calendar,
    Deadline,
    DeadlineMove,
    DeadlineQuerySet,
    Escalation,
    EscalationQuerySet,
)
from sla.models.policies import CalendarQuerySet, Policy, PolicyQuerySet


class MoveSerializer(serializers.ModelSerializer[DeadlineMove]):
    class Meta:
        model = DeadlineMove
        fields = ["cause", "reason", "old_due_at", "new_due_at", "moved_at", "by_label"]


class IntervalSerializer(serializers.Serializer[Any]):
    """`counts`: it used up the time allowed. `end` is null while a pause lasts."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField(allow_null=True)
    counts = serializers.BooleanField()
    reason = serializers.CharField()


class DeadlineSerializer(serializers.ModelSerializer[Deadline]):
    owner = serializers.UUIDField(source="owner.uid", default=None, read_only=True)
    kind_label = serializers.CharField(read_only=True)
    late = serializers.BooleanField(read_only=True)
    moves = MoveSerializer(many=True, read_only=True)
    intervals = serializers.SerializerMethodField()

    class Meta:
        model = Deadline
        fields = [
            "uid", "kind", "kind_label", "label", "url", "urgent", "owner", "status", "started_at",
            "due_at", "original_due_at", "paused_at", "pause_reason", "met_at", "late",
            "missed_at", "moves", "intervals",
        ]  # fmt: skip

    def get_intervals(self, deadline: Deadline) -> list[dict[str, Any]]:
        return list(IntervalSerializer(queries.explain(deadline), many=True).data)


class DeadlineViewSet(DeskViewSet):
    """Deadlines of all records, with every move and every interval counted."""

    serializer_class = DeadlineSerializer
    filter_backends = [DjangoFilterBackend]
    filterset_fields = ["status", "kind", "urgent", "owner__uid"]

    def get_queryset(self) -> DeadlineQuerySet:
        actor = self.request.actor  # type: ignore[attr-defined]
        found = Deadline.objects.visible_to(actor).select_related("owner")
        return found.prefetch_related("moves")


class EscalationSerializer(serializers.ModelSerializer[Escalation]):
    deadline = serializers.UUIDField(source="deadline.uid", read_only=True)
    kind = serializers.CharField(source="deadline.kind", read_only=True)
    subject = serializers.CharField(source="deadline.label", read_only=True)
    url = serializers.CharField(source="deadline.url", read_only=True)
    step_label = serializers.CharField(read_only=True)
    acknowledged_by = serializers.UUIDField(
        source="acknowledged_by.uid", default=None, read_only=True
    )
    actions = serializers.SerializerMethodField()

    class Meta:
        model = Escalation
        fields = [
            "uid", "deadline", "kind", "subject", "url", "step", "step_label", "generation",
            "due_at", "fired_at", "missed", "insists", "superseded", "note", "acknowledged_at", "acknowledged_by",
            "actions",
        ]  # fmt: skip

    def get_actions(self, escalation: Escalation) -> list[str]:
        actor = self.context["request"].actor
        can = escalation.is_open and actor.may("sla.acknowledge")
        return ["acknowledge"] if can else []


class EscalationViewSet(DeskViewSet):
    """Steps that fired. `superseded` ones told nobody."""

    serializer_class = EscalationSerializer
    filter_backends = [DjangoFilterBackend]
    filterset_fields = ["missed", "superseded", "deadline__uid", "deadline__kind"]

    def get_queryset(self) -> EscalationQuerySet:
        actor = self.request.actor  # type: ignore[attr-defined]
        found = Escalation.objects.visible_to(actor)
        return found.select_related("deadline", "acknowledged_by")

    @verb()
    def acknowledge(self, obj: Escalation, data: dict[str, Any]) -> Escalation:
        return actions.acknowledge(obj, at=data["at"], by=self.request.actor)  # type: ignore[attr-defined]


# --- Calendars and policies -----------------------------------------------------------------------


class CalendarSerializer(serializers.ModelSerializer[Calendar]):
    """`weekly`: the windows of Monday … Sunday in seconds of the day; `days`: exceptions by date."""

    version_number = serializers.IntegerField(source="current.number", read_only=True)
    zone = serializers.CharField(source="current.zone", read_only=True)
    weekly = serializers.JSONField(source="current.weekly", read_only=True)
    days = serializers.JSONField(source="current.days", read_only=True)

    class Meta:
        model = Calendar
        fields = [
            "uid", "code", "name", "is_active", "follows_public_holidays", "version_number",
            "zone", "weekly", "days",
        ]  # fmt: skip


class WindowField(serializers.ListField):
    """[from, to] in seconds of the day."""

    child = serializers.IntegerField(min_value=0, max_value=86400)

    def __init__(self, **options: Any) -> None:
        super().__init__(min_length=2, max_length=2, **options)


class DayInput(StrictSerializer):
    """An exception; without windows there is no work on that day."""

    name = serializers.CharField(max_length=80)
    windows = serializers.ListField(child=WindowField(), required=False, max_length=24)


class DaysInput(ActionInput):
    """`expected`: the version that the change was made on; on a newer one it is refused."""

    note = serializers.CharField(max_length=200, required=False, allow_blank=True)
    expected = serializers.IntegerField(required=False)


class SetDaysInput(DaysInput):
    """`days`: {"2026-10-01": {"name": "National Day", "windows": []}}."""

    days = serializers.DictField(child=DayInput())


class DaysFileInput(DaysInput):
    """CSV (date, name, hours) or iCalendar as `multipart/form-data`: up to 1 MB and 1,000 days."""

    file = serializers.FileField()


class FileRowSerializer(serializers.Serializer[Any]):
    """A line of the file, or an event: what it would do, or why it cannot be read."""

    line = serializers.IntegerField()
    day = serializers.DateField(allow_null=True)
    name = serializers.CharField()
    windows = serializers.ListField(child=WindowField())
    effect = serializers.ChoiceField(["new", "changed", "same", ""])
    error = serializers.CharField()


class RemoveDayInput(ActionInput):
    day = serializers.DateField()


def _weekly(**options: Any) -> serializers.ListField:
    """Monday … Sunday."""
    day = serializers.ListField(child=WindowField(), max_length=24)
    return serializers.ListField(child=day, min_length=7, max_length=7, **options)


class ChangeCalendarInput(DaysInput):
    """`weekly`: the windows of Monday … Sunday in seconds of the day."""

    name = serializers.CharField(max_length=80, required=False)
    zone = serializers.CharField(max_length=60, required=False)
    weekly = _weekly(required=False)
    follows_public_holidays = serializers.BooleanField(required=False)


class AddCalendarInput(ActionInput):
    code = serializers.CharField(max_length=30)
    name = serializers.CharField(max_length=80)
    zone = serializers.CharField(max_length=60)
    weekly = _weekly()
    days = serializers.DictField(child=DayInput(), required=False)
    follows_public_holidays = serializers.BooleanField(required=False)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class CalendarViewSet(DeskViewSet):
    """Working hours that policies count by, as they are now."""

    serializer_class = CalendarSerializer
    filter_backends = [DjangoFilterBackend]
    filterset_fields = ["code", "is_active"]

    def get_queryset(self) -> CalendarQuerySet:
        actor = self.request.actor  # type: ignore[attr-defined]
        return Calendar.objects.visible_to(actor).select_related("current")

    @verb(AddCalendarInput, detail=False)
    def add(self, _none: None, data: dict[str, Any]) -> Calendar:
        return actions.create_calendar(**data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(ChangeCalendarInput)
    def change(self, calendar: Calendar, data: dict[str, Any]) -> Calendar:
        """New hours are a new version; running deadlines keep theirs."""
        return actions.change_calendar(calendar, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(RemoveDayInput)
    def remove_day(self, calendar: Calendar, data: dict[str, Any]) -> Calendar:
        return actions.remove_day(calendar, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb()
    def update_holidays(self, calendar: Calendar, data: dict[str, Any]) -> Calendar:
        """Fill in the public holidays of the known years."""
        actions.update_holidays(calendar, **data, by=self.request.actor)  # type: ignore[attr-defined]
        return calendar

    @verb(SetDaysInput)
    def set_days(self, calendar: Calendar, data: dict[str, Any]) -> Calendar:
        return actions.set_days(calendar, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @extend_schema(
        request=DaysFileInput,
        responses={200: FileRowSerializer(many=True), 400: Problem, 409: Problem},
    )
    @route(detail=True, methods=["post"], url_path="preview-import")
    def preview_import(self, request: Request, uid: str) -> Response:
        """What `import-days` would do with each row of the file; nothing is changed."""
        require(request.actor, actions.calendars.MANAGE)  # type: ignore[attr-defined]
        calendar, data = self.get_object(), self.input(DaysFileInput)
        return Response(FileRowSerializer(_rows(calendar, data["file"]), many=True).data)

    @verb(DaysFileInput)
    def import_days(self, calendar: Calendar, data: dict[str, Any]) -> Calendar:
        """The days of the file are added, or replace those of the same dates: all or none."""
        by, file = self.request.actor, data.pop("file")  # type: ignore[attr-defined]
        require(by, actions.calendars.MANAGE)
        rows = _rows(calendar, file)
        if wrong := [f"{row.line}: {row.error}" for row in rows if row.error]:
            raise serializers.ValidationError({"file": wrong})
        data.setdefault("note", file.name[:200])
        return actions.set_days(calendar, days=importers.days_of(rows), **data, by=by)

    @verb()
    def retire(self, calendar: Calendar, data: dict[str, Any]) -> Calendar:
        return actions.retire_calendar(calendar, **data, by=self.request.actor)  # type: ignore[attr-defined]


def _rows(calendar: Calendar, file: UploadedFile[Any]) -> list[importers.Row]:
    assert calendar.current is not None
    assert file.file is not None
    return importers.read(file.file, file.name or "", file.size or 0, calendar.current)


class PolicySerializer(serializers.ModelSerializer[Policy]):
    """Conditions that are null hold for all. `target` null: the kind's own time."""

    kind_label = serializers.CharField(read_only=True)
    customer = serializers.UUIDField(source="customer.uid", default=None, read_only=True)
    contract = serializers.UUIDField(source="contract.uid", default=None, read_only=True)
    product = serializers.UUIDField(source="product.uid", default=None, read_only=True)
    version_number = serializers.IntegerField(source="current.number", read_only=True)
    target = serializers.DurationField(source="current.target", read_only=True, allow_null=True)
    longest_pause = serializers.DurationField(
        source="current.longest_pause", read_only=True, allow_null=True
    )
    calendar = serializers.UUIDField(source="current.calendar.uid", default=None, read_only=True)
    steps = serializers.JSONField(source="current.steps", read_only=True)

    class Meta:
        model = Policy
        fields = [
            "uid", "kind", "kind_label", "name", "is_active", "urgent", "customer", "contract",
            "product", "version_number", "target", "longest_pause", "calendar", "steps",
        ]  # fmt: skip


class StepInput(StrictSerializer):
    """One step: at a share of the time (0 … 1), or `offset` seconds after the due time (negative:
    before it). Exactly one has `missed`, and stands at the due time."""

    name = serializers.CharField(max_length=30)
    label = serializers.CharField(max_length=60)  # type: ignore[assignment]  # DRF's own name
    share = serializers.FloatField(min_value=0, max_value=1, default=1.0)
    offset = serializers.IntegerField(
        default=0, min_value=-int(LONGEST.total_seconds()), max_value=int(LONGEST.total_seconds())
    )
    to = serializers.ListField(child=serializers.ChoiceField(PEOPLE), min_length=1)
    by = serializers.ListField(child=serializers.ChoiceField(CHANNELS), min_length=1)
    missed = serializers.BooleanField(default=False)
    stops = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            Step.from_json(attrs)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None
        return attrs


class PolicyTermsInput(ActionInput):
    """Null: the kind's own. `steps`: a ladder of its own; empty: the kind's."""

    target = serializers.DurationField(required=False, allow_null=True)
    calendar = RecordField(
        slug_field="uid", queryset=Calendar.objects.all(), required=False, allow_null=True
    )
    longest_pause = serializers.DurationField(required=False, allow_null=True)
    steps = StepInput(many=True, required=False)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)
    spreads = serializers.BooleanField(
        required=False, help_text="Running deadlines follow; else only new ones do."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "steps" in attrs:
            attrs["steps"] = [Step.from_json(step) for step in attrs["steps"]]
        return attrs


class ChangePolicyInput(PolicyTermsInput):
    """`expected`: the version that the change was made on; on a newer one it is refused."""

    name = serializers.CharField(max_length=80, required=False)
    expected = serializers.IntegerField(required=False)


class AddPolicyInput(PolicyTermsInput):
    """Conditions that are left out or null hold for all; they cannot be changed later."""

    kind = serializers.CharField(max_length=40)
    name = serializers.CharField(max_length=80)
    urgent = serializers.BooleanField(required=False, allow_null=True)
    customer = RecordField(
        slug_field="uid", queryset=Customer.objects.all(), required=False, allow_null=True
    )
    contract = RecordField(
        slug_field="uid", queryset=Contract.objects.all(), required=False, allow_null=True
    )
    product = RecordField(
        slug_field="uid", queryset=Product.objects.all(), required=False, allow_null=True
    )


class MovementSerializer(serializers.Serializer[Any]):
    """Running deadlines if they followed: how many would come under the terms, how many of those
    would move (of how many looked at), and by how much at most."""

    follow = serializers.IntegerField()
    move = serializers.IntegerField()
    looked_at = serializers.IntegerField()
    earliest = serializers.DurationField()
    latest = serializers.DurationField()


class PolicyViewSet(DeskViewSet):
    """Which terms hold for which deadlines, as they are now."""

    serializer_class = PolicySerializer
    filter_backends = [DjangoFilterBackend]
    filterset_fields = ["kind", "is_active", "customer__uid", "contract__uid", "product__uid"]

    def get_queryset(self) -> PolicyQuerySet:
        actor = self.request.actor  # type: ignore[attr-defined]
        found = Policy.objects.visible_to(actor)
        return found.select_related("customer", "contract", "product", "current__calendar")

    @verb(AddPolicyInput, detail=False)
    def add(self, _none: None, data: dict[str, Any]) -> Policy:
        return actions.create_policy(**data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(ChangePolicyInput)
    def change(self, policy: Policy, data: dict[str, Any]) -> Policy:
        """New terms are a new version."""
        return actions.change_policy(policy, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @extend_schema(request=AddPolicyInput, responses={200: MovementSerializer, 409: Problem})
    @route(detail=False, methods=["post"], url_path="preview-add")
    def preview_add(self, request: Request) -> Response:
        """What `add` would move; nothing is changed."""
        data, by = self.input(AddPolicyInput), request.actor  # type: ignore[attr-defined]
        return self._movement(lambda: actions.create_policy(**data, by=by))

    @extend_schema(request=ChangePolicyInput, responses={200: MovementSerializer, 409: Problem})
    @route(detail=True, methods=["post"], url_path="preview-change")
    def preview_change(self, request: Request, uid: str) -> Response:
        """What `change` would move; nothing is changed."""
        data, by = self.input(ChangePolicyInput), request.actor  # type: ignore[attr-defined]
        policy = self.get_object()
        return self._movement(lambda: actions.change_policy(policy, **data, by=by))

    def _movement(self, change: Callable[[], Policy]) -> Response:
        return Response(MovementSerializer(movement_of(change)).data)

    @verb()
    def retire(self, policy: Policy, data: dict[str, Any]) -> Policy:
        return actions.retire_policy(policy, **data, by=self.request.actor)  # type: ignore[attr-defined]


def register(router: BaseRouter) -> None:
    router.register("deadlines", DeadlineViewSet, basename="deadline")
    router.register("escalations", EscalationViewSet, basename="escalation")
    router.register("calendars", CalendarViewSet, basename="calendar")
    router.register("policies", PolicyViewSet, basename="policy")
