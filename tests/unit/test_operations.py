"""Operations as commands: what each one has a host do, and what never gets onto a command line.

Those whose arguments are plain values are data, in operations/.
"""

from __future__ import annotations

import collections
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from pyinfra.api import FunctionCommand, StringCommand
from pyinfra.context import ctx_host, ctx_state

from agent.words import requests
from agent.words.outcomes import Cause, Outcome
from agent.words.result import Result, StepTold
from agent.words.shapes import to_json
from operations import hooks, housekeeping, transaction, version, window
from operations.steps import step
from switchback.runs.barrier import Barrier, Move
from switchback.runs.run import Cleaning, Run
from switchback.screen.interrupts import Interrupts
from switchback.wire import results
from switchback.wire.payload import agent_fingerprint
from tests.unit.examples import ALL_STEPS, CLIENT, CODE_URL, CONFIG_URL, HIDDEN, run, settings, without_gevent
from tests.unit.steps import BUILD, SWITCH

with without_gevent():
    from pyinfra_testing.operations import make_operation_tests  # type: ignore[import-untyped]
    from pyinfra_testing.util import FakeState, create_host  # type: ignore[import-untyped]

OPERATIONS = Path(__file__).parent / "operations"

TestPackages = make_operation_tests("operations", "provision.packages", OPERATIONS / "provision.packages")
TestAppUser = make_operation_tests("operations", "provision.app_user", OPERATIONS / "provision.app_user")
TestFolders = make_operation_tests("operations", "provision.folders", OPERATIONS / "provision.folders")
TestLinks = make_operation_tests("operations", "provision.links", OPERATIONS / "provision.links")
TestPin = make_operation_tests("operations", "housekeeping.pin", OPERATIONS / "housekeeping.pin")
TestAdopt = make_operation_tests("operations", "housekeeping.adopt", OPERATIONS / "housekeeping.adopt")


def hook(point: str) -> Callable[[Run], Any]:
    """The operation of a point."""
    return lambda run: hooks.on_host._inner(run, point)


# Each step of a run, and the operation that does it.
STEPS: dict[str, Any] = {
    "code": version.code,
    "config": version.config,
    "shared": version.shared,
    "before_build": hook("before_build"),
    "venv": version.venv,
    "build_script": version.build_script,
    "static": version.static,
    "after_static": hook("after_static"),
    "checks": version.checks,
    "after_build": hook("after_build"),
    "seal": version.seal,
    "trial": version.trial,
    "backup_before": window.backup_before,
    "maintenance_start": window.start_maintenance,
    "pause": window.pause,
    "backup": window.backup,
    "after_backup": hook("after_backup"),
    "before_migrate": hook("before_migrate"),
    "migrate": window.migrate,
    "after_migrate": hook("after_migrate"),
    "release": hook("release"),
    "swap": window.swap,
    "install_script": window.install_script,
    "after_switch": hook("after_switch"),
    "restart": window.restart,
    "health": window.health,
    "maintenance_stop": window.stop_maintenance,
    "schedule": window.schedule,
    "site": window.site,
    "watch": window.watch,
    "commit": transaction.commit,
}


class Done:
    """What an operation had a host do."""

    def __init__(
        self,
        operation: Any,
        *args: Any,
        failed: tuple[str, ...] = (),
        executing: bool = False,
        verbose: bool = False,
        **kwargs: Any,
    ) -> None:
        state = FakeState()
        state.is_executing, state.print_noop_info = executing, verbose
        state.failed_hosts = [SimpleNamespace(name=name) for name in failed]
        # Nobody has said anything, unless a test lets them.
        state.ops = collections.defaultdict(dict)
        state.inventory = SimpleNamespace(get_host=str)
        host = create_host(state, getattr(args[0], "host", "web1"))
        with ctx_state.use(state), ctx_host.use(host):
            body = getattr(operation, "_inner", operation)
            yielded = list(body(*args, **kwargs))
        self.functions = [one for one in yielded if isinstance(one, FunctionCommand)]
        self.commands = [one for one in yielded if isinstance(one, StringCommand)]
        # Whether it only shows what the host has said already.
        self.is_shown = [type(one) for one in yielded] == [FunctionCommand]
        self.noop: str | None = host.noop_description

    @property
    def only(self) -> StringCommand:
        (command,) = self.commands
        return command

    @property
    def line(self) -> str:
        """The command line as the host's shell gets it."""
        return str(self.only.get_raw_value())

    @property
    def goes(self) -> tuple[str, str]:
        """Which step the runner is asked for, and how far it may go then."""
        assert self.line == CLIENT
        assert isinstance(self.asked, requests.Go)
        assert self.asked.deploy == "20261123-120000-deploy-ab12"
        return self.asked.until, self.asked.upto

    @property
    def stdin(self) -> list[Any]:
        return list(self.only.connector_arguments["_stdin"])

    @property
    def asked(self) -> Any:
        """What the host is asked, as it reads it."""
        site, asked = requests.read_request(self.stdin[-1])
        assert site == "django"
        return asked


def test_every_step_of_a_run_has_an_operation_that_follows_it_on_the_host() -> None:
    assert tuple(STEPS) == ALL_STEPS == (*BUILD, *SWITCH, "commit")
    several = run(hosts=("web1", "web2"))
    for name, operation in STEPS.items():
        if name == "commit":
            assert Done(operation, several).asked == requests.Commit(several.deploy, tells=True)
        else:
            assert Done(operation, several).goes[0] == name


def words_for(one: Run) -> list[str]:
    """How far a host may go after each of the words that it is told, where that changes."""
    told = [Done(transaction.begin, one).asked.upto]
    for name in one.steps[:-1]:
        told.append(Done(STEPS[name], one).goes[1])
    return [name for name, _ in itertools.groupby(told)]


def test_a_host_alone_builds_at_the_word_begin_and_needs_one_for_the_window_and_one_for_the_commit() -> None:
    assert words_for(run()) == [BUILD[-1], SWITCH[-1]]


def test_where_nothing_is_built_a_begin_allows_nothing_of_the_window() -> None:
    assert words_for(run(steps=(*SWITCH, "commit"))) == ["", SWITCH[-1]]


def test_several_hosts_begin_before_any_of_them_builds_and_go_through_the_window_step_by_step() -> None:
    # To pause what else writes, and for what runs at times, a host waits for no other one; the next step waits for all.
    window = [name for name in SWITCH if name not in ("maintenance_start", "maintenance_stop")]
    assert words_for(run(hosts=("web1", "web2"))) == ["", BUILD[-1], *window]
    assert run(hosts=("web1", "web2")).upto("maintenance_start") == "pause"
    assert run(hosts=("web1", "web2")).upto("pause") == "pause"


@pytest.mark.parametrize("hosts", [("web1",), ("web1", "web2")])
def test_no_word_for_a_step_allows_what_comes_after_its_phase_or_the_commit(hosts: tuple[str, ...]) -> None:
    one = run(hosts=hosts)
    for name in one.steps[:-1]:
        upto = one.upto(name)
        assert one.steps.index(upto) >= one.steps.index(name)
        assert (upto in BUILD) == (name in BUILD)
        assert upto != "commit"


# --- What the host has told already


HOST = "web1"
TOLD = Result(True, steps=(StepTold("code", 1.5, ("code: done in 1.5 s",)), StepTold("config", 0.5)))


def test_a_step_that_is_known_to_have_ended_is_shown_and_nobody_is_asked(heard: dict[str, list[Result]]) -> None:
    heard[HOST] = [TOLD]
    one = run(host=HOST)
    for name, is_shown in (("code", True), ("config", True), ("venv", False)):
        assert Done(STEPS[name], one, executing=True).is_shown is is_shown
        assert not Done(STEPS[name], one).is_shown


def test_what_it_has_told_of_a_step_is_shown_as_the_host_has_said_it(
    heard: dict[str, list[Result]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The same way as what pyinfra prints of a host as it comes.
    monkeypatch.setattr("operations.steps.echo", click.echo)
    heard[HOST] = [TOLD]
    done = Done(STEPS["code"], run(host=HOST), executing=True)
    (shows,) = done.functions
    shows.function()
    assert capsys.readouterr().err.endswith("code: done in 1.5 s\n")


@pytest.mark.parametrize("verbose", [True, False])
def test_what_commands_print_is_asked_for_by_whom_it_is_for(verbose: bool) -> None:
    assert Done(STEPS["venv"], run(), verbose=verbose).asked.verbose is verbose


def test_of_a_host_that_has_to_fall_back_nothing_is_shown_as_done(heard: dict[str, list[Result]]) -> None:
    heard[HOST] = [TOLD]
    one = run(host=HOST, hosts=(HOST, "web2"), primary=HOST)
    assert falls_back(Done(STEPS["code"], one, failed=("web2",), executing=True))


def test_the_repositories_are_named_on_standard_input_alone() -> None:
    urls = {"code": CODE_URL, "config": CONFIG_URL}
    begin = Done(transaction.begin, run()).asked
    assert begin.urls == urls
    assert HIDDEN not in to_json(begin.intent)
    assert Done(transaction.begin, run(steps=(*SWITCH, "commit"))).asked.urls == {}


def test_a_step_is_waited_for_longer_than_the_host_takes_to_do_it_and_to_fall_back() -> None:
    one = settings(migrate_timeout=1000)
    (command,) = Done(window.migrate, run(settings=one, hosts=("web1", "web2"))).commands
    assert command.connector_arguments["_timeout"] > 2 * 1000 + one.restart_timeout + one.health_timeout


def every_operation() -> Iterator[tuple[str, Done]]:
    several = run(hosts=("web1", "web2"))
    for name, operation in STEPS.items():
        yield name, Done(operation, several)
        yield f"{name}, another host failed", Done(operation, several, failed=("web2",))
    yield "agent", Done(transaction.agent, run())
    yield "begin", Done(transaction.begin, run())
    yield "all well", Done(transaction.all_well, several)
    yield "clean", Done(housekeeping.clean, Cleaning(settings(), "20261123-120000-clean-ab12", 5))
    yield "recover", Done(housekeeping.recover, settings(), None, False)


@pytest.mark.parametrize(("name", "done"), list(every_operation()))
def test_no_password_of_a_repository_is_on_a_command_line_or_in_what_pyinfra_prints(name: str, done: Done) -> None:
    assert HIDDEN not in done.only.get_raw_value()
    assert HIDDEN not in str(done.only)
    assert HIDDEN not in repr(done.only)
    # A host is told it once.
    assert (HIDDEN in json.dumps(done.only.connector_arguments["_stdin"])) is (name == "begin")


def test_a_begin_says_who_deploys_what_over_what_and_to_which_hosts() -> None:
    asked = Done(transaction.begin, run(hosts=("web1", "web2"), primary="web2")).asked
    assert asked.deploy == "20261123-120000-deploy-ab12"
    told = asked.intent
    assert "@" in told.by == told.login
    named = run(by="Ann, PR 123")
    assert (named.request().by, named.request().login) == ("Ann, PR 123", told.login)
    assert (named.cleaning().request().by, named.cleaning().request().login) == ("Ann, PR 123", told.login)
    assert told.hosts == ("web1", "web2")
    assert told.primary is False
    assert (told.version, told.was, told.bare) == (run().version, run().was, False)
    assert not hasattr(told.settings, "code_repo_url")


def test_the_agent_is_installed_only_where_another_one_is() -> None:
    assert Done(transaction.agent, run(agent=agent_fingerprint())).noop == "the agent is installed"
    for one in (run(agent="another"), run(agent=None)):
        assert Done(transaction.agent, one).asked == requests.Install()


# --- A run with nothing to do


def idle() -> Run:
    return run(steps=(), idle="it is live and healthy already: nothing to do")


@pytest.mark.parametrize("operation", [*STEPS.values(), transaction.begin, transaction.agent, transaction.all_well])
def test_a_run_with_nothing_to_do_takes_no_host_and_does_nothing(operation: Callable[..., Any]) -> None:
    done = Done(operation, idle())
    assert done.commands == []
    assert done.noop


def test_a_step_that_is_not_part_of_a_run_says_so() -> None:
    assert Done(step, run(steps=("commit",)), "migrate").noop == "migrate: not part of this run"
    assert Done(step, idle(), "migrate").noop == "migrate: it is live and healthy already: nothing to do"


def test_nothing_is_cleaned_up_after_a_deploy_that_did_nothing() -> None:
    assert Done(housekeeping.clean_after, idle()).noop == "nothing was deployed"


def test_a_host_alone_cleans_up_in_the_call_of_its_commit_and_none_of_several_waits_for_another_to_do_so() -> None:
    alone, several = run(), run(hosts=("web1", "web2"))
    assert Done(transaction.commit, alone).asked.clean.keep == alone.settings.keep_versions
    assert Done(housekeeping.clean_after, alone, executing=True).is_shown
    assert Done(transaction.commit, several).asked == requests.Commit(alone.deploy, tells=True)
    assert isinstance(Done(housekeeping.clean_after, several, executing=True).asked, requests.Clean)


# --- Several hosts


HOSTS = ("web1", "web2", "web3")


def on(host: str, primary: str = "web1") -> Run:
    return run(host=host, hosts=("web1", "web2", "web3"), primary=primary)


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Result]]:
    """How the calls of the hosts have ended: the primary one has fallen back, of the others nothing is known."""
    ended = {"web1": [Result(True), Result(False, Outcome.FELL_BACK, "fell back", database_back=True)]}
    monkeypatch.setattr(results, "_heard", ended)
    return ended


def falls_back(done: Done) -> requests.FallBack | None:
    """What a host is told when it is to fall back; None when it isn't."""
    return done.asked if done.commands and isinstance(done.asked, requests.FallBack) else None


def commits(done: Done) -> bool:
    """Whether a host is asked to commit."""
    return bool(done.commands) and isinstance(done.asked, requests.Commit)


def all_or_none(failed: str, settled: bool) -> requests.FallBack:
    reason = f"{failed} failed, and a deploy commits on all hosts or on none"
    return requests.FallBack(run().deploy, reason, Cause.ANOTHER_HOST, settled)


def test_the_primary_host_falls_back_as_soon_as_another_one_has_failed() -> None:
    told = falls_back(Done(step, on("web1"), "restart", failed=("web3",)))
    assert told == all_or_none("web3", settled=False)


def test_the_others_fall_back_as_soon_as_the_primary_host_has_failed() -> None:
    told = falls_back(Done(step, on("web2"), "restart", failed=("web1",)))
    assert told == all_or_none("web1", settled=True)


@pytest.mark.parametrize("ended", [[], [Result(True)], [Result(False, Outcome.NEEDS_A_PERSON, "fell back at x")]])
def test_of_a_primary_host_that_has_not_told_so_nobody_knows_whether_the_database_is_back(
    ended: list[Result], heard: dict[str, list[Result]]
) -> None:
    heard["web1"] = ended
    told = falls_back(Done(step, on("web2"), "restart", failed=("web1",)))
    assert told == all_or_none("web1", settled=False)


def test_who_has_failed_is_told_and_not_who_has_only_followed(heard: dict[str, list[Result]]) -> None:
    heard["web1"] = [Result(False, Outcome.FELL_BACK, "fell back", followed=True)]
    told = falls_back(Done(step, on("web2"), "restart", failed=("web1", "web3")))
    assert told == all_or_none("web3", settled=False)


def test_the_others_wait_while_the_primary_host_has_yet_to_take_the_database_back() -> None:
    done = Done(step, on("web2"), "restart", failed=("web3",))
    assert done.commands == []
    assert done.noop == "waits for the primary host to take the database back first"


@pytest.fixture
def lost_in_the_commit(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """All hosts were told that all are well; whether those that were lost then have heard it, as they are asked."""
    heard = [True]
    monkeypatch.setattr(Interrupts, "committing", True)
    monkeypatch.setattr(transaction, "have_heard", lambda _: heard[0])
    yield heard


@pytest.mark.parametrize("name", HOSTS)
def test_a_host_of_several_hears_that_all_are_well_and_then_commits(name: str) -> None:
    assert Done(transaction.all_well, on(name)).asked == requests.AllWell(run().deploy)
    assert commits(Done(transaction.commit, on(name)))


def test_a_host_alone_commits_at_one_word() -> None:
    done = Done(transaction.all_well, run())
    assert (done.commands, done.noop) == ([], "a host alone commits at one word")
    assert commits(Done(transaction.commit, run()))


def test_no_host_is_told_that_all_are_well_when_any_other_has_failed() -> None:
    assert falls_back(Done(transaction.all_well, on("web1"), failed=("web3",)))
    assert Done(transaction.all_well, on("web2"), failed=("web3",)).noop == Move.WAITS.value
    assert falls_back(Done(transaction.all_well, on("web2"), failed=("web1", "web3")))


@pytest.mark.parametrize("failed", [("web1",), ("web3",), ("web1", "web3")])
def test_no_host_commits_when_another_was_gone_before_that_was_told(failed: tuple[str, ...]) -> None:
    assert falls_back(Done(transaction.commit, on("web2"), failed=failed))


@pytest.mark.parametrize("heard_it", [True, False])
@pytest.mark.parametrize("failed", [("web1",), ("web3",)])
def test_where_a_host_is_lost_as_it_is_told_the_others_commit_if_it_has_heard_it(
    heard_it: bool, failed: tuple[str, ...], lost_in_the_commit: list[bool]
) -> None:
    lost_in_the_commit[0] = heard_it
    done = Done(transaction.commit, on("web2"), failed=failed)
    assert commits(done) is heard_it
    assert bool(falls_back(done)) is not heard_it


def test_from_the_word_that_all_are_well_on_it_is_too_late_for_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Interrupts, "committing", False)
    Done(transaction.all_well, on("web1"))
    Done(step, on("web1"), "site", executing=True)
    assert not Interrupts.committing
    Done(transaction.all_well, on("web1"), failed=("web2",), executing=True)
    assert not Interrupts.committing
    Done(transaction.all_well, on("web1"), executing=True)
    assert Interrupts.committing


def test_on_a_host_alone_it_is_too_late_from_its_commit_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Interrupts, "committing", False)
    Done(transaction.all_well, run(), executing=True)
    assert not Interrupts.committing
    Done(transaction.commit, run(), executing=True)
    assert Interrupts.committing


def test_a_host_outside_the_run_that_has_failed_is_nothing_to_it() -> None:
    assert commits(Done(transaction.commit, on("web1"), failed=("elsewhere",)))


def test_a_host_that_has_itself_failed_is_not_counted_among_the_others() -> None:
    assert Barrier.of(on("web1"), ["web1", "web2", "elsewhere"]).gone == ("web2",)


@pytest.mark.parametrize("name", ALL_STEPS[:-1])
def test_no_step_is_done_on_any_host_once_another_has_failed(name: str) -> None:
    every_few = [few for many in range(len(HOSTS)) for few in itertools.combinations(HOSTS, many)]
    for host, primary, failed in itertools.product(HOSTS, HOSTS, every_few):
        if host in failed:
            continue
        done = Done(step, on(host, primary), name, failed=failed)
        if not failed:
            assert done.goes[0] == name
        elif primary in (host, *failed):
            assert falls_back(done)
        else:
            assert done.noop == "waits for the primary host to take the database back first"
            assert done.commands == []
