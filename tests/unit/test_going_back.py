"""What a revert does with the database: found out and refused first, done, and proven; and so for every restore."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.database import going_back, restoring
from agent.database.going_back import TakenBack
from agent.django import scripts
from agent.host.command import CommandFailed
from agent.state import State
from agent.steps.order import known_from
from agent.steps.switch import migrate
from agent.steps.switch.backup import Backup
from agent.transaction.progress import N, Progress
from agent.transaction.step import StepFailed
from agent.words.journal import written
from agent.words.notes import Checked
from agent.words.shapes import bare, to_json
from tests.unit.django_found import django_found
from tests.unit.healthy import host_settings
from tests.unit.journals import begun, lines, progress
from tests.unit.steps import really_undone

OLD, NEW = "django-20261101-100000-aaaaaaa-fffffff", "django-20261102-100000-bbbbbbb-fffffff"
FIRST, SECOND, BY_HAND = ["items", "0001_initial"], ["items", "0002_note"], ["items", "0002_by_hand"]
ADDS = {"app": "items", "kind": "AddField", "model": "item", "says": "Add field note to item"}


def described(reversible: bool = True) -> dict[str, Any]:
    operation = {**ADDS, "field": {"class": "TextField"}}
    return {"app": "items", "name": "0002_note", "reversible": reversible, "atomic": True, "operations": [operation]}


class Step:
    """As much of a step as a revert's database has to do with, and a Django that says what it is told to.

    + says: what each verb says, in order; an exception is raised
    """

    def __init__(self, folder: Path, kind: str = "revert", database: str = "keep", **says: list[Any]) -> None:
        self.begin = begun(kind=kind, database=database, was=NEW, version=OLD, backup="/older.dump")
        self.settings = host_settings(restore_script="restore.sh", database_fallback="keep")
        self.name, self.version = "migrate", OLD
        self.transaction = SimpleNamespace(deploy="20261128-1", state=State("django", folder / "state"))
        self.layout = SimpleNamespace(
            version=lambda name: folder / name,
            part=lambda name, which: folder / name / which,
            path=lambda key: Path("/restore.sh"),
            app="app",
            home=folder,
        )
        self.noted: dict[str, Any] = {"maintenance_start": {}}
        self.says, self.asked, self.ran = says, list[tuple[str, ...]](), list[list[str]]()
        self.started: tuple[str, ...] = ("maintenance_start", "migrate")
        for name, known in ((OLD, [FIRST]), (NEW, [FIRST, SECOND])):
            (folder / name).mkdir(exist_ok=True)
            (folder / name / ".switchback.json").write_text(json.dumps({"migrations": known}))

    @property
    def progress(self) -> Progress:
        done = [{"event": "step done", "step": name, "note": told} for name, told in self.noted.items()]
        began = [{"event": "step started", "step": name} for name in self.started]
        return replace(progress(*began, *done), begun=self.begin, done=("maintenance_start", "migrate"))

    def note(self, shape: type[N]) -> N:
        return self.progress.note(shape)

    def runner(self, user: str) -> Any:
        return SimpleNamespace(run=lambda argv, **how: self.ran.append(argv))

    def django(self, step: Any, shape: Any, verb: str, *arguments: str, version: str = "") -> Any:
        self.asked.append((verb, *arguments, version or OLD))
        said = self.says[verb].pop(0)
        if isinstance(said, Exception):
            raise said
        return django_found(shape, **said)


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def made(**told: Any) -> Step:
        one = Step(tmp_path, **told)
        for module in (going_back, restoring, migrate):
            monkeypatch.setattr(module, "django", one.django)
        monkeypatch.setattr(scripts, "for_scripts", lambda *_: {})
        return one

    return made


def leaving(*migrations: dict[str, Any], unknown: Any = ()) -> list[Any]:
    return [{"applied": [FIRST, SECOND, *unknown], "leaving": list(migrations), "unknown": list(unknown)}]


def test_a_revert_that_keeps_the_database_says_what_the_older_code_can_not_write(step: Any) -> None:
    found = going_back.check(step(leaving=leaving(described())))
    says = (
        "items.0002_note stays applied (Add field note to item: "
        "the old code does not fill the new column, which must not be empty (db_default helps))"
    )
    assert (found.newer_schema, found.warning) == ((says,), says)


def test_a_revert_between_versions_with_the_same_migrations_asks_no_django(step: Any, tmp_path: Path) -> None:
    one = step()
    (tmp_path / NEW / ".switchback.json").write_text(json.dumps({"migrations": [FIRST]}))
    assert (going_back.check(one), one.asked) == (Checked(), [])


def test_what_can_not_be_reversed_is_refused_before_anything_is_touched(step: Any) -> None:
    with pytest.raises(StepFailed) as failed:
        going_back.check(step(database="reverse", leaving=leaving(described(reversible=False))))
    assert str(failed.value) == (
        "these migrations can't be reversed: items.0002_note\n"
        "Go back without the database (--data database=keep), or with a backup (--data database=restore)."
    )


def test_a_version_that_says_nothing_of_its_migrations_is_not_gone_back_to_by_reversing(
    step: Any, tmp_path: Path
) -> None:
    one = step(database="reverse")
    (tmp_path / OLD / ".switchback.json").write_text("{}")
    with pytest.raises(StepFailed, match="it was not built by Switchback"):
        going_back.check(one)


def test_a_version_that_can_not_even_say_what_is_applied_is_left_all_the_same(step: Any) -> None:
    found = going_back.check(step(leaving=[CommandFailed("manage.py fails", "")]))
    assert found == Checked(warning=f"what is applied that {OLD} does not know can't be told: manage.py fails")
    broken = step(database="reverse", leaving=[CommandFailed("manage.py fails", "")])
    with pytest.raises(CommandFailed):
        going_back.check(broken)


def test_reversing_takes_back_what_the_older_version_lacks_and_the_one_that_is_left_has(step: Any) -> None:
    one = step(
        database="reverse",
        leaving=leaving(described(), unknown=[BY_HAND]),
        unapply=[{"unapplied": [SECOND], "wrong": []}],
    )
    one.noted["checks"] = bare(going_back.check(one))
    assert one.note(Checked).warning == ("applied, and in neither version, so that it stays: items.0002_by_hand")
    going_back.take_back(one)
    assert one.asked[-1] == ("unapply", json.dumps([FIRST, BY_HAND]), NEW)


def test_an_older_backup_that_brings_nothing_back_is_a_failure(step: Any) -> None:
    one = step(
        database="restore",
        leaving=leaving(described()),
        migrations=[{"applied": [FIRST, SECOND], "pending": []}, {"applied": [FIRST], "pending": []}],
    )
    one.noted["checks"] = bare(going_back.check(one))
    with pytest.raises(StepFailed, match=r"items\.0002_note is still applied: it restored nothing"):
        going_back.take_back(one)
    going_back.take_back(one)
    assert one.ran[-1] == ["/restore.sh", "/older.dump"]


def test_what_stood_beside_the_older_version_already_is_there_after_its_backup_was_restored(step: Any) -> None:
    later = {**described(), "name": "0003_place"}
    one = step(
        database="restore",
        leaving=leaving(described(), later),
        migrations=[{"applied": [FIRST, SECOND], "pending": []}],
    )
    one.noted["checks"] = bare(going_back.check(one))
    going_back.take_back(one)
    assert one.ran == [["/restore.sh", "/older.dump"]]


@pytest.mark.parametrize(("then", "ends_well"), [([FIRST, SECOND], True), ([FIRST], False)])
def test_what_was_applied_at_the_backup_may_be_applied_after_it_was_restored(
    step: Any, tmp_path: Path, then: list[list[str]], ends_well: bool
) -> None:
    one = step(
        database="restore",
        leaving=leaving(described()),
        migrations=[{"applied": [FIRST, SECOND], "pending": []}],
    )
    one.noted["checks"] = bare(going_back.check(one))
    state, made = one.transaction.state, "20261101-1-deploy-aaaa"
    folder = state.transaction(made)
    folder.mkdir(parents=True)
    told = lines({"event": "begin"}, {"event": "step done", "step": "checks", "note": {"applied": then}})
    (folder / "journal.jsonl").write_text("".join(to_json(written(one)) + "\n" for one in told))
    state.history.parent.mkdir(exist_ok=True)
    past = {"deploy": made, "outcome": "committed", "backup": "/older.dump"}
    state.history.write_text(json.dumps(past) + "\n")
    if ends_well:
        going_back.take_back(one)
        return
    with pytest.raises(StepFailed, match="it restored nothing"):
        going_back.take_back(one)


@pytest.mark.parametrize("database", ["reverse", "restore"])
def test_a_revert_that_changes_a_database_backs_it_up_first(step: Any, database: str) -> None:
    database_of = {"alias": "default", "vendor": "mysql", "name": "app", "configured": "app", "empty": False}
    one = step(database=database, leaving=[{**leaving(described())[0], "databases": [database_of]}])
    checked = {"event": "step done", "step": "checks", "note": bare(going_back.check(one))}
    begin = {"event": "begin", "kind": "revert", "database": database, "settings": {}}
    assert Backup().idle(known_from(progress(begin, checked))) == ""


@pytest.mark.parametrize("kind", ["deploy", "revert"])
def test_a_restore_that_has_not_brought_the_database_back_is_no_way_back(step: Any, kind: str) -> None:
    applied = [[FIRST, SECOND], [FIRST]]
    one = step(kind=kind, migrations=[{"applied": pairs} for pairs in applied])
    one.noted.update({"checks": {"applied": [FIRST], "fallback": "restore"}, "backup": {"path": "/new.dump"}})
    with pytest.raises(StepFailed) as failed:
        really_undone("database")(one)
    assert str(failed.value) == (
        "the restore script has ended well, and has not brought the database back: still applied: items.0002_note; "
        "is the backup of the database that the app uses?"
    )
    assert really_undone("database")(one).restored == "/new.dump"
    assert one.ran == [["/restore.sh", "/new.dump"]] * 2


def test_what_a_revert_has_reversed_is_applied_again_where_there_is_no_backup(step: Any) -> None:
    one = step(database="reverse", reapply=[{"applied": [SECOND], "wrong": []}, {"applied": [], "wrong": [SECOND]}])
    one.noted["checks"] = {"applied": [FIRST, SECOND]}
    assert going_back.undo(one) == TakenBack()
    assert one.asked == [("reapply", json.dumps([FIRST, SECOND]), NEW)]
    with pytest.raises(StepFailed, match="differ from what was recorded"):
        going_back.undo(one)


# When visitors may have written since the database was changed, by what the journal has of the window.
OUT: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "maintenance was seen to be on": ({"page": {"status": 503}}, ()),
    "an older agent did not look": ({}, ()),
}
IN: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "they were never shut out": ({"skipped": "maintenance: auto"}, ()),
    "they still got the site": ({"unseen": True}, ()),
    "they were being let in": ({"page": {"status": 503}}, ("maintenance_stop",)),
    "they were in": ({"page": {"status": 503}}, ("maintenance_stop", "site")),
}


@pytest.mark.parametrize("visitors", [*OUT, *IN])
@pytest.mark.parametrize("backup", ["/new.dump", None])
@pytest.mark.parametrize("script", ["restore.sh", None])
@pytest.mark.parametrize("database", ["reverse", "restore"])
def test_a_revert_is_never_undone_by_a_restore_once_visitors_may_have_written(
    step: Any, database: str, script: str | None, backup: str | None, visitors: str
) -> None:
    applied = [FIRST, SECOND]
    one = step(database=database, reapply=[{"applied": [], "wrong": []}], migrations=[{"applied": applied}])
    note, more = {**OUT, **IN}[visitors]
    one.started = (*one.started, *more)
    one.settings = replace(one.settings, restore_script=script)
    one.noted = {"maintenance_start": note, "checks": {"applied": applied}, "backup": {"path": backup}}
    if script and backup and visitors in OUT:
        assert really_undone("database")(one) == TakenBack(restored="/new.dump")
        assert one.ran == [["/restore.sh", "/new.dump"]]
        # The version that goes on is asked whether its own migrations are all there.
        assert one.asked == [("migrations", NEW)]
        return
    if database == "restore":
        with pytest.raises(StepFailed, match="visitors may have written since the restore"):
            really_undone("database")(one)
        assert one.asked == []
    else:
        assert really_undone("database")(one) == TakenBack()
        assert one.asked == [("reapply", json.dumps(applied), NEW)]
    assert one.ran == []
