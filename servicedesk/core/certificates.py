"""Self-made keys: an authority of our own, and one certificate by it (EC P-256, ten years)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asn1crypto import pem
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings


def make_keys(folder: Path, files: Sequence[str], purpose: str, *, stamps: bool = False) -> None:
    """Write `files` (key, authority, certificate) for the seal, or for one that stamps times."""
    now = datetime.now(tz=UTC)
    issuer = f"Service desk {'time ' if stamps else ''}authority"

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
            digital_signature=not ca, content_commitment=not ca and not stamps,
            key_cert_sign=ca, crl_sign=ca, key_encipherment=False, data_encipherment=False,
            key_agreement=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
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
        )
        if stamps and not ca:
            # RFC 3161: this purpose alone, and critical.
            only = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(only, critical=True)
        return builder.sign(signing, hashes.SHA256())

    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = certificate(issuer, authority_key.public_key(), authority_key, ca=True)
    own = certificate(f"Service desk {purpose}", key.public_key(), authority_key, ca=False)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    # The authority's own key is not kept: nothing else shall ever be signed with it.
    contents = (
        private,
        authority.public_bytes(serialization.Encoding.PEM),
        own.public_bytes(serialization.Encoding.PEM),
    )
    for file, content in zip(files, contents, strict=True):
        write_file(folder / file, content)


def write_file(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def write_certificates(path: Path, certificates: Sequence[Any]) -> None:
    """All of them into one file, which is there whole or not at all."""
    part = path.with_suffix(".part")
    write_file(part, b"".join(pem.armor("CERTIFICATE", each.dump()) for each in certificates))
    part.replace(path)
