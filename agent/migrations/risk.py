"""What a migration's operation may do to a site that is up, and to old code that still runs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from agent.inside.protocol import Field, Operation, Risk

LOCKS, REWRITES, BREAKS, LOSES, UNKNOWN = "locks", "rewrites", "breaks old code", "loses data", "unknown"
# Of a database that is a file.
SHUTS = "keeps writers out"

# These change nothing in the database, or make something new that nobody uses yet.
HARMLESS = frozenset(
    (
        "CreateModel",
        "AlterModelOptions",
        "AlterModelManagers",
        "AlterModelTableComment",
        "RemoveIndex",
        "RemoveIndexConcurrently",
        "RenameIndex",
        "RemoveConstraint",
        "AddIndexConcurrently",
        "ValidateConstraint",
        "CreateExtension",
        "CreateCollation",
        "BloomExtension",
        "BtreeGinExtension",
        "BtreeGistExtension",
        "CITextExtension",
        "CryptoExtension",
        "HStoreExtension",
        "TrigramExtension",
        "UnaccentExtension",
    )
)
# What an operation does whatever its arguments are: kinds of risk, each with its sentence.
ALWAYS: dict[str, tuple[tuple[str, str], ...]] = {
    "DeleteModel": ((BREAKS, "the old code still reads this table"), (LOSES, "drops the table with all its rows")),
    "RenameModel": ((BREAKS, "the old code knows the table by its old name"),),
    "AlterModelTable": ((BREAKS, "the old code knows the table by its old name"),),
    "RenameField": ((BREAKS, "the old code knows the column by its old name"),),
    "AddIndex": ((LOCKS, "builds an index while nobody can write to the table (AddIndexConcurrently lets them)"),),
    "AddConstraint": (
        (LOCKS, "reads the whole table while nobody can write to it"),
        (BREAKS, "the old code may still write what the constraint forbids"),
    ),
    "AddConstraintNotValid": ((BREAKS, "the old code may still write what the constraint forbids"),),
    "AlterOrderWithRespectTo": ((BREAKS, "adds a column that the old code does not fill"),),
    "RunSQL": ((UNKNOWN, "runs SQL of the project's own"),),
    "RunPython": ((UNKNOWN, "runs Python of the project's own"),),
}
# Attributes of a field that are nothing to the database.
ONLY_IN_PYTHON = frozenset(
    (
        "blank",
        "choices",
        "default",
        "editable",
        "error_messages",
        "help_text",
        "limit_choices_to",
        "on_delete",
        "related_name",
        "related_query_name",
        "validators",
        "verbose_name",
        "upload_to",
        "storage",
        "auto_now",
        "auto_now_add",
    )
)
FILLED_BY_DATABASE = ("GeneratedField", "AutoField", "BigAutoField", "SmallAutoField")
RELATIONS = ("ForeignKey", "OneToOneField")


def risks(operation: Operation) -> list[Risk]:
    """What may go wrong with an operation: the kind of each risk, and a sentence on it. None for what is harmless.

    >>> risks(Operation("items", "AddField", "Add field price to item", field={"class": "IntegerField"}))[0].kind
    'breaks old code'
    """
    kind = operation.kind
    if kind == "SeparateDatabaseAndState":
        return [risk for inside in operation.inside for risk in risks(inside)]
    found = [(SHUTS, _SHUTS)] if operation.in_file and _writes_table_anew(operation) else []
    if not operation.does_nothing and kind not in HARMLESS:
        found += RULES[kind](operation) if kind in RULES else ALWAYS.get(kind, _FOREIGN)
    return [Risk(risk, says) for risk, says in found if risk == UNKNOWN or not operation.new_table]


_SHUTS = "writes the whole table anew while nobody else can write to the database"
_FOREIGN = ((UNKNOWN, "is an operation that Django does not come with"),)


def old_code_can_live_with(operations: Sequence[Operation]) -> bool:
    """Whether code from before a plan works on after it: nothing in it breaks that code, or is unknown.

    + operations: all of the plan, in order
    """
    return not any(risk.kind in (BREAKS, UNKNOWN) for one in with_new_tables(operations) for risk in risks(one))


def keeps_writers_out(operations: Sequence[Operation]) -> bool:
    """Whether a plan writes a table of a SQLite file anew, while nobody else can write to any of its tables."""
    return any(risk.kind == SHUTS for one in with_new_tables(operations) for risk in risks(one))


def with_new_tables(operations: Sequence[Operation]) -> list[Operation]:
    """The operations of a plan, those marked that are on a table which the plan itself has made.

    + operations: all of the plan, in order
    """
    made: set[tuple[str, str]] = set()
    marked = []
    for operation in operations:
        table = (operation.app, operation.model.lower())
        if operation.kind == "CreateModel":
            made.add(table)
        marked.append(replace(operation, new_table=True) if table in made else operation)
    return marked


def _add_field(operation: Operation) -> Iterator[tuple[str, str]]:
    field = operation.field or {}
    kind = field.get("class")
    if kind == "ManyToManyField":
        return
    if not kind:
        yield UNKNOWN, "adds a field that could not be read from the file"
        return
    if kind in FILLED_BY_DATABASE:
        yield REWRITES, "writes every row of the table anew while nobody can use it"
    elif not field.get("null") and "db_default" not in field:
        yield BREAKS, "the old code does not fill the new column, which must not be empty (db_default helps)"
    if field.get("unique") or kind == "OneToOneField":
        yield LOCKS, "builds a unique index while nobody can write to the table"
    elif kind in RELATIONS or field.get("db_index"):
        yield LOCKS, "builds an index while nobody can write to the table"


def _writes_table_anew(operation: Operation) -> bool:
    """Whether Django makes a table anew for an operation, since SQLite can't change the one that is there so."""
    field, was = operation.field or {}, operation.was or {}
    if operation.kind == "AddField":
        plain = field.get("null") and not field.get("unique") and "default" not in field
        return field.get("class") != "ManyToManyField" and not plain
    if operation.kind == "AlterField":
        return any(field.get(key) != was.get(key) for key in {*field, *was} - ONLY_IN_PYTHON)
    return operation.kind in ("RemoveField", "AddConstraint", "RemoveConstraint")


def _remove_field(operation: Operation) -> Iterator[tuple[str, str]]:
    yield BREAKS, "the old code still reads this column"
    yield LOSES, "drops the column with all that is in it"


def _alter_field(operation: Operation) -> Iterator[tuple[str, str]]:
    now, was = operation.field or {}, operation.was
    if was is None:
        yield UNKNOWN, "may write every row anew and may not fit the old code: what the field is now isn't known yet"
        return
    changed = {key for key in {*now, *was} - ONLY_IN_PYTHON if now.get(key) != was.get(key)}
    if "class" in changed or changed & {"max_digits", "decimal_places", "to", "db_collation", "base_field"}:
        yield REWRITES, "may write every row of the table anew while nobody can use it"
        yield BREAKS, "the old code may not fit the column's new type"
    if "max_length" in changed and _is_shorter(now, was):
        yield LOCKS, "reads the whole table while nobody can use it"
        yield BREAKS, "the old code may still write longer values"
    if "null" in changed and not now.get("null"):
        yield LOCKS, "reads the whole table while nobody can use it"
        yield BREAKS, "the old code may still leave the column empty"
    if changed & {"unique", "primary_key"} and (now.get("unique") or now.get("primary_key")):
        yield LOCKS, "builds a unique index while nobody can write to the table"
        yield BREAKS, "the old code may still write a value twice"
    if "db_index" in changed and now.get("db_index"):
        yield LOCKS, "builds an index while nobody can write to the table"
    if "db_column" in changed:
        yield BREAKS, "the old code knows the column by its old name"


def _is_shorter(now: Field, was: Field) -> bool:
    after, before = now.get("max_length"), was.get("max_length")
    return after is not None and (before is None or int(after) < int(before))


def _together(operation: Operation) -> Iterator[tuple[str, str]]:
    if operation.adds:
        yield LOCKS, "builds an index while nobody can write to the table"
        if operation.kind == "AlterUniqueTogether":
            yield BREAKS, "the old code may still write what must be unique now"


RULES: dict[str, Callable[[Operation], Iterator[tuple[str, str]]]] = {
    "AddField": _add_field,
    "RemoveField": _remove_field,
    "AlterField": _alter_field,
    "AlterUniqueTogether": _together,
    "AlterIndexTogether": _together,
}
