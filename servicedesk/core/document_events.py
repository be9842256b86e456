"""What happens to forms. The apps that own the form's subject listen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from servicedesk.core.events import Event

# How it was signed, as timelines say it (models.Signature.Method).
METHODS = {
    "L1": _("on the engineer's phone"),
    "L1-offline": _("on the engineer's phone, without a network"),
    "L2": _("on his own phone"),
    "account": _("by his own log-in"),
}


@dataclass(frozen=True, kw_only=True)
class DocumentEvent(Event):
    document_uid: str
    kind: str
    number: str
    document_version: int
    subject_kind: str
    subject_id: int


@dataclass(frozen=True, kw_only=True)
class DocumentFrozen(DocumentEvent):
    type: ClassVar[str] = "document.frozen"
    label = _("Form made")
    detail = "{number}"
    icon = "file-text"
    sha256: str


@dataclass(frozen=True, kw_only=True)
class SignLinkMade(DocumentEvent):
    type: ClassVar[str] = "document.link_made"
    label = _("Handed over for signature")
    detail = "{number} {signer_name} ({method})"
    icon = "link"
    called = {"method": METHODS}
    block: str
    method: str
    signer_name: str


@dataclass(frozen=True, kw_only=True)
class DocumentSigned(DocumentEvent):
    type: ClassVar[str] = "document.signed"
    label = _("Form signed")
    detail = "{number} {signer_name} ({method})"
    icon = "signature"
    called = {"method": METHODS}
    block: str
    signer_name: str
    method: str
    sha256: str
    answers: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SignatureKept(DocumentEvent):
    """Drawn without network under another form than the one that was frozen: sign anew."""

    type: ClassVar[str] = "document.signature_kept"
    label = _("Signature kept as evidence; to be signed again")
    detail = "{number} {signer_name}: {differing}"
    icon = "signature-off"
    block: str
    signer_name: str
    differing: list[str]


@dataclass(frozen=True, kw_only=True)
class SignatureRefused(DocumentEvent):
    """The person asked did not sign, and said why. A normal outcome."""

    type: ClassVar[str] = "document.signature_refused"
    label = _("Signature refused")
    detail = "{number} {signer_name}: {reason}"
    icon = "signature-off"
    block: str
    signer_name: str
    method: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DocumentCompleted(DocumentEvent):
    """All have signed; a worker renders and seals it now."""

    type: ClassVar[str] = "document.completed"
    label = _("Form complete")
    detail = "{number}"
    icon = "file-check"


@dataclass(frozen=True, kw_only=True)
class DocumentSealed(DocumentEvent):
    type: ClassVar[str] = "document.sealed"
    label = _("Form sealed and archived")
    detail = "{number}"
    icon = "rosette"
    file_sha256: str


@dataclass(frozen=True, kw_only=True)
class DocumentFailed(DocumentEvent):
    """The worker gave up; `sealing.try_again` starts it once more."""

    type: ClassVar[str] = "document.failed"
    label = _("Sealing failed")
    detail = "{number}: {reason}"
    icon = "alert-circle"
    reason: str


@dataclass(frozen=True, kw_only=True)
class DocumentMailed(DocumentEvent):
    type: ClassVar[str] = "document.mailed"
    label = _("Form sent by e-mail")
    detail = "{number} {name} {address}"
    icon = "mail"
    name: str
    address: str


@dataclass(frozen=True, kw_only=True)
class DocumentsExported(Event):
    """Somebody asked for a ZIP of forms."""

    type: ClassVar[str] = "document.exported"
    label = _("Forms exported")
    detail = "{count}"
    icon = "file-zip"
    export_uid: str
    count: int
    selection: dict[str, Any]
