"""What --diff shows, after the screen: the changed lines of the config, and the SQL of the migrations. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from switchback.plan.model import HostPreview, Preview
from switchback.preview.text import INDENT, WIDTH, Line, Tone, listed, wrapped


def diff_lines(preview: Preview) -> list[Line]:
    """All diffs that there are, each once, with its hosts where not all have it."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for host in preview.hosts:
        for name, lines in _diffs(host):
            found.setdefault((name, lines), []).append(host.host)
    told: list[Line] = []
    for (name, lines), hosts in found.items():
        where = "" if len(hosts) == len(preview.hosts) else f" on {listed(hosts, 40)}"
        told += [Line(""), Line(f"--> {name}{where}", Tone.VERDICT)]
        told += [Line(f"{'':{INDENT}}{line}") for one in lines for line in wrapped(one, WIDTH - INDENT)]
    return told


def _diffs(host: HostPreview) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, changes in (("code", host.code), ("config", host.config)):
        if changes and changes.diff:
            yield f"Diff of the {name}", changes.diff
    for migration in host.migrations.pending if host.migrations else ():
        sql = tuple(line for line in migration.sql or () if line and line != "--")
        if sql:
            yield f"SQL of {migration.label}", sql
