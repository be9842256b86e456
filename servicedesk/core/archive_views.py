"""Pages of the archive: finding forms, packing them into a ZIP, sending one to the customer."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from servicedesk.core import archive as forms_archive
from servicedesk.core import document_mail, exports
from servicedesk.core.archive import Selection
from servicedesk.core.document_views import found_document
from servicedesk.core.forms import DeskForm
from servicedesk.core.http import DeskRequest, perform
from servicedesk.core.keyset import keyset_page
from servicedesk.core.models import Document, DocumentExport


class ArchiveForm(DeskForm):
    """The filter of the archive. What cannot be read is left out, and said at its field."""

    q = forms.CharField(
        label=_("Number, customer, store, person or text"), max_length=100, required=False,
        widget=forms.TextInput({"type": "search", "autocomplete": "off"}),
    )  # fmt: skip
    kind = forms.ChoiceField(label=_("Form"), required=False)
    first = forms.DateField(
        label=_("From day"), required=False, widget=forms.DateInput({"type": "date"})
    )
    last = forms.DateField(
        label=_("To day"), required=False, widget=forms.DateInput({"type": "date"})
    )
    status = forms.ChoiceField(label=_("Status"), required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        kind, status = self.fields["kind"], self.fields["status"]
        assert isinstance(kind, forms.ChoiceField)
        assert isinstance(status, forms.ChoiceField)
        kind.choices = [("", _("All forms")), *forms_archive.kinds().items()]
        status.choices = [
            ("", _("All")),
            *(c for c in Document.Status.choices if c[0] != Document.Status.VOID),
        ]

    def wanted(self) -> Selection:
        self.is_valid()
        data = self.cleaned_data
        return Selection(
            text=data.get("q", "").replace("\0", ""),
            kind=data.get("kind", ""),
            first=data.get("first"),
            last=data.get("last"),
            status=data.get("status", ""),
        )


@require_GET
def archive(request: DeskRequest) -> HttpResponse:
    """All forms, newest first."""
    form = ArchiveForm(request.GET)
    found = forms_archive.find(request.actor, form.wanted()).defer(*forms_archive.LARGE)
    context = {
        "form": form,
        "page": keyset_page(found, request.GET, "-frozen_at", "-pk"),
        "may_export": request.actor.may("documents.export"),
    }
    template = "documents/_rows.html" if request.htmx else "documents/archive.html"
    return render(request, template, context)


# --- a ZIP of many ---------------------------------------------------------------------------


@require_POST
def request_export(request: DeskRequest) -> HttpResponse:
    form = ArchiveForm(request.POST)
    if not form.is_valid():
        return redirect("documents:archive")
    export = exports.request_export(form.wanted(), at=timezone.now(), by=request.actor)
    return redirect("documents:export", export.uid)


@require_GET
def exports_list(request: DeskRequest) -> HttpResponse:
    """The reader's own ZIPs."""
    if not request.actor.may("documents.export"):
        raise Http404
    found = exports.exports_of(request.actor)
    context = {"page": keyset_page(found, request.GET, "-pk")}
    return render(request, "documents/exports.html", context)


@require_GET
@never_cache
def export(request: DeskRequest, uid: UUID) -> HttpResponse:
    found = _export(request, uid)
    context = {
        "export": found,
        "working": found.status in {exports.Status.QUEUED, exports.Status.RUNNING},
        "kept_days": exports.KEPT.days,
    }
    template = "documents/_export.html" if request.htmx else "documents/export.html"
    return render(request, template, context)


@require_GET
@never_cache
def export_file(request: DeskRequest, uid: UUID) -> FileResponse:
    found = _export(request, uid)
    # A backup leaves the ZIPs out: after a restore the file is not there.
    if found.status != exports.Status.DONE or not default_storage.exists(found.file):
        raise Http404
    return FileResponse(
        default_storage.open(found.file),
        as_attachment=True,
        filename=f"forms-{timezone.localtime(found.requested_at):%Y%m%d-%H%M}.zip",
        content_type="application/zip",
        headers={"X-Content-Type-Options": "nosniff"},
    )


def _export(request: DeskRequest, uid: UUID) -> DocumentExport:
    found: DocumentExport = get_object_or_404(exports.exports_of(request.actor), uid=uid)
    return found


# --- one to the customer ---------------------------------------------------------------------


class MailForm(DeskForm):
    email = forms.ChoiceField(label=_("Send to"), widget=forms.RadioSelect)

    def __init__(self, document: Document, *args: object) -> None:
        super().__init__(*args)
        people = document_mail.addressees(document)
        field = self.fields["email"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(one.email, f"{one.name} <{one.email}>") for one in people]
        field.initial = people[0].email if people else None


@require_http_methods(["GET", "POST"])
def mail(request: DeskRequest, uid: UUID) -> HttpResponse:
    """Send the sealed form to a person of its record; what was sent before stands below."""
    found = found_document(request, str(uid))
    if found.status != Document.Status.SEALED or not request.actor.may("documents.mail"):
        raise Http404
    form = MailForm(found, request.POST or None)
    if request.method == "POST":
        perform(request, form, document_mail.mail_copy, found)
        if not form.errors:
            return redirect("documents:mail", uid)
    context = {"document": found, "form": form, "mails": document_mail.mails_of(found)}
    return render(request, "documents/mail.html", context, status=422 if form.errors else 200)
