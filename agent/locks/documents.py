"""What stands in a document that others have written, TOML or JSON: tables, arrays and texts, wherever they are."""

from __future__ import annotations

from collections.abc import Iterator

Document = dict[str, object]


class Unusable(Exception):
    """What a project says of its packages can't be used; with what to write."""


def table(document: object, *keys: str) -> Document:
    """A table inside of a document, by the keys that lead there; an empty one where there is none."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def tables(value: object) -> Iterator[Document]:
    """The tables of an array; of one table that alone."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield one


def texts(value: object) -> tuple[str, ...]:
    """The texts of an array; of one text that alone."""
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def text(document: Document, key: str) -> str:
    """A text in a table; an empty one where there is none."""
    value = document.get(key)
    return value if isinstance(value, str) else ""
