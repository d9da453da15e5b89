"""What of the app writes to its database besides the web, kept from it while the database is changed, backed up or
taken back: its supervisord is asked to stop it, and to start it again.

What is stopped is noted before it is: whoever goes on later knows what is to be started. What a person had stopped
before is not.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from agent.host.output import emit, warn
from agent.host.processes import command_of, runs, started_at
from agent.inside.lean import dataclass
from agent.restart.by_supervisord import MARGIN
from agent.service import systemd
from agent.service.health import Unhealthy
from agent.service.running import Running, find_running
from agent.service.serving import besides_listeners, serving
from agent.service.supervisor import BACKOFF, RUNNING, STOPPED, STOPPING, UP, Refusal, Supervisor, Told
from agent.service.supervisor_config import Unreadable
from agent.service.verdicts import is_started_again, name_of, program_of
from agent.text.lines import cut, one_line
from agent.text.masking import masked, masked_urls
from agent.transaction.consequences import pauses
from agent.transaction.step import StepContext, StepFailed
from agent.words.notes import Paused

# How long what a program has started may take to end after it, seconds.
MOMENT = 1.0
LOOK = 0.05
# How long a supervisord that has just been started may take until it answers, seconds.
ANSWERS_WITHIN = 30.0
# How much of a command line is told, characters.
SHOWN = 100
LOST = "what it writes from now on is lost where a backup is restored"


@dataclass(frozen=True)
class _Asked:
    """A supervisord that was asked, what it has said, and who of its programs serves the web."""

    running: Running
    supervisor: Supervisor
    told: Sequence[Told]
    web: frozenset[str]

    def writes(self, told: Told) -> bool:
        """Whether a process is none of the web's, and no listener of supervisord's own."""
        program = program_of(told, self.running.sections)
        return program.kind != "eventlistener" and program.name not in self.web

    def goes_on(self, told: Told) -> bool:
        """Whether it runs, or is about to."""
        again = is_started_again(told, program_of(told, self.running.sections))
        return told.state in (*UP, BACKOFF, STOPPING) or again

    def seconds(self, told: Told) -> int:
        """How long it may take to stop, until it is killed."""
        return program_of(told, self.running.sections).stop_seconds


def pause(step: StepContext) -> Paused:
    """Stop whatever runs besides the web. Raises StepFailed where it can be asked, and does not stop."""
    try:
        running = find_running(step.layout)
    except Unreadable as problem:
        return Paused(skipped=f"nothing is known to run besides the web: {problem}")
    others = [one.name for one in besides_listeners(running.sections)]
    if len(others) < 2:
        return Paused(skipped="nothing runs besides the web")
    try:
        asked = _ask(running, step)
    except (Unreadable, StepFailed) as problem:
        return Paused(warning=f"nobody can be asked to pause what runs besides the web: {problem}; {LOST}")
    if not asked.web:
        names = ", ".join(others)
        return Paused(warning=f"nothing is paused, since nobody can tell which of {names} serves the web; {LOST}")
    if not any(asked.writes(one) and asked.goes_on(one) for one in asked.told):
        return Paused(skipped="nothing runs besides the web")
    return _stop(step, asked)


def _ask(running: Running, step: StepContext) -> _Asked:
    supervisor = running.supervisor
    told = supervisor.processes()
    return _Asked(running, supervisor, told, serving(running.sections, told, step.settings.health_url))


def _stop(step: StepContext, asked: _Asked) -> Paused:
    """Stop all that writes, until nothing of it is left: one that has just ended may be about to be started anew."""
    programs, problems = step.note(Paused).programs, list[str]()
    while due := [one for one in asked.told if asked.writes(one) and asked.goes_on(one)]:
        # One that somebody else is stopping is not ours to start.
        ours = [one.full_name for one in due if one.state != STOPPING and one.full_name not in programs]
        if ours:
            programs = (*programs, *ours)
            step.transaction.journal.append(step.transaction.noted(Paused(programs=programs)))
        problems += _stop_these(step, asked, due)
        asked = replace(asked, told=asked.supervisor.processes())
        if time.time() > step.until:
            raise StepFailed(f"{name_of(due[0])} is started again and again while it is to be stopped")
    return Paused(programs=programs, warning="\n  ".join(problems))


def _stop_these(step: StepContext, asked: _Asked, due: Sequence[Told]) -> list[str]:
    """Stop processes side by side. Returns what a person has to know of it."""
    families = {one: {pid: started_at(pid) for pid in systemd.family_ids(one.pid)} for one in due if one.pid}
    left = max(0.0, step.until - time.time())
    try:
        took = asked.supervisor.stop_all({one.full_name: min(left, asked.seconds(one) + MARGIN) for one in due})
    except StepFailed as problem:
        longest = max(map(asked.seconds, due))
        hint = f": stopwaitsecs={longest} gives it longer than restart_timeout does" if longest + MARGIN > left else ""
        raise StepFailed(f"{problem}{hint}") from None
    if not took:
        # One that is about to be started anew is none yet that could be stopped.
        time.sleep(LOOK)
    problems = [
        f"{name_of(one)} did not end within its stopwaitsecs={asked.seconds(one)} and was killed (SIGKILL): what it was"
        " at work on is lost"
        for one in due
        if took.get(one.full_name, 0.0) >= asked.seconds(one)
    ]
    for one, family in families.items():
        for pid in _left(family):
            what = cut(one_line(masked(command_of(pid))), SHOWN)
            problems.append(
                f"what {name_of(one)} has started goes on without it, process {pid} ({what}), and {LOST}: write "
                "stopasgroup=true in its config"
            )
    return problems


def _left(family: Mapping[int, str | None]) -> list[int]:
    """Which of some processes go on, those that are about to end not among them."""
    end = time.monotonic() + MOMENT
    while left := [pid for pid, started in family.items() if runs(pid, started)]:
        if time.monotonic() > end:
            break
        time.sleep(LOOK)
    return left


def stop_again(step: StepContext) -> None:
    """Stop what has been started since: by a restart, or by the host's own start. It is in nothing's way."""
    if not pauses(step.progress):
        return
    try:
        running = find_running(step.layout)
    except Unreadable:
        return
    try:
        asked = _ask(running, step)
        if asked.web:
            found = _stop(step, asked)
            for line in found.warning.splitlines():
                warn(f"  WARNING: {line.strip()}")
    except (Unreadable, StepFailed, OSError) as problem:
        emit(f"  not sure to be stopped, what runs besides the web: {problem}")


def resume(step: StepContext, known: Sequence[str] = ()) -> tuple[str, ...]:
    """Start again what was stopped, where it does not run. Returns what was started. Raises StepFailed.

    + known: names of processes that nobody expects to come up
    """
    wanted, problems, started = step.note(Paused).programs, list[str](), list[str]()
    try:
        running = _once_it_answers(step)
    except Unreadable as problem:
        # Whether the service comes up is proven next; what it starts then, it starts by itself.
        emit(f"  nothing to start again: {problem}")
        return ()
    supervisor = running.supervisor
    down = [one for one in supervisor.processes() if one.full_name in wanted and one.state in (STOPPED, STOPPING)]
    # One that is still at its end was not waited for: whoever began to stop it was killed.
    for one in sorted(down, key=lambda one: one.state == STOPPING):
        try:
            if one.state == STOPPING:
                supervisor.stop(one.full_name, program_of(one, running.sections).stop_seconds + MARGIN)
            supervisor.start(one.full_name)
            started.append(name_of(one))
        except Refusal as problem:
            if name_of(one) not in known:
                problems.append(masked_urls(str(problem)))
    if problems:
        raise StepFailed("; ".join(problems))
    return tuple(started)


def start_new(step: StepContext) -> None:
    """Start from the new version what was stopped, and see it come up. Raises StepFailed, Unhealthy."""
    wanted = step.note(Paused).programs
    if not wanted:
        return
    supervisor = _once_it_answers(step).supervisor
    due = [one for one in supervisor.processes() if one.full_name in wanted and one.state == STOPPED]
    for one in due:
        supervisor.start(one.full_name)
    end = time.monotonic() + step.settings.health_timeout
    for one in due:
        while wrong := _not_up(supervisor.info(one.full_name), step):
            if time.monotonic() > end:
                raise Unhealthy(f"{name_of(one)} is not up within {step.settings.health_timeout} s: {wrong}")
            time.sleep(LOOK)
    if due:
        emit(f"health: started again: {', '.join(map(name_of, due))}")


def _not_up(told: Told, step: StepContext) -> str | None:
    """Why a process is not up yet, or not from the version. Raises Unhealthy where it has ended."""
    if told.state not in UP:
        how = f" with exit code {told.exitstatus}" if told.exitstatus else ""
        raise Unhealthy(f"{name_of(told)} is {told.statename}{how}")
    wrong = systemd.not_from(systemd.family(told.pid, step.layout.versions), step.version)
    return wrong or ("" if told.state == RUNNING else "it has not been up for its startsecs yet")


def _once_it_answers(step: StepContext) -> Running:
    """The supervisord that runs, once it can be asked. Raises Unreadable where there is none, and StepFailed."""
    end = time.monotonic() + ANSWERS_WITHIN
    while True:
        try:
            running = find_running(step.layout)
            running.supervisor.processes()
            return running
        except StepFailed:
            if time.monotonic() > end:
                raise
        time.sleep(LOOK)
