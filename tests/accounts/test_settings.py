"""What the tests replace must be right in production."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from django.conf import settings

PROGRAM = """
import json, django
django.setup()
from django.conf import settings
from django.contrib.auth.hashers import make_password
names = ["DEBUG", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE",
         "SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT",
         "SECURE_HSTS_SECONDS", "X_FRAME_OPTIONS", "AXES_FAILURE_LIMIT", "SESSION_COOKIE_AGE",
         "SESSION_IDLE_AGE", "MFA_REQUIRED_ROLES", "LOGIN_FAILURES_OF_ADDRESS"]
found = {name: getattr(settings, name) for name in names}
found["axes"] = getattr(settings, "AXES_ENABLED", True)
found["hash"] = make_password("a sentence is a good password")
print(json.dumps(found))
"""


def production(**environment: str) -> dict:
    keep = {name: os.environ[name] for name in ("PATH", "DATABASE_URL", "REDIS_URL")}
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=settings.BASE_DIR,
        env=keep
        | {
            "DJANGO_SETTINGS_MODULE": "servicedesk.settings",
            "SECRET_KEY": "s" * 60,
            "BASE_URL": "https://desk.example.com",
        }
        | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout.splitlines()[-1])


def test_production_hashes_with_argon2_and_guards_its_cookies():
    found = production()

    assert found.pop("hash").startswith("argon2$argon2id$")
    assert found == {
        "DEBUG": False,
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_NAME": "__Host-sid",
        "CSRF_COOKIE_NAME": "__Host-csrf",
        "CSRF_COOKIE_SECURE": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "X_FRAME_OPTIONS": "DENY",
        "AXES_FAILURE_LIMIT": 5,
        "SESSION_COOKIE_AGE": 12 * 3600,
        "SESSION_IDLE_AGE": 2 * 3600,
        "MFA_REQUIRED_ROLES": ["administrator", "manager", "helpdesk"],
        "LOGIN_FAILURES_OF_ADDRESS": 20,
        "axes": True,
    }


def test_where_the_product_is_tried_out_nobody_needs_a_telephone():
    assert production(DEBUG="true", BASE_URL="http://localhost:8000")["MFA_REQUIRED_ROLES"] == []


def test_the_roles_that_need_a_second_factor_are_the_houses_choice():
    assert production(MFA_REQUIRED_ROLES="manager")["MFA_REQUIRED_ROLES"] == ["manager"]
    assert production(MFA_REQUIRED_ROLES="")["MFA_REQUIRED_ROLES"] == []
