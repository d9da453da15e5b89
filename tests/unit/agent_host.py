"""A host of one test: a real file system, the agent's own frame of a deploy, and steps that do what the test says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from agent.host.links import read_link
from agent.runs import commit
from agent.runs.carry_out import run_step
from agent.service import systemd
from agent.state import State
from agent.transaction.step import StepContext
from agent.transaction.transaction import Transaction, begin
from agent.versions.layout import Layout
from agent.visitors import site
from agent.words.notes import Glance
from tests.unit.examples import LIVE, NEW, OLD, settings
from tests.unit.journals import begun
from tests.unit.steps import BUILD, SWITCH, UNDOS, Does, really, really_undone, stand_in, stand_in_for_undo

ID = "20261123-120000-deploy-ab12"
LINKS = ("django-current", "django-previous", "django-working", "django-previous-working")


class Host:
    """A host with a live version and one before it, whose agent works in a folder of the test."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]) -> None:
        self.state = State("django", folder / "state")
        self.home = folder / "home"
        self.done: list[str] = []
        self._monkeypatch = monkeypatch
        self._said = said
        for version in (OLD, LIVE, NEW):
            (self.home / version / "config").mkdir(parents=True)
        for link, version in zip(LINKS, (LIVE, OLD, LIVE, OLD), strict=True):
            (self.home / link).symlink_to(self.home / version)
        # Whatever a real step would do to a real host.
        for name in (*BUILD, *SWITCH):
            self.step(name, lambda _: {})
        self.step("swap", really("swap"))
        self.step("maintenance_start", lambda _: {"page": {"status": 503}})
        monkeypatch.setattr(site, "glance", lambda _: Glance(shut="undo maintenance" not in self.done))
        for name in UNDOS:
            self.action(name, lambda _: {})
        self.action("maintenance", lambda _: {"open": True})
        self.action("links", really_undone("links"))
        self.action("mark", really_undone("mark"))

    def step(self, name: str, what: Does) -> None:
        """Say what a step does."""
        stand_in(self._monkeypatch, name, self._noted(name, what))

    def action(self, name: str, what: Does) -> None:
        """Say what an action of a fallback does."""
        stand_in_for_undo(self._monkeypatch, name, self._noted(f"undo {name}", what))

    def _noted(self, name: str, what: Does) -> Does:
        def do(step: StepContext) -> Any:
            self.done.append(name)
            return what(step)

        return do

    def begin(self, deploy: str = ID, **fields: Any) -> Transaction:
        """Open a deploy of the new version."""
        told = settings().for_host()
        links = {str(self.home / link): read_link(self.home / link) for link in LINKS}
        usual = {"kind": "deploy", "by": "ann@desk", "version": NEW, "was": LIVE, "bare": False, "hosts": ["web1"]}
        transaction = Transaction(self.state, deploy)
        begin(transaction, begun(**{**usual, "primary": True, "links": links, "settings": told, **fields}))
        return transaction

    def run(self, *names: str, deploy: str = ID) -> list[bool]:
        """Run steps, one by one, as a controller would."""
        return [self._run_one(name, deploy) for name in names]

    def _run_one(self, name: str, deploy: str) -> bool:
        return commit.commit(self.state, deploy) if name == "commit" else run_step(self.state, deploy, name)

    def links(self) -> dict[str, str]:
        """Where the four links lead."""
        return {link: (self.home / link).readlink().name for link in LINKS}

    @property
    def events(self) -> list[str]:
        """The journal of the deploy, without its details."""
        return [line.says.event for line in Transaction(self.state, ID).progress.lines]

    @property
    def said(self) -> str:
        """What the agent has said since the test asked last."""
        return self._said()


BEFORE = {
    "django-current": LIVE,
    "django-previous": OLD,
    "django-working": LIVE,
    "django-previous-working": OLD,
}
ALL = tuple(name for name in (*BUILD, *SWITCH) if name not in ("build_script", "install_script"))


def made(folder: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]) -> Host:
    """A host in a folder, on which nobody has to be another user.

    + said: what the agent has said since it was called last
    """
    for name, module in sys.modules.items():
        if name.startswith("agent.") and hasattr(module, "acting_as"):
            monkeypatch.setattr(module, "acting_as", lambda _: nullcontext())
    monkeypatch.setattr(Layout, "of", lambda told: Layout(told, folder / "home"))
    monkeypatch.setattr(systemd, "host_goes_down", lambda: False)
    return Host(folder, monkeypatch, said)
