"""/api/v1/remote-sessions"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.routers import BaseRouter

from knowledge.models import FaultCategory
from servicedesk.core.api import ActionInput, DeskViewSet, RecordField, verb
from tickets.actions import remote as actions
from tickets.models import RemoteSession, RemoteStep, Ticket
from tickets.queries import possible_remotely


class StepSerializer(serializers.ModelSerializer[RemoteStep]):
    class Meta:
        model = RemoteStep
        fields = ["position", "did", "outcome", "at"]


class SessionSerializer(serializers.ModelSerializer[RemoteSession]):
    ticket = serializers.CharField(source="ticket.number", read_only=True)
    engineer = serializers.UUIDField(source="engineer.uid", read_only=True)
    category = serializers.UUIDField(source="category.uid", default=None, read_only=True)
    steps = StepSerializer(many=True, read_only=True)
    actions = serializers.SerializerMethodField()

    class Meta:
        model = RemoteSession
        fields = [
            "uid", "number", "version", "ticket", "engineer", "status", "channel", "tool",
            "prepared_at", "consent_by", "consent_channel", "consent_at", "watcher", "started_at",
            "ended_at", "end_confirmed_by", "category", "cause", "result", "summary",
            "changes_made", "data_untouched", "steps", "actions",
        ]  # fmt: skip

    def get_actions(self, session: RemoteSession) -> list[str]:
        return [s.name for s in possible_remotely(session, self.context["request"].actor)]


def _text(length: int) -> serializers.CharField:
    return serializers.CharField(max_length=length, default="", allow_blank=True)


class PrepareInput(ActionInput):
    ticket = RecordField("number", queryset=Ticket.objects.all())
    channel = serializers.ChoiceField(RemoteSession.Channel.choices)
    tool = _text(80)


class ConsentInput(ActionInput):
    consent_by = serializers.CharField(max_length=60)
    consent_channel = serializers.ChoiceField(RemoteSession.ConsentChannel.choices)


class StartInput(ActionInput):
    watcher = _text(60)


class StepInput(ActionInput):
    did = serializers.CharField(max_length=500)
    outcome = _text(500)


class CloseInput(ActionInput):
    result = serializers.ChoiceField(RemoteSession.Result.choices)
    category = RecordField("uid", queryset=FaultCategory.objects.all())
    cause = _text(4000)
    summary = _text(4000)
    changes_made = _text(2000)
    data_untouched = serializers.BooleanField()
    watcher = _text(60)
    end_confirmed_by = _text(60)
    resolve_ticket = serializers.BooleanField(default=False)


class AbandonInput(ActionInput):
    reason = serializers.CharField(max_length=300)


class ArticleInput(ActionInput):
    title = _text(120)


class RemoteViewSet(DeskViewSet):
    """Remote sessions with their steps."""

    serializer_class = SessionSerializer
    lookup_field = "number"

    def get_queryset(self) -> QuerySet[RemoteSession]:
        found = RemoteSession.objects.visible_to(self.request.actor)  # type: ignore[attr-defined]
        return found.select_related("ticket", "engineer", "category").prefetch_related("steps")

    @verb(PrepareInput, detail=False)
    def prepare(self, obj: None, data: dict[str, Any]) -> RemoteSession:
        ticket = data.pop("ticket")
        return actions.prepare(ticket, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(ConsentInput)
    def consent(self, obj: RemoteSession, data: dict[str, Any]) -> RemoteSession:
        return actions.consent(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(StartInput)
    def start(self, obj: RemoteSession, data: dict[str, Any]) -> RemoteSession:
        return actions.start(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(StepInput)
    def add_step(self, obj: RemoteSession, data: dict[str, Any]) -> RemoteSession:
        actions.add_step(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]
        return self.get_object()  # type: ignore[no-any-return]

    @verb(CloseInput)
    def close(self, obj: RemoteSession, data: dict[str, Any]) -> RemoteSession:
        return actions.close(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(AbandonInput)
    def abandon(self, obj: RemoteSession, data: dict[str, Any]) -> RemoteSession:
        return actions.abandon(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(ArticleInput)
    def make_article(self, obj: RemoteSession, data: dict[str, Any]) -> RemoteSession:
        actions.make_article(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]
        return obj


def register(router: BaseRouter) -> None:
    router.register("remote-sessions", RemoteViewSet, basename="remote-session")
