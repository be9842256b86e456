"""/api/v1/promises"""

from __future__ import annotations

from typing import Any

from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import serializers
from rest_framework.routers import BaseRouter

from accounts.models import User
from customers.models import Store
from customers.queries import masked
from servicedesk.core.api import ActionInput, DeskViewSet, RecordField, verb
from tickets.actions import promises
from tickets.models import CallbackPromise, Ticket
from tickets.models.calls import PromiseQuerySet
from tickets.states import PROMISE


class PromiseSerializer(serializers.ModelSerializer[CallbackPromise]):
    caller_number = serializers.SerializerMethodField()
    owner = serializers.UUIDField(source="owner.uid", read_only=True)
    call = serializers.CharField(source="call.number", default=None, read_only=True)
    ticket = serializers.CharField(source="ticket.number", default=None, read_only=True)
    store = serializers.UUIDField(source="store.uid", default=None, read_only=True)
    actions = serializers.SerializerMethodField()

    class Meta:
        model = CallbackPromise
        fields = [
            "uid", "status", "owner", "call", "ticket", "store", "caller_name", "caller_number",
            "question", "promised_at", "original_due_at", "due_at", "moved_count", "kept_at",
            "answer", "actions",
        ]  # fmt: skip

    def get_caller_number(self, told: CallbackPromise) -> str:
        """Whole for whoever it is meant for, else masked (GEN-7)."""
        own = told.owner_id == self.context["request"].actor.id
        return told.caller_number if own else masked(told.caller_number)

    def get_actions(self, promise: CallbackPromise) -> list[str]:
        actor = self.context["request"].actor
        return [t.name for t in PROMISE.open_to(actor, promise.status)]


class MakeInput(ActionInput):
    owner = RecordField("uid", queryset=User.objects.get_queryset())
    caller_name = serializers.CharField(max_length=60)
    caller_number = serializers.CharField(max_length=30)
    question = serializers.CharField(max_length=2000)
    due_at = serializers.DateTimeField()
    ticket = RecordField("number", queryset=Ticket.objects.all(), required=False, allow_null=True)
    store = RecordField("uid", queryset=Store.objects.all(), required=False, allow_null=True)


class KeepInput(ActionInput):
    answer = serializers.CharField(max_length=2000)


class MoveInput(ActionInput):
    due_at = serializers.DateTimeField()
    spoken_to = serializers.CharField(max_length=60)
    reason = serializers.CharField(max_length=300)


class AttemptInput(ActionInput):
    note = serializers.CharField(max_length=300, required=False, allow_blank=True)


class ReassignInput(ActionInput):
    owner = RecordField("uid", queryset=User.objects.get_queryset())
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class DropInput(ActionInput):
    spoken_to = serializers.CharField(max_length=60)
    reason = serializers.CharField(max_length=300)


class PromiseViewSet(DeskViewSet):
    """Answers promised by a time."""

    serializer_class = PromiseSerializer
    filter_backends = [DjangoFilterBackend]
    filterset_fields = ["status", "owner__uid"]

    def get_queryset(self) -> PromiseQuerySet:
        actor = self.request.actor  # type: ignore[attr-defined]
        found = CallbackPromise.objects.visible_to(actor)
        return found.select_related("owner", "call", "ticket", "store")

    @verb(MakeInput, detail=False)
    def make(self, obj: None, data: dict[str, Any]) -> CallbackPromise:
        return promises.make_promise(**data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(KeepInput)
    def keep(self, obj: CallbackPromise, data: dict[str, Any]) -> CallbackPromise:
        return promises.keep(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(MoveInput)
    def move(self, obj: CallbackPromise, data: dict[str, Any]) -> CallbackPromise:
        return promises.move(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(AttemptInput)
    def attempt(self, obj: CallbackPromise, data: dict[str, Any]) -> CallbackPromise:
        return promises.attempt(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(ReassignInput)
    def reassign(self, obj: CallbackPromise, data: dict[str, Any]) -> CallbackPromise:
        return promises.reassign(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(DropInput)
    def drop(self, obj: CallbackPromise, data: dict[str, Any]) -> CallbackPromise:
        return promises.drop(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]


def register(router: BaseRouter) -> None:
    router.register("promises", PromiseViewSet, basename="promise")
