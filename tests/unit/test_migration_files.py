"""Migrations read from their files say what is written there, and what is not written is not guessed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.inside.protocol import Migration
from agent.migrations.risk import risks
from agent.migrations.sources import File, describe, pending

HEAD = "from django.db import migrations, models\n\nclass Migration(migrations.Migration):\n"
SAMPLES = sorted((Path(__file__).parents[1] / "sample" / "code").glob("*/*/migrations/0*.py"))


def read(operations: str, more: str = "") -> Migration:
    return describe("items", "0002_x", f"{HEAD}{more}    operations = [{operations}]\n").migration


@pytest.mark.parametrize(
    ("operation", "says", "reversible"),
    [
        ("migrations.AddField('item', 'note', models.TextField(null=True))", "Add field note to item", True),
        (
            "migrations.AddField(model_name='item', name='note', field=models.TextField())",
            "Add field note to item",
            True,
        ),
        ("migrations.CreateModel(name='Tag', fields=[])", "Create model Tag", True),
        ("migrations.RemoveField('item', 'note')", "Remove field note from item", True),
        ("migrations.RenameField('item', 'a', 'b')", "Rename field a on item to b", True),
        ("migrations.RunPython(forwards)", "Raw Python operation", False),
        ("migrations.RunPython(forwards, backwards)", "Raw Python operation", True),
        ("migrations.RunPython(forwards, reverse_code=migrations.RunPython.noop)", "Raw Python operation", True),
        ("migrations.RunSQL('select 1')", "Raw SQL operation", False),
        ("migrations.RunSQL(sql='select 1', reverse_sql='')", "Raw SQL operation", True),
        ("SendPostcard('sam')", "SendPostcard", None),
        ("*computed()", "an operation that is not written out", None),
        (
            "migrations.SeparateDatabaseAndState(database_operations=[migrations.RunSQL('select 1')])",
            "Custom state/database change combination",
            False,
        ),
    ],
)
def test_an_operation_is_described_as_django_does_and_whether_it_can_be_reversed(
    operation: str, says: str, reversible: bool | None
) -> None:
    found = read(operation)
    assert [one.says for one in found.operations] == [says]
    assert found.reversible is reversible


def test_a_field_is_described_well_enough_to_tell_its_risks() -> None:
    (operation,) = read("migrations.AddField('item', 'note', models.TextField(db_default=''))").operations
    assert operation.field == {"class": "TextField", "db_default": ""}
    assert risks(operation) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("class Migration(:\n", "the file can't be parsed"),
        (f"{HEAD}    operations = make()\n", "its operations are not written out"),
        ("x = 1\n", "its operations are not written out"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_migration_of_which_nothing_is_known(text: str, why: str) -> None:
    found = describe("items", "0002_x", text).migration
    assert (found.reversible, found.unread, found.operations) == (None, why, ())


def test_a_migration_that_is_not_atomic_is_known() -> None:
    assert read("", "    atomic = False\n").atomic is False
    assert read("").atomic is True


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: "/".join(path.parts[-4:]))
def test_the_sample_sites_migrations_can_all_be_read(path: Path) -> None:
    found = describe("items", path.stem, path.read_text()).migration
    assert found.unread == ""
    assert found.operations


def migration(name: str, needs: Sequence[str] = (), replaces: Sequence[str] = ()) -> File:
    told = Migration("items", name, True, True, ())
    return File(told, tuple(("items", one) for one in needs), tuple(("items", one) for one in replaces))


def order(files: list[File], applied: list[str]) -> tuple[list[str], list[tuple[str, str]]]:
    found, missing = pending(
        {("items", one.migration.name): one for one in files},
        [("items", name) for name in applied] + [("auth", "0001_initial")],
    )
    return [one.name for one in found], missing


def test_migrations_come_in_an_order_that_their_dependencies_allow() -> None:
    files = [migration("a_last", ["z_first"]), migration("z_first", ["0001"]), migration("0001")]
    assert order(files, []) == (["0001", "z_first", "a_last"], [])
    assert order(files, ["0001"]) == (["z_first", "a_last"], [])


def test_what_is_applied_and_not_in_the_files_is_missing_and_other_apps_are_not_looked_at() -> None:
    assert order([migration("0001")], ["0001", "0002_gone"]) == ([], [("items", "0002_gone")])


def test_a_squashed_migration_counts_as_applied_when_all_that_it_replaces_is() -> None:
    squashed = migration("0001_squashed", replaces=["0001", "0002"])
    assert order([squashed], ["0001", "0002"]) == ([], [])
    assert order([squashed], []) == (["0001_squashed"], [])


def test_dependencies_in_a_circle_end() -> None:
    assert sorted(order([migration("a", ["b"]), migration("b", ["a"])], [])[0]) == ["a", "b"]
