"""The forms of a ticket's page: one for each transition, and the filters of the list."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from customers.models import Contact, Customer, Installation, Product, Store
from knowledge.models import FaultCategory
from servicedesk.core.actors import Actor
from servicedesk.core.files import ACCEPT
from servicedesk.core.forms import (
    DeskForm,
    FilesField,
    FilesInput,
    PhoneInput,
    RadioButtons,
    RemoteSelect,
    Textarea,
    UidChoiceField,
)
from tickets.forms.times import QuickTimeField
from tickets.models import Call, Ticket
from tickets.queries import calls_to_name
from tickets.states import ExtensionStatus, Status

# A browser's clock may be ahead of ours, and a minute has no seconds.
TOLERANCE = timedelta(minutes=2)


class MomentField(forms.DateTimeField):
    """When it happened. Left empty it is now; the future is no answer."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("When"))
        kwargs.setdefault("help_text", _("Leave it empty if it is now."))
        super().__init__(required=False, **kwargs)

    def validate(self, value: datetime | None) -> None:
        super().validate(value)
        if value is None:
            return
        now = timezone.now()
        if value > now + TOLERANCE:
            raise forms.ValidationError(gettext("That is in the future."))
        if value < now - timedelta(days=settings.REPORT_WITHIN_DAYS):
            raise forms.ValidationError(
                gettext("That is more than %(days)d days ago; it can no longer be reported.")
                % {"days": settings.REPORT_WITHIN_DAYS}
            )


class TicketForm(DeskForm):
    """Every form of the page knows its ticket and who is before the screen."""

    def __init__(self, *args: Any, ticket: Ticket, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ticket, self.by = ticket, by
        for field in self.fields.values():
            if isinstance(field, QuickTimeField):
                field.start_at(timezone.now())

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "at" in cleaned:
            at = cleaned.pop("at")
            if at is not None:
                cleaned["at"] = self._to_the_second(at)
        return cleaned

    def _to_the_second(self, at: datetime) -> datetime:
        """09:30 means the minute; a ticket received at 09:30:20 was not answered before."""
        received = self.ticket.received_at
        return received if received.replace(second=0, microsecond=0) == at else at


def _worker_field(label: Any) -> UidChoiceField:
    return UidChoiceField(
        User.objects.able_to("tickets.work"),
        label=label,
        widget=RemoteSelect(url_name="tickets:worker_options", hint=_("Name or pinyin")),
    )


class AssignForm(TicketForm):
    assignee = _worker_field(_("Colleague"))


class RespondForm(TicketForm):
    at = MomentField()


class WaitForm(TicketForm):
    reason = forms.CharField(
        label=_("What it waits for"), max_length=200,
        help_text=_("The 24 hours go on meanwhile."),
    )  # fmt: skip
    until = QuickTimeField("1h", "2h", "today", "tomorrow", "24h", label=_("Follow up"))

    def clean_until(self) -> datetime:
        return _required(self.cleaned_data["until"], gettext("Say when to follow up."))


class ResolveForm(TicketForm):
    solution = forms.ChoiceField(
        label=_("Solved how"), choices=Ticket.Solution.choices, widget=RadioButtons
    )
    resolution = forms.CharField(label=_("What solved it"), max_length=4000, widget=Textarea)
    at = MomentField()


class CloseForm(TicketForm):
    """OPS-12: by the customer's word, or because he withdrew it."""

    spans = {"confirmed_by": 6, "evidence": 6}
    closing = forms.ChoiceField(
        label=_("Closed how"),
        choices=[
            (value, label)
            for value, label in Ticket.Closing.choices
            if value != Ticket.Closing.AUTOMATIC
        ],
        initial=Ticket.Closing.CONFIRMED,
        widget=RadioButtons,
    )
    confirmed_by = forms.CharField(label=_("Who of the customer said so"), max_length=60)
    evidence = forms.CharField(label=_("Call number or message"), max_length=200, required=False)
    at = MomentField()


class ReopenForm(TicketForm):
    reason = forms.CharField(label=_("What the customer reports"), max_length=500, widget=Textarea)


class UrgentForm(TicketForm):
    urgency_reason = forms.CharField(label=_("Why it is urgent"), max_length=200)


class ComplaintForm(TicketForm):
    text = forms.CharField(label=_("What the customer said"), max_length=1000, widget=Textarea)


class CommentForm(TicketForm):
    text = forms.CharField(label=_("Note on the ticket"), max_length=4000, widget=Textarea)

    @property
    def draft_key(self) -> str:  # type: ignore[override]
        """A note outlives a session that ended meanwhile."""
        return f"note-{self.ticket.number}"


class AttachForm(TicketForm):
    file = forms.FileField(
        label=_("File"),
        help_text=_("JPEG, PNG, WebP, PDF or text, at most 15 MB."),
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPT}),
    )


class HandOverForm(TicketForm):
    to_user = _worker_field(_("Next owner"))
    reason = forms.CharField(label=_("Reason"), max_length=300)


class RequestVisitForm(TicketForm):
    spans = {"contact_name": 6, "contact_phone": 6}
    reason = forms.CharField(label=_("What is to be done on site"), max_length=500, widget=Textarea)
    address = forms.CharField(label=_("Address"), max_length=300)
    contact_name = forms.CharField(label=_("Person to ask for"), max_length=60)
    # GEN-7: the number as registered need not be shown to be used.
    contact_phone = forms.CharField(
        label=_("Telephone"), max_length=30, required=False, widget=PhoneInput,
        help_text=_("Empty: the number as it is registered."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        contact, store = self.ticket.contact, self.ticket.store
        self.initial = dict(self.initial) | {
            "address": store.full_address,
            "contact_name": contact.name if contact else "",
        }


class ProposeExtensionForm(TicketForm):
    plan = forms.CharField(label=_("How it will be solved"), max_length=4000, widget=Textarea)
    attachments = FilesField(
        label=_("Files to the plan"), required=False,
        help_text=_("The customer reads them, too. JPEG, PNG, WebP, PDF or text, at most 20 MB."),
        widget=FilesInput(attrs={"accept": ACCEPT}),
    )  # fmt: skip
    proposed_due_at = forms.DateTimeField(
        label=_("New time"),
        help_text=_("The deadline moves only when the customer agrees to both."),
    )


FORMS: dict[str, type[TicketForm]] = {
    "assign": AssignForm,
    "take": TicketForm,
    "respond": RespondForm,
    "start": TicketForm,
    "nudge": TicketForm,
    "wait": WaitForm,
    "resume": TicketForm,
    "resolve": ResolveForm,
    "close": CloseForm,
    "reopen": ReopenForm,
    "mark_urgent": UrgentForm,
    "flag_complaint": ComplaintForm,
    "comment": CommentForm,
    "attach": AttachForm,
    "hand_over": HandOverForm,
    "request_visit": RequestVisitForm,
    "propose_extension": ProposeExtensionForm,
}


# --- On hand-overs and extensions ------------------------------------------------------------


class AcceptForm(TicketForm):
    """Accepting needs no words."""


class DeclineForm(TicketForm):
    answer = forms.CharField(label=_("Why not"), max_length=300)


HANDOVER_FORMS: dict[str, type[TicketForm]] = {"accept": AcceptForm, "decline": DeclineForm}


class CallField(UidChoiceField):
    """One of the calls that are on record, told by when, who, and who took it."""

    def label_from_instance(self, obj: Any) -> str:
        at = f"{timezone.localtime(obj.answered_at):%m-%d %H:%M}"
        return " · ".join(filter(None, [at, obj.caller_name, obj.number, obj.taken_by.name]))


class AnswerForm(TicketForm):
    """What the customer said on the telephone to the proposal that waits."""

    def __init__(self, *args: Any, ticket: Ticket, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, ticket=ticket, by=by, **kwargs)
        proposed = ticket.extensions.filter(status=ExtensionStatus.PROPOSED).first()
        calls: Any = self.fields["call"]
        calls.queryset = calls_to_name(proposed, by) if proposed else Call.objects.none()


class ConsentForm(AnswerForm):
    call = CallField(
        None, label=_("In which call"),
        help_text=_("Calls of this store since the proposal. Is it missing? Record the call first."),
    )  # fmt: skip
    answered_by = forms.CharField(
        label=_("Who agreed"), max_length=60, required=False,
        help_text=_("Leave it empty if it was the caller."),
    )  # fmt: skip
    recording = forms.CharField(label=_("Number of the recording"), max_length=60, required=False)


class RefuseForm(AnswerForm):
    answered_by = forms.CharField(label=_("Who refused"), max_length=60)
    reason = forms.CharField(label=_("What the customer said"), max_length=500, widget=Textarea)
    call = CallField(None, label=_("In which call"), required=False)


EXTENSION_FORMS: dict[str, type[TicketForm]] = {
    "consent": ConsentForm,
    "refuse": RefuseForm,
    "withdraw": TicketForm,
}


# --- Correcting the details ------------------------------------------------------------------


class EditForm(TicketForm):
    """Its own page: its choices cost queries that the ticket's page should not pay."""

    spans = {
        "contact": 6, "category": 6, "product": 6, "installation": 6, "expected_at": 6,
        "no_wish": 6,
    }  # fmt: skip
    title = forms.CharField(label=_("Subject"), max_length=120)
    need = forms.CharField(
        label=_("Need in the customer's words"), max_length=4000, widget=Textarea
    )
    contact = UidChoiceField(None, label=_("Contact"), required=False)
    category = UidChoiceField(None, label=_("Fault category"), required=False)
    product = UidChoiceField(None, label=_("Product"), required=False)
    installation = UidChoiceField(None, label=_("Installation"), required=False)
    expected_at = forms.DateTimeField(
        label=_("Expected by the customer"), required=False,
        help_text=_("A later time needs the customer's consent: propose an extension."),
    )  # fmt: skip
    no_wish = forms.BooleanField(label=_("No wish as to time"), required=False)

    def __init__(self, *args: Any, ticket: Ticket, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, ticket=ticket, by=by, **kwargs)
        contacts = Contact.objects.visible_to(by).filter(customer=ticket.customer_id)
        for name, queryset in {
            "contact": contacts.filter(store__in=[ticket.store_id]) | contacts.filter(store=None),
            "category": FaultCategory.objects.visible_to(by).filter(is_active=True),
            "product": Product.objects.visible_to(by).filter(is_active=True),
            "installation": Installation.objects.visible_to(by)
            .filter(store=ticket.store_id)
            .select_related("product"),
        }.items():
            self.fields[name].queryset = queryset  # type: ignore[attr-defined]
            value = getattr(ticket, name)
            self.initial[name] = value.uid if value else None
        for name in ("title", "need", "expected_at", "no_wish"):
            self.initial[name] = getattr(ticket, name)

    def clean_expected_at(self) -> datetime | None:
        """The control knows no seconds; a time that was not touched stays what it is."""
        value: datetime | None = self.cleaned_data["expected_at"]
        old = self.ticket.expected_at
        same = old is not None and value == old.replace(second=0, microsecond=0)
        return old if same else value


# --- The list --------------------------------------------------------------------------------


class FilterForm(DeskForm):
    """What the list shows. Sent by GET, so a saved view is an address."""

    STATUS = [
        ("open", _("Not resolved yet")),
        *Status.choices,
        ("all", _("All")),
    ]
    q = forms.CharField(
        label=_("Search"), max_length=60, required=False,
        widget=forms.SearchInput(
            attrs={"placeholder": _("Number or text, two characters will do")}
        ),
    )  # fmt: skip
    status = forms.ChoiceField(label=_("Status"), choices=STATUS, required=False)
    who = forms.ChoiceField(
        label=_("Whose"), required=False,
        choices=[
            ("", _("Everybody's")),
            ("mine", _("Assigned to me")),
            ("owned", _("I am first-contact owner")),
            ("team", _("My team's")),
            ("unassigned", _("Nobody's yet")),
        ],
    )  # fmt: skip
    due = forms.ChoiceField(
        label=_("Time"), required=False,
        choices=[
            ("", _("Any")),
            ("overdue", _("Overdue")),
            ("soon", _("Due within 4 hours")),
        ],
    )  # fmt: skip
    urgent = forms.ChoiceField(
        label=_("Urgency"), required=False,
        choices=[("", _("Any")), ("yes", _("Urgent")), ("complaint", _("Complaint"))],
    )  # fmt: skip
    store = UidChoiceField(
        None, label=_("Store"), required=False,
        widget=RemoteSelect(url_name="customers:store_options", hint=_("Name, pinyin or code")),
    )  # fmt: skip
    customer = UidChoiceField(None, label=_("Customer"), required=False, widget=forms.HiddenInput)
    category = UidChoiceField(None, label=_("Fault category"), required=False)
    sort = forms.ChoiceField(
        label=_("Order"), required=False,
        choices=[("due", _("Urgent first, then by remaining time")), ("new", _("Newest first"))],
    )  # fmt: skip

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, queryset in {
            "store": Store.objects.visible_to(by),
            "customer": Customer.objects.visible_to(by),
            "category": FaultCategory.objects.visible_to(by).filter(is_active=True),
        }.items():
            self.fields[name].queryset = queryset  # type: ignore[attr-defined]

    @property
    def active(self) -> int:
        """How many filters narrow the list."""
        if not self.is_bound:
            return 0
        return sum(1 for name in self.fields if name != "sort" and self.data.get(name))


class BulkAssignForm(DeskForm):
    tickets = forms.CharField(widget=forms.MultipleHiddenInput, required=False)
    assignee = _worker_field(_("Assign to"))


class SaveViewForm(DeskForm):
    name = forms.CharField(label=_("Name of the view"), max_length=40)
    query = forms.CharField(widget=forms.HiddenInput, max_length=500, required=False)


def _required(value: datetime | None, message: str) -> datetime:
    if value is None:
        raise forms.ValidationError(message)
    return value
