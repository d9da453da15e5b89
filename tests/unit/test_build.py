"""How the database would go back is decided before it is changed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.build import decide_fallback
from agent.step import StepFailed

RESTORE = "~/scripts/restore_database.sh"


def migration(name: str = "0002_price", reversible: bool = True) -> dict[str, Any]:
    return {"app": "items", "name": name, "reversible": reversible}


def told(way: str = "reverse", restore_script: str | None = None) -> dict[str, Any]:
    return {"database_fallback": way, "restore_script": restore_script}


STUCK = [migration("0001_first"), migration("0002_shout", reversible=False)]


def test_migrations_that_can_be_reversed_are() -> None:
    assert decide_fallback(told(), "refuse", [migration()]) == "reverse"
    assert decide_fallback(told(restore_script=RESTORE), "refuse", [migration()]) == "reverse"


def test_nothing_to_migrate_needs_no_decision() -> None:
    assert decide_fallback(told(), "refuse", []) == "reverse"


def test_migrations_that_can_not_be_reversed_are_undone_from_the_backup_where_there_is_a_script_for_it() -> None:
    assert decide_fallback(told(restore_script=RESTORE), "refuse", STUCK) == "restore"


def test_without_a_way_back_the_deploy_is_refused_and_the_migrations_and_what_to_do_are_named() -> None:
    with pytest.raises(StepFailed) as failed:
        decide_fallback(told(), "refuse", STUCK)
    assert str(failed.value) == (
        "these migrations can't be reversed: items.0002_shout\n"
        "Set restore_script, so that the database can be restored from this deploy's own backup, or accept that the "
        "schema stays: --data irreversible=accept"
    )


def test_a_person_may_accept_that_there_is_no_way_back() -> None:
    assert decide_fallback(told(), "accept", STUCK) == "keep"


def test_in_an_empty_database_nothing_can_be_lost_and_nothing_is_refused() -> None:
    assert decide_fallback(told(), "refuse", STUCK, empty=True) == "reverse"


@pytest.mark.parametrize("what", ["loses", "halfway"])
def test_what_reversing_would_not_bring_back_is_restored_where_there_is_a_script_and_reversed_elsewhere(
    what: str,
) -> None:
    worse = [{**migration(), what: True}]
    assert decide_fallback(told(restore_script=RESTORE), "refuse", worse) == "restore"
    assert decide_fallback(told(), "refuse", worse) == "reverse"


def test_visitors_are_not_kept_out_because_an_index_could_be_left_half_built() -> None:
    settings = {**told(restore_script=RESTORE), "maintenance": "auto"}
    half = [{**migration(), "halfway": True}]
    assert decide_fallback(settings, "refuse", half) == "reverse"
    assert decide_fallback(settings, "refuse", half, breaks=True) == "restore"
    assert decide_fallback(settings, "refuse", [{**migration(), "loses": True}]) == "restore"


@pytest.mark.parametrize("way", ["restore", "keep"])
def test_what_the_settings_say_otherwise_counts(way: str) -> None:
    assert decide_fallback(told(way, RESTORE), "refuse", STUCK) == way


@given(
    way=st.sampled_from(["reverse", "restore", "keep"]),
    script=st.sampled_from([None, RESTORE]),
    irreversible=st.sampled_from(["refuse", "accept"]),
    pending=st.lists(st.builds(migration, st.text(), st.booleans())),
)
def test_what_can_not_be_reversed_is_never_to_be_reversed(
    way: str, script: str | None, irreversible: str, pending: list[dict[str, Any]]
) -> None:
    try:
        decided = decide_fallback(told(way, script), irreversible, pending)
    except StepFailed:
        assert irreversible == "refuse"
        return
    assert decided != "reverse" or all(one["reversible"] for one in pending)
    assert decided != "keep" or way == "keep" or irreversible == "accept"
