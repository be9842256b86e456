"""The own account: data, language, sessions, second factor."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import actions, queries
from accounts.forms import OwnDataForm
from accounts.models import User
from servicedesk.core.http import DeskRequest, perform


@require_http_methods(["GET", "POST"])
def profile(request: DeskRequest) -> HttpResponse:
    user = User.objects.select_related("team").get(pk=request.actor.id or 0)
    initial = {name: getattr(user, name) for name in OwnDataForm.base_fields}
    form = OwnDataForm(request.POST or None, initial=initial)
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
    context = {
        "person": user,
        "form": form,
        "sessions": queries.sessions_of(user, timezone.now()),
        "this_session": request.session.session_key,
        "second_factor": queries.has_second_factor(user),
    }
    return render(request, "accounts/profile.html", context, status=422 if form.errors else 200)
