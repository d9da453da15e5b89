"""Mark the version failed, so that nothing goes back to it, and say where its evidence is."""

from __future__ import annotations

import time
from dataclasses import replace

from agent.steps.kind import Turn, Undo
from agent.steps.order import named
from agent.transaction.consequences import failed_step
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext
from agent.versions.marks import read_mark, write_mark
from agent.words.notes import Undone
from agent.words.seen import Failure


class MarkFailed(Undo):
    """Mark the version failed, so that nothing goes back to it, and say where its evidence is."""

    name = "mark"
    turn = Turn.MARK
    even_then = True
    looks = "mark the version failed"
    tidies = True
    says = "marked: the version has failed"

    def needed(self, progress: Progress) -> bool:
        """Where the version is to blame."""
        return marks_failed(progress)

    def do(self, step: StepContext) -> Undone:
        """Mark it."""
        state, deploy, evidence = step.transaction.state, step.transaction.deploy, str(step.transaction.folder)
        failed = Failure(failed_step(step.progress), deploy, int(time.time()))
        if step.begin.kind == "revert" and step.begin.was:
            # It is live again, and works as it did: it is its migrations that could not be reversed.
            left = replace(read_mark(state, step.begin.was), failed=failed, evidence=evidence)
            write_mark(state, step.begin.was, left)
            return Undone()
        known = read_mark(state, step.version)
        new = replace(known, built_by=deploy, working=None, failed=failed, evidence=evidence)
        write_mark(state, step.version, new)
        return Undone()


def marks_failed(progress: Progress) -> bool:
    """Whether the version is to be marked failed.

    None is where no lock was to be had in the database. Else a new one always is; one that has worked before only when
    the failure is its own, not when a script, the link to the controller or another host failed. What a revert goes to
    never is: it meets another version's schema. The version that is left is, when its migrations could not be reversed.
    """
    if progress.no_lock:
        return False
    if progress.begin.kind == "revert":
        return progress.failed == "migrate" and progress.begin.database == "reverse"
    if progress.begin.kind in ("restart", "clean") or not progress.started:
        return False
    return not progress.begin.has_worked or _blames_version(progress.failed)


def _blames_version(step: str | None) -> bool:
    kind = named(step or "")
    return bool(kind and kind.blames_version)
