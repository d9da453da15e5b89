"""Restarting the app's processes one by one, so that the others serve meanwhile.

supervisord holds the socket. The new version is tried on a socket of its own; then one process after the other is
replaced, the next only when the one before it answers from the new version. Each part can be cut off and done again:
what already runs from the version is left alone.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from functools import partial
from pathlib import Path

from agent.host.http import REDIRECTS, ask
from agent.host.output import announce, emit
from agent.restart import answering
from agent.restart.trial_start import Command, TrialStart, as_supervisord_would, start
from agent.service import health, systemd
from agent.service.health import Unhealthy
from agent.service.last_words import LastWords
from agent.service.obstacles import web_program
from agent.service.running import Running, find_running
from agent.service.supervisor import BACKOFF, DOWN, FATAL, RUNNING, UP, Told
from agent.service.supervisor_config import (
    Program,
    Sections,
    config_in,
    group_of,
    programs,
    read_config,
)
from agent.service.systemd import Process
from agent.service.verdicts import name_of
from agent.transaction.consequences import stays_paused, watched_shut
from agent.transaction.step import StepContext, StepFailed
from agent.versions.layout import Layout
from agent.words.notes import Paused, Restarted

PAUSE, LONGEST_PAUSE = 0.05, 1.0
# While a new process is at work it starts, most likely, and is asked again only after so many seconds.
STARTS_FOR = 0.5
WATCHED_FIRST = 0.25
# So many rounds of asking are small; then more connections are made at once, to reach one that is seldom the first.
SMALL_ROUNDS, FEW, MANY = 20, 2, 8


def command_of_web(layout: Layout, version: str) -> Command:
    """How supervisord starts a web process of a version. Raises Unreadable, StepFailed."""
    running = find_running(layout)
    sections = read_config(config_in(layout, running.named, layout.part(version, "config")), layout.app)
    return _command_of_web(layout, running, sections)


def _command_of_web(layout: Layout, running: Running, sections: Sections) -> Command:
    web = _web(layout, sections)
    return as_supervisord_would(layout, sections, web, Path(running.named), running.pid)


def replace_all(step: StepContext, first: TrialStart | None) -> None:
    """Bring every process to the step's version, once a trial start has gone well. Raises StepFailed, Unhealthy.

    + first: one that was begun ahead, and is well; it ends with this
    """
    running = find_running(step.layout)
    ahead = first is not None
    first = first or start(step, _command_of_web(step.layout, running, running.sections))
    try:
        if not ahead:
            first.wait_until_well()
        after = "" if ahead else f"after {first.seconds:.1f} s, "
        announce(f"restart: the version was well {after}where no visitor comes")
        _replace_after(first, step, running)
    except BaseException:
        first.end()
        raise
    # What comes next need not wait until it has ended.
    first.dismiss()


def _replace_after(first: TrialStart, step: StepContext, running: Running) -> None:
    stable = step.settings.health_stable
    if not step.begin.has_worked:
        # A part of the time is watched before any visitor depends on a version that nobody has seen stay up yet.
        first.watch(stable * WATCHED_FIRST)
    # For the rest, visitors' processes are so much younger than this one, by the time that they take to start at least,
    # that they are taken back before they reach the age at which it has failed.
    # Where a backup is the way back, they are started once the new version is well.
    paused = () if watched_shut(step.progress) else step.note(Paused).programs
    roll = _Roll(step, running, step.version, anew=step.begin.kind == "restart", first=first, paused=paused)
    roll.replace()
    while first.up_for < stable:
        first.check()
        roll.check()
        time.sleep(PAUSE)
    roll.check()


def take_back(step: StepContext, was: str) -> None:
    """Bring every process back to the version that was live, one by one. Raises StepFailed, Unhealthy."""
    paused = () if stays_paused(step.progress) else step.note(Paused).programs
    _Roll(step, find_running(step.layout), was, left_alone=step.begin.ailing, paused=paused).replace()


def _web(layout: Layout, sections: Sections) -> Program:
    web = web_program(sections, layout.settings.health_url)
    if web is None:
        raise StepFailed("no program of supervisord's holds the socket of health_url")
    return web


class _Roll:
    """Replacing the processes that do not run from a version.

    + anew: whether those that do are replaced too
    + first: the trial start, which must stay well meanwhile
    + left_alone: names of processes that nobody expects to come up
    + paused: those that this run has stopped itself, as supervisord is asked for them
    """

    def __init__(
        self,
        step: StepContext,
        running: Running,
        version: str,
        *,
        anew: bool = False,
        first: TrialStart | None = None,
        left_alone: Collection[str] = (),
        paused: Collection[str] = (),
    ) -> None:
        self._step, self._version, self._anew, self._first = step, version, anew, first
        self._left_alone, self._paused = left_alone, paused
        self._words = LastWords(step.layout, version)
        self._supervisor = running.supervisor
        self._serving = group_of(_web(step.layout, running.sections).name, running.sections)
        # The longest that supervisord itself waits for a process to stop, and a little more.
        self._stop_limit = 10 + max(program.stop_seconds for program in programs(running.sections).values())
        self._touched = list(step.note(Restarted).touched)
        self._pids: dict[str, int] = {}
        # How long each process took, by name.
        self.seconds: dict[str, float] = {}

    def replace(self) -> None:
        """Replace one process after the other. Raises StepFailed, Unhealthy."""
        self._apply_config()
        # Those that visitors depend on come first: with them, it shows soonest if something is wrong.
        told = self._supervisor.processes()
        for one in sorted(told, key=lambda one: (one.group != self._serving, one.group, one.name)):
            if self._has_to_be_replaced(one):
                self._replace_one(one.full_name, one.group == self._serving)

    def check(self) -> None:
        """Raise Unhealthy if a replaced process has ended meanwhile, or was started again."""
        now = {one.full_name: one for one in self._supervisor.processes()} if self._pids else {}
        for name, pid in self._pids.items():
            if name not in now or now[name].pid != pid or now[name].state in DOWN:
                raise Unhealthy(f"{name} did not stay up{self._words.told()}")

    def _apply_config(self) -> None:
        """Have supervisord take over what its config says now; only the groups that differ are stopped."""
        added, changed, removed = self._supervisor.reread()
        for group in (*changed, *removed):
            for one in self._supervisor.processes():
                if one.group == group:
                    self._supervisor.stop(one.full_name, self._stop_limit)
            self._supervisor.ask("removeProcessGroup", group)
        for group in (*added, *changed):
            self._supervisor.ask("addProcessGroup", group)
            announce(f"restart: supervisord has the new config of {group}")

    def _has_to_be_replaced(self, told: Told) -> bool:
        if name_of(told) in self._left_alone:
            return False
        up = told.state in UP and told.pid
        if up and not self._anew and systemd.not_from(self._family(told.pid), self._version) is None:
            return False
        # What a person has stopped, or what has done its work, is not ours to start; what never came up is.
        ours = told.group == self._serving or told.full_name in (*self._touched, *self._paused)
        return bool(up or ours or told.state in (BACKOFF, FATAL))

    def _replace_one(self, name: str, serves: bool) -> None:
        self._touched.append(name)
        transaction = self._step.transaction
        transaction.journal.append(transaction.noted(Restarted(touched=tuple(self._touched))))
        began = time.monotonic()
        self._supervisor.stop(name, self._stop_limit)
        self._supervisor.start(name)
        self._pids[name] = self._wait_until_well(name, serves)
        self.seconds[name] = round(time.monotonic() - began, 2)
        emit(f"restart: {name} runs {self._version}, after {self.seconds[name]} s")

    def _wait_until_well(self, name: str, serves: bool) -> int:
        """Wait until a process runs from the version and, if it serves, has answered a request. Returns its id."""
        limit = self._step.settings.health_timeout
        end, rounds, took = time.monotonic() + limit, 0, 0.0
        while True:
            told = self._supervisor.info(name)
            if told.state not in UP:
                raise Unhealthy(f"{name} is {told.statename}{_how(told)}{self._words.told()}")
            if self._first:
                self._first.check()
            if serves:
                self._let_start(told.pid, took)
                rounds, began = rounds + 1, time.monotonic()
                wrong = self._answer(told.pid, FEW if rounds < SMALL_ROUNDS else MANY)
                took = time.monotonic() - began
            else:
                time.sleep(PAUSE)
                wrong = systemd.not_from(self._family(told.pid), self._version)
                if wrong is None and told.state != RUNNING:
                    wrong = "it has not been up for its startsecs yet"
            if wrong is None:
                return told.pid
            if time.monotonic() > end:
                raise Unhealthy(f"{name} is not healthy within {limit} s: {wrong}{self._words.told()}")

    def _let_start(self, pid: int, took: float) -> None:
        """Ask nobody for a while: the others have visitors to serve.

        + took: how long they were asked the last time; for as long again they are left alone, up to LONGEST_PAUSE
        """
        time.sleep(min(max(PAUSE, took), LONGEST_PAUSE))
        end = time.monotonic() + STARTS_FOR
        while systemd.at_work(pid) and time.monotonic() < end:
            time.sleep(PAUSE)

    def _answer(self, pid: int, number: int) -> str | None:
        """Ask the app. Returns why it isn't known that a process answers well, or a child of it; None where it does.

        Raises Unhealthy.
        """
        settings = self._step.settings
        url, statuses = settings.health_url, settings.health_status
        headers = health.headers_for(settings)
        asked_among = partial(systemd.family_ids, pid)
        answers = answering.ask_at_once(number, asked_among, url, headers, health.ANSWER_TIMEOUT)
        # Only now are all of them born that have answered.
        own = self._family(pid)
        pids = {process.pid for process in own}
        of_new = [answer for taker, answer in answers if taker in pids]
        bad = [answer for answer in of_new if answer not in statuses]
        if bad:
            # Where it leads to, and its first words, any process can tell.
            wrong = ask(url, headers, statuses, health.ANSWER_TIMEOUT)
            if wrong or bad[0] not in REDIRECTS:
                # Visitors get such answers too: no second chance.
                wrong = wrong or f"{url} answers {bad[0]}, not {' or '.join(map(str, statuses))}"
                raise Unhealthy(f"{wrong}{self._words.told()}")
        return systemd.not_from(own, self._version) if of_new else "it has answered no request yet"

    def _family(self, pid: int) -> list[Process]:
        return systemd.family(pid, self._step.layout.versions)


def _how(told: Told) -> str:
    """How a process has come to be what it is."""
    code, wrong = told.exitstatus, told.spawnerr
    return f": it has ended with exit code {code}" if code else f": {wrong}" if wrong else ""
