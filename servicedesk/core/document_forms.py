"""Forms around a signature."""

from __future__ import annotations

import json
import math
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from servicedesk.core.forms import DeskForm

MOST_POINTS = 5000
LARGEST_PDF = 10 * 1024 * 1024

# What reading strokes raises that no pad of ours has sent, depending on where it stumbles.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


class StrokesField(forms.CharField):
    """What the signature pad sends: JSON strokes of points (x, y, t, p). Nothing else passes."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return []
        if self.max_length is not None and len(text) > self.max_length:
            raise forms.ValidationError(_("The signature is too long. Sign again."))
        try:
            strokes = json.loads(text)
            cleaned = [[self._point(point) for point in stroke] for stroke in strokes]
        except UNREADABLE as error:
            raise forms.ValidationError(
                _("The signature could not be read. Sign again.")
            ) from error
        if sum(map(len, cleaned)) > MOST_POINTS:
            raise forms.ValidationError(_("The signature is too long. Sign again."))
        return cleaned

    def _point(self, point: dict[str, Any]) -> dict[str, float]:
        numbers = {name: float(point[name]) for name in ("x", "y", "t", "p")}
        if not all(math.isfinite(n) and abs(n) < 1e15 for n in numbers.values()):
            raise ValueError("not a point")
        return {name: round(n, 2) for name, n in numbers.items()}

    def validate(self, value: Any) -> None:
        if not value:
            raise forms.ValidationError(_("Please sign in the field."))


class OwnSignatureForm(DeskForm):
    strokes = StrokesField(label=_("Signature"), max_length=400_000)
    shown_sha256 = forms.CharField(max_length=64, widget=forms.HiddenInput)


class SignatureForm(OwnSignatureForm):
    signer_name = forms.CharField(label=_("Your name"), max_length=100)


class RefusalForm(DeskForm):
    signer_name = forms.CharField(label=_("Your name"), max_length=100)
    reason = forms.CharField(
        label=_("Why do you not sign?"), max_length=500, widget=forms.Textarea({"rows": 3})
    )


class LastDigitsForm(DeskForm):
    digits = forms.RegexField(
        r"^\d{4}$",
        label=_("Last four digits of your telephone number"),
        error_messages={"invalid": _("Four digits, please.")},
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off", "maxlength": 4}),
    )


class PinForm(DeskForm):
    """By which the engineer gets his phone back."""

    pin = forms.RegexField(
        r"^\d{4,6}$",
        label=_("PIN of the engineer"),
        error_messages={"invalid": _("Four to six digits, please.")},
        widget=forms.PasswordInput({"inputmode": "numeric", "autocomplete": "off", "maxlength": 6}),
    )


class UploadForm(DeskForm):
    file = forms.FileField(
        label=_("PDF file"), widget=forms.ClearableFileInput({"accept": "application/pdf"})
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_PDF:
            raise forms.ValidationError(_("The file is larger than 10 MB."))
        return file
