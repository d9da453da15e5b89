"""A host that does not take the database back asks the database whether it is back, before visitors are let in."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from agent.database import schema
from agent.service import health
from agent.transaction.step import StepContext, StepFailed
from agent.transaction.transaction import Transaction
from tests.unit.agent_host import ID, Host
from tests.unit.django_found import django_found
from tests.unit.journals import says
from tests.unit.migrating_host import BEFORE, MigratingHost
from tests.unit.steps import really_undone

AFTER = [*BEFORE, ["items", "0002_colour"]]
BREAKS = {"app": "items", "name": "0002_colour", "reversible": True, "atomic": True}
RENAMES = {"kind": "RenameField", "model": "item", "name": "a", "says": "Rename a to b", "reversible": True}


class Follower(MigratingHost):
    """A host of two that waits for the other one, and the database as it is now."""

    def __init__(self, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(host)
        self.applied = AFTER
        self.looks: Callable[[], object] = self.host.later
        monkeypatch.setattr(schema, "django", lambda _, shape, *__, **___: django_found(shape, applied=self.applied))
        # The old version's home page is well on any schema.
        monkeypatch.setattr(health, "app_problem", lambda *_, **__: None)
        host.action("schema", really_undone("schema"))

    def loses_its_controller(self, way: str, **more: Any) -> Transaction:
        """Begin, come as far as the migration, and fall back."""
        pending = [{**BREAKS, "operations": [{"app": "items", **RENAMES}]}]
        transaction = self.begins(way, pending, more, primary=False, hosts=["web1", "web2"])
        self.host.step("migrate", lambda _: {"skipped": "done by the primary host"})
        self.host.run("checks", "maintenance_start", "migrate")
        transaction.journal.note(says("fallback", reason="no word", settled=False))
        self.looks = self.host.start_runner
        return transaction

    def let_in(self) -> bool:
        """Have its runner look once. Returns whether visitors are in."""
        self.looks()
        self.looks = self.host.later
        return "undo maintenance" in self.host.done


@pytest.fixture
def follower(host: Host, monkeypatch: pytest.MonkeyPatch) -> Follower:
    """A host of its own."""
    return Follower(host, monkeypatch)


@pytest.mark.parametrize("way", ["restore", "reverse"])
def test_a_healthy_old_app_is_no_proof_that_the_database_is_back(way: str, follower: Follower) -> None:
    follower.loses_its_controller(way)
    assert not follower.let_in()
    follower.applied = BEFORE
    assert follower.let_in()
    assert follower.host.said.splitlines()[-1].startswith("fell back at migrate: ")


def test_nobody_is_let_in_before_a_restore_that_may_yet_come(follower: Follower) -> None:
    follower.loses_its_controller("restore")
    follower.applied = BEFORE
    assert not follower.let_in()


def test_a_database_that_never_comes_back_needs_a_person_and_keeps_maintenance_on(
    follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction = follower.loses_its_controller("restore")
    assert not follower.let_in()
    late = time.time() + 10_000
    monkeypatch.setattr(schema, "time", SimpleNamespace(time=lambda: late))
    assert not follower.let_in()
    last = follower.host.said.splitlines()[-1]
    assert last.startswith("needs a person at migrate: ")
    assert "maintenance stays ON" in last
    assert "the primary host has not taken the database back: items.0002_colour" in last
    assert transaction.deploy == ID


def test_while_it_waits_nothing_is_restarted_over_links_that_could_not_be_put_back(follower: Follower) -> None:
    def breaks(step: StepContext) -> None:
        raise StepFailed("read-only file system")

    pending = [{**BREAKS, "operations": [{"app": "items", **RENAMES}]}]
    transaction = follower.begins("reverse", pending, {}, primary=False, hosts=["web1", "web2"])
    host = follower.host
    host.step("migrate", lambda _: {"skipped": "done by the primary host"})
    host.run("checks", "maintenance_start", "migrate", "swap", "restart")
    host.action("links", breaks)
    assert host.fall_back("no word") is None
    assert transaction.progress.falling_back
    assert "undo links" in host.done
    assert "undo restart" not in host.done
