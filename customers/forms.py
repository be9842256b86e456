"""The forms of master data. The lengths are those of the columns."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from customers.models import Contact, Contract, Customer, Installation, Product, StockPart, Store
from servicedesk.core.actors import Actor
from servicedesk.core.forms import (
    DateInput,
    DeskForm,
    PhoneInput,
    Textarea,
    UidChoiceField,
)


def _text(model: type[Any], name: str, label: Any, **options: Any) -> forms.CharField:
    """A line of text that fits into the column; what the column needs, the form needs."""
    column = model._meta.get_field(name)
    options.setdefault("required", not column.blank)
    return forms.CharField(label=label, max_length=column.max_length, **options)


class Compared:
    """Looks for others with the same name or number as soon as one is typed."""

    compared: tuple[str, ...] = ("phone",)
    fields: dict[str, forms.Field]

    def compare(self, besides: Customer | Store | Contact | None = None) -> None:
        url = reverse("customers:duplicates")
        if besides is not None:
            url += f"?besides={besides.uid}"
        for name in self.compared:
            self.fields[name].widget.attrs |= {
                "hx-get": url, "hx-target": "#duplicates", "hx-trigger": "change",
            }  # fmt: skip


class Masked(DeskForm):
    """An edited number comes masked; left as it is, it is not part of the change."""

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "*" in data.get("phone", ""):
            if data["phone"] == self.initial.get("phone"):
                del data["phone"]
            else:
                self.add_error("phone", _("Enter the whole number, or leave it as it was."))
        return data


class ListFilter(DeskForm):
    q = forms.CharField(
        label=_("Name, pinyin, code or telephone"),
        required=False,
        max_length=60,
        widget=forms.TextInput(
            attrs={"type": "search", "autocomplete": "off", "data-shortcut": "s"}
        ),
    )
    show = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[("", _("In use")), ("all", _("Also out of use"))],
    )


class PartFilter(ListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].label = _("Name, pinyin or code")


class StoreFilter(ListFilter):
    """Of one customer, when one comes from its page."""

    customer = forms.UUIDField(required=False, widget=forms.HiddenInput)


class CustomerForm(Compared, DeskForm):
    compared = ("name",)
    spans = {"name": 8, "code": 4, "short_name": 6, "industry": 6}

    name = _text(Customer, "name", _("Customer's full name"))
    code = _text(
        Customer, "code", _("Customer code"), required=False,
        help_text=_("Left empty it gets a number."),
    )  # fmt: skip
    short_name = _text(Customer, "short_name", _("Short name"))
    industry = _text(Customer, "industry", _("Industry"))
    is_key_account = forms.BooleanField(label=_("Key account"), required=False)
    note = _text(Customer, "note", _("Remarks"), widget=Textarea)


class StoreForm(Compared, Masked):
    spans = {
        "name": 8, "code": 4, "province": 4, "city": 4, "district": 4, "phone": 6,
        "opening_hours": 6,
    }  # fmt: skip

    name = _text(Store, "name", _("Store"))
    code = _text(
        Store, "code", _("Store code"), required=False,
        help_text=_("Left empty it gets a number."),
    )  # fmt: skip
    province = _text(Store, "province", _("Province"))
    city = _text(Store, "city", _("City"))
    district = _text(Store, "district", _("District"))
    address = _text(Store, "address", _("Address"))
    phone = _text(Store, "phone", _("Telephone"), widget=PhoneInput)
    opening_hours = _text(
        Store, "opening_hours", _("Opening hours"),
        widget=forms.TextInput(attrs={"placeholder": "09:00-21:30"}),
    )  # fmt: skip
    note = _text(Store, "note", _("Remarks"), widget=Textarea)


class ContactForm(Compared, Masked):
    spans = {"name": 6, "salutation": 6, "phone": 6, "position": 6}

    name = _text(Contact, "name", _("Contact's name"))
    salutation = _text(
        Contact, "salutation", _("Form of address"),
        help_text=_("As the person wishes to be called, such as 李店长."),
    )  # fmt: skip
    phone = _text(Contact, "phone", _("Telephone"), widget=PhoneInput)
    position = _text(Contact, "position", _("Position"))
    email = forms.EmailField(label=_("E-mail"), required=False)


class ProductForm(DeskForm):
    spans = {"code": 4, "name": 8}

    code = _text(Product, "code", _("Product code"))
    name = _text(Product, "name", _("Product"))
    team = UidChoiceField(
        None, label=_("Team"), required=False, empty_label=_("Any engineer"),
        help_text=_("Whose engineers see and take its tickets that nobody has yet."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = Team.objects.all()  # type: ignore[attr-defined]


class StockPartForm(DeskForm):
    spans = {"code": 4, "name": 8, "spec": 8, "unit": 4}

    code = _text(
        StockPart, "code", _("Part code"),
        help_text=_("As it stands on the label: engineers scan or type it."),
    )  # fmt: skip
    name = _text(StockPart, "name", _("Part"))
    spec = _text(StockPart, "spec", _("Specification"))
    unit = _text(StockPart, "unit", _("Unit"))


class ChangeInstallationForm(DeskForm):
    spans = {"software_version": 6, "remote_id": 6, "installed_on": 6}

    software_version = _text(Installation, "software_version", _("Software version"))
    remote_id = _text(
        Installation, "remote_id", _("Remote id"),
        help_text=_("The number of the remote client on the store's machine."),
    )  # fmt: skip
    installed_on = forms.DateField(label=_("Installed on"), required=False, widget=DateInput)
    note = _text(Installation, "note", _("Remarks"), widget=Textarea)


class InstallationForm(ChangeInstallationForm):
    field_order = ("product",)

    product = UidChoiceField(None, label=_("Product"))

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        products = Product.objects.visible_to(by).active()
        self.fields["product"].queryset = products  # type: ignore[attr-defined]


class ContractForm(DeskForm):
    spans = {"number": 4, "title": 8, "starts_on": 6, "ends_on": 6}

    number = _text(Contract, "number", _("Contract number"))
    title = _text(Contract, "title", _("Title of the contract"))
    starts_on = forms.DateField(label=_("From"), widget=DateInput)
    ends_on = forms.DateField(
        label=_("Until"), required=False, widget=DateInput, help_text=_("Left empty: no end.")
    )


class RevealForm(DeskForm):
    """One click on a reason shows the number; anything else is written down."""

    REASONS = (
        ("call_back", _("Calling the customer")),
        ("visit", _("Arranging a visit")),
        ("check", _("Checking the data")),
    )

    reason = forms.ChoiceField(label=_("Needed for"), required=False, choices=REASONS)
    other = forms.CharField(label=_("Another reason"), required=False, max_length=100)

    def clean(self) -> dict[str, Any]:
        """What the action is told: the reason in words."""
        chosen = self.cleaned_data.get("reason", "")
        reason = str(dict(self.REASONS).get(chosen, "")) or self.cleaned_data.get("other", "")
        if not reason.strip():
            self.add_error("other", _("Say what the number is needed for."))
        return {"reason": reason}


class UploadForm(DeskForm):
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or XLSX, up to 5 MB and 5,000 rows."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
    )
