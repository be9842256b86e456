"""What makes the pages of the telephone an application of its own: manifest, service worker, shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles import finders
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_GET

from servicedesk.core.assets import asset_version, phone_assets
from servicedesk.core.http import DeskRequest
from servicedesk.core.looks import look_of
from visits.queries import PHONE_DAY
from visits.states import VISIT, Status

# Colours of static/css/tokens.css; a manifest knows no variables.
GROUND, ACCENT = "#f3f5f8", "#2b59d1"
# The icons that the scripts of the telephone draw by themselves; those of the acts come with the table.
ICONS = (
    "arrow-left", "calendar-x", "chevron-right", "cloud-off", "cloud-upload", "download", "edit", "login",
    "mood-smile", "photo", "refresh", "trash", "wifi-off",
)  # fmt: skip


@require_GET
@login_not_required
@cache_control(max_age=3600)
def manifest(request: DeskRequest) -> HttpResponse:
    icons = [
        {"src": static(f"icons/phone-{name}.png"), "sizes": f"{size}x{size}", "type": "image/png",
         "purpose": purpose}
        for name, size, purpose in (
            ("192", 192, "any"), ("512", 512, "any"),
            ("maskable-192", 192, "maskable"), ("maskable-512", 512, "maskable"),
        )
    ]  # fmt: skip
    today = reverse("visits:today")
    return JsonResponse(
        {
            "id": "/",
            "name": _("Service desk"),
            "short_name": _("My visits"),
            "description": _("The engineer's visits of the day, also without a network"),
            "lang": get_language(),
            "start_url": today,
            "scope": "/",
            "display": "standalone",
            "orientation": "portrait",
            "background_color": GROUND,
            "theme_color": ACCENT,
            "icons": icons,
            "shortcuts": [
                {"name": _("Today"), "url": today},
                {"name": _("Not sent yet"), "url": reverse("desk:queue")},
            ],
        },
        content_type="application/manifest+json",
        json_dumps_params={"ensure_ascii": False},
    )


@require_GET
@login_not_required
@cache_control(no_cache=True)
def service_worker(request: DeskRequest) -> HttpResponse:
    """At the root, since a worker rules only what lies below its own address."""
    path = finders.find("js/phone/sw.js")
    assert isinstance(path, str)
    language = get_language() or ""
    known = {
        "version": f"{asset_version()}-{language}",
        "shell": f"{reverse('desk:shell')}?language={language}",
        "assets": [[asset.url, asset.integrity] for asset in phone_assets()],
    }
    script = f"self.DESK = {json.dumps(known)};\n{Path(path).read_text(encoding='utf-8')}"
    response = HttpResponse(script, content_type="text/javascript; charset=utf-8")
    response["Service-Worker-Allowed"] = "/"
    return response


@require_GET
@login_not_required
@never_cache
def shell(request: DeskRequest) -> HttpResponse:
    """The page that a telephone shows when it cannot reach us. It says nothing of anybody.

    It is fetched without a log-in, so the language stands in its address.
    """
    language = request.GET.get("language", "")
    with translation.override(language if language in dict(settings.LANGUAGES) else None):
        return render(request, "phone/shell.html", _tools())


@require_GET
@never_cache
def queue(request: DeskRequest) -> HttpResponse:
    """What this telephone has not got rid of yet; the same page, filled by the telephone itself."""
    return render(request, "phone/queue.html", _tools())


def _tools() -> dict[str, Any]:
    icons = {*ICONS, *(step.icon for step in VISIT if step.icon)} - {"camera"}
    sections = [{"title": str(title), **rest} for title, rest in PHONE_DAY]
    return {
        "icons": sorted(icons),
        "statuses": [(*each, look_of("visits.VisitOrder", each[0])) for each in Status.choices],
        "sections": json.dumps(sections, ensure_ascii=False),
    }
