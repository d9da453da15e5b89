"""One run, as its runner carries it out: what is heard, what is begun, and what has become of it."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

from agent.host.output import LINE
from agent.loop.loop import Loop
from agent.loop.worker import Worker
from agent.runner import jobs
from agent.runner.course import Heard, Kind, next_move
from agent.runner.crew import Crew
from agent.runner.resumed import was_rebooted, why_resumed
from agent.runner.script import WAY_BACK, Script, asked_for_again, said_at_first
from agent.state import State
from agent.steps.order import touched
from agent.text.masking import masked_urls
from agent.transaction.progress import Progress
from agent.transaction.transaction import Transaction, open_transaction
from agent.words import journal, requests
from agent.words.journal import JournalUnreadable, Written
from agent.words.outcomes import Cause

# Besides what a step's own commands may take, until its worker is killed, seconds.
GRACE = 20.0
# How long a worker may take to stop what it does when a person asks for that, seconds.
STOPS_WITHIN = 15.0
# How long a runner whose run is over waits for who has yet to hear how it ended, and for others once one has, seconds.
LINGERS, LINGERS_ON = 3.0, 0.5
# How long it may take to begin, and to delete versions, seconds.
BEGINS_WITHIN, CLEANS_WITHIN = 60.0, 900.0
BEGIN, COMMIT, CLEAN, RECOVER = "begin", "commit", "clean", "recover"


class Run:
    """What the runner of a site carries out: one run after the other, mostly one."""

    def __init__(self, state: State, loop: Loop) -> None:
        self.state, self._loop = state, loop
        self.transaction: Transaction | None = None
        self.script = Script()
        self.label = BEGIN
        self.crew = Crew(loop, self.say, self._probed)
        self.heard = Heard()
        self.urls: dict[str, str] = {}
        self.asked_back: requests.FallBack | None = None
        self.cleans: requests.Clean | None = None
        self.frees = False
        # The run that is beginning, and the one that deletes versions or has done so last.
        self.begins = self.cleaning = ""
        # How the last run has ended, for who asks then; and why something asked for was refused, by the run.
        self.over: tuple[str, Progress] | None = None
        self.refused: dict[str, str] = {}
        self.cleaned: dict[str, str] = {}
        self._unreadable = ""
        # By when the controller has to say something; until when nothing is tried; until when late ones are waited for.
        self.word_by: float | None = None
        self.not_before = 0.0
        self.lingers_until = time.monotonic() + LINGERS
        self._is_ready, self.since = False, time.monotonic()
        # Whether its end can't be written; and when a controller was there last.
        self.cannot_end = False
        self.seen = 0.0

    # --- What there is at the start

    def resume(self) -> None:
        """Take over what a runner before this one has left."""
        opened = open_transaction(self.state)
        if opened is None:
            self.ready()
            return
        self._take(opened)
        try:
            opened.journal.is_ours()
            progress = opened.progress
            if not progress.begun or progress.outcome:
                self.ready()
                return
            self.crew.bound(progress.begin.settings)
            opened.journal.note(journal.RunnerStarted())
            self.heard = Heard(resumed=why_resumed(progress), before_the_app=True)
            if progress.falling_back and was_rebooted(progress):
                self.fall_back(f"{progress.reason}; then the host was rebooted", back=progress.database_is_back)
        except JournalUnreadable as problem:
            self.is_unreadable(problem)
            self.ready()

    def _take(self, transaction: Transaction | None) -> None:
        self.transaction = self.crew.transaction = transaction

    def ready(self) -> None:
        """Let go on whoever waits for this runner at boot."""
        if not self._is_ready:
            self._is_ready = True
            self._loop.ready()

    # --- What it is told

    def begin(self, request: requests.Begin) -> None:
        """Take the host for a run."""
        self.script, self.label, self._unreadable = Script(), BEGIN, ""
        self.urls, self.heard, self.begins = request.urls, Heard(upto=request.upto), request.deploy
        self.crew.bound(request.intent.settings)
        self.crew.work("begin", jobs.begin(self.state, request), BEGINS_WITHIN, partial(self._has_begun, request))

    def _has_begun(self, request: requests.Begin, worker: Worker) -> None:
        why, opened, self.begins = jobs.why_not(worker), open_transaction(self.state), ""
        asked, self.asked_back = self.asked_back, None
        if opened is None or opened.deploy != request.deploy:
            self.refused[request.deploy] = why
            return
        self._take(opened)
        try:
            opened.journal.is_ours()
            if why:
                self.fall_back(f"it could not begin: {why}")
            elif asked:
                self.fall_back(asked.reason, asked.cause, asked.database_is_back)
        except JournalUnreadable as problem:
            self.is_unreadable(problem)

    def go(self, upto: str) -> None:
        """Hear how far it may go; whatever it was told before stays allowed."""
        steps = self.progress.begin.steps
        if upto in steps and (self.heard.upto not in steps or steps.index(self.heard.upto) < steps.index(upto)):
            self.heard = replace(self.heard, upto=upto)
        self.word_by = None

    def all_well(self) -> None:
        """Hear that all hosts are well."""
        by, self.word_by = self.word_by, None
        try:
            # A host may stand still while it writes, and its runner be killed for that: what another one believes is
            # the second line, which is written once the first was in time.
            for line in (journal.Noted("all well", {"told": True}), journal.AllWell()):
                self.opened.journal.append(line)
                if by is not None and time.monotonic() > by:
                    # Nobody has heard that this host has: they may have given it up.
                    return self.fall_back("the word that all hosts are well came too late")
        except OSError as problem:
            self.fall_back(f"commit failed: {masked_urls(str(problem))}")

    def commit(self, cleans: requests.Clean | None) -> None:
        """Commit; then delete what is not needed any more, if that is asked for."""
        self.cleans = cleans
        if not self.progress.committed:
            self.decide()

    def take_back(self, request: requests.FallBack) -> None:
        """Fall back, at somebody's word."""
        if self.begins:
            self.asked_back = request
            return
        progress = self.progress
        if progress.committed or progress.outcome:
            return
        if progress.falling_back:
            if request.database_is_back:
                self.database_is_back()
        elif self.crew.at_work:
            self.asked_back = request
            self.crew.at_work.ask_to_stop(STOPS_WITHIN)
        else:
            self.fall_back(request.reason, request.cause, request.database_is_back)

    def database_is_back(self) -> None:
        """Know on the way back that the primary host has taken the database back. What has failed is tried again."""
        progress = self.progress
        if not progress.database_is_back:
            self.heard, self.not_before = replace(self.heard, tried=frozenset()), 0.0
            self.opened.journal.note(journal.FallsBack(str(progress.reason), True, progress.cause))

    def try_again(self) -> None:
        """Have what could not be undone tried once more."""
        failed = {problem.action for problem in self.progress.problems}
        self.heard = replace(self.heard, tried=self.heard.tried - failed)

    def recover(self, request: requests.Recover) -> None:
        """Try once more what needed a person."""
        self.frees, self.label = request.force, RECOVER
        job = jobs.prepare_recovery(self.opened, request.database or "")
        self.crew.work("recover", job, self.progress.begin.settings.restart_limit + GRACE, self._recovers)

    def _recovers(self, worker: Worker) -> None:
        self.say_why_not(worker)
        self.not_before = 0.0
        self.fall_back(asked_for_again(self.progress.reason), back=True)

    def clean(self, request: requests.Clean) -> None:
        """Delete versions."""
        self.cleans, self.cleaning, self.lingers_until = None, request.deploy, time.monotonic() + LINGERS
        self.label = CLEAN

        def ended(worker: Worker) -> None:
            self.cleaned[request.deploy] = jobs.why_not(worker)

        self.crew.work("clean", jobs.delete(self.state, request), CLEANS_WITHIN, ended)

    @property
    def is_busy(self) -> bool:
        """Whether something is done right now."""
        return self.crew.at_work is not None

    @property
    def waits_for_primary(self) -> bool:
        """Whether all is undone here but what has to wait for the primary host."""
        return next_move(self.progress, self.heard).kind is Kind.LOOK_AT_DATABASE

    def waits_for_clean(self, deploy: str) -> bool:
        """Whether versions are yet to be deleted by a run."""
        return deploy not in self.cleaned and (self.cleans is not None or self.is_busy)

    @property
    def needs_a_person(self) -> str:
        """Why nobody but a person can go on, where a journal can't be read."""
        return self._unreadable

    def read_again(self) -> None:
        """Read a journal that could not be read, which a person may have put right."""
        self._unreadable = ""
        self._is_ready = True
        self.resume()

    def is_followed(self) -> None:
        """Know that a controller is there right now."""
        self.seen = time.monotonic()

    def was_told(self) -> None:
        """Know that somebody has heard how the last run has ended."""
        self.lingers_until = min(self.lingers_until, time.monotonic() + LINGERS_ON)

    # --- What it works on

    @property
    def progress(self) -> Progress:
        """How far it has come. Raises JournalUnreadable."""
        return self.opened.progress

    @property
    def opened(self) -> Transaction:
        """What it works on."""
        if self.transaction is None:
            raise ValueError("no run is open")
        return self.transaction

    def decide(self, unasked: bool = False) -> None:
        """Decide that the run has gone well. From that line in the journal on, it is only ever finished forward.

        + unasked: whether nobody has said so, after all were said to be well
        """
        self.label = COMMIT
        try:
            self.opened.journal.append(journal.Committed(unasked))
        except OSError as problem:
            self.fall_back(f"commit failed: {masked_urls(str(problem))}")

    def fall_back(self, reason: str, cause: Cause = Cause.ITSELF, back: bool = False) -> None:
        """Begin to fall back.

        + reason: a sentence for people; cause: whose doing it is
        + back: whether the primary host has taken the database back already
        """
        self.label, self.cleans = WAY_BACK, None
        self.crew.end_kept()
        self.heard = replace(self.heard, tried=frozenset(), resumed="")
        self.opened.journal.note(journal.FallsBack(masked_urls(reason), back, cause))
        for loud, text in said_at_first(masked_urls(reason), touched(self.progress)):
            self.say(loud, text)

    def close(self, progress: Progress) -> None:
        """Know it as over."""
        self.over = self.opened.deploy, progress
        self.crew.end_kept()
        self.crew.forget_kept()
        self._take(None)
        self.heard = Heard()
        self.lingers_until = time.monotonic() + LINGERS

    # --- What is said

    def say(self, loud: str, text: str) -> None:
        """Take a line, for whoever follows."""
        self.script.say(self.label, loud, text)

    def say_why_not(self, worker: Worker) -> None:
        """Say why what a worker was to do is not done, if it is not."""
        if why := jobs.why_not(worker):
            self.say(LINE, why)

    def _probed(self, found: Written) -> None:
        if self.transaction:
            self.opened.journal.note(journal.Noted("downtime", {str(round(time.time(), 3)): found}))

    def is_unreadable(self, problem: JournalUnreadable) -> None:
        """Leave all to a person."""
        self._unreadable = str(problem)
        self.say(LINE, f"needs a person: {problem}")
