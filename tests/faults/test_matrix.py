"""The fault matrix: every step, every fault, and after each the same questions to the host. See `cases.py`.

Without SWITCHBACK_MATRIX=whole only the most telling cases are here; `rest` is what has not passed yet.
"""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from tests.bed.database import share_database
from tests.bed.legacy import wait_for_site
from tests.conftest import Hosts
from tests.faults.cases import CASES, QUICK, Case
from tests.faults.fleet import FleetSession
from tests.faults.matrix import Session, read_result, write_result
from tests.faults.sabotage import sabotage, version_of
from tests.invariants import look
from tests.prepared import TAG
from tests.runs import Runs

POSSIBLE = tuple(case for case in CASES if not case.why_not)
CHOSEN = {
    "whole": POSSIBLE,
    "rest": tuple(case for case in POSSIBLE if read_result(case) in ("FAILED", "not run")),
}.get(os.environ.get("SWITCHBACK_MATRIX", ""), QUICK)


def chosen(run: str) -> pytest.MarkDecorator:
    """The cases of one of the tables, as a test's parameters."""
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CHOSEN if case.run == run])


@pytest.fixture
def session(case: Case, hosts: Hosts, run: Runs, settings: dict[str, Any]) -> Session:
    """A case on a host of its own, whose programs are stood in for."""
    (host,) = hosts(built=True)
    if case.scenario.at != TAG:
        run("deploy", host, data={"version": version_of(look(host), case.scenario.at)}).worked()
    sabotage(host)
    return Session(case, host, run, settings)


@pytest.fixture
def fleet(case: Case, hosts: Hosts, run: Runs, settings: dict[str, Any]) -> FleetSession:
    """A case on three hosts of its own, all with the first one's database."""
    started = hosts(3, built=True)
    for host in started:
        sabotage(host)
    share_database(*started)
    for other in started[1:]:
        other.run(["systemctl", "restart", "django"])
        wait_for_site(other)
    return FleetSession(case, started, run, settings)


def play(session: Session | FleetSession) -> None:
    """Play a case, and keep what became of it for the table."""
    began = time.monotonic()
    try:
        outcome = session.play()
    except Exception as problem:
        write_result(session.case, "FAILED", time.monotonic() - began, str(problem))
        raise
    write_result(session.case, outcome, time.monotonic() - began)


class TestDeploy:
    @chosen("deploy")
    def test_a_fault_in_a_deploy_ends_as_the_table_says(self, case: Case, session: Session) -> None:
        play(session)


class TestRevert:
    @chosen("revert")
    def test_a_fault_in_a_revert_ends_as_the_table_says(self, case: Case, session: Session) -> None:
        play(session)


class TestRolling:
    @chosen("rolling")
    def test_a_fault_while_processes_are_replaced_ends_as_the_table_says(self, case: Case, session: Session) -> None:
        play(session)


class TestFallback:
    @chosen("fallback")
    def test_a_fault_on_the_way_back_ends_as_the_table_says(self, case: Case, session: Session) -> None:
        play(session)


class TestRunner:
    @chosen("runner")
    def test_what_befalls_a_runner_or_a_worker_ends_a_deploy_as_the_table_says(
        self, case: Case, session: Session
    ) -> None:
        play(session)


class TestDisks:
    @chosen("disks")
    def test_a_file_system_that_takes_nothing_more_ends_a_deploy_as_the_table_says(
        self, case: Case, session: Session
    ) -> None:
        play(session)


class TestFleet:
    @chosen("fleet")
    def test_a_fault_on_one_host_of_three_ends_alike_on_all_as_the_table_says(
        self, case: Case, fleet: FleetSession
    ) -> None:
        play(fleet)
