"""What only grows, kept within the settings' bounds as each run ends: the history, the folders of runs, the backups."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from agent.host.files import remove, text_lines, write_whole
from agent.host.output import emit, warn
from agent.host.reading import content_hash, matching, names
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.state import State
from agent.versions.layout import Layout
from agent.versions.marks import NAME, every_mark
from agent.words.history import PastRun, read_run
from agent.words.outcomes import Outcome
from agent.words.seen import Kept, OldBackup
from agent.words.settings import Settings

if TYPE_CHECKING:
    from agent.versions.known import Mark

Named = Collection[str]

# Of the backups of the script that provision writes, unless the settings say how many.
KEEP_BACKUPS = 30
# That script, as it is and as it was: one that differs is a person's own, and so is what it has made.
OUR_SCRIPTS = frozenset(
    (
        "a9f1dc707d64da4d0aa63576871e3ee305e6b063751dfabc8b24298f97d56b20",
        "bcf35211d602c1bf9aa2a3cc5c3914151f8a149788aee9853edb44dfd85c6f52",
        "db0f85ad7a1ef48e931277c0a6e2cded17b0d20f307374e7eccaa27b7591fa0f",
    )
)
# How long it may take to read, seconds.
SCRIPT_LIMIT = 5.0
# A file that was changed later than so long after its run's end is no more what the run has made, seconds.
WRITTEN_BY_THEN = 2.0


@dataclass(frozen=True)
class Backup:
    """A backup that a run of ours has recorded.

    + path: as its script has printed it; ended: when the run has ended, seconds since the epoch
    """

    path: str
    ended: float


def keep_within(state: State, layout: Layout, settings: Settings, deploy: str, named: Named) -> None:
    """Delete what is more than the settings keep, while a run still holds the host. Nothing waits for it, and where it
    can't be done, the next run tries again.

    + deploy: the run; named: backups that it names itself
    """
    lines, runs = settings.keep_history, settings.keep_runs
    for forget in (
        partial(_forget_backups, state, layout, settings, named),
        partial(_shorten_history, state, layout, lines),
        partial(_forget_runs, state, deploy, runs),
    ):
        try:
            forget()
        except (OSError, ValueError) as problem:
            warn(f"WARNING: what is old could not all be deleted: {problem}")


# --- Backups


def past_runs(state: State) -> list[PastRun]:
    """The runs that have ended, the oldest first; what can't be read, as a line cut short by a crash, is let be."""
    return [run for run in map(read_run, text_lines(state.history)) if run]


def recorded(history: Iterable[PastRun]) -> list[Backup]:
    """The backups that our own runs have made, the newest first. Pure.

    + history: the runs that have ended, the oldest first
    """
    found: dict[str, Backup] = {}
    for run in history:
        path = run.backup
        if path and os.path.isabs(path) and "\0" not in path:
            found.pop(path, None)
            found[path] = Backup(path, run.ended)
    return list(reversed(found.values()))


def needed(history: Sequence[PastRun], marks: Iterable[Mark], versions: Collection[str]) -> set[str]:
    """The backups that what is on the host still names. Pure.

    + marks: what is known of versions; versions: the names of those that are there
    """
    paths = {mark.backup.path for mark in marks if mark.backup}
    # A revert that restores asks for the one from when its version was last left.
    left = {
        run.was: run.backup
        for run in history
        if run.outcome == Outcome.COMMITTED and run.version not in (None, run.was)
    }
    return paths | {str(path) for version, path in left.items() if version in versions and path}


def keeps(layout: Layout, settings: Settings) -> int | None:
    """How many backups are kept; None for all of them, where the script is a person's own and nobody has said so."""
    if settings.keep_backups:
        return settings.keep_backups
    return KEEP_BACKUPS if backs_up_as_provisioned(layout) else None


def backs_up_as_provisioned(layout: Layout) -> bool:
    """Whether the backup script is the one that provision writes."""
    try:
        with acting_as(layout.app):
            return content_hash(layout.path("backup_script"), time.time() + SCRIPT_LIMIT) in OUR_SCRIPTS
    except OSError:
        return False


def beyond(state: State, layout: Layout, history: Sequence[PastRun], keep: int, named: Named = ()) -> list[Backup]:
    """The backups beyond the newest ones that may be deleted, the newest first.

    + named: those that an open run names
    """
    kept = {*named, *needed(history, every_mark(state), _names(layout))}
    with acting_as(layout.app):
        stays = {os.path.realpath(path) for path in kept}
        return [
            backup
            for backup in recorded(history)[keep:]
            if os.path.realpath(backup.path) not in stays and _is_what_it_was(backup)
        ]


def _is_what_it_was(backup: Backup) -> bool:
    """Whether the file is there, is the app's own, and nobody has written to it since."""
    try:
        info = os.lstat(backup.path)
    except OSError:
        return False
    own = stat.S_ISREG(info.st_mode) and info.st_uid == os.geteuid()
    return own and info.st_mtime <= backup.ended + WRITTEN_BY_THEN


def _forget_backups(state: State, layout: Layout, settings: Settings, named: Named) -> None:
    keep = keeps(layout, settings)
    if keep is None:
        return
    gone = beyond(state, layout, past_runs(state), keep, named)
    with acting_as(layout.app):
        for backup in gone:
            os.unlink(backup.path)
    for backup in gone:
        emit(f"deleted: the backup {backup.path} (keep_backups: {keep})")


# --- The history, and the folders of runs


def _names(layout: Layout) -> set[str]:
    try:
        return {name for name in names(layout.versions) if NAME.match(name)}
    except FileNotFoundError:
        return set()


def _shorten_history(state: State, layout: Layout, keep: int) -> None:
    """Keep the newest lines, and those that tell how a version came to be live that is still there."""
    # As they are: a newer agent may have written more of them than this one knows.
    lines = [(line, run) for line in text_lines(state.history) for run in [read_run(line)] if run]
    if len(lines) <= keep:
        return
    names = _names(layout)
    kept = [line for line, run in lines[:-keep] if run.outcome == Outcome.COMMITTED and run.version in names]
    kept += [line for line, _ in lines[-keep:]]
    if len(kept) < len(lines):
        write_whole(state.history, "".join(line + "\n" for line in kept))


def _forget_runs(state: State, deploy: str, keep: int) -> None:
    """Delete the folders of runs that ended long ago, except where a version's mark still points to one."""
    named = {mark.evidence for mark in every_mark(state)}
    for folder in _folders(state)[keep:]:
        if str(folder) not in named and folder.name != deploy:
            remove(folder)


def _folders(state: State) -> list[Path]:
    folder = state.transactions
    return matching(folder, "*")[::-1]


# --- How much there is


def how_much(state: State, layout: Layout, history: Sequence[PastRun]) -> Kept:
    """How much of each there is, and which backups go next; one more may come first."""
    keep = keeps(layout, layout.settings)
    with acting_as(layout.app):
        sizes = [size for size in map(_size, recorded(history)) if size is not None]
    going = beyond(state, layout, history, max(0, keep - 1)) if keep else []
    nth = {backup.path: number for number, backup in enumerate(recorded(history))}
    return Kept(
        history=len(history),
        runs=len(_folders(state)),
        backups=len(sizes),
        backup_bytes=sum(sizes),
        keep_backups=keep,
        going=tuple(OldBackup(nth[backup.path], backup.path) for backup in going),
    )


def _size(backup: Backup) -> int | None:
    try:
        return os.lstat(backup.path).st_size
    except OSError:
        return None
