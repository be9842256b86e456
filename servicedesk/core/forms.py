"""How every form of the product looks and behaves: renderer, base classes, widgets.

`{{ form }}` draws all fields, `{{ form.name.as_field_group }}` one of them, both with label,
required marker, help and error tied to the control (aria-describedby, aria-invalid). The markup
is in `templates/components/form.html` and `field.html`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.boundfield import BoundField
from django.forms.models import ModelChoiceIterator
from django.forms.renderers import TemplatesSetting
from django.forms.utils import flatatt
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from servicedesk.core.fields import in_this_century, one_line
from servicedesk.core.states import Transition

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class DeskBoundField(BoundField):
    """A field that knows the class of its control and its width in the form's grid."""

    @property
    def span(self) -> int:
        """Columns of twelve on a wide screen; on a narrow one each field has the whole row."""
        spans: Mapping[str, int] = getattr(self.form, "spans", {})
        return spans.get(self.name, 12)

    @property
    def is_check(self) -> bool:
        """A single tick box, whose label stands behind it."""
        return isinstance(self.field.widget, forms.CheckboxInput)

    @property
    def shows_optional(self) -> bool:
        """Mark the exception: where most fields are required, the free ones say so."""
        return not self.field.required and not self.is_check

    def build_widget_attrs(
        self, attrs: dict[str, Any], widget: forms.Widget | None = None
    ) -> dict[str, Any]:
        built: dict[str, Any] = super().build_widget_attrs(attrs, widget)
        control = widget or self.field.widget
        if control.is_hidden:
            return built
        classes = [_control_class(control), str(control.attrs.get("class", ""))]
        if self.errors:
            classes.append("is-invalid")
        built["class"] = " ".join(name for name in classes if name)
        return built


def _control_class(widget: forms.Widget) -> str:
    if isinstance(widget, forms.CheckboxInput | forms.RadioSelect | forms.CheckboxSelectMultiple):
        return "form-check-input"
    if isinstance(widget, forms.Select):
        return "form-select"
    return "form-control"


class DeskRenderer(TemplatesSetting):
    """The project's form renderer (settings.FORM_RENDERER), so foreign forms look the same."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
    bound_field_class = DeskBoundField

    def render(
        self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None
    ) -> str:
        """As Django, but a choice of dozens is not worth a template's pass for each option."""
        if template_name == forms.Select.template_name:
            return _select(context["widget"])
        return super().render(template_name, context, request)


def _select(widget: Mapping[str, Any]) -> SafeString:
    groups = (
        format_html('<optgroup label="{}">{}</optgroup>', label, _options(options))
        if label
        else _options(options)
        for label, options, _index in widget["optgroups"]
    )
    attrs = flatatt({"name": widget["name"], **widget["attrs"]})
    return format_html("<select{}>{}</select>", attrs, format_html_join("", "{}", zip(groups)))


def _options(options: Iterable[Mapping[str, Any]]) -> SafeString:
    return format_html_join(
        "",
        '<option value="{}"{}{}>{}</option>',
        (
            (
                option["value"],
                SELECTED if option["selected"] else "",
                DISABLED if option["attrs"].get("disabled") else "",
                option["label"],
            )
            for option in options
        ),
    )


SELECTED, DISABLED = SafeString(" selected"), SafeString(" disabled")


# ---------------------------------------------------------------------------------------------
# Widgets


class DateTimeInput(forms.DateTimeInput):
    """The browser's own picker, in local time, to the minute.

    The format is the one that browsers send and accept; any other leaves the control empty.
    """

    input_type = "datetime-local"
    supports_microseconds = False

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs={"step": 60, **(attrs or {})}, format="%Y-%m-%dT%H:%M")


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs=attrs, format="%Y-%m-%d")


class TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs=attrs, format="%H:%M")


class PhoneInput(forms.TextInput):
    """A telephone number: digits on a phone's keyboard, no spelling help."""

    input_type = "tel"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        defaults = {"inputmode": "tel", "autocomplete": "off", "spellcheck": "false"}
        super().__init__(attrs=defaults | (attrs or {}))


class Textarea(forms.Textarea):
    """Grows with what is typed (static/js/autosize.js)."""

    def __init__(self, attrs: dict[str, Any] | None = None, *, rows: int = 3) -> None:
        super().__init__(attrs={"rows": rows, "data-autosize": True, **(attrs or {})})


class RadioButtons(forms.RadioSelect):
    """A choice of few, all visible at once, as one row of buttons."""

    template_name = "components/widgets/radio_buttons.html"


class SubmitButtons(RadioButtons):
    """A choice that sends the form at once. Enter in a field chooses none of them."""

    template_name = "components/widgets/submit_buttons.html"

    def use_required_attribute(self, initial: Any) -> bool:
        return False


class RatingButtons(RadioButtons):
    """1 to 5, for the customer's thumb."""

    template_name = "components/widgets/rating_buttons.html"


class RemoteSelect(forms.Select):
    """A choice of many, found by typing (static/js/remote-select.js).

    Renders only the chosen option; the rest comes from `url_name`, which answers
    `GET ?q=…` with `{"results": [{"uid": …, "label": …, "detail": …}]}`.
    Use it with `UidChoiceField`, so that what is posted is a uid.
    """

    def __init__(
        self,
        *,
        url_name: str,
        hint: str | Promise = "",
        attrs: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(attrs=attrs)
        self.url_name = url_name
        self.hint = hint

    def build_attrs(
        self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        attrs = super().build_attrs(base_attrs, extra_attrs)
        return {**attrs, "data-remote-select": reverse(self.url_name), "data-hint": self.hint}

    def optgroups(
        self, name: str, value: list[str], attrs: dict[str, Any] | None = None
    ) -> list[tuple[str | None, list[dict[str, Any]], int | None]]:
        """Only the empty and the chosen option: the table may have 100,000 rows."""
        chosen = [str(item) for item in value if item not in ("", None)]
        options: list[tuple[str, str]] = [("", "")]
        if chosen and isinstance(self.choices, forms.models.ModelChoiceIterator):
            options += self._options_for(self.choices, chosen)
        return [
            (None, [self.create_option(name, key, label, key in (chosen or [""]), index)], index)
            for index, (key, label) in enumerate(options)
        ]

    @staticmethod
    def _options_for(
        choices: forms.models.ModelChoiceIterator[Any], chosen: list[str]
    ) -> list[tuple[str, str]]:
        field = choices.field
        key = field.to_field_name or "pk"
        try:
            found = list(choices.queryset.filter(**{f"{key}__in": chosen}))
        except (ValidationError, ValueError):
            return []
        return [(str(field.prepare_value(obj)), field.label_from_instance(obj)) for obj in found]


class _FewChoices(ModelChoiceIterator[Any]):
    """Read in one go: for what fits a chooser, a cursor on the server is three trips for one."""

    def __iter__(self) -> Iterator[Any]:
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        yield from map(self.choice, self.queryset.all())


class UidChoiceField(forms.ModelChoiceField[Any]):
    """A model choice that goes by public uid. Give it `Model.objects.visible_to(actor)`."""

    iterator = _FewChoices

    def __init__(self, queryset: models.QuerySet[Any] | None, **kwargs: Any) -> None:
        kwargs.setdefault("to_field_name", "uid")
        # A form that looks ahead at a choice reads it once: where, what for, and what was found.
        self._found: tuple[models.QuerySet[Any] | None, Any, Any] = None, None, None
        super().__init__(queryset, **kwargs)

    def to_python(self, value: Any) -> Any:
        offered, asked, found = self._found
        if found is not None and offered is self.queryset and asked == value:
            return found
        try:
            found = super().to_python(value)
        except ValidationError:
            # Also for what is no uid at all: people chose something that is not there.
            raise ValidationError(
                self.error_messages["invalid_choice"], code="invalid_choice"
            ) from None
        self._found = self.queryset, value, found
        return found


class FilesInput(forms.ClearableFileInput):
    """Several files at once."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """None, one or several files; cleaned to a list."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = data if isinstance(data, list | tuple) else [data]
        cleaned = [forms.FileField.clean(self, file, initial) for file in files]
        return [file for file in cleaned if file]


# ---------------------------------------------------------------------------------------------
# Base classes

_BETTER_WIDGETS: dict[type[forms.Widget], type[forms.Widget]] = {
    forms.DateTimeInput: DateTimeInput,
    forms.DateInput: DateInput,
    forms.TimeInput: TimeInput,
    forms.Textarea: Textarea,
}


def _what_is_missing(field: forms.Field) -> _StrPromise:
    """What to do, instead of Django's “This field is required”."""
    if isinstance(field, forms.BooleanField):
        return _("Please tick this to confirm.")
    if isinstance(field, forms.ChoiceField | forms.ModelChoiceField):
        return _("Please choose.")
    if isinstance(field, forms.FileField):
        return _("Please add a file.")
    return _("Please fill this in.")


class _Desk(forms.BaseForm):
    """Shared by both base classes."""

    # Columns of twelve for fields that do not need the whole row: {"at": 6}.
    spans: ClassVar[Mapping[str, int]] = {}
    # A name under which the browser keeps what was typed until the form was accepted.
    draft_key: str = ""
    default_renderer = DeskRenderer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if field.error_messages["required"] is forms.Field.default_error_messages["required"]:
                field.error_messages["required"] = _what_is_missing(field)
            if isinstance(field, forms.DateField | forms.DateTimeField):
                field.validators = [*field.validators, in_this_century]
            elif isinstance(field, forms.CharField) and isinstance(field.widget, forms.TextInput):
                field.validators = [*field.validators, one_line]
            if isinstance(field, forms.ModelChoiceField) and field.empty_label == "---------":
                field.empty_label = _("Choose …") if field.required else "—"
            better = _BETTER_WIDGETS.get(type(field.widget))
            if better is not None:
                attrs = {k: v for k, v in field.widget.attrs.items() if k not in {"cols", "rows"}}
                replacement = better(attrs=attrs)
                replacement.is_required = field.widget.is_required
                field.widget = replacement
            if isinstance(field.widget, forms.Textarea):
                # A browser cuts what is pasted without a word; the server says what is too long.
                field.widget.attrs.pop("maxlength", None)


class DeskForm(_Desk, forms.Form):
    """The base of every form."""


# ---------------------------------------------------------------------------------------------
# What a record's page offers


Style = Literal["primary", "plain", "danger"]


@dataclass(frozen=True, slots=True)
class ActionForm:
    """A button of the action panel and the form behind it.

    `form=None` means that the button acts at once; give `confirm` a sentence if it should ask
    before, or `asks=True` if there is a form that is read from `url` when a hand comes near
    (`core.http.show_form`): a page of twelve forms, of which one is used, would be slow. A refused
    form comes back opened.
    """

    name: str
    label: str | Promise
    url: str
    form: forms.BaseForm | None = None
    icon: str = ""
    # "primary" for the one thing to do next, "plain" for the rest, "danger" for what cannot be undone.
    style: Style = "plain"
    intro: str | Promise = ""
    confirm: str | Promise = ""
    submit: str | Promise = ""
    asks: bool = False

    @classmethod
    def of(
        cls, step: Transition, url: str, form: forms.BaseForm | None = None, **rest: Any
    ) -> ActionForm:
        """The button of a transition: name, label and icon come from the table."""
        return cls(step.name, step.label, url, form, step.icon, **rest)

    def __post_init__(self) -> None:
        if self.form is not None:
            # Several forms on one page have fields of the same name; their ids must differ.
            self.form.auto_id = f"id_{self.name}_%s"

    @property
    def open(self) -> bool:
        return self.form is not None and bool(self.form.errors)

    @property
    def needs_dialog(self) -> bool:
        asks = self.form is not None and bool(self.form.fields)
        # A form without fields may have been refused too; then there is something to read.
        return bool(self.confirm) or self.asks or asks or self.open
