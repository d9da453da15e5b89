"""Sites of one host have nothing of ours in common, and what a host had for its only one becomes that site's."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.host.command import Runner
from agent.runs import install as installing
from agent.runs.install import install
from agent.sites import earlier
from agent.sites.earlier import agent_of, as_laid_out
from agent.state import LAUNCHER, State, fingerprint, installed_agent
from agent.transaction.bounds import past_runs
from agent.transaction.lock import lock_holder
from agent.transaction.transaction import Transaction, open_transaction
from agent.versions.known import Mark
from agent.versions.marks import read_mark, write_mark
from agent.words.outcomes import Refused
from agent.words.settings import site_of
from tests.unit.examples import LIVE, NEW, settings
from tests.unit.journals import begun

DEPLOY = "20261123-120000-deploy-ab12"
OURS = {"agent/main.py": "", "agent/words/requests.py": ""}
OTHERS = {"agent/main.py": "# another version"}
BOOT = "[Unit]\nConditionPathExists=/var/lib/switchback/lock\nBefore={}\n"


@pytest.mark.parametrize(
    ("service", "site"),
    [("django", "django"), ("shop.service", "shop"), ("my.app", "my.app"), ("app@one.service", "app@one")],
)
def test_a_site_is_called_as_its_service_is(service: str, site: str) -> None:
    assert site_of(service) == site
    assert settings(systemd_service=service).site == settings(systemd_service=service).for_host().site == site


@pytest.mark.parametrize(
    "service",
    ["", ".service", "..", "a/b", "a b", "-a", "%i", "a\\x2d", "a\n", "ä", "x" * 201, "marks", "lock.service"],
)
def test_what_a_unit_or_a_folder_of_ours_may_not_be_called_no_site_is(service: str) -> None:
    with pytest.raises(ValueError, match="can't be called"):
        site_of(service)


class Host:
    """A host with the folders that an agent is installed in."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.base, self.library, self.units = folder / "sites", folder / "library", folder / "units"
        self.units.mkdir()
        self.asked: list[list[str]] = []
        for module in (installing, earlier):
            monkeypatch.setattr(module, "LIBRARY", self.library)
            monkeypatch.setattr(module, "UNITS", self.units)
        monkeypatch.setattr(earlier, "CURRENT", self.library / "current")
        monkeypatch.setattr(earlier, "LAUNCHED", self.library / LAUNCHER)
        monkeypatch.setattr(Runner, "run", lambda _, argv, **__: self.asked.append(argv[1:]))
        monkeypatch.setattr(os, "sync", lambda: None)

    def site(self, name: str) -> State:
        return State(name, self.base)

    @property
    def agents(self) -> list[str]:
        return sorted(path.name for path in self.library.iterdir())

    def lay_out_as_before(self, service: str = "django.service") -> State:
        """As the version before this has, with a run that has ended, and a version that has failed in it."""
        (self.library / "older").mkdir(parents=True)
        (self.library / "current").symlink_to("older")
        (self.library / LAUNCHER).touch()
        for unit in ("switchback-guard.path", "switchback-guard.service"):
            (self.units / unit).touch()
        (self.units / "switchback-boot.service").write_text(BOOT.format(service))
        state = State("django", self.base, earlier=True)
        state.base.mkdir(exist_ok=True)
        for folder in ("marks", "transactions"):
            (self.base / folder).mkdir()
        for file in ("agent.lock", "lock", "history.jsonl"):
            (self.base / file).touch()
        evidence = str(self.open_run(state).folder)
        state.lock.unlink()
        line = {"deploy": DEPLOY, "kind": "deploy", "by": "ann", "began": 1, "ended": 2, "outcome": "fell back"}
        state.history.write_text(json.dumps({**line, "sentence": f"evidence: {evidence}"}) + "\n")
        write_mark(state, LIVE, Mark(working=1))
        write_mark(state, NEW, Mark(evidence=evidence))
        return state

    def open_run(self, state: State, deploy: str = DEPLOY) -> Transaction:
        """Begin a run."""
        transaction = Transaction(state, deploy)
        transaction.folder.mkdir()
        transaction.journal.append(begun(kind="deploy", by="ann@desk", deploy=deploy))
        state.lock.parent.mkdir(exist_ok=True)
        state.lock.write_text(deploy + "\n")
        return transaction

    def everything(self) -> dict[str, str]:
        """Every file and link, and what it says."""
        roots = (self.base, self.library, self.units)
        paths = [path for root in roots for path in [root, *root.rglob("*")] if path.exists() or path.is_symlink()]
        return {str(path): _says(path) for path in paths}


def _says(path: Path) -> str:
    return str(path.readlink()) if path.is_symlink() else "" if path.is_dir() else path.read_bytes().decode("latin1")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host without anything of ours."""
    return Host(tmp_path, monkeypatch)


# --- Several sites


def test_each_site_has_an_agent_and_units_of_its_own_and_they_share_an_agent_that_is_the_same(host: Host) -> None:
    for site in ("shop", "blog"):
        assert install(host.site(site), OURS) == fingerprint(OURS) == installed_agent(host.site(site))
    assert host.agents == [fingerprint(OURS)]
    launcher = host.library / fingerprint(OURS) / LAUNCHER
    assert launcher.stat().st_mode & 0o777 == 0o755
    assert (host.site("shop").agent / LAUNCHER).samefile(launcher)
    assert len(list(host.units.iterdir())) == 4
    for site, other in (("shop", "blog"), ("blog", "shop")):
        own = "".join(path.read_text() for path in host.units.glob(f"switchback@{site}.*"))
        assert f"ExecStart=/var/lib/switchback/{site}/agent/switchback-agent runner {site}\n" in own
        assert f"Before={site}.service\n" in own
        assert other not in own


def test_an_agent_goes_once_it_does_no_site_s_runs_any_more(host: Host) -> None:
    install(host.site("shop"), OTHERS)
    install(host.site("blog"), OTHERS)
    install(host.site("shop"), OURS)
    assert host.agents == sorted([fingerprint(OURS), fingerprint(OTHERS)])
    install(host.site("blog"), OURS)
    assert host.agents == [fingerprint(OURS)]


def test_an_open_run_keeps_the_agent_of_its_own_site_and_of_no_other(host: Host) -> None:
    install(host.site("shop"), OTHERS)
    host.open_run(host.site("shop"))
    install(host.site("blog"), OURS)
    assert installed_agent(host.site("blog")) == fingerprint(OURS)
    with pytest.raises(Refused, match="not replaced under an open deploy: deploy"):
        install(host.site("shop"), OURS)
    assert installed_agent(host.site("shop")) == fingerprint(OTHERS)
    assert lock_holder(host.site("blog")) is None


def test_an_agent_that_other_sites_are_at_work_with_is_not_written_again(host: Host) -> None:
    install(host.site("shop"), OURS)
    before = (host.library / fingerprint(OURS)).stat()
    install(host.site("blog"), OURS)
    after = (host.library / fingerprint(OURS)).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


# --- A host that was laid out before there were sites


def test_until_it_is_taken_over_a_look_finds_all_of_it_where_it_is(host: Host) -> None:
    host.lay_out_as_before()
    state = as_laid_out(host.site("django"))
    assert [run.deploy for run in past_runs(state)] == [DEPLOY]
    assert read_mark(state, LIVE).working
    assert open_transaction(state) is None
    (host.base / "lock").write_text("another\n")
    assert lock_holder(as_laid_out(host.site("django"))) == "another"
    assert agent_of(state) == "older"
    assert installed_agent(state) is None


@pytest.mark.parametrize("service", ["django.service", "django"])
def test_it_is_taken_over_with_all_that_it_has_kept_and_nothing_of_what_was_there_before_stays(
    service: str, host: Host
) -> None:
    host.lay_out_as_before(service)
    install(host.site("django"), OURS)
    state = as_laid_out(host.site("django"))
    assert not state.earlier
    (run,) = past_runs(state)
    evidence = str(state.root / "transactions" / DEPLOY)
    assert (run.deploy, run.sentence) == (DEPLOY, f"evidence: {evidence}")
    assert read_mark(state, LIVE).working
    assert read_mark(state, NEW).evidence == evidence
    assert Path(evidence, "journal.jsonl").exists()
    assert [path.name for path in host.base.iterdir()] == ["django"]
    assert host.agents == [fingerprint(OURS)]
    assert {path.name.partition("@")[1] for path in host.units.iterdir()} == {"@"}
    gone = ["switchback-guard.path", "switchback-guard.service", "switchback-boot.service"]
    assert ["stop", *gone] in host.asked
    assert ["disable", "--quiet", gone[0], gone[2]] in host.asked


def test_while_a_run_of_its_agent_is_open_nothing_is_changed_and_it_is_said_whose_it_is(host: Host) -> None:
    state = host.lay_out_as_before()
    host.open_run(state, "another")
    before = host.everything()
    with pytest.raises(Refused, match="deploy another by ann@desk holds this host since"):
        install(host.site("django"), OURS)
    assert host.everything() == before
    assert host.asked == []


def test_what_was_another_site_s_stays_that_site_s(host: Host) -> None:
    host.lay_out_as_before()
    before = host.everything()
    install(host.site("blog"), OURS)
    after = host.everything()
    assert {path: after.get(path) for path in before} == before
    assert past_runs(as_laid_out(host.site("blog"))) == []


def test_cut_short_anywhere_it_is_done_again_and_until_then_nothing_is_lost_from_sight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1000):
        folder = tmp_path / str(number)
        folder.mkdir()
        host = Host(folder, monkeypatch)
        host.lay_out_as_before()
        with monkeypatch.context() as patch:
            whole = not cut_short(patch, host, number)
        state = as_laid_out(host.site("django"))
        assert [run.deploy for run in past_runs(state)] == [DEPLOY]
        assert read_mark(state, LIVE).working
        assert state.transaction(DEPLOY).exists()
        install(host.site("django"), OURS)
        assert sorted(path.name for path in host.base.iterdir()) == ["django"]
        assert read_mark(host.site("django"), NEW).evidence == str(host.site("django").transaction(DEPLOY))
        assert len(list(host.units.glob("switchback@django.*"))) == len(list(host.units.glob("switchback*"))) == 2
        assert host.agents == [fingerprint(OURS)]
        if whole:
            assert number > 15
            return
    raise AssertionError("it never came to its end")


class Killed(BaseException):
    """What ends the agent in the middle of something."""


def cut_short(patch: pytest.MonkeyPatch, host: Host, passed: int) -> bool:
    """Have the agent killed before it changes anything of what was there once more; whether it was.

    + passed: how many changes are let pass
    """
    left = [passed]

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def do(*told: Any, **how: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return call(*told, **how)

        return do

    for name in ("rename", "unlink", "symlink", "rmdir"):
        patch.setattr(os, name, counted(getattr(os, name)))
    patch.setattr(Runner, "run", counted(Runner.run))
    try:
        install(host.site("django"), OURS)
    except Killed:
        return True
    return False


def test_what_the_agent_of_before_has_written_once_more_after_it_was_cut_short_is_added(host: Host) -> None:
    host.lay_out_as_before()
    install(host.site("django"), OURS)
    state = host.lay_out_as_before()
    (host.base / "transactions" / DEPLOY).rename(host.base / "transactions" / "another")
    state.history.write_text(state.history.read_text().replace(DEPLOY, "another"))
    install(host.site("django"), OURS)
    state = host.site("django")
    assert [run.deploy for run in past_runs(state)] == [DEPLOY, "another"]
    assert {path.name for path in state.transactions.iterdir()} == {DEPLOY, "another"}
    assert [path.name for path in host.base.iterdir()] == ["django"]
