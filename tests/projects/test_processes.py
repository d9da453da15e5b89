"""What `django-admin startproject` makes, with a Procfile: a server, a worker that takes its time, and a release."""

from __future__ import annotations

import pytest

from tests.bed.hosts import Host
from tests.faults.watch import wait_until
from tests.hosts.visitors import APP, visitors
from tests.projects.project import Project
from tests.projects.story import Story
from tests.projects.tools import DJANGO, startapp, startproject
from tests.projects.visitor import visit
from tests.runs import Runs

STORY = Story(
    "startproject, with a Procfile: a release, and a worker that takes its time",
    {"health_url": APP, "processes": {"worker": {"stop": 40}}},
)
PROCFILE = """\
release: python manage.py migrate --noinput && python manage.py released
web: gunicorn mysite.wsgi --log-file - --workers ${WEB_CONCURRENCY:-1} -b 0.0.0.0:$PORT
worker: python manage.py work
"""
# What it takes a while to do, a signal to end does not cut off.
WORK = """\
import signal
import time
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

HOME = Path("/home/app")


class Command(BaseCommand):
    ends = False

    def end(self, *_):
        self.ends = True

    def handle(self, *args, **options):
        signal.signal(signal.SIGTERM, self.end)
        (HOME / "works").write_text(f"{settings.SETTINGS_MODULE} {settings.BASE_DIR}")
        while not self.ends:
            if (HOME / "task").exists():
                (HOME / "task").rename(HOME / "begun")
                until = time.monotonic() + 10
                while time.monotonic() < until:
                    time.sleep(0.1)
                (HOME / "done").write_text(str(settings.BASE_DIR))
            time.sleep(0.1)
"""
RELEASED = """\
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection


class Command(BaseCommand):
    def handle(self, *args, **options):
        tables = len(connection.introspection.table_names())
        with Path("/home/app/released").open("a") as file:
            file.write(f"{settings.SETTINGS_MODULE} {tables > 0} {settings.BASE_DIR}\\n")
"""
URLS = """\
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse("a front page"))]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, with two commits that are well, one whose worker can't start, and one that has another worker."""
    made = Project(tmp_path_factory.mktemp("processes"), DJANGO)
    code = made.code
    startproject(code.folder)
    startapp(code.folder, "jobs")
    code.change("mysite/settings.py", "INSTALLED_APPS = [", 'INSTALLED_APPS = [\n    "jobs",')
    code.write("mysite/urls.py", URLS)
    for name, text in {
        "__init__": "",
        "commands/__init__": "",
        "commands/work": WORK,
        "commands/released": RELEASED,
    }.items():
        code.write(f"jobs/management/{name}.py", text)
    code.write("Procfile", PROCFILE)
    made.require()
    code.commit("first")
    code.append("mysite/urls.py", "# another commit\n")
    code.commit("second")
    code.change("Procfile", "worker: python manage.py work", "worker: python manage.py no_such_work")
    code.commit("broken")
    code.change("Procfile", "worker: python manage.py no_such_work", "other: python manage.py work")
    code.commit("renamed")
    return made


def live(site: Host) -> str:
    """The folder of the live version."""
    return site.read(["readlink", "-f", "/home/app/django-current"]).strip()


def test_what_its_procfile_names_is_run(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "first"}).worked()
    assert "found: Procfile: release, web, worker" in result.output
    assert "found: release: python manage.py migrate --noinput is done by each deploy itself" in result.output
    assert visit(site).text == "a front page"
    wait_until(site, "test -s /home/app/works")
    assert site.read(["cat", "/home/app/works"]) == f"settings_switchback {live(site)}/code"
    assert site.read(["cat", "/home/app/released"]) == f"settings_switchback True {live(site)}/code\n"


def test_a_worker_ends_what_it_is_at_with_the_site_long_back_and_not_a_visitor_notices(site: Host, run: Runs) -> None:
    before = live(site)
    site.run(["rm", "-f", "/home/app/works"])
    with visitors(site, 20, site.website_url, APP) as answers:
        site.run(["touch", "/home/app/task"], user="app")
        wait_until(site, "test -e /home/app/begun")
        result = run("deploy", site, data={"code": "second"}, args=["-v"]).worked()
    assert "no window is needed" in result.output
    for one in answers:
        assert one["asked"] > 20
        assert (one["failed"], one["wrong"]) == (0, []), answers
    assert site.read(["cat", "/home/app/done"]) == f"{before}/code"
    wait_until(site, "test -s /home/app/works")
    assert site.read(["cat", "/home/app/works"]) == f"settings_switchback {live(site)}/code" != f"{before}/code"
    assert len(site.read(["cat", "/home/app/released"]).splitlines()) == 2


def test_a_worker_that_can_not_start_is_named_with_its_last_words_and_not_kept(site: Host, run: Runs) -> None:
    before = live(site)
    result = run("deploy", site, data={"code": "broken"})
    assert result.code == 1
    assert "worker" in result.told
    assert "no_such_work" in result.told
    assert "proven healthy" in result.told
    assert live(site) == before
    assert "a front page" in visit(site).text


def test_a_process_that_comes_and_one_that_goes_are_taken_over_without_a_window(site: Host, run: Runs) -> None:
    with visitors(site, 20, site.website_url, APP) as answers:
        run("deploy", site, data={"code": "renamed", "processes": "{}"}).worked()
    assert [(one["failed"], one["wrong"]) for one in answers] == [(0, [])] * 2
    names = site.read(["sh", "-c", "ls /home/app/log"]).split()
    assert {"web_00.log", "worker.log", "other.log"} <= {*names}
    running = site.read(["pgrep", "-a", "-u", "app", "-f", "manage.py work"]).splitlines()
    assert len(running) == 1
    assert live(site) in running[0]
