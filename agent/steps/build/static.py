"""The step that collects the static files."""

from __future__ import annotations

from agent.django.warm import django_that_stays
from agent.host.users import acting_as
from agent.steps.kind import BuildStep, Note
from agent.transaction.step import Step
from agent.visitors import served


class Static(BuildStep):
    """Collect the static files into the version."""

    name = "static"

    def do(self, step: Step) -> Note:
        """Collect the static files into the version."""
        folder = step.layout.part(step.version, "static")
        with acting_as(step.layout.app):
            folder.mkdir(exist_ok=True)
        found = django_that_stays(step, "static", str(folder))
        return {**found, **served.lead_app_there(step, found)}
