"""When a deploy is taken back that nobody goes on with: at its deadline, by a clock of the test's, and no earlier."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from agent.runs import guard
from agent.runs.ending import fall_back
from agent.service import health
from agent.steps.order import limit_of
from agent.transaction.lock import free_lock, lock_holder
from agent.transaction.step import StepContext
from agent.transaction.transaction import Transaction
from agent.words.outcomes import Outcome
from tests.unit.agent_host import ALL, BEFORE, ID, Host
from tests.unit.django_found import pending
from tests.unit.examples import NEW
from tests.unit.healthy import host_settings
from tests.unit.journals import says
from tests.unit.steps import BUILD, SWITCH

Note = dict[str, Any]
# What a controller may take until it says the next thing, seconds: the settings' own default.
CONFIRM = 60
TWO = {"hosts": ["web1", "web2"]}


class Clock:
    """The time, which goes on only when a test lets it, or when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.slept: list[float] = []
        # When something happens by itself, and what.
        self.later: dict[float, Any] = {}

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        assert len(self.slept) < 10_000, "nobody wakes up any more"
        self.now += seconds
        for due in sorted(one for one in self.later if one <= self.now):
            self.later.pop(due)()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    return clock


def taking(host: Host, clock: Clock, name: str, seconds: float) -> None:
    """Have a step take so long."""

    def takes(_: StepContext) -> Note:
        clock.now += seconds
        return {"page": {"status": 503}} if name == "maintenance_start" else {}

    host.step(name, takes)


def begin(host: Host, **more: Any) -> Transaction:
    transaction = host.begin(**more)
    assert transaction.begin.settings.confirm_timeout == CONFIRM
    return transaction


def is_taken_back_at(host: Host, clock: Clock, transaction: Transaction, moment: float) -> bool:
    """Whether the guard leaves it alone until then, and takes it back then."""
    clock.now = moment - 0.01
    guard.take_over(transaction)
    early = transaction.progress.outcome
    clock.now = moment
    guard.take_over(transaction)
    return early is None and transaction.progress.outcome is not None


# --- How long a host waits for a word


def test_one_that_has_begun_waits_for_its_first_step_for_confirm_timeout(host: Host, clock: Clock) -> None:
    assert is_taken_back_at(host, clock, begin(host), clock.now + CONFIRM)


@pytest.mark.parametrize("name", [*BUILD, *SWITCH])
def test_a_host_alone_waits_after_a_step_for_confirm_timeout_and_no_longer(host: Host, clock: Clock, name: str) -> None:
    transaction = begin(host)
    taking(host, clock, name, 7)
    host.run(name)
    assert is_taken_back_at(host, clock, transaction, clock.now + CONFIRM)


@pytest.mark.parametrize("name", [*BUILD, *SWITCH])
def test_one_of_several_that_is_done_early_waits_as_long_as_the_slowest_may_take(
    host: Host, clock: Clock, name: str
) -> None:
    transaction = begin(host, **TWO)
    taking(host, clock, name, 7)
    began = clock.now
    host.run(name)
    whole = limit_of(name, transaction.begin.settings)
    assert whole > 7
    assert is_taken_back_at(host, clock, transaction, began + whole + CONFIRM)


def test_while_a_step_runs_its_deadline_is_after_all_of_its_time(host: Host, clock: Clock) -> None:
    transaction, began = begin(host), clock.now
    seen: list[float] = []

    def look(_: StepContext) -> Note:
        seen.append(transaction.progress.deadline)
        return {}

    host.step("migrate", look)
    host.run("migrate")
    assert seen == [began + transaction.begin.settings.migrate_timeout + CONFIRM]


# --- How long a step may take

# Settings that tell the limits apart, seconds.
TOLD = host_settings(
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
        (("backup_before", "maintenance_start", "backup", "swap", "install_script", "commit"), 200),
        (("migrate",), 30),
        (("restart",), 4),
        (("health",), 50 + 7 + 30),
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
    clock.now += CONFIRM
    assert host.run("commit") == [True]
    assert transaction.progress.outcome == "committed"


def test_a_commit_that_comes_a_moment_too_late_falls_back(host: Host, clock: Clock) -> None:
    transaction = begin(host)
    host.run(*ALL)
    clock.now += CONFIRM + 0.01
    assert host.run("commit") == [False]
    assert transaction.progress.reason == "the commit came too late"
    assert transaction.progress.outcome == "fell back"
    assert host.links() == BEFORE


def test_one_of_several_that_was_done_early_commits_when_the_slowest_is(host: Host, clock: Clock) -> None:
    transaction = begin(host, **TWO)
    host.run(*ALL)
    clock.now += limit_of(ALL[-1], transaction.begin.settings) + CONFIRM
    assert host.run("commit") == [True]
    assert host.links()["django-current"] == NEW


def test_a_commit_that_is_asked_for_again_after_its_line_is_finished_however_late(host: Host, clock: Clock) -> None:
    transaction = begin(host)
    host.run(*ALL)
    transaction.journal.append(says("committed"))
    clock.now += 10 * CONFIRM
    assert host.run("commit") == [True]
    assert transaction.progress.outcome == "committed"


# --- The guard that watches


def test_the_guard_watches_until_the_deadline_takes_over_then_and_ends(host: Host, clock: Clock) -> None:
    transaction = begin(host)
    host.run("maintenance_start", "swap")
    deadline = clock.now + CONFIRM
    guard.watch(host.state)
    assert transaction.progress.outcome == "fell back"
    assert transaction.progress.reason == "no word from the controller since swap"
    # It looks once a second.
    assert deadline <= transaction.progress.fallback_at <= deadline + 1
    assert lock_holder(host.state) is None
    assert host.links() == BEFORE


def test_the_guard_goes_when_the_deploy_ends_without_it(host: Host, clock: Clock) -> None:
    transaction = begin(host)
    host.run(*ALL)
    clock.later[clock.now + 5] = lambda: host.run("commit")
    guard.watch(host.state)
    assert transaction.progress.outcome == "committed"
    assert sum(clock.slept) == pytest.approx(5, abs=1)


def test_the_guard_goes_at_once_where_no_deploy_is_open(host: Host, clock: Clock) -> None:
    host.state.create()
    guard.watch(host.state)
    assert clock.slept == []


def test_the_guard_watches_over_the_next_deploy_as_well(host: Host, clock: Clock) -> None:
    begin(host)
    host.run(*ALL)

    def ends_and_another_begins() -> None:
        host.run("commit")
        host.begin("20261123-120001-deploy-next")
        host.run("maintenance_start", deploy="20261123-120001-deploy-next")

    clock.later[clock.now + 5] = ends_and_another_begins
    guard.watch(host.state)
    following = Transaction(host.state, "20261123-120001-deploy-next").progress
    assert (following.outcome, following.reason) == ("fell back", "no word from the controller since maintenance_start")


def test_the_guard_takes_over_long_before_the_deadline_from_an_agent_that_was_killed_in_a_step(
    host: Host, clock: Clock
) -> None:
    transaction = begin(host)
    host.run("maintenance_start")
    transaction.journal.append(says("step started", step="swap", deadline=clock.now + 1000))
    guard.watch(host.state)
    assert transaction.progress.reason == "the agent was killed during swap"
    assert sum(clock.slept) <= 1


def test_the_guard_leaves_what_needs_a_person_to_that_person(host: Host, clock: Clock) -> None:
    transaction = begin(host)
    host.run("maintenance_start")

    def fails(_: StepContext) -> Note:
        raise OSError("it broke")

    host.action("maintenance", fails)
    host.step("swap", fails)
    host.run("swap")
    events = host.events
    clock.later[clock.now + 10 * CONFIRM] = lambda: free_lock(host.state, ID)
    guard.watch(host.state)
    assert transaction.progress.outcome == "needs a person"
    assert host.events == events


def test_the_guard_frees_a_host_whose_site_alone_was_not_well_soon_after_it_is(
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
    guard.watch(host.state)
    assert transaction.progress.outcome == "fell back"
    assert lock_holder(host.state) is None
    assert well <= clock.now <= well + 10


# --- One of several that waits for the host that takes the database back


@pytest.fixture
def follower(host: Host, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Transaction:
    """A host that has fallen back, but for what has to wait until the old version works again."""
    transaction = begin(host, **TWO, primary=False)
    host.step("checks", lambda _: {"pending": [pending("0002")]})
    monkeypatch.setattr(health, "app_problem", lambda *_, **__: "it answers 500")
    host.run("checks", "maintenance_start", "migrate", "swap", "restart")
    assert fall_back(transaction, "web1 failed") == Outcome.FALLING_BACK
    assert host.links() == BEFORE
    assert host.done[-1] == "undo restart"
    return transaction


def test_the_guard_ends_it_there_once_the_old_version_works_again(
    host: Host, clock: Clock, follower: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    well = clock.now + 30
    monkeypatch.setattr(health, "app_problem", lambda *_, **__: None if clock.now >= well else "it answers 500")
    guard.watch(host.state)
    assert well <= clock.now <= well + 1
    assert follower.progress.outcome == "fell back"
    assert host.done.count("undo links") == host.done.count("undo restart") == 1
    assert host.done[-4:] == ["undo health", "undo maintenance", "undo watch", "undo mark"]


def test_the_guard_waits_no_longer_for_it_than_that_host_may_take(
    host: Host, clock: Clock, follower: Transaction
) -> None:
    settings = follower.begin.settings
    longest = clock.now + settings.migrate_timeout + CONFIRM
    guard.watch(host.state)
    assert longest < clock.now <= longest + 2
    assert "undo health" in host.done


def test_it_ends_at_once_where_that_host_has_taken_the_database_back(host: Host, clock: Clock) -> None:
    transaction = begin(host, **TWO, primary=False)
    host.step("checks", lambda _: {"pending": [pending("0002")]})
    host.run("checks", "maintenance_start", "migrate", "swap", "restart")
    assert fall_back(transaction, "web1 failed", database_is_back=True) == Outcome.FELL_BACK


# --- A host that boots


@pytest.mark.parametrize(
    ("came_to", "more", "undone", "guarded"),
    [
        ((), [], [], True),
        (("code",), [], [], True),
        (("maintenance_start", "migrate"), [], ["undo database"], True),
        (("maintenance_start", "migrate", "swap", "restart"), [], ["undo links", "undo database"], True),
        (ALL, [("committed", {})], [], True),
        (("swap",), [("fallback", {"reason": "it broke"})], ["undo links"], True),
        (("swap",), [("fallback", {"reason": "it broke"}), ("undo done", {"action": "links"})], [], True),
        (("swap",), [("ended", {"outcome": "needs a person", "sentence": ""})], [], False),
        (("swap",), [("ended", {"outcome": "fell back", "sentence": ""})], [], True),
    ],
)
def test_a_host_that_boots_makes_ready_to_start_the_old_version_and_leaves_the_rest_to_the_guard(
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
    *,
    came_to: tuple[str, ...],
    more: list[tuple[str, Note]],
    undone: list[str],
    guarded: bool,
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(guard, "start_guard", lambda _: started.append([*host.done]))
    transaction = begin(host)
    host.run(*came_to)
    for event, fields in more:
        transaction.journal.append(says(event, **fields))
    host.done.clear()
    guard.after_boot(host.state)
    assert host.done == undone
    # The guard comes when all of that is done, or not at all.
    assert started == ([host.done] if guarded else [])
    reason = transaction.progress.reason
    if not more:
        assert reason == f"the host was rebooted {f'after {came_to[-1]}' if came_to else 'during begin'}"
    elif more[0][0] == "fallback":
        assert reason == "it broke; then the host was rebooted"
    else:
        assert reason is None


def test_a_host_that_boots_without_an_open_deploy_starts_no_guard(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "start_guard", lambda _: pytest.fail("there is nothing to guard"))
    host.state.create()
    guard.after_boot(host.state)
