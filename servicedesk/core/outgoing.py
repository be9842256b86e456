"""POST to an address that somebody configured, without being led into our own network (T15).

The name is resolved once, all its addresses are judged, and the connection goes to the one that
was judged. Redirects are not followed. Only https on port 443, but for hosts of the house that
WEBHOOK_ALLOWED_HOSTS names.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

# In all, from the first byte out to the last byte in.
SECONDS = 15
MOST = 64 * 1024
Address = IPv4Address | IPv6Address

# `is_global` lets these through although they lead to, or through, somewhere else.
_TRANSLATED = [
    ip_network(net)
    for net in (
        "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "192.0.0.0/24",
    )
]  # fmt: skip


class Unreachable(Exception):
    """Not allowed, not there, or no success; the text says which, without the address's secrets."""


def post_json(url: str, body: Mapping[str, Any]) -> Any:
    """The decoded JSON of the answer (None if it is none). Only 2xx is success."""
    parts = urlsplit(url)
    host, tls = (parts.hostname or ""), parts.scheme == "https"
    try:
        port = parts.port or (443 if tls else 80)
    except ValueError as error:
        raise Unreachable("The address has no proper port") from error
    if parts.scheme not in {"https", "http"} or not host or parts.username is not None:
        raise Unreachable("Only plain https:// addresses are called")
    address = _judged(host, port, tls=tls)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    try:
        status, raw = _exchange(host, address, port, path, json.dumps(body).encode(), tls=tls)
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"{host}: {type(error).__name__}") from error
    if not 200 <= status < 300:
        raise Unreachable(f"{host} answered {status}")
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _judged(host: str, port: int, *, tls: bool) -> str:
    """The address to connect to. Every address of the name must be allowed."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{host} is not known") from error
    addresses = [ip_address(str(row[4][0]).partition("%")[0]) for row in found]
    if all(_of_the_house(host, address) for address in addresses):
        return str(addresses[0])
    if not tls or port != 443:
        raise Unreachable(f"{host}: only https on port 443")
    if not all(_public(address) for address in addresses):
        raise Unreachable(f"{host} is not a public address")
    return str(addresses[0])


def _of_the_house(host: str, address: Address) -> bool:
    for allowed in settings.WEBHOOK_ALLOWED_HOSTS:
        try:
            if address in ip_network(allowed):
                return True
        except ValueError:
            if host.lower() == allowed.strip().lower():
                return True
    return False


def _public(address: Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return _public(mapped)
    if not address.is_global or address.is_multicast:
        return False
    return not any(address in net for net in _TRANSLATED if net.version == address.version)


def _exchange(
    host: str, address: str, port: int, path: str, body: bytes, *, tls: bool
) -> tuple[int, bytes]:
    """One request to that very address, cut off when its time is over."""
    raw = socket.create_connection((address, port), timeout=SECONDS)
    # A timeout counts from byte to byte; who sends one a second would hold us for ever.
    alarm = threading.Timer(SECONDS, _cut, [raw])
    alarm.daemon = True
    alarm.start()
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        context = ssl.create_default_context() if tls else None
        connection.sock = context.wrap_socket(raw, server_hostname=host) if context else raw
        name = f"[{host}]" if ":" in host else host
        headers = {
            "Host": name if port in {80, 443} else f"{name}:{port}",
            "Content-Type": "application/json",
            "User-Agent": "servicedesk",
        }
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(MOST)
    finally:
        alarm.cancel()
        connection.close()
        raw.close()


def _cut(raw: socket.socket) -> None:
    try:
        raw.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # It is closed already.
