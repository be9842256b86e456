from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from servicedesk.core.forms import DeskForm, RemoteSelect, Textarea, UidChoiceField


class FinishForm(DeskForm):
    outcome = forms.CharField(label=_("What came of it"), max_length=300, widget=Textarea(rows=2))


class PassOnForm(DeskForm):
    to_user = UidChoiceField(
        None, label=_("Colleague"), widget=RemoteSelect(url_name="accounts:find")
    )
    reason = forms.CharField(label=_("Reason"), max_length=300, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["to_user"]
        field.queryset = User.objects.staff()


FORMS: dict[str, type[DeskForm]] = {
    "read": DeskForm,
    "finish": FinishForm,
    "pass_on": PassOnForm,
}
