from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig, apps
from django.conf import settings
from django.db.models.signals import pre_migrate
from django.utils.translation import gettext_lazy as _

# Modules that register something (events, rules, panels …) when they are imported.
REGISTERING = (
    "events",
    "document_events",
    "handlers",
    "rules",
    "panels",
    "phone",
    "notifications",
    "clocks",
    "chat",
    "document_mail",
)


class CoreConfig(AppConfig):
    name = "servicedesk.core"
    label = "core"
    verbose_name = _("Core")

    def ready(self) -> None:
        from servicedesk.core import checks, history, search  # noqa: F401

        pre_migrate.connect(search.install, sender=self)


# Modules with functions that every worker runs each second (core.ticker).
TICKING = ("journal", "outbox", "sealing", "exports", "rule_days", "deadlines", "ticks", "phone")


def load_registries(modules: Sequence[str] = REGISTERING) -> None:
    """Import what registers itself, in the order of the layers. Called by the topmost app."""
    for label in settings.FIRST_PARTY_APPS:
        package = apps.get_app_config(label).name
        for module in modules:
            if find_spec(f"{package}.{module}"):
                import_module(f"{package}.{module}")
