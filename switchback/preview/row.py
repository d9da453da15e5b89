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
    alike: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for host, row in rows.items():
        alike.setdefault((row.whole or row.ways[0],) if everything else row.ways, []).append(host)
    first = next(iter(rows.values()))
    where = ["" if len(hosts) == len(names) else f"[{listed(hosts, 40)}] " for hosts in alike.values()]
    ways = [
        _lines(first.name, [of[min(level, len(of) - 1)] for of in alike], where)
        for level in range(max(len(of) for of in alike))
    ]
    shorter = [Shorter(first.fold, way) for way in ways[1:]]
    if len(alike) > 1:
        line = cut(f"{first.name:{NAME}}differs between {len(rows)} hosts: {ALL} has each", WIDTH - INDENT)
        shorter.append(Shorter(Fold.HOSTS, (Line(f"{'':{INDENT}}{line}"),)))
    elif len(ways[-1]) > 1:
        shorter.append(Shorter(Fold.HOSTS, (Line(cut(ways[-1][0].text, WIDTH - 2) + " …"),)))
    return Part(ways[0], tuple(shorter))


def _lines(name: str, told_of: Sequence[Sequence[str]], where: Sequence[str]) -> tuple[Line, ...]:
    texts = []
    for label, paragraphs in zip(where, told_of, strict=True):
        first, *others = paragraphs or ("",)
        texts += [f"{label}{first}", *others]
    return row_lines(name, texts)
