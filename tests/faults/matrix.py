"""Runs one case of the fault matrix, and asserts from outside what has to be true after it; prints the whole table."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.notify.noticed import visitors
from agent.words.history import Cost
from agent.words.shapes import read
from tests.bed.hosts import Host
from tests.bed.legacy import wait_for_site
from tests.bed.places import BED, ROOT
from tests.faults import cases
from tests.faults.cases import (
    AGENT,
    BUILD,
    CASES,
    CLOCK,
    COLUMNS,
    COMMITTED,
    CTRL_C,
    EATEN,
    FAILS,
    FELL_BACK,
    FULL,
    HANGS,
    HOME_FULL,
    HOME_INODES,
    INODES,
    KILLED,
    LINK,
    OWN_FULL,
    OWN_INODES,
    PERSON,
    READ_ONLY,
    REBOOT,
    REEXEC,
    REFUSED,
    STOPPED,
    UNIT_STOPPED,
    WORKER,
    WORKER_EATS,
    WORKER_STOPPED,
    Case,
    in_step,
)
from tests.faults.sabotage import (
    HOME_DISK,
    LIMIT,
    ONE_DISK,
    OWN_DISK,
    OWN_SCRIPTS,
    Disk,
    InAgent,
    Rule,
    lay,
    lift_all,
    make_read_only,
    make_writable,
    version_of,
    wait_until_ended,
)
from tests.faults.watch import STATE, journal, wait_until
from tests.invariants import CURRENT, PREVIOUS, PREVIOUS_WORKING, WORKING, Seen, assert_well, is_shut, look
from tests.runs import Result, Running, Runs
from tests.sentences import Truth, contradictions, said_by_agent

RESULTS = BED / "fault-matrix"
TABLE = BED / "fault-matrix.md"
# How long a host waits for a controller that is gone; also for one that is only slow, on a busy machine.
CONFIRM = 8
# With all that the host says, which has to be true, too.
LOUD = ("-v",)
# The limit of a step that hangs; it has to be enough for those before it that have the same.
SHORT = 20
# How long an app may take to be well, which for the slow ones is also how long it takes to be given up.
WELL = 15
# A website that does not answer is given three times as long on the way back.
SOON = 3
ORDERLY_LIMIT = 5
# These go on whoever asks them to stop.
NOT_STOPPED = ("begin", "commit (deciding)", "commit (decided)", "commit (freeing)")
# Once the hosts commit, the controller doesn't even ask.
ASKED = "for try in $(seq 40); do [ $(pgrep -fc '[r]unner/client.py') -ge 2 ] && break; sleep 0.05; done; true"
# A module of the app that stops it only where it is live: a trial start would find it out before.
STOPS_WHERE_LIVE = (
    "import os, sys; warm_up = lambda: None if os.path.realpath(__file__) != "
    "os.path.realpath('/home/app/django-current/code/warmup.py') else sys.exit(3)"
)
# How little of the host's memory a worker may be given, percent.
LEAST_MEMORY = 10
# Leaves the runner alone, as the workers have their own, in a cgroup that can take no more memory.
TIGHTEN = """
pid=$(systemctl show --property MainPID --value switchback@django)
place=/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/$pid/cgroup)/tight
mkdir $place
echo 4096 >$place/memory.limit_in_bytes
echo $pid >$place/cgroup.procs
"""
# What befalls a runner, as a shell's command.
MEETS = {
    STOPPED: "systemctl kill --kill-whom=main --signal=STOP switchback@django",
    UNIT_STOPPED: "systemctl stop switchback@django",
    REEXEC: "systemctl daemon-reexec",
    EATEN: TIGHTEN,
}
# It is the runner's unit alone that sees another time.
AN_HOUR_AHEAD = """
mkdir -p /etc/systemd/system/switchback@django.service.d
printf '[Service]\\nEnvironment=LD_PRELOAD=%s FAKETIME=+1h\\n' /usr/lib/*/faketime/libfaketime.so.1 \\
    >/etc/systemd/system/switchback@django.service.d/clock.conf
systemctl daemon-reload
"""
NOTED = InAgent("note", "restart", "agent step*")
# The small disks that a case needs.
DISKS = {
    FULL: (ONE_DISK,),
    INODES: (ONE_DISK,),
    HOME_FULL: (OWN_DISK, HOME_DISK),
    HOME_INODES: (OWN_DISK, HOME_DISK),
    OWN_FULL: (HOME_DISK, OWN_DISK),
    OWN_INODES: (HOME_DISK, OWN_DISK),
}
WITHOUT_INODES = (INODES, HOME_INODES, OWN_INODES)
# What the service's main process has started.
END_APP = "pkill --signal KILL --parent $(systemctl show --property MainPID --value django)"
CANNOT_START = f'echo "{STOPS_WHERE_LIVE}" >/home/app/{{version}}/code/warmup.py'


@dataclass
class Session:
    """One case on its way: its host, as it was before, and its run."""

    case: Case
    host: Host
    run: Runs
    settings: dict[str, Any]

    def __post_init__(self) -> None:
        self.before = look(self.host)
        self.result: Result | None = None
        self.rebooted = False
        self.rules: list[Rule] = []

    def play(self) -> str:
        """Run the case. Returns how it ended, once all that has to be true is."""
        self.settings |= {"health_timeout": WELL, "site_timeout": 10, "confirm_timeout": 30}
        if self.case.fault in (KILLED, LINK, AGENT):
            self.settings["confirm_timeout"] = CONFIRM
        if self.case.row.name in OWN_SCRIPTS:
            self.settings[self.case.row.name] = OWN_SCRIPTS[self.case.row.name]
        if self.disks:
            for disk in self.disks:
                disk.lay(self.host)
            self.before = look(self.host)
        if self.case.run == "rolling":
            self.settings |= {"restart": "rolling", "maintenance": "auto"}
        if self.case.run == "fallback" or self.case.row is cases.PROCESSES_BACK:
            self._in_fallback()
        elif self.case.fault == FAILS:
            self._fail()
        elif self.case.fault == HANGS:
            self._hang()
        elif self.case.run == "runner":
            self._meet()
        else:
            self._lose()
        self._free()
        return self.assert_as_it_has_to_be()

    def start(self) -> Running:
        """Start the case's run."""
        return self.run.start(self.case.scenario.kind, self.host, data=self._data, args=LOUD)

    def _run(self) -> None:
        """Start the case's run, and wait for its end."""
        self.result = self.run(self.case.scenario.kind, self.host, data=self._data, args=LOUD, timeout=LIMIT * 2)

    @property
    def _data(self) -> dict[str, str]:
        scenario = self.case.scenario
        goes_to = {"version": self.version} if scenario.built else {"code": scenario.code}
        return {**goes_to, **({"database": scenario.database} if scenario.database else {})}

    @property
    def disks(self) -> tuple[Disk, ...]:
        """The small disks of its host; the fault is that of the last."""
        return DISKS.get(self.case.fault, ())

    @property
    def version(self) -> str:
        """The name of the version that the run goes to, if it is built."""
        return version_of(self.before, self.case.scenario.code)

    def _wait(self, running: Running) -> None:
        self.result = running.wait(LIMIT * 2)

    def _free(self) -> None:
        """Wait until the deploy has ended, and end all that was done to the host."""
        if self.case.outcome == PERSON:
            wait_until(self.host, f"grep -qs 'needs a person' {STATE}/history.jsonl", LIMIT)
        else:
            wait_until_ended(self.host)
        for rule in self.rules:
            rule.wait_until_hit()
        lift_all(self.host)

    # The ways to fail.

    def _fail(self) -> None:
        row = self.case.row
        if row.name == "health":
            self.host.run(CANNOT_START.format(version=self.version))
            self._run()
        elif row.name == "site":
            self.host.run(["systemctl", "stop", "nginx"])
            self._run()
            self.host.run(["systemctl", "start", "nginx"])
        elif row.name == "watch":
            rule = lay(self.host, row.moment, "hold")
            running = self.start()
            rule.wait_until_hit()
            self.host.run(END_APP)
            rule.go()
            self._wait(running)
        else:
            lay(self.host, row.fails or row.moment, "fail")
            self._run()

    def _hang(self) -> None:
        row = self.case.row
        if row.limit:
            self.settings[row.limit] = SHORT
        rule = lay(self.host, row.hangs or row.moment, "hold")
        running = self.start()
        rule.wait_until_hit()
        stopped = {"health": "django", "site": "nginx", "watch": "django"}.get(row.name)
        if stopped:
            # Its processes take requests and never answer.
            self.host.run(["systemctl", "kill", "--signal=STOP", stopped])
            rule.go()
        if stopped == "nginx":
            # What visitors get is proven on the way back, too.
            wait_until(
                self.host, f"cat {STATE}/transactions/$(cat {STATE}/lock)/journal.jsonl | grep -q 'step failed'", LIMIT
            )
            self.host.run(["systemctl", "kill", "--signal=CONT", stopped])
        self._wait(running)

    def _lose(self) -> None:
        row, fault = self.case.row, self.case.fault
        in_agent = isinstance(row.moment, InAgent)
        rule = lay(self.host, row.moment, "kill" if in_agent and fault == AGENT else "hold")
        running = self.start()
        rule.wait_until_hit()
        if fault == KILLED:
            running.kill()
            running.wait()
            rule.go()
        elif fault == CTRL_C:
            running.interrupt()
            self._let_go_unless_stopped(rule, running)
        elif fault == LINK:
            assert self.host.kill_sessions()
            rule.go()
            self._wait(running)
        elif fault == AGENT:
            if not in_agent:
                self.host.run("systemctl kill --kill-whom=main --signal=KILL switchback@django")
            self._wait(running)
        elif fault == READ_ONLY:
            make_read_only(self.host)
            rule.go()
            self._wait(running)
            make_writable(self.host)
        elif self.disks:
            disk = self.disks[-1]
            (disk.use_inodes if fault in WITHOUT_INODES else disk.fill)(self.host)
            rule.go()
            self._wait(running)
            wait_until_ended(self.host)
            disk.make_room(self.host)
        else:
            self._reboot(fault)
            self._wait(running)

    def _meet(self) -> None:
        """Something befalls the runner, or the worker that does the step."""
        row, fault = self.case.row, self.case.fault
        if fault == CLOCK:
            self.host.run(["sh", "-ec", AN_HOUR_AHEAD])
            self._run()
            return
        if fault == WORKER_EATS:
            self.settings["worker_memory"] = LEAST_MEMORY
        # By the time that a restart does something, it has noted how.
        moment = {cases.BEGIN: row.moment, cases.RESTART: NOTED}.get(row, in_step(row.name))
        by_rule = {WORKER: "kill-worker", WORKER_STOPPED: "stop-worker", WORKER_EATS: "eat"}
        rule = lay(self.host, moment, by_rule.get(fault, "hold"))
        running = self.start()
        rule.wait_until_hit()
        if fault in MEETS:
            # Somebody may have started a unit again that is being stopped.
            self.host.run(MEETS[fault], check=False)
        if fault in (REEXEC, EATEN):
            rule.go()
        self._wait(running)

    def _let_go_unless_stopped(self, rule: Rule, running: Running) -> None:
        """After Ctrl-C: a step is stopped where it is; what can't be stopped goes on once its controller has asked."""
        if self.case.row.name in NOT_STOPPED:
            self.host.run(ASKED)
            rule.go()
        self._wait(running)

    def _reboot(self, how: str) -> None:
        self.rebooted = True
        if how == REBOOT:
            self.host.container.restart(timeout=ORDERLY_LIMIT)
        else:
            self.host.container.kill()
            self.host.container.start()
        self.host.wait()

    def _in_fallback(self) -> None:
        """A new version that is not well; then a fault on the way back."""
        row, fault = self.case.row, self.case.fault
        if row is cases.PROCESSES_BACK:
            # Its trial start has to go well, so that there are processes to take back.
            lay(self.host, cases.HEALTH.moment, "kill-worker", name="not-well")
        else:
            self.host.run(CANNOT_START.format(version=self.version))
        if fault == FAILS and row.name in ("health", "site", "watch"):
            self.settings["site_timeout"] = SOON
            rule = lay(self.host, row.moment, "hold")
            running = self.start()
            rule.wait_until_hit()
            stops = ["stop", "nginx"] if row.name == "site" else ["kill", "--signal=STOP", "django"]
            self.host.run(["systemctl", *stops])
            rule.go()
            self._wait(running)
        elif fault == FAILS:
            lay(self.host, row.fails or row.moment, "fail")
            self._run()
        elif fault == AGENT:
            moments = enumerate((row.moment, *row.then))
            self.rules = [lay(self.host, moment, "kill", name=f"rule-{number}") for number, moment in moments]
            self._run()
        else:
            rule = lay(self.host, row.moment, "hold")
            running = self.start()
            rule.wait_until_hit()
            self._reboot(fault)
            self._wait(running)

    # What has to be true.

    def assert_as_it_has_to_be(self) -> str:
        """Assert it all; returns the outcome as the host tells it."""
        case = self.case
        outcome = self.outcome()
        self._assert_exit_code(outcome)
        self._assert_true()
        assert outcome in (case.outcome, *case.or_else), f"{outcome}\n{self.story()}"
        if outcome == PERSON:
            self._assert_a_person_can_free_it()
        if self.rebooted:
            wait_for_site(self.host)
        if outcome == COMMITTED:
            seen = self._assert_new_version_is_live()
        else:
            seen = assert_well(self.host, case.scenario.at, links=self.before.links, database=self.before.database)
            self._assert_kept(seen)
        if outcome == REFUSED and not self.rebooted:
            assert seen.processes == self.before.processes
        self._assert_history(seen, outcome)
        return outcome

    def outcome(self) -> str:
        """How the host says that it ended."""
        return str(look(self.host).last["outcome"])

    def story(self) -> str:
        """All that there is to read about the case."""
        lines = [json.dumps(record) for record in journal(self.host)]
        lines.append(json.dumps(look(self.host).last))
        return "\n".join([*lines, self.result.output if self.result else "(the controller was killed)"])

    def _assert_true(self) -> None:
        """Assert that nothing that was said contradicts anything else, or the host as it is now."""
        seen = look(self.host)
        # A controller that is gone has heard nothing, and one that was freed by a person has heard it before that.
        heard = said_by_agent(self.result.output) if self.result else []
        last = str(seen.last["sentence"])
        said = heard if heard and heard[-1] == last else [last]
        told_of_visitors = visitors(read(Cost, seen.last["cost"], "cost"))
        said = [*said[:-1], *([f"visitors {told_of_visitors}"] if told_of_visitors else []), said[-1]]
        truth = Truth(
            live=seen.current,
            was=self.before.current,
            maintenance=is_shut(self.host, seen),
            schema_back=seen.database.migrations == self.before.database.migrations,
            # What stands in for the host's own scripts is none that provision has written.
            restore_script=self.settings.get("restore_script"),
            code=self.result.code if self.result and heard and heard[-1] == last else None,
        )
        assert contradictions(said, truth) == [], self.story()

    def _assert_exit_code(self, outcome: str) -> None:
        if self.result is None:
            assert self.case.fault == KILLED
        elif outcome != COMMITTED:
            assert self.result.code != 0, self.result.output
        elif self.disks:
            assert self.result.code == 0, self.result.output

    def _assert_new_version_is_live(self) -> Seen:
        case, before = self.case, self.before
        seen = assert_well(self.host, case.scenario.code, rows=before.database.rows)
        new, old = str(seen.last["version"]), str(before.current)
        assert new != old
        assert (seen.linked(CURRENT), seen.linked(WORKING)) == (new, new)
        assert (seen.linked(PREVIOUS), seen.linked(PREVIOUS_WORKING)) == (old, old)
        assert seen.marks[new].get("working")
        assert not seen.marks[new].get("failed")
        way = set(seen.database.migrations) ^ set(before.database.migrations)
        assert way == {"items.0002_item_colour"} | ({"items.0003_colours"} if case.scenario is BUILD else set())
        return seen

    def _assert_kept(self, seen: Seen) -> None:
        """Assert that there is evidence, and that a version that never worked is marked."""
        folder = f"{STATE}/transactions/{seen.last['deploy']}"
        kept = self.host.read(["ls", folder]).split()
        assert "journal.jsonl" in kept
        version = str(seen.last["version"])
        mark = seen.marks.get(version, {})
        if seen.last["step"] == "begin":
            # The version is not to blame for what came before its first step.
            assert not mark.get("failed")
            return
        # Where nothing could be written, the journal is all the evidence that there is.
        assert "evidence" in kept or self.case.fault == READ_ONLY
        if self.case.scenario.kind == "deploy":
            assert mark["failed"]["step"] == seen.last["step"]
            assert not mark.get("working")
            assert mark["evidence"] == folder

    def _assert_history(self, seen: Seen, outcome: str) -> None:
        case = self.case
        added = seen.history[len(self.before.history) :]
        ours = [line for line in added if line["kind"] == case.scenario.kind]
        # One that needed a person has two lines: that it did, and how it ended at last.
        expected = [PERSON, FELL_BACK] if case.outcome == PERSON else [outcome]
        assert [line["outcome"] for line in ours] == expected, added
        assert [line["kind"] for line in added if line not in ours] in ([], ["clean"]), added
        first = ours[0]
        if case.at:
            assert first["step"] == case.at, self.story()
        if case.because:
            assert case.because in str(first["reason"]), self.story()

    def _assert_a_person_can_free_it(self) -> None:
        """Assert that a host that needs a person says so, keeps others out, and is freed by recover.py."""
        assert self.result is not None
        assert "needs a person" in self.result.told
        assert "deploys/recover.py" in self.result.told
        stuck = look(self.host)
        assert stuck.lock == stuck.last["deploy"]
        # Only a schema or a new version that could not be taken back, or a script that fails, leaves visitors outside.
        assert stuck.maintenance == (self.case.row.name in ("links", "database", "maintenance"))
        refused = self.run("deploy", self.host, data={"code": "good-3"}, timeout=LIMIT)
        assert refused.code == 1
        assert "needs a person" in refused.told
        assert look(self.host).history == stuck.history
        if self.case.row.name in ("health", "watch"):
            # Nothing but that is missing, so that it needs nobody once the site is well.
            self.host.run(["systemctl", "kill", "--signal=CONT", "django"])
        else:
            self.host.run(["systemctl", "start", "nginx"])
            self.run("recover", self.host, timeout=LIMIT).worked()
        wait_until_ended(self.host)
        self._assert_true()


def write_result(case: Case, outcome: str, seconds: float, problem: str = "") -> None:
    """Keep what became of a case, for the table."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    result = {"outcome": outcome, "seconds": round(seconds, 1), "problem": problem}
    (RESULTS / f"{case.id}.json").write_text(json.dumps(result))


def read_result(case: Case) -> str:
    """What became of a case."""
    if case.why_not:
        return cases.NO_CASE
    try:
        return str(json.loads((RESULTS / f"{case.id}.json").read_text())["outcome"])
    except FileNotFoundError:
        return "not run"


HEADINGS = {
    "deploy": "A deploy",
    "revert": "A revert that takes the database back",
    "rolling": "A deploy that replaces one process after the other",
    "fallback": "The way back of a deploy whose new version is not healthy",
    "fleet": "A deploy to three hosts, of which one fails or is lost",
    "disks": "A deploy on a file system that takes no new file, or nothing at all, from then on",
    "runner": "A deploy whose runner meets with something",
}


def table(chosen: Sequence[Case] = CASES) -> str:
    """The matrix as a person reads it: a table for each run, rows are steps, columns are faults."""
    text = []
    for run, heading in HEADINGS.items():
        faults = COLUMNS[run]
        ours = [case for case in chosen if case.run == run]
        rows = list(dict.fromkeys(case.row.name for case in ours))
        text += [f"### {heading}", "", f"| | {' | '.join(faults)} |", f"|---|{'---|' * len(faults)}"]
        for row in rows:
            cells = {case.fault: read_result(case) for case in ours if case.row.name == row}
            text.append(f"| {row} | {' | '.join(cells.get(fault, '') for fault in faults)} |")
        text.append("")
        reasons: dict[str, list[str]] = {}
        for case in ours:
            if case.why_not:
                reasons.setdefault(case.why_not, []).append(f"{case.row.name} / {case.fault}")
        text += [f"{cases.NO_CASE} {', '.join(where)}: {why}." + "\n" for why, where in reasons.items()]
    return "\n".join(text)


def forget_results() -> None:
    """Forget earlier runs of the matrix."""
    for path in RESULTS.glob("*.json"):
        path.unlink()


def main() -> None:
    """Print the table of the last run, and write it to a file; or forget that run."""
    if sys.argv[1:] == ["forget"]:
        forget_results()
        return
    text = table()
    TABLE.write_text(text)
    sys.stdout.write(f"{text}\nWritten to {TABLE.relative_to(ROOT)}\n")
    done = [read_result(case) for case in CASES]
    lacking = done.count("not run") + done.count("FAILED")
    impossible = done.count(cases.NO_CASE)
    sys.stdout.write(f"{len(done) - impossible} cases, {impossible} that can't exist, {lacking} not passed\n")
    sys.exit(1 if lacking else 0)


if __name__ == "__main__":
    main()
