"""An ASGI project of `django-admin startproject`, by each server that it may name: what visitors notice of a deploy."""

from __future__ import annotations

import pytest

from tests.bed.hosts import Host
from tests.hosts.visitors import APP, visitors
from tests.projects.project import Project
from tests.projects.story import Story
from tests.projects.tools import DJANGO, startproject
from tests.projects.visitor import visit
from tests.runs import Runs

STORY = Story("startproject, served as ASGI by the server that it names", {"health_url": APP})
SERVERS = {"gunicorn": "", "uvicorn": "", "hypercorn": "may drop a request", "daphne": "drops the requests"}
URLS = """\
import asyncio

from django.http import HttpResponse
from django.urls import path


async def slow(request):
    await asyncio.sleep(1)
    return HttpResponse("slow")


urlpatterns = [path("", lambda request: HttpResponse("a front page")), path("slow/", slow)]
"""
# As many requests a second, at each page.
RATE = 20


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, with two commits."""
    made = Project(tmp_path_factory.mktemp("servers"), DJANGO, *SERVERS, "uvicorn-worker")
    startproject(made.code.folder)
    made.code.write("mysite/urls.py", URLS)
    made.require()
    made.code.commit("first")
    made.code.append("mysite/urls.py", "# another commit\n")
    made.code.commit("second")
    return made


@pytest.mark.parametrize("server", SERVERS)
def test_a_deploy_goes_unnoticed_where_the_server_ends_its_requests_and_is_said_where_not(
    site: Host, run: Runs, server: str
) -> None:
    asked: dict[str, object] = {"processes": f"web: {server} mysite.asgi:application"}
    run("deploy", site, data={**asked, "code": "first"}).worked()
    assert visit(site).text == "a front page"
    assert visit(site, "/slow/").text == "slow"
    shown = run("deploy", site, data={**asked, "code": "second"}, args=["--dry"])
    assert "one process after the other" in shown.flowing
    assert (f"{server} {SERVERS[server]}" in shown.flowing) == bool(SERVERS[server])
    with visitors(site, RATE, site.website_url, APP, f"4*{APP}slow/") as answers:
        run("deploy", site, data={**asked, "code": "second"}).worked()
    assert sum(one["asked"] for one in answers) > 200
    failed = sum(one["failed"] for one in answers)
    # Of those that drop any, only what was asked just then.
    assert failed == 0 if not SERVERS[server] else failed < RATE
    running = site.read(["pgrep", "-a", "-u", "app", "-f", "--", f"-m {server} "]).splitlines()
    assert len(running) >= 2
