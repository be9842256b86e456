from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from servicedesk.core.forms import DeskForm, PhoneInput


class TargetForm(DeskForm):
    spans = {"topic": 6, "name": 6, "phone": 6, "note": 6}
    topic = forms.CharField(label=_("Topic"), max_length=60)
    name = forms.CharField(label=_("Who helps with it"), max_length=80)
    phone = forms.CharField(label=_("Telephone"), max_length=30, required=False, widget=PhoneInput)
    note = forms.CharField(label=_("Remarks"), max_length=300, required=False)
