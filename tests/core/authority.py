"""A time-stamp authority of its own: real HTTP on loopback, its answers made by `openssl ts`."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIG = """
[tsa]
default_tsa = it
[it]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
[req]
distinguished_name = name
[name]
[tsa_ext]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[ca_ext]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
"""


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


@dataclass
class Authority:
    folder: Path
    url: str = ""
    # "proper", "down" (503), "nonsense", or "refusing" (status: rejection).
    mood: str = "proper"
    asked: int = 0
    log: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"

    def make_keys(self) -> None:
        self.folder.mkdir(parents=True)
        (self.folder / "ts.cnf").write_text(CONFIG.format(folder=self.folder))
        (self.folder / "serial").write_text("01\n")
        openssl(
            self.folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key",
            "-out", "root.pem", "-days", "30", "-subj", "/O=Elsewhere/CN=Root of time",
            "-config", "ts.cnf", "-extensions", "ca_ext",
        )  # fmt: skip
        openssl(
            self.folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out",
            "tsa.csr", "-subj", "/O=Elsewhere/CN=Clock of others", "-config", "ts.cnf",
        )  # fmt: skip
        openssl(
            self.folder, "x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key",
            "-CAcreateserial", "-out", "tsa.pem", "-days", "20", "-extfile", "ts.cnf",
            "-extensions", "tsa_ext",
        )  # fmt: skip

    def answer(self, query: bytes) -> bytes:
        if self.mood == "nonsense":
            return b"<html>please log in</html>"
        number = self.asked
        (self.folder / f"{number}.tsq").write_bytes(query if self.mood == "proper" else b"\0")
        subprocess.run(
            ["openssl", "ts", "-reply", "-queryfile", f"{number}.tsq", "-config", "ts.cnf",
             "-section", "it", "-out", f"{number}.tsr"],
            cwd=self.folder, check=False, capture_output=True,
        )  # fmt: skip
        return (self.folder / f"{number}.tsr").read_bytes()


@contextmanager
def running(folder: Path) -> Iterator[Authority]:
    authority = Authority(folder)
    authority.make_keys()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            authority.asked += 1
            authority.log.append(self.headers.get("Authorization", ""))
            if authority.mood == "down":
                self.send_error(503)
                return
            body = authority.answer(query)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    authority.url = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        yield authority
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
