"""Texts that others have written: told apart by \\n alone, bounded, and without what a terminal would obey. Pure."""

from __future__ import annotations

import re
from typing import TypeVar, cast

T = TypeVar("T")

# How long a line may be, characters: longer than any path. And how much is kept of a text that is only to be read.
LINE = 5_000
TEXT = 64 * 1024
# A line that was cut says so, and is not cut again for that.
SAYING_SO, CUT = 60, re.compile(r"… and (\d{1,12}) more characters$")


def lines_of(text: str) -> list[str]:
    """The lines of a text. Unlike splitlines, which ends one at a form feed or U+2028 that a person has written."""
    return text[: -1 if text.endswith("\n") else None].split("\n") if text else []


def first_line(text: str) -> str:
    """The first line of a text."""
    return text.partition("\n")[0]


def cut(line: str, longest: int = LINE) -> str:
    """A line that is not much longer than it may be."""
    more = len(line) - longest
    if more <= SAYING_SO:
        return line
    was_cut = CUT.search(line)
    more += int(was_cut.group(1)) - len(was_cut.group()) if was_cut else 0
    return f"{line[:longest]}… and {more} more characters"


def bounded(text: str, longest: int = LINE, most: int = TEXT) -> str:
    """A text with its beginning and its end, where there is more than somebody reads.

    + longest: how long a line may be; most: how long all of it may be, characters
    """
    more = len(text) - most
    if more > SAYING_SO:
        half = most // 2
        text = f"{text[:half]}\n… {more} characters are left out …\n{text[-half:]}"
    return "\n".join(cut(line, longest) for line in text.split("\n"))


def bounded_values(value: T) -> T:
    """The same for what JSON is made of: every text in it."""
    found: object = bounded(value) if isinstance(value, str) else value
    if isinstance(value, dict):
        found = {key: bounded_values(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        found = [bounded_values(one) for one in value]
    return cast(T, found)


def one_line(text: str) -> str:
    """A name as it is shown: on one line, whatever is in it."""
    return shown(text).replace("\n", "\\n").replace("\t", "\\t")


def quoted(text: str) -> str:
    """What somebody else has said, within what we say: none of its lines begins where one of ours does."""
    return "\n".join(f"  {line}" for line in text.split("\n"))


def shown_values(value: T) -> T:
    """Every text in what JSON is made of, as it is shown."""
    found: object = shown(value) if isinstance(value, str) else value
    if isinstance(value, dict):
        found = {shown(key): shown_values(one) for key, one in value.items()}
    if isinstance(value, list):
        found = [shown_values(one) for one in value]
    return cast(T, found)


def shown(text: str) -> str:
    """A text in which what a terminal would obey is written out: a carriage return as \\r, an escape as \\x1b."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode() for one in text)
