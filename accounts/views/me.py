"""The own account: data, language, quiet hours, duty, sessions, second factor."""

from __future__ import annotations

from typing import Any

from allauth.account import views as allauth_views
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import actions, queries
from accounts.forms import DutyForm, OwnDataForm, PhotoForm, QuietHoursForm, SetPinForm
from accounts.models import User
from servicedesk.core import phone
from servicedesk.core.forms import DeskForm
from servicedesk.core.http import DeskRequest, perform


@login_not_required
def log_out(request: DeskRequest) -> HttpResponse:
    """Refused once over work that this phone still holds; its script, where it runs, has looked itself."""
    asked = request.method == "POST" and "checked" not in request.POST
    # Who gives up between the password and the second factor is nobody yet.
    if asked and request.user.is_authenticated:
        agent = request.headers.get("User-Agent", "")
        if phone.unsent_at(request.actor.id, agent):
            return render(request, "account/logout.html", {"redirect_field": ""}, status=409)
    response: HttpResponse = allauth_views.logout(request)
    return response


@require_http_methods(["GET", "POST"])
def profile(request: DeskRequest) -> HttpResponse:
    user = _me(request)
    form = OwnDataForm(request.POST or None, initial=_values(user, OwnDataForm))
    if request.method == "POST" and perform(request, form, actions.edit_own, user) is not None:
        with translation.override(user.language):
            messages.success(request, _("Saved."))
        response = redirect("accounts:profile")
        # The browser may have been told another language from the menu; the newer word counts.
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, user.language, samesite="Lax",
            secure=settings.HTTPS, httponly=True,
        )  # fmt: skip
        return response
    return _show(request, user, form=form)


@require_http_methods(["GET", "POST"])
def quiet_hours(request: DeskRequest) -> HttpResponse:
    """When warnings by e-mail wait."""
    user = _me(request)
    if request.method == "GET":
        return redirect("accounts:profile")
    form = QuietHoursForm(request.POST)
    if perform(request, form, actions.set_quiet_hours, user) is None:
        return _show(request, user, quiet_form=form)
    messages.success(request, _("Saved."))
    return redirect("accounts:profile")


@require_http_methods(["GET", "POST"])
def duty(request: DeskRequest) -> HttpResponse:
    """“I am on duty”, from now until a time of the clock."""
    user = _me(request)
    if request.method == "GET":
        return redirect("accounts:profile")
    form = DutyForm(request.POST)
    if perform(request, form, actions.go_on_duty, user) is None:
        return _show(request, user, duty_form=form)
    messages.success(request, _("You are on duty."))
    return redirect("accounts:profile")


@require_POST
def end_duty(request: DeskRequest) -> HttpResponse:
    actions.end_duty(_me(request), at=timezone.now(), by=request.actor)
    return redirect("accounts:profile")


@require_http_methods(["GET", "POST"])
def pin(request: DeskRequest) -> HttpResponse:
    """By which one gets the phone back that a customer signs on."""
    user = _me(request)
    if request.method == "GET":
        return redirect("accounts:profile")
    form = SetPinForm(request.POST)
    if perform(request, form, actions.set_pin, user) is None:
        return _show(request, user, pin_form=form)
    messages.success(request, _("Saved."))
    return redirect("accounts:profile")


@require_http_methods(["GET", "POST"])
def photo(request: DeskRequest) -> HttpResponse:
    """The portrait on the badge; `remove` takes it away."""
    user = _me(request)
    if request.method == "GET":
        return redirect("accounts:profile")
    if "remove" in request.POST:
        actions.set_photo(user, photo=None, at=timezone.now(), by=request.actor)
        return redirect("accounts:profile")
    form = PhotoForm(request.POST, request.FILES)
    if perform(request, form, actions.set_photo, user) is None:
        return _show(request, user, photo_form=form)
    messages.success(request, _("Saved."))
    return redirect("accounts:profile")


def _me(request: DeskRequest) -> User:
    return User.objects.get_queryset().select_related("team").get(pk=request.actor.id or 0)


def _values(user: User, form: type[DeskForm]) -> dict[str, Any]:
    return {name: getattr(user, name) for name in form.base_fields}


def _show(
    request: DeskRequest,
    user: User,
    *,
    form: DeskForm | None = None,
    quiet_form: DeskForm | None = None,
    duty_form: DeskForm | None = None,
    pin_form: DeskForm | None = None,
    photo_form: DeskForm | None = None,
) -> HttpResponse:
    now = timezone.now()
    forms = (form, quiet_form, duty_form, pin_form, photo_form)
    shown = [one for one in forms if one is not None]
    context = {
        "person": user,
        "form": form or OwnDataForm(initial=_values(user, OwnDataForm)),
        "quiet_form": quiet_form or QuietHoursForm(initial=_values(user, QuietHoursForm)),
        "duty_form": duty_form or DutyForm(),
        "pin_form": pin_form or SetPinForm(),
        "photo_form": photo_form or PhotoForm(),
        "hands_over": request.actor.may("documents.ask_customer"),
        "photo": user.photo,
        "may_be_on_duty": request.actor.may("sla.acknowledge"),
        "on_duty": user.on_duty(now),
        "sessions": queries.sessions_of(user, now),
        "this_session": request.session.session_key,
        "second_factor": queries.has_second_factor(user),
    }
    status = 422 if any(one.errors for one in shown) else 200
    return render(request, "accounts/profile.html", context, status=status)
