"""What a migration may do to a site that is up, and whether old code can go on with it: one operation a line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.migrations.risk import (
    BREAKS,
    LOCKS,
    LOSES,
    REWRITES,
    UNKNOWN,
    old_code_can_live_with,
    risks,
    with_new_tables,
)

TEXT = {"class": "TextField"}
CHAR = {"class": "CharField", "max_length": 20}


def add(**field: Any) -> dict[str, Any]:
    return {"kind": "AddField", "model": "item", "name": "note", "field": field}


def alter(now: dict[str, Any], was: dict[str, Any] | None) -> dict[str, Any]:
    return {"kind": "AlterField", "model": "item", "name": "note", "field": now, "was": was}


# An operation, and the kinds of its risks.
OPERATIONS: list[tuple[dict[str, Any], set[str]]] = [
    ({"kind": "CreateModel", "model": "Item"}, set()),
    ({"kind": "DeleteModel", "model": "Item"}, {BREAKS, LOSES}),
    ({"kind": "RenameModel", "model": "Item"}, {BREAKS}),
    ({"kind": "AlterModelTable", "model": "Item"}, {BREAKS}),
    ({"kind": "AlterModelOptions", "model": "Item"}, set()),
    (add(**TEXT, null=True), set()),
    (add(**TEXT, db_default=""), set()),
    (add(**TEXT), {BREAKS}),
    (add(**TEXT, default=""), {BREAKS}),
    (add(**CHAR, null=True, unique=True), {LOCKS}),
    (add(**CHAR, null=True, db_index=True), {LOCKS}),
    (add(**{"class": "ForeignKey"}, null=True), {LOCKS}),
    (add(**{"class": "OneToOneField"}), {BREAKS, LOCKS}),
    (add(**{"class": "ManyToManyField"}), set()),
    (add(**{"class": "GeneratedField"}), {REWRITES}),
    (add(), {UNKNOWN}),
    ({"kind": "RemoveField", "model": "item", "name": "note"}, {BREAKS, LOSES}),
    ({"kind": "RenameField", "model": "item"}, {BREAKS}),
    (alter(TEXT, None), {UNKNOWN}),
    (alter({**CHAR, "help_text": "x", "choices": True, "default": "a"}, CHAR), set()),
    (alter({**CHAR, "max_length": 40}, CHAR), set()),
    (alter({**CHAR, "max_length": 10}, CHAR), {LOCKS, BREAKS}),
    (alter({"class": "IntegerField"}, CHAR), {REWRITES, BREAKS}),
    (alter(TEXT, {**TEXT, "null": True}), {LOCKS, BREAKS}),
    (alter({**TEXT, "null": True}, TEXT), set()),
    (alter({**CHAR, "unique": True}, CHAR), {LOCKS, BREAKS}),
    (alter(CHAR, {**CHAR, "unique": True}), set()),
    (alter({**CHAR, "db_index": True}, CHAR), {LOCKS}),
    (alter({**CHAR, "db_column": "other"}, CHAR), {BREAKS}),
    ({"kind": "AddIndex", "model": "item"}, {LOCKS}),
    ({"kind": "AddIndexConcurrently", "model": "item"}, set()),
    ({"kind": "RemoveIndex", "model": "item"}, set()),
    ({"kind": "AddConstraint", "model": "item"}, {LOCKS, BREAKS}),
    ({"kind": "AddConstraintNotValid", "model": "item"}, {BREAKS}),
    ({"kind": "ValidateConstraint", "model": "item"}, set()),
    ({"kind": "AlterUniqueTogether", "model": "item", "adds": True}, {LOCKS, BREAKS}),
    ({"kind": "AlterUniqueTogether", "model": "item", "adds": False}, set()),
    ({"kind": "AlterIndexTogether", "model": "item", "adds": True}, {LOCKS}),
    ({"kind": "AlterOrderWithRespectTo", "model": "item"}, {BREAKS}),
    ({"kind": "RunPython"}, {UNKNOWN}),
    ({"kind": "RunPython", "does_nothing": True}, set()),
    ({"kind": "RunSQL"}, {UNKNOWN}),
    ({"kind": "RunSQL", "does_nothing": True}, set()),
    ({"kind": "TrigramExtension"}, set()),
    ({"kind": "SeparateDatabaseAndState", "inside": []}, set()),
    ({"kind": "SeparateDatabaseAndState", "inside": [{"kind": "RunSQL"}]}, {UNKNOWN}),
    ({"kind": "SendPostcard"}, {UNKNOWN}),
    ({}, {UNKNOWN}),
]


@pytest.mark.parametrize(
    ("operation", "kinds"),
    OPERATIONS,
    ids=lambda one: str(one)[:60] if isinstance(one, dict) else " ".join(sorted(one)),
)
def test_an_operation_has_these_risks(operation: dict[str, Any], kinds: set[str]) -> None:
    found = risks(operation)
    assert {risk["kind"] for risk in found} == kinds
    assert all(risk["says"] for risk in found)


@pytest.mark.parametrize(
    ("operation", "kinds"),
    OPERATIONS,
    ids=lambda one: str(one)[:60] if isinstance(one, dict) else " ".join(sorted(one)),
)
def test_old_code_lives_with_what_neither_breaks_it_nor_is_unknown(operation: dict[str, Any], kinds: set[str]) -> None:
    assert old_code_can_live_with([operation]) is not bool(kinds & {BREAKS, UNKNOWN})


def test_old_code_lives_with_a_plan_only_if_it_does_with_all_of_it() -> None:
    assert old_code_can_live_with([])
    assert not old_code_can_live_with(
        [{"kind": "CreateModel", "model": "Tag"}, {"kind": "DeleteModel", "model": "Item"}]
    )


def test_a_table_that_the_same_plan_makes_is_known_to_nobody_yet() -> None:
    made = {"app": "items", "kind": "CreateModel", "model": "Tag"}
    column = {"app": "items", **add(**TEXT), "model": "tag"}
    assert old_code_can_live_with([made, column])
    assert not old_code_can_live_with([made, {**column, "app": "others"}])
    assert not old_code_can_live_with([column, made])
    assert risks(with_new_tables([made, column])[1]) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=5
)


@given(st.sampled_from([str(one.get("kind")) for one, _ in OPERATIONS]), st.dictionaries(st.text(), JSON))
def test_whatever_else_is_said_of_an_operation_its_risks_can_be_told(kind: str, others: dict[str, Any]) -> None:
    assert isinstance(risks({**others, "kind": kind}), list)
