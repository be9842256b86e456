"""Time stamps on seals (RFC 3161): by an authority of our own, or by one that TIMESTAMP_URL names.

SEAL_KEY_DIR holds besides the seal

    clock.key, clock.pem, clock-authority.pem   our own authority, self-made at first use
    clocks/<SHA-256>.pem                        each certificate that ever stamped, with its authority

So the authority may be changed at any time, and what was stamped before stays genuine.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from asn1crypto import cms, tsp
from asn1crypto.x509 import GeneralName
from django.conf import settings
from pyhanko.keys import load_certs_from_pemder
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign import signers
from pyhanko.sign.general import CMSStructuralError, extract_certificate_info
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.requests_client import RequestsHTTPTimeStamper
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathError

from servicedesk.core.certificates import make_keys, write_certificates

FILES = ("clock.key", "clock-authority.pem", "clock.pem")
# "Any policy": nothing is promised beyond the clock of this machine.
POLICY = "2.25.310923171937426150012098416157321839571"
# Well below the lease of the worker that seals.
SECONDS = 15


class StampError(Exception):
    """No time stamp can be had now; the message tells the operator why."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a token says: when, and by whom."""

    at: datetime
    by: str


class OwnStamper(TimeStamper):
    """Our own authority: the clock of this machine, under a certificate that seals nothing else."""

    def __init__(self, signer: signers.SimpleSigner) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.signer = signer
        self.last: Stamp | None = None

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        assert self.signer.signing_cert is not None
        info = {
            "version": "v1",
            "policy": POLICY,
            "message_imprint": req["message_imprint"],
            "serial_number": secrets.randbits(63),
            "gen_time": datetime.now(tz=UTC).replace(microsecond=0),
            "nonce": req["nonce"],
            "tsa": GeneralName("directory_name", self.signer.signing_cert.subject),
        }
        content = cms.EncapsulatedContentInfo(
            {
                "content_type": "tst_info",
                "content": cms.ParsableOctetString(tsp.TSTInfo(info).dump()),
            }
        )
        token = await self.signer.async_sign_general_data(content, "sha256", detached=False)
        return tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        token = await super().async_timestamp(message_digest, md_algorithm)
        self.last = said(token)
        return token


class HttpStamper(RequestsHTTPTimeStamper):
    """An authority elsewhere. Its answer is checked before it becomes part of a form."""

    def __init__(self) -> None:
        user = (settings.TIMESTAMP_USER, settings.TIMESTAMP_PASSWORD)
        super().__init__(  # type: ignore[no-untyped-call]
            settings.TIMESTAMP_URL, timeout=SECONDS, auth=user if settings.TIMESTAMP_USER else None
        )
        self.last: Stamp | None = None

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        try:
            token = await super().async_timestamp(message_digest, md_algorithm)
            authorities = list(load_certs_from_pemder([str(settings.TIMESTAMP_AUTHORITY)]))
            status = await validate_tst_signed_data(
                token["content"],
                ValidationContext(trust_roots=authorities, allow_fetching=False),
                lambda _algorithm: message_digest,
            )
            sound = status["intact"] and status["valid"] and status["trust_problem_indic"] is None
            certificate = extract_certificate_info(token["content"]).signer_cert
        except OSError as error:
            raise StampError(f"{_host()}: {error}") from error
        except (
            ValueError, TypeError, KeyError, AssertionError, PdfError, PathError,
            CMSStructuralError, SignatureValidationError,
        ) as error:  # fmt: skip
            raise StampError(f"{_host()} sent no proper time stamp: {error}") from error
        if not sound:
            raise StampError(f"The time stamp of {_host()} is not by TIMESTAMP_AUTHORITY.")
        keep(certificate, authorities)
        self.last = said(token)
        return token


def _host() -> str:
    """The authority without what may be a secret in its address."""
    return str(settings.TIMESTAMP_URL).split("?", maxsplit=1)[0]


def stamper(folder: Path) -> OwnStamper | HttpStamper:
    """Who stamps by the settings. Called while `folder`, SEAL_KEY_DIR, is locked."""
    if settings.TIMESTAMP_URL:
        return _elsewhere(settings.TIMESTAMP_URL, settings.TIMESTAMP_USER)
    certificate = folder / "clock.pem"
    if not certificate.exists():
        make_keys(folder, FILES, "time", stamps=True)
    return _own(str(folder), certificate.stat().st_mtime_ns)


@cache
def _elsewhere(url: str, user: str) -> HttpStamper:
    """Kept, since each one asks once for a token to learn how large they are."""
    return HttpStamper()


@cache
def _own(folder: str, changed: int) -> OwnStamper:
    key, authority, certificate = (str(Path(folder) / name) for name in FILES)
    signer = signers.SimpleSigner.load(key, certificate, ca_chain_files=(authority,))
    if signer is None:
        raise StampError(f"clock.key and clock.pem in {folder} cannot be read.")
    keep(signer.signing_cert, list(load_certs_from_pemder([authority])))
    return OwnStamper(signer)


def keep(certificate: Any, authorities: list[Any]) -> None:
    """Keep who stamped, for as long as there are forms."""
    kept = _kept(certificate)
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_certificates(kept, [certificate, *authorities])


def authorities(certificate: Any) -> list[Any]:
    """Who vouches for a certificate that stamped one of our forms; nobody for any other."""
    kept = _kept(certificate)
    return list(load_certs_from_pemder([str(kept)]))[1:] if kept.exists() else []


def _kept(certificate: Any) -> Path:
    return Path(settings.SEAL_KEY_DIR) / "clocks" / f"{certificate.sha256.hex()}.pem"


def said(token: cms.ContentInfo) -> Stamp:
    info = token["content"]["encap_content_info"]["content"].parsed
    name = extract_certificate_info(token["content"]).signer_cert.subject.native
    by = name.get("common_name") or name.get("organization_name") or ""
    return Stamp(info["gen_time"].native, str(by)[:200])
