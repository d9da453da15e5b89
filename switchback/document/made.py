"""The document of a run, made of what was noted of it, how its command line has ended, and what its hosts have told.

Pure: `of_process.py` has read all that from where it stands.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click

from agent.state import State
from agent.words.outcomes import Outcome
from agent.words.result import Result
from switchback.document.model import Document, HostEnd, Operation, Problem, StepEnd, Versions
from switchback.document.noted import Noted
from switchback.ended import CHANGES, STOPPED, Ended, worst
from switchback.plan.model import HostPreview
from switchback.runs.run import Run
from switchback.settings.errors import OfHost, Refused

# The runs that bring a host to another version.
SWITCHES = ("deploy", "revert")


@dataclass(frozen=True)
class Asked:
    """What was asked for on the command line.

    + kind: the run; by: who has asked
    + only_looks: whether looking is all; detailed: whether the exit code is to say whether there is anything to do
    """

    kind: str
    by: str
    only_looks: bool
    detailed: bool


@dataclass(frozen=True)
class HostSeen:
    """What pyinfra has seen of a host.

    + failed: whether it was given up; operations: those that it has
    + heard: how the calls of its agent have ended, oldest first
    """

    name: str
    failed: bool
    operations: tuple[Operation, ...]
    heard: tuple[Result, ...]


def document_of(
    asked: Asked, noted: Noted, hosts: Sequence[HostSeen], begun: bool, error: BaseException | None
) -> Document:
    """The document of a run that has ended.

    + hosts: those that take part; none where it has not come to them
    + begun: whether operations were begun on them
    + error: what has ended the command line; pyinfra ends it with SystemExit where nothing went wrong
    """
    acting = [run for run in noted.runs if run.steps]
    if begun and acting:
        heard = {one.name: one.heard for one in hosts}
        ends = [_transaction(run, heard.get(run.host, ())) if run.steps else _idle(run) for run in noted.runs]
    elif noted.looked:
        ends = list(noted.looked)
    elif begun:
        ends = [_of_operations(one, noted) for one in hosts]
    else:
        ended = _unbegun(noted, hosts, error)
        told = {one.host: one for one in noted.preview.hosts} if noted.preview else {}
        ends = [_unbegun_on(one, told.get(one.name), ended) for one in hosts]
    outcome = worst([*(one.outcome for one in ends), *_besides(noted, ends, begun, hosts, error)])
    code = CHANGES if asked.detailed and outcome == Ended.WOULD_CHANGE else outcome.exit_code
    return Document(
        kind=asked.kind,
        id=next((run.deploy for run in acting), None) if begun else None,
        by=asked.by,
        began=utc(noted.began),
        seconds=round(time.time() - noted.began, 3),
        only_looked=asked.only_looks,
        outcome=outcome,
        exit_code=code if noted.exit_code is None else noted.exit_code,
        sentence=_sentence(asked.kind, ends, outcome),
        problems=tuple(_problems(noted, begun, error)),
        warnings=tuple(noted.warnings),
        differences=tuple(noted.differences),
        hosts=tuple(ends),
        preview=noted.preview,
    )


def utc(at: float) -> str:
    """A time as it stands in the document."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def _transaction(run: Run, heard: Sequence[Result]) -> HostEnd:
    last = next((one for one in reversed(heard) if one.outcome), None)
    steps = {step.name: step for one in heard for step in one.steps}
    known = HostEnd(
        host=run.host,
        primary=run.host == run.primary,
        outcome=Ended.UNKNOWN,
        sentence=f"no word from the host: it falls back by itself, {run.falls_back_alone}",
        versions=Versions(was=run.was, now=None, wanted=run.version),
        steps=tuple(StepEnd(name=one.name, seconds=one.seconds, says=one.lines) for one in steps.values()),
    )
    if last is None or last.outcome is None:
        return known
    return known.model_copy(
        update={
            "outcome": Ended(last.outcome.value),
            "sentence": last.sentence,
            "reason": last.reason,
            "failed": last.failed,
            "stopped": last.interrupted,
            "followed": last.followed,
            "versions": Versions(was=run.was, now=_live(run, last.outcome), wanted=run.version),
            "evidence": str(State(run.settings.site).transaction(run.deploy)) if last.evidence else None,
            "backup": last.backup,
            "cost": last.spent,
            "warnings": last.warnings,
            "notices": last.told,
        }
    )


def _live(run: Run, outcome: Outcome) -> str | None:
    """The version that is live once a run has ended so; None where that is not known."""
    if outcome == Outcome.COMMITTED:
        return run.version if run.kind in SWITCHES else run.was
    return run.was if outcome in (Outcome.REFUSED, Outcome.FELL_BACK) else None


def _idle(run: Run) -> HostEnd:
    return HostEnd(
        host=run.host,
        primary=run.host == run.primary,
        outcome=Ended.NOTHING_TO_DO,
        sentence=run.idle,
        versions=Versions(was=run.was, now=run.was, wanted=run.version or None),
    )


def _of_operations(one: HostSeen, noted: Noted) -> HostEnd:
    """A host of a run that is no transaction: it has failed, or done what it was for."""
    last = next((result for result in reversed(one.heard) if result.outcome), None)
    changed = any(operation.changes for operation in one.operations)
    broken = next((operation for operation in one.operations if operation.well is False), None)
    ended = Ended.DONE if changed else Ended.NOTHING_TO_DO
    if one.failed:
        ended = Ended(last.outcome.value) if last and last.outcome else Ended.FAILED
    return HostEnd(
        host=one.name,
        outcome=ended,
        sentence=last.sentence if last else "",
        reason=last.reason if last else broken.says if broken else (),
        failed=broken.name if broken else None,
        warnings=last.warnings if last else (),
        notices=last.told if last else (),
        operations=one.operations,
        next=tuple(noted.next.get(one.name, ())),
    )


def _unbegun(noted: Noted, hosts: Sequence[HostSeen], error: BaseException | None) -> Ended:
    """How a run has ended that was not begun: in a look, or in a word for why not."""
    if isinstance(error, SystemExit) and error.code == STOPPED:
        return Ended.STOPPED
    if isinstance(error, Refused) and error.exit_code == 1:
        return Ended.REFUSED
    if not isinstance(error, (Refused, SystemExit)) or getattr(error, "code", 0) not in (0, None):
        return Ended.FAILED
    changes = any(operation.changes for one in hosts for operation in one.operations)
    if noted.preview:
        changes = noted.preview.changes
    return Ended.WOULD_CHANGE if changes else Ended.NOTHING_TO_DO


def _unbegun_on(one: HostSeen, told: HostPreview | None, ended: Ended) -> HostEnd:
    """The same of one host, as far as it was looked at."""
    if told is None:
        return HostEnd(host=one.name, outcome=ended, operations=one.operations)
    return HostEnd(
        host=one.name,
        primary=told.primary,
        outcome=Ended.NOTHING_TO_DO if ended == Ended.WOULD_CHANGE and told.idle else ended,
        sentence=told.idle,
        versions=Versions(was=told.was, now=told.was, wanted=told.version),
        operations=one.operations,
    )


def _besides(
    noted: Noted, ends: Sequence[HostEnd], begun: bool, hosts: Sequence[HostSeen], error: BaseException | None
) -> Iterable[Ended]:
    """How a run has ended besides what its hosts say: where there are none, or it was stopped, or an error of its own
    has ended it."""
    if noted.looked:
        return
    if not begun:
        yield _unbegun(noted, hosts, error)
    elif isinstance(error, SystemExit) and error.code == STOPPED:
        yield Ended.STOPPED
    elif not isinstance(error, (Refused, SystemExit)):
        yield Ended.FAILED


def _problems(noted: Noted, begun: bool, error: BaseException | None) -> Iterable[Problem]:
    told = error.problems if isinstance(error, Refused) and error.exit_code == 1 and not begun else ()
    for one in (*noted.problems, *told):
        yield Problem(host=one.host, says=one.says) if isinstance(one, OfHost) else Problem(host=None, says=one)
    if error is not None and not isinstance(error, (Refused, SystemExit)):
        yield Problem(host=None, says=told_of(error))


def told_of(error: BaseException) -> str:
    """What to say of an error that is none of Switchback's refusals; pyinfra wraps those that are not its own."""
    meant = getattr(error, "exception", error)
    return meant.format_message() if isinstance(meant, click.ClickException) else f"{type(meant).__name__}: {meant}"


def _sentence(kind: str, ends: Sequence[HostEnd], outcome: Ended) -> str:
    """How it has ended in a line: where, if not the same everywhere."""
    where: dict[Ended, list[str]] = {}
    for one in ends:
        where.setdefault(one.outcome, []).append(one.host)
    if len(where) < 2:
        return f"{kind}: {outcome}"
    parts = [f"{ended} on {', '.join(names)}" for ended, names in sorted(where.items(), key=lambda one: one[0].value)]
    return f"{kind}: {'; '.join(parts)}"
