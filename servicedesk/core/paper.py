"""How a form looks: the same template for the screen before signing and for the PDF."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import segno
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.safestring import SafeString, mark_safe

from servicedesk.core.documents import KINDS, DocumentKind
from servicedesk.core.models import Document, Signature

BOX = (600, 200)


class Mark(str):
    """Stands in a form where a phone without a network writes a value of its own."""

    __slots__ = ()

    def through(self, name: str) -> str:
        """What a filter makes of it."""
        return f"{self[:-1]}|{name}{self[-1]}"


def mark(path: str) -> Mark:
    return Mark(f"⟦{path}⟧")


def marks(path: str, *names: str) -> dict[str, Mark]:
    return {name: mark(f"{path}.{name}") for name in names}


def ink(strokes: Sequence[Sequence[dict[str, float]]]) -> SafeString:
    """The signature as an SVG path, drawn from its points alone."""
    moves = []
    for stroke in strokes:
        points = [f"{float(p['x']):.1f} {float(p['y']):.1f}" for p in stroke]
        moves.append("M" + " L".join(points if len(points) > 1 else points * 2))
    width, height = BOX
    # The pad of a narrow phone is higher than the box; nothing of the signature is cut off.
    lowest = max((float(p["y"]) for stroke in strokes for p in stroke), default=0)
    height = max(height, math.ceil(lowest) + 4)
    return mark_safe(  # noqa: S308 - numbers alone
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" class="ink">'
        f'<path d="{" ".join(moves)}" fill="none" stroke="#10224d" stroke-width="4"'
        ' stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )


def qr(text: str) -> SafeString:
    """A QR code as inline SVG."""
    code = segno.make(text, error="m").svg_inline(scale=1, border=0, omitsize=True)
    return mark_safe(code)  # noqa: S308 - made here


def verify_url(document: Document) -> str:
    path = reverse("documents:verify", args=[document.number, document.verify_code])
    return f"{settings.BASE_URL}{path}"


def render(document: Document, *, layout: str) -> str:
    """The form as HTML in its own language; `layout` is `pdf/base.html` or `pdf/screen.html`."""
    kind = KINDS[document.kind]
    signatures = {s.block: s for s in document.signatures.all()}
    with translation.override(document.language), timezone.override(settings.TIME_ZONE):
        return render_to_string(
            kind.template,
            {
                "layout": layout,
                "document": document,
                "data": document.data,
                "blocks": [_place(kind.block(b), signatures.get(b)) for b in document.blocks],
                "verify_url": verify_url(document),
                "qr": qr(verify_url(document)),
                "company_name": settings.COMPANY_NAME,
                "service_phone": settings.SERVICE_PHONE,
            },
        )


def preview(kind: DocumentKind, data: Mapping[str, Any], *, number: str) -> str:
    """The form as it will look on a screen, before it is frozen and has a code to verify."""
    with translation.override(settings.LANGUAGE_CODE), timezone.override(settings.TIME_ZONE):
        document = Document(
            kind=kind.name, number=number, title=str(kind.title), language=settings.LANGUAGE_CODE
        )
        return render_to_string(
            kind.template,
            {
                "layout": "pdf/screen.html",
                "document": document,
                "data": data,
                "blocks": [_place(block, None) for block in kind.blocks],
                "verify_url": "",
                "qr": "",
                "company_name": settings.COMPANY_NAME,
                "service_phone": settings.SERVICE_PHONE,
            },
        )


def _place(block: Any, signature: Signature | None) -> dict[str, Any]:
    return {
        "label": block.label,
        "signature": signature,
        "ink": ink(signature.strokes) if signature else "",
    }
