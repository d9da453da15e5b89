"""Whether a run needs a maintenance window, and how its processes are restarted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.steps.kind import RunAsKnown, StepKind
from agent.steps.order import known_from, visitors_may_notice
from agent.steps.switch.backup import Backup
from agent.steps.switch.backup_before import BackupBefore
from agent.steps.switch.watch import Watch
from agent.transaction.consequences import database_fallback_of, rolls_back, visitors_are_in
from agent.transaction.maintenance import NO_DATABASE, Window, decide, restart_mode
from agent.transaction.progress import Progress, read_progress
from agent.words.seen import RestartMode
from agent.words.shapes import bare
from tests.unit.django_found import pending
from tests.unit.journals import lines
from tests.unit.journals import progress as journal

Migration = dict[str, Any]

NULLABLE = {"kind": "AddField", "model": "item", "name": "colour", "field": {"class": "CharField", "null": True}}
FILLED = {"kind": "AddField", "model": "item", "name": "size", "field": {"class": "IntegerField", "db_default": 0}}
REQUIRED = {"kind": "AddField", "model": "item", "name": "price", "field": {"class": "IntegerField"}}
DATABASE = {"alias": "default", "vendor": "sqlite", "name": "/x.db", "configured": "/x.db", "empty": False}
MADE = {"kind": "CreateModel", "model": "item", "name": "item"}
REMOVED = {"kind": "RemoveField", "model": "item", "name": "price"}
CODE = {"kind": "RunPython", "model": "", "name": "", "does_nothing": False}
ADDS = pending("0002_colour", NULLABLE, FILLED)
ROLLING = {"mode": "rolling", "interrupts": False, "groups": []}
TOGETHER = {"mode": "rolling", "interrupts": True, "groups": ["web"], "why": "supervisord's config of web changes"}
AS_A_WHOLE = {"mode": "restart", "interrupts": True, "why": "the supervisord config of new does not allow it:\nweb …"}


def progress(*migrations: Migration, way: dict[str, Any] | None = None, **settings: Any) -> Progress:
    told = {"maintenance": "auto", "restart": "rolling", "database_fallback": "reverse", **settings}
    fallback = told.pop("decided", told["database_fallback"])
    checks = {"pending": list(migrations), "fallback": fallback, "restart": way or ROLLING}
    return journal(
        {"event": "begin", "kind": "deploy", "version": "new", "was": "old", "settings": told},
        {"event": "step started", "step": "checks"},
        {"event": "step done", "step": "checks", "note": checks},
    )


STUCK = (pending("0002", NULLABLE, reversible=False), pending("0003", NULLABLE, reversible=False))
LOST = "a restore of the database would lose what visitors write"
DECISIONS: dict[str, tuple[Progress, bool, str]] = {
    "always": (progress(maintenance="always"), True, "the settings say maintenance: always"),
    "nothing to migrate": (progress(), False, "nothing is migrated"),
    "what the old code can live with": (progress(ADDS), False, "the old code can live with every migration"),
    "a required field": (progress(pending("0002", REQUIRED)), True, "the old code can't live with items.0002"),
    "a field that goes": (progress(ADDS, pending("0003", REMOVED)), True, "the old code can't live with items.0003"),
    "the project's own code": (progress(pending("0002", CODE)), True, "the old code can't live with items.0002"),
    "what SQLite makes a table anew for": (
        progress(pending("0002", {**FILLED, "in_file": True})),
        True,
        "nobody else can write to the database during items.0002",
    ),
    "a column that SQLite just adds": (
        progress(pending("0002", {**NULLABLE, "in_file": True})),
        False,
        "the old code can live with every migration",
    ),
    "a table that the same plan has made in SQLite": (
        progress(pending("0001", MADE), pending("0002", {**FILLED, "in_file": True})),
        False,
        "the old code can live with every migration",
    ),
    "two of them": (
        progress(pending("0002", CODE), pending("0003", REMOVED)),
        True,
        "the old code can't live with items.0002, items.0003",
    ),
    "what can't be reversed": (progress(STUCK[0]), True, "items.0002 can't be reversed"),
    "more that can't be": (progress(*STUCK), True, "items.0002, items.0003 can't be reversed"),
    "a restore": (progress(ADDS, database_fallback="restore"), True, LOST),
    "a restore of what can't be reversed": (progress(*STUCK, database_fallback="restore"), True, LOST),
    "a restore that the checks decided on": (progress(ADDS, decided="restore"), True, LOST),
    "web processes that go down together": (progress(way=TOGETHER), True, "supervisord's config of web changes"),
    "a config that does not allow it": (
        progress(way=AS_A_WHOLE),
        True,
        "the supervisord config of new does not allow it",
    ),
    "what was not looked at": (
        journal({"event": "begin", "settings": {"maintenance": "auto", "restart": "rolling"}}),
        True,
        "the service restarts as a whole",
    ),
    "a restart as a whole, as asked for": (progress(restart="restart", way=None), False, "nothing is migrated"),
}


@pytest.mark.parametrize(("seen", "needed", "why"), DECISIONS.values(), ids=DECISIONS)
def test_a_window_is_there_when_visitors_would_notice_more_without(seen: Progress, needed: bool, why: str) -> None:
    assert decide(seen) == Window(needed, why)


@pytest.mark.parametrize(("database", "needed"), [("keep", False), ("reverse", True), ("restore", True)])
def test_a_revert_has_one_when_it_takes_the_database_back(database: str, needed: bool) -> None:
    begin = {
        "event": "begin",
        "kind": "revert",
        "database": database,
        "settings": {"maintenance": "auto", "restart": "rolling"},
        "restart": ROLLING,
    }
    assert decide(journal(begin)).needed is needed


def test_a_table_that_the_same_deploy_makes_may_be_changed_as_one_likes() -> None:
    made = pending("0002", {"kind": "CreateModel", "model": "order", "name": "order"})
    assert not decide(progress(made, pending("0003", {**REQUIRED, "model": "order"}))).needed


def test_a_restart_is_as_it_was_decided_before_the_window_and_in_full_where_nothing_was() -> None:
    assert bare(restart_mode(progress(way=TOGETHER))) == TOGETHER
    assert restart_mode(journal({"event": "begin", "restart": ROLLING})).rolls
    assert restart_mode(journal({"event": "begin", "restart": None})) == RestartMode("restart", interrupts=True)


START: dict[str, Any] = {"event": "step done", "step": "maintenance_start"}


@pytest.mark.parametrize(
    ("seen", "then", "changes", "window"),
    [
        (progress(), (), False, Window(False, "nothing is migrated")),
        (progress(pending("0002", REQUIRED)), (), True, Window(True, "the old code can't live with items.0002")),
        # It was decided by an agent that would decide otherwise now.
        (progress(ADDS), (START,), True, Window(True, "")),
        (progress(maintenance="always"), ({**START, "note": {"skipped": "no"}},), False, Window(False, "no")),
    ],
)
def test_what_is_known_of_a_run_has_its_window_as_it_was_decided_once_it_was(
    seen: Progress, then: tuple[dict[str, Any], ...], changes: bool, window: Window
) -> None:
    begin = seen.begin
    known = known_from(read_progress(lines(*then), seen))
    assert known == RunAsKnown("deploy", begin.settings, begin.primary, changes, window, rolls=True)


SHUT, UNSEEN = {**START, "note": {"page": {"status": 503}}}, {**START, "note": {"unseen": True}}
STAYED = {**START, "note": {"skipped": "no window is needed"}}


@pytest.mark.parametrize(
    ("seen", "then", "watched"),
    [
        (progress(ADDS, decided="restore"), SHUT, True),
        (progress(ADDS, database_fallback="restore"), SHUT, True),
        (progress(ADDS), SHUT, False),
        (progress(ADDS, decided="keep"), SHUT, False),
        # Nothing is to be restored, or it can't be any more.
        (progress(decided="restore"), SHUT, False),
        (progress(ADDS, decided="restore"), UNSEEN, False),
        (progress(ADDS, decided="restore"), STAYED, False),
    ],
)
def test_a_version_is_watched_before_visitors_come_in_where_a_backup_is_restored_only_until_then(
    seen: Progress, then: dict[str, Any], watched: bool
) -> None:
    assert known_from(read_progress(lines(then), seen)).watched_shut is watched
    stopped = {"event": "step started", "step": "maintenance_stop"}
    assert known_from(read_progress(lines(then, stopped), seen)).watched_shut is watched
    assert not known_from(seen).watched_shut


@pytest.mark.parametrize(
    ("database", "script", "watched"), [("keep", "x", False), ("reverse", "x", True), ("reverse", None, False)]
)
def test_so_is_one_that_a_revert_goes_to_where_it_restores_what_it_has_taken_back(
    database: str, script: str | None, watched: bool
) -> None:
    told = {"maintenance": "always", "restart": "restart", "restore_script": script}
    begin = {"event": "begin", "kind": "revert", "database": database, "settings": told}
    assert known_from(journal(begin, SHUT)).watched_shut is watched


KNOWN = RunAsKnown("deploy", progress(health_stable=3.0).begin.settings, True, True, None)


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (KNOWN, ""),
        (replace(KNOWN, rolls=True), "watched while its processes were replaced"),
        (replace(KNOWN, watched_shut=True), "watched before visitors were let in: after that no backup is restored"),
        (replace(KNOWN, settings=replace(KNOWN.settings, health_stable=0)), "health_stable is 0"),
    ],
)
def test_a_version_that_was_watched_already_is_not_watched_again(known: RunAsKnown, why: str) -> None:
    assert Watch().idle(known) == why


@pytest.mark.parametrize("kind", [Backup(), BackupBefore()])
@pytest.mark.parametrize("changes", [True, False])
def test_a_project_without_a_database_has_nothing_to_back_up(kind: StepKind, changes: bool) -> None:
    known = replace(KNOWN, changes_database=changes)
    assert kind.idle(replace(known, has_no_database=True)) == NO_DATABASE != kind.idle(known)


@pytest.mark.parametrize(
    ("note", "none"),
    [
        ({}, False),
        ({"applied": []}, True),
        ({"applied": [], "databases": [DATABASE]}, False),
    ],
)
def test_whether_a_project_has_a_database_its_checks_tell(note: dict[str, Any], none: bool) -> None:
    begin = {"event": "begin", "kind": "deploy", "settings": {}}
    known = known_from(journal(begin, {"event": "step done", "step": "checks", "note": note}))
    assert known.has_no_database is none


# --- What it means for the way back


def test_with_visitors_in_all_along_the_database_is_never_restored() -> None:
    records: list[dict[str, Any]] = [
        {"event": "begin", "kind": "deploy", "settings": {"database_fallback": "restore"}},
        {"event": "step done", "step": "checks", "note": {"fallback": "restore", "pending": [pending("0002")]}},
        {"event": "step started", "step": "maintenance_start"},
    ]
    assert database_fallback_of(journal(*records)) == "restore"
    records.append({"event": "step done", "step": "maintenance_start", "note": {"skipped": "no window is needed"}})
    assert visitors_are_in(journal(*records))
    assert database_fallback_of(journal(*records)) == "reverse"


@pytest.mark.parametrize(
    ("kind", "note", "rolls"),
    [
        ("deploy", {"way": "rolling"}, True),
        ("revert", {"way": "rolling"}, True),
        ("restart", {"way": "rolling"}, False),
        ("deploy", {"way": "restart"}, False),
        ("deploy", {}, False),
    ],
)
def test_processes_go_back_as_they_came_once_that_is_written_down(kind: str, note: dict[str, Any], rolls: bool) -> None:
    records: list[dict[str, Any]] = [
        {"event": "begin", "kind": kind},
        {"event": "step started", "step": "restart"},
        {"event": "note", "step": "restart", "note": note},
    ]
    assert rolls_back(journal(*records)) is rolls
    assert not rolls_back(journal(*records[:2]))


@pytest.mark.parametrize(
    ("seen", "step", "noticed"),
    [
        (progress(ADDS), "seal", False),
        (progress(ADDS), "backup_before", False),
        (progress(ADDS), "maintenance_start", False),
        (progress(pending("0002_price", REQUIRED)), "maintenance_start", True),
        (progress(maintenance="always"), "maintenance_start", True),
        (progress(ADDS), "backup", False),
        (progress(maintenance="always"), "backup", True),
        (progress(ADDS), "migrate", True),
        (progress(), "swap", True),
        (progress(), "restart", True),
        (journal(), "restart", False),
    ],
)
def test_visitors_may_notice_a_run_from_its_window_on_or_from_the_migrations_where_it_has_none(
    seen: Progress, step: str, noticed: bool
) -> None:
    assert visitors_may_notice(seen, step) == noticed
