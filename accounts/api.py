"""/api/v1/users, /me, /notifications. Tokens are made by a person, never by a token."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular import authentication as spectacular
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from accounts import actions
from accounts.models import Notification, Team, User
from servicedesk.core.api import ActionInput, DeskViewSet, verb


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.backends.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class SessionScheme(spectacular.SessionScheme):  # type: ignore[no-untyped-call]
    target_class = "accounts.backends.SessionAuthentication"


class TeamName(serializers.ModelSerializer[Team]):
    class Meta:
        model = Team
        fields = ["uid", "name"]


class UserSerializer(serializers.ModelSerializer[User]):
    team = TeamName(read_only=True)

    class Meta:
        model = User
        fields = [
            "uid", "username", "name", "role", "team", "email", "phone", "staff_number",
            "language", "is_active", "version",
        ]  # fmt: skip


class MeSerializer(UserSerializer):
    permissions = serializers.SerializerMethodField(help_text="What the role allows.")

    class Meta(UserSerializer.Meta):
        fields = [
            *UserSerializer.Meta.fields, "on_duty_until", "quiet_from", "quiet_until",
            "permissions",
        ]  # fmt: skip

    def get_permissions(self, user: User) -> list[str]:
        return sorted(user.as_actor().permissions)


class UserViewSet(DeskViewSet):
    """Colleagues and API clients, also those who left."""

    serializer_class = UserSerializer

    def get_queryset(self) -> QuerySet[User]:
        return User.objects.visible_to(self.request.actor).select_related("team")  # type: ignore[attr-defined]


class DutyInput(ActionInput):
    """`until`: within 24 hours."""

    until = serializers.DateTimeField()


class QuietHoursInput(ActionInput):
    """From one to the other, past midnight, too; both null: never."""

    quiet_from = serializers.TimeField(allow_null=True)
    quiet_until = serializers.TimeField(allow_null=True)


class MeViewSet(DeskViewSet):
    """Whose token or session this is."""

    serializer_class = MeSerializer
    pagination_class = None

    def get_queryset(self) -> QuerySet[User]:
        return User.objects.filter(pk=self.request.user.pk or 0).select_related("team")

    @verb(DutyInput, detail=False, creates=False)
    def go_on_duty(self, _none: None, data: dict[str, Any]) -> User:
        """What is escalated to whoever is on duty comes to the caller until then."""
        return actions.go_on_duty(self._me(), **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(detail=False, creates=False)
    def end_duty(self, _none: None, data: dict[str, Any]) -> User:
        return actions.end_duty(self._me(), **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(QuietHoursInput, detail=False, creates=False)
    def set_quiet_hours(self, _none: None, data: dict[str, Any]) -> User:
        """When warnings by e-mail wait."""
        return actions.set_quiet_hours(self._me(), **data, by=self.request.actor)  # type: ignore[attr-defined]

    def _me(self) -> User:
        return self.get_queryset().get()

    @extend_schema(operation_id="me", responses=MeSerializer)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer(self._me())


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    class Meta:
        model = Notification
        fields = ["uid", "text", "url", "urgent", "created_at", "read_at"]


class NotificationViewSet(DeskViewSet):
    """What the caller was told, newest first."""

    serializer_class = NotificationSerializer

    def get_queryset(self) -> QuerySet[Notification]:
        return Notification.objects.visible_to(self.request.actor)  # type: ignore[attr-defined]

    @verb()
    def read(self, notification: Notification, data: dict[str, Any]) -> Notification:
        """Mark it as read."""
        return actions.read_notification(
            notification,
            at=timezone.now(),
            by=self.request.actor,  # type: ignore[attr-defined]
        )


def register(router: BaseRouter) -> None:
    """The resources of this app below /api/v1/."""
    router.register("users", UserViewSet, basename="user")
    router.register("me", MeViewSet, basename="me")
    router.register("notifications", NotificationViewSet, basename="notification")
