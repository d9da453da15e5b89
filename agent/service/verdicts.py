"""What of the app did not come up, and whether it ever will: supervisord is asked for each of its programs, systemd for
the unit. A program that never came to be is no process, so looking at processes alone misses it."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field, replace

from agent.inside.lean import dataclass
from agent.service import systemd
from agent.service.obstacles import web_program
from agent.service.running import find_running
from agent.service.supervisor import BACKOFF, EXITED, FATAL, UP, Refusal, Supervisor, Told
from agent.service.supervisor_config import Program, Sections, Unreadable, group_of, programs
from agent.text.masking import masked_urls
from agent.transaction.step import StepFailed
from agent.versions.layout import Layout

# How often supervisord and systemd are asked while the app is waited for, seconds: asking takes from who serves.
LOOK = 0.25
# What supervisord says of a process that was started and has ended, or that the host had no room for: it may yet come
# up. Whatever else it says it could not even begin, and can't the next time.
MAY_YET_COME = ("Exited too quickly", "Too many", "too many")
EXITED_SOON = MAY_YET_COME[0]
# How often what supervisord has given up is started again on the way back, seconds.
STARTS_AGAIN = 1.0
# After so many ends a program is not waited for any longer; gunicorn's own words for an app that can't be loaded count
# more, since nothing but another version makes that go away.
OFTEN, TWICE, CAN_NOT_LOAD = 3, 2, (3, 4)
# What systemd itself could not do before the unit's program ran, by its exit code.
BEFORE_PROGRAM = {200: "CHDIR", 203: "EXEC", 209: "STDOUT", 216: "GROUP", 217: "USER", 226: "NAMESPACE"}
# How much of supervisord's own log is looked at for exit codes, bytes.
LOG_TAIL = 4000
TRUE = ("yes", "true", "on", "1")
FALSE = ("no", "false", "off", "0")


@dataclass(frozen=True)
class Ailing:
    """A program of supervisord's that is not what it should be.

    + says: what it is like
    + certain: whether it stays so, unless somebody changes something
    """

    name: str
    says: str
    certain: bool = False

    def __str__(self) -> str:
        return f"{self.name} {self.says}"


@dataclass(frozen=True)
class Look:
    """What supervisord says of its processes.

    + unasked: why it could not be asked; None where it was, or where the service is no supervisord's
    """

    told: Sequence[Told] = ()
    sections: Sections = field(default_factory=dict)
    unasked: str | None = None

    @property
    def ailing(self) -> list[Ailing]:
        """The programs that are not what they should be."""
        return ailing(self.told, self.sections)


def look(layout: Layout) -> Look:
    """Ask the supervisord that runs the service for all of its processes."""
    try:
        running = find_running(layout)
    except Unreadable:
        return Look()
    try:
        supervisor = running.supervisor
        return Look(_with_exit_codes(supervisor, supervisor.processes()), running.sections)
    except (Unreadable, StepFailed) as problem:
        return Look(unasked=str(problem))


def _with_exit_codes(supervisor: Supervisor, told: Sequence[Told]) -> list[Told]:
    """The same with the exit code of each that has ended at once: of those supervisord tells it in its log alone."""
    soon = [one for one in told if one.spawnerr.startswith(EXITED_SOON)]
    if not soon:
        return list(told)
    try:
        log = str(supervisor.ask("readLog", -LOG_TAIL, 0))
    except StepFailed:
        # It may keep none.
        return list(told)
    codes = {name: int(code) for name, code in re.findall(r"exited: (\S+) \(exit status (\d{1,3});", log)}
    return [replace(one, exitstatus=codes.get(one.name, 0)) if one in soon else one for one in told]


def ailing(told: Sequence[Told], sections: Sections) -> list[Ailing]:
    """The programs that never came up, or were given up; what may be down, and what has ended as expected, is none.

    + told: what supervisord says of each process
    + sections: its config
    """
    found = [_ailing(one, program_of(one, sections)) for one in told]
    known = {one.group for one in told}
    for program in programs(sections).values():
        wanted = program.count and program.options.get("autostart", "true").lower() not in FALSE
        if wanted and group_of(program.name, sections) not in known:
            found.append(Ailing(program.name, "is in supervisord's config, and supervisord does not know it"))
    return [one for one in found if one]


def _ailing(told: Told, program: Program) -> Ailing | None:
    state, wrong, code = told.state, masked_urls(told.spawnerr), told.exitstatus
    soon = wrong.startswith(EXITED_SOON)
    if state in (BACKOFF, FATAL):
        says = f"is {told.statename}: " + (f"it has ended{with_code(code)} at once" if soon else wrong)
        return Ailing(name_of(told), says, certain=state == FATAL or not wrong.startswith(MAY_YET_COME))
    if is_started_again(told, program):
        return Ailing(name_of(told), f"has ended with exit code {code}, and is started again")
    return None


def is_started_again(told: Told, program: Program) -> bool:
    """Whether a process has ended by itself, and in such a way that supervisord is about to start it anew."""
    if told.state != EXITED:
        return False
    again = program.options.get("autorestart", "unexpected").lower()
    if again in (*TRUE, *FALSE):
        return again in TRUE
    return str(told.exitstatus) not in [one.strip() for one in program.options.get("exitcodes", "0").split(",")]


def program_of(told: Told, sections: Sections) -> Program:
    """The program of the config that a process is one of; one without options where there is none."""
    for program in programs(sections).values():
        name = program.options.get("process_name", "%(program_name)s").replace("%(program_name)s", program.name)
        pattern = ".*".join(re.escape(part) for part in re.split(r"%\(\w+\)\d*[a-z]", name))
        if group_of(program.name, sections) == told.group and re.fullmatch(pattern, told.name):
            return program
    return Program(told.name, "program")


def with_code(code: int) -> str:
    """How something has ended, where that is known."""
    return f" with exit code {code}" if code else ""


def name_of(told: Told) -> str:
    """A process's name, as supervisorctl shows it."""
    return told.name if told.name == told.group else told.full_name


def as_now(problems: Sequence[Ailing], known: Collection[str]) -> list[str]:
    """The sentences about those that are not among the known ones.

    + known: names of those that were so before
    """
    return [str(one) for one in problems if one.name not in known]


class Watcher:
    """Watches an app that is waited for, and tells when there is nothing left to wait for."""

    def __init__(self, layout: Layout) -> None:
        self._layout, self._next = layout, 0.0
        self._ends: dict[str, set[int]] = {}
        self._first: dict[str, int] = {}

    def verdict(self) -> str | None:
        """What is sure not to come up; None while it may, and whenever it is too soon to ask again."""
        if time.monotonic() < self._next:
            return None
        self._next = time.monotonic() + LOOK
        found = look(self._layout)
        certain = [str(one) for one in found.ailing if one.certain]
        web = web_program(found.sections, self._layout.settings.health_url)
        group = group_of(web.name, found.sections) if web else None
        often = [text for one in found.told if (text := self._ended_often(one, serves=one.group == group))]
        return "; ".join(certain or often) or of_unit(systemd.unit_properties(self._layout.settings.systemd_service))

    def _ended_often(self, told: Told, *, serves: bool) -> str | None:
        """Whether a process has just ended once more than it may.

        + serves: whether visitors depend on it; another one may be meant to end soon, and to be started again
        """
        name, stopped, code = name_of(told), told.stop, told.exitstatus
        # One that runs when it is first seen has ended at somebody's word before, if it ever has.
        first = self._first.setdefault(name, stopped if told.state in UP else 0)
        ends = self._ends.setdefault(name, set())
        if stopped <= first or stopped in ends or not (serves or code):
            return None
        ends.add(stopped)
        if len(ends) < (TWICE if code in CAN_NOT_LOAD else OFTEN):
            return None
        return f"{name} ends again and again, {len(ends)} times so far{with_code(code)}"


class Reviver:
    """Starts again what supervisord has given up, where nothing else is left to go back to.

    + known: names of programs that nobody expects to be well
    """

    def __init__(self, layout: Layout, known: Collection[str]) -> None:
        self._layout, self._known, self._next = layout, known, 0.0

    def revive(self) -> None:
        """Start it again, unless that was done just now."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + STARTS_AGAIN
        try:
            supervisor = find_running(self._layout).supervisor
            for one in supervisor.processes():
                if one.state == FATAL and name_of(one) not in self._known:
                    with contextlib.suppress(Refusal):
                        supervisor.start(one.full_name)
        except (Unreadable, StepFailed):
            # There is none to be asked yet.
            return


def of_unit(unit: Mapping[str, str]) -> str | None:
    """Why systemd won't get the unit up by itself; None where it may.

    + unit: its properties
    """
    code, state = int(unit.get("ExecMainStatus") or 0), unit.get("SubState", "")
    before = BEFORE_PROGRAM.get(code)
    if before and state in ("auto-restart", "failed"):
        return f"systemd can't start the service: {code}/{before}"
    if state == "failed":
        return f"systemd has given the service up: {unit.get('Result') or 'failed'}, exit code {code}"
    if state == "dead":
        return f"the service has ended with exit code {code}, and systemd does not start it again"
    if code and int(unit.get("NRestarts") or 0) >= OFTEN:
        return f"the service ends again and again, {unit['NRestarts']} times so far, with exit code {code}"
    return None
