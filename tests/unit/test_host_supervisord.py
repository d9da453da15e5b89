"""The host's own supervisord.conf: it is read while the live version's config brings none, and only then."""

from __future__ import annotations

import getpass
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent.host.links import replace_link
from agent.restart import mode
from agent.restart.mode import decide_restart_mode, goes_unnoticed
from agent.runs.beginning import record_links
from agent.service.supervisor_config import config_in
from agent.steps.switch.swap import Swap
from agent.transaction.step import StepContext
from agent.versions.layout import Layout
from agent.words.seen import RestartMode
from tests.bed.places import ROOT
from tests.unit.examples import LIVE, NEW, OLD
from tests.unit.healthy import host_settings
from tests.unit.journals import begun
from tests.unit.steps import really_undone

OURS = (ROOT / "operations/files/supervisord.conf").read_text()
SAMPLE = (ROOT / "tests/sample/config/main/supervisord.conf").read_text()


class Site:
    """A home with two versions, of which the one brings a supervisord.conf and the other none, and the host's own."""

    def __init__(self, home: Path) -> None:
        self.home, self.link = home, home / "deployment/supervisord.conf"
        self.brings, self.brings_none, self.own = (
            home / LIVE / "config",
            home / NEW / "config",
            home / "supervisord.conf",
        )
        for folder in (self.brings, self.brings_none, self.link.parent):
            folder.mkdir(parents=True)
        for file in (self.brings / "supervisord.conf", self.brings_none / "wsgi.py", self.own):
            file.touch()
        self.live = home / "django-current/config/supervisord.conf"
        self.go(LIVE)

    @property
    def layout(self) -> Layout:
        return Layout(host_settings(app_username=getpass.getuser()), self.home)

    def go(self, version: str) -> None:
        replace_link(self.home / "django-current", version)

    def read_with(self, config: Path) -> Path:
        return config_in(self.layout, str(self.link), config)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


# What the link leads to before: nothing is there, the live config by two ways, or the host's own.
@pytest.mark.parametrize(
    "led", [None, "{home}/django-current/config/{name}", "../django-current/config/{name}", "{own}"]
)
@pytest.mark.parametrize("current", [LIVE, NEW])
def test_a_config_without_a_supervisord_conf_has_the_hosts_own_read(site: Site, led: str | None, current: str) -> None:
    site.go(current)
    if led:
        site.link.symlink_to(led.format(home=site.home, name="supervisord.conf", own=site.own))
    assert site.layout.deployment_links(site.brings_none)[site.link] == site.own
    assert site.read_with(site.brings_none) == site.own
    assert site.layout.deployment_links(site.brings)[site.link] == site.live
    assert site.read_with(site.brings) == site.brings / "supervisord.conf"


def test_what_a_person_has_put_in_its_place_stays(site: Site) -> None:
    (site.home / "mine.conf").touch()
    site.link.symlink_to(site.home / "mine.conf")
    assert site.link not in site.layout.deployment_links(site.brings_none)
    site.link.unlink()
    site.link.touch()
    assert site.link not in site.layout.deployment_links(site.brings_none)


def test_a_host_without_a_config_of_its_own_has_none_to_lead_to(site: Site) -> None:
    site.own.unlink()
    assert site.link not in site.layout.deployment_links(site.brings_none)
    assert not site.read_with(site.brings_none).exists()


def test_a_config_that_was_not_fetched_is_not_taken_for_one_without_a_supervisord_conf(site: Site) -> None:
    missing = site.home / OLD / "config"
    assert site.layout.deployment_links(missing) == {}
    assert site.read_with(missing) == missing / "supervisord.conf"


@pytest.mark.parametrize(("was", "version", "led"), [(LIVE, NEW, "own"), (NEW, LIVE, "live")])
def test_a_swap_leads_to_what_the_version_is_run_by_and_a_fallback_back(
    site: Site, was: str, version: str, led: str
) -> None:
    site.go(str(site.home / was))
    for link, target in site.layout.deployment_links(site.home / was / "config").items():
        link.symlink_to(target)
    before = record_links(site.layout)
    step = as_step(site, version)
    Swap().do(step)
    assert site.link.readlink() == getattr(site, led)
    assert site.link.exists()
    really_undone("links")(step)
    assert record_links(site.layout) == before
    assert site.link.exists()


def test_a_fallback_leaves_no_link_where_none_was(site: Site) -> None:
    site.go(str(site.home / LIVE))
    before = record_links(site.layout)
    step = as_step(site, NEW)
    Swap().do(step)
    assert site.link.readlink() == site.own
    really_undone("links")(step)
    assert record_links(site.layout) == before


def test_without_a_config_of_the_hosts_own_a_swap_leaves_no_link_that_leads_nowhere(site: Site) -> None:
    site.own.unlink()
    site.link.symlink_to(site.live)
    Swap().do(as_step(site, NEW))
    assert not site.link.is_symlink()


# What supervisord's own config, the host's or a version's, does to how a deploy restarts the service.
SAME: tuple[str, str] = ("", "")
WAYS: dict[str, tuple[tuple[str, str], list[str], RestartMode]] = {
    "the same": (SAME, [], RestartMode("rolling", interrupts=False)),
    "a program differs": (
        ("numprocs=2", "numprocs=3"),
        [],
        RestartMode("rolling", interrupts=True, why="supervisord's config of web changes", groups=("web",)),
    ),
    "supervisord differs": (
        ("chmod=0700", "chmod=0770"),
        [],
        RestartMode(
            "restart",
            interrupts=True,
            why="[unix_http_server] of supervisord's config change, which only a start of supervisord reads",
        ),
    ),
    "edited since supervisord has read it": (
        SAME,
        ["web"],
        RestartMode("rolling", interrupts=True, why="supervisord's config of web changes", groups=("web",)),
    ),
}


@pytest.mark.parametrize(("change", "unread", "expected"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(("was", "version"), [(LIVE, NEW), (NEW, LIVE)])
def test_between_a_version_with_one_and_one_without_the_two_files_are_compared(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    *,
    was: str,
    version: str,
    change: tuple[str, str],
    unread: list[str],
    expected: RestartMode,
) -> None:
    (site.brings / "supervisord.conf").write_text(SAMPLE)
    site.own.write_text(SAMPLE.replace(*change))
    supervisor = SimpleNamespace(ask=lambda method: "4.3.0", reread=lambda: ([], unread, []))
    monkeypatch.setattr(
        mode, "find_running", lambda layout: SimpleNamespace(named=str(site.link), supervisor=supervisor)
    )
    layout = Layout(replace(site.layout.settings, restart="rolling"), site.home)
    assert decide_restart_mode(layout, was, version) == expected


def mode_with(site: Site, monkeypatch: pytest.MonkeyPatch, text: str, **settings: Any) -> RestartMode:
    """How a version is gone to whose config, as the live one's, is such a text."""
    (site.brings / "supervisord.conf").write_text(text)
    site.own.write_text(text)
    supervisor = SimpleNamespace(ask=lambda method: "4.3.0", reread=lambda: ([], [], []))
    monkeypatch.setattr(
        mode, "find_running", lambda layout: SimpleNamespace(named=str(site.link), supervisor=supervisor)
    )
    layout = Layout(replace(site.layout.settings, restart="rolling", **settings), site.home)
    return decide_restart_mode(layout, LIVE, NEW)


def test_a_server_that_drops_what_it_is_at_is_replaced_one_by_one_and_it_is_said(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = re.sub(r"-m gunicorn --bind fd://0 .*", "-m daphne --fd 0 asgi:application", SAMPLE)
    found = mode_with(site, monkeypatch, text)
    assert (found.rolls, found.interrupts) == (True, False)
    assert found.why == "daphne drops the requests that it is at when it ends: gunicorn and uvicorn let them end"


def test_a_config_that_is_made_is_not_a_person_s_to_write_in(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SAMPLE.replace("[fcgi-program:web]\nsocket=tcp://127.0.0.1:8000", "[program:web]")
    assert "[fcgi-program:web]" in mode_with(site, monkeypatch, text).why
    found = mode_with(site, monkeypatch, text, made_config=True)
    assert "what `web` names can't be handed a socket, as gunicorn, uvicorn" in found.why
    assert "[fcgi-program:web]" not in found.why
    alone = mode_with(site, monkeypatch, SAMPLE.replace("numprocs=2", "numprocs=1"), made_config=True)
    assert "take its count out of processes" in alone.why


def as_step(site: Site, version: str) -> StepContext:
    """What swap and its undoing look at of a step."""
    begin = begun(links=record_links(site.layout))
    return cast(StepContext, SimpleNamespace(layout=site.layout, version=version, begin=begin, settings={}))


@pytest.mark.parametrize("current", [NEW, None])
def test_what_provision_has_written_is_known_for_its_own_also_before_the_first_deploy(
    site: Site, current: str | None
) -> None:
    site.own.write_text(OURS + "\n[program:worker]\n")
    if current:
        site.link.symlink_to(site.own)
    assert goes_unnoticed(site.layout)


def test_a_config_that_a_version_brings_or_a_person_has_written_is_not(site: Site) -> None:
    assert not goes_unnoticed(site.layout)
    site.own.write_text(OURS)
    (site.brings / "supervisord.conf").write_text(SAMPLE)
    site.link.symlink_to(site.live)
    assert not goes_unnoticed(site.layout)
    (site.brings / "supervisord.conf").write_text(OURS)
    assert goes_unnoticed(site.layout)


def test_where_nothing_can_be_read_nothing_is_known(site: Site) -> None:
    site.link.symlink_to(site.home / "nowhere")
    assert not goes_unnoticed(site.layout)
    site.own.unlink()
    site.link.unlink()
    assert not goes_unnoticed(site.layout)
