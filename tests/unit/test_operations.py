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

import pytest
from pyinfra.api import FunctionCommand, StringCommand
from pyinfra.context import ctx_host, ctx_state

from agent.state import LIBRARY
from agent.words import requests
from agent.words.outcomes import Cause, Outcome
from agent.words.result import Result
from agent.words.shapes import to_json
from operations import housekeeping, transaction, version, window
from operations.steps import step
from switchback.runs.barrier import Barrier
from switchback.runs.run import Cleaning, Run
from switchback.wire import results
from switchback.wire.payload import agent_fingerprint
from tests.unit.examples import ALL_STEPS, CODE_URL, CONFIG_URL, HIDDEN, run, settings, without_gevent
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

# Each step of a run, and the operation that does it.
STEPS: dict[str, Any] = {
    "code": version.code,
    "config": version.config,
    "venv": version.venv,
    "build_script": version.build_script,
    "static": version.static,
    "checks": version.checks,
    "seal": version.seal,
    "trial": version.trial,
    "backup_before": window.backup_before,
    "maintenance_start": window.start_maintenance,
    "backup": window.backup,
    "migrate": window.migrate,
    "swap": window.swap,
    "install_script": window.install_script,
    "restart": window.restart,
    "health": window.health,
    "maintenance_stop": window.stop_maintenance,
    "site": window.site,
    "watch": window.watch,
    "commit": transaction.commit_first,
}


class Done:
    """What an operation had a host do."""

    def __init__(
        self, operation: Any, *args: Any, failed: tuple[str, ...] = (), executing: bool = False, **kwargs: Any
    ) -> None:
        state = FakeState()
        state.is_executing = executing
        state.failed_hosts = [SimpleNamespace(name=name) for name in failed]
        # Nobody has said anything, unless a test lets them.
        state.ops = collections.defaultdict(dict)
        state.inventory = SimpleNamespace(get_host=str)
        host = create_host(state)
        with ctx_state.use(state), ctx_host.use(host):
            body = getattr(operation, "_inner", operation)
            yielded = list(body(*args, **kwargs))
        self.commands = [one for one in yielded if isinstance(one, StringCommand)]
        # Whether it stands for what an earlier call has done.
        self.made_before = [type(one) for one in yielded] == [FunctionCommand]
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
    def steps(self) -> tuple[str, ...]:
        """The steps that the agent is asked for."""
        assert self.line == f"{LIBRARY}/{agent_fingerprint()}/switchback-agent"
        assert self.asked.deploy == "20261123-120000-deploy-ab12"
        return self.asked.steps if isinstance(self.asked, requests.RunSteps) else (self.asked.verb,)

    @property
    def stdin(self) -> list[Any]:
        return list(self.only.connector_arguments["_stdin"])

    @property
    def asked(self) -> Any:
        """What the agent is asked, as it reads it."""
        site, asked = requests.read_request(self.stdin[-1])
        assert site == "django"
        return asked


def test_every_step_of_a_run_has_an_operation_that_asks_the_agent_for_it() -> None:
    assert tuple(STEPS) == ALL_STEPS == (*BUILD, *SWITCH, "commit")
    for name, operation in STEPS.items():
        several = run(hosts=("web1", "web2"))
        if name in BUILD[1:]:
            assert Done(operation, several).made_before
        else:
            assert Done(operation, several).steps == (BUILD if name == "code" else (name,))


def calls_of(one: Run) -> list[tuple[str, ...]]:
    operations = (transaction.begin, *(STEPS[name] for name in one.steps))
    return [done.steps for done in (Done(operation, one) for operation in operations) if not done.made_before]


def test_a_host_alone_begins_with_the_build_does_the_window_in_another_call_and_is_asked_for_the_commit() -> None:
    assert calls_of(run()) == [("begin", *BUILD), SWITCH, ("commit",)]


def test_where_nothing_is_built_a_begin_has_ended_before_the_site_is_touched() -> None:
    steps = (*SWITCH, "commit")
    assert calls_of(run(steps=steps)) == [("begin",), SWITCH, ("commit",)]


def test_several_hosts_begin_before_any_of_them_builds() -> None:
    several = run(hosts=("web1", "web2"), steps=(*BUILD, "commit"))
    assert calls_of(several) == [("begin",), BUILD, ("commit",)]


def test_the_repositories_are_named_on_standard_input_alone() -> None:
    urls = {"code": CODE_URL, "config": CONFIG_URL}
    several = run(hosts=("web1", "web2"))
    assert (Done(version.code, several).asked.urls, Done(window.backup_before, several).asked.urls) == (urls, {})
    alone = Done(transaction.begin, run()).asked
    assert alone.urls == urls
    assert HIDDEN not in to_json(alone.begin)


def test_a_step_is_waited_for_longer_than_the_host_takes_to_do_it_and_to_fall_back() -> None:
    one = settings(migrate_timeout=1000)
    (command,) = Done(window.migrate, run(settings=one, hosts=("web1", "web2"))).commands
    assert command.connector_arguments["_timeout"] > 2 * 1000 + one.restart_timeout + one.health_timeout


def every_operation() -> Iterator[tuple[str, Done]]:
    several = run(hosts=("web1", "web2"))
    for name, operation in STEPS.items():
        # On a host alone most of them are done by the call of another one.
        if name not in BUILD[1:]:
            yield name, Done(operation, several)
        yield f"{name}, another host failed", Done(operation, several, failed=("web2",))
    yield "agent", Done(transaction.agent, run())
    yield "begin", Done(transaction.begin, run())
    yield "the window", Done(window.backup_before, run())
    yield "clean", Done(housekeeping.clean, Cleaning(settings(), "20261123-120000-clean-ab12", 5))
    yield "recover", Done(housekeeping.recover, settings(), None, False)


@pytest.mark.parametrize(("name", "done"), list(every_operation()))
def test_no_password_of_a_repository_is_on_a_command_line_or_in_what_pyinfra_prints(name: str, done: Done) -> None:
    assert HIDDEN not in done.only.get_raw_value()
    assert HIDDEN not in str(done.only)
    assert HIDDEN not in repr(done.only)
    # What a host is told beyond the build it writes down.
    assert (HIDDEN in json.dumps(done.only.connector_arguments["_stdin"])) is (name in ("begin", "code"))


def test_a_begin_says_who_deploys_what_over_what_and_to_which_hosts() -> None:
    asked = Done(transaction.begin, run(hosts=("web1", "web2"), primary="web2")).asked
    assert asked.deploy == "20261123-120000-deploy-ab12"
    told = asked.begin
    assert "@" in told.by
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


@pytest.mark.parametrize("operation", [*STEPS.values(), transaction.begin, transaction.agent, transaction.commit])
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
    assert Done(transaction.commit_first, alone).asked.clean.keep == alone.settings.keep_versions
    assert Done(housekeeping.clean_after, alone, executing=True).made_before
    assert Done(transaction.commit_first, several).asked == requests.Commit(alone.deploy)
    assert isinstance(Done(housekeeping.clean_after, several, executing=True).asked, requests.Clean)


# --- Several hosts


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


def test_no_host_commits_when_any_other_has_failed() -> None:
    assert falls_back(Done(transaction.commit_first, on("web1"), failed=("web3",)))
    assert Done(transaction.commit_first, on("web2"), failed=("web3",)).noop == "follows the primary host"
    # By then the primary host has fallen back.
    assert falls_back(Done(transaction.commit, on("web2"), failed=("web1", "web3")))


def test_the_others_commit_after_the_primary_host() -> None:
    assert commits(Done(transaction.commit_first, on("web1")))
    assert Done(transaction.commit_first, on("web2")).noop == "follows the primary host"
    assert Done(transaction.commit, on("web1")).noop == "has decided already"
    assert commits(Done(transaction.commit, on("web2")))


def test_the_others_fall_back_when_the_primary_host_was_lost_before_its_decision() -> None:
    assert falls_back(Done(transaction.commit_first, on("web2"), failed=("web1",)))


@pytest.mark.parametrize("committed", [True, False])
def test_the_others_follow_what_a_primary_host_says_that_was_lost_in_the_moment_of_its_decision(
    committed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "has_committed", lambda run: committed)
    done = Done(transaction.commit, on("web2"), failed=("web1",))
    assert commits(done) is committed
    assert bool(falls_back(done)) is not committed


def test_a_host_outside_the_run_that_has_failed_is_nothing_to_it() -> None:
    assert commits(Done(transaction.commit_first, on("web1"), failed=("elsewhere",)))


def test_a_host_that_has_itself_failed_is_not_counted_among_the_others() -> None:
    assert Barrier.of(on("web1"), ["web1", "web2", "elsewhere"]).gone == ("web2",)


HOSTS = ("web1", "web2", "web3")


@pytest.mark.parametrize("name", ALL_STEPS)
def test_no_step_is_done_on_any_host_once_another_has_failed(name: str) -> None:
    every_few = [few for many in range(len(HOSTS)) for few in itertools.combinations(HOSTS, many)]
    for host, primary, failed in itertools.product(HOSTS, HOSTS, every_few):
        if host in failed:
            continue
        done = Done(step, on(host, primary), name, failed=failed)
        if not failed:
            assert done.made_before if name in BUILD[1:] else name in done.steps
        elif primary in (host, *failed) or name == "commit":
            assert falls_back(done)
        else:
            assert done.noop == "waits for the primary host to take the database back first"
            assert done.commands == []
