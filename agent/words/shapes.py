"""JSON as dataclasses: what doesn't fit is named when it is read, and travels no further."""

# No `from __future__ import annotations`: the hosts' oldest Python reads the types of the fields when it runs.

import dataclasses
import functools
import json
import typing
from enum import Enum
from typing import Any, TypeVar

from agent.inside.lean import fields_of
from agent.text.lines import shown_values

T = TypeVar("T")
# In a field's metadata: its name in what an older agent has written.
OLD_NAME = "old name"


class Unreadable(ValueError):
    """What was sent is not what was expected, and where."""


def to_json(value: object) -> str:
    """A dataclass on one line."""
    return json.dumps(value, default=fields_of)


def bare(value: object) -> Any:
    """What JSON is made of, without the fields that are as they are where nothing is said of them."""
    if dataclasses.is_dataclass(value):
        told = [(field, getattr(value, field.name)) for field in dataclasses.fields(value)]
        return {field.name: bare(one) for field, one in told if one != _default(field)}
    if isinstance(value, dict):
        return {key: bare(one) for key, one in value.items()}
    return [bare(one) for one in value] if isinstance(value, (list, tuple)) else value


def _default(field: dataclasses.Field[object]) -> object:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def from_json(shape: type[T], text: str) -> T:
    """A dataclass from its line; what it does not know is let be. Raises Unreadable."""
    return read(shape, _loaded(shape, text), shape.__name__)


def from_elsewhere(shape: type[T], text: str) -> T:
    """The same of what others have had a say in: nothing in it is obeyed by a terminal. Raises Unreadable."""
    return read(shape, shown_values(_loaded(shape, text)), shape.__name__)


def _loaded(shape: type, text: str) -> object:
    try:
        found: object = json.loads(text)
        return found
    except (ValueError, RecursionError) as problem:
        raise Unreadable(f"{shape.__name__} is no JSON: {problem}") from None


def read(shape: type[T], found: object, where: str) -> T:
    """The same from what JSON has made of it.

    + where: the names that lead to it
    """
    return typing.cast("T", _read(shape, found, where))


def _read(shape: Any, found: object, where: str) -> object:
    """A value of a type, from what JSON has made of it.

    + where: the names that lead to it
    """
    kind, inside = typing.get_origin(shape), typing.get_args(shape)
    if kind is typing.Literal:
        if found in inside:
            return found
        raise Unreadable(f"{where}: {found!r} is none of {', '.join(inside)}")
    if kind is typing.Union:
        # Of several, all are plain.
        return found if found is None or type(found) in inside else _read(inside[0], found, where)
    if kind is tuple and isinstance(found, (list, tuple)):
        return tuple(_read(inside[0], one, f"{where}[{number}]") for number, one in enumerate(found))
    if kind is dict and isinstance(found, dict):
        return {key: _read(inside[1], one, f"{where}.{key}") for key, one in found.items()}
    if dataclasses.is_dataclass(shape):
        return _read_fields(shape, found, where)
    return _read_plain(shape, found, where)


def _read_plain(shape: Any, found: object, where: str) -> object:
    if shape in (object, Any):
        return found
    if isinstance(shape, type) and issubclass(shape, Enum) and isinstance(found, str):
        try:
            return shape(found)
        except ValueError:
            raise Unreadable(f"{where}: {found!r} is none of {', '.join(one.value for one in shape)}") from None
    # To JSON 5.0 and 5 are the same, and True is no number.
    fits = (int, float) if shape is float else shape
    if isinstance(fits, (type, tuple)) and isinstance(found, fits) and isinstance(found, bool) == (shape is bool):
        return found
    raise Unreadable(f"{where}: {found!r} is no {getattr(shape, '__name__', shape)}")


def _read_fields(shape: Any, found: object, where: str) -> object:
    if not isinstance(found, dict):
        raise Unreadable(f"{where}: {found!r} is no {shape.__name__}")
    types, given = _types(shape), {}
    for field in dataclasses.fields(shape):
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        name = field.name if field.name in found else field.metadata.get(OLD_NAME, field.name)
        if found.get(name) is not None or (needed and name in found):
            given[field.name] = _read(types[field.name], found[name], f"{where}.{name}")
        elif needed:
            raise Unreadable(f"{where}.{field.name} is missing")
    return shape(**given)


@functools.cache
def _types(shape: type) -> dict[str, object]:
    """The types of a dataclass's fields; found out once, since each line of a journal asks."""
    return typing.get_type_hints(shape)
