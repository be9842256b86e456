from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from servicedesk.core.forms import DeskForm, RemoteSelect, Textarea, UidChoiceField
from tickets.forms.times import QuickTimeField


class KeepForm(DeskForm):
    answer = forms.CharField(label=_("Answer given"), max_length=2000, widget=Textarea(rows=3))


class AttemptForm(DeskForm):
    note = forms.CharField(
        label=_("Remarks"), max_length=300, required=False,
        help_text=_("For instance: engaged, no answer, call again after three."),
    )  # fmt: skip


class MoveForm(DeskForm):
    spoken_to = forms.CharField(
        label=_("Spoken to"), max_length=60,
        help_text=_("A new time needs a word with the caller, before the old one has passed."),
    )  # fmt: skip
    reason = forms.CharField(label=_("What you explained"), max_length=300)
    due_at = QuickTimeField("1h", "2h", "today", "tomorrow", "24h", label=_("New time"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["due_at"]
        field.start_at(timezone.now())

    def clean(self) -> dict[str, Any]:
        if "due_at" not in self.errors and self.cleaned_data.get("due_at") is None:
            self.add_error("due_at", _("Choose the new time."))
        return self.cleaned_data


class ReassignForm(DeskForm):
    owner = UidChoiceField(
        None, label=_("Colleague"), widget=RemoteSelect(url_name="accounts:find")
    )
    reason = forms.CharField(label=_("Reason"), max_length=300, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["owner"]
        field.queryset = User.objects.able_to("promises.work")


class DropForm(DeskForm):
    spoken_to = forms.CharField(label=_("Spoken to"), max_length=60)
    reason = forms.CharField(label=_("Why no longer"), max_length=300)


FORMS: dict[str, type[DeskForm]] = {
    "keep": KeepForm,
    "attempt": AttemptForm,
    "move": MoveForm,
    "reassign": ReassignForm,
    "drop": DropForm,
}
