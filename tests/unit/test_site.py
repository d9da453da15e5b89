"""What visitors get is looked at: whether maintenance is on, and whether they get the site again after a fallback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from agent.service.health import Unhealthy
from agent.steps import scripts
from agent.transaction.consequences import visitors_are_in
from agent.transaction.lock import lock_holder
from agent.transaction.step import StepContext, StepFailed
from agent.transaction.transaction import Transaction
from agent.visitors import site
from tests.unit.agent_host import ID, Host
from tests.unit.django_found import pending
from tests.unit.examples import LIVE, settings
from tests.unit.steps import really, really_undone

GLANCE = site.glance
APP, SHUT = (200, "<title>Shop</title>"), (503, "<title>Back soon</title>")


class Web:
    """A site with a flag that shuts it, and scripts that do with it what a test says."""

    def __init__(self, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
        web, self.host = self, host
        self.shut, self.shows, self.page = False, APP, SHUT
        self.starts = self.stops = True

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = web.page if web.shut else web.shows
                self.send_response(status)
                self.end_headers()
                self.wfile.write(f"{body} for visitor {id(self)}".encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(scripts, "run_script", self._script)
        monkeypatch.setattr(site, "SEEN_WITHIN", 0.1)
        monkeypatch.setattr(site, "glance", GLANCE)
        host.step("maintenance_start", really("maintenance_start"))
        host.step("maintenance_stop", really("maintenance_stop"))
        host.action("maintenance", really_undone("maintenance"))
        host.action("site", really_undone("site"))

    def _script(self, step: StepContext, key: str, *arguments: str) -> str:
        if key == "maintenance_start_script" and self.starts:
            self.shut = True
        if key == "maintenance_stop_script" and self.stops:
            self.shut = False
        return ""

    def begin(self, **fields: Any) -> None:
        """Open a deploy that has looked at the site."""
        url = f"http://127.0.0.1:{self.server.server_port}/"
        told = replace(settings().for_host(), website_url=url, site_timeout=0.1)
        self.host.begin(settings=told, site_before=asdict(site.look(told)), **fields)

    @property
    def last(self) -> str:
        """The last thing that was said."""
        return self.host.said.splitlines()[-1]


@pytest.fixture
def web(host: Host, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A host and its site."""
    web = Web(host, monkeypatch)
    yield web
    web.server.shutdown()
    web.server.server_close()


def breaks(step: StepContext) -> dict[str, object]:
    raise StepFailed("it broke")


def in_the_window(web: Web, restores: bool) -> StepContext:
    """A step of a deploy in its window, whose way back is a restore, or is not."""
    url = f"http://127.0.0.1:{web.server.server_port}"
    told = replace(settings().for_host(), website_url=f"{url}/shop", health_url=f"{url}/ready", site_timeout=0.1)
    web.host.step("checks", lambda _: {"pending": [pending("0002")], "fallback": "restore" if restores else "reverse"})
    web.host.begin(settings=told, site_before=asdict(site.look(told)))
    web.host.run("checks", "maintenance_start")
    # The page is the web server's; the app does not know of it.
    web.shut = False
    return StepContext("health", Transaction(web.host.state, ID), 1.0)


@pytest.mark.parametrize(("restores", "status", "fails"), [(True, 500, True), (True, 200, False), (False, 500, False)])
def test_the_app_is_asked_for_the_websites_page_before_visitors_are_where_a_backup_is_restored_only_until_then(
    web: Web, restores: bool, status: int, fails: bool
) -> None:
    step = in_the_window(web, restores)
    web.shows = (status, "")
    with pytest.raises(Unhealthy, match="/shop answers 500") if fails else nullcontext():
        site.prove_past_page(step)


def test_an_app_that_did_not_give_that_page_before_need_not_give_it_now(web: Web) -> None:
    web.shows = (404, "")
    site.prove_past_page(in_the_window(web, restores=True))


@pytest.mark.parametrize("page", [SHUT, (200, "<title>Back soon</title>")], ids=["503", "200"])
def test_a_stop_script_that_does_nothing_ends_in_maintenance_that_is_said_to_be_on(
    page: tuple[int, str], web: Web
) -> None:
    web.page, web.stops = page, False
    web.begin()
    assert web.host.run("maintenance_start", "swap", "maintenance_stop") == [True, True, False]
    said = web.host.said
    assert "visitors still get the maintenance page" in said
    assert f"needs a person at maintenance_stop: {LIVE} is live, maintenance is still ON" in said
    assert "maintenance is off" not in said
    assert lock_holder(web.host.state)


def test_a_stop_script_that_does_nothing_on_the_way_back_is_found_as_well(web: Web) -> None:
    web.stops = False
    web.host.step("migrate", breaks)
    web.begin()
    web.host.run("maintenance_start", "migrate")
    assert web.last.startswith(f"needs a person at migrate: {LIVE} is live, maintenance is still ON; ")


def test_a_start_script_that_shuts_nobody_out_is_told(web: Web) -> None:
    web.starts = False
    web.begin()
    assert web.host.run("maintenance_start") == [True]
    assert "maintenance_start: WARNING: the start script has ended well, but http://" in web.last


def test_a_page_with_something_new_for_each_visitor_is_known_again(web: Web) -> None:
    web.begin()
    assert web.host.run("maintenance_start", "maintenance_stop") == [True, True]
    assert "WARNING" not in web.host.said


def test_a_fallback_is_none_while_visitors_do_not_get_what_they_got_before(web: Web) -> None:
    web.host.step("site", breaks)
    web.begin()
    web.host.run("maintenance_start", "swap", "maintenance_stop")
    web.shows = (500, "")
    web.host.run("site")
    last = web.last
    assert last.startswith("needs a person at site: ")
    assert "visitors do not get the site: " in last
    assert "answers 500" in last


def test_a_site_that_was_down_before_is_said_to_be_so_and_not_demanded(web: Web) -> None:
    web.shows = (502, "")
    web.host.step("site", breaks)
    web.begin()
    web.host.run("maintenance_start", "swap", "maintenance_stop", "site")
    last = web.last
    assert last.startswith("fell back at site: ")
    assert "visitors get no better than before the deploy began: " in last
    assert "answers 502" in last


def test_a_first_deploy_may_leave_a_web_server_without_an_app_again(web: Web) -> None:
    web.host.step("health", breaks)
    web.begin(bare=True, was=None)
    web.shows = (502, "")
    web.host.run("maintenance_start", "swap", "health")
    assert "fell back at health" in web.last


def test_a_backup_is_not_restored_where_visitors_were_seen_to_be_let_in(web: Web) -> None:
    web.starts = False
    web.begin()
    web.host.run("maintenance_start")
    assert visitors_are_in(Transaction(web.host.state, ID).progress)
