"""The intake form: everything one can be told on the telephone, on one screen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from customers.models import Contact, Customer, Installation, Product, Store
from knowledge.models import Article, FaultCategory
from servicedesk.core.actors import Actor
from servicedesk.core.forms import (
    DateInput,
    DeskForm,
    PhoneInput,
    RadioButtons,
    RemoteSelect,
    Textarea,
    UidChoiceField,
)
from tickets.actions.calls import completed, objections
from tickets.forms.times import NONE, QuickTimeField
from tickets.models import Call, ReferralTarget, Ticket
from tickets.queries import open_for_caller

NOT_A_TELEPHONE = _("This is not a telephone number.")
NO_COUNT = _("Enter how often it rang as a number from 0 to 99, or leave it empty.")


def _hidden(label: Any = "") -> UidChoiceField:
    return UidChoiceField(None, label=label, required=False, widget=forms.HiddenInput)


# How each end of a call looks; its key is its place.
OUTCOME_ICONS = {
    Call.Outcome.SOLVED: "circle-check",
    Call.Outcome.TICKET: "ticket",
    Call.Outcome.VISIT: "truck",
    Call.Outcome.MESSAGE: "message-2",
    Call.Outcome.PROMISE: "phone-calling",
    Call.Outcome.REFERRAL: "arrow-forward-up",
    Call.Outcome.WRONG_NUMBER: "phone-off",
    Call.Outcome.EXISTING: "link",
}


# What an end of a call asks for; what is named here is not on the screen for the other ends.
ASKED = {
    Call.Outcome.SOLVED: {"solution", "article", "confirmed"},
    Call.Outcome.TICKET: {"expected_at", "is_urgent", "urgency_reason", "title", "assignee"},
    Call.Outcome.VISIT: {"expected_at", "is_urgent", "urgency_reason", "title", "visit_reason"},
    Call.Outcome.EXISTING: {"ticket"},
    Call.Outcome.MESSAGE: {"to_user", "about_visit", "call_back_by"},
    Call.Outcome.PROMISE: {"promise_owner", "promise_due_at"},
    Call.Outcome.REFERRAL: {
        "referral", "new_referral_topic", "new_referral_name", "new_referral_phone",
    },
}  # fmt: skip


class OutcomeButtons(forms.RadioSelect):
    """One key each."""

    template_name = "tickets/calls/outcome_buttons.html"

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(*args, **kwargs)
        outcome = Call.Outcome(option["value"])
        key = list(OUTCOME_ICONS).index(outcome) + 1
        return option | {"icon": OUTCOME_ICONS[outcome], "key": key}


def _colleague(label: Any) -> UidChoiceField:
    widget = RemoteSelect(url_name="accounts:find", hint=_("Name or pinyin"))
    return UidChoiceField(None, label=label, required=False, widget=widget)


class IntakeForm(DeskForm):
    """Its names are those of `actions.calls.Intake`, so it is sent as it is."""

    # Offered while one types.
    salutations = (_("store manager"), _("Ms"), _("Mr"), _("cashier"), _("accountant"))
    urgency_reasons = (
        _("The till does not work, customers are waiting"),
        _("All members' points are wrong"),
        _("A sales campaign is running"),
    )

    intake_key = forms.UUIDField(widget=forms.HiddenInput, required=False)
    # Who calls
    caller_number = forms.CharField(
        label=_("Number"), max_length=30, required=False, widget=PhoneInput
    )
    caller_name = forms.CharField(label=_("Name of the caller"), max_length=60, required=False)
    salutation = forms.CharField(
        label=_("Form of address"), max_length=30, required=False,
        widget=forms.TextInput(attrs={"list": "salutations"}),
    )  # fmt: skip
    answered_at = forms.DateTimeField(label=_("Answered at"))
    ring_count = forms.IntegerField(
        label=_("Rings"), min_value=0, max_value=99, required=False,
        # A number field would not show again what is no number.
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), NO_COUNT),
    )  # fmt: skip
    greeted = forms.BooleanField(label=_("Greeted with company and name"), required=False)
    store = _hidden(_("store"))
    contact = _hidden(_("contact"))
    save_contact = forms.BooleanField(
        label=_("Keep the caller as a contact of the store"), required=False
    )
    new_store_name = forms.CharField(label=_("Name of the store"), max_length=120, required=False)
    new_store_address = forms.CharField(label=_("Address"), max_length=200, required=False)
    new_store_customer = UidChoiceField(
        None, label=_("Customer"), required=False,
        widget=RemoteSelect(url_name="customers:customer_options"),
    )  # fmt: skip
    new_customer_name = forms.CharField(
        label=_("or a new customer"), max_length=120, required=False
    )
    # What he needs
    installation = UidChoiceField(
        None, label=_("Installed at the store"), required=False, widget=RadioButtons
    )
    product = UidChoiceField(
        None, label=_("Product"), required=False, empty_label=_("– please confirm –")
    )
    need = forms.CharField(
        label=_("In the customer's words"), max_length=4000, required=False,
        widget=Textarea(rows=2),
    )  # fmt: skip
    category = UidChoiceField(
        None, label=_("Fault category"), required=False,
        widget=RemoteSelect(url_name="knowledge:category_options", hint=_("Type or choose")),
    )  # fmt: skip
    # How it ends
    outcome = forms.ChoiceField(
        label=_("How the call ends"), choices=Call.Outcome.choices, required=False,
        widget=OutcomeButtons,
    )  # fmt: skip
    solution = forms.CharField(
        label=_("What solved it"), max_length=4000, required=False, widget=Textarea(rows=3)
    )
    article = _hidden(_("Knowledge entry"))
    confirmed = forms.BooleanField(
        label=_("The caller confirmed that it works: close the ticket"), required=False
    )
    title = forms.CharField(
        label=_("Subject"), max_length=120, required=False,
        widget=forms.TextInput(attrs={"placeholder": _("else the first line of the need")}),
    )  # fmt: skip
    is_urgent = forms.BooleanField(label=_("Urgent"), required=False)
    urgency_reason = forms.CharField(
        label=_("Why it is urgent"), max_length=200, required=False,
        widget=forms.TextInput(attrs={"list": "urgency-reasons"}),
    )  # fmt: skip
    expected_at = QuickTimeField(
        "2h", "today", "tomorrow", "24h",
        none=_("no wish"), label=_("When does the customer need it?"),
    )  # fmt: skip
    assignee = _colleague(_("Assign to"))
    visit_reason = forms.CharField(
        label=_("What is to be done on site"), max_length=1000, required=False,
        widget=Textarea({"placeholder": _("else as the customer said it")}, rows=2),
    )  # fmt: skip
    phone_solution_offered = forms.BooleanField(
        label=_("I offered to help by telephone"), required=False
    )
    read_back = forms.BooleanField(
        label=_("Read back; the caller knows that it is recorded"), required=False
    )
    ticket = UidChoiceField(None, label=_("Which ticket is it about?"), required=False)
    to_user = _colleague(_("For"))
    about_visit = forms.BooleanField(label=_("It is about a visit"), required=False)
    call_back_by = QuickTimeField("30m", "1h", "today", "tomorrow", label=_("Call back by"))
    promise_owner = _colleague(_("Who calls back"))
    promise_due_at = QuickTimeField(
        "30m", "1h", "2h", "today", "tomorrow", label=_("Answer promised by")
    )
    referral = UidChoiceField(
        None, label=_("Refer to"), required=False, empty_label=_("– please choose –")
    )
    new_referral_topic = forms.CharField(label=_("Topic"), max_length=60, required=False)
    new_referral_name = forms.CharField(label=_("Who helps with it"), max_length=80, required=False)
    new_referral_phone = forms.CharField(
        label=_("Telephone"), max_length=30, required=False, widget=PhoneInput
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        by: Actor,
        now: datetime,
        draft: dict[str, list[str]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data, **kwargs)
        self.now = now
        if draft is not None:
            self.initial = {**self.initial, **self._typed(draft)}
        chosen: Any = data if data is not None else self.initial
        self._people(by)
        self._offer("store", Store.objects.visible_to(by).filter(is_active=True))
        self.the_store: Store | None = self._find("store", chosen)
        self._offer("contact", Contact.objects.visible_to(by).filter(is_active=True))
        self.the_contact: Contact | None = self._find("contact", chosen)
        self._offer("new_store_customer", Customer.objects.visible_to(by).filter(is_active=True))
        self._offer("product", Product.objects.visible_to(by).filter(is_active=True))
        self._offer(
            "installation",
            Installation.objects.visible_to(by)
            .filter(store=self.the_store, is_active=True)
            .select_related("product"),
        )
        self._offer("ticket", open_for_caller(by, self.the_store, self.the_contact))
        self.the_ticket: Ticket | None = self._find("ticket", chosen)
        self._offer("category", FaultCategory.objects.visible_to(by).filter(is_active=True))
        self._offer("article", Article.objects.visible_to(by))
        self._offer("referral", ReferralTarget.objects.visible_to(by).active())
        for field in self.fields.values():
            if isinstance(field, QuickTimeField):
                field.start_at(now)
        # What the person may not do is not on his screen.
        if not by.may("customers.write"):
            for name in ("save_contact", "new_store_name", "new_store_address",
                         "new_store_customer", "new_customer_name"):  # fmt: skip
                del self.fields[name]
        if not by.may("tickets.close"):
            del self.fields["confirmed"]
        if not by.may("tickets.assign"):
            del self.fields["assignee"]

    @property
    def installed(self) -> bool:
        """Whether the store has products that we know of."""
        field: Any = self.fields["installation"]
        return self.the_store is not None and field.queryset.exists()

    def _people(self, by: Actor) -> None:
        staff = User.objects.staff()
        self._offer("to_user", staff.exclude(pk=by.id or 0))
        self._offer("promise_owner", User.objects.able_to("promises.work"))
        self._offer("assignee", User.objects.able_to("tickets.work"))

    def _offer(self, name: str, queryset: Any) -> None:
        field: Any = self.fields[name]
        field.queryset = queryset

    def _find(self, name: str, chosen: Any) -> Any:
        """The record that is chosen now; a foreign or broken uid chooses nothing."""
        field = self.fields[name]
        try:
            return field.to_python(chosen.get(name))
        except forms.ValidationError:
            return None

    def _typed(self, draft: dict[str, list[str]]) -> dict[str, Any]:
        """A draft as initial values: what was typed, not whether it is right."""
        data = QueryDict(mutable=True)
        for name, values in draft.items():
            data.setlist(name, values)
        return {
            name: field.widget.value_from_datadict(data, {}, name)
            for name, field in self.fields.items()
            if not field.widget.value_omitted_from_data(data, {}, name)
        }

    def clean_caller_number(self) -> str:
        number: str = self.cleaned_data["caller_number"]
        if number and not any(char.isdigit() for char in number):
            raise forms.ValidationError(NOT_A_TELEPHONE)
        return number

    def clean(self) -> dict[str, Any]:
        outcome = self.cleaned_data.get("outcome", "")
        self._leave_out_what_is_not_asked(outcome)
        said = completed(outcome, self.cleaned_data)
        said["no_wish"] = self.data.get(self.add_prefix("expected_at_choice")) == NONE
        for field, message in objections(said.get("outcome", ""), said, at=self.now):
            if field in self.fields and field not in self.errors:
                self.add_error(field, message)
        return said

    def _leave_out_what_is_not_asked(self, outcome: str) -> None:
        """Who changes his mind has left something in fields that he does not see any more."""
        asked = next((names for end, names in ASKED.items() if end == outcome), set())
        for name in set().union(*ASKED.values()) - asked:
            self.cleaned_data.pop(name, None)
            self.errors.pop(name, None)


class CallFilter(forms.Form):
    """The filters of the list of calls."""

    q = forms.CharField(
        label=_("Number, store or name"), max_length=60, required=False,
        widget=forms.TextInput(attrs={"type": "search"}),
    )  # fmt: skip
    outcome = forms.ChoiceField(
        label=_("Outcome"), required=False, choices=[("", _("all")), *Call.Outcome.choices]
    )
    person = UidChoiceField(None, label=_("Taken by"), required=False, empty_label=_("all"))
    day = forms.DateField(label=_("Day"), required=False, widget=DateInput)

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people: Any = self.fields["person"]
        people.queryset = User.objects.staff()
        if not by.may("calls.see_all"):
            del self.fields["person"]
