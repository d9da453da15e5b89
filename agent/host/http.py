"""Asking a URL as a visitor's browser would: redirects are followed, within the host. What is wrong with the answer is
told with its status, its first words, and the settings that such an answer mostly comes from."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import SplitResult, urldefrag, urljoin, urlsplit

from agent.host.asking import Answer, get, why_not
from agent.text.lines import cut, shown
from agent.text.masking import masked_urls

NO_ANSWER = "does not answer"
REDIRECTS = (301, 302, 303, 307, 308)
# A browser gives up after so many; nor does any site need them.
MOST_REDIRECTS = 10
# How much of an answer is shown, characters.
SHOWN = 200
NOT_TEXT = re.compile(r"<(script|style|title)\b.*?(?:</\1\s*>|$)|<!--.*?(?:-->|$)|<[^>]*>", re.IGNORECASE | re.DOTALL)
PROTO = "X-Forwarded-Proto"


def ask(url: str, headers: Mapping[str, str], expected: int | Sequence[int], timeout: float) -> str | None:
    """Ask a URL once. Returns what is wrong with the answer, or None.

    + headers: where they name a host, the URL is the app's own address, and all of that host's is asked for there
    + expected: the status, or several
    + timeout: how long it may take with all of its redirects, seconds
    """
    wanted = list(expected) if isinstance(expected, Sequence) else [expected]
    own, headers, end = "Host" in headers, dict(headers), time.monotonic() + timeout
    address = urlsplit(url)
    place = _visited(address, headers)
    been, cookies = [place], dict[str, str]()
    while True:
        at, way = urlsplit(place), "" if len(been) == 1 else f" leads to {place}, which"
        target = at._replace(scheme=address.scheme, netloc=address.netloc) if own else at
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        try:
            answer = get(target, headers, end)
        except (OSError, ValueError) as error:
            return f"{url}{way} {NO_ANSWER}: {why_not(error)}" + (_secure(been) if way else "")
        if answer.status in wanted:
            return None
        wrong = f"{url}{way} answers {answer.status}, not {' or '.join(map(str, wanted))}"
        if answer.status not in REDIRECTS or not answer.location:
            words = _words(answer.body)
            return wrong + (f": {words}" if words else "") + _hint(answer.status, at)
        leads = f"{wrong}, and leads to {shown(masked_urls(cut(answer.location)))}"
        following = _following(place, answer.location)
        if following is None:
            return f"{leads}, which is another host"
        cookies.update(_cookies(answer))
        if (following in been and not cookies) or len(been) > MOST_REDIRECTS:
            return f"{leads} again and again{_secure([*been, following])}"
        place = following
        been.append(place)
        if own:
            headers.update({"Host": urlsplit(place).netloc, PROTO: urlsplit(place).scheme})


def _visited(address: SplitResult, headers: Mapping[str, str]) -> str:
    """The URL that a visitor would have asked for."""
    scheme, host = headers.get(PROTO, address.scheme), headers.get("Host", address.netloc)
    return address._replace(scheme=scheme, netloc=host, path=address.path or "/", fragment="").geturl()


def _following(place: str, location: str) -> str | None:
    """Where a redirect leads, if that is the same host."""
    try:
        found = urldefrag(urljoin(place, location)).url
        return found if urlsplit(found).hostname == urlsplit(place).hostname else None
    except ValueError:
        return None


def _words(body: bytes) -> str:
    """The first words of an answer, without what a browser would not show.

    >>> _words(b"<title>Error</title><h1>Server Error (500)</h1><style>b {}</style>")
    'Server Error (500)'
    """
    text = html.unescape(NOT_TEXT.sub(" ", body.decode(errors="replace")))
    return cut(shown(masked_urls(" ".join(text.split()))), SHOWN)


def _cookies(answer: Answer) -> dict[str, str]:
    """What a browser would send back; a page that sets a language leads to itself with one."""
    found = dict[str, str]()
    for line in answer.cookies:
        try:
            found.update({name: one.coded_value for name, one in SimpleCookie(line).items()})
        except CookieError:
            continue
    return found


def _hint(status: int, at: SplitResult) -> str:
    if status == HTTPStatus.BAD_REQUEST:
        return f"; so Django answers where ALLOWED_HOSTS does not have {at.hostname}"
    return ""


def _secure(been: Sequence[str]) -> str:
    """What leads to https, where a way of redirects does and comes to no good end."""
    if not been[-1].startswith("https:"):
        return ""
    return (
        "; SECURE_SSL_REDIRECT leads there: behind a web server it needs SECURE_PROXY_SSL_HEADER, and the web server "
        "to send X-Forwarded-Proto"
    )
