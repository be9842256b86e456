"""A validator of seals that shares no code with the one that sealed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from django.conf import settings


def openssl_verifies(pdf: bytes, folder: Path) -> bool:
    """Whether openssl finds the seal to cover the whole file, and to be by our authority."""
    start = pdf.index(b"/ByteRange")
    numbers = pdf[pdf.index(b"[", start) + 1 : pdf.index(b"]", start)].split()
    a, b, c, d = map(int, numbers)
    (folder / "content").write_bytes(pdf[a : a + b] + pdf[c : c + d])
    (folder / "cms").write_bytes(bytes.fromhex(pdf[a + b + 1 : c - 1].decode().rstrip("\0 ")))
    verified = subprocess.run(
        ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", folder / "cms",
         "-content", folder / "content", "-purpose", "any",
         "-CAfile", settings.SEAL_KEY_DIR / "authority.pem"],
        capture_output=True, check=False,
    )  # fmt: skip
    return a == 0 and c + d == len(pdf) and verified.returncode == 0


def pdfsig(pdf: bytes, folder: Path) -> str:
    """What poppler's tool says of the seal; its trust store knows nobody of ours."""
    (folder / "seen.pdf").write_bytes(pdf)
    return subprocess.run(
        ["pdfsig", "-nocert", folder / "seen.pdf"], capture_output=True, check=False, text=True
    ).stdout
