"""Log-in, log-out, password and second factor, by allauth.

Only what we use: nobody signs up here, and there is no way in by e-mail.
"""

from __future__ import annotations

from allauth.account import views
from django.urls import include, path

# /log-in/
urlpatterns = [
    path("", views.login, name="account_login"),
    path("out/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("again/", views.reauthenticate, name="account_reauthenticate"),
    path("password/", views.password_change, name="account_change_password"),
    path("second-factor/", include("allauth.mfa.urls")),
]
