"""What a migration may do to a site that is up, and whether old code can go on with it: one operation a line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.inside.protocol import Field, Operation
from agent.migrations.risk import (
    BREAKS,
    LOCKS,
    LOSES,
    ONLY_IN_PYTHON,
    REWRITES,
    UNKNOWN,
    keeps_writers_out,
    old_code_can_live_with,
    risks,
    with_new_tables,
)
from tests.unit.golden import assert_as_meant

TEXT: Field = {"class": "TextField"}
CHAR: Field = {"class": "CharField", "max_length": 20}


def does(kind: str, model: str = "item", **more: Any) -> Operation:
    return Operation("items", kind, kind, model=model, **more)


def add(**field: Any) -> Operation:
    return does("AddField", name="note", field=field)


def alter(now: Field, was: Field | None) -> Operation:
    return does("AlterField", name="note", field=now, was=was)


# An operation, and the kinds of its risks.
OPERATIONS: list[tuple[Operation, set[str]]] = [
    (does("CreateModel", "Item"), set()),
    (does("DeleteModel", "Item"), {BREAKS, LOSES}),
    (does("RenameModel", "Item"), {BREAKS}),
    (does("AlterModelTable", "Item"), {BREAKS}),
    (does("AlterModelOptions", "Item"), set()),
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
    (does("RemoveField", name="note"), {BREAKS, LOSES}),
    (does("RenameField"), {BREAKS}),
    (alter(TEXT, None), {UNKNOWN}),
    (alter({**CHAR, "help_text": "x", "choices": True, "default": "a"}, CHAR), set()),
    (alter({**CHAR, "max_length": 40}, CHAR), set()),
    (alter({**CHAR, "max_length": 10}, CHAR), {LOCKS, BREAKS}),
    (alter({"class": "IntegerField"}, CHAR), {REWRITES, BREAKS}),
    (alter(TEXT, {**TEXT, "null": True}), {LOCKS, BREAKS}),
    (alter({**TEXT, "null": True}, TEXT), set()),
    (alter({**CHAR, "unique": True}, CHAR), {LOCKS, BREAKS}),
    (alter(CHAR, {**CHAR, "unique": True}), set()),
    (alter({**CHAR, "unique": True, "max_length": 40}, {**CHAR, "unique": True}), set()),
    (alter({**CHAR, "db_index": True}, CHAR), {LOCKS}),
    (alter({**CHAR, "db_column": "other"}, CHAR), {BREAKS}),
    (alter(CHAR, CHAR), set()),
    (alter(TEXT, {**TEXT, "unique": True}), set()),
    (alter({**TEXT, "db_index": False}, {**TEXT, "db_index": True}), set()),
    (alter({**CHAR, "max_length": None}, CHAR), set()),
    (alter(CHAR, {"class": "CharField"}), {LOCKS, BREAKS}),
    (alter({**TEXT, "primary_key": True}, TEXT), {LOCKS, BREAKS}),
    *(
        (alter({**TEXT, attribute: 1}, {**TEXT, attribute: 2}), {REWRITES, BREAKS})
        for attribute in ("max_digits", "decimal_places", "to", "db_collation", "base_field")
    ),
    *((alter({**TEXT, attribute: 1}, {**TEXT, attribute: 2}), set()) for attribute in sorted(ONLY_IN_PYTHON)),
    (does("AddIndex"), {LOCKS}),
    (does("AddIndexConcurrently"), set()),
    (does("RemoveIndex"), set()),
    (does("AddConstraint"), {LOCKS, BREAKS}),
    (does("AddConstraintNotValid"), {BREAKS}),
    (does("ValidateConstraint"), set()),
    (does("AlterUniqueTogether", adds=True), {LOCKS, BREAKS}),
    (does("AlterUniqueTogether", adds=False), set()),
    (does("AlterIndexTogether", adds=True), {LOCKS}),
    (does("AlterOrderWithRespectTo"), {BREAKS}),
    (does("RunPython"), {UNKNOWN}),
    (does("RunPython", does_nothing=True), set()),
    (does("RunSQL"), {UNKNOWN}),
    (does("RunSQL", does_nothing=True), set()),
    (does("TrigramExtension"), set()),
    (does("SeparateDatabaseAndState", inside=()), set()),
    (does("SeparateDatabaseAndState", inside=(does("RunSQL"),)), {UNKNOWN}),
    (does("SendPostcard"), {UNKNOWN}),
]


def told(operation: Operation) -> str:
    field = dict(operation.field or {})
    was = "" if operation.was is None else f" was {operation.was}"
    inside = ", ".join(one.kind for one in operation.inside)
    return f"{operation.kind}({inside}) {field or ''}{was} adds={operation.adds} does_nothing={operation.does_nothing}"


def test_the_risks_of_an_operation_are_said_in_these_words() -> None:
    said = {told(one): [f"{risk.kind}: {risk.says}" for risk in risks(one)] for one, _ in OPERATIONS}
    assert_as_meant("risks", said)


@pytest.mark.parametrize(
    ("operation", "kinds"),
    OPERATIONS,
    ids=lambda one: one.kind if isinstance(one, Operation) else " ".join(sorted(one)),
)
def test_an_operation_has_these_risks(operation: Operation, kinds: set[str]) -> None:
    found = risks(operation)
    assert {risk.kind for risk in found} == kinds
    assert all(risk.says for risk in found)


@pytest.mark.parametrize(
    ("operation", "kinds"),
    OPERATIONS,
    ids=lambda one: one.kind if isinstance(one, Operation) else " ".join(sorted(one)),
)
def test_old_code_lives_with_what_neither_breaks_it_nor_is_unknown(operation: Operation, kinds: set[str]) -> None:
    assert old_code_can_live_with([operation]) is not bool(kinds & {BREAKS, UNKNOWN})


@pytest.mark.parametrize(
    ("operation", "anew"),
    [
        (Operation("a", "AddField", "", field={"class": "TextField", "null": True}), False),
        (Operation("a", "AddField", "", field={"class": "TextField", "null": True, "unique": True}), True),
        (Operation("a", "AddField", "", field={"class": "TextField", "null": True, "default": ""}), True),
        (Operation("a", "AddField", "", field={"class": "IntegerField", "db_default": 0}), True),
        (Operation("a", "AddField", "", field={"class": "ManyToManyField", "to": "b"}), False),
        (Operation("a", "AlterField", "", field={"class": "TextField"}, was={"class": "CharField"}), True),
        (Operation("a", "AlterField", "", field={"help_text": "x"}, was={"help_text": "y"}), False),
        (Operation("a", "RemoveConstraint", ""), True),
        (Operation("a", "AddIndex", ""), False),
        (Operation("a", "CreateModel", ""), False),
    ],
)
def test_sqlite_makes_a_table_anew_for_what_it_can_not_change(operation: Operation, anew: bool) -> None:
    assert not keeps_writers_out([operation])
    assert keeps_writers_out([replace(operation, in_file=True)]) is anew
    around = Operation("a", "SeparateDatabaseAndState", "", inside=(replace(operation, in_file=True),))
    assert keeps_writers_out([around]) is anew
    # Nobody uses a table yet that the same plan makes.
    made = Operation("a", "CreateModel", "")
    assert not keeps_writers_out([made, replace(operation, in_file=True)])


def test_old_code_lives_with_a_plan_only_if_it_does_with_all_of_it() -> None:
    assert old_code_can_live_with([])
    assert not old_code_can_live_with([does("CreateModel", "Tag"), does("DeleteModel")])


def test_a_table_that_the_same_plan_makes_is_known_to_nobody_yet() -> None:
    made, column = does("CreateModel", "Tag"), replace(add(**TEXT), model="tag")
    assert old_code_can_live_with([made, column])
    assert not old_code_can_live_with([made, replace(column, app="others")])
    assert not old_code_can_live_with([column, made])
    assert risks(with_new_tables([made, column])[1]) == []


PLAIN = st.none() | st.booleans() | st.integers() | st.text()
FIELD = st.none() | st.dictionaries(st.sampled_from(["class", "null", "unique", "to", "db_column"]), PLAIN)


@given(st.sampled_from([one.kind for one, _ in OPERATIONS]), FIELD, FIELD)
def test_whatever_is_said_of_a_field_the_risks_can_be_told(kind: str, now: Field | None, was: Field | None) -> None:
    assert isinstance(risks(does(kind, field=now, was=was)), list)
