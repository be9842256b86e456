"""People: the list, one person, and what an administrator may do with an account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import actions, queries
from accounts.adapters import fresh_log_in
from accounts.forms import NewUserForm, PeopleFilter, SetPasswordForm, TokenForm, UserForm
from accounts.models import User
from accounts.roles import Role
from servicedesk.core.actions import require
from servicedesk.core.forms import ActionForm, DeskForm
from servicedesk.core.history import changes
from servicedesk.core.http import DeskRequest, perform
from servicedesk.core.keyset import keyset_page
from servicedesk.core.timeline import timeline

MANAGE = "accounts.manage"


@require_GET
def people(request: DeskRequest) -> HttpResponse:
    require(request.actor, MANAGE)
    # Those who work here now, unless asked otherwise.
    asked = request.GET if "active" in request.GET else {**request.GET.dict(), "active": "yes"}
    filters = PeopleFilter(asked)
    if filters.is_valid():
        data = filters.cleaned_data
        found = queries.people(request.actor, data["q"], data["role"], data["team"], data["active"])
    else:
        found = User.objects.get_queryset().none()
    context = {
        "page": keyset_page(found, request.GET, "pinyin", "id"),
        "filters": filters,
        "active_filters": sum(bool(request.GET.get(name)) for name in ("q", "role", "team")),
        "sections": sections("people"),
    }
    fragment = request.htmx and not request.htmx.boosted
    template = "accounts/_people.html" if fragment else "accounts/people.html"
    return render(request, template, context)


def sections(here: str) -> list[tuple[str, str, bool]]:
    """The tabs of the administration of people and access."""
    return [
        (_("People"), reverse("accounts:users"), here == "people"),
        (_("Teams"), reverse("accounts:teams"), here == "teams"),
        (_("API tokens"), reverse("accounts:tokens"), here == "tokens"),
    ]


@require_GET
def find(request: DeskRequest) -> JsonResponse:
    """The answer to a remote select: active colleagues."""
    text = request.GET.get("q", "").replace("\0", "")[:60]
    found = queries.people(request.actor, text, active="yes").exclude(role=Role.CLIENT)[:20]
    return JsonResponse(
        {
            "results": [
                {"uid": user.uid, "label": user.name, "detail": _detail(user)} for user in found
            ]
        }
    )


def _detail(user: User) -> str:
    return " · ".join(str(part) for part in (user.get_role_display(), user.team) if part)


@require_GET
def detail(request: DeskRequest, uid: UUID) -> HttpResponse:
    """A colleague's card; to an administrator also the account behind it."""
    return _show(request, _person(request, uid))


@require_http_methods(["GET", "POST"])
@fresh_log_in
def create(request: DeskRequest) -> HttpResponse:
    require(request.actor, MANAGE)
    form = NewUserForm(request.POST or None, initial={"language": "zh-hans"})
    if request.method == "POST":
        user = perform(request, form, actions.create_user)
        if user is not None:
            if user.role != Role.CLIENT and not user.has_usable_password():
                messages.warning(
                    request,
                    _("%(name)s cannot log in yet: set a password first.") % {"name": user.name},
                )
            return redirect(user)
    context = {"form": form, "title": _("New account"), "cancel": reverse("accounts:users")}
    return render(request, "accounts/form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@fresh_log_in
def edit(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, MANAGE)
    user = _person(request, uid)
    initial = {name: getattr(user, name) for name in UserForm.base_fields}
    form = UserForm(request.POST or None, initial=initial)
    if request.method == "POST" and perform(request, form, actions.edit_user, user) is not None:
        return redirect(user)
    context = {"form": form, "title": user.name, "cancel": user.get_absolute_url()}
    return render(request, "accounts/form.html", context, status=422 if form.errors else 200)


FORMS: dict[str, type[DeskForm]] = {
    "set-password": SetPasswordForm,
    "reset-second-factor": DeskForm,
    "deactivate": DeskForm,
    "reactivate": DeskForm,
}
_ACTIONS: dict[str, Callable[..., User]] = {
    "set-password": actions.set_password,
    "reset-second-factor": actions.reset_second_factor,
    "deactivate": actions.deactivate,
    "reactivate": actions.reactivate,
}


@require_POST
@fresh_log_in
def act(request: DeskRequest, uid: UUID, verb: str) -> HttpResponse:
    require(request.actor, MANAGE)
    user = _person(request, uid)
    form = FORMS[verb](request.POST)
    if perform(request, form, _ACTIONS[verb], user) is None:
        return _show(request, user, refused={verb: form}, status=422)
    return redirect(user)


@require_POST
@fresh_log_in
def create_token(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, MANAGE)
    user = _person(request, uid)
    form = TokenForm(request.POST)
    made = perform(request, form, actions.create_token, user)
    if made is None:
        return _show(request, user, refused={"create-token": form}, status=422)
    token, text = made
    # Drawn at once, not after a redirect: on the way it would have to be kept somewhere.
    response = render(
        request, "accounts/token_created.html", {"token": token, "text": text, "person": user}
    )
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def end_session(request: DeskRequest, uid: UUID, handle: str) -> HttpResponse:
    user = _person(request, uid)
    session = queries.session_by_handle(user, handle, timezone.now())
    if session is not None:
        actions.end_session(user, session=session, at=timezone.now(), by=request.actor)
    return redirect(user if user.pk != request.actor.id else "accounts:profile")


def _person(request: DeskRequest, uid: UUID) -> User:
    found = User.objects.visible_to(request.actor).select_related("team")
    return get_object_or_404(found, uid=uid)


def _show(
    request: DeskRequest, user: User, refused: dict[str, DeskForm] | None = None, status: int = 200
) -> HttpResponse:
    manages = request.actor.may(MANAGE)
    context: dict[str, Any] = {"person": user, "manages": manages, "back": "", "sessions": []}
    if manages:
        context |= {
            "back": reverse("accounts:users"),
            "actions": _buttons(request, user, refused or {}),
            "lines": timeline(user),
            "changes": changes(user),
            "tokens": queries.tokens_of(user) if user.role == Role.CLIENT else None,
            "now": timezone.now(),
        }
    if request.actor.may("accounts.see_sessions_of_all"):
        context["sessions"] = queries.sessions_of(user, timezone.now())
    return render(request, "accounts/person.html", context, status=status)


def _buttons(request: DeskRequest, user: User, refused: dict[str, DeskForm]) -> list[ActionForm]:
    """What an administrator may do with this account now."""

    def url(verb: str) -> str:
        return reverse(f"accounts:{verb.replace('-', '_')}", args=[user.uid])

    client, own = user.role == Role.CLIENT, user.pk == request.actor.id
    buttons = []
    if client and user.is_active:
        form = refused.get("create-token") or TokenForm()
        buttons.append(
            ActionForm("create-token", _("New API token"), url("create-token"), form, "key", "primary")
        )  # fmt: skip
    if not client and not own and user.is_active:
        form = refused.get("set-password") or SetPasswordForm()
        buttons.append(
            ActionForm(
                "set-password", _("Set a new password"), url("set-password"), form, "key",
                intro=_("All sessions of the person end. Hand the password over in person."),
            )
        )  # fmt: skip
    if not client and not own and queries.has_second_factor(user):
        buttons.append(
            ActionForm(
                "reset-second-factor", _("Remove the second factor"), url("reset-second-factor"),
                refused.get("reset-second-factor"), "shield-off",
                confirm=_(
                    "Only if both the telephone and the recovery codes are lost and you are sure who "
                    "is asking. All sessions of the person end; at the next log-in the password "
                    "is enough."
                ),
            )
        )  # fmt: skip
    if not own and user.is_active:
        buttons.append(
            ActionForm(
                "deactivate", _("Deactivate"), url("deactivate"), refused.get("deactivate"),
                "user-off", "danger",
                confirm=_("The person is logged out at once and cannot come back. Nothing is deleted."),
            )
        )  # fmt: skip
    if not user.is_active:
        buttons.append(
            ActionForm(
                "reactivate", _("Reactivate"), url("reactivate"), refused.get("reactivate"),
                "user-check", "primary",
            )
        )  # fmt: skip
    return buttons
