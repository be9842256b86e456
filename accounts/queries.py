"""Who is who, who is told, and what is told to whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Notification, Team, Token, User, UserQuerySet
from accounts.roles import Role
from servicedesk.core.actors import Actor
from servicedesk.core.models import token_hash


def has_second_factor(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def supervisors_of(user: User | None) -> list[User]:
    """Who answers for a person's work: the leader of the team, else all dispatchers.

    Never empty while the house has a dispatcher or a manager, and never the person alone.
    """
    return recipients([user.pk if user else None]).supervisors(user.pk if user else None)


@dataclass(frozen=True, slots=True)
class Recipients:
    """The people of a batch of records, by their owners' primary keys."""

    _owners: dict[int, User]
    _dispatchers: list[User]
    managers: list[User]
    on_duty: list[User]

    def owner(self, owner_id: int | None) -> list[User]:
        """The owner, if still here; for the work of somebody who left, the supervisors."""
        person = self._owners.get(owner_id) if owner_id else None
        if person is None or not person.is_active:
            return self.supervisors(owner_id)
        return [person]

    def supervisors(self, owner_id: int | None) -> list[User]:
        person = self._owners.get(owner_id) if owner_id else None
        leader = person.team.leader if person and person.team else None
        if leader is not None and leader.is_active and leader.pk != owner_id:
            return [leader]
        return [d for d in self._dispatchers if d.pk != owner_id] or self.managers


def recipients(owner_ids: Iterable[int | None], *, at: datetime | None = None) -> Recipients:
    """For a whole batch in two queries, however many owners there are.

    at: when those on duty are asked for; without it there are none.
    """
    wanted = {pk for pk in owner_ids if pk is not None}
    owners = User.objects.get_queryset().filter(pk__in=wanted).select_related("team__leader")
    asked = Q(role__in=[Role.DISPATCHER, Role.MANAGER])
    if at is not None:
        asked |= Q(on_duty_until__gt=at)
    staff = list(User.objects.staff().filter(asked))
    return Recipients(
        {user.pk: user for user in owners},
        [user for user in staff if user.role == Role.DISPATCHER],
        [user for user in staff if user.role == Role.MANAGER],
        [user for user in staff if at and user.on_duty_until and user.on_duty_until > at],
    )


# --- Administration ----------------------------------------------------------------------------


def people(
    actor: Actor, text: str = "", role: str = "", team: Team | None = None, active: str = ""
) -> UserQuerySet:
    """Every word of `text` stands in the name, its pinyin, the log-in name, phone or number."""
    found = User.objects.visible_to(actor).select_related("team")
    for word in text.lower().split():
        found = found.filter(
            Q(name__icontains=word)
            | Q(pinyin__contains=word)
            | Q(username__contains=word)
            | Q(phone__contains=word)
            | Q(staff_number__icontains=word)
        )
    if role:
        found = found.filter(role=role)
    if team:
        found = found.filter(team=team)
    if active:
        found = found.filter(is_active=active == "yes")
    return found


def teams() -> list[Team]:
    """With `member_count`, active members only."""
    return list(
        Team.objects.select_related("leader").annotate(
            member_count=Count("members", filter=Q(members__is_active=True))
        )
    )


def tokens_of(user: User) -> list[Token]:
    return list(user.tokens.all())


def token_named(prefix: str) -> Token | None:
    return Token.objects.select_related("user__team").filter(prefix=prefix).first()


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as its owner may see it: the key itself is a secret, so pages use `handle`."""

    session: UserSession
    handle: str
    device: str


def sessions_of(user: User, at: datetime) -> list[OpenSession]:
    """The living sessions, the last used one first."""
    alive = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=at)
    found = UserSession.objects.filter(Exists(alive), user=user).order_by("-last_seen_at")
    return [
        OpenSession(row, token_hash(row.session_key)[:16], device_of(row.user_agent))
        for row in found
    ]


def session_by_handle(user: User, handle: str, at: datetime) -> UserSession | None:
    found = [row.session for row in sessions_of(user, at) if row.handle == handle]
    return found[0] if found else None


# The first that the browser's own description contains; most of them claim to be several.
_BROWSERS = {
    "MicroMessenger": _("WeChat"), "Edg": "Edge", "Firefox": "Firefox", "Chrome": "Chrome",
    "Safari": "Safari",
}  # fmt: skip
_SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "HarmonyOS": "HarmonyOS",
    "Windows": "Windows", "Macintosh": "macOS", "Linux": "Linux",
}  # fmt: skip


def device_of(user_agent: str) -> str:
    """“Chrome · Windows”, to tell one's own devices apart."""
    browser = next((name for sign, name in _BROWSERS.items() if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS.items() if sign in user_agent), "")
    return " · ".join(str(part) for part in (browser, system) if part) or str(_("Unknown device"))


def unread_count(actor: Actor) -> int:
    return Notification.objects.visible_to(actor).unread().count()
