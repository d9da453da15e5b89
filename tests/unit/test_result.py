"""How a call has ended is told as data, derived from the journal: whatever the sentences are, they decide nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from agent import main
from agent.host import output
from agent.runs.ending import fall_back
from agent.runs.result import result_of
from agent.transaction.lock import lock_holder
from agent.transaction.step import StepContext, StepFailed
from agent.transaction.transaction import Transaction
from agent.words import requests
from agent.words.outcomes import Cause, Outcome
from agent.words.requests import FallBack, RunSteps
from agent.words.result import MARK, Result, read_result
from tests.unit.agent_host import ALL, ID, Host
from tests.unit.examples import LIVE
from tests.unit.journals import says


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process of the agent that has only just begun."""
    monkeypatch.setattr(output, "said", output.Said())
    monkeypatch.setattr("agent.runs.result.said", output.said)
    yield


def fails(step: StepContext) -> dict[str, Any]:
    raise StepFailed("it broke")


def ended(host: Host, ok: bool = False) -> Result:
    return result_of(Transaction(host.state, ID), ok)


def asked(
    host: Host, monkeypatch: pytest.MonkeyPatch, request: requests.Request
) -> tuple[int, Result | None, list[str]]:
    """What the agent ends with: its exit code, its result, and the lines before that."""
    monkeypatch.setattr(main, "State", {host.state.site: host.state}.__getitem__)
    monkeypatch.setattr(main, "call_this_process", lambda _: None)
    monkeypatch.setattr("sys.stdin", io.StringIO(requests.document(request, "django")))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    host.said  # noqa: B018 - what was said before is of no matter
    code = main.main([])
    lines = host.said.removesuffix("\n").split("\n")
    return code, read_result(lines), lines[:-1]


def test_a_call_after_which_the_deploy_goes_on_has_no_outcome(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.begin()
    code, result, _ = asked(host, monkeypatch, RunSteps(ID, ("code", "config")))
    assert (code, result) == (0, Result(True))


def test_a_commit_has_its_outcome_and_its_sentence_and_what_it_cost(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.begin()
    host.run(*ALL)
    code, result, said = asked(host, monkeypatch, requests.Commit(ID))
    assert result is not None
    assert (code, result.ok, result.outcome, result.evidence, result.database_back) == (
        0,
        True,
        Outcome.COMMITTED,
        False,
        False,
    )
    assert result.sentence in said
    assert result.reason == ()


def test_a_step_that_fails_tells_which_and_why_with_its_output(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(step: StepContext) -> dict[str, Any]:
        raise StepFailed(f"manage.py ended with exit code 1\n  File one\n{MARK}{{}}\nfell back at x")

    host.begin()
    host.step("restart", breaks)
    code, result, said = asked(host, monkeypatch, RunSteps(ID, ALL[: ALL.index("restart") + 1]))
    assert result is not None
    assert (code, result.ok, result.outcome, result.failed) == (1, False, Outcome.FELL_BACK, "restart")
    shown = ("  File one", r"\x1e{}", "fell back at x")
    assert result.reason == ("restart failed: manage.py ended with exit code 1", *shown)
    assert (result.database_back, result.evidence, result.followed, result.interrupted) == (True, True, False, False)
    assert result.sentence == said[-1]


def test_a_host_that_needs_a_person_has_not_told_that_its_database_is_back(host: Host) -> None:
    host.begin()
    host.step("restart", fails)
    host.action("health", fails)
    host.run(*ALL[: ALL.index("restart") + 1])
    assert (ended(host).outcome, ended(host).database_back) == (Outcome.NEEDS_A_PERSON, False)


@pytest.mark.parametrize(
    ("cause", "followed", "interrupted"),
    [(Cause.ITSELF, False, False), (Cause.ANOTHER_HOST, True, False), (Cause.PERSON, False, True)],
)
def test_a_fallback_that_was_asked_for_tells_whose_doing_it_is(
    cause: Cause, followed: bool, interrupted: bool, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.begin()
    host.run("code")
    code, result, _ = asked(host, monkeypatch, FallBack(ID, "it was asked for", cause))
    assert result is not None
    assert (code, result.outcome, result.reason) == (1, Outcome.REFUSED, ("it was asked for",))
    assert (result.followed, result.interrupted) == (followed, interrupted)


def test_a_host_that_has_failed_itself_does_not_follow_whoever_asks_it_then(host: Host) -> None:
    transaction = host.begin()
    host.run("code")
    transaction.journal.append(says("fallback", reason="code failed: it broke", settled=False))
    fall_back(transaction, "web2 failed", cause=Cause.ANOTHER_HOST)
    assert ended(host).followed is False


def test_a_host_that_waits_for_the_primary_one_is_still_falling_back(host: Host) -> None:
    transaction = host.begin(hosts=["web1", "web2"], primary=False)
    host.step("checks", lambda _: {"pending": [{"app": "items", "name": "0002", "reversible": True}]})
    host.run(*ALL[: ALL.index("migrate") + 1])
    fall_back(transaction, "web1 failed", cause=Cause.ANOTHER_HOST)
    assert ended(host).outcome == Outcome.FALLING_BACK
    assert ended(host).sentence.startswith("still falling back: ")


@pytest.mark.parametrize(
    "line",
    [
        '{"schema": 1, "verb": "step", "deploy": "x"}',
        '{"schema": 2, "site": "django", "verb": "stop"}',
        '{"schema": 2, "site": "../django", "verb": "recover"}',
        '{"schema": 2, "verb": "recover"}',
        '{"verb": "step"}',
        "",
        "x",
    ],
)
def test_what_the_agent_does_not_understand_is_refused_in_words(
    line: str, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "document", lambda *_: line)
    code, result, said = asked(host, monkeypatch, RunSteps(ID))
    assert result is not None
    assert (code, result.outcome, said) == (1, Outcome.REFUSED, [result.sentence])
    assert ("another version of Switchback" in said[0]) == ("schema" in line and "recover" not in line)
    assert list(host.state.root.glob("*")) == []


def test_a_controller_that_is_older_than_this_way_to_ask_is_told_so(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert main.main(["step", ID, "code"]) == 1
    assert host.said.startswith("refused: another version of Switchback asks this agent")


def test_a_step_that_comes_too_late_tells_how_the_deploy_has_ended(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    fall_back(host.begin(), "it took too long")
    code, result, said = asked(host, monkeypatch, RunSteps(ID, ("code",)))
    assert result is not None
    assert (code, result.outcome) == (1, Outcome.REFUSED)
    assert said[-1].startswith("too late: ")


def test_what_was_never_begun_is_refused_and_a_deploy_that_is_not_known_has_no_outcome(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, result, _ = asked(host, monkeypatch, FallBack("another", "x", Cause.PERSON))
    assert result is not None
    assert (code, result.outcome) == (1, Outcome.REFUSED)
    host.begin()
    code, result, _ = asked(host, monkeypatch, RunSteps("another", ("code",)))
    assert (code, result) == (1, Result(False))


def test_warnings_and_decisions_are_told_once_more(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.begin()
    host.step("code", lambda _: {"warning": "it is old"})
    host.step("maintenance_start", lambda _: {"skipped": "no window is needed: nothing is migrated"})
    _, result, said = asked(host, monkeypatch, RunSteps(ID, ("code", "maintenance_start")))
    assert result is not None
    assert result.warnings == ("code: WARNING: it is old",)
    assert result.told == ("maintenance_start: no window is needed: nothing is migrated",)
    assert {*result.warnings, *result.told} <= {*said}


def test_a_journal_of_an_older_agent_is_read_as_well(host: Host) -> None:
    transaction = host.begin()
    transaction.journal.append(says("fallback", reason="it broke"))
    transaction.journal.append(says("ended", outcome="fell back", sentence=f"fell back at swap: {LIVE} is live"))
    result = ended(host)
    assert (result.outcome, result.followed, result.reason) == (Outcome.FELL_BACK, False, ("it broke",))


@pytest.mark.parametrize(
    "request_", [requests.Recover(), requests.FallBack(ID, "over"), RunSteps(ID, ("code",))], ids=lambda one: one.verb
)
def test_a_journal_that_nobody_can_read_needs_a_person_whatever_is_asked_for(
    host: Host, monkeypatch: pytest.MonkeyPatch, request_: requests.Request
) -> None:
    transaction = host.begin()
    with transaction.journal.path.open("a") as file:
        file.write('{"at": 1.0, "event": "step started"}\n')
    code, result, said = asked(host, monkeypatch, request_)
    assert result is not None
    assert (code, result.outcome, result.database_back) == (1, Outcome.NEEDS_A_PERSON, False)
    assert (
        f"needs a person: {transaction.journal.path} can't be read: journal: step started.step is missing" in said[-1]
    )
    assert lock_holder(host.state) == ID
    assert main._as_unit("guard", "django") == 1
    assert "Next: put that line right on the host" in host.said
