"""What a fallback does is right for every prefix of every journal: whenever a deploy is cut off."""

from __future__ import annotations

import os
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.steps.always.mark import marks_failed
from agent.steps.fallback import outcome_of, plan_fallback
from agent.transaction.consequences import (
    database_fallback_of,
    database_stays,
    processes_go_first,
    waits_for_primary,
)
from tests.unit.django_found import pending
from tests.unit.journals import progress
from tests.unit.steps import BUILD, SWITCH

Record = dict[str, Any]

SETTINGS = {"database_fallback": "reverse"}


def begin(**fields: Any) -> Record:
    return {"event": "begin", "kind": "deploy", "version": "new", "was": "old", "settings": SETTINGS, **fields}


def journal_until(step: str, ended: str = "step failed", **fields: Any) -> list[Record]:
    """The journal of a deploy that went well up to a step."""
    records = [begin(**fields)]
    for name in (*BUILD, *SWITCH):
        records.append({"event": "step started", "step": name})
        if name == step:
            return [*records, {"event": ended, "step": name, "reason": "it broke"}]
        records.append({"event": "step done", "step": name, "note": {}})
    raise AssertionError(step)


def noting(step: str, note: Record, records: list[Record]) -> list[Record]:
    """The same journal, with a step's note."""
    done = ("step done", step)
    return [{**one, "note": note} if (one["event"], one.get("step")) == done else one for one in records]


def names(records: list[Record]) -> list[str]:
    return [action.name for action in plan_fallback(progress(*records))]


BOTH = ["web1", "web2"]
HOSTS: list[Record] = [{}, {"primary": True}, {"primary": True, "hosts": BOTH}, {"primary": False, "hosts": BOTH}]
# What a migration may be for the code that was live: it goes on with the one, and not with the other.
LIVES = pending("0002", {"kind": "CreateModel", "model": "Tag"})
BREAKS = pending("0002", {"kind": "DeleteModel", "model": "Item"})
CHECKED: list[Record] = [{}, *({"applied": [], "pending": found} for found in ([], [LIVES], [BREAKS]))]
DECIDED: list[Record] = [{}, {"fallback": "reverse"}, {"fallback": "keep"}, {"fallback": "restore"}]
DATABASE: list[Record] = [{}, {"database": "keep"}, {"database": "reverse"}, {"database": "restore"}]
MODES: list[Record] = [{}, {"mode": "restart"}, {"mode": "rolling"}]
SITE: list[Record] = [{}, {"site_before": {"status": 200, "sign": "a", "wrong": None}}]


@st.composite
def journals(draw: st.DrawFn) -> list[Record]:
    """A whole journal of some deploy: how it began, how far it came, and how it ended."""
    records = [
        begin(
            kind=draw(st.sampled_from(["deploy", "revert", "restart", "build", "clean"])),
            bare=draw(st.booleans()),
            has_worked=draw(st.booleans()),
            **draw(st.sampled_from(HOSTS)),
            **draw(st.sampled_from(DATABASE)),
            **draw(st.sampled_from(SITE)),
        )
    ]
    for step in (*BUILD, *SWITCH)[: draw(st.integers(0, len(BUILD) + len(SWITCH)))]:
        records.append({"event": "step started", "step": step})
        note: Record = draw(st.sampled_from([{}, {"skipped": "not needed"}]))
        if step == "pause":
            note = draw(
                st.sampled_from([{}, {"skipped": "not needed"}, {"programs": ["worker:worker"], "timers": ["nightly"]}])
            )
        if step == "checks":
            note = {**draw(st.sampled_from(CHECKED)), **draw(st.sampled_from(DECIDED))}
        if step == "restart":
            note = {**note, **draw(st.sampled_from(MODES))}
        records.append({"event": "step done", "step": step, "note": note})
    if len(records) > 1 and draw(st.booleans()):
        records[-1] = {"event": "step failed", "step": records[-1]["step"], "reason": "it broke"}
    elif draw(st.booleans()):
        return [*records, {"event": "committed"}, {"event": "ended", "outcome": "committed"}]
    return [*records, *_fallen_back(records, draw)]


def _fallen_back(records: list[Record], draw: st.DrawFn) -> list[Record]:
    more: list[Record] = [{"event": "fallback", "reason": "it broke", "settled": draw(st.booleans())}]
    for action in plan_fallback(progress(*records, *more)):
        more.append({"event": "undo started", "action": action.name})
        good = draw(st.booleans())
        more.append({"event": "undo done" if good else "undo failed", "action": action.name, "problem": "no"})
    outcome = outcome_of(progress(*records, *more))
    return [*more, {"event": "ended", "outcome": outcome}]


# Fewer for each mutant of `make test-mutations`, of which there are hundreds.
@hypothesis.settings(max_examples=50 if "MUTANT_UNDER_TEST" in os.environ else 500)
@given(journals(), st.data())
def test_every_prefix_of_every_journal_has_a_plan_that_undoes_what_was_started(
    journal: list[Record], data: st.DataObject
) -> None:
    prefix = journal[: data.draw(st.integers(1, len(journal)))]
    found = progress(*prefix)
    planned = names(prefix)
    if found.outcome in ("committed", "refused", "fell back"):
        assert planned == []
    elif found.committed:
        assert planned == ["finish commit"]
    else:
        assert_undoes_everything(prefix, [*planned, *found.undone])


# Said here once more, so that a fault in what the product says does not move both sides.
TOUCHES = {"maintenance_start", "pause", "migrate", "swap", "install_script", "restart"}
TOUCHES |= {
    "after_backup",
    "before_migrate",
    "after_migrate",
    "release",
    "after_switch",
    "health",
    "maintenance_stop",
    "schedule",
    "site",
    "watch",
}
BLAMES = {*BUILD, "before_migrate", "migrate", "after_migrate", "release", "install_script", "after_switch"}
BLAMES |= {"restart", "health", "site", "watch"}


def assert_undoes_everything(prefix: list[Record], undone: list[str]) -> None:
    begun = prefix[0]
    started = {one["step"] for one in prefix if one["event"] == "step started"}
    done = {one["step"]: one["note"] for one in prefix if one["event"] == "step done"}
    failed = next((one["step"] for one in prefix if one["event"] == "step failed"), None)
    bare, kind, alone = begun["bare"], begun["kind"], len(begun.get("hosts", ())) < 2
    touched = bool(started & TOUCHES)
    checks = done.get("checks", {})
    migrates = begun.get("primary", True) and "migrate" in started and not done.get("migrate", {}).get("skipped")
    if kind == "revert" and begun.get("database", "keep") == "keep":
        migrates = False
    shut_out = "maintenance_start" in started and not done.get("maintenance_start", {}).get("skipped")
    seen_out = not done.get("maintenance_start", {}).get("skipped") and "maintenance_stop" not in started
    way = checks.get("fallback", "reverse")
    if way == "restore" and not seen_out:
        # Every migration here can be reversed.
        way = "reverse"
    assert ("links" in undone) == ("swap" in started)
    assert ("database" in undone) == (migrates and way != "keep")
    follows = not alone and not begun.get("primary", True) and "migrate" in started
    elsewhere = follows and (checks.get("pending") or begun.get("database", "keep") != "keep") and "applied" in checks
    lost = way == "restore" or (way == "reverse" and BREAKS in checks.get("pending", ()))
    assert ("schema" in undone) == bool(elsewhere and (kind == "revert" or lost))
    assert ("restart" in undone) == ("restart" in started and not bare)
    assert ("resume" in undone) == (bool(done.get("pause", {}).get("programs")) and not bare)
    begun_timers = "schedule" in started and not done.get("schedule", {}).get("skipped")
    assert ("schedule" in undone) == (begun_timers or bool(done.get("pause", {}).get("timers")))
    assert ("stop service" in undone) == ("restart" in started and bare)
    assert ("health" in undone) == ("watch" in undone) == (touched and not bare)
    assert ("maintenance" in undone) == (shut_out and "maintenance_stop" not in done)
    assert ("site" in undone) == (touched and "site_before" in begun)
    if kind == "revert":
        marks = failed == "migrate" and begun.get("database") == "reverse"
    else:
        marks = kind in ("deploy", "build") and bool(started) and (not begun["has_worked"] or failed in BLAMES)
    assert ("mark" in undone) == marks


@given(journals(), st.data())
def test_a_plan_never_lets_visitors_in_before_the_old_version_is_back(
    journal: list[Record], data: st.DataObject
) -> None:
    prefix = journal[: data.draw(st.integers(1, len(journal)))]
    planned = names(prefix)
    database = ["database", "schema"]
    processes = ["restart", "stop service"]
    ready = [*processes, *database] if processes_go_first(progress(*prefix)) else [*database, *processes]
    order = [
        "stop commands",
        "evidence",
        "links",
        *ready,
        "resume",
        "schedule",
        "health",
        "maintenance",
        "site",
        "watch",
        "mark",
    ]
    assert planned == ["finish commit"] or planned == [name for name in order if name in planned]


def rolled(step: str, mode: str, checked: Record, start: Record) -> list[Record]:
    """A deploy that failed at a step after it had migrated and restarted."""
    records = noting("checks", checked, journal_until(step))
    return noting("maintenance_start", start, noting("restart", {"mode": mode}, records))


@pytest.mark.parametrize("step", ["health", "maintenance_stop", "site", "watch"])
def test_processes_go_back_before_the_columns_that_the_new_code_serves_visitors_with(step: str) -> None:
    planned = names(rolled(step, "rolling", {"pending": [LIVES], "fallback": "reverse"}, {"skipped": "no window"}))
    assert planned.index("restart") + 1 == planned.index("database")
    assert planned.index("database") < planned.index("health")


def test_where_no_version_was_before_they_are_stopped_first() -> None:
    checked = {"pending": [LIVES], "fallback": "reverse"}
    records = noting("checks", checked, journal_until("health", bare=True))
    records = noting("maintenance_start", {"skipped": "no window"}, noting("restart", {"mode": "rolling"}, records))
    planned = names(records)
    assert planned.index("stop service") + 1 == planned.index("database")


@pytest.mark.parametrize(
    ("step", "mode", "checked", "start", "expected"),
    [
        # All at once, with nobody who serves meanwhile.
        ("site", "restart", {"pending": [LIVES]}, {"skipped": "no window"}, ["database", "restart"]),
        # Visitors are kept out until all is back.
        ("health", "rolling", {"pending": [LIVES]}, {}, ["database", "restart"]),
        # The old code would meet what it can't live with.
        ("site", "rolling", {"pending": [BREAKS]}, {}, ["database", "restart"]),
        ("site", "rolling", {"pending": [LIVES], "fallback": "keep"}, {"skipped": "no window"}, ["restart"]),
    ],
)
def test_else_the_database_goes_back_before_the_processes(
    step: str, mode: str, checked: Record, start: Record, expected: list[str]
) -> None:
    planned = names(rolled(step, mode, checked, start))
    assert [name for name in planned if name in ("database", "restart")] == expected


@given(journals(), st.data())
def test_a_fallback_that_was_cut_off_does_the_rest_and_no_step_twice(
    journal: list[Record], data: st.DataObject
) -> None:
    prefix = journal[: data.draw(st.integers(1, len(journal)))]
    found = progress(*prefix)
    repeated = set(names(prefix)) & set(found.undone)
    assert repeated <= {"stop commands", "health", "maintenance", "site", "watch"}


def test_a_failed_build_leaves_the_live_site_alone() -> None:
    for step in BUILD:
        assert names(journal_until(step)) == ["stop commands", "evidence", "mark"]
        assert outcome_of(progress(*journal_until(step))) == "refused"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("maintenance_start", ["health", "maintenance", "watch", "mark"]),
        ("backup", ["health", "maintenance", "watch", "mark"]),
        ("migrate", ["database", "health", "maintenance", "watch", "mark"]),
        ("swap", ["links", "database", "health", "maintenance", "watch", "mark"]),
        ("restart", ["links", "database", "restart", "health", "maintenance", "watch", "mark"]),
        ("maintenance_stop", ["links", "database", "restart", "health", "maintenance", "watch", "mark"]),
        ("site", ["links", "database", "restart", "schedule", "health", "watch", "mark"]),
        ("watch", ["links", "database", "restart", "schedule", "health", "watch", "mark"]),
    ],
)
def test_a_step_of_the_window_that_fails_is_undone_in_order(step: str, expected: list[str]) -> None:
    assert names(journal_until(step)) == ["stop commands", "evidence", *expected]
    assert outcome_of(progress(*journal_until(step))) == "fell back"


def test_a_deploy_whose_step_was_killed_is_undone_as_one_whose_step_failed() -> None:
    killed = journal_until("migrate")[:-1]
    assert names(killed) == names(journal_until("migrate"))


def test_a_database_that_was_not_migrated_is_left_alone() -> None:
    records = journal_until("swap")
    for record in records:
        if record.get("step") == "migrate" and record["event"] == "step done":
            record["note"] = {"skipped": "nothing to migrate"}
    assert "database" not in names(records)


def test_the_database_is_taken_back_by_the_primary_host_alone() -> None:
    assert "database" not in names(journal_until("swap", primary=False))


def test_a_first_deploy_goes_back_to_a_stopped_service() -> None:
    planned = names(journal_until("health", bare=True))
    assert "stop service" in planned
    assert not {"health", "watch"} & set(planned)


def test_maintenance_that_was_never_started_is_not_stopped() -> None:
    records = journal_until("health")
    for record in records:
        if record.get("step") == "maintenance_start" and record["event"] == "step done":
            record["note"] = {"skipped": "no window needed"}
    assert "maintenance" not in names(records)


@pytest.mark.parametrize(
    ("step", "marked"), [("health", True), ("watch", True), ("backup", False), ("maintenance_stop", False)]
)
def test_a_version_that_has_worked_is_blamed_only_for_its_own_failures(step: str, marked: bool) -> None:
    assert ("mark" in names(journal_until(step, has_worked=True))) is marked


@pytest.mark.parametrize("step", ["checks", "migrate", "health", "site", "watch"])
@pytest.mark.parametrize("database", ["keep", "reverse", "restore"])
def test_a_revert_that_fails_blames_no_version_but_the_one_whose_migrations_can_not_be_reversed(
    step: str, database: str
) -> None:
    records = journal_until(step, kind="revert", database=database, has_worked=True)
    assert ("mark" in names(records)) is ((step, database) == ("migrate", "reverse"))


@pytest.mark.parametrize("kind", ["deploy", "revert"])
def test_no_version_is_blamed_where_no_lock_was_to_be_had(kind: str) -> None:
    *journal, failed = journal_until("migrate", kind=kind, database="reverse")
    assert "mark" in names([*journal, failed])
    assert "mark" not in names([*journal, {**failed, "no_lock": True}])


def test_a_revert_that_keeps_the_database_takes_none_back_however_it_is_cut_off() -> None:
    killed = journal_until("migrate", kind="revert", database="keep", has_worked=True)[:-1]
    assert "database" not in names(killed)


def test_a_committed_deploy_is_only_ever_finished_forward() -> None:
    records = [*journal_until("watch", ended="step done"), {"event": "committed"}]
    assert names(records) == ["finish commit"]
    assert names([*records, {"event": "ended", "outcome": "committed"}]) == []


def test_a_person_who_recovers_gets_the_whole_way_back_tried_again() -> None:
    records = [
        *journal_until("migrate"),
        {"event": "fallback", "reason": "migrate failed"},
        {"event": "undo failed", "action": "database", "problem": "no"},
        {"event": "ended", "outcome": "needs a person"},
    ]
    assert "database" in names(records)
    again = [*records, {"event": "fallback", "reason": "a person"}, {"event": "undo done", "action": "database"}]
    assert outcome_of(progress(*again)) == "fell back"


def test_what_could_be_undone_at_a_second_try_is_no_problem_any_more() -> None:
    failed = [*journal_until("migrate"), {"event": "fallback", "reason": "reboot"}]
    failed.append({"event": "undo failed", "action": "database", "problem": "not up yet"})
    assert outcome_of(progress(*failed)) == "needs a person"
    assert outcome_of(progress(*failed, {"event": "undo done", "action": "database"})) == "fell back"


def test_a_deploy_that_ends_before_its_first_step_blames_no_version() -> None:
    assert not marks_failed(progress(begin()))


@pytest.mark.parametrize(("reversible", "way"), [(True, "reverse"), (False, "keep")])
def test_a_backup_is_not_restored_over_what_visitors_have_written(reversible: bool, way: str) -> None:
    for step, expected in (("health", "restore"), ("maintenance_stop", way), ("site", way), ("watch", way)):
        records = journal_until(step)
        for record in records:
            if record.get("step") == "checks" and record["event"] == "step done":
                record["note"] = {"fallback": "restore", "pending": [pending("0002", reversible=reversible)]}
        assert database_fallback_of(progress(*records)) == expected


def test_a_restart_is_tried_again_once_health_has_failed_after_it() -> None:
    records = journal_until("restart")
    records += [
        {"event": "fallback", "reason": "it broke"},
        {"event": "undo done", "action": "links"},
        {"event": "undo done", "action": "restart"},
    ]
    assert "restart" not in names(records)
    failed = [*records, {"event": "undo failed", "action": "health", "problem": "no process"}]
    again = [*failed, {"event": "fallback", "reason": "a person"}]
    assert [name for name in names(again) if name in ("links", "restart", "health")] == ["restart", "health"]
    assert "restart" not in names([*again, {"event": "undo done", "action": "restart"}])


PENDING = {"checks": {"pending": [pending("0002")]}}
FOLLOWS: Record = {"primary": False, "hosts": ["web1", "web2"]}


@pytest.mark.parametrize(
    ("begin_with", "notes", "until", "settled", "waits"),
    [
        # Another host migrates, and has yet to take the database back.
        (FOLLOWS, PENDING, "migrate", False, True),
        (FOLLOWS, PENDING, "health", False, True),
        ({**FOLLOWS, "kind": "revert", "database": "reverse"}, {}, "swap", False, True),
        ({**FOLLOWS, "kind": "revert", "database": "restore"}, {}, "swap", False, True),
        # It has, or it never came to that.
        (FOLLOWS, PENDING, "health", True, False),
        (FOLLOWS, PENDING, "backup", False, False),
        # Nothing is migrated.
        (FOLLOWS, {}, "health", False, False),
        ({**FOLLOWS, "kind": "revert", "database": "keep"}, {}, "swap", False, False),
        # It is the one that takes it back, or there is no other.
        ({**FOLLOWS, "primary": True}, PENDING, "health", False, False),
        ({"primary": True, "hosts": ["web1"]}, PENDING, "health", False, False),
        ({"primary": False, "hosts": ["web1"]}, PENDING, "health", False, False),
        # As an older agent has written it.
        ({}, PENDING, "health", False, False),
    ],
)
def test_a_host_waits_for_the_one_that_takes_the_database_back_and_for_nobody_else(
    begin_with: Record, notes: dict[str, Record], until: str, settled: bool, waits: bool
) -> None:
    records = noting("checks", notes.get("checks", {}), journal_until(until, **begin_with))
    records.append({"event": "fallback", "reason": "it broke", "settled": settled})
    assert waits_for_primary(progress(*records)) is waits


CHECKED_BEFORE: Record = {"fallback": "reverse", "pending": [BREAKS], "applied": []}


@pytest.mark.parametrize(
    ("begin_with", "checks", "asked"),
    [
        # A restore takes away what visitors write meanwhile, whatever the old code can live with.
        ({}, {"fallback": "restore", "pending": [LIVES]}, True),
        ({}, {"pending": [BREAKS]}, True),
        ({}, {"pending": [LIVES]}, False),
        ({}, {"fallback": "keep"}, False),
        # A revert has no migrations to come, and changes the database all the same.
        ({"kind": "revert", "database": "reverse"}, {"fallback": "keep", "pending": []}, True),
        # There is nothing to compare it with, or nobody to ask.
        ({}, {"applied": None}, False),
        ({"was": None}, {}, False),
        # It changes the database itself.
        ({"primary": True}, {}, False),
    ],
)
def test_visitors_wait_until_the_database_is_seen_to_be_back_where_it_matters_to_them(
    begin_with: Record, checks: Record, asked: bool
) -> None:
    records = noting("checks", {**CHECKED_BEFORE, **checks}, journal_until("migrate", **{**FOLLOWS, **begin_with}))
    assert ("schema" in names(records)) is asked


@pytest.mark.parametrize(
    ("begin_with", "way", "until", "stays"),
    [
        ({"primary": True}, "keep", "migrate", True),
        ({"primary": True}, "keep", "backup", False),
        ({"primary": True}, "reverse", "migrate", False),
        # Another host has migrated, or may have.
        (FOLLOWS, "keep", "migrate", True),
        (FOLLOWS, "keep", "backup", False),
        (FOLLOWS, "reverse", "migrate", False),
    ],
)
def test_a_database_that_is_kept_is_said_to_stay_where_it_may_have_been_changed(
    begin_with: Record, way: str, until: str, stays: bool
) -> None:
    checks = {**CHECKED_BEFORE, "fallback": way}
    assert database_stays(progress(*noting("checks", checks, journal_until(until, **begin_with)))) is stays
