"""The step that collects the static files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from agent.django.warm import django_that_stays
from agent.host.users import acting_as
from agent.steps.kind import BuildStep
from agent.transaction.step import Step
from agent.visitors import served
from agent.words.notes import Note


@dataclass(frozen=True)
class Collected(Note):
    """Where visitors find the static files; and what Django's checks have found meanwhile, in the same Django."""

    step: ClassVar[str] = "static"
    url: str = ""
    checks: dict[str, Any] = field(default_factory=dict)


class Static(BuildStep):
    """Collect the static files into the version."""

    name = "static"

    def do(self, step: Step) -> Collected:
        """Collect the static files into the version."""
        folder = step.layout.part(step.version, "static")
        with acting_as(step.layout.app):
            folder.mkdir(exist_ok=True)
        found = django_that_stays(step, "static", str(folder))
        warning = served.lead_app_there(step, found)
        return Collected(warning=warning, url=found.get("url", ""), checks=found["checks"])
