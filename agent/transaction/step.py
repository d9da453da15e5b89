"""What a step is given to work with."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from agent.host.command import Runner
from agent.transaction.transaction import Transaction
from agent.versions.layout import Layout


class StepFailed(Exception):
    """A step could not do its work, and why."""


@dataclass
class Step:
    """One step of one deploy.

    + given: what the controller said for this call alone, such as a repository's URL, that is kept nowhere
    """

    name: str
    transaction: Transaction
    limit: float
    given: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.until = time.time() + self.limit
        self.progress = self.transaction.progress
        self.begin = self.progress.begin
        self.layout = Layout.of(self.begin["settings"])

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the deploy."""
        settings: dict[str, Any] = self.begin["settings"]
        return settings

    @property
    def version(self) -> str:
        """The version that the deploy goes to."""
        return str(self.begin["version"])

    def notes(self, step: str) -> dict[str, Any]:
        """What an earlier step of this deploy found out."""
        return dict(self.progress.notes.get(step) or {})

    def runner(self, user: str | None) -> Runner:
        """What runs this step's commands, within what is left of its time."""
        return self.transaction.runner(self.name, user, max(0.0, self.until - time.time()))
