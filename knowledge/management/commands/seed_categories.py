"""The fault tree to start with, made by the same action as everywhere."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from knowledge.actions import create_usual_categories
from knowledge.models import FaultCategory
from servicedesk.core.actors import SYSTEM


class Command(BaseCommand):
    help = "Create the usual fault categories; what exists stays as it is."

    def handle(self, *args: Any, **options: Any) -> None:
        before = FaultCategory.objects.count()
        create_usual_categories(at=timezone.now(), by=SYSTEM)
        self.stdout.write(f"{FaultCategory.objects.count() - before} fault categories created")
