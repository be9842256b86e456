"""All settings, read from the environment; `.env.example` documents every one.

A missing or wrong value stops the start with one line that names it.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import django_stubs_ext
import environ
from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

# Lets generic classes such as `forms.ModelForm[User]` be written; they are typed as such.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.FileAwareEnv()
if (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")


def _folder(name: str, default: str) -> Path:
    return (BASE_DIR / str(env.str(name, default=default))).resolve()


def _url(name: str, default: str, *schemes: str) -> str:
    value = str(env.str(name, default=default))
    if not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        raise ImproperlyConfigured(f"{name} must start with one of {', '.join(schemes)}://")
    return value


# --- Operation -----------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
if len(SECRET_KEY) < 50 and not DEBUG:
    raise ImproperlyConfigured("SECRET_KEY must have at least 50 characters in production")
BASE_URL = _url("BASE_URL", "http://localhost:8000", "http", "https").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Only a proxy that strips the header from outside may be trusted with it.
TRUSTED_PROXY = env.bool("TRUSTED_PROXY", default=False)
HTTPS = BASE_URL.startswith("https://")

# --- The house -----------------------------------------------------------------------------
COMPANY_NAME = env.str("COMPANY_NAME", default="示例软件有限公司")
SERVICE_PHONE = env.str("SERVICE_PHONE", default="400-800-1234")
# OPS-12: a resolved ticket of which nothing more is heard closes after so many days.
# What happened longer ago can no longer be reported as something new.
REPORT_WITHIN_DAYS = 366
TICKET_CLOSE_DAYS = env.int("TICKET_CLOSE_DAYS", default=3)
# In per cent: what the managers' pages hold the attainment against.
SERVICE_TARGETS = {
    "response": env.int("SERVICE_TARGET_RESPONSE", default=95),
    "resolution": env.int("SERVICE_TARGET_RESOLUTION", default=90),
}

# --- Applications --------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    # The widgets' own templates, for core.forms.DeskRenderer.
    "django.forms",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "simple_history",
    "servicedesk.core",
    "accounts",
    "customers",
    "sla",
    "knowledge",
    "tickets",
    "visits",
    "servicedesk.desk",
]
FIRST_PARTY_APPS = [
    "core", "accounts", "customers", "sla", "knowledge", "tickets", "visits", "desk",
]  # fmt: skip

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "servicedesk.core.http.TextMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.middleware.SessionLimits",
    "accounts.middleware.OwnLanguage",
    "accounts.middleware.LogInRequired",
    "accounts.middleware.SecondFactorRequired",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "servicedesk.core.http.ActorMiddleware",
    "servicedesk.core.handover.HandOverMode",
    "servicedesk.core.http.RefusalMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "servicedesk.urls"
WSGI_APPLICATION = "servicedesk.wsgi.application"
FORM_RENDERER = "servicedesk.core.forms.DeskRenderer"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "servicedesk.core.http.layout",
            ],
        },
    },
]

# --- Data ----------------------------------------------------------------------------------
DATABASES = {"default": env.db("DATABASE_URL")}
if "postgresql" not in DATABASES["default"]["ENGINE"]:
    raise ImproperlyConfigured("DATABASE_URL must be a postgres:// address")
DATABASES["default"] |= {
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {
        "connect_timeout": 5,
        # Records are joined in the order in which they are written down, from the one asked for;
        # weighing all orders of eight tables takes ten times as long as reading them.
        "options": "-c statement_timeout=30000 -c lock_timeout=5000"
        " -c idle_in_transaction_session_timeout=60000 -c join_collapse_limit=4",
    },
}
# Where pg_dump and pg_restore are, if not on the PATH.
PG_BIN = env.str("PG_BIN", default="")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = _url("REDIS_URL", "redis://127.0.0.1:6379/0", "redis", "rediss", "unix")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}

# --- Celery: it wakes workers up and holds nothing that could be lost ------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,
    "unacked_restore_throttle": 1,
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_BEAT_SCHEDULE = {
    # A second trigger of what every worker does each second by itself.
    "tick": {"task": "servicedesk.core.tasks.tick", "schedule": timedelta(seconds=30)},
    "nightly": {"task": "servicedesk.core.tasks.nightly", "schedule": crontab(hour=3, minute=17)},
}
# Management commands of the night.
NIGHTLY = [
    ["clearsessions"], ["forget_answers"], ["rebuild_deadlines", "--open"], ["purge_uploads"],
]  # fmt: skip
# Tests that need a quiet database switch the worker's own clock off.
TICKER_ENABLED = env.bool("TICKER_ENABLED", default=True)

# --- Language and time ---------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="Asia/Shanghai")

# --- Files ---------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = _folder("STATIC_ROOT", "var/static")
STATICFILES_DIRS = [BASE_DIR / "static"]
NODE_MODULES = _folder("NODE_MODULES", "node_modules")
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "servicedesk.core.staticfiles.PackageFinder",
]
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = _folder("MEDIA_ROOT", "var/media")
FONT_DIR = _folder("FONT_DIR", ".dev/fonts")
SEAL_KEY_DIR = _folder("SEAL_KEY_DIR", "var/seal")
# Who stamps the time on seals (RFC 3161); empty: an authority of our own (core.stamps).
TIMESTAMP_URL = env.str("TIMESTAMP_URL", default="")
TIMESTAMP_USER = env.str("TIMESTAMP_USER", default="")
TIMESTAMP_PASSWORD = env.str("TIMESTAMP_PASSWORD", default="")
TIMESTAMP_AUTHORITY = _folder("TIMESTAMP_AUTHORITY", "") if TIMESTAMP_URL else None
if TIMESTAMP_URL and not (TIMESTAMP_AUTHORITY and TIMESTAMP_AUTHORITY.is_file()):
    raise ImproperlyConfigured(
        "TIMESTAMP_URL needs TIMESTAMP_AUTHORITY, a PEM file with the root certificate"
    )
# Where sealed forms lie: under MEDIA_ROOT, or in a bucket of an S3-compatible store.
S3_BUCKET = env.str("S3_BUCKET", default="")
S3_ENDPOINT_URL = env.str("S3_ENDPOINT_URL", default="")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "documents": {
        "BACKEND": "servicedesk.core.vault_s3.OnceInBucket",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": S3_ENDPOINT_URL or None,
            "region_name": env.str("S3_REGION", default="") or None,
            "access_key": env.str("S3_ACCESS_KEY", default="") or None,
            "secret_key": env.str("S3_SECRET_KEY", default="") or None,
            "location": env.str("S3_PREFIX", default=""),
        },
    }
    if S3_BUCKET
    else {"BACKEND": "servicedesk.core.vault.OnceOnDisk"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
FILE_UPLOAD_PERMISSIONS = 0o640
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o750
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 20

# --- Mail ----------------------------------------------------------------------------------
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="servicedesk@localhost")
EMAIL_TIMEOUT = 15
# E-mails about deadlines: beyond so many a person and hour the rest comes in one digest.
ESCALATION_MAILS_PER_HOUR = env.int("ESCALATION_MAILS_PER_HOUR", default=10)

# --- Chat robot ----------------------------------------------------------------------------
CHAT_WEBHOOK_URL = env.str("CHAT_WEBHOOK_URL", default="")
CHAT_WEBHOOK_KIND = env.str("CHAT_WEBHOOK_KIND", default="wecom")
if CHAT_WEBHOOK_KIND not in {"wecom", "dingtalk", "feishu"}:
    raise ImproperlyConfigured("CHAT_WEBHOOK_KIND must be one of wecom, dingtalk, feishu")
# Host names or networks of the house that webhooks may reach although they are not public.
WEBHOOK_ALLOWED_HOSTS = env.list("WEBHOOK_ALLOWED_HOSTS", default=[])

# --- People --------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
# A phone computes it, too (`core.handover`): half a second on a slow one.
PIN_ROUNDS = 600_000
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["username", "name", "email", "phone"]},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
# In the database alone: without Redis people still log in and out, and a session that was
# ended is ended everywhere at once. It costs one look-up by primary key a request.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_IDLE_AGE = 2 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "servicedesk.core.http.csrf_failure"
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_FORMS = {
    "login": "accounts.forms.LogInForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
    "change_password": "accounts.forms.ChangePasswordForm",
}
# Before what gives power to somebody, the password is asked for again after this time.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
# Passwords are guarded by axes, in the database; this counts wrong codes of the second factor.
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "reauthenticate": None,
    "change_password": None,
    "login_failed": "5/15m/key",
}
MFA_ADAPTER = "accounts.adapters.MFAAdapter"
MFA_FORMS = {
    "authenticate": "accounts.forms.AuthenticateForm",
    "reauthenticate": "accounts.forms.ReauthenticateByCodeForm",
    "activate_totp": "accounts.forms.ActivateTOTPForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Who has one of these roles sets the second factor up before anything else. Where people try the
# product out, nobody needs a telephone.
MFA_REQUIRED_ROLES = env.list(
    "MFA_REQUIRED_ROLES", default=[] if DEBUG else ["administrator", "manager", "helpdesk"]
)
AXES_VERBOSE = False
AXES_HANDLER = "accounts.backends.LogInLimits"
AXES_FAILURE_LIMIT = 5
LOGIN_FAILURES_OF_ADDRESS = 20
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
# A try while locked does not lengthen the lock: nobody can keep a colleague out for good.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_TEMPLATE = "account/locked.html"
AXES_CLIENT_IP_CALLABLE = "servicedesk.core.http.client_ip"

# --- Headers -------------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if HTTPS:
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sid", "__Host-csrf"
    if TRUSTED_PROXY:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "blob:", "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- API -----------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.backends.TokenAuthentication",
        "accounts.backends.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "servicedesk.core.parsers.BoundedJSONParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_PAGINATION_CLASS": "servicedesk.core.pagination.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "servicedesk.core.openapi.DeskSchema",
    "EXCEPTION_HANDLER": "servicedesk.core.api.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Service desk API",
    "DESCRIPTION": "Reads are generic, every write is an action of the service handbook.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "DEFAULT_GENERATOR_CLASS": "servicedesk.core.openapi.EnglishGenerator",
    "GET_MOCK_REQUEST": "servicedesk.core.openapi.mock_request",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "TicketStatusEnum": "tickets.states.Status",
        "CallOutcomeEnum": "tickets.models.calls.Call.Outcome",
        "AttemptOutcomeEnum": "visits.models.ContactAttempt.Outcome",
        "ExtensionChannelEnum": "tickets.models.tickets.Extension.Channel",
        "RemoteChannelEnum": "tickets.models.remote.RemoteSession.Channel",
        "TicketClosingEnum": "tickets.models.tickets.Ticket.Closing",
    },
}

# --- History: who wrote it is known from the action, see core.history ------------------------
SIMPLE_HISTORY_ENFORCE_HISTORY_MODEL_PERMISSIONS = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
    },
    "filters": {"discreet": {"()": "servicedesk.core.logs.Discreet"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["discreet"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        # WeasyPrint warns of each CSS property it does not know, at every form.
        "weasyprint": {"level": "ERROR"},
        "fontTools": {"level": "ERROR"},
        # Whoever checks a file of his on the verify page would write our log.
        "pyhanko": {"level": "ERROR"},
        "axes": {"level": "WARNING"},
        # The line of `runserver` for each request.
        "django.server": {"handlers": ["console"], "propagate": False},
    },
}
SILENCED_SYSTEM_CHECKS: list[str] = []
