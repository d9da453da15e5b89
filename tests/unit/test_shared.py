"""What the sites of a host may not share, and what is said where they do."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.inside.protocol import Database
from agent.service import systemd
from agent.sites import earlier, shared
from agent.sites.shared import Uses, clashes, with_others
from agent.state import State
from agent.transaction.journal import Journal
from agent.versions.layout import Layout
from agent.words.journal import Event
from agent.words.settings import Settings
from tests.unit.examples import NEW, settings
from tests.unit.journals import says

SHOP = Uses(
    "shop",
    "shop",
    {"versions_dir": "/home/shop", "current_main": "/home/shop/django-current"},
    "/home/shop/deployment/supervisord.conf",
    ("/home/shop/supervisor.sock", "tcp://127.0.0.1:8001"),
    8001,
    (Database("default", "postgresql", "shop", "shop", False, ":5432"),),
    "www.example.com:443/shop",
)
BLOG = Uses(
    "blog",
    "blog",
    {"versions_dir": "/home/blog", "current_main": "/home/blog/django-current"},
    "/home/blog/deployment/supervisord.conf",
    ("/home/blog/supervisor.sock", "tcp://127.0.0.1:8000"),
    8000,
    (Database("default", "postgresql", "blog", "blog", False, "localhost:5432"),),
    "www.example.com:443/blog",
)


def test_sites_may_have_one_database_server_and_one_web_server() -> None:
    assert clashes(BLOG, [SHOP]) == []
    assert clashes(replace(BLOG, port=0), [replace(SHOP, port=0)]) == []


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (
            replace(BLOG, user="shop", places=SHOP.places),
            "the user shop is the site shop's as well: give this site a user of its own (app_username)",
        ),
        (
            replace(BLOG, places={**BLOG.places, "versions_dir": "/home/shop"}),
            "versions_dir /home/shop is the site shop's as well: give this site one of its own (versions_dir)",
        ),
        (
            replace(BLOG, places={"previous_main": "/home/shop/django-current"}),
            "previous_main /home/shop/django-current is the site shop's as well: give this site one of its own "
            "(previous_main)",
        ),
        (
            replace(BLOG, config=SHOP.config),
            "supervisord's config /home/shop/deployment/supervisord.conf is the site shop's as well: have this site's "
            "service start a supervisord with one of its own",
        ),
        (
            replace(BLOG, listens=("/home/shop/supervisor.sock",)),
            "supervisord's socket /home/shop/supervisor.sock is the site shop's as well: write another one into this "
            "site's supervisord.conf",
        ),
        (
            replace(BLOG, port=8001),
            "port 8001 of health_url is the site shop's as well: write another one into health_url, as in "
            "http://127.0.0.1:8002/ (and into supervisord.conf, where that is this site's own)",
        ),
        (
            replace(BLOG, website="www.example.com:443/shop"),
            "the address www.example.com:443/shop of website_url is the site shop's as well: give this site a name or "
            "a port of its own (website_url)",
        ),
    ],
)
def test_what_is_another_site_s_is_told_by_name_with_what_to_write(own: Uses, said: str) -> None:
    assert clashes(own, [SHOP]) == [said]


@pytest.mark.parametrize(
    ("ours", "same"),
    [
        (Database("default", "postgresql", "shop", "pooled", False, "127.0.0.1:5432"), True),
        (Database("other", "postgresql", "shop", "shop", False, "/var/run/postgresql:5432"), True),
        (Database("default", "postgresql", "shop", "shop", False, ":5433"), False),
        (Database("default", "postgresql", "shop", "shop", False, "db.example.com:5432"), False),
        (Database("default", "mysql", "shop", "shop", False, ":5432"), False),
        (Database("default", "postgresql", "blog", "shop", False, ":5432"), False),
    ],
)
def test_a_database_is_the_same_by_its_server_and_its_name(ours: Database, same: bool) -> None:
    (said,) = clashes(replace(BLOG, databases=(ours,)), [SHOP]) or [""]
    assert (said != "") == same
    if same:
        assert said == (
            "the database shop (PostgreSQL) is the site shop's as well: create one of this site's own, and name it in "
            f"DATABASES ({ours.alias}); the server may be shared"
        )


# --- What a host knows of its sites


class Host:
    """A host with users whose homes are in a folder, and sites that have had runs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.base, self.users, self.loaded = folder / "sites", {"app", "shop"}, {"django", "shop"}
        self.home = folder / "home"
        for module in ("agent.service.supervisor_config", "agent.sites.shared"):
            monkeypatch.setattr(f"{module}.acting_as", lambda _: nullcontext())
        monkeypatch.setattr(Layout, "of", self._layout)
        monkeypatch.setattr(earlier, "UNITS", folder / "units")
        monkeypatch.setattr(systemd, "unit_property", self._unit_property)
        monkeypatch.setattr(shared, "can_become", lambda user: user in self.users)
        monkeypatch.setattr(systemd, "main_pid", lambda _: 0)
        self.shop = self.told("shop", health_url="http://127.0.0.1:8001/")

    def _layout(self, told: Settings) -> Layout:
        if told.app_username not in self.users:
            raise KeyError(told.app_username)
        return Layout(told, self.home / told.app_username)

    def _unit_property(self, unit: str, name: str) -> str:
        site = unit.removesuffix(".service")
        told = {"LoadState": "loaded", "User": "app" if site == "django" else site}
        return told[name] if site in self.loaded else "not-found"

    def told(self, site: str, **changes: Any) -> Settings:
        told = {
            "systemd_service": site,
            "app_username": site if site in self.users else "app",
            "website_url": f"https://{site}.example.com/",
            **changes,
        }
        return settings(**told).for_host()

    def ran(self, deploy: str, *lines: Event, told: Settings | None = None, site: str = "shop") -> State:
        state = State(site, self.base)
        state.create()
        journal = Journal(state.transaction(deploy))
        state.transaction(deploy).mkdir()
        begun = says("begin", kind="deploy", deploy=deploy, version=NEW, settings=told or self.shop)
        for line in (begun, *lines):
            journal.append(line)
        return state

    def clashes(self, **changes: Any) -> list[str]:
        return with_others(State("django", self.base), self.told("django", **changes))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host with the site `shop`, on which `django` is to be another one."""
    return Host(tmp_path, monkeypatch)


def checked(name: str) -> Event:
    database = Database("default", "postgresql", name, name, False, ":5432")
    return says("step done", step="checks", note={"databases": [vars(database)]})


COMMITTED = (says("committed"), says("ended", outcome="committed", sentence="committed"))
REFUSED = says("ended", outcome="refused", sentence="refused")


def test_what_a_site_uses_is_known_by_its_last_run_from_its_first_line_on(host: Host) -> None:
    assert host.clashes(app_username="shop") == []
    host.ran("1")
    assert host.clashes() == []
    (said,) = host.clashes(app_username="shop")
    assert said.startswith("the user shop is the site shop's as well")
    (said,) = host.clashes(health_url="http://localhost:8001/up")
    assert said.startswith("port 8001 of health_url")
    host.ran("2", told=host.told("shop", health_url="http://127.0.0.1:8002/"))
    assert host.clashes(health_url="http://localhost:8001/up") == []


def test_a_site_s_databases_are_those_of_its_last_run_that_has_gone_well_or_goes_on(host: Host) -> None:
    host.ran("1", checked("one"), *COMMITTED)
    host.ran("2", checked("two"), REFUSED)
    host.ran("3", *COMMITTED)
    assert [one.name for one in shared.last_databases(State("shop", host.base))] == ["one"]
    state = host.ran("4", checked("four"))
    assert [one.name for one in shared.last_databases(state)] == ["four"]
    (state.transaction("4") / "journal.jsonl").write_text('{"at": 1, "event": "begin"}\n')
    assert [one.name for one in shared.last_databases(state)] == ["one"]


def test_two_sites_with_one_database_are_told_so(host: Host) -> None:
    host.ran("1", checked("app"), *COMMITTED)
    host.ran("1", checked("app"), *COMMITTED, site="django", told=host.told("django"))
    (said,) = host.clashes()
    assert said.startswith("the database app (PostgreSQL) is the site shop's as well")


def test_a_version_that_is_to_be_live_is_looked_at_by_its_own_config_and_its_own_database(host: Host) -> None:
    host.ran("1", checked("shop"), *COMMITTED)
    for user, text in (("shop/deployment", "file=/tmp/one.sock"), (f"app/{NEW}/config", "file = /tmp/one.sock")):
        (host.home / user).mkdir(parents=True)
        (host.home / user / "supervisord.conf").write_text(f"[unix_http_server]\n{text}\n")
    database = Database("default", "postgresql", "shop", "shop", False, "localhost:5432")
    state, told = State("django", host.base), host.told("django", versions_dir="~", deployment_dir="~/deployment")
    found = with_others(state, told, NEW, [database])
    assert [one.partition(" is ")[0] for one in found] == [
        "supervisord's socket /tmp/one.sock",
        "the database shop (PostgreSQL)",
    ]


def test_a_site_that_nothing_was_deployed_to_has_a_user_all_the_same(host: Host) -> None:
    State("shop", host.base).create()
    assert host.clashes() == []
    (said,) = host.clashes(app_username="shop")
    assert said.startswith("the user shop is the site shop's as well")
    host.loaded.remove("shop")
    assert host.clashes(app_username="shop") == []


def test_a_site_whose_user_is_still_to_be_made_is_told_what_its_settings_have_of_another_one(host: Host) -> None:
    host.ran("1")
    assert host.clashes(app_username="blog") == []
    said = host.clashes(
        app_username="blog", health_url="http://127.0.0.1:8001/", website_url="http://shop.example.com:443"
    )
    assert [one.partition(" is ")[0] for one in said] == [
        "port 8001 of health_url",
        "the address shop.example.com:443 of website_url",
    ]


def test_a_site_that_is_gone_uses_nothing(host: Host) -> None:
    host.ran("1")
    for gone in (host.users, host.loaded):
        gone.remove("shop")
        assert host.clashes(health_url="http://127.0.0.1:8001/") == []
        gone.add("shop")
    assert host.clashes(health_url="http://127.0.0.1:8001/") != []
