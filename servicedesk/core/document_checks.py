"""Is every form still what was signed and sealed? (forms.md “Signature and seal”)"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from servicedesk.core import seal, vault
from servicedesk.core.documents import content_hash
from servicedesk.core.models import Document


@dataclass(frozen=True, slots=True)
class Fault:
    document: str
    message: str


def verify() -> Iterator[Fault]:
    """Recompute all hashes and check all seals. Intact documents yield nothing.

    Cost: every sealed file is read once; the database is read in chunks.
    """
    documents = Document.objects.order_by("id").prefetch_related("signatures")
    for document in documents.iterator(chunk_size=200):
        faults = list(_frozen(document))
        if document.status == Document.Status.SEALED:
            faults += _sealed(document)
        for message in faults:
            yield Fault(str(document), message)


def _frozen(document: Document) -> Iterator[str]:
    if content_hash(document.data) != document.data_sha256:
        yield "the frozen data was altered"
    for signature in document.signatures.all():
        if signature.shown_sha256 != document.data_sha256:
            yield f"the signature of {signature} belongs to other data"
    if document.status in {Document.Status.COMPLETE, Document.Status.SEALED}:
        signed = {signature.block for signature in document.signatures.all()}
        for block in document.blocks:
            if block not in signed:
                yield f"the signature of “{block}” is gone"


def _sealed(document: Document) -> Iterator[str]:
    try:
        content = vault.read(document.file)
    except FileNotFoundError:
        yield f"the file {document.file} is gone"
        return
    if hashlib.sha256(content).hexdigest() != document.file_sha256:
        yield f"the file {document.file} was altered"
        return
    state = seal.inspect(content)
    if not state.ours:
        yield "its seal is by no certificate that SEAL_KEY_DIR keeps"
    elif not state.intact:
        yield "its seal is not a valid one of this installation"
