from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig, apps
from django.conf import settings
from django.utils.translation import gettext_lazy as _

# Modules that register something (events, rules, panels …) when they are imported.
REGISTERING = ("events", "handlers", "rules", "panels", "notifications", "clocks")


class CoreConfig(AppConfig):
    name = "servicedesk.core"
    label = "core"
    verbose_name = _("Core")

    def ready(self) -> None:
        from servicedesk.core import checks, history  # noqa: F401


def load_registries() -> None:
    """Import what registers itself, in the order of the layers. Called by the topmost app."""
    for label in settings.FIRST_PARTY_APPS:
        package = apps.get_app_config(label).name
        for module in REGISTERING:
            if find_spec(f"{package}.{module}"):
                import_module(f"{package}.{module}")
