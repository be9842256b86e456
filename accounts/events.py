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
    detail = "{name} ({role})"
    icon = "user-plus"
    user_id: int
    name: str
    role: str


@dataclass(frozen=True, kw_only=True)
class TeamCreated(Event):
    type: ClassVar[str] = "team.created"
    label = _("Team created")
    detail = "{name}"
    icon = "users"
    team_id: int
    name: str
