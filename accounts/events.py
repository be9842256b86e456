"""What happens to accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from servicedesk.core.events import Event


@dataclass(frozen=True, kw_only=True)
class UserCreated(Event):
    type: ClassVar[str] = "user.created"
    label = _("Account created")
    detail = "{name}"
    icon = "user-plus"
    user_id: int
    name: str
    role: str


@dataclass(frozen=True, kw_only=True)
class UserChanged(Event):
    """`fields` are names of columns, joined by commas; the values stand in the history."""

    type: ClassVar[str] = "user.changed"
    label = _("Account changed")
    icon = "user-edit"
    user_id: int
    fields: str


@dataclass(frozen=True, kw_only=True)
class RoleChanged(Event):
    type: ClassVar[str] = "user.role_changed"
    label = _("Role changed, all sessions ended")
    icon = "user-shield"
    user_id: int
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class PasswordSet(Event):
    """An administrator gave the person a new password."""

    type: ClassVar[str] = "user.password_set"
    label = _("New password set, all sessions ended")
    icon = "key"
    user_id: int


@dataclass(frozen=True, kw_only=True)
class PasswordChanged(Event):
    """The person changed the own password."""

    type: ClassVar[str] = "user.password_changed"
    label = _("Own password changed, all sessions ended")
    icon = "key"
    user_id: int


@dataclass(frozen=True, kw_only=True)
class UserDeactivated(Event):
    type: ClassVar[str] = "user.deactivated"
    label = _("Account deactivated")
    icon = "user-off"
    user_id: int


@dataclass(frozen=True, kw_only=True)
class UserReactivated(Event):
    type: ClassVar[str] = "user.reactivated"
    label = _("Account reactivated")
    icon = "user-check"
    user_id: int


@dataclass(frozen=True, kw_only=True)
class PinSet(Event):
    type: ClassVar[str] = "account.pin_set"
    label = _("PIN set")
    icon = "key"
    user_id: int


@dataclass(frozen=True, kw_only=True)
class PhotoChanged(Event):
    type: ClassVar[str] = "account.photo_changed"
    label = _("Photo changed")
    icon = "id-badge-2"
    user_id: int
    removed: bool


@dataclass(frozen=True, kw_only=True)
class SecondFactorReset(Event):
    """An administrator took it away: the telephone and the recovery codes are lost."""

    type: ClassVar[str] = "user.second_factor_reset"
    label = _("Second factor removed, all sessions ended")
    icon = "shield-off"
    user_id: int


@dataclass(frozen=True, kw_only=True)
class DutyStarted(Event):
    type: ClassVar[str] = "user.duty_started"
    label = _("On duty")
    detail = "{name} → {until}"
    icon = "headset"
    user_id: int
    name: str
    until: str


@dataclass(frozen=True, kw_only=True)
class DutyEnded(Event):
    type: ClassVar[str] = "user.duty_ended"
    label = _("Duty ended")
    detail = "{name}"
    icon = "headset-off"
    user_id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class SessionEnded(Event):
    type: ClassVar[str] = "user.session_ended"
    label = _("Session ended")
    detail = "{ip}"
    icon = "logout"
    user_id: int
    ip: str


@dataclass(frozen=True, kw_only=True)
class TokenCreated(Event):
    type: ClassVar[str] = "token.created"
    label = _("API token created")
    detail = "{name} (sd_{prefix}_…)"
    icon = "api"
    user_id: int
    name: str
    prefix: str


@dataclass(frozen=True, kw_only=True)
class TokenRevoked(Event):
    type: ClassVar[str] = "token.revoked"
    label = _("API token revoked")
    detail = "{name} (sd_{prefix}_…)"
    icon = "api-off"
    user_id: int
    name: str
    prefix: str


@dataclass(frozen=True, kw_only=True)
class TeamCreated(Event):
    type: ClassVar[str] = "team.created"
    label = _("Team created")
    detail = "{name}"
    icon = "users"
    team_id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class TeamChanged(Event):
    type: ClassVar[str] = "team.changed"
    label = _("Team changed")
    detail = "{name}"
    icon = "users"
    team_id: int
    name: str
