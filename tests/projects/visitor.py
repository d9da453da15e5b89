"""A visitor of a project's site, who sees every status as it is."""

from __future__ import annotations

import http.client
import re
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from tests.bed.hosts import Host


@dataclass(frozen=True)
class Page:
    """What the site has answered."""

    status: int
    text: str


def visit(host: Host, path: str = "/") -> Page:
    """Ask for a page, without following where it leads."""
    return _ask(host, "GET", path)


def post(host: Host, path: str, field: str, value: str) -> Page:
    """Send a form of one field."""
    return _ask(host, "POST", path, f"{field}={value}", {"Content-Type": "application/x-www-form-urlencoded"})


def upload(host: Host, path: str, text: str) -> Page:
    """Send a note, and a file with the same text and the name of it, as a form does."""
    border = secrets.token_hex(8)
    fields = (f'name="text"\r\n\r\n{text}', f'name="file"; filename="{text}.txt"\r\n\r\n{text}')
    body = "".join(f"--{border}\r\nContent-Disposition: form-data; {field}\r\n" for field in fields)
    headers = {"Content-Type": f"multipart/form-data; boundary={border}"}
    return _ask(host, "POST", path, f"{body}--{border}--\r\n", headers)


def upgrade(host: Host, path: str) -> int:
    """Ask for a WebSocket; the status: 101 where there is one."""
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    return _ask(host, "GET", path, headers={**headers, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}).status


def _ask(host: Host, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> Page:
    address = urlsplit(host.website_url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        # What follows this one has no end.
        text = b"" if answer.status == HTTPStatus.SWITCHING_PROTOCOLS else answer.read()
        return Page(answer.status, text.decode(errors="replace"))
    finally:
        connection.close()


def styles(host: Host, page: str = "/admin/login/") -> dict[str, int]:
    """The status of each style sheet that a page names."""
    found = re.findall(r'<link[^>]*href="([^"]+\.css)"', visit(host, page).text)
    return {name: visit(host, urlsplit(urljoin(host.website_url, name)).path).status for name in found}
