"""What is asked of a runner, in each state that it may be in, and what each who asks is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent.host.output import Relayed, as_said, emit
from agent.runner import news
from agent.runs import beginning
from agent.runs.interrupts import Interrupted
from agent.service import health
from agent.steps.order import named
from agent.transaction.lock import lock_holder
from agent.transaction.step import StepContext, StepFailed
from agent.transaction.transaction import Transaction
from agent.words import requests
from agent.words.journal import Intent
from agent.words.outcomes import Cause, Outcome
from agent.words.requests import AllWell, Begin, Clean, Commit, FallBack, Go, KeepPage, Recover
from agent.words.result import News, Result, StepTold
from tests.unit.agent_host import ALL, BEFORE, ID, Asked, Host
from tests.unit.examples import HIDDEN, LIVE, NEW, settings
from tests.unit.steps import BUILD, SWITCH

STEPS = (*ALL, "commit")
LAST = ALL[-1]
BUILT = next(name for name in reversed(ALL) if name in BUILD)
OTHER = "20261123-120001-deploy-other"
NEVER = "refused: this deploy was never begun here; nothing was changed"


def result_of(asked: Asked) -> Result:
    assert asked.result
    return asked.result


def fails(_: StepContext) -> Any:
    raise StepFailed("it broke")


def saying(*lines: str) -> Callable[[StepContext], Any]:
    """A step that says something."""

    def says(_: StepContext) -> Any:
        for text in lines:
            emit(text)
        return {}

    return says


def begin(deploy: str = ID, upto: str = "", **changes: Any) -> Begin:
    """What a controller asks first."""
    told = replace(settings().for_host(), **changes.pop("settings", {}))
    intent = replace(Intent("deploy", told, "ann@desk", "a1b2", version=NEW, was=LIVE, steps=STEPS), **changes)
    return Begin(deploy, intent, {}, upto)


CLEAN = Clean("20261123-120009-clean-ab12", "ann@desk", settings().for_host(), 5)


@pytest.fixture(autouse=True)
def well(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host is well, and has this checkout's agent."""
    monkeypatch.setattr("agent.service.verdicts.look", lambda _: type("Look", (), {"ailing": ()})())
    monkeypatch.setattr(health, "app_problem", lambda *_, **__: None)
    monkeypatch.setattr(beginning, "installed_agent", lambda *_: "a1b2")
    monkeypatch.setattr("agent.runs.clean._versions", lambda *_: [])


# --- Begin, and how far it goes


def test_a_host_that_begins_says_so_and_goes_as_far_as_it_may_by_itself(host: Host) -> None:
    asked = host.ask(begin(upto=BUILT))
    assert (result_of(asked).ok, result_of(asked).outcome) == (True, None)
    assert lock_holder(host.state) == ID
    host.settle()
    assert host.done == [name for name in ALL if name in BUILD]
    host.ask(Go(ID, LAST, LAST))
    assert host.done == [*ALL]


def test_a_begin_that_allows_nothing_begins_nothing_else(host: Host) -> None:
    host.ask(begin())
    host.settle()
    assert host.done == []


def test_who_begins_a_second_time_is_told_how_it_stands_and_nothing_begins_again(host: Host) -> None:
    host.ask(begin(upto="code"))
    for _ in range(2):
        host.settle()
    told = result_of(host.ask(begin(upto="code")))
    assert told.ok
    assert [step.name for step in told.steps] == ["code"]
    host.ask(FallBack(ID, "it was asked for"))
    told = result_of(host.ask(begin(upto="code")))
    assert (told.ok, told.outcome, told.reason) == (False, "refused", ("it was asked for",))
    assert host.events.count("begin") == 1
    assert host.done.count("code") == 1


def test_another_run_is_refused_and_told_whose_the_host_is_whatever_that_does_right_then(host: Host) -> None:
    host.ask(begin(upto="code"))
    host.settle()
    result = result_of(host.ask(begin(OTHER)))
    assert (result.ok, result.outcome) == (False, "refused")
    assert f"deploy {ID} by ann@desk holds this host since" in result.sentence
    assert not Transaction(host.state, OTHER).folder.exists()


def test_one_that_is_refused_as_it_begins_is_told_why_and_so_is_who_asks_again(host: Host) -> None:
    why = f"{LIVE} is live now, not none: somebody else has deployed since you looked"
    for _ in range(2):
        asked = host.ask(begin(was=None, bare=True))
        assert result_of(asked).outcome == "refused"
        assert why in result_of(asked).sentence
        assert asked.lines[0].startswith(f"refused: {why}")
    assert lock_holder(host.state) is None


def test_one_whose_worker_is_killed_as_it_begins_holds_nothing(host: Host) -> None:
    host.loop.killed = {"begin"}
    result = result_of(host.ask(begin()))
    assert (result.outcome, result.sentence) == ("refused", "refused: its worker was killed")
    assert lock_holder(host.state) is None


def test_one_that_was_killed_once_it_had_the_host_falls_back(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(beginning, "_refusal", dies)
    result = result_of(host.ask(begin()))
    assert result.outcome == "refused"
    assert result.reason[0].startswith("it could not begin: an error in the agent:")
    assert lock_holder(host.state) is None


def test_one_that_is_taken_back_while_it_begins_ends_as_soon_as_it_has_begun(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Asked] = []
    refusal = beginning._refusal

    def meanwhile(*given: Any) -> str:
        told.append(host.begin_to_ask(FallBack(ID, "interrupted at the controller", Cause.PERSON)))
        return refusal(*given)

    monkeypatch.setattr(beginning, "_refusal", meanwhile)
    told.append(host.ask(begin(upto=LAST)))
    for asked in told:
        assert (result_of(asked).ok, result_of(asked).outcome, result_of(asked).interrupted) == (False, "refused", True)
    assert [name for name in host.done if not name.startswith("undo")] == []


def test_what_a_second_run_says_as_it_begins_is_told_after_a_first_one_that_has_said_much(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.ask(begin(upto=LAST))
    host.ask(Commit(ID))
    monkeypatch.setattr(beginning, "_keep_hotfixes", lambda *_: emit("hotfixes are kept"))
    asked = host.ask(begin(OTHER, was=NEW))
    assert result_of(asked).ok
    assert asked.lines[:-1] == ["hotfixes are kept"]


# --- A step


def test_each_who_follows_a_step_is_told_its_lines_as_they_come_and_then_that_it_has_ended(host: Host) -> None:
    seen: list[list[str]] = []

    def works(_: StepContext) -> Any:
        emit("half of it")
        host.answer()
        seen.extend([first.lines, second.lines])
        return {}

    host.ask(begin())
    host.step("code", works)
    first = host.begin_to_ask(Go(ID, "code", "code"))
    second = host.begin_to_ask(Go(ID, "code", "code"))
    host.settle()
    assert seen == [["half of it"], ["half of it"]]
    for asked in (first, second):
        assert asked.lines[:-1] == ["half of it", "code: done in 0.0 s"]
        assert result_of(asked).ok
    assert host.done == ["code"]


def test_who_comes_back_reads_the_same_lines_again(host: Host) -> None:
    host.ask(begin())
    host.step("code", saying("half of it"))
    first, again = (host.ask(Go(ID, "code", "code")) for _ in range(2))
    assert first.lines == again.lines
    assert host.done == ["code"]


def test_one_that_leaves_changes_nothing(host: Host) -> None:
    host.ask(begin())
    host.begin_to_ask(Go(ID, "code", "code")).leave()
    host.settle()
    assert host.done == ["code"]
    assert result_of(host.ask(Go(ID, "config", "config"))).ok


def test_a_step_tells_its_own_lines_and_no_other_one_s(host: Host) -> None:
    host.ask(begin())
    host.step("code", saying("of the code"))
    host.step("config", saying("of the config"))
    asked = host.ask(Go(ID, "config", "config"))
    assert asked.lines[:-1] == ["of the config", "config: done in 0.0 s"]
    assert result_of(asked).steps == (
        StepTold("code", 0.0, ("of the code", "code: done in 0.0 s")),
        StepTold("config", 0.0, ("of the config", "config: done in 0.0 s")),
    )


@pytest.mark.parametrize("verbose", [True, False])
def test_what_its_commands_print_is_told_to_who_wants_it_and_never_more_than_is_kept(
    host: Host, tmp_path: Path, verbose: bool
) -> None:
    (tmp_path / "output").write_text("".join(f"line {number}\n" for number in range(5000)))

    def prints(_: StepContext) -> Any:
        with (tmp_path / "output").open() as file:
            Relayed(file.fileno(), ()).relay()
        return {}

    host.ask(begin())
    host.step("code", prints)
    asked = host.ask(Go(ID, "code", "code", verbose=verbose))
    printed = [text for text in asked.lines if text.startswith("line ")]
    assert len(printed) == (2000 if verbose else 0)
    assert asked.lines[-2].startswith("code: done in 0.")


def test_a_line_that_is_meant_for_a_terminal_or_for_us_is_told_as_it_reads(host: Host) -> None:
    host.ask(begin())
    host.step("code", saying('\x1e{"ok": true}\x1b[2J'))
    asked = host.ask(Go(ID, "code", "code"))
    assert asked.lines[0] == as_said('\x1e{"ok": true}\x1b[2J')
    assert not {"\x1e", "\x1b"} & {*asked.lines[0]}


def test_one_word_does_all_up_to_its_step_and_the_next_one_finds_the_rest(host: Host) -> None:
    host.ask(begin())
    assert result_of(host.ask(Go(ID, LAST, "code"))).ok
    assert host.done == [*ALL]
    told = result_of(host.ask(Go(ID, LAST, LAST)))
    assert [step.name for step in told.steps] == [*ALL]


def test_a_word_for_less_than_was_allowed_takes_nothing_back(host: Host) -> None:
    host.ask(begin(upto="venv"))
    host.ask(Go(ID, "code", "venv"))
    host.settle()
    assert host.done == list(ALL[: ALL.index("venv") + 1])


def test_a_step_that_is_none_of_the_run_allows_nothing(host: Host) -> None:
    host.ask(begin())
    host.ask(Go(ID, "no such step", "no such step"))
    assert host.done == []


def test_a_step_that_fails_is_told_with_the_way_back_and_how_that_has_ended(host: Host) -> None:
    host.ask(begin())
    host.step("swap", fails)
    asked = host.ask(Go(ID, LAST, "swap", verbose=True))
    result = result_of(asked)
    assert (result.ok, result.outcome, result.failed, result.reason) == (
        False,
        "fell back",
        "swap",
        ("swap failed: it broke",),
    )
    assert asked.lines[0] == "falling back: swap failed: it broke"
    assert result.sentence in asked.lines
    assert host.links() == BEFORE


def test_another_step_is_told_at_once_and_what_it_prints_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[News] = []
    now = [100.0]
    monkeypatch.setattr("agent.runner.news.time.monotonic", lambda: now[0])
    worker = SimpleNamespace(name="step venv", since=99.0, last_line="")
    run: Any = SimpleNamespace(crew=SimpleNamespace(at_work=worker), label="venv")
    client: Any = SimpleNamespace(news=News(), news_at=0.0)

    def tell_news(one: News) -> None:
        told.append(one)
        client.news, client.news_at = one, now[0]

    client.tell_news = tell_news
    for seconds, line in (
        (0.0, ""),
        (0.2, "Collecting django"),
        (0.5, "a"),
        (1.1, "b"),
        (1.3, "c"),
        (3.0, "c"),
        (5.0, "c"),
    ):
        now[0], worker.last_line = 100.0 + seconds, line
        news.tell(client, run)
    assert [(one.step, one.seconds, one.line) for one in told] == [
        ("venv", 1.0, ""),
        ("venv", 2.1, "b"),
        ("venv", 4.0, "c"),
    ]
    worker.name, run.label = "undo stop service", "fallback"
    news.tell(client, run)
    assert (told[-1].step, told[-1].back) == ("stop service", True)
    run.crew.at_work = None
    news.tell(client, run)
    assert len(told) == 4


# --- Words that come too late, or too early


@pytest.mark.parametrize("word", [Go(ID, LAST, LAST), AllWell(ID), Commit(ID)], ids=lambda one: one.verb)
def test_a_word_that_comes_after_the_end_changes_nothing_and_is_told_that_end(host: Host, word: Any) -> None:
    host.ask(begin(upto="code"))
    host.ask(FallBack(ID, "it was asked for"))
    events = host.events
    result = result_of(host.ask(word))
    assert (result.ok, result.outcome, result.reason) == (False, "refused", ("it was asked for",))
    assert host.events == events
    assert lock_holder(host.state) is None


@pytest.mark.parametrize("word", [Go(ID, LAST, LAST), AllWell(ID), Commit(ID)], ids=lambda one: one.verb)
def test_a_word_that_comes_during_the_way_back_turns_nothing_round(host: Host, word: Any) -> None:
    told: list[Asked] = []
    host.ask(begin(upto="swap"))

    def meanwhile(_: StepContext) -> Any:
        told.append(host.begin_to_ask(word))
        return {}

    host.action("evidence", meanwhile)
    host.ask(FallBack(ID, "it was asked for"))
    host.settle()
    (asked,) = told
    assert (result_of(asked).ok, result_of(asked).outcome) == (False, "fell back")
    assert host.links() == BEFORE
    assert not {"all well", "committed"} & {*host.events}


@pytest.mark.parametrize("word", [AllWell(ID), Commit(ID)], ids=lambda one: one.verb)
@pytest.mark.parametrize("upto", ["", "code", ALL[-2]])
def test_nothing_commits_before_all_is_done(host: Host, word: Any, upto: str) -> None:
    host.ask(begin(upto=upto))
    host.settle()
    result = result_of(host.ask(word))
    left = [name for name in ALL if name not in host.done]
    assert result.sentence == f"refused: this can't commit before {', '.join(left)}"
    assert not {"all well", "committed"} & {*host.events}
    assert lock_holder(host.state) == ID


def test_all_are_well_is_written_down_once_and_told_each_time(host: Host) -> None:
    host.ask(begin(upto=LAST))
    for _ in range(2):
        assert result_of(host.ask(AllWell(ID))).ok
    assert host.events.count("all well") == 1
    assert lock_holder(host.state) == ID


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_host_that_stands_still_as_it_is_told_that_all_are_well_has_not_heard_it(
    host: Host, monkeypatch: pytest.MonkeyPatch, is_killed: bool
) -> None:
    host.ask(begin(upto=LAST))
    run, clock = host.runner(), [time.monotonic()]
    monkeypatch.setattr("agent.runner.run.time.monotonic", lambda: clock[0])
    run.word_by = clock[0] + 8
    really = run.opened.journal.append

    def stands_still(line: Any) -> None:
        really(line)
        clock[0] += 40
        if is_killed:
            raise KeyboardInterrupt

    monkeypatch.setattr(run.opened.journal, "append", stands_still)
    if is_killed:
        with pytest.raises(KeyboardInterrupt):
            run.all_well()
        host.start_runner()
        reason = Transaction(host.state, ID).progress.reason
        assert reason is not None
    else:
        asked = host.ask(AllWell(ID))
        assert not result_of(asked).ok
        assert "came too late" in str(Transaction(host.state, ID).progress.reason)
    progress = Transaction(host.state, ID).progress
    assert (progress.all_well, progress.outcome) == (False, "fell back")


def test_a_commit_is_told_its_end_however_often_it_is_asked_for(host: Host) -> None:
    host.ask(begin(upto=LAST))
    for _ in range(3):
        asked = host.ask(Commit(ID))
        result = result_of(asked)
        assert (result.ok, result.outcome) == (True, "committed")
        assert len(result.steps) == len(ALL)
        assert result.sentence.startswith("committed: ")
    assert host.events.count("committed") == 1


def test_who_asks_another_runner_once_it_has_committed_is_told_so_from_disk(host: Host) -> None:
    host.ask(begin(upto=LAST))
    host.ask(Commit(ID))
    host.start_runner()
    for word in (Commit(ID), Go(ID, LAST), AllWell(ID), FallBack(ID, "late")):
        result = result_of(host.ask(word))
        assert (result.ok, result.outcome) == (True, "committed")
    # Of a step it is told how that has ended, and no more.
    result = result_of(host.ask(Go(ID, LAST, LAST)))
    assert (result.ok, result.outcome) == (True, None)
    assert host.links()["django-current"] == NEW


# --- A fallback that is asked for


@pytest.mark.parametrize(
    ("cause", "reason"),
    [(Cause.PERSON, "interrupted by a person during swap"), (Cause.ANOTHER_HOST, "web2 failed")],
)
def test_a_step_that_runs_is_asked_to_stop_and_is_not_to_blame(host: Host, cause: Cause, reason: str) -> None:
    told: list[Asked] = []

    def meanwhile(_: StepContext) -> Any:
        told.append(host.begin_to_ask(FallBack(ID, "web2 failed", cause)))
        worker = host.runner().crew.at_work
        assert worker
        assert worker.asked_to_stop
        raise Interrupted("interrupted by a person")

    host.ask(begin())
    host.step("swap", meanwhile)
    told.append(host.ask(Go(ID, LAST, "swap")))
    for asked in told:
        assert (result_of(asked).outcome, result_of(asked).reason) == ("fell back", (reason,))
    assert "step interrupted" in host.events
    assert "step failed" not in host.events
    assert host.done.count("undo links") == 1


def test_a_step_that_is_done_before_it_can_stop_is_taken_back_all_the_same(host: Host) -> None:
    def meanwhile(_: StepContext) -> Any:
        host.begin_to_ask(FallBack(ID, "web2 failed", Cause.ANOTHER_HOST))
        return {}

    host.ask(begin())
    host.step("swap", meanwhile)
    swap = host.ask(Go(ID, LAST, "swap"))
    assert (result_of(swap).ok, result_of(swap).outcome) == (True, None)
    # What became of the run then is no part of what the step says.
    assert not [line for line in swap.lines if "falling back" in line]
    result = result_of(host.ask(Go(ID, LAST, "restart")))
    assert (result.ok, result.outcome, result.followed) == (False, "fell back", True)
    assert "install_script" not in host.done
    assert "restart" not in host.done


def test_one_that_is_asked_for_twice_is_gone_once(host: Host) -> None:
    host.ask(begin(upto="swap"))
    host.settle()
    for _ in range(2):
        assert result_of(host.ask(FallBack(ID, "it was asked for"))).outcome == "fell back"
    assert host.done.count("undo links") == host.events.count("fallback") == 1


def test_a_deploy_that_has_committed_does_not_fall_back(host: Host) -> None:
    told: list[Asked] = []
    host.ask(begin(upto=LAST))

    told.append(host.begin_to_ask(Commit(ID)))
    told.append(host.begin_to_ask(FallBack(ID, "too late", Cause.PERSON)))
    host.settle()
    for asked in told:
        assert (result_of(asked).ok, result_of(asked).outcome) == (True, "committed")
    assert host.links()["django-current"] == NEW


@pytest.mark.parametrize("word", [Go(OTHER, "code"), AllWell(OTHER), Commit(OTHER), FallBack(OTHER, "x")])
@pytest.mark.parametrize("is_open", [True, False])
def test_a_word_for_a_run_that_was_never_begun_is_refused(host: Host, word: Any, is_open: bool) -> None:
    if is_open:
        host.ask(begin())
    result = result_of(host.ask(word))
    assert (result.ok, result.outcome, result.sentence) == (False, "refused", NEVER)


# --- A person


def needs_a_person(host: Host) -> None:
    """A deploy whose links could not be put back."""
    host.ask(begin(upto="swap"))
    host.settle()
    host.action("links", fails)
    assert result_of(host.ask(FallBack(ID, "it was asked for"))).outcome == "needs a person"
    host.action("links", lambda _: {})


def test_who_recovers_is_told_the_story_and_the_way_back_and_nothing_of_before(host: Host) -> None:
    needs_a_person(host)
    asked = host.ask(Recover())
    assert (result_of(asked).ok, result_of(asked).outcome) == (True, "fell back")
    said = "\n".join(asked.lines)
    assert f"deploy {ID} of {NEW} by ann@desk" in asked.lines[0]
    assert "falling back: it was asked for; then a person asked to recover" in asked.lines
    assert said.count("could not undo links: it broke") == 1
    assert lock_holder(host.state) is None


def test_what_still_can_not_be_undone_needs_a_person_still_for_what_had_failed_at_first(host: Host) -> None:
    needs_a_person(host)
    for _ in range(2):
        host.action("links", fails)
        result = result_of(host.ask(Recover()))
        assert (result.ok, result.outcome) == (False, "needs a person")
        assert result.reason == ("it was asked for; then a person asked to recover",)
    assert lock_holder(host.state) == ID


def test_a_person_may_free_the_host_all_the_same(host: Host) -> None:
    needs_a_person(host)
    host.action("links", fails)
    asked = host.ask(Recover(force=True))
    assert result_of(asked).outcome == "needs a person"
    assert "freed all the same, as you asked: the next deploy will be tried" in asked.lines
    assert lock_holder(host.state) is None


def test_where_nothing_is_open_there_is_nothing_to_recover(host: Host) -> None:
    assert result_of(host.ask(Recover())).told == ("no deploy is open on this host",)


def test_one_that_needs_a_person_refuses_all_else_and_says_so(host: Host) -> None:
    needs_a_person(host)
    for request in (begin(OTHER), CLEAN):
        result = result_of(host.ask(request))
        assert result.outcome == "refused"
        assert result.sentence.endswith("and needs a person: run deploys/recover.py")
    assert result_of(host.ask(Go(ID, LAST, LAST))).outcome == "needs a person"


# --- Cleaning


def test_a_clean_is_done_and_told(host: Host) -> None:
    asked = host.ask(CLEAN)
    assert result_of(asked).ok
    assert asked.lines[0].startswith("0 deleted, ")


def test_a_clean_is_refused_while_a_run_holds_the_host(host: Host) -> None:
    host.ask(begin())
    result = result_of(host.ask(CLEAN))
    assert (result.ok, result.outcome) == (False, "refused")
    assert f"deploy {ID} by ann@desk holds this host" in result.sentence


def test_a_clean_whose_worker_was_killed_is_told_to_have_failed(host: Host) -> None:
    host.loop.killed = {"clean"}
    assert result_of(host.ask(CLEAN)).sentence == "refused: its worker was killed"


def test_a_commit_that_cleans_is_told_when_that_is_done_and_that_changes_nothing_of_how_it_ended(host: Host) -> None:
    host.ask(begin(upto=LAST))
    asked = host.ask(Commit(ID, CLEAN))
    assert (result_of(asked).ok, result_of(asked).outcome) == (True, "committed")
    assert any(text.startswith("0 deleted, ") for text in asked.lines)
    assert host.loop.begun[-1] == "clean"


def test_a_commit_whose_clean_was_killed_has_committed(host: Host) -> None:
    host.ask(begin(upto=LAST))
    host.loop.killed = {"clean"}
    assert result_of(host.ask(Commit(ID, CLEAN))).outcome == "committed"


def test_a_commit_tells_the_run_s_record_where_that_is_asked_for(host: Host) -> None:
    host.ask(begin(upto=LAST))
    told = result_of(host.ask(Commit(ID, CLEAN, tells=True))).record
    assert told
    assert (told.run.deploy, told.run.outcome, told.ended, told.page) == (ID, "committed", True, False)
    assert "swap" in [part.name for part in told.parts]
    # Whoever comes late is told the same; and whoever wants no more than its end is told no more.
    assert result_of(host.ask(Commit(ID, tells=True))).record == replace(
        told, now=cast("Any", pytest.approx(told.now, abs=5)), texts=told.texts
    )
    assert result_of(host.ask(Commit(ID))).record is None


def test_a_record_tells_of_the_way_back_where_a_commit_came_too_late(host: Host) -> None:
    host.ask(begin(upto=LAST))
    host.ask(FallBack(ID, "it was asked for"))
    told = result_of(host.ask(Commit(ID, tells=True)))
    assert (told.ok, told.outcome) == (False, "fell back")
    assert told.record
    assert {part.phase for part in told.record.parts} == {"build", "switch", "back"}


def test_the_page_of_a_run_is_taken_once_that_has_ended(host: Host) -> None:
    host.ask(begin(upto=LAST))
    page = Transaction(host.state, ID).folder / "page.html"
    assert result_of(host.ask(KeepPage(ID, "<p>"))).sentence == f"refused: {ID} has not ended"
    assert not page.exists()
    host.ask(Commit(ID))
    assert result_of(host.ask(KeepPage(ID, "<p>"))).ok
    assert page.read_text() == "<p>"


def test_what_can_not_be_read_or_kept_at_the_end_ends_no_runner(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> Any:
        raise OSError(5, "Input/output error")

    host.ask(begin(upto=LAST))
    monkeypatch.setattr("agent.record.why.record", breaks)
    told = result_of(host.ask(Commit(ID, tells=True)))
    assert (told.outcome, told.record) == ("committed", None)
    monkeypatch.setattr("agent.record.page.write_whole", breaks)
    refused = result_of(host.ask(KeepPage(ID, "<p>"))).sentence
    assert refused == "refused: the page can't be written: [Errno 5] Input/output error"


def test_a_commit_that_falls_back_deletes_nothing(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    host.ask(begin(upto=LAST))
    monkeypatch.setattr(host.runner().opened.journal, "append", full)
    assert result_of(host.ask(Commit(ID, CLEAN))).outcome == "fell back"
    assert "clean" not in host.loop.begun


def test_a_step_that_has_nothing_to_do_is_done_without_a_worker(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    pause = named("pause")
    monkeypatch.setattr(pause, "idle", lambda known: f"nothing is paused in a {known.kind}")
    asked = host.ask(begin(upto=LAST))
    host.settle()
    begun = host.loop.begun
    assert "step maintenance_start" in begun
    assert "step backup" in begun
    assert "step pause" not in begun
    assert "pause: nothing is paused in a deploy" in host.ask(Go(ID, "pause", "pause")).lines
    assert result_of(asked).ok


def test_where_nobody_can_tell_whether_a_step_has_anything_to_do_its_worker_fails_it(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_: object) -> str:
        raise ValueError("odd")

    monkeypatch.setattr(named("pause"), "idle", breaks)
    host.ask(begin(upto=LAST))
    result = result_of(host.ask(Go(ID, "pause", "pause")))
    assert (result.outcome, result.failed) == ("fell back", "pause")
    assert "ValueError: odd" in "\n".join(result.reason)


def test_a_run_that_falls_back_deletes_nothing_after_it(host: Host) -> None:
    host.ask(begin(upto=LAST))
    host.ask(FallBack(ID, "it was asked for"))
    host.ask(Commit(ID, CLEAN))
    assert "clean" not in host.loop.begun


def test_who_begins_while_versions_are_deleted_waits_for_that_and_then_begins(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Asked] = []

    def meanwhile(*_: Any) -> list[str]:
        told.append(host.begin_to_ask(begin(upto="code")))
        host.answer()
        assert told[0].result is None
        return []

    monkeypatch.setattr("agent.runs.clean._versions", meanwhile)
    host.ask(CLEAN)
    host.settle()
    assert result_of(told[0]).ok
    assert host.done == ["code"]


# --- A worker that dies


@pytest.mark.parametrize("name", ALL)
def test_a_step_whose_worker_dies_has_failed(host: Host, name: str) -> None:
    host.ask(begin())
    host.loop.killed = {f"step {name}"}
    result = result_of(host.ask(Go(ID, LAST, LAST)))
    outcome = Outcome.FELL_BACK if name in SWITCH and name != "backup_before" else Outcome.REFUSED
    assert (result.outcome, result.failed, result.reason) == (outcome, name, (f"{name} failed: its worker was killed",))
    assert host.links() == BEFORE


@pytest.mark.parametrize("name", ["stop commands", "evidence", "links", "database", "restart", "health", "mark"])
def test_an_undo_whose_worker_dies_could_not_be_done_and_the_rest_that_makes_sense_is(host: Host, name: str) -> None:
    host.ask(begin(upto=LAST))
    host.settle()
    host.loop.killed = {f"undo {name}"}
    result = result_of(host.ask(FallBack(ID, "it was asked for")))
    assert result.outcome == "needs a person"
    assert f"{name}: its worker was killed" in result.sentence
    assert "undo mark" in host.done or name == "mark"
    assert lock_holder(host.state) == ID


@pytest.mark.parametrize("name", ["end", "commit"])
def test_where_what_ends_a_run_dies_it_is_tried_again(host: Host, name: str) -> None:
    host.ask(begin(upto=LAST))
    host.settle()
    host.loop.killed = {name}
    word = Commit(ID) if name == "commit" else FallBack(ID, "it was asked for")
    asked = host.ask(word)
    for _ in range(3):
        host.later()
        # Who waits for a way back is not kept for ever.
        assert asked.result is None or asked.result.outcome == Outcome.FALLING_BACK
        assert lock_holder(host.state) == ID
    host.loop.killed = set()
    host.later()
    assert result_of(host.ask(word)).outcome == ("committed" if name == "commit" else "fell back")
    assert lock_holder(host.state) is None


def test_a_run_of_a_host_without_a_site_asks_nobody_what_visitors_get(host: Host) -> None:
    (host.home / "django-current").unlink()
    host.ask(begin(upto=LAST, was=None, bare=True))
    host.settle()
    assert "probe" not in host.loop.begun
    assert "step restart" in host.loop.begun


def test_visitors_addresses_are_asked_from_the_first_step_that_they_may_notice_on(host: Host) -> None:
    host.ask(begin(upto=LAST))
    host.settle()
    begun = host.loop.begun
    assert begun.index("probe") < begun.index("step maintenance_start")
    assert begun.count("probe") >= 1
    assert begun.index("probe") > begun.index(f"step {BUILT}")


# --- What is no request


@pytest.mark.parametrize("request_", [requests.Install(), requests.Pin("x", True), requests.Adopt(())])
def test_what_is_not_a_runner_s_to_do_is_refused(host: Host, request_: Any) -> None:
    assert result_of(host.ask(request_)).sentence == "refused: this is nothing that a runner does"


def test_no_password_of_a_repository_is_kept_or_told(host: Host) -> None:
    url = f"https://me:{HIDDEN}@git.example.com/code.git"
    urls: list[str] = []

    def takes(step: StepContext) -> Any:
        urls.append(step.url)
        emit(f"from {step.url}")
        raise StepFailed(f"no such place: {step.url}")

    host.step("code", takes)
    asked = host.ask(replace(begin(upto="code"), urls={"code": url}))
    host.settle()
    again = host.ask(Go(ID, "code", "code"))
    assert urls == [url]
    assert HIDDEN not in "".join(line for one in (asked, again) for line in one.lines if "from" not in line)
    written = "".join(path.read_text() for path in host.state.root.rglob("*") if path.is_file())
    assert HIDDEN not in written
