"""/api/v1/messages"""

from __future__ import annotations

from typing import Any

from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import serializers
from rest_framework.routers import BaseRouter

from accounts.models import User
from customers.models import Store
from customers.queries import masked
from servicedesk.core.api import ActionInput, DeskViewSet, RecordField, verb
from tickets.actions import messages
from tickets.models import Message
from tickets.models.calls import MessageQuerySet
from tickets.states import open_to_message


class MessageSerializer(serializers.ModelSerializer[Message]):
    caller_number = serializers.SerializerMethodField()
    to_user = serializers.UUIDField(source="to_user.uid", read_only=True)
    taken_by = serializers.UUIDField(source="taken_by.uid", read_only=True)
    call = serializers.CharField(source="call.number", default=None, read_only=True)
    store = serializers.UUIDField(source="store.uid", default=None, read_only=True)
    actions = serializers.SerializerMethodField()

    class Meta:
        model = Message
        fields = [
            "uid", "status", "to_user", "taken_by", "call", "store", "caller_name",
            "caller_number", "about_visit", "text", "call_back_by", "taken_at", "read_at",
            "done_at", "outcome", "actions",
        ]  # fmt: skip

    def get_caller_number(self, told: Message) -> str:
        """Whole for whoever it is meant for, else masked (GEN-7)."""
        own = told.to_user_id == self.context["request"].actor.id
        return told.caller_number if own else masked(told.caller_number)

    def get_actions(self, message: Message) -> list[str]:
        actor = self.context["request"].actor
        mine = message.to_user_id == actor.id
        return [t.name for t in open_to_message(actor, message.status, mine=mine)]


class TakeInput(ActionInput):
    to_user = RecordField("uid", queryset=User.objects.get_queryset())
    caller_name = serializers.CharField(max_length=60)
    caller_number = serializers.CharField(max_length=30)
    text = serializers.CharField(max_length=2000)
    call_back_by = serializers.DateTimeField()
    about_visit = serializers.BooleanField(required=False)
    store = RecordField("uid", queryset=Store.objects.all(), required=False, allow_null=True)


class FinishInput(ActionInput):
    outcome = serializers.CharField(max_length=300)


class PassOnInput(ActionInput):
    to_user = RecordField("uid", queryset=User.objects.get_queryset())
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class MessageViewSet(DeskViewSet):
    """Messages for absent colleagues; each colleague sees his own and those he took."""

    serializer_class = MessageSerializer
    filter_backends = [DjangoFilterBackend]
    filterset_fields = ["status", "to_user__uid", "about_visit"]

    def get_queryset(self) -> MessageQuerySet:
        actor = self.request.actor  # type: ignore[attr-defined]
        found = Message.objects.visible_to(actor)
        return found.select_related("to_user", "taken_by", "call", "store")

    @verb(TakeInput, detail=False)
    def take(self, obj: None, data: dict[str, Any]) -> Message:
        return messages.take_message(**data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb()
    def read(self, obj: Message, data: dict[str, Any]) -> Message:
        return messages.read(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(FinishInput)
    def finish(self, obj: Message, data: dict[str, Any]) -> Message:
        return messages.finish(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(PassOnInput)
    def pass_on(self, obj: Message, data: dict[str, Any]) -> Message:
        return messages.pass_on(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]


def register(router: BaseRouter) -> None:
    router.register("messages", MessageViewSet, basename="message")
