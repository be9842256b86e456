"""The rendering process: reads (length, HTML), writes (status, length, PDF or message).

It imports no Django and gets no environment but the fonts' place. It fetches nothing but the
product's own assets, and stops at its limits of time and memory.
"""

from __future__ import annotations

import os
import resource
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

CPU_SECONDS = 20
MEMORY = 2 * 1024**3
STYLES = Path(__file__).resolve().parent.parent.parent / "static" / "css" / "paper.css"
FONTS = {
    "regular": ("NotoSansSC-Regular-Common.ttf", 400, "Form"),
    "bold": ("NotoSansSC-Bold-Common.ttf", 700, "Form"),
    # Second in the family list: rare characters of names.
    "regular-all": ("NotoSansSC-Regular.ttf", 400, "Form rare"),
    "bold-all": ("NotoSansSC-Bold.ttf", 700, "Form rare"),
}


class AssetFetcher(URLFetcher):  # type: ignore[misc]
    """Serves `asset:<name>` from the font folder; everything else does not exist."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        name = url.removeprefix("asset:")
        if name not in FONTS:
            raise ValueError(f"{url} is not an asset of the form")
        path = self.folder / FONTS[name][0]
        return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": "font/ttf"})


def font_faces() -> str:
    return "".join(
        f"@font-face {{ font-family: '{family}'; font-weight: {weight};"
        f" src: url('asset:{name}'); }}\n"
        for name, (_file, weight, family) in FONTS.items()
    )


class Press:
    """Fonts and styles, read once."""

    def __init__(self, folder: Path) -> None:
        self.fetcher = AssetFetcher(folder)
        self.fonts = FontConfiguration()
        self.styles = CSS(
            string=font_faces() + STYLES.read_text(encoding="utf-8"),
            font_config=self.fonts,
            url_fetcher=self.fetcher,
        )

    def print(self, html: str) -> bytes:
        document = HTML(string=html, url_fetcher=self.fetcher, base_url="asset:")
        pdf: bytes = document.write_pdf(
            stylesheets=[self.styles], font_config=self.fonts, pdf_variant="pdf/a-3u"
        )
        return pdf


def limit() -> None:
    """Allow the next form so much; the kernel ends the process beyond it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))


def serve(requests: BinaryIO, answers: BinaryIO, press: Press) -> None:
    while header := requests.read(4):
        (length,) = struct.unpack(">I", header)
        html = requests.read(length).decode()
        limit()
        try:
            status, answer = 0, press.print(html)
        except (ValueError, RecursionError, MemoryError) as error:
            status, answer = 1, f"{type(error).__name__}: {error}".encode()
        answers.write(struct.pack(">BI", status, len(answer)) + answer)
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer, Press(Path(os.environ["FONT_DIR"])))
