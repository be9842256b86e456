from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from servicedesk.core.forms import DeskForm
from sla.kinds import KINDS


class DueFilter(DeskForm):
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    scope = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", _("All kinds")), *((k.name, k.label) for k in KINDS.values())]
