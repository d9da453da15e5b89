"""What is told of what is around a version: service, window, scripts, commands, versions that go. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from agent.words.outcomes import Outcome
from switchback.plan.model import HostPreview, Service, Window
from switchback.preview.folding import Fold
from switchback.preview.row import Row
from switchback.preview.text import ROOM, count_of, cut

WAYS = {
    "none": "the database is not changed, so there is nothing to undo in it",
    "reverse": "the migrations are reversed, with the new version's code",
    "restore": "this run's own backup is restored",
    "reapply": "the migrations are applied again, with the code of the version that is left",
    "keep": "the database STAYS as the migrations have left it",
    "refused": "none: this would be refused",
}


def rows_around(kind: str, host: HostPreview, several: bool) -> Iterator[Row]:
    """An aspect each, in the order of a run.

    + several: whether the run has other hosts, too
    """
    if host.service and host.service.restart:
        yield _service_row(host.service)
    if host.window:
        yield _window_row(host, host.window)
    if host.hooks:
        number = f"{count_of(len(host.hooks), 'command')} of your own"
        yield Row("hooks", (tuple(cut(one, ROOM) for one in host.hooks), (number,)), whole=host.hooks)
    if host.deletions or host.old_backups:
        yield _deletion_row(host)
    if host.looked_ahead:
        yield from _rows_of_all(kind, host, several)


def _service_row(service: Service) -> Row:
    rolling = service.restart == "rolling"
    first, *lines = (service.why or "").split("\n")
    head = ", ".join(filter(None, (f"{service.unit} is restarted", "one process after the other" * rolling, first)))
    return Row("service", ((head, *lines), (cut(head, ROOM),)), quiet=not service.why)


def _window_row(host: HostPreview, window: Window) -> Row:
    word = {True: "maintenance is shown", False: "none", None: "maybe"}[window.shown]
    head = f"{word} ({window.why})"
    took = ", ".join(
        f"{one.seconds:.1f} s" + ("" if one.outcome == Outcome.COMMITTED else f" ({one.outcome})")
        for one in host.windows
    )
    last = f"the last {'one' if len(host.windows) == 1 else 'ones'} on this host took {took}"
    said = window.why == "maintenance: always"
    return Row("window", ((head,), (cut(head, ROOM),)), quiet=said, whole=(head, *([last] if took else [])))


def _deletion_row(host: HostPreview) -> Row:
    backups = [f"- {path}, a backup of an earlier deploy" for path in host.old_backups]
    freed = sum(one.bytes or 0 for one in host.deletions)
    head = [f"{count_of(len(host.deletions), 'version')}, which frees {megabytes(freed)}"] if host.deletions else []
    names = [f"- {one.name} ({megabytes(one.bytes)})" for one in host.deletions]
    counted = [f"{count_of(len(backups), 'backup')} of earlier deploys"] if backups else []
    return Row("deletes", ((*head, *names, *backups), ("; ".join([*head, *counted]),)))


def megabytes(number: int | None) -> str:
    """A size on disk."""
    return "size unknown" if number is None else f"{number / 1e6:,.0f} MB"


def _rows_of_all(kind: str, host: HostPreview, several: bool) -> Iterator[Row]:
    """What says nothing that a person has to know before, and is told where all is asked for."""
    told = host.summary
    count = (
        f"+ {told.create} to create  ~ {told.change} to change  - {told.delete} to delete  = {told.unchanged} unchanged"
    )
    scripts = dict.fromkeys(one.path for one in host.scripts)
    rows = {
        # Of two steps that share a script one runs it: which of them, only the build can tell.
        "scripts": [", ".join(PurePosixPath(path).name for path in scripts)] if scripts else [],
        "links": _link_lines(host),
        "disk": [_room(host)] if host.disk else [],
        "fallback": _fallback_lines(host),
        "steps": [", ".join(step.name for step in host.steps if step.does)] if host.steps else [],
        "primary": [f"{host.host} migrates and backs up for all hosts"] if several and host.primary else [],
        "count": [count],
    }
    short = kind == "clean"
    for name, lines in rows.items():
        if lines and not (short and name != "count"):
            yield Row(name, (tuple(lines),), Fold.THE_REST, quiet=True)


def _link_lines(host: HostPreview) -> list[str]:
    lines = [f"{len(host.links)} change, {host.kept_links} stay"] if host.links else []
    for link in host.links:
        sign = "+" if link.was is None else "-" if link.now is None else "~"
        lines.append(f"{sign} {link.path}" + (f" → {link.now}" if link.now else ""))
    return lines


def _room(host: HostPreview) -> str:
    needed, free = (host.disk.needed, host.disk.free) if host.disk else (None, None)
    return f"a version needs up to {megabytes(needed)}; {megabytes(free)} are free"


def _fallback_lines(host: HostPreview) -> list[str]:
    if host.fallback is None:
        return []
    return [WAYS[host.fallback.way] + (f" ({host.fallback.why})" if host.fallback.why else "")]
