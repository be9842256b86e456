"""All that can happen to accounts, teams, tokens, sessions and notifications."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from accounts.events import (
    DutyEnded,
    DutyStarted,
    PasswordChanged,
    PasswordSet,
    PhotoChanged,
    PinSet,
    RoleChanged,
    SecondFactorReset,
    SessionEnded,
    TeamChanged,
    TeamCreated,
    TokenCreated,
    TokenRevoked,
    UserChanged,
    UserCreated,
    UserDeactivated,
    UserReactivated,
)
from accounts.models import PHOTO, Notification, PinHasher, Team, Token, User, plain_characters
from accounts.roles import Role
from servicedesk.core import outbox
from servicedesk.core.actions import action, lock, require, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record
from servicedesk.core.files import drop, files_of, portrait, store
from servicedesk.core.models import token_hash
from servicedesk.core.search import spelled

LONGEST_TOKEN = timedelta(days=365)
LONGEST_DUTY = timedelta(hours=24)
_LETTERS = string.ascii_lowercase + string.digits


# --- Teams -----------------------------------------------------------------------------------


@action
def create_team(*, name: str, leader: User | None = None, at: datetime, by: Actor) -> Team:
    require(by, "accounts.manage")
    _refuse_taken_name(name)
    _refuse_leader(leader)
    team = Team.objects.create(name=name, leader=leader)
    record(TeamCreated(at=at, team_id=team.pk, name=name), about=[team], by=by)
    return team


@action
def edit_team(team: Team, *, name: str, leader: User | None, at: datetime, by: Actor) -> Team:
    lock(team)
    require(by, "accounts.manage")
    _refuse_taken_name(name, besides=team)
    _refuse_leader(leader)
    if _apply(team, name=name, leader=leader):
        record(TeamChanged(at=at, team_id=team.pk, name=name), about=[team], by=by)
    return team


def _refuse_taken_name(name: str, besides: Team | None = None) -> None:
    same = Team.objects.filter(name=name)
    if besides is not None:
        same = same.exclude(pk=besides.pk)
    if same.exists():
        raise Refused(_("There is a team of this name already."), field="name")


def _refuse_leader(leader: User | None) -> None:
    """Reminders and refusals go to the leader, so it must be somebody who reads them."""
    if leader is not None and (not leader.is_active or leader.role == Role.CLIENT):
        raise Refused(_("The leader must be an active colleague."), field="leader")


# --- People ----------------------------------------------------------------------------------


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
    language: str = "zh-hans",
    at: datetime,
    by: Actor,
) -> User:
    """A colleague or an API client. Without a password nobody can log in to the account."""
    require(by, "accounts.manage")
    user = User(
        username=User.plain_username(username),
        name=name,
        pinyin=spelled(name),
        role=role,
        team=team,
        email=email,
        phone=phone,
        staff_number=staff_number,
        language=language,
    )
    for fault in faults_of_new(user, password):
        raise fault
    user.set_password(password or None)
    user.save()
    record(UserCreated(at=at, user_id=user.pk, name=name, role=role), about=[user, team], by=by)
    return user


def faults_of_new(user: User, password: str | None) -> Iterator[Refused]:
    """All that is wrong with an account to be made: the form names each, the action the first."""
    try:
        plain_characters(user.username)
    except ValidationError as wrong:
        yield Refused(str(wrong.message), field="username")
    if User.objects.get_queryset().filter(username=user.username).exists():
        yield Refused(_("This log-in name is taken."), field="username")
    if password and user.role == Role.CLIENT:
        yield Refused(_("An API client works with tokens, not with a password."), field="password")
    elif password and (found := weaknesses(password, user)):
        yield Refused(" ".join(found), field="password")


@action
def edit_user(
    user: User,
    *,
    name: str,
    role: str,
    team: Team | None,
    email: str,
    phone: str,
    staff_number: str,
    language: str,
    at: datetime,
    by: Actor,
) -> User:
    """A new role or team ends the person's sessions: an open page would promise the old one."""
    lock(user)
    require(by, "accounts.manage")
    old_role, old_team = user.role, user.team_id
    if role != old_role:
        if _is_self(user, by):
            raise Refused(_("You cannot change your own role."), field="role")
        if Role.CLIENT in {role, old_role}:
            raise Refused(
                _(
                    "An API client does not become a colleague, nor the reverse. Make a new account."
                ),
                field="role",
            )
    changed = _apply(
        user, name=name, pinyin=spelled(name), role=role, team=team, email=email, phone=phone,
        staff_number=staff_number, language=language,
    )  # fmt: skip
    if not changed:
        return user
    about = [user, team]
    if (user.role, user.team_id) != (old_role, old_team) and not _is_self(user, by):
        _end_sessions(user)
    if user.role != old_role:
        record(RoleChanged(at=at, user_id=user.pk, old=old_role, new=user.role), about=about, by=by)
    record(UserChanged(at=at, user_id=user.pk, fields=",".join(changed)), about=about, by=by)
    return user


@action
def edit_own(user: User, *, phone: str, email: str, language: str, at: datetime, by: Actor) -> User:
    lock(user)
    if not _is_self(user, by):
        raise PermissionDenied(f"{by.label} is not {user}")
    if changed := _apply(user, phone=phone, email=email, language=language):
        fields = ",".join(changed)
        record(UserChanged(at=at, user_id=user.pk, fields=fields), about=[user], by=by)
    return user


@action
def set_quiet_hours(
    user: User, *, quiet_from: time | None, quiet_until: time | None, at: datetime, by: Actor
) -> User:
    """When warnings by e-mail wait; from one to the other, past midnight, too. Neither: never."""
    lock(user)
    if not _is_self(user, by):
        raise PermissionDenied(f"{by.label} is not {user}")
    if (quiet_from is None) != (quiet_until is None):
        empty = "quiet_from" if quiet_from is None else "quiet_until"
        raise Refused(_("Give both times, or neither."), field=empty)
    if quiet_from is not None and quiet_from == quiet_until:
        raise Refused(_("That would be no time at all."), field="quiet_until")
    if changed := _apply(user, quiet_from=quiet_from, quiet_until=quiet_until):
        fields = ",".join(changed)
        record(UserChanged(at=at, user_id=user.pk, fields=fields), about=[user], by=by)
    return user


@action
def go_on_duty(user: User, *, until: datetime, at: datetime, by: Actor) -> User:
    """“I am on duty”: until then, what is escalated to whoever is on duty comes here."""
    lock(user)
    require(by, "sla.acknowledge")
    if not _is_self(user, by):
        raise PermissionDenied(f"{by.label} is not {user}")
    if not at < until <= at + LONGEST_DUTY:
        raise Refused(_("A duty ends in the future, and within 24 hours."), field="until")
    if _apply(user, on_duty_until=until):
        event = DutyStarted(at=at, user_id=user.pk, name=user.name, until=until.isoformat())
        record(event, about=[user], by=by)
    return user


@action
def end_duty(user: User, *, at: datetime, by: Actor) -> User:
    """Earlier than said; a duty whose time is over has ended by itself."""
    lock(user)
    if not _is_self(user, by):
        raise PermissionDenied(f"{by.label} is not {user}")
    if not user.on_duty(at):
        raise Refused(_("You are not on duty."))
    _apply(user, on_duty_until=None)
    record(DutyEnded(at=at, user_id=user.pk, name=user.name), about=[user], by=by)
    return user


@action
def set_password(user: User, *, password: str, at: datetime, by: Actor) -> User:
    """By an administrator, for somebody who has forgotten it or begins here."""
    lock(user)
    require(by, "accounts.manage")
    if _is_self(user, by):
        raise Refused(_("Change your own password under “My account”."), field="password")
    if user.role == Role.CLIENT:
        raise Refused(_("An API client works with tokens, not with a password."), field="password")
    _put_password(user, password)
    record(PasswordSet(at=at, user_id=user.pk), about=[user], by=by)
    return user


@action
def change_password(user: User, *, password: str, at: datetime, by: Actor) -> User:
    """By the person. The page has checked the present password."""
    lock(user)
    if not _is_self(user, by):
        raise PermissionDenied(f"{by.label} is not {user}")
    _put_password(user, password)
    record(PasswordChanged(at=at, user_id=user.pk), about=[user], by=by)
    return user


@action
def set_pin(user: User, *, password: str, pin: str, at: datetime, by: Actor) -> User:
    """By which the person gets a phone back that a customer signs on. It opens nothing else."""
    lock(user)
    if not _is_self(user, by):
        raise PermissionDenied(f"{by.label} is not {user}")
    if not user.check_password(password):
        raise Refused(_("This is not your password."), field="password")
    if not (4 <= len(pin) <= 6 and pin.isascii() and pin.isdigit()):
        raise Refused(_("Four to six digits, please."), field="pin")
    if len(set(pin)) == 1 or pin in "0123456789" or pin in "9876543210":
        raise Refused(_("This PIN is one of those that are tried first."), field="pin")
    user.pin = PinHasher().made(pin)
    save_changes(user, "pin")
    record(PinSet(at=at, user_id=user.pk), about=[user], by=by)
    return user


@action
def set_photo(user: User, *, photo: UploadedFile[Any] | None, at: datetime, by: Actor) -> User:
    """The portrait on the badge; None takes it away. One's own, or any by an administrator."""
    lock(user)
    if not _is_self(user, by):
        require(by, "accounts.manage")
    drop(files_of(user).filter(purpose=PHOTO))
    if photo is not None:
        try:
            store(portrait(photo), user, purpose=PHOTO, at=at, by=by)
        except Refused as refusal:
            raise Refused(refusal.message, field="photo") from refusal
    record(PhotoChanged(at=at, user_id=user.pk, removed=photo is None), about=[user], by=by)
    return user


@action
def reset_second_factor(user: User, *, at: datetime, by: Actor) -> User:
    """For somebody who has lost the telephone and the recovery codes. The password still counts."""
    lock(user)
    require(by, "accounts.manage")
    if _is_self(user, by):
        raise Refused(_("You cannot remove your own second factor here. Use “My account”."))
    found = Authenticator.objects.filter(user=user)
    if not found.exists():
        raise Refused(_("The person has no second factor."))
    found.delete()
    _end_sessions(user)
    record(SecondFactorReset(at=at, user_id=user.pk), about=[user], by=by)
    return user


@action
def deactivate(user: User, *, at: datetime, by: Actor) -> User:
    """Nobody is deleted: the journal goes on naming everybody who ever did something."""
    lock(user)
    require(by, "accounts.manage")
    if _is_self(user, by):
        raise Refused(_("You cannot deactivate your own account."))
    if not user.is_active:
        raise Refused(_("The account is not active."))
    user.is_active = False
    save_changes(user, "is_active")
    _end_sessions(user)
    outbox.withdraw_from(user.pk, _("Withdrawn: the account is not active."))
    record(UserDeactivated(at=at, user_id=user.pk), about=[user], by=by)
    return user


@action
def reactivate(user: User, *, at: datetime, by: Actor) -> User:
    lock(user)
    require(by, "accounts.manage")
    if user.is_active:
        raise Refused(_("The account is active."))
    user.is_active = True
    save_changes(user, "is_active")
    _end_sessions(user)
    record(UserReactivated(at=at, user_id=user.pk), about=[user], by=by)
    return user


def _is_self(user: User, by: Actor) -> bool:
    return by.kind in {"user", "client"} and by.id == user.pk


def _apply(obj: Any, **values: Any) -> list[str]:
    """Set and save what differs; the names of what did."""
    changed = [name for name, value in values.items() if getattr(obj, name) != value]
    for name in changed:
        setattr(obj, name, values[name])
    if changed:
        save_changes(obj, *changed)
    return changed


def weaknesses(password: str, user: User) -> list[str]:
    """What AUTH_PASSWORD_VALIDATORS find, in our words: Django's are only partly translated."""
    texts = {
        "password_too_short": _("The password needs at least %(min_length)d characters."),
        "password_too_similar": _("The password is too similar to the %(verbose_name)s."),
        "password_too_common": _("This password is one of those that are tried first."),
    }
    try:
        validate_password(password, user)
    except ValidationError as weak:
        return [texts[error.code or ""] % (error.params or {}) for error in weak.error_list]
    return []


def _refuse_weak(password: str, user: User) -> None:
    if found := weaknesses(password, user):
        raise Refused(" ".join(found), field="password")


def _put_password(user: User, password: str) -> None:
    _refuse_weak(password, user)
    user.set_password(password)
    save_changes(user, "password")
    _end_sessions(user)


# --- Sessions --------------------------------------------------------------------------------


def _end_sessions(user: User) -> None:
    """All of them. The raised version also ends those of which only the browser knows."""
    user.session_version += 1
    save_changes(user, "session_version")
    sessions = UserSession.objects.filter(user=user)
    Session.objects.filter(session_key__in=sessions.values("session_key")).delete()
    sessions.delete()


@action
def end_session(user: User, *, session: UserSession, at: datetime, by: Actor) -> User:
    if not _is_self(user, by):
        require(by, "accounts.see_sessions_of_all")
    if session.user_id != user.pk:
        raise PermissionDenied("This session is somebody else's")
    Session.objects.filter(session_key=session.session_key).delete()
    session.delete()
    record(SessionEnded(at=at, user_id=user.pk, ip=str(session.ip)), about=[user], by=by)
    return user


# --- API tokens ------------------------------------------------------------------------------


@action
def create_token(
    user: User, *, name: str, expires_at: datetime, at: datetime, by: Actor
) -> tuple[Token, str]:
    """The token and its text, which is known now and never again."""
    require(by, "accounts.manage")
    lock(user)
    if user.role != Role.CLIENT:
        raise Refused(_("Tokens belong to API clients; colleagues log in."))
    if not user.is_active:
        raise Refused(_("The account is not active."))
    if not at < expires_at <= at + LONGEST_TOKEN:
        raise Refused(_("A token is valid for one year at the most."), field="expires_at")
    prefix = "".join(secrets.choice(_LETTERS) for _number in range(8))
    secret = secrets.token_urlsafe(32)
    token = Token.objects.create(
        user=user, name=name, prefix=prefix, secret_sha256=token_hash(secret), expires_at=expires_at
    )
    record(
        TokenCreated(at=at, user_id=user.pk, name=name, prefix=prefix), about=[token, user], by=by
    )
    return token, f"sd_{prefix}_{secret}"


@action
def revoke_token(token: Token, *, at: datetime, by: Actor) -> Token:
    require(by, "accounts.manage")
    lock(token)
    if token.revoked_at is not None:
        raise Refused(_("The token was revoked already."))
    token.revoked_at = at
    save_changes(token, "revoked_at")
    record(
        TokenRevoked(at=at, user_id=token.user_id, name=token.name, prefix=token.prefix),
        about=[token, token.user],
        by=by,
    )
    return token


def note_token_use(token: Token, *, at: datetime) -> None:
    """At most one write a minute, without history: it says whether a token is still needed."""
    if token.last_used_at is None or at - token.last_used_at >= timedelta(minutes=1):
        Token.objects.filter(pk=token.pk).update(last_used_at=at)


# --- Notifications ---------------------------------------------------------------------------


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


@action
def read_notification(notification: Notification, *, at: datetime, by: Actor) -> Notification:
    """Reading twice keeps the first moment."""
    if notification.user_id != by.id:
        raise PermissionDenied("This notification is somebody else's")
    if notification.read_at is None:
        notification.read_at = at
        notification.save(update_fields=["read_at"])
    return notification


@action
def read_all_notifications(*, at: datetime, by: Actor) -> int:
    """How many were read by it."""
    return Notification.objects.visible_to(by).unread().update(read_at=at)
