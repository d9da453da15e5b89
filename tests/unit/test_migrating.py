"""What is applied is read, planned and taken back in a real Django: squashed migrations, several databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.django_project import Project, adds, makes, migration, names

FIRST = migration(makes("Item"))
SECOND = migration(adds("Item", "colour"), needs=[("items", "first")])
THIRD = migration(adds("Item", "price"), needs=[("items", "second")])
OLD = [("items", "first"), ("items", "second"), ("items", "third")]
SQUASHED = migration(makes("Item"), adds("Item", "colour"), adds("Item", "price"), replaces=OLD)
FOURTH = migration(adds("Item", "size"), needs=[("items", "squashed")])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def columns(project: Project) -> list[str]:
    return [row[1] for row in project.query("pragma table_info(items_item)")]


def test_a_squashed_migration_of_a_new_app_is_taken_back_with_all_the_names_that_it_has_recorded(
    project: Project,
) -> None:
    project.has("items", squashed=SQUASHED, fourth=FOURTH)
    before = project.ask("migrations")["applied"]
    project.ask("migrate")
    assert project.recorded() == ["first", "fourth", "second", "squashed", "third"]
    taken_back = [["items", name] for name in ("first", "fourth", "second", "squashed", "third")]
    done = project.ask("unapply", before)
    assert (done["unapplied"], done["wrong"]) == (taken_back, [])
    assert (project.tables(), project.recorded()) == ([], [])


def test_what_comes_after_a_squashed_migration_is_taken_back_alone(project: Project) -> None:
    project.has("items", squashed=SQUASHED)
    project.ask("migrate")
    before = project.ask("migrations")["applied"]
    project.has("items", squashed=SQUASHED, fourth=FOURTH)
    project.ask("migrate")
    done = project.ask("unapply", before)
    assert (done["unapplied"], done["wrong"]) == ([["items", "fourth"]], [])
    assert columns(project) == ["id", "colour", "price"]


@pytest.mark.parametrize("kept", [True, False])
def test_a_squash_of_what_is_applied_already_is_no_reason_to_drop_a_table(project: Project, kept: bool) -> None:
    project.has("items", first=FIRST, second=SECOND, third=THIRD)
    project.ask("migrate")
    known = project.ask("migrations")["known"]
    old = {"first": FIRST, "second": SECOND, "third": THIRD} if kept else {}
    project.has("items", squashed=SQUASHED, fourth=FOURTH, **old)
    project.ask("migrate")
    assert names(project.ask("leaving", known)["leaving"]) == ["fourth"]
    assert project.ask("unapply", known)["wrong"] == []
    assert columns(project) == ["id", "colour", "price"]


def test_of_what_a_squash_replaces_the_part_that_was_new_is_taken_back(project: Project) -> None:
    project.has("items", first=FIRST, second=SECOND)
    project.ask("migrate")
    before = project.ask("migrations")["applied"]
    project.has("items", first=FIRST, second=SECOND, third=THIRD, squashed=SQUASHED, fourth=FOURTH)
    project.ask("migrate")
    assert columns(project) == ["id", "colour", "price", "size"]
    assert project.ask("unapply", before)["wrong"] == []
    assert columns(project) == ["id", "colour"]
    assert project.recorded() == ["first", "second"]


def test_a_version_that_has_the_squash_alone_knows_what_it_replaces(project: Project) -> None:
    project.has("items", squashed=SQUASHED)
    known = project.ask("migrations")["known"]
    project.has("items", squashed=SQUASHED, fourth=FOURTH)
    project.ask("migrate")
    assert names(project.ask("leaving", known)["leaving"]) == ["fourth"]


def test_what_is_in_no_version_stays_and_is_named(project: Project) -> None:
    by_hand = migration(adds("Item", "note"), needs=[("items", "second")])
    project.has("items", first=FIRST, second=SECOND, by_hand=by_hand)
    project.ask("migrate")
    project.has("items", first=FIRST, second=SECOND)
    found = project.ask("leaving", [["items", "first"]])
    assert (names(found["leaving"]), found["unknown"]) == (["second"], [["items", "by_hand"]])
    failed = project.run("unapply", [["items", "first"]])
    assert failed.returncode == 1
    assert "this code does not have, and so can't take back: items.by_hand" in failed.stderr
    assert columns(project) == ["id", "colour", "note"]


def test_a_migration_that_fails_is_a_failure_and_is_to_be_applied_until_it_has_been(project: Project) -> None:
    fails = migration("migrations.RunPython(lambda apps, editor: 1 / 0)", needs=[("items", "first")])
    project.has("items", first=FIRST, second=fails)
    failed = project.run("migrate")
    assert failed.returncode == 1
    assert "ZeroDivisionError" in failed.stderr
    assert project.recorded() == ["first"]
    # Of the same code, too.
    assert names(project.ask("migrations")["pending"]) == ["second"]
    project.has("items", first=FIRST, second=SECOND)
    assert project.ask("migrate")["pending"] == []
    assert project.recorded() == ["first", "second"]


def test_what_was_taken_back_is_applied_again_and_nothing_else(project: Project) -> None:
    project.has("items", first=FIRST, second=SECOND)
    project.ask("migrate")
    before = project.ask("migrations")["applied"]
    project.has("items", first=FIRST, second=SECOND, third=THIRD)
    project.ask("unapply", [["items", "first"]])
    done = project.ask("reapply", before)
    assert (done["applied"], done["wrong"]) == ([["items", "second"]], [])
    assert project.recorded() == ["first", "second"]


NO_WAY_BACK = "migrations.RunPython(lambda apps, editor: None), migrations.RunSQL('insert into items_item values (1)')"


def test_an_empty_database_is_told_and_made_empty_again_whatever_has_no_way_back(project: Project) -> None:
    both = f"migrations.SeparateDatabaseAndState([{NO_WAY_BACK.replace('(1)', '(2)')}], [])"
    project.has("items", first=FIRST, second=migration(NO_WAY_BACK, both, needs=[("items", "first")]))
    (database,) = project.ask("migrations")["databases"]
    assert (database["alias"], database["vendor"], database["empty"]) == ("default", "sqlite", True)
    found = project.ask("migrate")
    assert [one["empty"] for one in found["databases"]] == [False]
    assert project.query("select id from items_item") == [(1,), (2,)]
    assert project.ask("unapply", [], "emptied")["wrong"] == []
    assert (project.tables(), project.recorded()) == ([], [])


def test_a_project_without_a_database_has_none_and_is_asked_for_all_the_rest(project: Project) -> None:
    project.more = "DATABASES = {}"
    project.has("items", first=FIRST)
    told = project.ask("checks")
    assert (told["databases"], told["applied"], told["pending"]) == ([], [], [])
    assert told["known"] == [["items", "first"]]
    assert project.ask("about")["databases"] == {}
    assert project.ask("migrate")["pending"] == []


def test_where_a_project_s_own_code_comes_from_is_told_though_none_of_its_apps_has_migrations(project: Project) -> None:
    project.write()
    assert project.ask("checks")["code"] == [str(project.folder)]


def leads_to(model: str) -> str:
    return f"models.ForeignKey({model!r}, null=True, on_delete=models.SET_NULL)"


def test_code_of_a_migration_that_goes_back_finds_the_tables_of_every_app_and_models_that_know_each_other(
    tmp_path: Path,
) -> None:
    # As Wagtail's do it: rows are deleted that a table of another app may lead to, after a model beyond was altered.
    project = Project(tmp_path, apps=("books", "people"))
    makes_one = "lambda apps, editor: apps.get_model('books', 'Book').objects.create()"
    deletes = "lambda apps, editor: apps.get_model('books', 'Book').objects.all().delete()"
    links = [f"migrations.AddField('Book', 'by', {leads_to('people.Person')})"]
    links += [makes("Chapter"), f"migrations.AddField('Chapter', 'book', {leads_to('books.Book')})"]
    project.has("books", first=migration(makes("Book"), *links, needs=[("people", "first")]))
    alters = "migrations.AlterField('Person', 'name', models.TextField(default='?'))"
    project.has(
        "people",
        first=migration(makes("Person"), adds("Person", "name")),
        second=migration(alters, needs=[("people", "first")]),
        third=migration(f"migrations.RunPython({makes_one}, {deletes})", needs=[("people", "second")]),
    )
    project.ask("migrate")
    assert project.query("select count(*) from books_book") == [(1,)]
    assert project.ask("unapply", [])["wrong"] == []
    assert (project.tables(), project.recorded()) == ([], [])


def test_what_leads_to_a_user_model_of_the_settings_is_told_as_any_other_field(tmp_path: Path) -> None:
    # Django names that model by a text of its own kind, which can't be copied.
    project = Project(tmp_path, apps=("items", "people"), more='AUTH_USER_MODEL = "people.Person"')
    swappable = "    class Meta:\n        swappable = 'AUTH_USER_MODEL'\n"
    project.models = {"people": MODEL.format(name="Person").replace("    pass\n", swappable)}
    project.has("people", first=migration(makes("Person")))
    owner = f"migrations.AddField('Item', 'owner', {leads_to('people.Person')})"
    project.has("items", first=migration(makes("Item"), owner, needs=[("people", "first")]))
    (found,) = [one for one in project.ask("migrations")["pending"] if one["app"] == "items"]
    assert found["operations"][1]["field"] == {
        "class": "ForeignKey",
        "to": "people.person",
        "null": True,
        "on_delete": True,
    }


def test_what_an_empty_database_is_left_with_is_named(project: Project) -> None:
    made = "migrations.RunSQL('create table left_over (id int)')"
    project.has("items", first=migration(makes("Item"), made))
    project.ask("migrate")
    assert project.ask("unapply", [], "emptied")["tables"] == ["left_over"]


def test_a_migration_is_not_reversible_where_code_inside_of_another_operation_is_not(project: Project) -> None:
    inside = "migrations.SeparateDatabaseAndState([migrations.RunPython(lambda apps, editor: None)], [])"
    project.has("items", first=migration(makes("Item"), inside))
    assert [one["reversible"] for one in project.ask("migrations")["pending"]] == [False]


ROUTER = """
class Router:
    def db_for_read(self, model, **hints):
        return {"events": "logs"}.get(model._meta.app_label)

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return (app_label == "events") == (db == "logs")
"""
MODEL = "from django.db import models\n\nclass {name}(models.Model):\n    pass\n"
EVENTS = migration(makes("Event"))
MORE_EVENTS = migration(adds("Event", "colour"), needs=[("events", "first")])


@pytest.fixture
def two(tmp_path: Path) -> Project:
    """A project with a database of its own for events, by a router; and a replica, and one that nobody migrates."""
    databases = ("default", "logs", "replica", "elsewhere")
    project = Project(tmp_path, databases, apps=("items", "events"), router=ROUTER)
    project.more = "DATABASES['replica']['TEST'] = {'MIRROR': 'logs'}"
    project.models = {"items": MODEL.format(name="Item"), "events": MODEL.format(name="Event")}
    project.migrations = {"items": {"first": FIRST}, "events": {"first": EVENTS}}
    project.write()
    return project


def test_each_database_that_a_router_writes_to_is_planned_migrated_and_taken_back(two: Project) -> None:
    found = two.ask("migrations")
    assert [one["alias"] for one in found["databases"]] == ["default", "logs"]
    planned = {(one["name"], one["app"], one["database"]): len(one["operations"]) for one in found["pending"]}
    made = {("first", "items", "default"): 1, ("first", "events", "logs"): 1}
    assert planned == {**made, ("first", "events", "default"): 0, ("first", "items", "logs"): 0}
    assert two.ask("migrate")["pending"] == []
    assert (two.tables(), two.tables("logs")) == (["items_item"], ["events_event"])
    assert (two.folder / "elsewhere.db").exists() is False

    before = two.ask("migrations")["applied"]
    assert ["events", "first", "logs"] in before
    two.has("events", first=EVENTS, second=MORE_EVENTS)
    two.ask("migrate")
    assert two.recorded("logs") == ["first", "first", "second"]
    found = two.ask("leaving", [["items", "first"], ["events", "first"]])
    assert [(one["name"], one["database"]) for one in found["leaving"]] == [("second", "default"), ("second", "logs")]
    done = two.ask("unapply", before)
    assert (done["wrong"], done["databases"]) == ([], ["default", "logs"])
    assert two.recorded("logs") == ["first", "first"]
    assert two.ask("reapply", [*before, ["events", "second", "logs"]])["wrong"] == []
    assert two.recorded("logs") == ["first", "first", "second"]
    assert two.recorded() == ["first", "first"]


def test_without_a_router_only_the_default_database_is_migrated(two: Project) -> None:
    two.router = ""
    two.write()
    assert [one["alias"] for one in two.ask("migrations")["databases"]] == ["default"]


def test_a_table_that_no_database_gets_is_not_announced(project: Project) -> None:
    unmanaged = "migrations.CreateModel('Old', [('id', models.IntegerField(primary_key=True))], {'managed': False})"
    project.has("items", first=migration(unmanaged, makes("Item")))
    (pending,) = project.ask("migrations")["pending"]
    assert [one["says"] for one in pending["operations"]] == ["Create model Item"]


def test_what_a_model_has_and_no_migration_makes_is_told_of_the_projects_own_apps(project: Project) -> None:
    lines = ["from django.db import models", "class Item(models.Model):", "    colour = models.TextField()"]
    project.models = {"items": "\n".join(lines)}
    project.has("items", first=FIRST)
    assert project.ask("checks")["unwritten"] == ["items: Add field colour to item"]
    project.models = {"items": MODEL.format(name="Item")}
    project.has("items", first=FIRST)
    assert project.ask("checks")["unwritten"] == []


def test_a_history_that_lacks_what_an_applied_migration_needs_now_is_told(project: Project) -> None:
    project.has("items", second=migration(makes("Item")))
    project.ask("migrate")
    project.has("items", first=migration(), second=migration(makes("Item"), needs=[("items", "first")]))
    (problem,) = project.ask("migrations")["inconsistent"]
    assert "items.second is applied before its dependency items.first" in problem


LOSSY = {
    "drops a column": "migrations.RemoveField('Item', 'colour')",
    "drops a table": "migrations.DeleteModel('Item')",
    "narrows a column": "migrations.AlterField('Item', 'colour', models.CharField(max_length=3, null=True))",
    "fills a column": "migrations.AlterField('Item', 'colour', models.TextField(default=''))",
}


@pytest.mark.parametrize("operation", LOSSY.values(), ids=LOSSY.keys())
def test_a_migration_loses_something_where_there_is_something_to_lose(project: Project, operation: str) -> None:
    project.has("items", first=FIRST, second=SECOND)
    project.ask("migrate")
    project.has("items", first=FIRST, second=SECOND, third=migration(operation, needs=[("items", "second")]))
    assert [one["loses"] for one in project.ask("migrations")["pending"]] == [False]
    project.query("insert into items_item (id, colour) values (1, 'blue')")
    assert [one["loses"] for one in project.ask("migrations")["pending"]] == [True]


def test_a_column_that_is_empty_is_no_loss_and_neither_is_what_is_only_made(project: Project) -> None:
    project.has("items", first=FIRST, second=SECOND)
    project.ask("migrate")
    project.query("insert into items_item (id, colour) values (1, null)")
    fourth = migration(LOSSY["drops a column"], needs=[("items", "third")])
    project.has("items", first=FIRST, second=SECOND, third=THIRD, fourth=fourth)
    assert [one["loses"] for one in project.ask("migrations")["pending"]] == [False, False]


@pytest.mark.parametrize("rolls_back", [True, False])
def test_a_migration_can_stop_half_way_without_a_transaction_around_all_of_it(
    project: Project, rolls_back: bool
) -> None:
    base = "from django.db.backends.sqlite3.base import DatabaseWrapper"
    project.more = f"{base}\nDatabaseWrapper.features_class.can_rollback_ddl = {rolls_back}"
    two = migration(adds("Item", "colour"), adds("Item", "price"), needs=[("items", "first")])
    alone = migration(adds("Item", "size"), needs=[("items", "second")], more="atomic = False")
    project.has("items", first=FIRST, second=two, third=alone)
    assert [one["halfway"] for one in project.ask("migrations")["pending"]] == [False, not rolls_back, True]


def test_what_was_applied_by_hand_and_is_in_no_code_is_told_of_the_live_version(project: Project) -> None:
    project.has("items", first=FIRST, second=SECOND)
    assert project.ask("about")["unknown"] == []
    # To look has made no database.
    assert not (project.folder / "default.db").exists()
    project.ask("migrate")
    project.has("items", first=FIRST)
    assert project.ask("about")["unknown"] == [["items", "second"]]
    project.has("items", first=FIRST, second=SECOND.replace("'items', 'first'", "'gone', 'gone'"))
    # A graph that can't be made is told by a build.
    assert project.ask("about")["unknown"] == []
