"""One form per transition: its cleaned data are the arguments of the action of that name.

`script` is what the engineer says then, with the names filled in; `one_tap` forms need nothing
typed, so the big button acts at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from customers.models import Store
from knowledge.models import FaultCategory
from servicedesk.core.actors import Actor
from servicedesk.core.files import ACCEPT
from servicedesk.core.forms import (
    DateInput,
    DeskForm,
    PhoneInput,
    RadioButtons,
    RemoteSelect,
    SubmitButtons,
    Textarea,
    UidChoiceField,
)
from servicedesk.core.link_mail import masked
from servicedesk.core.moments import spoken
from visits import planning
from visits.clocks import LATE_NOTICE, LONG_NOTICE, SHORT_NOTICE
from visits.models import (
    ARRIVAL_ITEMS,
    CLOSING_ITEMS,
    DEPARTURE_ITEMS,
    USB_OUT,
    Appointment,
    ContactAttempt,
    Part,
    VisitOrder,
    WorkRecord,
)
from visits.pdf import numbers_to_call
from visits.queries import AHEAD, NOT_SEALED, PHOTOS, in_words, lacking
from visits.states import Status


def _text(label: Any, *, rows: int = 2, longest: int = 300, required: bool = True) -> Any:
    return forms.CharField(
        label=label, max_length=longest, required=required, widget=Textarea(rows=rows)
    )


def _line(label: Any, *, longest: int = 120, required: bool = True, **more: Any) -> Any:
    return forms.CharField(label=label, max_length=longest, required=required, **more)


def _ticks(items: Mapping[str, Any], label: Any) -> Any:
    return forms.MultipleChoiceField(
        label=label, choices=list(items.items()), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip


def _choose(form: forms.BaseForm, name: str, queryset: Any) -> None:
    """Give a choice field the records that this person may see."""
    field: Any = form.fields[name]
    field.queryset = queryset


class VisitForm(DeskForm):
    """The base: knows the visit and the person."""

    one_tap: ClassVar[bool] = False
    script: ClassVar[Any] = ""
    intro: Any = ""
    # On the button, where the name of the act does not say that it is saved.
    submit: ClassVar[Any] = ""

    def __init__(
        self,
        *args: Any,
        visit: VisitOrder,
        by: Actor,
        at: datetime | None = None,
        filled: bool = True,
        **kwargs: Any,
    ) -> None:
        """at: when it happened, if that was earlier. filled: without it the form is nobody's."""
        super().__init__(*args, **kwargs)
        self.visit, self.by, self.moment = visit, by, at or timezone.now()
        self.arrange()
        if filled:
            self.prepare()

    def arrange(self) -> None:
        """Choices and order, the same for every visit."""

    def prepare(self) -> None:
        """Fill in what is known of this visit already."""

    def spoken(self) -> str:
        """The script with the names of this visit."""
        visit = self.visit
        return str(self.script) % {
            "company": settings.COMPANY_NAME,
            "me": self.by.label,
            "customer": visit.salutation or visit.contact_name,
            "address": visit.address,
            "phone": visit.contact_phone,
            "window": in_words(visit.window_from, visit.window_until) or gettext("the agreed time"),
            "need": visit.need[:60],
        }


class MomentForm(VisitForm):
    """Something that happens at a moment: now, unless it is reported later."""

    at = forms.DateTimeField(
        label=_("When it happened"), required=False,
        help_text=_("Only if you report it later; empty means now."),
    )  # fmt: skip

    def clean_at(self) -> datetime | None:
        at: datetime | None = self.cleaned_data["at"]
        if at is not None and at > timezone.now() + AHEAD:
            raise forms.ValidationError(_("This lies in the future."))
        return at

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("at") is None:
            data.pop("at", None)
        return data

    def arrange(self) -> None:
        # The rare correction stands last.
        self.fields["at"] = self.fields.pop("at")


class TapForm(MomentForm):
    one_tap = True


class AtOnceForm(VisitForm):
    """Nothing to say: the button acts."""

    one_tap = True


class ReasonForm(VisitForm):
    reason = _text(_("Reason"))


# --- the desk ---------------------------------------------------------------------------------


class AssignForm(VisitForm):
    engineer = UidChoiceField(None, label=_("Engineer"))

    def prepare(self) -> None:
        engineers = User.objects.visible_to(self.by).able_to("visits.work")
        _choose(self, "engineer", engineers.exclude(pk=self.visit.engineer_id or 0))


def _bring() -> Any:
    return _text(_("What to bring"), longest=1000, required=False)


class BringForm(VisitForm):
    submit = _("Save")
    intro = _("The engineer sees it in his day and on the departure checklist.")
    bring = _bring()

    def prepare(self) -> None:
        self.initial.setdefault("bring", self.visit.bring)


class PlanForm(VisitForm):
    """Without a time, but with a day: the first window of that day in which he can come."""

    intro = _("A plan is no promise: the time counts when the customer has agreed to it.")
    spans: ClassVar[Mapping[str, int]] = {"engineer": 12, "window_from": 7, "length": 5}
    engineer = UidChoiceField(None, label=_("Engineer"))
    window_from = forms.DateTimeField(label=_("From"), required=False)
    length = forms.IntegerField(label=_("Minutes"), min_value=15, max_value=720, initial=60)
    day = forms.DateField(required=False, widget=forms.HiddenInput)

    def arrange(self) -> None:
        _choose(self, "engineer", User.objects.visible_to(self.by).able_to("visits.work"))
        self.fields["window_from"].widget.is_required = True

    def prepare(self) -> None:
        self.initial.setdefault("engineer", self.visit.engineer)
        self.initial.setdefault("window_from", self.visit.planned_from or self.visit.window_from)
        self.fields["window_from"].help_text = _opening_hours(self.visit)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        day, length = data.pop("day", None), data.pop("length", None)
        start, engineer = data.get("window_from"), data.get("engineer")
        if engineer is None or length is None or "window_from" in self.errors:
            return data
        if start is None and day is None:
            self.add_error("window_from", self.fields["engineer"].error_messages["required"])
            return data
        if start is None:
            found = planning.first_free(
                self.visit, engineer, day, now=self.moment, length=timedelta(minutes=length)
            )
            if found is None:
                message = gettext("%(person)s has no free window that day.")
                self.add_error("window_from", message % {"person": engineer.name})
                return data
            start = data["window_from"] = found.window_from
        data["window_until"] = start + timedelta(minutes=length)
        return data


class SlotsField(forms.MultipleChoiceField):
    """Windows as `from/until` in ISO; also one that was proposed when the page was opened."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "required": _("Choose at least one time."),
        "invalid": _("This is no time."),
    }

    def valid_value(self, value: Any) -> bool:
        return True

    def clean(self, value: Any) -> Any:
        try:
            found = [
                tuple(map(datetime.fromisoformat, text.split("/"))) for text in super().clean(value)
            ]
        except ValueError:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None
        if any(len(each) != 2 or None in [m.tzinfo for m in each] for each in found):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return found


class OfferForm(VisitForm):
    intro: Any = _(
        "The customer chooses one of these times by a link of his own. Until then nothing is"
        " promised, and nothing that is promised moves."
    )
    slots = SlotsField(label=_("Times"), widget=forms.CheckboxSelectMultiple)
    asked_by = forms.ChoiceField(
        label=_("Who asked for another time?"), choices=Appointment.AskedBy.choices,
        widget=RadioButtons,
    )  # fmt: skip
    reason = _text(_("Reason"))

    def arrange(self) -> None:
        if self.visit.status != Status.APPOINTED:
            del self.fields["asked_by"], self.fields["reason"]

    def prepare(self) -> None:
        address = masked(self.visit.contact.email) if self.visit.contact else ""
        if address:
            mailed = gettext("The link is sent by e-mail to %(address)s, too.")
            self.intro = f"{self.intro} {mailed % {'address': address}}"
        windows = planning.windows_to_offer(self.visit, now=self.moment)
        values = [f"{start.isoformat()}/{until.isoformat()}" for start, until in windows]
        field: Any = self.fields["slots"]
        field.choices = [
            (value, in_words(*window)) for value, window in zip(values, windows, strict=True)
        ]
        self.initial.setdefault("slots", values[:3])


class AnswerForm(DeskForm):
    """The customer's: which of the times."""

    slot = forms.ChoiceField(label=_("When may we come?"), widget=RadioButtons)
    name = _line(_("Your name"), longest=60)
    address_right = forms.BooleanField(label=_("This address is right"), required=False)
    note = _text(_("What should the engineer know?"), required=False)

    def __init__(self, *args: Any, times: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        slot: Any = self.fields["slot"]
        slot.choices = times
        slot.error_messages["invalid_choice"] = _(
            "This time is not offered any more. Please choose another."
        )

    def clean_slot(self) -> datetime:
        return datetime.fromisoformat(self.cleaned_data["slot"])


class NoneSuitsForm(DeskForm):
    name = _line(_("Your name"), longest=60)
    wish = _text(_("When would it suit you?"), required=False)


class SendAnotherForm(AssignForm):
    intro = _(
        "What is recorded stays. An appointment that the engineer has not come to stands for his"
        " colleague, too."
    )
    reason = _text(_("Why does the engineer not go on?"))


class PassOnForm(AssignForm):
    intro = _("The colleague has the form signed and hands it in.")
    reason = _text(_("Why does the engineer not go on?"))


class ReturnForm(ReasonForm):
    reason = _text(_("What is missing?"))

    def prepare(self) -> None:
        """The list says it already; the form that is being sealed is nothing to bring."""
        gaps = [gap.text for gap in lacking(self.visit) if gap.text is not NOT_SEALED]
        self.initial["reason"] = "\n".join(map(str, gaps))


class FollowUpForm(VisitForm):
    script = _(
        "Hello %(customer)s, this is %(company)s. Our engineer was with you; does everything work"
        " well now? Is there anything else we can do for you?"
    )
    result = _text(_("What did the customer say?"), longest=500)
    satisfied = forms.TypedChoiceField(
        label=_("Is the customer satisfied?"), choices=[("yes", _("Yes")), ("no", _("No"))],
        coerce=lambda value: value == "yes", widget=RadioButtons,
    )  # fmt: skip


# --- accepting --------------------------------------------------------------------------------


class AcceptForm(VisitForm):
    first_judgement = _text(_("What do you expect to find?"), longest=1000)
    unclear = _text(_("What is unclear?"), longest=1000, required=False)


class ConsultForm(VisitForm):
    source = _line(_("Whom or what did you consult?"))
    learned = _text(_("What did you learn?"), longest=500, required=False)


# --- the appointment --------------------------------------------------------------------------


class AttemptForm(VisitForm):
    submit = _("Save the call")
    outcome = forms.ChoiceField(
        label=_("How did the call end?"), choices=ContactAttempt.Outcome.choices,
        widget=RadioButtons,
    )  # fmt: skip
    next_try_at = forms.DateTimeField(
        label=_("Try again at"), required=False,
        help_text=_("Empty: 10 minutes later if busy, else half an hour."),
    )  # fmt: skip
    note = _line(_("Remarks"), required=False, longest=300)


class WindowForm(VisitForm):
    """Beginning and length of a window become what the action takes."""

    spans: ClassVar[Mapping[str, int]] = {"window_from": 6, "length": 6}
    window_from = forms.DateTimeField(label=_("From"))
    length = forms.TypedChoiceField(
        label=_("How long"), coerce=int, initial=60, widget=RadioButtons,
        choices=[(30, _("30 min")), (60, _("1 hour")), (90, _("1.5 h")), (120, _("2 h"))],
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        length, start = data.pop("length", None), data.get("window_from")
        if length and start:
            data["window_until"] = start + timedelta(minutes=length)
        return data

    def prepare(self) -> None:
        self.initial.setdefault("agreed_with", self.visit.salutation or self.visit.contact_name)
        self.initial.setdefault("travel_minutes", self.visit.travel_minutes)
        self.fields["window_from"].help_text = _opening_hours(self.visit)


def _opening_hours(visit: VisitOrder) -> str:
    """Of the store, to be seen where a time is chosen."""
    known = visit.store.opening_hours
    return gettext("Opening hours of the store: %(hours)s") % {"hours": known} if known else ""


def _travel() -> Any:
    return forms.IntegerField(label=_("Travel time (minutes)"), min_value=0, max_value=600)


class AppointForm(WindowForm):
    script = _(
        "Hello %(customer)s, this is %(me)s, engineer of %(company)s. I have read your request and"
        " would like to come to you. When does it suit you? — The address is %(address)s, and I"
        " reach you at %(phone)s, is that right? — Thank you, see you then."
    )
    agreed_with = _line(_("Agreed with"), longest=60)
    address_verified = forms.BooleanField(
        label=_("Address checked with the customer"), required=False
    )
    phone_verified = forms.BooleanField(label=_("Number checked with the customer"), required=False)
    address = _line(_("Address"), longest=300)
    contact_phone = _line(_("Telephone"), longest=30, widget=PhoneInput)
    travel_minutes = _travel()

    def prepare(self) -> None:
        super().prepare()
        visit = self.visit
        self.initial.setdefault("address", visit.address)
        self.initial.setdefault("contact_phone", visit.contact_phone)
        # What the desk has planned is what he proposes on the telephone.
        if visit.planned_from and visit.planned_from > self.moment:
            self.initial.setdefault("window_from", visit.planned_from)
        soon = timezone.localtime() + timedelta(minutes=visit.travel_minutes + 30)
        self.initial.setdefault(
            "window_from",
            soon.replace(minute=30 if soon.minute < 30 else 0, second=0, microsecond=0)
            + timedelta(hours=0 if soon.minute < 30 else 1),
        )


class RearrangeForm(WindowForm):
    script = _(
        "%(customer)s, this is %(me)s of %(company)s. I am very sorry: I cannot keep %(window)s."
        " May I come at another time? When would it suit you?"
    )
    # Two taps, when the customer has agreed: here, and on the time. The rest is filled in already.
    shift = forms.TypedChoiceField(
        label=_("He agrees to come later by"), coerce=int, required=False, widget=SubmitButtons,
        choices=[
            (30, _("30 min")), (60, _("1 hour")), (120, _("2 h")), (24 * 60, _("a day")),
        ],
    )  # fmt: skip
    asked_by = forms.ChoiceField(
        label=_("Who asked for another time?"), choices=Appointment.AskedBy.choices,
        initial=Appointment.AskedBy.ENGINEER, widget=RadioButtons,
    )  # fmt: skip
    reason = _text(_("Reason"))
    agreed_with = _line(_("Who agreed?"), longest=60)
    travel_minutes = _travel()

    def arrange(self) -> None:
        super().arrange()
        # What the buttons say already is asked for only where none of them fits.
        self.fields["window_from"].required = False
        self.order_fields(["reason", "shift", "asked_by", "agreed_with"])

    def prepare(self) -> None:
        super().prepare()
        self.initial.setdefault("reason", gettext("Held up at the visit before"))
        start = self.visit.window_from
        if start is None:
            del self.fields["shift"]
            return
        rule = gettext(
            "The rule: within half a day, tell the customer 30 minutes before (by %(near)s);"
            " to a later time, 4 hours before (by %(far)s)."
        )
        near, far = start - timedelta(minutes=SHORT_NOTICE), start - timedelta(minutes=LONG_NOTICE)
        self.intro = rule % {"near": spoken(near), "far": spoken(far)}

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        shift, visit = data.pop("shift", None), self.visit
        if shift and visit.window_from and visit.window_until:
            data["window_from"] = visit.window_from + timedelta(minutes=shift)
            data["window_until"] = visit.window_until + timedelta(minutes=shift)
            self.errors.pop("window_from", None)
        elif not data.get("window_from") and "window_from" not in self.errors:
            self.add_error("window_from", self.fields["window_from"].error_messages["required"])
        return data


class NewTimeRefusedForm(ReasonForm):
    intro = _("Your supervisor is told at once and finds a way.")
    reason = _text(_("What did the customer say?"))


class TellLateForm(VisitForm):
    script = _(
        "%(customer)s, this is %(me)s of %(company)s. I am sorry, I am held up on the way and will"
        " be a little late. Thank you for waiting."
    )
    # The choice is the second tap, and the last.
    sends_itself = True
    reason = _text(_("Reason"), required=False, longest=200)
    minutes = forms.TypedChoiceField(
        label=_("When will you be there?"), coerce=int, widget=SubmitButtons,
        choices=[(n, _("in %d min") % n) for n in (10, 20, 30, 45, 60, 90)],
    )  # fmt: skip

    def prepare(self) -> None:
        if self.visit.window_from is not None:
            rule = gettext(
                "The rule: tell the customer at the latest 5 minutes before (by %(time)s)."
            )
            self.intro = rule % {"time": spoken(self.visit.window_from - LATE_NOTICE)}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        minutes = data.pop("minutes", None)
        if minutes:
            data["expected_at"] = self.moment + timedelta(minutes=minutes)
        return data


# --- the way ----------------------------------------------------------------------------------


class PrepareForm(VisitForm):
    submit = _("Save the checklist")
    spans: ClassVar[Mapping[str, int]] = {"usb_drive": 6, "usb_scanned_at": 6}
    ticked = _ticks(DEPARTURE_ITEMS, _("I have"))
    usb_drive = _line(
        _("Number of the USB drive"), required=False, longest=40,
        help_text=_("Empty if you take none."),
    )  # fmt: skip
    usb_scanned_at = forms.DateTimeField(label=_("Scanned for viruses at"), required=False)

    def prepare(self) -> None:
        if self.visit.bring:
            self.intro = gettext("Bring along: %(things)s") % {"things": self.visit.bring}


class WaitForm(MomentForm):
    submit = _("Record that the customer is not there")
    script = _(
        "%(customer)s, this is %(me)s of %(company)s, I am at your place. Shall we find another"
        " time, or may a colleague of yours receive me?"
    )
    asked = _text(_("Whom did you ask, and what was the answer?"), required=False)


class LeaveNoteForm(VisitForm):
    submit = _("Record the note left")
    spans: ClassVar[Mapping[str, int]] = {"proposed_from": 6, "proposed_until": 6}
    left_with = _line(_("Where is the note, or who has it?"))
    phone = _line(_("Number to call"), longest=60, required=False)
    proposed_from = forms.DateTimeField(label=_("Proposed time: from"), required=False)
    proposed_until = forms.DateTimeField(label=_("Until"), required=False)

    def prepare(self) -> None:
        self.initial.setdefault("phone", numbers_to_call(self.visit))


class StartForm(MomentForm):
    script = _(
        "Hello, I am %(me)s, engineer of %(company)s; this is my badge. I have come because of your"
        " request: %(need)s"
    )
    ticked = _ticks(ARRIVAL_ITEMS, _("I have"))
    people_met = _line(_("Who receives you?"), required=False)

    def prepare(self) -> None:
        self.initial.setdefault("people_met", self.visit.contact_name)


# --- the work ---------------------------------------------------------------------------------


class InterruptForm(MomentForm):
    reason = _text(_("What stops the work?"))


class RecordForm(VisitForm):
    submit = _("Save the work record")
    spans: ClassVar[Mapping[str, int]] = {
        "tested_by": 6, "test_result": 6, "next_step": 6, "next_step_at": 6,
    }  # fmt: skip
    category = UidChoiceField(None, label=_("Fault category"), required=False)
    findings = _text(_("Findings"), longest=4000, required=False)
    cause = _text(_("Cause"), longest=4000, required=False)
    work_done = _text(_("What was done"), longest=4000, required=False)
    changes_made = _text(_("Changed on the customer's machines"), longest=2000, required=False)
    touches_data = forms.BooleanField(
        label=_("The work touches the customer's data"), required=False
    )
    data_consent_by = _line(_("Who allowed it?"), longest=60, required=False)
    tested_by = _line(_("Tested by (customer)"), longest=60, required=False)
    test_result = _line(_("Result of the test"), longest=300, required=False)
    result = forms.ChoiceField(
        label=_("Result"), choices=WorkRecord.Result.choices, required=False, widget=RadioButtons
    )
    next_step = _line(
        _("Next step"), longest=300, required=False,
        help_text=_("If it is not solved: what happens next, and by when."),
    )  # fmt: skip
    next_step_at = forms.DateTimeField(label=_("Next step by"), required=False)
    advice = _text(_("Advice on use and care"), longest=2000, required=False)
    other_needs = _text(_("Other needs of the customer"), longest=2000, required=False)

    def arrange(self) -> None:
        _choose(self, "category", FaultCategory.objects.visible_to(self.by))

    def prepare(self) -> None:
        self.draft_key = f"visit-{self.visit.number}"
        work = getattr(self.visit, "work", None)
        for name in self.fields:
            value = getattr(work, name, None) if work else None
            self.initial.setdefault(name, value)
        if not self.initial["category"]:
            self.initial["category"] = self.visit.category
        if not self.initial["tested_by"]:
            self.initial["tested_by"] = self.visit.contact_name


class AddPartForm(VisitForm):
    """The telephone finds parts by name, pinyin and code (js/phone/parts.js) and fills both in."""

    spans: ClassVar[Mapping[str, int]] = {"name": 6, "code": 3, "quantity": 3, "serial": 6}
    name = _line(
        _("Part or software"), longest=80, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "data-parts": True}),
    )  # fmt: skip
    code = _line(
        _("Part code"), longest=30, required=False,
        help_text=_("Of the stock list; empty for what is not on it."),
    )  # fmt: skip
    quantity = forms.IntegerField(label=_("Quantity"), min_value=1, max_value=999, initial=1)
    serial = _line(_("Serial number"), longest=60, required=False)


class RemovePartForm(VisitForm):
    part = UidChoiceField(None, label=_("Part"))

    def arrange(self) -> None:
        _choose(self, "part", Part.objects.none())

    def prepare(self) -> None:
        _choose(self, "part", Part.objects.filter(visit=self.visit))


class FinishForm(MomentForm):
    ticked = _ticks(CLOSING_ITEMS, _("Before leaving"))


class ReviseForm(ReasonForm):
    intro = _("What was shown for signature counts no more; the form is signed anew.")
    reason = _text(_("What is to be corrected?"))


# --- the form ---------------------------------------------------------------------------------


class RefuseSignatureForm(ReasonForm):
    intro = _("This is a normal outcome: the form says so and is signed by you alone.")
    reason = _text(_("Why does the customer not sign?"))


class HandInForm(VisitForm):
    usb_scanned_at = forms.DateTimeField(label=_("USB drive scanned on return at"))

    def prepare(self) -> None:
        if all(row.item != USB_OUT for row in self.visit.checklist.all()):
            del self.fields["usb_scanned_at"]


class ComplaintForm(VisitForm):
    submit = _("Record the complaint")
    intro = _("Listen, do not argue, take it on. Your supervisor is told at once.")
    text = _text(_("What did the customer say?"), longest=1000, rows=3)


class AttachForm(VisitForm):
    file = forms.FileField(
        label=_("Photo or file"), widget=forms.ClearableFileInput(attrs={"accept": ACCEPT})
    )
    purpose = forms.ChoiceField(
        label=_("What it shows"), required=False, widget=RadioButtons, choices=list(PHOTOS.items())
    )


FORMS: dict[str, type[VisitForm]] = {
    "assign": AssignForm,
    "note_bring": BringForm,
    "plan": PlanForm,
    "offer_times": OfferForm,
    "send_another": SendAnotherForm,
    "pass_on_form": PassOnForm,
    "cancel": ReasonForm,
    "accept": AcceptForm,
    "send_back": ReasonForm,
    "consult": ConsultForm,
    "log_attempt": AttemptForm,
    "appoint": AppointForm,
    "rearrange": RearrangeForm,
    "refuse_new_time": NewTimeRefusedForm,
    "tell_late": TellLateForm,
    "prepare": PrepareForm,
    "depart": TapForm,
    "arrive": TapForm,
    "wait_for_customer": WaitForm,
    "meet": TapForm,
    "leave_note": LeaveNoteForm,
    "start_work": StartForm,
    "interrupt": InterruptForm,
    "resume": TapForm,
    "record_work": RecordForm,
    "add_part": AddPartForm,
    "remove_part": RemovePartForm,
    "finish": FinishForm,
    "revise": ReviseForm,
    "present_form": AtOnceForm,
    "refuse_signature": RefuseSignatureForm,
    "hand_in": HandInForm,
    "return_form": ReturnForm,
    "archive": AtOnceForm,
    "follow_up": FollowUpForm,
    "flag_complaint": ComplaintForm,
    "attach": AttachForm,
}


# --- pages of their own -----------------------------------------------------------------------


class OrderForm(DeskForm):
    """An order without a ticket: by the business side, for training, after a telephone call."""

    spans: ClassVar[Mapping[str, int]] = {
        "store": 6, "contact_name": 6, "contact_phone": 6, "category": 6,
    }  # fmt: skip
    draft_key = "visit-order"
    store = UidChoiceField(
        None, label=_("Store"), widget=RemoteSelect(url_name="customers:store_options")
    )
    contact_name = _line(_("Contact"), longest=60)
    contact_phone = _line(_("Telephone"), longest=30, required=False, widget=PhoneInput)
    address = _line(
        _("Address"), longest=300, required=False,
        help_text=_("Empty: the address of the store."),
    )  # fmt: skip
    need = _text(_("Need in the customer's words"), longest=4000, rows=3)
    bring = _bring()
    category = UidChoiceField(None, label=_("Fault category"), required=False)
    is_urgent = forms.BooleanField(label=_("Urgent"), required=False)

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self, "store", Store.objects.visible_to(by))
        _choose(self, "category", FaultCategory.objects.visible_to(by))


class FilterForm(DeskForm):
    """The filters of the list."""

    q = forms.CharField(
        label=_("Search"), required=False, max_length=100,
        widget=forms.TextInput(attrs={"type": "search"}),
    )  # fmt: skip
    status = forms.ChoiceField(label=_("Status"), required=False)
    engineer = UidChoiceField(None, label=_("Engineer"), required=False)
    day = forms.DateField(label=_("Day of the appointment"), required=False, widget=DateInput)

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        status: Any = self.fields["status"]
        status.choices = [("", _("All")), *Status.choices]
        _choose(self, "engineer", User.objects.visible_to(by).able_to("visits.work"))
