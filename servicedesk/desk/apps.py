from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from servicedesk.core.apps import load_registries


class DeskConfig(AppConfig):
    """The topmost app: once it is ready, all that registers itself has been imported."""

    name = "servicedesk.desk"
    verbose_name = _("Desk")

    def ready(self) -> None:
        load_registries()
