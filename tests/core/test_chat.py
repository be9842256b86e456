"""The chat robot, against a real server on loopback, and the addresses it may not reach."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import transaction

from servicedesk.core import outbox, outgoing
from servicedesk.core.models import OutboxMessage
from servicedesk.core.outgoing import Unreachable, post_json

pytestmark = pytest.mark.django_db
OK = b'{"errcode": 0}'


class Room(ThreadingHTTPServer):
    """Takes what is posted and answers as the test says."""

    def __init__(self):
        self.got: list[dict] = []
        self.paths: list[str] = []
        self.status, self.body, self.headers, self.drip = 200, OK, {}, False
        super().__init__(("127.0.0.1", 0), Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/robot?key=secret-1"


class Answer(BaseHTTPRequestHandler):
    def do_POST(self):
        room = self.server
        room.paths.append(self.path)
        room.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(room.status)
        for name, value in room.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if room.drip:
            for _each in range(100):
                try:
                    self.wfile.write(b" ")
                except OSError:
                    return
                time.sleep(0.1)
        self.wfile.write(room.body)

    def log_message(self, *args):
        """Nothing on the terminal."""


@pytest.fixture
def room(settings):
    server = Room()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.CHAT_WEBHOOK_URL = server.url
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.0/8"]
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def say(text="工单超时"):
    with transaction.atomic():
        outbox.queue("chat", "wecom", body=text, dedup_key="k")
    outbox.deliver()
    return OutboxMessage.objects.get()


@pytest.mark.parametrize(
    ("kind", "message", "answer"),
    [
        ("wecom", {"msgtype": "text", "text": {"content": "工单超时"}}, b'{"errcode": 0}'),
        ("dingtalk", {"msgtype": "text", "text": {"content": "工单超时"}}, b'{"errcode": 0}'),
        ("feishu", {"msg_type": "text", "content": {"text": "工单超时"}}, b'{"code": 0}'),
    ],
)
def test_each_robot_gets_its_own_json(kind, message, answer, room, settings):
    settings.CHAT_WEBHOOK_KIND, room.body = kind, answer

    assert say().status == "sent"
    assert room.got == [message]
    assert room.paths == ["/robot?key=secret-1"]


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b'{"errcode": 93000}'), (200, b"hello"), (200, b"{}"), (500, OK), (404, OK)],
)
def test_what_the_robot_refuses_is_tried_again(status, body, room):
    room.status, room.body = status, body

    message = say()

    assert (message.status, message.attempts) == ("queued", 1)


def test_a_redirect_is_a_failure_and_is_not_followed(room):
    room.status, room.headers = 302, {"Location": room.url}

    message = say()

    assert (message.status, len(room.got)) == ("queued", 1)
    assert "302" in message.log.get().detail


def test_who_answers_byte_by_byte_is_cut_off(room, monkeypatch):
    monkeypatch.setattr(outgoing, "SECONDS", 0.5)
    room.drip = True
    began = time.monotonic()

    assert say().status == "queued"
    assert time.monotonic() - began < 5


def test_an_endless_answer_is_read_no_further_than_64_kb(room):
    room.body = b'{"errcode": 0, "more": "' + b"x" * 200_000 + b'"}'

    assert say().status == "queued"


def test_the_secret_of_the_address_stands_in_no_log(room):
    room.status = 500
    message = say()

    assert "secret-1" not in message.log.get().detail + message.recipient + message.body


def test_loopback_is_refused_unless_the_house_names_it(room, settings):
    settings.WEBHOOK_ALLOWED_HOSTS = []

    assert say().status == "queued"
    assert room.got == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "0x7f000001", "2130706433", "10.0.0.1", "192.168.1.1", "100.64.0.1",
        "169.254.169.254", "224.0.0.1", "192.0.0.8", "0.0.0.1", "[::1]", "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "[fe80::1]", "[fd00::1]",
        "localhost",
    ],
)  # fmt: skip
def test_no_spelling_leads_into_our_own_network(host, settings):
    settings.WEBHOOK_ALLOWED_HOSTS = []

    with pytest.raises(Unreachable, match="public"):
        post_json(f"https://{host}/", {})


@pytest.mark.parametrize(
    "url",
    [
        "http://1.1.1.1/",
        "https://1.1.1.1:8443/",
        "ftp://1.1.1.1/",
        "https://a@1.1.1.1/",
        "https://",
    ],
)
def test_only_https_on_its_own_port_is_called(url):
    with pytest.raises(Unreachable, match="https"):
        post_json(url, {})
