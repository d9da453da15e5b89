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
    assert project.ask("unapply", before) == {"unapplied": taken_back, "wrong": []}
    assert (project.tables(), project.recorded()) == ([], [])


def test_what_comes_after_a_squashed_migration_is_taken_back_alone(project: Project) -> None:
    project.has("items", squashed=SQUASHED)
    project.ask("migrate")
    before = project.ask("migrations")["applied"]
    project.has("items", squashed=SQUASHED, fourth=FOURTH)
    project.ask("migrate")
    assert project.ask("unapply", before) == {"unapplied": [["items", "fourth"]], "wrong": []}
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
    assert "this code does not have, and so can't take back: [['items', 'by_hand']]" in failed.stderr
    assert columns(project) == ["id", "colour", "note"]
