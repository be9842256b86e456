"""All that can happen to accounts, teams, tokens and notifications."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext as _
from pypinyin import Style, lazy_pinyin

from accounts.events import TeamCreated, UserCreated
from accounts.models import Notification, Team, User
from servicedesk.core.actions import action, require
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record


@action
def create_team(*, name: str, at: datetime, by: Actor) -> Team:
    require(by, "accounts.manage")
    team = Team.objects.create(name=name)
    record(TeamCreated(at=at, team_id=team.pk, name=name), about=[team], by=by)
    return team


@action
def create_user(
    *,
    username: str,
    name: str,
    role: str,
    password: str | None = None,
    team: Team | None = None,
    email: str = "",
    phone: str = "",
    staff_number: str = "",
    at: datetime,
    by: Actor,
) -> User:
    """A colleague or an API client. Without a password he cannot log in."""
    require(by, "accounts.manage")
    if User.objects.get_queryset().filter(username=username).exists():
        raise Refused(_("This log-in name is taken."), field="username")
    user = User(
        username=username,
        name=name,
        pinyin="".join(lazy_pinyin(name, style=Style.FIRST_LETTER)),
        role=role,
        team=team,
        email=email,
        phone=phone,
        staff_number=staff_number,
    )
    user.set_password(password)
    user.save()
    record(UserCreated(at=at, user_id=user.pk, name=name, role=role), about=[user, team], by=by)
    return user


def notify(
    users: Iterable[User],
    text: str,
    *,
    url: str = "",
    urgent: bool = False,
    dedup_key: str,
    at: datetime,
) -> None:
    """Tell colleagues inside the application; once per person and key."""
    Notification.objects.bulk_create(
        [
            Notification(
                user=user, text=text[:300], url=url, urgent=urgent, created_at=at,
                dedup_key=f"{dedup_key}:{user.pk}",
            )
            for user in users
        ],
        ignore_conflicts=True,
    )  # fmt: skip
