"""Asking as a visitor's browser would, and what is said of an answer that is not the right one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from agent.host.http import ask
from agent.service.health import headers_for
from agent.visitors.probes import Probe
from tests.unit.examples import settings

Page = tuple[int, dict[str, str], str]

OWN = {"Host": "www.example.com"}


class Site(BaseHTTPRequestHandler):
    """A site on this machine that answers as its pages say, by path, or by scheme and path as a proxy tells it."""

    pages: dict[str, Page]
    asked: list[str]

    def do_GET(self) -> None:
        proto = self.headers.get("X-Forwarded-Proto", "http")
        cookie = f" {self.headers['Cookie']}" if self.headers["Cookie"] else ""
        type(self).asked.append(f"{proto}://{self.headers['Host']}{self.path}{cookie}")
        known = (f"{proto}:{self.path}", f"{self.path}{cookie}", self.path)
        status, headers, text = next((self.pages[one] for one in known if one in self.pages), (404, {}, "Not Found"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    """The address of the site."""
    Site.pages, Site.asked = {"/": (200, {}, "")}, []
    server = HTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def leads(to: str, status: int = 302) -> Page:
    return status, {"Location": to}, ""


def test_an_answer_with_the_right_status_is_well(site: str) -> None:
    assert ask(f"{site}/", {}, 200, 5) is None
    assert ask(f"{site}/", {}, [204, 200], 5) is None


def test_another_status_is_named_with_the_right_ones_and_its_first_words(site: str) -> None:
    Site.pages["/"] = (503, {}, "<title>Oh</title><style>b {}</style><h1>Service &amp; all: \x1b[2J</h1>" + "x" * 9000)
    says = str(ask(f"{site}/", {}, [200, 204], 5))
    assert says.startswith(f"{site}/ answers 503, not 200 or 204: Service & all: \\x1b[2J xxx")
    assert len(says) < 500


def test_no_answer_is_named_with_its_cause() -> None:
    assert str(ask("http://127.0.0.1:1/", {}, 200, 5)).startswith("http://127.0.0.1:1/ does not answer: ")


def test_a_silent_server_is_not_waited_for_longer_than_it_may_take() -> None:
    with HTTPServer(("127.0.0.1", 0), Site) as server:
        assert "does not answer: timed out" in str(ask(f"http://127.0.0.1:{server.server_port}/", {}, 200, 0.1))


def test_400_names_the_setting_that_does_not_have_the_host(site: str) -> None:
    Site.pages["/"] = (400, {}, "<h1>Bad Request (400)</h1>")
    says = (
        "answers 400, not 200: Bad Request (400); so Django answers where ALLOWED_HOSTS does not have www.example.com"
    )
    assert says in str(ask(f"{site}/", OWN, 200, 5))


# --- Redirects


@pytest.mark.parametrize("to", ["/login/?next=/", "login/?next=/", "http://www.example.com/login/?next=/"])
def test_a_front_page_that_leads_to_a_login_is_well(site: str, to: str) -> None:
    Site.pages.update({"/": leads(to), "/login/?next=/": (200, {}, "")})
    assert ask(f"{site}/", OWN, 200, 5) is None
    assert Site.asked == ["http://www.example.com/", "http://www.example.com/login/?next=/"]
    Site.pages["/"] = leads("/login/?next=/")
    assert ask(f"{site}/", {}, 200, 5) is None


def test_a_front_page_that_leads_to_https_is_well_where_the_app_believes_its_web_server(site: str) -> None:
    Site.pages.update({"/": leads("https://www.example.com/", 301), "https:/": (200, {}, "")})
    assert ask(f"{site}/", OWN, 200, 5) is None
    assert Site.asked == ["http://www.example.com/", "https://www.example.com/"]


def test_a_front_page_that_leads_to_itself_with_a_language_is_well(site: str) -> None:
    Site.pages.update({"/": (302, {"Location": "/", "Set-Cookie": "lang=de; Path=/"}, ""), "/ lang=de": (200, {}, "")})
    assert ask(f"{site}/", OWN, 200, 5) is None


def test_an_app_that_leads_to_https_for_ever_is_told_with_the_settings(site: str) -> None:
    Site.pages["/"] = leads("https://www.example.com/", 301)
    says = str(ask(f"{site}/", OWN, 200, 5))
    assert "answers 301, not 200, and leads to https://www.example.com/ again and again" in says
    assert "SECURE_SSL_REDIRECT leads there" in says
    assert "SECURE_PROXY_SSL_HEADER" in says
    assert len(Site.asked) == 2


def test_https_where_nobody_answers_is_told_with_the_setting(site: str) -> None:
    Site.pages["/"] = leads("https://127.0.0.1:1/", 301)
    says = str(ask(f"{site}/", {}, 200, 5))
    assert says.startswith(f"{site}/ leads to https://127.0.0.1:1/, which does not answer: ")
    assert "SECURE_SSL_REDIRECT" in says


@pytest.mark.parametrize("to", ["https://login.example.net/?next=x", "//login.example.net/", "mailto:me", "http://[x"])
def test_what_leads_elsewhere_is_not_followed(site: str, to: str) -> None:
    Site.pages["/"] = leads(to)
    assert str(ask(f"{site}/", OWN, 200, 5)).endswith(f"answers 302, not 200, and leads to {to}, which is another host")
    assert len(Site.asked) == 1


def test_where_it_ends_is_what_counts(site: str) -> None:
    Site.pages.update({"/": leads("/de/"), "/de/": (500, {}, "<h1>Server Error (500)</h1>")})
    says = f"{site}/ leads to http://www.example.com/de/, which answers 500, not 200: Server Error (500)"
    assert ask(f"{site}/", OWN, 200, 5) == says
    Site.pages.update({"/": leads("/a"), "/a": leads("/b"), "/b": leads("/a")})
    assert "leads to /a again and again" in str(ask(f"{site}/", OWN, 200, 5))


def test_a_redirect_that_is_asked_for_is_not_followed(site: str) -> None:
    Site.pages["/"] = leads("https://login.example.net/")
    assert ask(f"{site}/", OWN, [200, 302], 5) is None


def test_the_probes_that_tell_what_visitors_noticed_follow_too(site: str) -> None:
    Site.pages.update({"/": leads("/login/"), "/login/": (200, {}, "")})
    probe = Probe(f"{site}/", {}, [200])
    probe.start()
    while not probe.asked:
        pass
    probe.enough()
    found = probe.found()
    assert (found.failed, found.outage) == (0, 0.0)


def test_the_app_is_told_how_visitors_come_to_its_web_server() -> None:
    def sent(**changes: Any) -> dict[str, str]:
        return headers_for(settings(**changes).for_host())

    assert sent(website_url="http://example.com/") == {"Host": "example.com"}
    assert sent(website_url="https://example.com/") == {"Host": "example.com", "X-Forwarded-Proto": "https"}
    own = {"X-Forwarded-Proto": "http", "X-Scheme": "https"}
    assert sent(website_url="https://example.com/", health_headers=own) == {"Host": "example.com", **own}
