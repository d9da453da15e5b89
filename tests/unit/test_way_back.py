"""The way back of the database is chosen from what is seen right before it is changed, and from what is applied."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from agent.database import way_back
from agent.django import sessions, warm
from agent.host.command import CommandFailed
from agent.inside.protocol import Migrated
from agent.steps.switch import migrate
from agent.transaction.consequences import database_fallback_of
from agent.transaction.step import StepContext, StepFailed
from agent.transaction.transaction import Transaction
from tests.unit.agent_host import ID, Host
from tests.unit.django_found import django_found
from tests.unit.journals import begun, noted
from tests.unit.migrating_host import BEFORE, MigratingHost
from tests.unit.steps import really, really_undone

Note = dict[str, Any]
DROPS = {"app": "items", "kind": "RemoveField", "model": "item", "name": "made", "says": "Remove made"}


def migration(name: str, operation: Note = DROPS, **more: Any) -> Note:
    told = {"reversible": True, "atomic": True, "loses": False, "halfway": False, "operations": [operation]}
    return {"app": "items", "name": name, **told, **more}


class Site(MigratingHost):
    """A host, and a database whose rows and migrations a test says."""

    def __init__(self, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(host)
        self.loses, self.asked = False, list[str]()
        for module in (way_back, migrate, sessions):
            monkeypatch.setattr(module, "django", self._django)
        monkeypatch.setattr(warm, "migrate", self._migrate)
        monkeypatch.setattr(migrate, "restore", self._restore)
        monkeypatch.setattr(migrate, "prove_restored", lambda *_: True)
        host.step("backup", lambda _: {"path": "/srv/backups/a.dump"})
        host.step("migrate", really("migrate"))
        host.step("swap", self._fails)
        host.action("database", really_undone("database"))
        self.does: tuple[str, ...] = ("0002",)
        self.pending: list[Note] = []

    def _django(self, step: StepContext, shape: Any, verb: str, *arguments: str, **_: Any) -> Any:
        self.asked.append(verb)
        if verb == "end_sessions":
            return django_found(shape)
        if verb == "unapply":
            gone = [one for one in self.applied if one not in BEFORE]
            self.applied = [*BEFORE]
            return django_found(shape, unapplied=gone)
        return django_found(shape, applied=self.applied, pending=[{**one, "loses": self.loses} for one in self.pending])

    def _migrate(self, step: StepContext) -> Any:
        self.applied += [["items", name] for name in self.does]
        if len(self.does) < len(self.pending):
            raise CommandFailed("manage.py did not finish migrate", "")
        return django_found(Migrated)

    def _restore(self, step: StepContext, backup: str) -> None:
        self.asked.append("restore")
        self.applied = [*BEFORE]

    def _fails(self, step: StepContext) -> Note:
        raise StepFailed("it broke")

    def deploys(self, *pending: Note, way: str = "reverse", script: str | None = "/srv/restore.sh", **more: Any) -> str:
        """A deploy that fails once it has migrated. Returns all that was said."""
        self.pending = list(pending)
        self.begins(way, self.pending, {"restore_script": script, **more.pop("settings", {})}, **more)
        for name in ("checks", "maintenance_start", "backup", "migrate", "swap"):
            if self.host.run(name) != [True]:
                break
        return self.host.said

    @property
    def decided(self) -> str:
        return database_fallback_of(Transaction(self.host.state, ID).progress)


@pytest.fixture
def site(host: Host, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A host of its own."""
    return Site(host, monkeypatch)


def test_rows_that_came_in_since_the_checks_are_brought_back_by_the_backup(site: Site) -> None:
    site.loses = True
    said = site.deploys(migration("0002"))
    assert "since the checks something was stored that items.0002 discards: the way back is the backup" in said
    assert "the database goes back by restore: items.0002 is applied" in said
    assert "  undone: database, from /srv/backups/a.dump" in said
    assert site.decided == "restore"


def test_rows_that_came_in_since_and_no_script_that_restores_are_told_and_where_the_values_are(site: Site) -> None:
    site.loses = True
    said = site.deploys(migration("0002"), script=None)
    assert "WARNING: since the checks something was stored that items.0002 discards: reversing it brings none" in said
    assert said.splitlines()[-1].startswith("fell back at swap: ")
    assert "; what items.0002 had discarded is in the backup alone: /srv/backups/a.dump; evidence: " in said


def test_rows_that_came_in_since_are_not_discarded_where_provision_could_have_written_a_script(site: Site) -> None:
    site.loses = True
    said = site.deploys(migration("0002"), script=None, provisioned=True)
    assert "run deploys/provision.py, which writes a script that restores" in said
    assert said.splitlines()[-1].startswith("fell back at migrate: ")
    assert site.applied == BEFORE


def test_rows_that_came_in_since_are_not_discarded_while_visitors_are_in(site: Site) -> None:
    site.loses = True
    site.host.step("maintenance_start", lambda _: {"skipped": "no window is needed"})
    said = site.deploys(migration("0002"))
    assert "since the checks something was stored that items.0002 would discard, and no backup can be restored" in said
    assert site.applied == BEFORE
    assert "restore" not in site.asked


def test_nobody_is_asked_again_where_nothing_could_be_discarded(site: Site) -> None:
    adds = {**DROPS, "kind": "AddField"}
    said = site.deploys(migration("0002", adds))
    assert "undone: database" in said
    # For what is applied, on the way back.
    assert site.asked[-2:] == ["migrations", "unapply"]
    assert site.asked.count("migrations") == 1
    assert "goes back by" not in said


def test_what_is_not_applied_yet_needs_no_restore(site: Site) -> None:
    adds = {**DROPS, "kind": "AddField"}
    said = site.deploys(migration("0002", adds), migration("0003", loses=True), way="restore")
    assert "the database goes back by reverse: nothing is applied that this can't bring back" in said
    assert "restore" not in site.asked
    assert site.applied == BEFORE
    assert said.splitlines()[-1].startswith("fell back at migrate: ")


@pytest.mark.parametrize("half", [{"atomic": False}, {"halfway": True}])
def test_what_may_be_half_applied_is_restored_where_that_can_be_done(half: Note, site: Site) -> None:
    site.does = ()
    said = site.deploys(migration("0002", **half))
    assert "the database goes back by restore: items.0002 may be half applied" in said
    assert said.splitlines()[-1].startswith("fell back at migrate: ")


@pytest.mark.parametrize("half", [{"atomic": False}, {"halfway": True}])
def test_what_may_be_half_applied_and_can_not_be_restored_needs_a_person(half: Note, site: Site) -> None:
    site.does = ()
    said = site.deploys(migration("0002", **half), script=None)
    assert said.splitlines()[-1].startswith("needs a person at migrate: ")
    assert "the schema may be half applied" in said
    assert "undone: database" not in said.replace("could not be undone: database", "")


def test_a_restore_that_was_begun_is_gone_on_with(site: Site) -> None:
    site.host.step("backup", lambda _: {"path": "/srv/backups/a.dump"})
    site.deploys(migration("0002", loses=True), way="restore")
    assert site.asked.count("restore") == 1
    transaction = Transaction(site.host.state, ID)
    # Half of the backup may be in, whatever is recorded as applied.
    assert way_back.choose(StepContext("fallback", transaction, 1)) == ("restore", None)


def test_what_the_settings_demand_is_done_whatever_is_applied(site: Site) -> None:
    adds = {**DROPS, "kind": "AddField"}
    site.deploys(migration("0002", adds), way="restore", settings={"database_fallback": "restore"})
    assert site.asked.count("restore") == 1


def test_migrations_that_are_left_over_after_migrate_fail_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pending = [migration("0002"), migration("0003")]
    asked: Any = SimpleNamespace(begin=begun(), note=noted({"checks": {"pending": pending}}))
    left = [migration("0003")]
    monkeypatch.setattr(way_back, "look_again", lambda _: None)
    monkeypatch.setattr("agent.django.locks.tell", lambda *_: None)
    monkeypatch.setattr("agent.django.warm.migrate", lambda _: django_found(Migrated, pending=left))
    with pytest.raises(StepFailed, match=r"^still to be migrated afterwards: items\.0003$"):
        migrate.Migrate().do(asked)
    left.clear()
    assert migrate.Migrate().do(asked).applied == ("items.0002", "items.0003")
