"""Two sites on one host: two users, two files of settings, a project in one repository each. Whatever is done with one,
the other does not notice; what both would use is refused, with what to write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.bed.hosts import Host
from tests.hosts.footprint import assert_refused, untouched
from tests.projects.project import Project
from tests.projects.tools import DJANGO, manage, startapp, startproject
from tests.runs import SETTINGS, Result, Runs

MODELS = """\
from django.db import models


class Note(models.Model):
    text = models.CharField(max_length=50)
"""
URLS = """\
import getpass

from django.contrib import admin
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from notes.models import Note


@csrf_exempt
def index(request):
    if request.method == "POST":
        Note.objects.create(text=request.POST["text"])
    return HttpResponse(f"{getpass.getuser()} has {Note.objects.count()} notes")


urlpatterns = [path("", index), path("admin/", admin.site.urls)]
"""
SHOP: Mapping[str, Any] = {
    "app_username": "shop",
    "systemd_service": "shop",
    "website_url": "http://127.0.0.1:8081/",
    "health_url": "http://127.0.0.1:8001/",
}


class Site:
    """One of the sites: its own settings, and its own runs."""

    def __init__(self, host: Host, folder: Path, settings: Mapping[str, Any], own: Mapping[str, Any]) -> None:
        self.host = host
        self.user, self.name = own.get("app_username", "app"), own.get("systemd_service", "django")
        self.address = own.get("website_url", host.website_url)
        self.own = own
        self.runs = Runs(folder, dict(settings))

    def run(self, deploy: str, but: Mapping[str, Any] | None = None, args: tuple[str, ...] = ()) -> Result:
        """Run one of the deploys.

        + but: its own settings, in the place of all of them
        """
        return self.runs(deploy, self.host, own={self.host.name: self.own if but is None else but}, args=args)

    def page(self, *sent: str) -> str:
        """What its visitors get."""
        return self.host.read(["curl", "-sf", *sent, self.address])

    def state(self) -> dict[str, str]:
        """All that a run may change of it: its files but logs, what runs of it, what is known of its runs."""
        own = (
            f"find /home/{self.user} /var/lib/switchback/{self.name} ! -path '*/log/*' -printf '%p %y %l %T@\\n' | sort"
        )
        files = f"ls -l --time-style=full-iso /etc/systemd/system/{self.name}.* /etc/nginx/sites-*/*-{self.name}.conf"
        return {
            "files": self.host.run(f"{own}; {files} /etc/logrotate.d/*{self.name}").stdout,
            "processes": self.host.run(["pgrep", "-u", self.user, "--list-full"]).stdout,
        }


@pytest.fixture(scope="module")
def sites(bare_host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Site]]:
    """The sites, on a host that is not provisioned, whose nginx is as nobody has set it up."""
    made = Project(tmp_path_factory.mktemp("two-sites"), DJANGO)
    code = made.code
    startproject(code.folder)
    startapp(code.folder, "notes")
    code.write("notes/models.py", MODELS)
    code.change("mysite/settings.py", "INSTALLED_APPS = [", 'INSTALLED_APPS = [\n    "notes",')
    code.write("mysite/urls.py", URLS)
    manage(code.folder, "makemigrations", "notes")
    made.require()
    code.commit("first")
    made.place(bare_host)
    bare_host.run("rm /etc/nginx/sites-enabled/default && systemctl reload nginx")
    kept = {key: SETTINGS[key] for key in ("code_repo_url", "wheelhouse", "health_stable")}
    both = [Site(bare_host, tmp_path_factory.mktemp("runs"), kept, own) for own in ({}, SHOP)]
    yield both[0], both[1]
    for one in both:
        one.runs.end()


def test_a_second_site_that_would_use_what_is_the_first_ones_is_not_provisioned(sites: tuple[Site, Site]) -> None:
    first, shop = sites
    first.run("provision").worked()
    copied = {"systemd_service": "shop"}
    with untouched(first.host):
        refused = shop.run("provision", but=copied)
    assert_refused(refused, "the user app is the site django's as well", "(app_username)")
    first.run("deploy").worked()
    assert first.page("--data", "text=one") == "app has 1 notes"
    with untouched(first.host):
        refused = shop.run("provision", but={**copied, "app_username": "shop"})
    assert_refused(
        refused,
        "port 8000 of health_url is the site django's as well: write another one into health_url",
        "of website_url is the site django's as well: give this site a name or a port of its own",
    )


def test_whatever_is_done_with_the_second_site_the_first_does_not_notice(sites: tuple[Site, Site]) -> None:
    first, shop = sites
    before = first.state()
    for deploy in ("provision", "check", "deploy"):
        shop.run(deploy).worked()
    assert shop.page("--data", "text=one") == "shop has 1 notes"
    assert "visitors noticed nothing" in shop.run("deploy", args=("--data", "force=true")).worked().told
    shop.run("revert").worked()
    shop.run("restart").worked()
    assert "shop has 1 notes" in shop.page()
    assert first.page() == "app has 1 notes"
    assert first.state() == before


def test_nor_the_second_what_is_done_with_the_first(sites: tuple[Site, Site]) -> None:
    first, shop = sites
    before = shop.state()
    first.run("provision").worked()
    assert "visitors noticed nothing" in first.run("deploy", args=("--data", "force=true")).worked().told
    first.run("revert").worked()
    first.run("clean", args=("--data", "keep=1")).worked()
    assert first.page() == "app has 1 notes"
    assert shop.state() == before
    told = first.run("status").worked().output
    assert "committed" in told
    assert told.count("  revert ") == 1


def test_the_logs_of_each_are_rotated_and_go_on(sites: tuple[Site, Site]) -> None:
    host = sites[0].host
    for one in sites:
        logs = f"/home/{one.user}/log"
        host.run(["logrotate", "--force", f"/etc/logrotate.d/switchback-{one.name}"])
        assert host.read(f"ls {logs}").count("supervisord.log-") == 1
        pid = host.read(["cat", f"/home/{one.user}/supervisord.pid"]).strip()
        assert host.read(["readlink", "-f", f"{logs}/supervisord.log"]).strip() in host.read(f"ls -l /proc/{pid}/fd")


def test_both_are_back_after_a_reboot(sites: tuple[Site, Site]) -> None:
    first, shop = sites
    first.host.reboot()
    for one in sites:
        first.host.run(["timeout", "30", "sh", "-c", f"until curl -sf {one.address}; do sleep 0.2; done"])
    assert (first.page(), shop.page()) == ("app has 1 notes", "shop has 1 notes")
