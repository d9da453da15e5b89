"""What a step is given to work with."""

from __future__ import annotations

import time
from dataclasses import dataclass

from agent.host.command import Runner
from agent.transaction.progress import N
from agent.transaction.transaction import Transaction
from agent.versions.layout import Layout
from agent.words.settings import Settings


class StepFailed(Exception):
    """A step could not do its work, and why."""


@dataclass
class StepContext:
    """One step of one deploy.

    + url: the repository's, where it has one: it may hold a password, and is kept nowhere
    """

    name: str
    transaction: Transaction
    limit: float
    url: str = ""

    def __post_init__(self) -> None:
        self.until = time.time() + self.limit
        self.progress = self.transaction.progress
        self.begin = self.progress.begin
        self.layout = Layout.of(self.begin.settings)

    @property
    def settings(self) -> Settings:
        """The settings of the deploy."""
        return self.begin.settings

    @property
    def version(self) -> str:
        """The version that the deploy goes to."""
        return self.begin.version

    def note(self, shape: type[N]) -> N:
        """What an earlier step of this deploy found out. Raises JournalUnreadable."""
        return self.progress.note(shape)

    def runner(self, user: str | None) -> Runner:
        """What runs this step's commands, within what is left of its time."""
        return self.transaction.runner(self.name, user, max(0.0, self.until - time.time()))
