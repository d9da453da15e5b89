"""Runs one case of the fault matrix on three hosts with one database, and asserts that all of them end alike."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.bed.hosts import Host
from tests.faults.cases import COMMITTED, FAILS, LOST, LOST_FOR_LONG, PRIMARY, Case
from tests.faults.matrix import CANNOT_START, CONFIRM, END_APP, WELL
from tests.faults.sabotage import LIMIT, Rule, lay, lift_all, version_of, wait_until_ended
from tests.faults.watch import journal
from tests.invariants import Seen, assert_well, look
from tests.runs import Result, Running, Runs
from tests.sentences import Truth, contradictions


@dataclass
class FleetSession:
    """One case on its way.

    + hosts: the first one has the database, and migrates and backs up for all
    """

    case: Case
    hosts: Sequence[Host]
    run: Runs
    settings: dict[str, Any]

    def __post_init__(self) -> None:
        self.before = [look(host) for host in self.hosts]
        self.victim = self.hosts[0 if self.case.on == PRIMARY else 1]
        self.result: Result | None = None

    def play(self) -> str:
        """Run the case. Returns how it ended, once all that has to be true is."""
        self.settings |= {"health_timeout": WELL, "site_timeout": 10, "confirm_timeout": 30}
        if self.case.fault in (LOST, LOST_FOR_LONG):
            self.settings["confirm_timeout"] = CONFIRM
        {FAILS: self._fail, LOST: self._lose_link, LOST_FOR_LONG: self._lose_for_long}[self.case.fault]()
        for host in self.hosts:
            wait_until_ended(host)
            lift_all(host)
        return self.assert_as_it_has_to_be()

    def start(self) -> Running:
        """Start the case's deploy on all hosts."""
        return self.run.start(self.case.scenario.kind, *self.hosts, data=self._data)

    @property
    def _data(self) -> dict[str, str]:
        scenario = self.case.scenario
        return {"version": version_of(self.before[0], scenario.code)} if scenario.built else {"code": scenario.code}

    # The ways to fail.

    def _fail(self) -> None:
        row, name = self.case.row, self.case.row.name
        if name == "watch":
            rule, running = self._hold()
            self.victim.run(END_APP)
            rule.go()
            self.result = running.wait(LIMIT * 2)
            return
        if name == "health":
            self.victim.run(CANNOT_START.format(version=version_of(self.before[0], self.case.scenario.code)))
        elif name == "site":
            self.victim.run(["systemctl", "stop", "nginx"])
        else:
            lay(self.victim, row.fails or row.moment, "fail")
        self.result = self.run(self.case.scenario.kind, *self.hosts, data=self._data, timeout=LIMIT * 2)
        if name == "site":
            self.victim.run(["systemctl", "start", "nginx"])

    def _hold(self) -> tuple[Rule, Running]:
        rule = lay(self.victim, self.case.row.moment, "hold")
        running = self.start()
        rule.wait_until_hit()
        return rule, running

    def _lose_link(self) -> None:
        rule, running = self._hold()
        assert self.victim.kill_sessions()
        rule.go()
        self.result = running.wait(LIMIT * 2)

    def _lose_for_long(self) -> None:
        """The victim stands still until its deadline has passed and the run has ended without it."""
        rule, running = self._hold()
        self.victim.pause()
        deadline = time.monotonic() + CONFIRM + 1
        try:
            self.result = running.wait(LIMIT * 2)
            # Nothing tells that a time has come but the clock.
            time.sleep(max(0.0, deadline - time.monotonic()))
        finally:
            self.victim.unpause()
        rule.go()

    # What has to be true.

    def assert_as_it_has_to_be(self) -> str:
        """Assert it all; returns the outcome as the hosts tell it."""
        assert self.result is not None
        seen = [look(host) for host in self.hosts]
        outcomes = [str(one.last["outcome"]) for one in seen]
        assert set(outcomes) == {self.case.outcome}, self.story()
        for before, after in zip(self.before, seen, strict=True):
            # Those that follow know nothing of a database that another host may have kept.
            back = after.database.migrations == before.database.migrations if after is seen[0] else None
            truth = Truth(after.current, before.current, after.maintenance, schema_back=back)
            assert contradictions([str(after.last["sentence"])], truth) == [], self.story()
            assert [line["kind"] for line in after.history[len(before.history) :]] in (["deploy"], ["deploy", "clean"])
        self._assert_screen(set(outcomes))
        self._assert_done_once(seen)
        for host, before in zip(self.hosts, self.before, strict=True):
            if self.case.outcome == COMMITTED:
                assert_well(host, self.case.scenario.code)
            else:
                assert_well(host, self.case.scenario.at, links=before.links, database=before.database)
        rows = look(self.hosts[0]).database.rows
        assert rows == self.before[0].database.rows
        return self.case.outcome

    def story(self) -> str:
        """All that there is to read about the case."""
        lines = []
        for host in self.hosts:
            lines += [f"--- {host.name}", *(json.dumps(record) for record in journal(host))]
        return "\n".join([*lines, self.result.output if self.result else ""])

    def _assert_screen(self, outcomes: set[str]) -> None:
        """Assert that it does not look like a success, and that a host that was lost is named."""
        assert self.result is not None
        if outcomes == {COMMITTED}:
            # A host that answers again is no failure; one that does not is.
            assert self.result.code == (1 if self.case.fault == LOST_FOR_LONG else 0), self.result.output
            return
        assert self.result.code == 1, self.result.output
        if self.case.fault == LOST_FOR_LONG:
            assert f"[{self.victim.name}] no word from the host" in self.result.told

    def _assert_done_once(self, seen: Sequence[Seen]) -> None:
        """Assert that no host but the primary has migrated, backed up, or taken the database back."""
        for host in self.hosts[1:]:
            for record in journal(host):
                if record["event"] == "step done" and record["step"] in ("migrate", "backup", "backup_before"):
                    assert "skipped" in record["note"], record
                assert (record["event"], record.get("action")) != ("undo done", "database")
