"""/api/v1/deadlines, /api/v1/escalations. Deadlines start and end with what they belong to."""

from __future__ import annotations

from typing import Any

from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import serializers
from rest_framework.routers import BaseRouter

from servicedesk.core.api import ActionInput, DeskViewSet, verb
from sla import actions, queries
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


class SetDaysInput(ActionInput):
    """`days`: {"2026-10-01": {"name": "National Day", "windows": []}}."""

    days = serializers.DictField(child=serializers.DictField())
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class CalendarViewSet(DeskViewSet):
    """Working hours that policies count by, as they are now."""

    serializer_class = CalendarSerializer
    filter_backends = [DjangoFilterBackend]
    filterset_fields = ["code", "is_active"]

    def get_queryset(self) -> CalendarQuerySet:
        actor = self.request.actor  # type: ignore[attr-defined]
        return Calendar.objects.visible_to(actor).select_related("current")

    @verb(SetDaysInput)
    def set_days(self, calendar: Calendar, data: dict[str, Any]) -> Calendar:
        return actions.set_days(calendar, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb()
    def retire(self, calendar: Calendar, data: dict[str, Any]) -> Calendar:
        return actions.retire_calendar(calendar, **data, by=self.request.actor)  # type: ignore[attr-defined]


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


class PolicyViewSet(DeskViewSet):
    """Which terms hold for which deadlines, as they are now."""

    serializer_class = PolicySerializer
    filter_backends = [DjangoFilterBackend]
    filterset_fields = ["kind", "is_active", "customer__uid", "contract__uid", "product__uid"]

    def get_queryset(self) -> PolicyQuerySet:
        actor = self.request.actor  # type: ignore[attr-defined]
        found = Policy.objects.visible_to(actor)
        return found.select_related("customer", "contract", "product", "current__calendar")

    @verb()
    def retire(self, policy: Policy, data: dict[str, Any]) -> Policy:
        return actions.retire_policy(policy, **data, by=self.request.actor)  # type: ignore[attr-defined]


def register(router: BaseRouter) -> None:
    router.register("deadlines", DeadlineViewSet, basename="deadline")
    router.register("escalations", EscalationViewSet, basename="escalation")
    router.register("calendars", CalendarViewSet, basename="calendar")
    router.register("policies", PolicyViewSet, basename="policy")
