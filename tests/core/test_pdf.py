"""The rendering process fetches nothing and ends at its limits (reliability.md T14, T16)."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO

import pypdf
import pytest

from servicedesk.core.pdf import PdfError, Renderer

PAYLOADS = [
    '<img src="{url}">',
    '<link rel="stylesheet" href="{url}">',
    '<link rel="attachment" href="{url}">',
    "<style>@import '{url}';</style>",
    '<style>body {{ background: url("{url}") }}</style>',
    '<object data="{url}"></object>',
    '<svg xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="{url}"/></svg>',
    '<a rel="attachment" href="{url}">x</a>',
]


@pytest.fixture(scope="module")
def renderer():
    renderer = Renderer()
    yield renderer
    renderer.close()


@pytest.fixture
def canary():
    hits: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            hits.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/canary", hits
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_is_fetched_from_the_network(renderer, canary, payload):
    url, hits = canary

    pdf = renderer.render(f"<!doctype html><title>t</title>{payload.format(url=url)}<p>仍然成单")

    assert pdf.startswith(b"%PDF")
    assert hits == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_file_gets_into_the_form(renderer, tmp_path, payload):
    (tmp_path / "secret").write_text("机密内容")

    pdf = renderer.render(payload.format(url=f"file://{tmp_path}/secret"))

    reader = pypdf.PdfReader(BytesIO(pdf))
    assert "机密内容".encode() not in pdf
    assert dict(reader.attachments) == {}


def test_a_form_that_takes_too_long_is_stopped_and_the_next_one_works(renderer, monkeypatch):
    monkeypatch.setattr("servicedesk.core.pdf.WALL_SECONDS", 1)
    with pytest.raises(PdfError):
        renderer.render("<p>" + "字" * 200_000 + "<table>" + "<td colspan=1000>x" * 2000)
    monkeypatch.undo()

    assert renderer.render("<p>好").startswith(b"%PDF")


def test_deep_nesting_is_an_error_and_not_the_end(renderer):
    with pytest.raises(PdfError):
        renderer.render("<div>" * 3000)

    assert renderer.render("<p>好").startswith(b"%PDF")


def test_rare_characters_have_a_glyph(renderer):
    """Names with rare characters print; the font's own tofu would not be mapped back to text."""
    pdf = renderer.render('<body class="paper"><p>李龘 王㛃 张𠮷 ①㎡€')

    text = pypdf.PdfReader(BytesIO(pdf)).pages[0].extract_text()
    for sign in "龘㛃①㎡€":
        assert sign in text
