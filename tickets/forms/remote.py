"""The forms of a remote session."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from knowledge.models import FaultCategory
from servicedesk.core.actors import Actor
from servicedesk.core.forms import RadioButtons, Textarea, UidChoiceField
from tickets.forms.tickets import MomentField, TicketForm
from tickets.models import RemoteSession


class PrepareForm(TicketForm):
    channel = forms.ChoiceField(
        label=_("How you connect"), choices=RemoteSession.Channel.choices, widget=RadioButtons
    )
    tool = forms.CharField(label=_("Remote tool and id"), max_length=80, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        installation = self.ticket.installation
        self.initial.setdefault("tool", installation.remote_id if installation else "")


class SessionForm(TicketForm):
    """The ticket's form with the session at hand."""

    def __init__(self, *args: Any, session: RemoteSession, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, ticket=session.ticket, by=by, **kwargs)
        self.session = session


class ConsentForm(SessionForm):
    spans = {"consent_by": 6, "at": 6}
    consent_by = forms.CharField(label=_("Who of the customer agreed"), max_length=60)
    at = MomentField()
    consent_channel = forms.ChoiceField(
        label=_("How"), choices=RemoteSession.ConsentChannel.choices, widget=RadioButtons
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        contact = self.ticket.contact
        self.initial.setdefault("consent_by", contact.name if contact else "")
        self.initial.setdefault("consent_channel", RemoteSession.ConsentChannel.PHONE)


class StartForm(SessionForm):
    watcher = forms.CharField(
        label=_("Who of the customer watches"), max_length=60, required=False,
        help_text=_("The customer should be able to see everything that is done."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("watcher", self.session.consent_by)


class StepForm(SessionForm):
    spans = {"did": 7, "outcome": 5}
    did = forms.CharField(
        label=_("What was done"), max_length=500,
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )  # fmt: skip
    outcome = forms.CharField(
        label=_("What came of it"), max_length=500, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip


class CloseForm(SessionForm):
    spans = {"watcher": 6, "end_confirmed_by": 6}
    result = forms.ChoiceField(
        label=_("Result"), choices=RemoteSession.Result.choices, widget=RadioButtons
    )
    category = UidChoiceField(None, label=_("Fault category"))
    cause = forms.CharField(label=_("Cause"), max_length=4000, required=False, widget=Textarea)
    summary = forms.CharField(
        label=_("What solved it"), max_length=4000, required=False, widget=Textarea
    )
    changes_made = forms.CharField(
        label=_("What was changed on the customer's machine"), max_length=2000, required=False,
        widget=Textarea,
    )  # fmt: skip
    data_untouched = forms.BooleanField(
        label=_("I touched neither other software nor the customer's data"), required=False
    )
    watcher = forms.CharField(label=_("Who watched"), max_length=60, required=False)
    end_confirmed_by = forms.CharField(
        label=_("Who confirmed the end"), max_length=60, required=False
    )
    resolve_ticket = forms.BooleanField(
        label=_("Resolve the ticket with it"), required=False,
        help_text=_("Only if it is solved."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["category"]
        field.queryset = FaultCategory.objects.visible_to(self.by).filter(is_active=True)  # type: ignore[attr-defined]
        category = self.session.category
        self.initial.setdefault("category", category.uid if category else None)
        self.initial.setdefault("watcher", self.session.watcher)
        self.initial.setdefault("end_confirmed_by", self.session.watcher)


class AbandonForm(SessionForm):
    reason = forms.CharField(label=_("Why it did not come about"), max_length=300)


class MakeArticleForm(SessionForm):
    title = forms.CharField(label=_("Title of the entry"), max_length=120)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("title", self.ticket.title)


FORMS: dict[str, type[SessionForm]] = {
    "consent": ConsentForm,
    "start": StartForm,
    "add_step": StepForm,
    "close": CloseForm,
    "abandon": AbandonForm,
    "make_article": MakeArticleForm,
}
