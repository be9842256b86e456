"""The company's seal on a PDF: PAdES by pyHanko, and what the verify page asks of it.

The key and a self-made authority lie in SEAL_KEY_DIR (`authority.pem`, `seal.pem`,
`seal.key`); they are made at first use. A bought certificate replaces them under these names.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.general import load_cert_from_pemder
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator import ValidationContext

FIELD = "Seal"
T = TypeVar("T")


def _folder() -> Path:
    folder = Path(settings.SEAL_KEY_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "seal.pem").exists():
            _make_keys(folder)
    return folder


def has_keys() -> bool:
    """Are there keys already? Asking makes none, other than sealing."""
    return (Path(settings.SEAL_KEY_DIR) / "seal.pem").exists()


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
            .not_valid_before(now - timedelta(minutes=5))
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
        path = folder / file
        path.touch(mode=0o600)
        path.write_bytes(content)


def seal(pdf: bytes, *, reason: str) -> bytes:
    """The PDF with the company's certifying signature: any later change is an alteration."""
    folder = _folder()
    signer = signers.SimpleSigner.load(
        str(folder / "seal.key"),
        str(folder / "seal.pem"),
        ca_chain_files=(str(folder / "authority.pem"),),
    )
    if signer is None:
        raise RuntimeError(f"the key in {folder} cannot be read")
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


@dataclass(frozen=True, slots=True)
class SealState:
    """What the seal in a PDF says. `ours`: it carries the seal of this company at all."""

    ours: bool
    intact: bool
    sealed_at: datetime | None = None


def inspect(pdf: bytes) -> SealState:
    """Look for our seal and check it: signature, certificate, coverage of the whole file."""
    try:
        signatures = PdfFileReader(BytesIO(pdf), strict=False).embedded_signatures
    except (PdfReadError, ValueError, OSError):
        return SealState(ours=False, intact=False)
    folder = _folder()
    authority = load_cert_from_pemder(str(folder / "authority.pem"))
    ours = load_cert_from_pemder(str(folder / "seal.pem"))
    for signature in signatures:
        if signature.signer_cert is None or signature.signer_cert.dump() != ours.dump():
            continue
        context = ValidationContext(trust_roots=[authority], allow_fetching=False)
        try:
            status = _apart(partial(validate_pdf_signature, signature, context))
        except (SignatureValidationError, PdfReadError, ValueError):
            return SealState(ours=True, intact=False)
        whole = status.modification_level == ModificationLevel.NONE
        return SealState(
            ours=True,
            intact=bool(status.intact and status.valid and status.trusted and whole),
            sealed_at=signature.self_reported_timestamp,
        )
    return SealState(ours=False, intact=False)
