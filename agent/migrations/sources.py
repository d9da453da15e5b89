"""Migrations read from their files, where the app itself can't be asked: what is written there, and nothing guessed."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from agent.inside.lean import dataclass
from agent.inside.protocol import Field, Migration, Operation

Key = tuple[str, str]
# What Python raises where it can't read a text, also for one that is nested deeper than it can follow.
UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)

# How Django says each of them; the words in braces are an operation's arguments.
SAYS = {
    "CreateModel": "Create model {name}",
    "DeleteModel": "Delete model {name}",
    "RenameModel": "Rename model {old_name} to {new_name}",
    "AlterModelTable": "Rename table for {name} to {table}",
    "AlterModelOptions": "Change Meta options on {name}",
    "AlterModelManagers": "Change managers on {name}",
    "AlterUniqueTogether": "Alter unique_together for {name}",
    "AlterIndexTogether": "Alter index_together for {name}",
    "AlterOrderWithRespectTo": "Set order_with_respect_to on {name}",
    "AddField": "Add field {name} to {model_name}",
    "RemoveField": "Remove field {name} from {model_name}",
    "AlterField": "Alter field {name} on {model_name}",
    "RenameField": "Rename field {old_name} on {model_name} to {new_name}",
    "AddIndex": "Create index on model {model_name}",
    "AddIndexConcurrently": "Concurrently create index on model {model_name}",
    "RemoveIndex": "Remove index {name} from {model_name}",
    "RemoveIndexConcurrently": "Concurrently remove index {name} from {model_name}",
    "RenameIndex": "Rename an index on {model_name}",
    "AddConstraint": "Create constraint on model {model_name}",
    "RemoveConstraint": "Remove constraint {name} from model {model_name}",
    "RunPython": "Raw Python operation",
    "RunSQL": "Raw SQL operation",
    "SeparateDatabaseAndState": "Custom state/database change combination",
}
# The names of the positional arguments.
PLACES = {
    "CreateModel": ("name", "fields"),
    "DeleteModel": ("name",),
    "RenameModel": ("old_name", "new_name"),
    "AlterModelTable": ("name", "table"),
    "AddField": ("model_name", "name", "field"),
    "RemoveField": ("model_name", "name"),
    "AlterField": ("model_name", "name", "field"),
    "RenameField": ("model_name", "old_name", "new_name"),
    "AddIndex": ("model_name", "index"),
    "AddIndexConcurrently": ("model_name", "index"),
    "AddConstraint": ("model_name", "constraint"),
    "RemoveIndex": ("model_name", "name"),
    "RemoveConstraint": ("model_name", "name"),
    "AlterUniqueTogether": ("name", "unique_together"),
    "AlterIndexTogether": ("name", "index_together"),
    "RunPython": ("code", "reverse_code"),
    "RunSQL": ("sql", "reverse_sql"),
    "SeparateDatabaseAndState": ("database_operations", "state_operations"),
}
REVERSED_BY = {"RunPython": "reverse_code", "RunSQL": "reverse_sql"}


@dataclass(frozen=True)
class File:
    """A migration as its file has it: what it does, needs and replaces."""

    migration: Migration
    needs: tuple[Key, ...] = ()
    replaces: tuple[Key, ...] = ()


def describe(app: str, name: str, text: str) -> File:
    """What a migration's file says. Pure.

    A file that can't be read is a migration of which nothing is known.
    """
    try:
        values = _class_values(ast.parse(text))
    except UNPARSABLE:
        return File(Migration(app, name, None, True, (), unread="the file can't be parsed"))
    listed = values.get("operations")
    written = isinstance(listed, (ast.List, ast.Tuple))
    operations = tuple(_operation(app, one) for one in getattr(listed, "elts", ())) if written else ()
    atomic = not (isinstance(said := values.get("atomic"), ast.Constant) and said.value is False)
    migration = Migration(
        app,
        name,
        reversible=_all([one.reversible for one in operations]) if written else None,
        atomic=atomic,
        operations=operations,
        halfway=not atomic,
        unread="" if written else "its operations are not written out",
    )
    return File(migration, _pairs(values.get("dependencies")), _pairs(values.get("replaces")))


def _all(known: list[bool | None]) -> bool | None:
    return None if None in known else all(known)


def _class_values(tree: ast.Module) -> dict[str, ast.expr]:
    """What the class Migration assigns."""
    values: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == "Migration":
            for line in node.body:
                if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                    values[line.targets[0].id] = line.value
                elif isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value:
                    values[line.target.id] = line.value
    return values


def _pairs(node: ast.expr | None) -> tuple[Key, ...]:
    """The (app, name) pairs of a list; what is computed, such as a swappable dependency, is passed over."""
    found = []
    for one in getattr(node, "elts", []):
        words = [word.value for word in getattr(one, "elts", []) if isinstance(word, ast.Constant)]
        if len(words) == len(one.elts) == 2 and all(isinstance(word, str) for word in words):
            found.append((str(words[0]), str(words[1])))
    return tuple(found)


def _operation(app: str, node: ast.expr) -> Operation:
    if not isinstance(node, ast.Call):
        return Operation(app, "unknown", "an operation that is not written out")
    kind = _last_name(node.func)
    given: dict[str, ast.expr] = dict(zip(PLACES.get(kind, ()), node.args))
    given.update({keyword.arg: keyword.value for keyword in node.keywords if keyword.arg})
    words = {key: str(value.value) if isinstance(value, ast.Constant) else "…" for key, value in given.items()}
    inside = tuple(_operation(app, one) for one in getattr(given.get("database_operations"), "elts", ()))
    reversible = True if kind in SAYS else None
    if kind in REVERSED_BY:
        reversible = REVERSED_BY[kind] in given
    if kind == "SeparateDatabaseAndState":
        reversible = _all([one.reversible for one in inside])
    together = kind in ("AlterUniqueTogether", "AlterIndexTogether")
    return Operation(
        app,
        kind,
        SAYS.get(kind, kind).format_map(_Words(words)),
        reversible,
        model=words.get("model_name") or words.get("name") or words.get("old_name") or "",
        name=words.get("name", ""),
        field=_field(given["field"]) if "field" in given else None,
        adds=not together or bool(getattr(given.get(PLACES[kind][1]), "elts", [True])),
        does_nothing=kind in REVERSED_BY and _does_nothing(given.get(PLACES[kind][0])),
        inside=inside if kind == "SeparateDatabaseAndState" else (),
    )


class _Words(dict[str, str]):
    """What an operation does not say is an ellipsis."""

    def __missing__(self, key: str) -> str:
        return "…"


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else "unknown"


def _does_nothing(node: ast.expr | None) -> bool:
    noop = isinstance(node, ast.Attribute) and node.attr == "noop"
    return noop or (isinstance(node, ast.Constant) and node.value == "")


def _field(node: ast.expr) -> Field:
    """A field's class, and those of its arguments that are plain."""
    if not isinstance(node, ast.Call):
        return {}
    found: Field = {"class": _last_name(node.func)}
    for keyword in node.keywords:
        if keyword.arg:
            value = keyword.value.value if isinstance(keyword.value, ast.Constant) else True
            found[keyword.arg] = value if isinstance(value, (bool, int, str, type(None))) else True
    return found


def pending(files: Mapping[Key, File], applied: Iterable[Key]) -> tuple[list[Migration], list[Key]]:
    """What is to be applied, in an order that its dependencies allow, and what is applied that the files lack. Pure.

    + files: all that the new code has, by app and name
    + applied: what the database has; of the apps in the files alone
    """
    done = set(applied)
    replaced = {pair: key for key, one in files.items() for pair in one.replaces}
    for key, one in files.items():
        # A squashed migration counts as applied when all that it replaces is.
        if one.replaces and done.issuperset(one.replaces):
            done.add(key)
    todo = [
        key for key in files if key not in done and not (replaced.get(key) and not _partly(files, replaced, key, done))
    ]
    order: list[Key] = []
    for key in sorted(todo):
        _visit(files, key, set(todo), order, set())
    apps = {app for app, _ in files}
    missing = sorted(key for key in set(applied) if key[0] in apps and key not in files and key not in replaced)
    return [files[key].migration for key in order], missing


def _partly(files: Mapping[Key, File], replaced: Mapping[Key, Key], key: Key, done: set[Key]) -> bool:
    """Whether some of what a squashed migration replaces is applied already: the rest goes one by one then."""
    return not done.isdisjoint(files[replaced[key]].replaces)


def _visit(files: Mapping[Key, File], key: Key, todo: set[Key], order: list[Key], on_way: set[Key]) -> None:
    if key in order or key not in todo or key in on_way:
        return
    for needed in files[key].needs:
        _visit(files, needed, todo, order, {*on_way, key})
    order.append(key)
