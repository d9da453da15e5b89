"""The preview of a run as one screen: 40 lines of 100 columns hold any. Pure: a model in, lines out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from switchback.plan.model import HostPreview, Preview
from switchback.preview.around import rows_around
from switchback.preview.changed import unchanged
from switchback.preview.contents import content_rows, known_later
from switchback.preview.database import database_rows
from switchback.preview.folding import Part, folded
from switchback.preview.risks import risk_parts
from switchback.preview.row import Row, row_lines, told
from switchback.preview.text import ALL, HEIGHT, INDENT, ROOM, WIDTH, Line, Tone, cut, listed, wrapped
from switchback.preview.verdict import verdict_lines

MORE = f"{'':{INDENT}}more of it (steps, links, scripts, what stays as it is): {ALL}"
FOLDED = f"{'':{INDENT}}told by their number, for all to fit here; all of it: {ALL}"
# The order in which rows stand.
NAMES = (
    "version",
    "code",
    "config",
    "env",
    "schedule",
    "packages",
    "database",
    "static",
    "unknown",
    "shared",
    "service",
    "window",
    "hooks",
    "deletes",
)


def screen(preview: Preview, refusals: Sequence[str] = (), everything: bool = False) -> list[Line]:
    """The screen.

    + refusals: what refuses the run beside what the hosts have
    + everything: whether all is asked for, however long it gets
    """
    acting = [one for one in preview.hosts if not one.idle or one.deletions]
    if not acting and not refusals and not preview.problems:
        return [Line(f"{'':{INDENT}}{line}") for line in nothing_lines(preview)]
    problems = [*refusals, *preview.problems]
    head = verdict_lines(preview, len(problems))
    risks = list(risk_parts(preview.hosts, refusals, everything))
    # Under -y the hosts were not asked what it would do in detail, and nobody is there to read it.
    asked = preview.kind in ("clean", "restart") or any(one.looked_ahead for one in acting)
    rows = list(_row_parts(preview.kind, acting, everything)) if asked else []
    stays = "" if everything else unchanged(preview.kind, acting)
    rows += [Part(row_lines("unchanged", [cut(stays, ROOM)]))] if stays and rows else []
    gaps = bool(risks) + bool(rows)
    footer = [] if everything or not rows else [Line(MORE, Tone.FAINT)]
    parts, gave_way = folded([*risks, *rows], HEIGHT - len(head) - gaps - len(footer))
    if everything:
        parts, gave_way = [*risks, *rows], False
    if gave_way and footer:
        footer = [Line(FOLDED, Tone.FAINT)]
    lines = list(head)
    for group in (parts[: len(risks)], parts[len(risks) :]):
        lines += [Line(""), *(line for one in group for line in one.lines)] if group else []
    return [*lines, *footer]


def nothing_lines(preview: Preview) -> list[str]:
    """Why there is nothing to do on any host, and what is worth knowing all the same; once where it is the same."""
    where: dict[str, list[str]] = {}
    for host in preview.hosts:
        for text in (host.idle, *(f"note: {notice}" for notice in host.notices)):
            where.setdefault(text, []).append(host.host)
    told = [
        text if len(hosts) == len(preview.hosts) else f"[{listed(hosts, 40)}] {text}" for text, hosts in where.items()
    ]
    return [line for text in told for line in wrapped(text, WIDTH - INDENT)]


def _row_parts(kind: str, hosts: Sequence[HostPreview], everything: bool) -> Iterator[Part]:
    """The rows of all hosts, an aspect after the other."""
    names = [one.host for one in hosts]
    by = next((one.host for one in hosts if one.primary), "") if len(hosts) > 1 else ""
    found: dict[str, dict[str, Row]] = {name: {} for name in NAMES}
    for host in hosts:
        for row in _rows(kind, host, by):
            if everything or not row.quiet:
                found.setdefault(row.name, {})[host.host] = row
    return (told(rows, names, everything) for rows in found.values() if rows)


def _rows(kind: str, host: HostPreview, by: str) -> Iterator[Row]:
    yield from content_rows(kind, host)
    yield from database_rows(kind, host, by)
    yield from known_later(host)
    yield from rows_around(kind, host, bool(by))
