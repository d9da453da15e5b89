"""A visitor of a project's site, who sees every status as it is."""

from __future__ import annotations

import http.client
import re
import secrets
from dataclasses import dataclass
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


def upload(host: Host, path: str, field: str, content: str) -> Page:
    """Send a file, as a form does."""
    border = secrets.token_hex(8)
    disposition = f'Content-Disposition: form-data; name="{field}"; filename="note.txt"'
    body = f"--{border}\r\n{disposition}\r\n\r\n{content}\r\n--{border}--\r\n"
    return _ask(host, "POST", path, body, {"Content-Type": f"multipart/form-data; boundary={border}"})


def _ask(host: Host, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> Page:
    address = urlsplit(host.website_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return Page(answer.status, answer.read().decode(errors="replace"))
    finally:
        connection.close()


def styles(host: Host, page: str = "/admin/login/") -> dict[str, int]:
    """The status of each style sheet that a page names."""
    found = re.findall(r'<link[^>]*href="([^"]+\.css)"', visit(host, page).text)
    return {name: visit(host, urlsplit(urljoin(host.website_url, name)).path).status for name in found}
