"""Settings of the tests: the real parts, only cheaper passwords and no network."""

from __future__ import annotations

import tempfile
from pathlib import Path

from servicedesk.settings import *  # noqa: F403

DEBUG = False
_scratch = Path(tempfile.mkdtemp(prefix="servicedesk-tests-"))
MEDIA_ROOT = _scratch / "media"
SEAL_KEY_DIR = _scratch / "seal"
ALLOWED_HOSTS = ["*"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# Argon2 costs 50 ms a log-in; its use is proven by a test that reads the production settings.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
PIN_ROUNDS = 1_000
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "documents": {"BACKEND": "servicedesk.core.vault.OnceOnDisk"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
TICKER_ENABLED = False
# Its own tests demand it.
MFA_REQUIRED_ROLES = []
TEMPLATES[0]["DIRS"].append(BASE_DIR / "tests" / "templates")  # type: ignore[attr-defined]  # noqa: F405
