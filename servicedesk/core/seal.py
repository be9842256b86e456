"""The company's seal on a PDF: PAdES by pyHanko, and what the verify page asks of it.

SEAL_KEY_DIR holds

    authority.pem, seal.pem, seal.key   the present seal; self-made at first use, or bought
    certificates/<SHA-256>.pem          each certificate that ever sealed, with its authority

A form is checked by the certificate that it carries, if it is one of those. So the seal may be
replaced (`rotate_seal`), and what was sealed before stays genuine.
"""

from __future__ import annotations

import fcntl
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings
from pyhanko.keys import load_cert_from_pemder, load_certs_from_pemder
from pyhanko.pdf_utils.generic import StreamObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator import ValidationContext

FIELD = "Seal"
# The certificate last: while the others are replaced, it does not fit the key.
FILES = ("seal.key", "authority.pem", "seal.pem")
# What pyHanko raises on broken or hostile files, depending on where it stumbles.
UNREADABLE = (
    PdfError, OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError,
    AssertionError, RuntimeError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
T = TypeVar("T")


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
        _write(part, b"\n".join(both))
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


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


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
            _make_keys(new)
        else:
            for name in FILES:
                try:
                    _write(new / name, (source / name).read_bytes())
                except OSError as error:
                    raise SealError(f"{source / name} cannot be read: {error}") from error
        sealed = _sign(_empty_page(), _signer(new), reason="")
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


def _make_keys(folder: Path) -> None:
    """An authority of our own and a sealing certificate by it (EC P-256, ten years)."""
    now = datetime.now(tz=UTC)

    def name(common: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, settings.COMPANY_NAME[:64]),
                x509.NameAttribute(NameOID.COMMON_NAME, common),
            ]
        )

    def certificate(
        subject: str,
        key: ec.EllipticCurvePublicKey,
        signing: ec.EllipticCurvePrivateKey,
        *,
        ca: bool,
    ) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=not ca, content_commitment=not ca, key_cert_sign=ca, crl_sign=ca,
            key_encipherment=False, data_encipherment=False, key_agreement=False,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("Service desk authority"))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            # A clock that is put right by some hours must not spoil what is sealed next.
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()),
                critical=False,
            )
            .sign(signing, hashes.SHA256())
        )

    authority_key, seal_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = certificate(
        "Service desk authority", authority_key.public_key(), authority_key, ca=True
    )
    seal = certificate("Service desk seal", seal_key.public_key(), authority_key, ca=False)
    private = seal_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    # The authority's own key is not kept: nothing else shall ever be signed with it.
    for file, content in (
        ("authority.pem", authority.public_bytes(serialization.Encoding.PEM)),
        ("seal.key", private),
        ("seal.pem", seal.public_bytes(serialization.Encoding.PEM)),
    ):
        _write(folder / file, content)


# --- sealing -----------------------------------------------------------------------------------


def seal(pdf: bytes, *, reason: str) -> bytes:
    """The PDF with the company's certifying signature: any later change is an alteration."""
    with _locked() as folder:
        if not (folder / "seal.pem").exists():
            _install(folder)
        signer = _signer(folder)
        # Also if somebody put other files there by hand.
        _keep(folder)
    return _sign(pdf, signer, reason=reason)


def _sign(pdf: bytes, signer: signers.SimpleSigner, *, reason: str) -> bytes:
    output = BytesIO()
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
    )
    _apart(lambda: sealing.sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)), output=output))
    return output.getvalue()


def _apart(work: Callable[[], T]) -> T:
    """pyHanko runs an event loop of its own, which fails in a thread that runs one already."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(work).result()


# --- checking ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SealState:
    """What the seal in a PDF says. `ours`: it carries a seal of this company at all."""

    ours: bool
    intact: bool
    sealed_at: datetime | None = None


def inspect(pdf: bytes) -> SealState:
    """Look for our seal and check it: signature, certificate, coverage of the whole file."""
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
    # is enough: a form counts as genuine only if its file is known besides.
    moment = signature.self_reported_timestamp
    try:
        context = ValidationContext(trust_roots=authorities, allow_fetching=False, moment=moment)
        status = _apart(partial(validate_pdf_signature, signature, context))
    except (SignatureValidationError, *UNREADABLE):
        return SealState(ours=True, intact=False)
    whole = status.modification_level == ModificationLevel.NONE
    return SealState(
        ours=True,
        intact=bool(status.intact and status.valid and status.trusted and whole),
        sealed_at=moment,
    )
