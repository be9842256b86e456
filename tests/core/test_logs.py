"""Neither what people searched for nor the secret of a link gets into a log."""

from __future__ import annotations

import contextlib
import http.client
import io
import logging
import os
import socket
import subprocess
import sys
import time

import pytest
from django.conf import settings
from django.test import Client

from servicedesk.core.logs import discreet

# As `secrets.token_urlsafe(32)` and `signing.dumps(…)` make them; the same in each process of the tests.
TOKEN = "mB3xJ_1rYk-0aVq5cTnWz8LhGdE2uPsF7oIiQ4RtXyA"
BADGE = "WyJWUy0yMDI2MTEyMi0wMDAxIiw3XQ:1vMxyz:Q2hlY2tfc3VtLW9mX3RoZV9iYWRnZS0xMjM0NTY3ODk"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ('"GET /search/?q=13800001234 HTTP/1.1" 200 17', '"GET /search/ HTTP/1.1" 200 17'),
        ('"GET /?next=/a?b HTTP/1.1" 302', '"GET / HTTP/1.1" 302'),
        (f"Not Found: /documents/s/{TOKEN}/copy/", "Not Found: /documents/s/…/copy/"),
        (f'"GET /visits/b/{BADGE}/ HTTP/1.1" 200', '"GET /visits/b/…/ HTTP/1.1" 200'),
        (
            "Not Found: /visits/0196f1c2-7d4e-7a3b-8c1d-5e2f3a4b5c6d/",
            "Not Found: /visits/0196f1c2-7d4e-7a3b-8c1d-5e2f3a4b5c6d/",
        ),
        ("Is it 20% full? See HTTP/2", "Is it 20% full? See HTTP/2"),
    ],
)
def test_what_a_line_keeps(line, kept):
    assert discreet(line) == kept


@pytest.mark.django_db
def test_django_names_a_refused_link_without_its_secret():
    """As the console's handler writes it."""
    handler = next(h for h in logging.getLogger().handlers if type(h) is logging.StreamHandler)
    stream = handler.setStream(io.StringIO())
    try:
        assert Client().get(f"/documents/s/{TOKEN}/?x=13800001234").status_code == 404
    finally:
        written = handler.setStream(stream).getvalue()

    assert "/documents/s/…/" in written
    assert TOKEN not in written
    assert "13800001234" not in written


def test_the_web_process_logs_addresses_without_what_was_asked():
    """The real one, as the image and `dev.py` start it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "gunicorn", "servicedesk.wsgi", "--config", "deploy/gunicorn.py",
        "--bind", f"127.0.0.1:{port}", "--no-control-socket",
    ]  # fmt: skip
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "servicedesk.settings_test"}
    process = subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        for path in ("/missing?q=13800001234", f"/nowhere/{TOKEN}/?q=13800001234"):
            ask(port, path)
    finally:
        process.terminate()
        written = process.communicate(timeout=30)[0].decode()

    assert '"GET /nowhere/…/ HTTP/1.1" 404' in written
    assert TOKEN not in written
    assert "13800001234" not in written
    assert "example.com" not in written, "nor where somebody came from"


def ask(port: int, path: str) -> None:
    """As soon as it answers."""
    deadline = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with contextlib.closing(connection):
            try:
                connection.request("GET", path, headers={"Referer": "http://example.com/?q=1"})
                connection.getresponse().read()
                return
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, "the web process does not start"
                time.sleep(0.1)
