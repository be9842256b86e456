"""The forms of the administration, of the own account, and allauth's forms in our words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from allauth.account import forms as allauth_forms
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.totp import forms as totp_forms
from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import actions
from accounts.models import Team, User
from accounts.roles import Role
from servicedesk.core.actors import Actor
from servicedesk.core.forms import DeskForm, PhoneInput, TimeInput, UidChoiceField

_STAFF_ROLES = [choice for choice in Role.choices if choice[0] != Role.CLIENT]


class NewPasswordField(forms.CharField):
    """Any length from twelve on, spaces too, pasted from a password manager or typed."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", _("At least 12 characters; a sentence is a good password."))
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
        super().__init__(strip=False, max_length=200, widget=widget, **kwargs)


# --- People ----------------------------------------------------------------------------------


class PeopleFilter(DeskForm):
    q = forms.CharField(
        label=_("Name, pinyin, telephone or number"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        label=_("Role"), required=False, choices=[("", _("All roles")), *Role.choices]
    )
    team = UidChoiceField(None, label=_("Team"), required=False, empty_label=_("All teams"))
    active = forms.ChoiceField(
        label=_("Account"),
        required=False,
        choices=[("yes", _("Active")), ("no", _("Deactivated")), ("", _("All"))],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = Team.objects.all()  # type: ignore[attr-defined]


class UserForm(DeskForm):
    """What an administrator keeps about a person."""

    spans: ClassVar[dict[str, int]] = {
        "name": 6, "staff_number": 6, "role": 6, "team": 6, "phone": 6, "email": 6, "language": 6,
    }  # fmt: skip

    name = forms.CharField(label=_("Full name"), max_length=60)
    staff_number = forms.CharField(
        label=_("Staff number"),
        required=False,
        max_length=20,
        help_text=_("Printed on the badge that customers check."),
    )
    role = forms.ChoiceField(label=_("Role"), choices=_STAFF_ROLES)
    team = UidChoiceField(None, label=_("Team"), required=False, empty_label=_("No team"))
    phone = forms.CharField(label=_("Telephone"), required=False, max_length=30, widget=PhoneInput)
    email = forms.EmailField(label=_("E-mail"), required=False, max_length=254)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    def clean_staff_number(self) -> str:
        number: str = self.cleaned_data["staff_number"]
        if any(char.isspace() for char in number):
            raise forms.ValidationError(_("A staff number has no spaces."))
        return number

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = Team.objects.all()  # type: ignore[attr-defined]
        if self.initial.get("role") == Role.CLIENT:
            self.fields["role"].choices = [  # type: ignore[attr-defined]
                (Role.CLIENT.value, Role.CLIENT.label)
            ]


class NewUserForm(UserForm):
    spans: ClassVar[dict[str, int]] = UserForm.spans | {"username": 6, "password": 6}

    username = forms.CharField(
        label=_("Log-in name"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    password = NewPasswordField(
        label=_("First password"),
        required=False,
        help_text=_(
            "At least 12 characters. A person without a password cannot log in. "
            "API clients have none; they work with tokens."
        ),
    )

    field_order = ["name", "username", "role", "team", "password"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [("", _("Choose …")), *Role.choices]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """What the action would refuse one after the other is said in one answer."""
        data: dict[str, Any] = super().clean() or {}
        names = ("name", "role", "phone", "email")
        user = User(
            username=User.plain_username(data.get("username", "")),
            **{name: data[name] for name in names if name in data},
        )
        for fault in actions.faults_of_new(user, data.get("password")):
            if fault.field not in self.errors:
                self.add_error(fault.field, str(fault.message))
        if data.get("password") and self.errors and "password" not in self.errors:
            # It is not sent back; left empty now, the account would have no password at all.
            self.add_error("password", _("Please enter the password once more."))
        return data


class SetPasswordForm(DeskForm):
    password = NewPasswordField(label=_("New password"))


class TokenForm(DeskForm):
    name = forms.CharField(
        label=_("What it is for"), max_length=60, help_text=_("For example: CRM, telephone system")
    )
    lifetime = forms.TypedChoiceField(
        label=_("Valid for"),
        coerce=int,
        choices=[(30, _("30 days")), (90, _("90 days")), (180, _("180 days")), (365, _("1 year"))],
        initial=90,
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if (days := data.pop("lifetime", None)) is not None:
            data["at"] = timezone.now()
            data["expires_at"] = data["at"] + timedelta(days=days)
        return data


class TeamForm(DeskForm):
    name = forms.CharField(label=_("Name"), max_length=60)
    leader = UidChoiceField(
        None,
        label=_("Leader"),
        required=False,
        empty_label=_("Nobody: the dispatchers answer for the team"),
        help_text=_("Is told first when one of the team's deadlines is missed."),
    )

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        colleagues = User.objects.visible_to(by).staff()
        self.fields["leader"].queryset = colleagues  # type: ignore[attr-defined]


class OwnDataForm(DeskForm):
    spans: ClassVar[dict[str, int]] = {"phone": 6, "email": 6}

    phone = forms.CharField(label=_("Telephone"), required=False, max_length=30, widget=PhoneInput)
    email = forms.EmailField(label=_("E-mail"), required=False, max_length=254)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)


class SetPinForm(DeskForm):
    """For the hand-over of one's phone to a customer."""

    pin = forms.CharField(
        label=_("New PIN"),
        max_length=6,
        help_text=_("Four to six digits."),
        widget=forms.PasswordInput({"inputmode": "numeric", "autocomplete": "off"}),
    )
    again = forms.CharField(
        label=_("The PIN once more"),
        max_length=6,
        widget=forms.PasswordInput({"inputmode": "numeric", "autocomplete": "off"}),
    )
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.pop("again", None) != data.get("pin") and not self.errors:
            self.add_error("again", _("The two PINs differ."))
        return data


class PhotoForm(DeskForm):
    photo = forms.FileField(
        label=_("Picture"),
        help_text=_("JPEG, PNG or WebP; the middle is cut out as a square."),
        widget=forms.FileInput({"accept": "image/jpeg,image/png,image/webp"}),
    )


class QuietHoursForm(DeskForm):
    spans: ClassVar[dict[str, int]] = {"quiet_from": 6, "quiet_until": 6}

    quiet_from = forms.TimeField(label=_("From"), required=False, widget=TimeInput)
    quiet_until = forms.TimeField(label=_("Until"), required=False, widget=TimeInput)


class DutyForm(DeskForm):
    """A time of day: the next one that the clock shows."""

    until = forms.TimeField(
        label=_("Until"), widget=TimeInput, help_text=_("The next time the clock shows this.")
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if (clock := data.get("until")) is not None:
            data["at"] = timezone.now()
            here = timezone.localtime(data["at"])
            until = datetime.combine(here.date(), clock, here.tzinfo)
            data["until"] = until if until > here else until + timedelta(days=1)
        return data


# --- allauth: the same fields, labelled once, without placeholders -----------------------------


class LogInForm(allauth_forms.LoginForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("Log-in name")
        _plain(self)

    def clean_login(self) -> str:
        return User.plain_username(self.cleaned_data["login"])


class ReauthenticateForm(allauth_forms.ReauthenticateForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self)


class ChangePasswordForm(allauth_forms.ChangePasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = _("Present password")
        self.fields["password1"].label = _("New password")
        self.fields["password1"].help_text = _(
            "At least 12 characters; a sentence is a good password."
        )
        self.fields["password2"].label = _("New password once more")
        _plain(self)


class AuthenticateForm(mfa_forms.AuthenticateForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain_code(self)


class ReauthenticateByCodeForm(mfa_forms.ReauthenticateForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain_code(self)


class ActivateTOTPForm(totp_forms.ActivateTOTPForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain_code(self)
        # The code to scan stands above; a focus would scroll past it.
        del self.fields["code"].widget.attrs["autofocus"]


def _plain(form: forms.Form) -> None:
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)


def _plain_code(form: forms.Form) -> None:
    _plain(form)
    form.fields["code"].label = _("Verification code")
    form.fields["code"].widget.attrs["autofocus"] = True
