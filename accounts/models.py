"""People of the house, their teams, their API tokens, and what they are told."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.hashers import (
    PBKDF2PasswordHasher,
    check_password,
    make_password,
)
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.roles import Role, permissions_of
from servicedesk.core.actors import Actor
from servicedesk.core.fields import Named, Record, uuid7
from servicedesk.core.files import files_of
from servicedesk.core.history import tracked
from servicedesk.core.models import Attachment

# What an attached picture is for, if it is the person's portrait.
PHOTO = "photo"

plain_characters = RegexValidator(r"^[\w.@+-]+$", _("Letters, digits and @ . + - _ only."))


class PinHasher(PBKDF2PasswordHasher):
    """Of the PIN that ends a hand-over: the one slow hash that every browser can compute, too."""

    iterations = settings.PIN_ROUNDS

    def made(self, pin: str) -> str:
        return self.encode(pin, self.salt())


class Team(Record):
    name = models.CharField(_("name"), max_length=60, unique=True)
    leader = models.ForeignKey(
        "accounts.User", models.SET_NULL, null=True, blank=True, related_name="leads",
        verbose_name=_("leader"),
    )  # fmt: skip

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, actor: Actor) -> UserQuerySet:
        """Colleagues know each other; a customer knows none of them."""
        return self if actor.kind in {"user", "client", "system"} else self.none()

    def staff(self) -> UserQuerySet:
        """People who work here now: no API clients, nobody who left."""
        return self.filter(is_active=True).exclude(role=Role.CLIENT)

    def able_to(self, permission: str) -> UserQuerySet:
        """Active colleagues whose role holds the permission."""
        return self.staff().filter(role__in=[r for r in Role if permission in permissions_of(r)])


class UserManager(BaseUserManager["User"]):
    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def visible_to(self, actor: Actor) -> UserQuerySet:
        return self.get_queryset().visible_to(actor)

    def staff(self) -> UserQuerySet:
        return self.get_queryset().staff()

    def able_to(self, permission: str) -> UserQuerySet:
        return self.get_queryset().able_to(permission)


class User(Named, AbstractBaseUser):
    """A colleague or an API client. What he may do follows from his role alone."""

    username = models.CharField(
        _("log-in name"),
        max_length=60,
        unique=True,
        validators=[plain_characters],
    )
    name = models.CharField(_("full name"), max_length=60)
    # `core.search.spelled`: what the name is found by and sorted by.
    pinyin = models.CharField(max_length=500, blank=True, editable=False)
    role = models.CharField(_("role"), max_length=15, choices=Role)
    team = models.ForeignKey(
        Team, models.PROTECT, null=True, blank=True, related_name="members", verbose_name=_("team")
    )
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("telephone"), max_length=30, blank=True)
    # Shown on the badge page that proves an engineer's identity to the customer (VISIT-15).
    staff_number = models.CharField(_("staff number"), max_length=20, blank=True)
    language = models.CharField(
        _("language"), max_length=10, choices=settings.LANGUAGES, default="zh-hans"
    )
    is_active = models.BooleanField(_("active"), default=True)
    # Takes what is escalated to whoever is on duty, until then (`accounts.actions.go_on_duty`).
    on_duty_until = models.DateTimeField(_("on duty until"), null=True, blank=True)
    # When warnings by e-mail wait; from one to the other, past midnight, too. Both or none.
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True, default=time(22))
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True, default=time(7))
    # The hash of the PIN by which a phone that was handed over comes back (`core.handover`).
    pin = models.CharField(max_length=128, blank=True, editable=False)
    # Part of the session hash: raising it ends all sessions of the person.
    session_version = models.PositiveIntegerField(default=1, editable=False)
    last_login = None

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects: ClassVar[UserManager] = UserManager()
    history = tracked(excluded_fields=["password", "pin", "session_version", "pinyin"])

    class Meta:
        ordering = ["pinyin", "id"]
        indexes = [
            # The list of people.
            models.Index(fields=["pinyin", "id"], name="accounts_user_by_name"),
        ]
        constraints = [
            models.CheckConstraint(
                name="accounts_user_known_role", condition=Q(role__in=sorted(Role.values))
            ),
            models.CheckConstraint(
                name="accounts_user_quiet_hours",
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | (
                    Q(quiet_from__isnull=False, quiet_until__isnull=False)
                    & ~Q(quiet_from=models.F("quiet_until"))
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("accounts:user", args=[self.uid])

    @classmethod
    def plain_username(cls, username: str) -> str:
        """One spelling of each name: `Ｗang` and `wang` must not be two people."""
        return cls.normalize_username(username.strip()).lower()

    def get_full_name(self) -> str:
        return self.name

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Also asked with each of SECRET_KEY_FALLBACKS, so a new key logs nobody out."""
        own: str = super()._get_session_auth_hash(secret)  # type: ignore[misc]
        return f"{own}.{self.session_version}"

    def check_password(self, raw_password: str | None) -> bool:
        """As Django's, but the stronger hash of the same password is no change of the record.

        Django saves the whole way, and a tracked record may be saved by an action only.
        """

        def keep_stronger_hash(raw: str) -> None:
            self.password = make_password(raw)
            User.objects.get_queryset().filter(pk=self.pk).update(password=self.password)

        return check_password(raw_password, self.password, keep_stronger_hash)

    def check_pin(self, pin: str) -> bool:
        return bool(self.pin) and PinHasher().verify(pin, self.pin)

    @property
    def photo(self) -> Attachment | None:
        """The portrait on the badge (VISIT-15); the newest one, if there is any."""
        return files_of(self).filter(purpose=PHOTO).last()

    def as_actor(self) -> Actor:
        return Actor(
            kind="client" if self.role == Role.CLIENT else "user",
            id=self.pk,
            label=self.name,
            permissions=permissions_of(self.role) if self.is_active else frozenset(),
            team_id=self.team_id,
        )

    def on_duty(self, at: datetime) -> bool:
        return self.on_duty_until is not None and self.on_duty_until > at

    @property
    def needs_second_factor(self) -> bool:
        return self.role in settings.MFA_REQUIRED_ROLES

    # Django's own permission questions are answered by our table.
    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return self.as_actor().may(perm)


class TokenQuerySet(models.QuerySet["Token"]):
    def valid(self, at: datetime) -> TokenQuerySet:
        return self.filter(revoked_at__isnull=True, expires_at__gt=at)


class Token(Named):
    """An API token `sd_<8 prefix>_<43 secret>`; only the secret's SHA-256 is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    name = models.CharField(_("name"), max_length=60)
    prefix = models.CharField(max_length=8, unique=True)
    secret_sha256 = models.CharField(max_length=64)
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    # To the minute, written past the history: it changes with every use.
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    objects = TokenQuerySet.as_manager()
    history = tracked(excluded_fields=["secret_sha256", "last_used_at"])

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} (sd_{self.prefix}_…)"


class NotificationQuerySet(models.QuerySet["Notification"]):
    def visible_to(self, actor: Actor) -> NotificationQuerySet:
        if actor.id is None or actor.kind not in {"user", "client"}:
            return self.none()
        return self.filter(user_id=actor.id)

    def unread(self) -> NotificationQuerySet:
        return self.filter(read_at__isnull=True)


class Notification(models.Model):
    """One thing a colleague is told inside the application."""

    uid = models.UUIDField(default=uuid7, unique=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="notifications")
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=200, blank=True)
    urgent = models.BooleanField(default=False)
    dedup_key = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["user", "-id"],
                name="accounts_notification_unread",
                condition=Q(read_at__isnull=True),
            ),
            models.Index(fields=["user", "-id"], name="accounts_notification_all"),
        ]

    def __str__(self) -> str:
        return self.text
