"""Forget the answers that were kept for repeated requests (`Idempotency-Key`) of the API."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from servicedesk.core.models import IdempotencyKey


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        before = timezone.now() - IdempotencyKey.KEPT
        number, _by_model = IdempotencyKey.objects.filter(created_at__lt=before).delete()
        self.stdout.write(f"Answers forgotten: {number}\n")
