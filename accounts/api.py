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
from servicedesk.core.api import DeskViewSet, verb


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
        fields = [*UserSerializer.Meta.fields, "permissions"]

    def get_permissions(self, user: User) -> list[str]:
        return sorted(user.as_actor().permissions)


class UserViewSet(DeskViewSet):
    """Colleagues and API clients, also those who left."""

    serializer_class = UserSerializer

    def get_queryset(self) -> QuerySet[User]:
        return User.objects.visible_to(self.request.actor).select_related("team")  # type: ignore[attr-defined]


class MeViewSet(DeskViewSet):
    """Whose token or session this is."""

    serializer_class = MeSerializer
    pagination_class = None

    @extend_schema(operation_id="me", responses=MeSerializer)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer(User.objects.select_related("team").get(pk=request.user.pk or 0))


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
