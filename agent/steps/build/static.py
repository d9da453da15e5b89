"""The step that collects the static files."""

# No `from __future__ import annotations`: see shapes.

from typing import ClassVar, Optional

from agent.django.warm import django_that_stays
from agent.host.users import acting_as
from agent.inside import protocol
from agent.inside.lean import dataclass
from agent.steps.kind import BuildStep
from agent.transaction.step import StepContext
from agent.visitors import served
from agent.words.notes import Note


@dataclass(frozen=True)
class Collected(Note):
    """Where visitors find the static files; and what Django's checks have found meanwhile, in the same Django."""

    step: ClassVar[str] = "static"
    url: str = ""
    checks: Optional[protocol.Checks] = None


class Static(BuildStep):
    """Collect the static files into the version."""

    name = "static"

    def do(self, step: StepContext) -> Collected:
        """Collect the static files into the version."""
        folder = step.layout.part(step.version, "static")
        with acting_as(step.layout.app):
            folder.mkdir(exist_ok=True)
        found = django_that_stays(step, protocol.Collected, "static", str(folder))
        warning = served.lead_app_there(step, found)
        return Collected(warning=warning, url=(found.place and found.place.url) or "", checks=found.checks)
