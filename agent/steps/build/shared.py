"""The step that links a version to what outlives it."""

# No `from __future__ import annotations`: see shapes.

import time
from typing import ClassVar

from agent.host.output import emit
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.shared.lay import lay
from agent.shared.looks import look
from agent.shared.places import places
from agent.steps.kind import BuildStep, RunAsKnown
from agent.transaction.step import StepContext, StepFailed
from agent.words.foreseen import SharedPlace
from agent.words.notes import Note


@dataclass(frozen=True)
class SharedLinked(Note):
    """The paths in the code that lead out of the version."""

    step: ClassVar[str] = "shared"
    paths: tuple[str, ...] = ()


class Shared(BuildStep):
    """Link the code to the directories and files that outlive its versions; what is not there yet is made."""

    name = "shared"

    def idle(self, known: RunAsKnown) -> str:
        """Where the settings name none."""
        return "" if places(known.settings) else "neither shared_dirs nor shared_files is set"

    def do(self, step: StepContext) -> SharedLinked:
        """Link them, once nothing is in the way of any."""
        layout, code = step.layout, step.layout.part(step.version, "code")
        with acting_as(layout.app):
            found = look(layout, code, time.monotonic() + step.limit)
        problems = [one.problem for one in found if one.problem]
        if problems:
            raise StepFailed("\n".join(problems))
        lay(step.runner(layout.app), layout, code, found)
        for one in found:
            if one.how != "there":
                emit(f"shared: {one.says}")
        notices = [one.notice for one in found if one.notice]
        warning = "\n".join([*(_not_shown(one) for one in found if one.differ), *dict.fromkeys(notices)])
        return SharedLinked(paths=tuple(one.path for one in found), warning=warning)


def _not_shown(one: SharedPlace) -> str:
    """What to say of files of the commit that nobody gets."""
    return f"{one.path}: what is shared stays; it lacks, or has otherwise, what the commit has there: {one.differing}"
