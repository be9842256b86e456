from __future__ import annotations

from allauth.account import views as allauth_views
from django.urls import URLPattern, URLResolver, include, path

from accounts.views import me, notifications, people, teams, tokens

app_name = "accounts"

# /log-in/, by allauth, under its own names. Only what we use: nobody signs up here, and there
# is no way in by e-mail.
log_in_patterns: list[URLPattern | URLResolver] = [
    path("", allauth_views.login, name="account_login"),
    path("out/", me.log_out, name="account_logout"),
    path("inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("again/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path("password/", allauth_views.password_change, name="account_change_password"),
    path("second-factor/", include("allauth.mfa.urls")),
]

# /accounts/
urlpatterns: list[URLPattern | URLResolver] = [
    path("me/", me.profile, name="profile"),
    path("me/quiet-hours/", me.quiet_hours, name="quiet_hours"),
    path("me/duty/", me.duty, name="duty"),
    path("me/duty/end/", me.end_duty, name="end_duty"),
    path("me/pin/", me.pin, name="pin"),
    path("me/photo/", me.photo, name="photo"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/badge/", notifications.badge, name="notification_badge"),
    path("notifications/read/", notifications.read_all, name="read_all_notifications"),
    path("notifications/<uuid:uid>/read/", notifications.read, name="read_notification"),
    path("people/", people.people, name="users"),
    path("people/find/", people.find, name="find"),
    path("people/new/", people.create, name="create_user"),
    path("people/<uuid:uid>/", people.detail, name="user"),
    path("people/<uuid:uid>/edit/", people.edit, name="edit_user"),
    path(
        "people/<uuid:uid>/set-password/", people.act, {"verb": "set-password"}, name="set_password"
    ),
    path(
        "people/<uuid:uid>/reset-second-factor/",
        people.act,
        {"verb": "reset-second-factor"},
        name="reset_second_factor",
    ),
    path("people/<uuid:uid>/deactivate/", people.act, {"verb": "deactivate"}, name="deactivate"),
    path("people/<uuid:uid>/reactivate/", people.act, {"verb": "reactivate"}, name="reactivate"),
    path("people/<uuid:uid>/tokens/", people.create_token, name="create_token"),
    path("people/<uuid:uid>/sessions/<str:handle>/end/", people.end_session, name="end_session"),
    path("people/teams/", teams.teams, name="teams"),
    path("people/teams/new/", teams.create, name="create_team"),
    path("people/teams/<uuid:uid>/", teams.edit, name="edit_team"),
    path("people/tokens/", tokens.tokens, name="tokens"),
    path("people/tokens/<uuid:uid>/revoke/", tokens.revoke, name="revoke_token"),
]
