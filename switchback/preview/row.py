"""What is told of one aspect of a site, and of that on all hosts at once. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from switchback.preview.folding import Fold, Part, Shorter
from switchback.preview.text import ALL, INDENT, NAME, ROOM, WIDTH, Line, cut, listed, wrapped


@dataclass(frozen=True)
class Row:
    """An aspect of a site on one host.

    + name: what stands before it
    + ways: how it is told, a paragraph each: at length, and then in less and less
    + fold: when it gives way; quiet: whether it is told only where all is asked for
    + whole: what is told then, where that is more
    """

    name: str
    ways: tuple[tuple[str, ...], ...]
    fold: Fold = Fold.THE_REST
    quiet: bool = False
    whole: tuple[str, ...] = ()


def row_lines(name: str, paragraphs: Sequence[str]) -> tuple[Line, ...]:
    """The lines of a row: its name, and beside it what is told."""
    lines = [line for one in paragraphs for line in wrapped(one, ROOM)]
    return tuple(
        Line(f"{'':{INDENT}}{name if number == 0 else '':{NAME}}{line}".rstrip()) for number, line in enumerate(lines)
    )


def told(rows: Mapping[str, Row], names: Sequence[str], everything: bool) -> Part:
    """One aspect on all hosts, told once where it is the same.

    + rows: by host; names: all hosts that the run does something on; everything: whether all is asked for
    """
    alike: dict[Row, list[str]] = {}
    for host, row in rows.items():
        alike.setdefault(row, []).append(host)
    first = next(iter(alike))
    where = {row: "" if len(hosts) == len(names) else f"[{listed(hosts, 40)}] " for row, hosts in alike.items()}
    if everything:
        return Part(_lines(first.name, {row: row.whole or row.ways[0] for row in alike}, where))
    levels = max(len(row.ways) for row in alike)
    ways = [
        _lines(first.name, {row: row.ways[min(level, len(row.ways) - 1)] for row in alike}, where)
        for level in range(levels)
    ]
    shorter = [Shorter(first.fold, way) for way in ways[1:]]
    if len(alike) > 1:
        line = cut(f"{first.name:{NAME}}differs between {len(rows)} hosts: {ALL} has each", WIDTH - INDENT)
        shorter.append(Shorter(Fold.HOSTS, (Line(f"{'':{INDENT}}{line}"),)))
    elif len(ways[-1]) > 1:
        shorter.append(Shorter(Fold.HOSTS, (Line(cut(ways[-1][0].text, WIDTH - 2) + " …"),)))
    return Part(ways[0], tuple(shorter))


def _lines(name: str, paragraphs: Mapping[Row, Sequence[str]], where: Mapping[Row, str]) -> tuple[Line, ...]:
    texts = []
    for row, told_of in paragraphs.items():
        first, *others = told_of or ("",)
        texts += [f"{where[row]}{first}", *others]
    return row_lines(name, texts)
