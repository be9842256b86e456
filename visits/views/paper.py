"""The service order on a phone without a network: taken along, and signed there (VISIT-21)."""

from __future__ import annotations

import json

from django import forms
from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from servicedesk.core import offline_signatures
from servicedesk.core.document_forms import UNREADABLE, RefusalForm, SignatureForm
from servicedesk.core.http import refusals_on
from servicedesk.core.models import Document, KeptSignature, OfflinePad
from servicedesk.core.phone import Call, Invalid, Outcome, Paper
from visits import pdf
from visits.models import VisitOrder
from visits.queries import service_form
from visits.states import UNSIGNED

# No step of the engineer's: what the customer answered on his phone.
SIGN = "sign_offline"
LABELS = {SIGN: gettext_lazy("The customer's answer")}
FLEETING = frozenset({"pad", "strokes", "rows"})


def paper(visit: VisitOrder) -> Paper | None:
    if visit.status not in UNSIGNED:
        return None
    data = pdf.visit_data(visit)
    return Paper(
        kind=pdf.VISIT_FORM,
        block=pdf.CUSTOMER.name,
        contact_id=visit.contact_id,
        signer_name=visit.contact_name,
        data=data,
        marked=pdf.visit_marked(data),
        more={"category": str(visit.category or ""), **_words()},
    )


def _words() -> dict[str, str]:
    """What acts write into the form by themselves, in its language."""
    with translation.override(settings.LANGUAGE_CODE):
        return {"waiting": str(pdf.WAITING), "interruption": str(pdf.INTERRUPTION)}


def sign(visit: VisitOrder, call: Call) -> Outcome:
    """The customer's answer, with the pad that it was drawn on. Nobody of the house signs by it."""
    pad = offline_signatures.pad_of(call.data.get("pad", ""), by=call.by)
    document = service_form(visit)
    if pad is None:
        raise _no(_("This phone was not given this form to be signed."))
    if document is None:
        raise _no(_("The form could not be made, so it cannot be signed. Please sign it again."))
    if call.data.get("act") == "refuse":
        return _decline(visit, pad, document, call)
    return _take(visit, pad, document, call)


def _no(text: str) -> Invalid:
    return Invalid({"": [text]})


def _decline(visit: VisitOrder, pad: OfflinePad, document: Document, call: Call) -> Outcome:
    form = RefusalForm(call.data)
    if form.is_valid():
        with refusals_on(form):
            offline_signatures.decline(
                pad, document, **form.cleaned_data, device_at=call.at, at=call.heard_at,
                by=offline_signatures.signer(pad, form.cleaned_data["signer_name"]),
            )  # fmt: skip
            return Outcome(visit.get_absolute_url())
    raise Invalid(_errors(form))


def _take(visit: VisitOrder, pad: OfflinePad, document: Document, call: Call) -> Outcome:
    form, answers = SignatureForm(call.data), pdf.RatingForm(call.data, prefix="answers")
    rows = _rows(call.data.get("rows", ""))
    if not form.is_valid() or not answers.is_valid():
        raise Invalid(_errors(form) | _errors(answers), code="invalid")
    if rows is None or form.cleaned_data["shown_sha256"] != offline_signatures.rows_hash(rows):
        raise _no(_("What the phone showed did not arrive whole. Please sign again."))
    url, name = reverse("visits:sign", args=[visit.number]), form.cleaned_data["signer_name"]
    with refusals_on(form):
        found = offline_signatures.take(
            pad, document, signer_name=name, strokes=form.cleaned_data["strokes"], rows=rows,
            answers=answers.cleaned_data, device_at=call.at, at=call.heard_at,
            by=offline_signatures.signer(pad, name),
        )  # fmt: skip
        if isinstance(found, KeptSignature):
            return Outcome(url, _sign_again(found), "sign-again")
        return Outcome(url)
    raise Invalid(_errors(form))


def _sign_again(kept: KeptSignature) -> str:
    return _(
        "%(form)s is not what %(name)s signed without a network, so it is not signed. Please let"
        " the customer sign again."
    ) % {"form": kept.document.number, "name": kept.signer_name}


def _rows(text: str) -> list[tuple[str, str]] | None:
    try:
        return [(str(name), str(value)) for name, value in json.loads(text)]
    except UNREADABLE:
        return None


def _errors(form: forms.Form) -> dict[str, list[str]]:
    return {
        "" if name == "__all__" else form.add_prefix(name): [str(text) for text in texts]
        for name, texts in form.errors.items()
    }
