"""When a deploy is taken back that nobody goes on with: at its deadline, by a clock of the test's, and no earlier."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from agent.runner.run import GRACE
from agent.service import health
from agent.steps.order import limit_of
from agent.transaction.lock import lock_holder
from agent.transaction.step import StepContext
from agent.transaction.transaction import Transaction
from agent.words.outcomes import Cause
from agent.words.requests import AllWell, Commit, FallBack, Go, Request
from tests.unit.agent_host import ALL, BEFORE, ID, Host
from tests.unit.django_found import pending
from tests.unit.examples import HOOKS, NEW, settings
from tests.unit.healthy import host_settings
from tests.unit.journals import says
from tests.unit.steps import BUILD, SWITCH

Note = dict[str, Any]
# What a controller may take until it says the next thing, seconds: the settings' own default.
CONFIRM = 60
TWO = {"hosts": ["web1", "web2"]}
STEPS = [*ALL, "commit"]


class Clock:
    """The time, which goes on only when a test lets it, or when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    monkeypatch.setattr(time, "monotonic", clock)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    return clock


def wait(host: Host, clock: Clock, until: float) -> int:
    """Let a runner go on until a moment. Returns how often it has looked whether there is anything to do."""
    for looks in range(1, 10_000):
        host.settle()
        waits = host.loop.waits
        if waits is None or clock.now + waits > until:
            clock.now = until
            host.settle()
            return looks
        clock.now += max(waits, 0.001)
    raise AssertionError("it never rests")


def taking(host: Host, clock: Clock, name: str, seconds: float) -> None:
    """Have a step take so long."""

    def takes(_: StepContext) -> Note:
        clock.now += seconds
        return {"page": {"status": 503}} if name == "maintenance_start" else {}

    host.step(name, takes)


def begin(host: Host, **more: Any) -> Transaction:
    transaction = host.begin(**{"steps": STEPS, **more})
    assert transaction.begin.settings.confirm_timeout == CONFIRM
    host.settle()
    return transaction


def is_taken_back_at(host: Host, clock: Clock, transaction: Transaction, moment: float) -> bool:
    """Whether the runner leaves it alone until then, and takes it back then."""
    wait(host, clock, moment - 0.01)
    early = transaction.progress.falling_back
    clock.now = moment
    host.settle()
    return not early and transaction.progress.outcome is not None


# --- How long a host waits for a word


def test_one_that_has_begun_waits_for_its_first_word_for_confirm_timeout(host: Host, clock: Clock) -> None:
    transaction = begin(host)
    assert is_taken_back_at(host, clock, transaction, clock.now + CONFIRM)
    assert transaction.progress.reason == "no word from the controller since begin"


@pytest.mark.parametrize("several", [{}, TWO])
@pytest.mark.parametrize("name", [*BUILD, *SWITCH])
def test_one_waits_after_a_step_for_confirm_timeout_however_long_that_took(
    host: Host, clock: Clock, name: str, several: Note
) -> None:
    transaction = begin(host, **several)
    taking(host, clock, name, 700)
    host.run(name)
    assert is_taken_back_at(host, clock, transaction, clock.now + CONFIRM)
    assert transaction.progress.reason == f"no word from the controller since {name}"


@pytest.mark.parametrize("word", [Go(ID, ""), Go(ID, "", "code"), Go(ID, "swap", "swap"), AllWell(ID)])
def test_each_word_gives_the_controller_all_of_that_time_again(host: Host, clock: Clock, word: Any) -> None:
    transaction = begin(host, **TWO)
    host.run(*ALL)
    wait(host, clock, clock.now + CONFIRM - 1)
    host.ask(word)
    moment = clock.now + CONFIRM
    wait(host, clock, moment - 0.01)
    assert (transaction.progress.falling_back, transaction.progress.committed) == (False, False)
    wait(host, clock, moment)
    assert transaction.progress.falling_back or transaction.progress.committed


def test_a_controller_that_stays_there_is_waited_for_as_long_as_it_takes(host: Host, clock: Clock) -> None:
    transaction = begin(host, **TWO)
    host.run("code")
    for _ in range(100):
        wait(host, clock, clock.now + CONFIRM / 3)
        assert host.ask(Go(ID, "")).result
    assert not transaction.progress.falling_back
    assert is_taken_back_at(host, clock, transaction, clock.now + CONFIRM)


def test_while_a_step_runs_nobody_waits_for_a_word_and_its_worker_has_all_of_its_time(host: Host, clock: Clock) -> None:
    transaction = begin(host)
    taking(host, clock, "migrate", 10 * CONFIRM)
    assert host.run("migrate") == [True]
    assert host.loop.limits["step migrate"] == transaction.begin.settings.migrate_timeout + GRACE
    assert not transaction.progress.falling_back


def test_a_word_that_comes_when_the_time_is_over_extends_nothing(host: Host, clock: Clock) -> None:
    deploys = [f"20261123-12000{number}-deploy-ab12" for number in range(4)]
    words: tuple[Request, ...] = (
        Go(deploys[0], "install_script", "install_script"),
        Go(deploys[1], ""),
        AllWell(deploys[2]),
        Commit(deploys[3]),
    )
    for deploy, word in zip(deploys, words, strict=True):
        transaction = begin(host, deploy=deploy)
        host.run(*ALL)
        # The host stood still meanwhile.
        clock.now += CONFIRM + 0.01
        result = host.ask(word).result
        assert result
        assert (result.ok, result.outcome) == (False, "fell back")
        assert transaction.progress.reason == f"no word from the controller since {ALL[-1]}"
        assert host.links() == BEFORE


# --- How long a step may take

# Settings that tell the limits apart, seconds.
TOLD = host_settings(
    hooks=settings(hooks=HOOKS).for_host().hooks,
    build_timeout=1000,
    script_timeout=200,
    migrate_timeout=30,
    restart_timeout=4,
    health_timeout=50,
    health_stable=7,
    site_timeout=600,
)


@pytest.mark.parametrize(
    ("names", "limit"),
    [
        (BUILD, 1000),
        (("backup_before", "maintenance_start", "backup", "swap", "install_script", "after_switch", "commit"), 200),
        (("migrate",), 30),
        (("restart", "pause"), 4),
        # For the app, and for what was paused.
        (("health",), 50 + 50 + 7 + 30),
        (("maintenance_stop",), 600 + 200),
        (("site",), 600 + 30),
        (("watch",), 7 + 30),
    ],
)
def test_each_step_has_the_limit_of_its_setting(names: tuple[str, ...], limit: float) -> None:
    assert [limit_of(name, TOLD) for name in names] == [limit] * len(names)


def test_a_rolling_restart_may_take_as_long_as_its_first_process_to_be_well_and_stay_so() -> None:
    assert limit_of("restart", replace(TOLD, restart="rolling")) == 4 + 50 + 7


@pytest.mark.parametrize("name", [*BUILD, "migrate"])
def test_all_commands_of_a_step_together_have_its_time_and_no_more(host: Host, clock: Clock, name: str) -> None:
    transaction, untils = begin(host), list[float]()

    def works(step: StepContext) -> Note:
        for _ in range(3):
            untils.append(step.runner(None).until)
            clock.now += step.limit / 2
        return {}

    host.step(name, works)
    began, whole = clock.now, limit_of(name, transaction.begin.settings)
    host.run(name)
    # What comes after that is stopped as soon as it has begun.
    assert untils == [began + whole] * 3


# --- A commit


def test_a_commit_in_time_commits(host: Host, clock: Clock) -> None:
    transaction = begin(host)
    host.run(*ALL)
    wait(host, clock, clock.now + CONFIRM - 0.01)
    assert host.run("commit") == [True]
    assert transaction.progress.outcome == "committed"


def test_one_that_has_heard_that_all_are_well_commits_by_itself_and_says_so(host: Host, clock: Clock) -> None:
    transaction = begin(host, **TWO)
    host.run(*ALL)
    heard = host.ask(AllWell(ID)).result
    assert heard
    assert (heard.ok, heard.outcome) == (True, None)
    wait(host, clock, clock.now + CONFIRM)
    assert transaction.progress.outcome == "committed"
    assert host.links()["django-current"] == NEW
    parted = "nothing after that: the others may have fallen back (deploys/status.py)"
    assert parted in host.said
    late = host.ask(Commit(ID)).result
    assert late
    assert (late.ok, late.outcome, late.warnings) == (True, "committed", ())
    assert parted in late.sentence


def test_one_of_several_that_was_all_done_and_heard_nothing_says_that_others_may_have_committed(
    host: Host, clock: Clock
) -> None:
    transaction = begin(host, **TWO)
    host.run(*ALL)
    wait(host, clock, clock.now + CONFIRM)
    assert transaction.progress.outcome == "fell back"
    assert "the other hosts may have committed: deploys/status.py" in str(transaction.progress.reason)


def test_so_does_one_whose_runner_was_killed_then(host: Host, clock: Clock) -> None:
    transaction = begin(host, **TWO)
    host.run(*ALL)
    host.ask(AllWell(ID))
    host.start_runner()
    assert not transaction.progress.falling_back
    wait(host, clock, clock.now + CONFIRM)
    assert transaction.progress.outcome == "committed"


def test_one_that_has_heard_that_all_are_well_still_falls_back_where_it_is_told_to(host: Host, clock: Clock) -> None:
    transaction = begin(host, **TWO)
    host.run(*ALL)
    host.ask(AllWell(ID))
    result = host.ask(FallBack(ID, "web2 failed", Cause.ANOTHER_HOST)).result
    assert result
    assert (result.outcome, transaction.progress.committed, host.links()) == ("fell back", False, BEFORE)


def test_a_commit_that_is_asked_for_again_after_its_line_is_finished_however_late(host: Host, clock: Clock) -> None:
    transaction = begin(host)
    host.run(*ALL)
    transaction.journal.append(says("committed"))
    clock.now += 10 * CONFIRM
    host.start_runner()
    asked = host.ask(Commit(ID)).result
    assert asked
    assert (asked.ok, asked.outcome) == (True, "committed")
    assert transaction.progress.outcome == "committed"


# --- A runner that nobody asks for anything


def test_it_takes_a_deploy_back_and_then_ends(host: Host, clock: Clock) -> None:
    transaction = begin(host)
    host.run("maintenance_start", "swap")
    deadline = clock.now + CONFIRM
    wait(host, clock, deadline + 100)
    assert transaction.progress.outcome == "fell back"
    assert transaction.progress.fallback_at == deadline
    assert lock_holder(host.state) is None
    assert host.links() == BEFORE
    assert host.loop.waits is None


def test_it_looks_at_nothing_while_it_waits_for_a_word(host: Host, clock: Clock) -> None:
    begin(host)
    assert wait(host, clock, clock.now + CONFIRM - 1) == 1


def test_it_takes_care_of_the_next_deploy_as_well(host: Host, clock: Clock) -> None:
    begin(host)
    host.run(*ALL, "commit")
    following = begin(host, deploy="20261123-120001-deploy-next")
    host.run("maintenance_start")
    wait(host, clock, clock.now + CONFIRM)
    assert following.progress.outcome == "fell back"
    assert following.progress.reason == "no word from the controller since maintenance_start"


def test_it_leaves_what_needs_a_person_to_that_person(host: Host, clock: Clock) -> None:
    transaction = begin(host)
    host.run("maintenance_start")

    def fails(_: StepContext) -> Note:
        raise OSError("it broke")

    host.action("maintenance", fails)
    host.step("swap", fails)
    host.run("swap")
    events = host.events
    wait(host, clock, clock.now + 10 * CONFIRM)
    assert transaction.progress.outcome == "needs a person"
    assert host.events == events
    assert host.loop.waits is not None


def test_it_frees_a_host_whose_site_alone_was_not_well_soon_after_it_is(
    host: Host, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction = begin(host)

    def fails(_: StepContext) -> Note:
        raise health.Unhealthy("it answers 500")

    host.action("health", fails)
    host.step("swap", fails)
    host.run("swap")
    well = clock.now + 100
    monkeypatch.setattr(health, "app_problem", lambda *_, **__: None if clock.now >= well else "it answers 500")
    monkeypatch.setattr("agent.runs.ending.prove_healthy", lambda *_, **__: "")
    wait(host, clock, well - 1)
    assert transaction.progress.outcome == "needs a person"
    wait(host, clock, well + 10)
    assert transaction.progress.outcome == "fell back"
    assert lock_holder(host.state) is None


# --- One of several that waits for the host that takes the database back


@pytest.fixture
def follower(host: Host, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Transaction:
    """A host that has fallen back, but for what has to wait until the old version works again."""
    transaction = begin(host, **TWO, primary=False)
    host.step("checks", lambda _: {"pending": [pending("0002")]})
    monkeypatch.setattr(health, "app_problem", lambda *_, **__: "it answers 500")
    host.run("checks", "maintenance_start", "migrate", "swap", "restart")
    assert host.fall_back("web1 failed") is None
    assert host.links() == BEFORE
    assert host.done[-1] == "undo restart"
    return transaction


def test_it_ends_it_there_once_the_old_version_works_again(
    host: Host, clock: Clock, follower: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    well = clock.now + 30
    monkeypatch.setattr(health, "app_problem", lambda *_, **__: None if clock.now >= well else "it answers 500")
    wait(host, clock, well - 0.01)
    assert follower.progress.outcome is None
    wait(host, clock, well + 1)
    assert follower.progress.outcome == "fell back"
    assert host.done.count("undo links") == host.done.count("undo restart") == 1
    assert host.done[-4:] == ["undo health", "undo maintenance", "undo watch", "undo mark"]


def test_it_waits_no_longer_for_it_than_that_host_may_take(host: Host, clock: Clock, follower: Transaction) -> None:
    settings = follower.begin.settings
    longest = clock.now + settings.migrate_timeout + CONFIRM
    wait(host, clock, longest)
    assert "undo health" not in host.done
    wait(host, clock, longest + 2)
    assert "undo health" in host.done


def test_it_ends_as_soon_as_it_is_told_that_the_database_is_back(
    host: Host, clock: Clock, follower: Transaction
) -> None:
    result = host.ask(FallBack(ID, "web1 failed", Cause.ANOTHER_HOST, database_is_back=True)).result
    assert result
    assert result.outcome == follower.progress.outcome == "fell back"


def test_it_ends_at_once_where_that_host_has_taken_the_database_back(host: Host, clock: Clock) -> None:
    begin(host, **TWO, primary=False)
    host.step("checks", lambda _: {"pending": [pending("0002")]})
    host.run("checks", "maintenance_start", "migrate", "swap", "restart")
    assert host.fall_back("web1 failed", database_is_back=True) == "fell back"


# --- A host that boots


@pytest.mark.parametrize(
    ("came_to", "more", "undone"),
    [
        ((), [], []),
        (("code",), [], []),
        (("maintenance_start", "migrate"), [], ["undo database"]),
        (("maintenance_start", "migrate", "swap", "restart"), [], ["undo links", "undo database"]),
        (ALL, [("committed", {})], []),
        (("swap",), [("fallback", {"reason": "it broke"})], ["undo links"]),
        (("swap",), [("fallback", {"reason": "it broke"}), ("undo done", {"action": "links"})], []),
        (("swap",), [("ended", {"outcome": "needs a person", "sentence": ""})], []),
        (("swap",), [("ended", {"outcome": "fell back", "sentence": ""})], []),
    ],
)
def test_a_host_that_boots_makes_ready_to_start_the_old_version_and_does_the_rest_once_it_may_start(
    host: Host, *, came_to: tuple[str, ...], more: list[tuple[str, Note]], undone: list[str]
) -> None:
    ready: list[list[str]] = []
    host.starts_app = lambda: ready.append([*host.done])
    transaction = begin(host, boot="the one before")
    host.run(*came_to)
    for event, fields in more:
        transaction.journal.append(says(event, **fields))
    host.done.clear()
    host.start_runner()
    assert ready == [undone]
    reason = transaction.progress.reason
    if not more:
        assert reason == f"the host was rebooted {f'after {came_to[-1]}' if came_to else 'during begin'}"
    elif more[0][0] == "fallback":
        assert reason == "it broke; then the host was rebooted"
    else:
        assert reason is None


def test_a_host_that_boots_without_an_open_deploy_may_start_its_app_at_once(host: Host) -> None:
    host.state.create()
    host.start_runner()
    assert host.loop.is_ready
    assert host.loop.begun == []


def test_a_host_whose_journal_nobody_can_read_may_start_its_app(host: Host) -> None:
    begin(host).journal.path.write_text('{"at": 1.0, "event": "step started"}\n')
    host.start_runner()
    assert host.loop.is_ready
    assert host.done == []
    assert lock_holder(host.state) == ID
