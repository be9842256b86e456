"""/api/v1/calls, /api/v1/referrals"""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import serializers
from rest_framework.routers import BaseRouter

from accounts.models import User
from customers.models import Contact, Customer, Installation, Product, Store
from customers.queries import masked
from knowledge.models import Article, FaultCategory
from servicedesk.core.api import ActionInput, DeskViewSet, RecordField, has_happened, verb
from tickets.actions import calls, referrals
from tickets.models import Call, ReferralTarget, Ticket
from tickets.models.calls import CallQuerySet, ReferralQuerySet


class CallSerializer(serializers.ModelSerializer[Call]):
    caller_number = serializers.SerializerMethodField()
    taken_by = serializers.UUIDField(source="taken_by.uid", read_only=True)
    customer = serializers.UUIDField(source="customer.uid", default=None, read_only=True)
    store = serializers.UUIDField(source="store.uid", default=None, read_only=True)
    contact = serializers.UUIDField(source="contact.uid", default=None, read_only=True)
    product = serializers.UUIDField(source="product.uid", default=None, read_only=True)
    installation = serializers.UUIDField(source="installation.uid", default=None, read_only=True)
    category = serializers.UUIDField(source="category.uid", default=None, read_only=True)
    article = serializers.CharField(source="article.number", default=None, read_only=True)
    referral = serializers.UUIDField(source="referral.uid", default=None, read_only=True)
    ticket = serializers.CharField(source="ticket.number", default=None, read_only=True)
    messages = serializers.SlugRelatedField[Any]("uid", many=True, read_only=True)
    promises = serializers.SlugRelatedField[Any]("uid", many=True, read_only=True)

    class Meta:
        model = Call
        fields = [
            "uid", "number", "outcome", "taken_by", "caller_number", "caller_name", "salutation",
            "ring_count", "answered_at", "ended_at", "customer", "store", "contact", "product",
            "installation", "category", "need", "phone_solution_offered", "solution", "article",
            "referral", "greeted", "read_back", "ticket", "messages", "promises",
        ]  # fmt: skip

    def get_caller_number(self, told: Call) -> str:
        """Whole for whoever it is meant for, else masked (GEN-7)."""
        own = told.taken_by_id == self.context["request"].actor.id
        return told.caller_number if own else masked(told.caller_number)


def _text(length: int) -> serializers.CharField:
    return serializers.CharField(max_length=length, required=False, allow_blank=True)


def _flag() -> serializers.BooleanField:
    return serializers.BooleanField(required=False)


def _moment() -> serializers.DateTimeField:
    return serializers.DateTimeField(required=False, allow_null=True)


def _record(queryset: Any) -> RecordField:
    return RecordField("uid", queryset=queryset, required=False, allow_null=True)


class CallInput(ActionInput):
    """A call that is over. What its outcome cannot do without is said by field."""

    outcome = serializers.ChoiceField(Call.Outcome.choices)
    answered_at = serializers.DateTimeField(default=timezone.now, validators=[has_happened])
    ring_count = serializers.IntegerField(
        min_value=0, max_value=99, required=False, allow_null=True
    )
    greeted = _flag()
    caller_number = _text(30)
    caller_name = _text(60)
    salutation = _text(30)
    store = _record(Store.objects.all())
    contact = _record(Contact.objects.all())
    save_contact = _flag()
    new_store_name = _text(120)
    new_store_address = _text(200)
    new_store_customer = _record(Customer.objects.all())
    new_customer_name = _text(120)
    product = _record(Product.objects.all())
    installation = _record(Installation.objects.all())
    category = _record(FaultCategory.objects.all())
    need = _text(4000)
    phone_solution_offered = _flag()
    read_back = _flag()
    solution = _text(4000)
    article = _record(Article.objects.all())
    confirmed = _flag()
    title = _text(120)
    is_urgent = _flag()
    urgency_reason = _text(200)
    expected_at = _moment()
    no_wish = _flag()
    assignee = _record(User.objects.get_queryset())
    visit_reason = _text(1000)
    ticket = RecordField("number", queryset=Ticket.objects.all(), required=False, allow_null=True)
    to_user = _record(User.objects.get_queryset())
    about_visit = _flag()
    call_back_by = _moment()
    promise_owner = _record(User.objects.get_queryset())
    promise_due_at = _moment()
    referral = _record(ReferralTarget.objects.all())
    new_referral_topic = _text(60)
    new_referral_name = _text(80)
    new_referral_phone = _text(30)
    intake_key = serializers.UUIDField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        said = calls.completed(attrs["outcome"], attrs)
        errors: dict[str, list[str]] = {}
        for field, message in calls.objections(attrs["outcome"], said, at=attrs["at"]):
            errors.setdefault(field, []).append(message)
        if errors:
            raise serializers.ValidationError(errors)
        if said.get("no_wish") and said.get("expected_at"):
            raise serializers.ValidationError(
                {"no_wish": [_("Either a time, or no wish; not both.")]}
            )
        return said


class CallViewSet(DeskViewSet):
    """Calls that were taken, and `end`: all that one is told on the telephone, in one request."""

    serializer_class = CallSerializer
    lookup_field = "number"
    filter_backends = [DjangoFilterBackend]
    filterset_fields = ["outcome", "caller_digits", "store__uid", "taken_by__uid"]

    def get_queryset(self) -> CallQuerySet:
        actor = self.request.actor  # type: ignore[attr-defined]
        return (
            Call.objects.visible_to(actor)
            .select_related(
                "taken_by", "customer", "store", "contact", "product", "installation",
                "category", "article", "referral", "ticket",
            )
            .prefetch_related("messages", "promises")
        )  # fmt: skip

    @verb(CallInput, detail=False)
    def end(self, obj: None, data: dict[str, Any]) -> Call:
        return calls.end_call(**data, by=self.request.actor)  # type: ignore[attr-defined]


class ReferralSerializer(serializers.ModelSerializer[ReferralTarget]):
    class Meta:
        model = ReferralTarget
        fields = ["uid", "topic", "name", "phone", "note", "is_active"]


class TargetInput(ActionInput):
    topic = serializers.CharField(max_length=60)
    name = serializers.CharField(max_length=80)
    phone = serializers.CharField(max_length=30, required=False, allow_blank=True)
    note = serializers.CharField(max_length=300, required=False, allow_blank=True)


class ReferralViewSet(DeskViewSet):
    """The directory of where callers are sent with what is not ours."""

    serializer_class = ReferralSerializer

    def get_queryset(self) -> ReferralQuerySet:
        actor = self.request.actor  # type: ignore[attr-defined]
        return ReferralTarget.objects.visible_to(actor)

    @verb(TargetInput, detail=False)
    def add(self, obj: None, data: dict[str, Any]) -> ReferralTarget:
        return referrals.add_target(**data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(TargetInput)
    def edit(self, obj: ReferralTarget, data: dict[str, Any]) -> ReferralTarget:
        return referrals.edit_target(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb()
    def retire(self, obj: ReferralTarget, data: dict[str, Any]) -> ReferralTarget:
        return referrals.retire_target(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]


def register(router: BaseRouter) -> None:
    router.register("calls", CallViewSet, basename="call")
    router.register("referrals", ReferralViewSet, basename="referral")
