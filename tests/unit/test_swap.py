"""Links of a version that is swapped in: whenever that is cut off, all of them go back to where they led."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from agent.runs import beginning
from agent.transaction.lock import lock_holder
from agent.versions.layout import Layout
from tests.unit.agent_host import Host
from tests.unit.examples import LIVE, NEW, settings
from tests.unit.journals import says

# What each version's config has: some of it both, some of it one of them alone.
CONFIGS = {
    LIVE: ("settings.py", "settings_old.py", "supervisord.conf"),
    NEW: ("settings.py", "settings_new.py", "supervisord.conf", "wsgi.py"),
}


class Cut(BaseException):
    """The agent is killed."""


@pytest.fixture
def layout(host: Host) -> Layout:
    """The host, with all of the links that a live version has."""
    layout = Layout(settings().for_host(), host.home)
    for version, names in CONFIGS.items():
        for name in names:
            (layout.part(version, "config") / name).write_text(version)
    layout.path("deployment_dir").mkdir()
    for link, target in {**layout.deployment_links(layout.part(LIVE, "config")), **layout.fixed_links()}.items():
        link.symlink_to(target)
    # A person's own, which leads to the same place as any other version's does.
    (layout.path("deployment_dir") / "notes.txt").write_text("mine")
    return layout


def links(host: Host) -> dict[str, str]:
    """Each link of the app, and where it leads."""
    found = (path for path in host.home.rglob("*") if path.is_symlink())
    return {str(path.relative_to(host.home)): str(path.readlink()) for path in found}


def cut_after(number: int, monkeypatch: pytest.MonkeyPatch, host: Host, seen: list[str]) -> None:
    """Have the agent killed after so many changes of a name; at each of them, look where the site is."""
    left, current = [number], host.home / "django-current"

    def watched(call: Any) -> Any:
        def do(*told: Any, **how: Any) -> None:
            if left[0] == 0:
                raise Cut
            left[0] -= 1
            call(*told, **how)
            seen.append(current.resolve().name if current.exists() else "nothing")

        return do

    for name in ("symlink", "rename", "unlink"):
        monkeypatch.setattr(os, name, watched(getattr(os, name)))


def test_a_swap_that_is_cut_off_between_any_two_changes_is_taken_back_whole(
    host: Host, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, number, seen = links(host), 0, list[str]()
    while True:
        deploy = f"20261123-12{number:04}-deploy-ab12"
        transaction = host.begin(deploy, links=beginning.record_links(layout))
        host.run("maintenance_start")
        with monkeypatch.context() as killed:
            cut_after(number, killed, host, seen)
            try:
                host.run("swap")
                break
            except Cut:
                pass
        host.start_runner()
        assert transaction.progress.reason == "the runner was killed during swap"
        assert transaction.progress.outcome == "fell back"
        assert links(host) == before
        assert lock_holder(host.state) is None
        number += 1
    # Each new link is made and put in its place, the one that decides among them, and the one that is gone is removed.
    assert number >= 2 * 3 + 1
    assert {*seen} == {LIVE, NEW}
    assert links(host)["django-current"] == str(host.home / NEW)


def test_after_a_swap_every_link_leads_somewhere_and_only_to_what_the_new_version_has(
    host: Host, layout: Layout
) -> None:
    host.begin(links=beginning.record_links(layout))
    assert host.run("swap") == [True]
    folder = layout.path("deployment_dir")
    laid = {path.name: path.read_text() for path in folder.iterdir() if path.is_symlink()}
    assert laid == dict.fromkeys(CONFIGS[NEW], NEW)
    assert (folder / "notes.txt").read_text() == "mine"
    assert Path(links(host)["venv"]) == host.home / "django-current" / "venv"


def test_the_way_back_from_a_swap_that_is_cut_off_is_gone_to_its_end(
    host: Host, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, number = links(host), 0
    while True:
        deploy = f"20261123-13{number:04}-deploy-ab12"
        transaction = host.begin(deploy, links=beginning.record_links(layout))
        host.run("maintenance_start", "swap")
        transaction.journal.append(says("fallback", reason="it broke"))
        with monkeypatch.context() as killed:
            cut_after(number, killed, host, [])
            try:
                host.start_runner()
                break
            except Cut:
                pass
        host.start_runner()
        assert transaction.progress.outcome == "fell back"
        assert links(host) == before
        number += 1
    assert number > 6
    assert links(host) == before
