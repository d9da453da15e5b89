"""What runs of a project's own once a run has ended: once for each ending, and it changes nothing of how that was."""

from __future__ import annotations

import os
import pwd
from typing import Any

import pytest

from agent.runs import beginning
from agent.service import health
from agent.steps.hooks import AFTER_FALLBACK, due_after
from agent.steps.scripts import environment
from agent.transaction.bounds import past_runs
from agent.transaction.lock import lock_holder
from agent.transaction.step import StepContext, StepFailed
from agent.transaction.transaction import Transaction
from agent.words.notes import Note
from agent.words.requests import Begin, Commit, Go
from agent.words.result import Result
from tests.unit.agent_host import ALL, ID, Host
from tests.unit.examples import LIVE, NEW, settings
from tests.unit.journals import progress, records_of, says
from tests.unit.test_talk import begin

HOOKS = {"after_commit": "true", "after_fallback": "true"}
APP = pwd.getpwuid(os.getuid()).pw_name
# No longer than it takes to see that it is not well.
TOLD = settings(hooks=HOOKS, app_username=APP, health_timeout=1).for_host()
WHERE = ("after_commit", "after_fallback")


def fails(_: StepContext) -> Any:
    raise StepFailed("nobody is there")


@pytest.fixture(autouse=True)
def well(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host is well, and each of the two points is noted when it comes."""
    monkeypatch.setattr("agent.service.verdicts.look", lambda _: type("Look", (), {"ailing": ()})())
    monkeypatch.setattr(health, "app_problem", lambda *_, **__: None)
    monkeypatch.setattr(beginning, "installed_agent", lambda *_: "a1b2")
    for point in WHERE:
        host.step(point, lambda _: {})


def ran(host: Host) -> list[str]:
    """Which of the two have run, in order."""
    return [name for name in host.done if name in WHERE]


def asks(host: Host, request: Begin | Commit | Go) -> Result:
    found = host.ask(request).result
    assert found
    return found


def events(host: Host) -> list[str]:
    """What the journal says from the ending on."""
    return host.events[host.events.index("ended") :]


def test_after_a_commit_one_runs_before_the_host_is_free_and_whoever_asked_hears_of_it(host: Host) -> None:
    held: list[str | None] = []

    def looks(step: StepContext) -> Any:
        held.append(lock_holder(step.transaction.state))
        return {}

    host.step("after_commit", looks)
    host.ask(begin(upto=ALL[-1], settings={"hooks": TOLD.hooks}))
    host.ask(Go(ID, ALL[-1], ALL[-1]))
    asked = host.ask(Commit(ID))
    assert asked.result
    assert (asked.result.ok, asked.result.outcome, asked.result.warnings) == (True, "committed", ())
    assert any(line.startswith("after_commit: done in ") for line in asked.lines)
    assert (ran(host), held, lock_holder(host.state)) == (["after_commit"], [ID], None)
    assert events(host) == ["ended", "hook started", "hook ended"]
    assert [one.outcome for one in past_runs(host.state)] == ["committed"]


def test_one_that_fails_after_a_commit_is_a_warning_and_the_commit_stands(host: Host) -> None:
    host.step("after_commit", fails)
    host.ask(begin(upto=ALL[-1], settings={"hooks": TOLD.hooks}))
    host.ask(Go(ID, ALL[-1], ALL[-1]))
    found = asks(host, Commit(ID))
    assert (found.ok, found.outcome) == (True, "committed")
    says = "after_commit: WARNING: it failed, which changes nothing of how this has ended: nobody is there"
    assert found.warnings == (says,)
    assert found.sentence.startswith("committed: ")
    (last,) = past_runs(host.state)
    assert (last.outcome, last.step, last.reason) == ("committed", ALL[-1], None)
    assert records_of(Transaction(host.state, ID).journal)[-1]["problem"] == "nobody is there"


@pytest.mark.parametrize(("steps", "outcome"), [(("code",), "refused"), (("swap",), "fell back")])
def test_after_a_run_that_does_not_commit_the_other_runs_however_it_has_ended(
    host: Host, steps: tuple[str, ...], outcome: str
) -> None:
    host.step("after_fallback", fails)
    host.begin(settings=TOLD)
    host.run(*steps)
    assert host.fall_back("it broke") == outcome
    assert (ran(host), lock_holder(host.state)) == (["after_fallback"], None)
    assert "after_fallback: WARNING: it failed" in host.said
    (last,) = past_runs(host.state)
    assert (last.outcome, last.step) == (outcome, steps[-1])


def test_without_any_a_run_ends_as_it_did(host: Host) -> None:
    host.begin()
    host.run(*ALL, "commit")
    assert events(host) == ["ended"]
    assert ran(host) == []


def due(outcome: str, **begun: Any) -> str:
    """What is due after a run."""
    return due_after(progress({"event": "begin", **begun}, {"event": "ended", "outcome": outcome}))


@pytest.mark.parametrize("kind", ["build", "clean"])
def test_a_run_that_makes_nothing_live_has_none(kind: str) -> None:
    for outcome in ("committed", "refused"):
        assert not due(outcome, kind=kind, settings=TOLD)


@pytest.mark.parametrize("primary", [True, False])
def test_each_host_has_its_own_but_where_it_is_for_the_primary_one(primary: bool) -> None:
    for only, comes in ((False, "after_commit"), (True, "after_commit" if primary else "")):
        told = settings(hooks={"after_commit": {"run": "true", "primary": only}}).for_host()
        assert due("committed", primary=primary, settings=told) == comes


def test_where_a_person_is_needed_it_runs_once_and_once_more_when_that_has_ended_otherwise(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unhealthy(step: StepContext) -> Any:
        raise health.Unhealthy("it answers 500")

    host.begin(settings=TOLD)
    host.run("maintenance_start", "swap")
    host.action("health", unhealthy)
    assert host.fall_back("it broke") == "needs a person"
    assert [one.outcome for one in past_runs(host.state)] == ["needs a person"]
    monkeypatch.setattr(health, "app_problem", lambda *_, **__: "it answers 500")
    host.later()
    host.later()
    assert ran(host) == ["after_fallback"]
    host.action("health", lambda _: {})
    host.recover()
    assert ran(host) == ["after_fallback", "after_fallback"]
    assert [one.outcome for one in past_runs(host.state)] == ["needs a person", "fell back"]


def test_one_that_is_killed_is_a_warning_too(host: Host) -> None:
    host.loop.killed.add("step after_commit")
    host.begin(settings=TOLD)
    host.run(*ALL, "commit")
    assert "after_commit: WARNING: it failed, which changes nothing of how this has ended: its worker was" in host.said
    assert (ran(host), lock_holder(host.state)) == ([], None)
    assert [one.outcome for one in past_runs(host.state)] == ["committed"]


@pytest.mark.parametrize(("lines", "runs"), [(("ended",), ["after_commit"]), (("ended", "hook started"), [])])
def test_a_runner_that_was_killed_in_it_does_not_do_it_again_but_frees_the_host(
    host: Host, lines: tuple[str, ...], runs: list[str]
) -> None:
    transaction = host.begin(settings=TOLD)
    host.run(*ALL)
    written = {"committed": {}, "ended": {"outcome": "committed", "sentence": "x"}, "hook started": {"point": "x"}}
    for name in ("committed", *lines):
        transaction.journal.append(says(name, **written[name]))
    host.done.clear()
    host.start_runner()
    assert (ran(host), lock_holder(host.state)) == (runs, None)
    assert [one.outcome for one in past_runs(host.state)] == ["committed"]


def test_it_runs_in_the_version_that_is_live_by_then_and_knows_how_the_run_has_ended(host: Host) -> None:
    found: dict[str, Any] = {}

    def look(step: StepContext) -> Note:
        version = AFTER_FALLBACK.version(step)
        found.update(environment(step, version), version=version)
        return Note()

    host.step("after_fallback", look)
    host.begin(settings=TOLD)
    host.run("swap")
    host.fall_back("health failed: it answers 500\nTraceback …")
    assert found["version"] == LIVE != NEW
    assert found["SWITCHBACK_VERSION"].endswith(f"/{LIVE}")
    assert (found["SWITCHBACK_OUTCOME"], found["SWITCHBACK_REASON"]) == ("fell back", "health failed: it answers 500")
    assert found["SWITCHBACK_SENTENCE"].startswith(f"fell back at swap: {LIVE} is live")
    assert found["SWITCHBACK_POINT"] == "after_fallback"


def test_a_first_deploy_that_fails_leaves_no_version_to_run_it_in_so_it_runs_in_the_apps_home(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    (host.home / "django-current").unlink()
    transaction = host.begin(settings=TOLD, was=None, bare=True)
    step = StepContext("after_fallback", transaction, 1)
    assert AFTER_FALLBACK.version(step) is None
    assert "VIRTUAL_ENV" not in environment(step, None)
