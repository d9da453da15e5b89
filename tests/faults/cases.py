"""The fault matrix as data: every step of each run, every fault, and how it has to end. A case that can't exist says
why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from agent.steps import order
from agent.steps.kind import Phase
from switchback.settings.model import Settings
from tests import runs
from tests.faults.sabotage import OWN_SCRIPTS, InAgent, InCommand, Moment

FAILS, HANGS = "fails", "hangs"
KILLED, CTRL_C, LINK = "controller killed", "Ctrl-C", "link lost"
AGENT, REBOOT, POWER, FULL = "runner killed", "reboot", "power cut", "disk full"
INODES, READ_ONLY = "no inodes left", "read-only"
# The app's files and Switchback's own are on a disk each, and one of them is full.
HOME_FULL, OWN_FULL = "the app's disk full", "its own disk full"
HOME_INODES, OWN_INODES = "no inodes on the app's disk", "no inodes on its own disk"
LOST, LOST_FOR_LONG = "one host's link lost", "one host lost for long"
FAULTS = (FAILS, HANGS, KILLED, CTRL_C, LINK, AGENT, REBOOT, POWER, FULL)
# For a host that comes up again a power cut is what a reboot is, so one table shows both.
OF_REVERT = tuple(fault for fault in FAULTS if fault != POWER)
OF_FALLBACK = (FAILS, AGENT, REBOOT)
# The journal's room is set aside there, and a step's output that can't be kept is said and let be.
OF_OWN_DISK = (OWN_FULL, OWN_INODES)
OF_DISKS = (INODES, READ_ONLY, HOME_FULL, HOME_INODES, *OF_OWN_DISK)
OF_FLEET = (FAILS, LOST, LOST_FOR_LONG)
# What befalls the runner and its workers; that it is killed is a column of the tables above.
STOPPED, EATEN, UNIT_STOPPED = "runner stopped", "runner out of memory", "systemctl stop"
WORKER, WORKER_STOPPED, WORKER_EATS = "worker killed", "worker stopped", "worker out of memory"
REEXEC, CLOCK = "daemon-reexec", "clock an hour ahead"
OF_RUNNER = (STOPPED, EATEN, UNIT_STOPPED, WORKER, WORKER_STOPPED, WORKER_EATS, REEXEC, CLOCK)
COLUMNS = {
    "deploy": FAULTS,
    "revert": OF_REVERT,
    "rolling": FAULTS,
    "fallback": OF_FALLBACK,
    "disks": OF_DISKS,
    "fleet": OF_FLEET,
    "runner": OF_RUNNER,
}

# No step of theirs runs a script of the project.
SETTINGS = Settings.model_validate({**runs.SETTINGS, "website_url": "http://127.0.0.1/"}).for_host()
REFUSED, FELL_BACK, COMMITTED, PERSON = "refused", "fell back", "committed", "needs a person"


@dataclass(frozen=True)
class Scenario:
    """A run, and the host that it is started on.

    + code: the tag or branch of the version that it goes to; built: whether that is there already
    + at: what is live before; database: what a revert does with the database
    """

    kind: str
    at: str
    code: str
    built: bool = True
    database: str = ""


BUILD = Scenario("deploy", "good-1", "good-3", built=False)
# Its migration is pending, so the backup is taken inside the window.
WINDOW = Scenario("deploy", "good-1", "good-2")
NO_MIGRATION = Scenario("deploy", "good-1", "feature/with/slashes")
REVERT = Scenario("revert", "good-2", "good-1", database="reverse")


@dataclass(frozen=True)
class Step:
    """A row of the matrix: a step, and where in it a fault hits.

    + moment: where it is held for a fault; fails, hangs: where it does that, if it is elsewhere
    + limit: the setting that bounds it
    + then: moments after it at which the same fault hits whoever has taken over
    """

    name: str
    moment: Moment
    fails: Moment | None = None
    hangs: Moment | None = None
    limit: str = ""
    then: tuple[Moment, ...] = ()


def in_step(name: str, **more: Any) -> InAgent:
    """The moment at which the agent carries a step out."""
    return InAgent("step started", name, "agent step*", **more)


# It sets room aside for putting the links back.
SETS_ASIDE = InAgent("begin", process="agent begin", audit=("os.mkdir",), path="reserve")
BEGIN = Step("begin", InAgent("begin", process="agent begin"), fails=SETS_ASIDE, hangs=SETS_ASIDE)
VENV = Step("venv", InCommand("uv pip install *"), limit="build_timeout")
OF_BUILD = (
    Step("code", InCommand("git -C */code -c *"), limit="build_timeout"),
    Step("config", InCommand("git -C */config -c *"), limit="build_timeout"),
    VENV,
    Step("build_script", InCommand("build.sh*"), limit="build_timeout"),
    Step("static", InCommand("python *manage_shim.py * static *"), limit="build_timeout"),
)
CHECKS = Step("checks", InCommand("python *manage_shim.py * checks*"), limit="build_timeout")
SEAL = Step("seal", InCommand("sync --file-system *"), limit="build_timeout")
BACKUP_BEFORE = Step("backup_before", InCommand("backup_database.sh*"), limit="script_timeout")
MAINTENANCE_START = Step("maintenance_start", InCommand("start_maintenance.sh*"), limit="script_timeout")
# There is no worker here: it asks systemd who runs the app, and finds that nothing is to be paused.
PAUSE = Step("pause", in_step("pause"))
BACKUP = Step("backup", InCommand("backup_database.sh*"), limit="script_timeout")
MIGRATE = Step("migrate", InCommand("python *manage_shim.py * migrate*"), limit="migrate_timeout")
UNAPPLY = Step("migrate", InCommand("python *manage_shim.py * unapply *"), limit="migrate_timeout")
SWAP = Step("swap", in_step("swap"), fails=in_step("swap", audit=("os.rename",)))
INSTALL_SCRIPT = Step("install_script", InCommand("install.sh*"), limit="script_timeout")
RESTART = Step("restart", InCommand("systemctl restart django"), limit="restart_timeout")
HEALTH = Step("health", in_step("health"))
MAINTENANCE_STOP = Step("maintenance_stop", InCommand("stop_maintenance.sh*"), limit="script_timeout")
# Nothing runs at times here, so that it is over before anything could befall it.
SCHEDULE = Step("schedule", in_step("schedule"))
SITE = Step("site", in_step("site"))
WATCH = Step("watch", in_step("watch"))
# The runner is about to write the next line: that of the commit, or with several hosts that all of them are well.
DECIDING = Step(
    "commit (deciding)",
    InAgent("step done", "watch", "agent runner", audit=("open",), path="journal.jsonl", writing=True),
)
DECIDED = Step(
    "commit (decided)",
    InAgent("note", "downtime", process="agent commit"),
    fails=InAgent("note", "downtime", process="agent commit", audit=("os.rename",)),
)
# With several hosts: all have acknowledged that all are well, and this one is about to commit.
DECIDED_BY_ALL = Step(
    "commit (all are well)",
    InAgent("all well", process="agent runner", audit=("open",), path="journal.jsonl", writing=True),
)
ENDING = Step("commit (freeing)", InAgent("ended", process="agent commit"))

WINDOW_ROWS = (
    MAINTENANCE_START,
    PAUSE,
    BACKUP,
    MIGRATE,
    SWAP,
    INSTALL_SCRIPT,
    RESTART,
    HEALTH,
    MAINTENANCE_STOP,
    SCHEDULE,
    SITE,
    WATCH,
)
COMMIT_ROWS = (DECIDING, DECIDED, ENDING)

NOT_PAUSED = "there is no worker to be paused; one that is, and what goes wrong then, is in test_pausing"
NOT_TIMED = "nothing runs at times; what does, and a runner that is killed then, is in test_pausing"
NOTHING_FAILS = "its line in the journal has its room set aside, and a failed write to the history is let be"
# A version that can't be started is what makes these fall back; all of the live site was touched by then.
ACTIONS = (
    "stop commands",
    "evidence",
    "links",
    "database",
    "restart",
    "health",
    "maintenance",
    "site",
    "watch",
    "mark",
    "ended",
)
IN_ACTION = {
    **{name: InAgent("undo started", name) for name in ACTIONS},
    "ended": InAgent("ended", process="agent end"),
}
# Each time another runner goes on where the one before it was killed.
AGAIN_AND_AGAIN = Step(
    "one action after the other",
    IN_ACTION["stop commands"],
    then=(IN_ACTION["restart"], IN_ACTION["mark"], InAgent("ended", process="agent end")),
)
ACTION_FAILS: dict[str, Moment] = {
    "evidence": InCommand("journalctl *"),
    "links": InAgent("undo started", "links", audit=("os.rename",)),
    "database": InCommand("python *manage_shim.py * unapply *"),
    "restart": InCommand("systemctl restart django", passed=1),
    "health": InAgent("undo started", "health"),
    "maintenance": InCommand("stop_maintenance.sh*"),
    "site": InAgent("undo started", "site"),
    "watch": InAgent("undo started", "watch"),
    "mark": InAgent("undo started", "mark", audit=("open",), path="marks/.new-"),
}


@dataclass(frozen=True)
class Case:
    """One cell of the matrix.

    + run: which of the tables it is in; row, fault: where in it
    + outcome, at: how it has to end, and at which step, as the history says
    + because: what the history's reason has to say
    + or_else: other outcomes that are as good: on a full disk a step that writes nothing goes on
    + why_not: why there is no such case
    + on: with several hosts, which of them it hits
    """

    run: str
    row: Step
    fault: str
    scenario: Scenario = WINDOW
    outcome: str = FELL_BACK
    at: str = ""
    because: str = ""
    or_else: tuple[str, ...] = ()
    why_not: str = ""
    on: str = ""

    @property
    def id(self) -> str:
        """Its name in the list of tests."""
        return re.sub(r"[ ,']+", "_", f"{self.run}-{self.row.name}-{self.fault}")


def build_cases() -> Iterator[Case]:
    """A deploy before its window: whatever happens, the site is never touched."""
    # In a build the checks are done by the command that collects the static files.
    rows = (
        (BEGIN, BUILD),
        *((row, BUILD) for row in (*OF_BUILD, SEAL)),
        (CHECKS, WINDOW),
        (BACKUP_BEFORE, NO_MIGRATION),
    )
    for row, scenario in rows:
        for fault in FAULTS:
            yield _specific(Case("deploy", row, fault, scenario, REFUSED, row.name, _because(row.name, fault)))


def window_cases() -> Iterator[Case]:
    """A deploy from the window on."""
    for row in (*WINDOW_ROWS, *COMMIT_ROWS):
        for fault in FAULTS:
            yield _specific(Case("deploy", row, fault, WINDOW, FELL_BACK, row.name, _because(row.name, fault)))


def revert_cases() -> Iterator[Case]:
    """A revert, which has no build."""
    rows = tuple(UNAPPLY if row is MIGRATE else row for row in WINDOW_ROWS if row is not INSTALL_SCRIPT)
    for fault in OF_REVERT:
        yield _specific(Case("revert", BEGIN, fault, REVERT, REFUSED, BEGIN.name, _because(BEGIN.name, fault)))
    for row in (*rows, *COMMIT_ROWS):
        for fault in OF_REVERT:
            yield _specific(Case("revert", row, fault, REVERT, FELL_BACK, row.name, _because(row.name, fault)))


def fallback_cases() -> Iterator[Case]:
    """The way back itself, taken because the new version is not healthy."""
    for name in ACTIONS:
        row = Step(name, IN_ACTION[name], fails=ACTION_FAILS.get(name))
        for fault in OF_FALLBACK:
            case = Case("fallback", row, fault, WINDOW, FELL_BACK, "health", "not healthy")
            if fault == FAILS and name == "stop commands":
                case = replace(case, why_not="it only sends signals")
            elif fault == FAILS and name == "ended":
                case = replace(
                    case, why_not="the journal's room is set aside, and a failed write to the history is let be"
                )
            elif fault == FAILS and name != "evidence":
                case = replace(case, outcome=PERSON)
            yield case
    yield Case("fallback", AGAIN_AND_AGAIN, AGENT, WINDOW, FELL_BACK, "health", "not healthy")


def disks_cases() -> Iterator[Case]:
    """A deploy on file systems of which one takes no new file, no byte, or nothing at all, from some moment on."""
    build = (BEGIN, VENV)
    for row in (*build, BACKUP, SWAP, HEALTH):
        for fault in OF_DISKS:
            scenario, outcome = (BUILD, REFUSED) if row in build else (WINDOW, FELL_BACK)
            later = row is HEALTH and fault != READ_ONLY
            goes_on = fault in OF_OWN_DISK or later or (row, fault) == (SWAP, HOME_FULL)
            at = "" if goes_on or row is HEALTH else row.name
            or_else = (COMMITTED,) if goes_on else ()
            yield Case("disks", row, fault, scenario, outcome, at, or_else=or_else)


# The trial start is the first web process that a run starts; the next is a visitor's.
WEB = "python -m gunicorn *"
STARTED = in_step("trial", audit=("socket.connect",))
TRIAL = Step("trial", STARTED, fails=InCommand(WEB), hangs=InCommand(WEB))


def replaced(name: str, last: str, hangs: Moment | None = None) -> Step:
    """The moment at which a process is stopped, to be started from the new version.

    + last: the end of the list of those that were touched by then
    """
    moment = InAgent("note", "restart", process="agent step*", says=f'{last}"]')
    return Step(name, moment, fails=replace(moment, audit=("socket.connect",)), hangs=hangs)


ONE_PROCESS = replaced("restart, one process", '["web:web_00', hangs=InCommand(WEB, passed=1))
OTHER_PROCESS = replaced("restart, the other one", ', "web:web_01')
# Both were replaced when it turns out that the new version is not well.
PROCESSES_BACK = Step(
    "restart, on the way back",
    InAgent("undo started", "restart"),
    fails=InAgent("undo started", "restart", audit=("socket.connect",)),
)


def rolling_cases() -> Iterator[Case]:
    """A deploy that replaces one process after the other."""
    for fault in FAULTS:
        # On a full disk it goes on, since it writes nothing: the backup does.
        at = "backup_before" if fault == FULL else "trial"
        yield _at_a_loss(Case("rolling", TRIAL, fault, NO_MIGRATION, REFUSED, at, _because(at, fault)))
    for row in (ONE_PROCESS, OTHER_PROCESS):
        for fault in FAULTS:
            case = Case("rolling", row, fault, WINDOW, FELL_BACK, "restart", _because("restart", fault))
            if fault == FULL:
                case = replace(case, at="", because="", or_else=(COMMITTED,))
            if fault == HANGS and row is OTHER_PROCESS:
                case = replace(case, why_not="it is started by the same command as the one before it")
            yield _at_a_loss(case)
    for fault in OF_FALLBACK:
        yield Case("rolling", PROCESSES_BACK, fault, WINDOW, FELL_BACK, "health", "health failed")


PRIMARY, OTHER = "the primary host", "another host"
# What the primary host does for all happens there; the rest is as bad on any host.
ON_PRIMARY = ("backup_before", "backup", "migrate")


def fleet_cases() -> Iterator[Case]:
    """A deploy to three hosts of which one fails or is lost: all of them end alike."""
    build = (BEGIN, *(row for row in OF_BUILD if row.name not in OWN_SCRIPTS), SEAL)
    window = (row for row in WINDOW_ROWS if row.name not in OWN_SCRIPTS)
    untouched = (*((row, BUILD) for row in build), (CHECKS, WINDOW), (BACKUP_BEFORE, NO_MIGRATION))
    for row, scenario in (*untouched, *((row, WINDOW) for row in window)):
        outcome = REFUSED if (row, scenario) in untouched else FELL_BACK
        for fault in (FAILS, LOST):
            on = PRIMARY if row.name in ON_PRIMARY else OTHER
            why_not = NOT_PAUSED if (row, fault) == (PAUSE, FAILS) else ""
            yield Case("fleet", row, fault, scenario, outcome, on=on, why_not=why_not)
    # The hardest ones: a host is lost that has the new schema, and one in the very moment of the commit.
    yield Case("fleet", replace(HEALTH, name="health, on the primary"), LOST_FOR_LONG, WINDOW, on=PRIMARY)
    yield Case("fleet", replace(HEALTH, name="health, on another"), LOST_FOR_LONG, WINDOW, on=OTHER)
    for on in (PRIMARY, OTHER):
        deciding, decided = (replace(row, name=f"{row.name}, on {on}") for row in (DECIDING, DECIDED_BY_ALL))
        # One that has not acknowledged that all are well takes the others back; one that has, commits by itself.
        for fault, outcome in ((FAILS, FELL_BACK), (LOST, COMMITTED), (LOST_FOR_LONG, FELL_BACK)):
            yield Case("fleet", deciding, fault, WINDOW, outcome, on=on)
        for fault in (LOST, LOST_FOR_LONG):
            yield Case("fleet", decided, fault, WINDOW, COMMITTED, on=on)


def runner_cases() -> Iterator[Case]:
    """A deploy whose runner, or whose worker, meets with something; what only looks like that changes nothing."""
    build = (BEGIN, *OF_BUILD, SEAL)
    for row in (*build, CHECKS, *WINDOW_ROWS):
        scenario, outcome = (BUILD, REFUSED) if row in build else (WINDOW, REFUSED if row is CHECKS else FELL_BACK)
        for fault in OF_RUNNER:
            case = Case("runner", row, fault, scenario, outcome, row.name, f"{row.name} failed")
            if fault in (REEXEC, CLOCK):
                case = replace(case, outcome=COMMITTED, at="", because="")
            elif fault == EATEN:
                # The kernel ends it when it asks for the next page, which may be some steps later.
                case = replace(case, at="", because="", or_else=(REFUSED, FELL_BACK, COMMITTED))
            elif fault in (STOPPED, UNIT_STOPPED):
                case = replace(case, because=f"the runner was killed during {row.name}")
            elif row is BEGIN:
                case = replace(case, because="it could not begin")
            if fault == WORKER_EATS and row is not BEGIN:
                # It may be the kernel's choice which of its processes ends; the step fails.
                case = replace(case, because="")
            yield case


def _at_a_loss(case: Case) -> Case:
    """A case whose host does not hear of its controller any more: it goes as far as it may, and falls back then."""
    if case.row in COMMIT_ROWS or case.fault not in (KILLED, LINK):
        return case
    steps = order.steps_of(case.scenario.kind, SETTINGS, build=not case.scenario.built)
    switches = case.row.name in order.names(Phase.SWITCH) or case.row in (ONE_PROCESS, OTHER_PROCESS)
    phase = Phase.SWITCH if switches else Phase.BUILD
    last = [name for name in steps if name in order.names(phase)][-1]
    outcome = FELL_BACK if switches else REFUSED
    return replace(case, outcome=outcome, at=last, because=f"no word from the controller since {last}")


def _because(step: str, fault: str) -> str:
    return {
        FAILS: f"{step} failed",
        HANGS: f"{step} failed",
        CTRL_C: "interrupted",
        AGENT: f"the runner was killed during {step}",
        REBOOT: f"the host was rebooted during {step}",
        POWER: f"the host was rebooted during {step}",
        FULL: f"{step} failed",
    }.get(fault, "")


NO_CASE = "-"
NO_COMMAND = "has no command that could hang"
# What differs from the rule that a fault in a step makes the deploy fall back at that step; by row, then by fault.
SPECIFIC: dict[str, dict[str, dict[str, Any]]] = {
    "begin": {
        FAILS: {"because": ""},
        HANGS: {"because": ""},
        FULL: {"because": ""},
        # It goes on to the first step until the way back is asked for.
        CTRL_C: {"at": "", "because": ""},
    },
    "pause": {FAILS: {"why_not": NOT_PAUSED}, HANGS: {"why_not": NOT_PAUSED}},
    "swap": {HANGS: {"why_not": NO_COMMAND}},
    "commit (deciding)": {
        FAILS: {"at": "watch", "because": "commit failed"},
        HANGS: {"why_not": NO_COMMAND},
        # The controller has asked for it, and the host decides.
        **{fault: {"outcome": COMMITTED, "at": "watch", "because": ""} for fault in (KILLED, CTRL_C, LINK, FULL)},
        AGENT: {"at": "watch", "because": "the runner was killed after watch"},
        REBOOT: {"at": "watch", "because": "the host was rebooted after watch"},
        POWER: {"at": "watch", "because": "the host was rebooted after watch"},
    },
    "commit (decided)": {
        HANGS: {"why_not": NO_COMMAND},
        **{fault: {"outcome": COMMITTED, "at": "watch", "because": ""} for fault in FAULTS if fault != HANGS},
    },
    "commit (freeing)": {
        FAILS: {"why_not": NOTHING_FAILS},
        HANGS: {"why_not": NO_COMMAND},
        **{
            fault: {"outcome": COMMITTED, "at": "watch", "because": ""}
            for fault in FAULTS
            if fault not in (FAILS, HANGS)
        },
    },
}


# From here on a full disk is noticed by the first step that has to write: this one or a later one.
NOTICED_LATER = ("build_script", "checks", *(row.name for row in WINDOW_ROWS if row is not BACKUP))


def _specific(case: Case) -> Case:
    if case.fault == FULL and case.row.name in NOTICED_LATER:
        # What has begun by then decides between a refusal and a fallback.
        or_else = (FELL_BACK, COMMITTED) if case.row.name in ("build_script", "checks") else (COMMITTED,)
        case = replace(case, at="", because="", or_else=or_else)
    return _at_a_loss(replace(case, **SPECIFIC.get(case.row.name, {}).get(case.fault, {})))


ALL_CASES = (
    *build_cases(),
    *window_cases(),
    *revert_cases(),
    *rolling_cases(),
    *fallback_cases(),
    *disks_cases(),
    *fleet_cases(),
    *runner_cases(),
)
CASES = tuple(replace(case, why_not=NOT_TIMED) if case.row is SCHEDULE else case for case in ALL_CASES)
# The most telling faults, for the quick part, a few of each phase. What fails, hangs, is interrupted or loses its
# controller or link elsewhere is in test_failing_scripts and test_lost_runs; two steps that are hit alike would catch
# the same bug.
TELLING = {
    "maintenance_start": REBOOT,
    "backup": FULL,
    "migrate": AGENT,
    "swap": POWER,
    "commit (deciding)": POWER,
    "commit (decided)": AGENT,
    "restart, the other one": REBOOT,
}
# Of the way back: its steps have names that steps of the deploy have, too.
# That a script which ends maintenance fails there, and a site that visitors don't reach, is in test_failing_scripts; a
# database that does not go back, and a reboot once that is to be taken back, in test_database and test_lost_runs.
TELLING_BACK = {
    AGAIN_AND_AGAIN.name: AGENT,
    "links": REBOOT,
}
# One of each kind; what stands still is waited for too long.
TELLING_RUNNER = {"static": WORKER_EATS, "swap": UNIT_STOPPED, "migrate": REEXEC}
# Of several hosts: one can't be built. One that fails later is in test_several_hosts.
TELLING_FLEET = {"config": FAILS}


def _telling(case: Case) -> bool:
    if case.run == "fallback":
        return TELLING_BACK.get(case.row.name) == case.fault
    if case.run == "fleet":
        return TELLING_FLEET.get(case.row.name) == case.fault
    if case.run == "disks":
        return case.row is SWAP and case.fault == INODES
    if case.run == "runner":
        return TELLING_RUNNER.get(case.row.name) == case.fault
    return TELLING.get(case.row.name) == case.fault and (case.run != "revert" or case.row is UNAPPLY)


QUICK = tuple(case for case in CASES if not case.why_not and _telling(case))
