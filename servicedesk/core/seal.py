"""The company's seal on a PDF: PAdES with a time stamp (B-T), and what the verify page asks of it.

SEAL_KEY_DIR holds

    authority.pem, seal.pem, seal.key   the present seal; self-made at first use, or bought
    certificates/<SHA-256>.pem          each certificate that ever sealed, with its authority

A form is checked by the certificate that it carries, if it is one of those. So the seal may be
replaced (`rotate_seal`), and what was sealed before stays genuine.
"""

from __future__ import annotations

import asyncio
import fcntl
import re
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from django.conf import settings
from pyhanko.keys import load_cert_from_pemder, load_certs_from_pemder
from pyhanko.pdf_utils.generic import StreamObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.general import (
    CMSStructuralError,
    NonexistentAttributeError,
    SigningError,
    extract_certificate_info,
    extract_signer_info,
    find_unique_cms_attribute,
)
from pyhanko.sign.validation import async_validate_detached_cms, validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator import ValidationContext

from servicedesk.core import stamps
from servicedesk.core.certificates import make_keys, write_file

FIELD = "Seal"
# The certificate last: while the others are replaced, it does not fit the key.
FILES = ("seal.key", "authority.pem", "seal.pem")
# What pyHanko raises on broken or hostile files, depending on where it stumbles.
UNREADABLE = (
    PdfError, OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError,
    AssertionError, RuntimeError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
T = TypeVar("T")
# How much room the signatures of one certificate and one clock take in a file, in hexadecimal.
_room: dict[tuple[bytes, int], int] = {}
MARGIN = 256


class SealError(Exception):
    """The keys in SEAL_KEY_DIR cannot seal; the message tells the operator why."""


# --- keys and certificates ---------------------------------------------------------------------


@contextmanager
def _locked() -> Iterator[Path]:
    """The folder of the keys, which nobody else reads or replaces meanwhile."""
    folder = Path(settings.SEAL_KEY_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _signer(folder: Path) -> signers.SimpleSigner:
    try:
        certificate = x509.load_pem_x509_certificate((folder / "seal.pem").read_bytes())
        key = serialization.load_pem_private_key((folder / "seal.key").read_bytes(), None)
        signer: signers.SimpleSigner | None = signers.SimpleSigner.load(
            str(folder / "seal.key"),
            str(folder / "seal.pem"),
            ca_chain_files=(str(folder / "authority.pem"),),
        )
    except (OSError, ValueError, TypeError) as error:
        raise SealError(f"The keys in {folder} cannot be read: {error}") from error
    if signer is None:
        raise SealError(f"The keys in {folder} cannot be read.")
    if certificate.public_key() != key.public_key():
        raise SealError(f"seal.key in {folder} does not belong to seal.pem.")
    return signer


def _keep(folder: Path) -> str:
    """Keep the present certificate for what it seals; its fingerprint."""
    fingerprint = str(load_cert_from_pemder(str(folder / "seal.pem")).sha256.hex())
    kept = folder / "certificates" / f"{fingerprint}.pem"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True, mode=0o700)
        part = kept.with_suffix(".part")
        both = (folder / "seal.pem").read_bytes(), (folder / "authority.pem").read_bytes()
        write_file(part, b"\n".join(both))
        part.replace(kept)
    return fingerprint


def _authorities(certificate: Any) -> list[Any] | None:
    """Who vouches for one of our certificates, of now or of before; None: it is not ours."""
    folder = Path(settings.SEAL_KEY_DIR)
    kept = folder / "certificates" / f"{certificate.sha256.hex()}.pem"
    if kept.exists():
        return list(load_certs_from_pemder([str(kept)]))[1:]
    present = folder / "seal.pem"
    if present.exists() and load_cert_from_pemder(str(present)).dump() == certificate.dump():
        return list(load_certs_from_pemder([str(folder / "authority.pem")]))
    return None


def rotate(source: Path | None = None) -> str:
    """Replace the seal, by the three files in `source` or else a self-made one; its fingerprint.

    The new keys must prove themselves on an empty page first. The former private key is gone
    then; the former certificate is kept.
    """
    with _locked() as folder:
        if (folder / "seal.pem").exists():
            _keep(folder)
        return _install(folder, source)


def _install(folder: Path, source: Path | None = None) -> str:
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as scratch:
        new = Path(scratch)
        if source is None:
            make_keys(new, FILES, "seal")
        else:
            for name in FILES:
                try:
                    write_file(new / name, (source / name).read_bytes())
                except OSError as error:
                    raise SealError(f"{source / name} cannot be read: {error}") from error
        sealed = _sign(_empty_page(), _signer(new), None, reason="")
        authorities = list(load_certs_from_pemder([str(new / "authority.pem")]))
        (signature,) = PdfFileReader(BytesIO(sealed)).embedded_signatures
        if not _check(signature, authorities).intact:
            raise SealError(
                "What these keys seal would not be accepted. The certificate must be valid now, be"
                " issued by authority.pem, and be made for signing (non-repudiation)."
            )
        for name in FILES:
            (new / name).replace(folder / name)
    return _keep(folder)


def _empty_page() -> bytes:
    writer, output = PdfFileWriter(), BytesIO()
    contents = writer.add_object(StreamObject(stream_data=b""))
    writer.insert_page(PageObject(contents=contents, media_box=(0, 0, 9, 9)))
    writer.write(output)
    return output.getvalue()


# --- sealing -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sealed:
    pdf: bytes
    stamp: stamps.Stamp


def seal(pdf: bytes, *, reason: str) -> Sealed:
    """The PDF with the company's certifying signature: any later change is an alteration.

    Raises SealError or StampError if the keys are no good or no time stamp can be had.
    """
    with _locked() as folder:
        if not (folder / "seal.pem").exists():
            _install(folder)
        signer = _signer(folder)
        # Also if somebody put other files there by hand.
        _keep(folder)
        stamper = stamps.stamper(folder)
    sealed = _sign(pdf, signer, stamper, reason=reason)
    assert stamper.last is not None
    return Sealed(sealed, stamper.last)


def _sign(
    pdf: bytes,
    signer: signers.SimpleSigner,
    stamper: stamps.OwnStamper | stamps.HttpStamper | None,
    *,
    reason: str,
) -> bytes:
    sealing = signers.PdfSigner(
        signers.PdfSignatureMetadata(
            field_name=FIELD,
            reason=reason,
            name=settings.COMPANY_NAME,
            subfilter=fields.SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=fields.MDPPerm.NO_CHANGES,
            md_algorithm="sha256",
        ),
        signer=signer,
        timestamper=stamper,
    )

    def sign(room: int | None) -> bytes:
        output = BytesIO()
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        _apart(lambda: sealing.sign_pdf(writer, output=output, bytes_reserved=room))
        return output.getvalue()

    # Without it pyHanko signs everything twice, to learn how much room the signature needs.
    assert signer.signing_cert is not None
    who = (signer.signing_cert.sha256, id(stamper))
    try:
        sealed = sign(_room.get(who))
    except SigningError:
        if _room.pop(who, None) is None:
            raise
        sealed = sign(None)
    if who not in _room:
        _room[who] = _taken(sealed) + MARGIN
    return sealed


def _taken(sealed: bytes) -> int:
    """How many bytes lie between the two parts of the file that the signature covers."""
    first, second = re.findall(rb"/ByteRange \[0 +(\d+) +(\d+) ", sealed)[-1]
    return int(second) - int(first) - 2


def sign_list(content: bytes) -> bytes:
    """A detached signature (CMS, DER) with our seal and a time stamp over something else than a PDF."""
    with _locked() as folder:
        if not (folder / "seal.pem").exists():
            _install(folder)
        signer, stamper = _signer(folder), stamps.stamper(folder)
        _keep(folder)
    signed = _apart(
        lambda: asyncio.run(signer.async_sign_general_data(content, "sha256", timestamper=stamper))
    )
    return bytes(signed.dump())


def _apart(work: Callable[[], T]) -> T:
    """pyHanko runs an event loop of its own, which fails in a thread that runs one already."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(work).result()


# --- checking ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SealState:
    """What the seal in a PDF says. `ours`: it carries a seal of this company at all.

    `stamped_at`: when, by the word of a time-stamp authority that we know; else None.
    """

    ours: bool
    intact: bool
    sealed_at: datetime | None = None
    stamped_at: datetime | None = None


def inspect(pdf: bytes) -> SealState:
    """Look for our seal and check it: signature, certificate, time stamp, coverage of the file."""
    found = _find(pdf)
    return _check(*found) if found else SealState(ours=False, intact=False)


def is_ours(pdf: bytes) -> bool:
    """Whether it carries a seal of ours, intact or not. For files of strangers: `seal_process`."""
    return _find(pdf) is not None


def _find(pdf: bytes) -> tuple[Any, list[Any]] | None:
    """The first signature by a certificate of ours, and who vouches for that one."""
    try:
        for signature in PdfFileReader(BytesIO(pdf), strict=False).embedded_signatures:
            if signature.signer_cert is None:
                continue
            authorities = _authorities(signature.signer_cert)
            if authorities is not None:
                return signature, authorities
    except UNREADABLE:
        return None
    return None


def _check(signature: Any, authorities: list[Any]) -> SealState:
    # A certificate that ended since was good when it sealed. The seal's own word for the time
    # is enough for that: a form counts as genuine only if its file is known besides.
    moment = signature.self_reported_timestamp
    try:
        stamp = _stamp_in(signature.signer_info)
        status = _apart(
            partial(validate_pdf_signature, signature, _trust(authorities, moment), _clock(stamp))
        )
    except (SignatureValidationError, CMSStructuralError, *UNREADABLE):
        return SealState(ours=True, intact=False)
    whole = status.modification_level == ModificationLevel.NONE
    intact = bool(status.intact and status.valid and status.trusted and whole)
    stamped = status.timestamp_validity
    if stamped is not None:
        intact = intact and bool(stamped.intact and stamped.valid and stamped.trusted)
    return SealState(
        ours=True,
        intact=intact,
        sealed_at=moment,
        stamped_at=stamped.timestamp if stamped is not None and intact else None,
    )


def _trust(authorities: list[Any], moment: datetime | None) -> ValidationContext:
    return ValidationContext(trust_roots=authorities, allow_fetching=False, moment=moment)


def _stamp_in(signer_info: Any) -> Any:
    """The token of the time stamp, None without one."""
    try:
        token = find_unique_cms_attribute(
            signer_info["unsigned_attrs"], "signature_time_stamp_token"
        )
    except NonexistentAttributeError:
        return None
    return token["content"]


def _clock(stamp: Any) -> ValidationContext | None:
    """Who may have stamped it: nobody, if it is by an authority that never stamped for us."""
    if stamp is None:
        return None
    certificate = extract_certificate_info(stamp).signer_cert
    return _trust(stamps.authorities(certificate), _moment_of(stamp))


def _moment_of(stamp: Any) -> datetime:
    moment: datetime = stamp["encap_content_info"]["content"].parsed["gen_time"].native
    return moment


def list_is_ours(content: bytes, signed: bytes) -> bool:
    """Whether `sign_list` made the signature, over just this content."""
    try:
        data = cms.ContentInfo.load(signed)["content"]
        certificate = extract_certificate_info(data).signer_cert
        authorities = _authorities(certificate)
        if authorities is None:
            return False
        stamp = _stamp_in(extract_signer_info(data))
        if stamp is None:
            return False
        moment = _moment_of(stamp)
        status = _apart(
            lambda: asyncio.run(
                async_validate_detached_cms(
                    content, data, _trust(authorities, moment), _clock(stamp)
                )
            )
        )
    except (SignatureValidationError, ValueError, TypeError, KeyError, CMSStructuralError):
        return False
    stamped = status.timestamp_validity
    return bool(
        status.intact and status.valid and status.trusted
        and stamped is not None and stamped.intact and stamped.valid and stamped.trusted
    )  # fmt: skip
