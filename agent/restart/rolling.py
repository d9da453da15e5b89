"""Restarting the app's processes one by one, so that the others serve meanwhile.

supervisord holds the socket. The new version is tried on a socket of its own; then one process after the other is
replaced, the next only when the one before it answers from the new version. Each part can be cut off and done again:
what already runs from the version is left alone.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from functools import partial

from agent.host.http import REDIRECTS, ask
from agent.host.output import announce, emit
from agent.restart import answering
from agent.restart.by_supervisord import command_in, longest_stop, web_of
from agent.restart.trial_start import TrialStart, start
from agent.service import health, systemd
from agent.service.health import Unhealthy
from agent.service.last_words import LastWords
from agent.service.running import Running, find_running
from agent.service.supervisor import BACKOFF, DOWN, FATAL, RUNNING, STOPPED, UP, Told
from agent.service.supervisor_config import group_of
from agent.service.systemd import Process
from agent.service.verdicts import name_of
from agent.transaction.consequences import stays_paused, watched_shut
from agent.transaction.step import StepContext, StepFailed
from agent.words.notes import Paused, Restarted

PAUSE, LONGEST_PAUSE = 0.05, 1.0
# While a new process is at work it starts, most likely, and is asked again only after so many seconds.
STARTS_FOR = 0.5
WATCHED_FIRST = 0.25
# So many rounds of asking are small; then more connections are made at once, to reach one that is seldom the first.
SMALL_ROUNDS, FEW, MANY = 20, 2, 8


def replace_all(step: StepContext, first: TrialStart | None) -> None:
    """Bring every process to the step's version, once a trial start has gone well. Raises StepFailed, Unhealthy.

    + first: one that was begun ahead, and is well; it ends with this
    """
    running = find_running(step.layout)
    ahead = first is not None
    first = first or start(step, command_in(step.layout, running, running.sections))
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
    stays = watched_shut(step.progress)
    paused, anew = () if stays else step.note(Paused).programs, step.begin.kind == "restart"
    roll = _Roll(step, running, step.version, anew=anew, first=first, paused=paused, stays_paused=stays)
    roll.replace()
    # No trial tells of those that serve nobody: each is seen to stay up for as long, itself.
    while first.up_for < stable or roll.others_up_for < stable:
        first.check()
        roll.check()
        time.sleep(PAUSE)
    roll.check()


def take_back(step: StepContext, was: str) -> None:
    """Bring every process back to the version that was live, one by one. Raises StepFailed, Unhealthy."""
    paused = () if stays_paused(step.progress) else step.note(Paused).programs
    _Roll(step, find_running(step.layout), was, left_alone=step.begin.ailing, paused=paused).replace()


class _Roll:
    """Replacing the processes that do not run from a version.

    + anew: whether those that do are replaced too
    + first: the trial start, which must stay well meanwhile
    + left_alone: names of processes that nobody expects to come up
    + paused: those that this run has stopped itself, as supervisord is asked for them
    + stays_paused: whether what its config has anew is to be stopped again, and is not waited for
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
        stays_paused: bool = False,
    ) -> None:
        self._step, self._version, self._anew, self._first = step, version, anew, first
        self._left_alone, self._paused, self._stays_paused = left_alone, paused, stays_paused
        self._words = LastWords(step.layout, version)
        self._supervisor = running.supervisor
        self._serving = group_of(web_of(step.layout, running.sections).name, running.sections)
        self._stop_limit = longest_stop(step, running)
        self._touched = list(step.note(Restarted).touched)
        self._pids: dict[str, int] = {}
        self._others_since = 0.0
        # How long each process took, by name.
        self.seconds: dict[str, float] = {}

    @property
    def others_up_for(self) -> float:
        """How long all of those have run that serve nobody, seconds."""
        return time.monotonic() - self._others_since

    def replace(self) -> None:
        """Replace one process after the other, and then, all at once, those that serve nobody.

        Those that visitors depend on come first: with them, it shows soonest if something is wrong. Of the others each
        has the time that it may take to end what it is at, with the site long back. Raises StepFailed, Unhealthy.
        """
        added, changed, removed = ({*groups} for groups in self._supervisor.reread())
        new, gone, serving = added | changed, changed | removed, {self._serving}
        for _ in self._end([one.full_name for one in self._supervisor.processes() if one.group in serving & gone]):
            pass
        self._take_over(serving & gone, serving & new)
        for one in self._due():
            if one.group == self._serving:
                self._replace_one(one.full_name)
        self._replace_others(new - serving, gone - serving)

    def _replace_others(self, new: Collection[str], gone: Collection[str]) -> None:
        """Replace those that serve nobody.

        + new: the groups that supervisord is to know, or to know anew; gone: those that it knows as they were
        """
        due = [one.full_name for one in self._due() if one.group != self._serving and one.group not in gone]
        self._note_touched(*due)
        began = time.monotonic()
        leaving = [one.full_name for one in self._supervisor.processes() if one.group in gone]
        for name in self._end([*due, *leaving]):
            if name in due:
                self._supervisor.start(name)
        self._take_over(gone, new)
        told = () if self._stays_paused else self._supervisor.processes()
        for name in (*due, *(one.full_name for one in told if one.group in new and one.state != STOPPED)):
            self._is_well(name, began, serves=False)
            self._others_since = time.monotonic()

    def _end(self, names: Collection[str]) -> Iterator[str]:
        """Have processes told to end, all at once, and yield each that has. Raises StepFailed."""
        told = {name: self._supervisor.tell_to_end(name) for name in names}
        yield from (name for name, one in told.items() if one is None)
        pending = [one for one in told.values() if one]
        end = time.monotonic() + self._stop_limit
        while pending:
            for one in [one for one in pending if self._supervisor.has_ended(one)]:
                pending.remove(one)
                yield one.name
            if not pending:
                return
            if time.monotonic() > end:
                raise StepFailed(f"{pending[0].name} has not ended after {self._stop_limit} s")
            if self._first:
                self._first.check()
            time.sleep(PAUSE)

    def _take_over(self, gone: Collection[str], new: Collection[str]) -> None:
        """Have supervisord forget groups whose processes have ended, and take over what its config says of others."""
        for group in sorted(gone):
            self._supervisor.ask("removeProcessGroup", group)
        for group in sorted(new):
            self._supervisor.ask("addProcessGroup", group)
            announce(f"restart: supervisord has the new config of {group}")

    def check(self) -> None:
        """Raise Unhealthy if a replaced process has ended meanwhile, or was started again."""
        now = {one.full_name: one for one in self._supervisor.processes()} if self._pids else {}
        for name, pid in self._pids.items():
            if name not in now or now[name].pid != pid or now[name].state in DOWN:
                raise Unhealthy(f"{name} did not stay up{self._words.told()}")

    def _due(self) -> list[Told]:
        """The processes that have to be replaced, in their order."""
        told = sorted(self._supervisor.processes(), key=lambda one: (one.group, one.name))
        return [one for one in told if self._has_to_be_replaced(one)]

    def _has_to_be_replaced(self, told: Told) -> bool:
        if name_of(told) in self._left_alone:
            return False
        up = told.state in UP and told.pid
        if up and not self._anew and systemd.not_from(self._family(told.pid), self._version) is None:
            return False
        # What a person has stopped, or what has done its work, is not ours to start; what never came up is.
        ours = told.group == self._serving or told.full_name in (*self._touched, *self._paused)
        return bool(up or ours or told.state in (BACKOFF, FATAL))

    def _note_touched(self, *names: str) -> None:
        """Write down what is about to be touched."""
        self._touched += names
        transaction = self._step.transaction
        if names:
            transaction.journal.append(transaction.noted(Restarted(touched=tuple(self._touched))))

    def _replace_one(self, name: str) -> None:
        self._note_touched(name)
        began = time.monotonic()
        self._supervisor.stop(name, self._stop_limit)
        self._supervisor.start(name)
        self._is_well(name, began, serves=True)

    def _is_well(self, name: str, began: float, *, serves: bool) -> None:
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
