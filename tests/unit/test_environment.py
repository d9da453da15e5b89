"""The app's variables and secrets on a host: kept with a run, met by the versions that they are for, and given back."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import stat
from pathlib import Path
from typing import Any

import pytest

from agent.environment import given, secrets, variables
from agent.environment.fingerprint import changes, fingerprint
from agent.environment.given import Given
from agent.state import State
from agent.steps.fallback import plan_fallback
from agent.steps.switch import swap
from agent.text import masking
from agent.transaction.progress import Progress
from agent.transaction.step import StepFailed
from agent.transaction.transaction import Transaction
from agent.versions.layout import Layout
from agent.words.journal import Begin
from tests.unit.examples import settings

ME = pwd.getpwuid(os.getuid()).pw_name
NEW, WAS = "django-new", "django-was"
ODD = {"A": "50% $HOME # 'x' \"y\" \\", "LONG": "two\nlines\n", "ABROAD": "Grüße 🚀", "SPACE": "  "}


class Host:
    """A site whose secrets lie in a folder of the test's, with a run on it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("agent.state.FOR_APPS", folder / "etc")
        monkeypatch.setattr(variables, "acting_as", lambda user: contextlib.nullcontext())
        self.state = State("django", folder / "state")
        self.state.create()
        self.layout = Layout(settings(app_username=ME, versions_dir=str(folder)).for_host(), folder)
        self.transaction = Transaction(self.state, "one")
        self.transaction.folder.mkdir()
        for version in (NEW, WAS):
            self.layout.version(version).mkdir()

    @property
    def step(self) -> Any:
        host = self

        class Step:
            layout, transaction, version = host.layout, host.transaction, NEW

        return Step()

    def live(self) -> dict[str, str]:
        return secrets.read(secrets.text(self.state))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_secrets_are_for_root_to_write_and_for_the_apps_group_to_read(host: Host) -> None:
    secrets.write(host.state, ME, ODD)
    assert host.live() == ODD
    file = host.state.secrets
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o750
    group = pwd.getpwnam(ME).pw_gid
    assert (file.stat().st_gid, file.parent.stat().st_gid, file.stat().st_uid) == (group, group, os.getuid())
    assert [one.name for one in file.parent.iterdir()] == ["secrets.json"]


def test_the_app_gets_there_whatever_is_usual_for_what_root_makes(host: Host) -> None:
    usual = os.umask(0o077)
    try:
        secrets.write(host.state, ME, {"A": "1"})
    finally:
        os.umask(usual)
    folder = host.state.secrets.parent
    assert [stat.S_IMODE(one.stat().st_mode) for one in (folder.parent, folder)] == [0o755, 0o750]


def test_a_site_without_secrets_has_no_file(host: Host) -> None:
    secrets.write(host.state, ME, {})
    assert not host.state.secrets.exists()
    secrets.write(host.state, ME, {"A": "1"})
    secrets.write(host.state, ME, {})
    assert not host.state.secrets.exists()


def test_what_becomes_of_secrets_is_told_by_name_alone(host: Host) -> None:
    secrets.write(host.state, ME, {"STAYS": "1", "CHANGES": "1", "GOES": "1"})
    told = {"STAYS": "1", "CHANGES": "2", "COMES": "1"}
    assert secrets.to_change(host.state, told) == {"CHANGES": "changed", "COMES": "new", "GOES": "removed"}
    assert secrets.to_change(host.state, None) == {}


def test_secrets_that_nobody_can_read_are_written_anew(host: Host) -> None:
    secrets.write(host.state, ME, {"A": "1"})
    host.state.secrets.write_text("no json")
    assert secrets.to_change(host.state, {"A": "1"}) == {"A": "changed"}


def test_what_a_run_was_given_is_roots_alone_and_survives_it_being_killed(host: Host) -> None:
    secrets.write(host.state, ME, {"A": "old"})
    given.keep(host.transaction, Given(ODD, {"A": "new"}))
    assert stat.S_IMODE(host.transaction.given.stat().st_mode) == 0o600
    found = given.of(Transaction(host.state, "one"))
    assert (found.env, found.secrets, json.loads(str(found.before))) == (ODD, {"A": "new"}, {"A": "old"})


def test_an_older_agents_run_was_given_nothing(host: Host) -> None:
    assert given.of(host.transaction) == Given()


def test_each_version_meets_the_secrets_that_it_is_run_with(host: Host) -> None:
    secrets.write(host.state, ME, {"KEY": "old"})
    given.keep(host.transaction, Given({}, {"KEY": "new"}))
    # Before they are live, and after, and once they were taken back.
    for live in ("old", "new", "old"):
        secrets.write(host.state, ME, {"KEY": live})
        assert variables.for_app(host.step)["KEY"] == "new"
        assert variables.for_app(host.step, WAS)["KEY"] == "old"


def test_a_revert_meets_the_secrets_of_today(host: Host) -> None:
    secrets.write(host.state, ME, {"KEY": "today"})
    given.keep(host.transaction, Given())
    assert variables.for_app(host.step)["KEY"] == variables.for_app(host.step, WAS)["KEY"] == "today"


def test_a_process_of_the_app_finds_what_its_launcher_would_give_it(host: Host) -> None:
    (host.layout.version(NEW) / "env.json").write_text(variables.written(ODD), encoding="utf-8")
    found = variables.for_app(host.step)
    assert {name: found[name] for name in ODD} == ODD
    own = host.layout.version(NEW) / "venv"
    assert (found["VIRTUAL_ENV"], found["PATH"].partition(":")[0]) == (str(own), f"{own}/bin")
    assert found["HOME"] == pwd.getpwnam(ME).pw_dir


def test_variables_that_can_not_be_read_are_told_without_them(host: Host) -> None:
    (host.layout.version(NEW) / "env.json").write_text('{"A": 5, "B": "planted"}')
    with pytest.raises(StepFailed, match=f"the environment of {NEW} can't be read: A has a value") as problem:
        variables.for_app(host.step)
    assert "planted" not in str(problem.value)


@pytest.mark.parametrize("before", [None, {"KEY": "old", "GONE": "1"}])
def test_a_fallback_gives_the_secrets_back_however_often_it_is_done(host: Host, before: dict[str, str] | None) -> None:
    if before:
        secrets.write(host.state, ME, before)
    was = secrets.text(host.state)
    given.keep(host.transaction, Given({}, {"KEY": "new"}))
    undo = swap.PutSecretsBack()
    undo.do(host.step)
    assert secrets.text(host.state) == was
    secrets.write(host.state, ME, {"KEY": "new"})
    for _ in range(2):
        undo.do(host.step)
        assert secrets.text(host.state) == was


def test_secrets_are_given_back_only_where_any_may_have_been_written() -> None:
    def undone(secrets: dict[str, str], *started: str) -> bool:
        begun = Begin("deploy", settings=settings().for_host(), secrets=secrets)
        return "secrets" in [one.name for one in plan_fallback(Progress(begun=begun, started=started))]

    assert undone({"A": "new"}, "code", "swap")
    assert not undone({"A": "new"}, "code", "migrate")
    assert not undone({}, "code", "swap")


def test_nothing_that_is_said_shows_a_secret_in_any_of_its_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_known", [])
    odd = "p%40ss \"word'"
    masking.hide([odd, "-----BEGIN KEY-----\nMIIEvQ8\n-----END KEY-----", "postgres://app:s3cr@/db", "x"])
    for said in (
        f"it is {odd}!",
        f"it is {odd!r}",
        json.dumps({"it": odd}),
        "found MIIEvQ8 in it",
        "password s3cr is wrong",
    ):
        for part in ("40ss", "MIIEvQ8", "s3cr"):
            assert part not in masking.masked_urls(said)
    # What is too short would be found in other words.
    assert masking.masked_urls("exit code") == "exit code"


def test_a_fingerprint_tells_environments_apart_and_none_from_any() -> None:
    assert fingerprint({}) == ""
    assert fingerprint({"A": "1", "B": "2"}) == fingerprint({"B": "2", "A": "1"}) != fingerprint({"A": "1", "B": "3"})
    assert changes({}, {}) == {}
