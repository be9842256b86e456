"""The one door through which an attached file leaves: with the permission of its record."""

from __future__ import annotations

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from servicedesk.core import subjects
from servicedesk.core.files import INLINE
from servicedesk.core.http import DeskRequest
from servicedesk.core.models import Attachment


@require_GET
def file(request: DeskRequest, uid: str) -> FileResponse:
    """Who may see the record may have its files. Only redrawn pictures are shown in place."""
    found = get_object_or_404(Attachment, uid=uid)
    if not subjects.visible(found.subject_kind, found.subject_id, request.actor):
        raise Http404
    return handed_out(found)


def handed_out(found: Attachment) -> FileResponse:
    """The file, to somebody who may have it."""
    try:
        content = default_storage.open(found.file)
    except FileNotFoundError as error:
        raise Http404 from error
    content_type = found.content_type
    if content_type == "text/plain":
        content_type = "text/plain; charset=utf-8"
    response = FileResponse(
        content,
        as_attachment=found.content_type not in INLINE,
        filename=found.name,
        content_type=content_type,
    )
    # Whatever the bytes are, they are no page of ours: no script, no style, no origin.
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, max-age=3600, immutable"
    return response
