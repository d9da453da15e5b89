"""What is asked of a runner, and what each who asks is told: while it happens, and then how it has ended."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import singledispatchmethod

from agent.loop.conversation import Client
from agent.record.page import keep
from agent.record.why import told_at_its_end
from agent.runner import news
from agent.runner.run import BEGIN, CLEAN, COMMIT, RECOVER, Run
from agent.runner.script import WAY_BACK
from agent.runs.result import needs_a_person, refused, result_of, told_by_disk
from agent.transaction.progress import Progress
from agent.transaction.transaction import Transaction, describe_holder, why_too_late
from agent.words import requests
from agent.words.journal import JournalUnreadable
from agent.words.outcomes import Outcome, Refused
from agent.words.requests import Request
from agent.words.result import Result
from agent.words.shapes import Unreadable


class Talk:
    """The conversation of one runner with all who ask it for something."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._waiting: list[Client] = []
        # When steps were seen to have ended; and when there is something to answer, though nothing has happened.
        self._ended_at: dict[str, float] = {}
        self._due: float | None = None

    def asked(self, client: Client) -> None:
        """Hear what a client asks for, and do it."""
        try:
            request = client.hear()
            if request is None:
                return
            self._do(request)
            # Whoever recovers is told what is said from now on; others come late, and are told all of it.
            client.told = len(self._run.script.entries) if isinstance(request, requests.Recover) else 0
            self._waiting.append(client)
        except JournalUnreadable as problem:
            client.end(needs_a_person(str(problem)))
        except (Refused, Unreadable) as refusal:
            client.tell(f"refused: {refusal}")
            client.end(refused(str(refusal)))

    def answer(self) -> float | None:
        """Tell all who wait what there is to tell by now. Returns how soon there is more at the latest, seconds."""
        self._due = None
        for client in list(self._waiting):
            request = client.request
            if request is None:
                continue
            last = ""
            try:
                # That may begin another run, which has a script of its own.
                result = self._answer(request)
            except JournalUnreadable as problem:
                result = needs_a_person(str(problem))
            except Refused as refusal:
                last, result = f"refused: {refusal}", refused(str(refusal))
            self._tell(client, request)
            if last:
                client.tell(last)
            if result is not None:
                client.end(result)
                if self._run.transaction is None:
                    self._run.was_told()
            if result is not None or client.is_closed:
                self._waiting.remove(client)
        if self._waiting:
            self._run.is_followed()
        return None if self._due is None else max(0.0, self._due - time.monotonic())

    def _tell(self, client: Client, request: Request) -> None:
        """Tell a client what was said since it was told last."""
        verbose = isinstance(request, requests.Go) and request.verbose
        for line in self._run.script.of(self._labels(request), client.told, verbose):
            client.tell(line)
        client.told = len(self._run.script.entries)
        news.tell(client, self._run)

    # --- What is asked

    @singledispatchmethod
    def _do(self, request: Request) -> None:
        raise Refused("this is nothing that a runner does")

    @_do.register(requests.Begin)
    @_do.register(requests.Clean)
    @_do.register(requests.KeepPage)
    def _later(self, request: requests.Begin | requests.Clean | requests.KeepPage) -> None:
        """Do nothing yet: what else is being done comes first."""

    @_do.register(requests.Go)
    def _go(self, request: requests.Go) -> None:
        if self._holds(request.deploy) and not why_too_late(self._run.opened):
            self._run.go(request.upto)

    @_do.register(requests.AllWell)
    def _all_well(self, request: requests.AllWell) -> None:
        if self._is_waiting_to_commit(request.deploy) and not self._progress.all_well:
            self._run.all_well()

    @_do.register(requests.Commit)
    def _commit(self, request: requests.Commit) -> None:
        if self._is_waiting_to_commit(request.deploy):
            self._run.commit(request.clean)

    def _is_waiting_to_commit(self, deploy: str) -> bool:
        """Whether a run may commit. Raises Refused where that would come before all is done."""
        if not self._holds(deploy) or why_too_late(self._run.opened):
            return False
        left = [name for name in self._progress.begin.steps if name not in (*self._progress.done, COMMIT)]
        if left:
            raise Refused(f"this can't commit before {', '.join(left)}")
        return True

    @_do.register(requests.FallBack)
    def _fall_back(self, request: requests.FallBack) -> None:
        if self._run.begins == request.deploy or self._holds(request.deploy):
            self._run.take_back(request)
        elif not Transaction(self._run.state, request.deploy).folder.exists():
            raise Refused("this deploy was never begun here; nothing was changed")

    @_do.register(requests.Recover)
    def _recover(self, request: requests.Recover) -> None:
        run = self._run
        is_right = bool(run.needs_a_person)
        if is_right:
            run.read_again()
        if run.transaction is None or run.needs_a_person:
            return
        if is_right and self._progress.outcome is None:
            # It goes on by itself.
            return
        if self._progress.outcome != Outcome.NEEDS_A_PERSON or run.is_busy:
            raise Refused("a deploy is still running: " + describe_holder(run.state, run.transaction.deploy))
        run.recover(request)

    # --- What is answered, once there is something to answer

    @singledispatchmethod
    def _answer(self, request: Request) -> Result | None:
        raise NotImplementedError

    @_answer.register(requests.Begin)
    def _begun(self, request: requests.Begin) -> Result | None:
        run, deploy = self._run, request.deploy
        if deploy in run.refused:
            raise Refused(run.refused[deploy])
        if self._holds(deploy):
            return self._rested(self._progress) or (None if self._progress.falling_back else self._result(True))
        if run.begins == deploy:
            return None
        if Transaction(run.state, deploy).folder.exists():
            # One that has begun here does not begin again: it is told how it has ended.
            return self._ended(deploy)
        if self._is_free():
            self._ended_at.clear()
            run.begin(request)
        return None

    def _is_free(self) -> bool:
        """Whether something new can be begun by now. Raises Refused where a run holds the host."""
        if self._run.transaction is not None:
            raise Refused(describe_holder(self._run.state, self._run.transaction.deploy))
        return not self._run.is_busy

    @_answer.register(requests.Go)
    def _gone(self, request: requests.Go) -> Result | None:
        if request.until in self._done(request.deploy):
            # What has become of the run since belongs to the step that comes next.
            return self._step_is_over(request)
        if not self._holds(request.deploy):
            return self._ended(request.deploy)
        return self._rested(self._progress) if request.until else self._result(True)

    def _step_is_over(self, request: requests.Go) -> Result | None:
        """That a step went well; it is told a little later where the host goes on, to tell of later steps as well."""
        since = self._ended_at.setdefault(request.until, time.monotonic())
        progress = self._progress_of(request.deploy)
        goes_on = self._holds(request.deploy) and self._run.is_busy and not progress.falling_back
        self._due = since + request.lingers
        if goes_on and time.monotonic() < self._due:
            return None
        said = self._run.script.said(progress, request.verbose)
        return Result(True, warnings=said.warnings, told=said.told, steps=said.steps)

    def _done(self, deploy: str) -> tuple[str, ...]:
        return self._progress_of(deploy).done if Transaction(self._run.state, deploy).folder.exists() else ()

    def _progress_of(self, deploy: str) -> Progress:
        """How far a run has come, also one that has ended."""
        if self._holds(deploy):
            return self._progress
        return self._over(deploy) or Transaction(self._run.state, deploy).progress

    def _over(self, deploy: str) -> Progress | None:
        """How far a run came that this runner has ended last."""
        over = self._run.over
        return over[1] if over and over[0] == deploy else None

    @_answer.register(requests.AllWell)
    def _is_all_well(self, request: requests.AllWell) -> Result | None:
        if not self._holds(request.deploy):
            return self._ended(request.deploy)
        return self._result(True) if self._progress.all_well else self._rested(self._progress)

    @_answer.register(requests.Commit)
    def _committed(self, request: requests.Commit) -> Result | None:
        if not self._holds(request.deploy):
            waits = request.clean and self._run.waits_for_clean(request.clean.deploy)
            if waits:
                return None
            told = told_at_its_end(self._run.state, request.deploy) if request.tells else None
            return replace(self._ended(request.deploy), record=told)
        return self._rested(self._progress)

    @_answer.register(requests.KeepPage)
    def _kept(self, request: requests.KeepPage) -> Result:
        keep(self._run.state, request)
        return Result(True)

    @_answer.register(requests.FallBack)
    def _back(self, request: requests.FallBack) -> Result | None:
        if self._run.begins == request.deploy:
            return None
        if not self._holds(request.deploy):
            return self._ended(request.deploy)
        return self._rested(self._progress)

    @_answer.register(requests.Recover)
    def _recovered(self, request: requests.Recover) -> Result | None:
        run = self._run
        if run.needs_a_person:
            return needs_a_person(run.needs_a_person)
        if run.transaction is not None:
            return None if run.is_busy or self._progress.outcome is None else self._result(False)
        if run.over is None:
            return Result(True, told=("no deploy is open on this host",))
        return result_of(run.over[1], run.over[1].outcome != Outcome.NEEDS_A_PERSON, run.script.said(run.over[1]))

    @_answer.register(requests.Clean)
    def _cleaned(self, request: requests.Clean) -> Result | None:
        why = self._run.cleaned.get(request.deploy)
        if why:
            raise Refused(why)
        if why is None and self._run.cleaning != request.deploy and self._is_free():
            self._run.clean(request)
        return None if why is None else Result(True)

    def _rested(self, progress: Progress) -> Result | None:
        """How a run has ended on its host, or why it rests; None while it goes on."""
        if progress.outcome and not self._run.is_busy:
            return self._result(False)
        if progress.falling_back and (self._run.waits_for_primary or self._run.cannot_end):
            return self._result(False)
        return needs_a_person(self._run.needs_a_person) if self._run.needs_a_person else None

    def _ended(self, deploy: str) -> Result:
        """How a run has ended that does not hold the host."""
        progress = self._over(deploy)
        if progress:
            return result_of(progress, progress.outcome == Outcome.COMMITTED, self._run.script.said(progress))
        return told_by_disk(Transaction(self._run.state, deploy))

    def _result(self, ok: bool) -> Result:
        return result_of(self._progress, ok, self._run.script.said(self._progress))

    def _labels(self, request: Request) -> tuple[str, ...]:
        """Of what the lines are that belong to a request."""
        if not isinstance(request, requests.Go):
            return (*LABELS.get(type(request), ()), WAY_BACK)
        return (request.until,) if request.until in self._done(request.deploy) else (request.until, WAY_BACK)

    def _holds(self, deploy: str) -> bool:
        return self._run.transaction is not None and self._run.transaction.deploy == deploy

    @property
    def _progress(self) -> Progress:
        return self._run.progress


LABELS: dict[type, tuple[str, ...]] = {
    requests.Begin: (BEGIN,),
    requests.Commit: (COMMIT, CLEAN),
    requests.Recover: (RECOVER,),
    requests.Clean: (CLEAN,),
}
