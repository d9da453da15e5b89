"""How a call has ended is told as data, derived from the journal: whatever the sentences are, they decide nothing."""

from __future__ import annotations

import io
from typing import Any

import pytest

from agent import main
from agent.runs.result import result_of
from agent.transaction.lock import lock_holder
from agent.transaction.step import StepContext, StepFailed
from agent.transaction.transaction import Transaction
from agent.words import requests
from agent.words.outcomes import Cause, Outcome
from agent.words.requests import FallBack, Go
from agent.words.result import MARK, Result, StepTold, read_result
from tests.unit.agent_host import ALL, ID, Asked, Host
from tests.unit.examples import LIVE
from tests.unit.journals import says

STEPS = [*ALL, "commit"]


def fails(step: StepContext) -> dict[str, Any]:
    raise StepFailed("it broke")


def ended(host: Host, ok: bool = False) -> Result:
    return result_of(Transaction(host.state, ID).progress, ok)


def asked(host: Host, request: requests.Request | str) -> tuple[Result, list[str]]:
    """What a runner ends with: its result, and the lines before that."""
    told = host.ask(request)
    assert told.result
    return told.result, told.lines[:-1]


def by_itself(
    host: Host, monkeypatch: pytest.MonkeyPatch, request: requests.Request | str
) -> tuple[int, Result | None, list[str]]:
    """What the agent ends with where no runner is there: its exit code, its result, and the lines before that."""
    monkeypatch.setattr(main, "State", lambda site: host.state if site == host.state.site else None)
    monkeypatch.setattr(main, "call_this_process", lambda _: None)
    line = request if isinstance(request, str) else requests.document(request, host.state.site)
    monkeypatch.setattr("sys.stdin", io.StringIO(line))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    host.said  # noqa: B018 - what was said before is of no matter
    code = main.main([])
    lines = host.said.removesuffix("\n").split("\n")
    return code, read_result(lines), lines[:-1]


def test_a_call_after_which_the_deploy_goes_on_has_no_outcome_and_tells_what_has_ended(host: Host) -> None:
    host.begin(steps=STEPS)
    result, said = asked(host, Go(ID, "config", "config"))
    assert (result.ok, result.outcome, said) == (True, None, ["config: done in 0.0 s"])
    assert result.steps == tuple(StepTold(name, 0.0, (f"{name}: done in 0.0 s",)) for name in ("code", "config"))


def test_a_commit_has_its_outcome_and_its_sentence_and_what_it_cost(host: Host) -> None:
    host.begin(steps=STEPS)
    host.run(*ALL)
    result, said = asked(host, requests.Commit(ID))
    assert (result.ok, result.outcome, result.evidence, result.database_back) == (
        True,
        Outcome.COMMITTED,
        False,
        False,
    )
    # Who prints what a host says is told its end by the result alone.
    assert result.sentence not in said
    assert (result.reason, result.state, result.undone) == ((), "", ())
    assert result.spent is not None
    assert set(result.spent.steps) == {*ALL}


def test_a_step_that_fails_tells_which_and_why_with_its_output(host: Host) -> None:
    def breaks(step: StepContext) -> dict[str, Any]:
        raise StepFailed(f"manage.py ended with exit code 1\n  File one\n{MARK}{{}}\nfell back at x")

    host.begin(steps=STEPS)
    host.step("restart", breaks)
    result, said = asked(host, Go(ID, "restart", "restart", verbose=True))
    assert (result.ok, result.outcome, result.failed) == (False, Outcome.FELL_BACK, "restart")
    shown = ("  File one", r"\x1e{}", "fell back at x")
    assert result.reason == ("restart failed: manage.py ended with exit code 1", *shown)
    assert (result.database_back, result.evidence, result.followed, result.interrupted) == (True, True, False, False)
    assert result.sentence in said
    assert result.sentence == f"fell back at restart: {result.state}; evidence: {Transaction(host.state, ID).folder}"
    assert result.undone[0] == "links"


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
    cause: Cause, followed: bool, interrupted: bool, host: Host
) -> None:
    host.begin()
    host.run("code")
    result, _ = asked(host, FallBack(ID, "it was asked for", cause))
    assert (result.ok, result.outcome, result.reason) == (False, Outcome.REFUSED, ("it was asked for",))
    assert (result.followed, result.interrupted) == (followed, interrupted)


def test_a_host_that_has_failed_itself_does_not_follow_whoever_asks_it_then(host: Host) -> None:
    host.begin()
    told: list[Asked] = []

    def is_asked_meanwhile(_: StepContext) -> dict[str, Any]:
        told.append(host.begin_to_ask(FallBack(ID, "web2 failed", Cause.ANOTHER_HOST)))
        return {}

    host.action("evidence", is_asked_meanwhile)
    host.step("code", fails)
    host.run("code")
    host.settle()
    (result,) = [one.result for one in told]
    assert result
    assert (result.followed, result.reason) == (False, ("code failed: it broke",))
    assert ended(host).followed is False


def test_a_host_that_waits_for_the_primary_one_is_still_falling_back(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.runner.jobs.schema.still_changed", lambda *_: True)
    host.begin(hosts=["web1", "web2"], primary=False)
    host.step("checks", lambda _: {"pending": [{"app": "items", "name": "0002", "reversible": True}]})
    host.run(*ALL[: ALL.index("migrate") + 1])
    result, _ = asked(host, FallBack(ID, "web1 failed", Cause.ANOTHER_HOST))
    assert result.outcome == Outcome.FALLING_BACK
    assert result.sentence.startswith("still falling back: ")
    result, _ = asked(host, FallBack(ID, "web1 failed", Cause.ANOTHER_HOST, database_is_back=True))
    assert result.outcome == Outcome.FELL_BACK


@pytest.mark.parametrize(
    "line",
    ['{"schema": 3, "verb": "go", "deploy": "x"}', '{"schema": 2, "verb": "stop"}', '{"verb": "go"}', "", "x"],
)
def test_what_nobody_there_understands_is_refused_in_words(
    line: str, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, said = asked(host, line)
    assert (result.ok, result.outcome, said) == (False, Outcome.REFUSED, [result.sentence])
    assert ("another version of Switchback" in said[0]) == ("schema" in line)
    code, told, _ = by_itself(host, monkeypatch, line)
    assert told
    assert (code, told.outcome, told.sentence[:30]) == (1, Outcome.REFUSED, result.sentence[:30])
    assert list(host.state.root.glob("*")) == []


def test_a_controller_that_is_older_than_this_way_to_ask_is_told_so(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert main.main(["step", ID, "code"]) == 1
    assert host.said.startswith("refused: another version of Switchback asks this agent")


def test_a_step_that_comes_too_late_tells_how_the_deploy_has_ended_whoever_is_there(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.begin(steps=STEPS)
    host.fall_back("it took too long")
    result, said = asked(host, Go(ID, "code", "code", verbose=True))
    assert (result.ok, result.outcome, result.reason) == (False, Outcome.REFUSED, ("it took too long",))
    assert result.sentence in said
    code, told, _ = by_itself(host, monkeypatch, Go(ID, "code", "code"))
    assert told
    assert (code, told.outcome, told.sentence) == (1, result.outcome, result.sentence)


def test_what_was_never_begun_is_refused(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    never = "refused: this deploy was never begun here; nothing was changed"
    for open_one in (False, True):
        if open_one:
            host.begin()
        for request in (FallBack("another", "x", Cause.PERSON), Go("another", "code", "code")):
            result, _ = asked(host, request)
            assert (result.ok, result.outcome, result.sentence) == (False, Outcome.REFUSED, never)
            assert by_itself(host, monkeypatch, request)[:2] == (1, result)


@pytest.mark.parametrize("request_", [requests.Recover(), requests.Commit(ID)], ids=lambda one: one.verb)
def test_what_only_a_runner_does_is_not_done_without_one(
    host: Host, monkeypatch: pytest.MonkeyPatch, request_: requests.Request
) -> None:
    host.begin(steps=STEPS)
    host.run(*ALL)
    code, result, _ = by_itself(host, monkeypatch, request_)
    assert code == 1
    assert result
    assert result.outcome in (None, Outcome.REFUSED)
    assert lock_holder(host.state) == ID


def test_warnings_and_decisions_are_told_once_more(host: Host) -> None:
    host.begin(steps=STEPS)
    host.step("code", lambda _: {"warning": "it is old"})
    host.step("maintenance_start", lambda _: {"skipped": "no window is needed: nothing is migrated"})
    result, said = asked(host, Go(ID, "maintenance_start", "code"))
    assert result.warnings == ("code: WARNING: it is old",)
    assert result.told == ("maintenance_start: no window is needed: nothing is migrated",)
    assert said == ["code: done in 0.0 s", *result.warnings]


def test_a_journal_of_an_older_agent_is_read_as_well(host: Host) -> None:
    transaction = host.begin()
    transaction.journal.append(says("fallback", reason="it broke"))
    transaction.journal.append(says("ended", outcome="fell back", sentence=f"fell back at swap: {LIVE} is live"))
    result = ended(host)
    assert (result.outcome, result.followed, result.reason) == (Outcome.FELL_BACK, False, ("it broke",))


@pytest.mark.parametrize(
    "request_",
    [requests.Recover(), FallBack(ID, "over"), Go(ID, "code", "code"), requests.Commit(ID), requests.AllWell(ID)],
    ids=lambda one: one.verb,
)
def test_a_journal_that_nobody_can_read_needs_a_person_whatever_is_asked_for(
    host: Host, monkeypatch: pytest.MonkeyPatch, request_: requests.Request
) -> None:
    transaction = host.begin()
    with transaction.journal.path.open("a") as file:
        file.write('{"at": 1.0, "event": "step started"}\n')
    host.start_runner()
    why = f"needs a person: {transaction.journal.path} can't be read: journal: step started.step is missing"
    results: list[Result | None] = [asked(host, request_)[0]]
    if not isinstance(request_, requests.Recover):
        results.append(by_itself(host, monkeypatch, request_)[1])
    for result in results:
        assert result
        assert (result.ok, result.outcome, result.database_back) == (False, Outcome.NEEDS_A_PERSON, False)
        assert result.sentence.startswith(why)
        assert "Next: put that line right on the host" in result.sentence
    assert lock_holder(host.state) == ID
    assert host.done == []


def test_once_a_person_has_put_that_line_right_the_way_back_is_gone(host: Host) -> None:
    transaction = host.begin()
    host.run("swap")
    right = transaction.journal.path.read_text()
    transaction.journal.path.write_text(right + '{"at": 1.0, "event": "step started"}\n')
    host.start_runner()
    transaction.journal.path.write_text(right)
    result, _ = asked(host, requests.Recover())
    assert (result.ok, result.outcome, lock_holder(host.state)) == (True, Outcome.FELL_BACK, None)
