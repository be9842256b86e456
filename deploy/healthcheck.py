"""Exit 0 if the web process of this container answers. For the image's health check."""

from __future__ import annotations

import http.client
import os
import sys
from urllib.parse import urlsplit


def main() -> int:
    # As the proxy would ask: under the public name, else the answer is a refusal or a redirect.
    address = urlsplit(os.environ.get("BASE_URL", "http://localhost:8000"))
    headers = {"Host": address.netloc, "X-Forwarded-Proto": address.scheme}
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
    try:
        connection.request("GET", "/healthz", headers=headers)
        return 0 if connection.getresponse().status == 200 else 1
    except OSError:
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
