"""The backup that a deploy can be undone with: made by the host's own script, and believed only when it was checked."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.database import backup_of
from agent.host.command import Runner
from agent.host.output import emit
from agent.host.reading import content_hash, open_ordinary
from agent.host.users import acting_as
from agent.migrations.names import labels
from agent.text.lines import cut, lines_of
from agent.transaction.step import StepContext, StepFailed
from agent.versions.marks import read_mark
from agent.words.notes import BackedUp, Checked

# How a file of each kind begins, and the command that reads all of it.
READERS: dict[bytes, tuple[str, ...]] = {
    b"PGDMP": ("pg_restore", "--list"),
    b"\x1f\x8b": ("gzip", "--test"),
    b"\xfd7zXZ": ("xz", "--test"),
    b"BZh": ("bzip2", "--test"),
    b"\x28\xb5\x2f\xfd": ("zstd", "--test", "--quiet"),
}
# How a whole dump in SQL begins, and what stands near its end.
TEXTS = {
    b"-- PostgreSQL database dump": b"PostgreSQL database dump complete",
    b"-- MySQL dump": b"Dump completed",
    b"-- MariaDB dump": b"Dump completed",
}
START_BYTES, END_BYTES = 512, 4096
# Which migrations are recorded in a SQLite file; nothing is said where it has no list of them.
RECORDED = """\
import json, sqlite3, sys
from urllib.parse import quote
asked = "SELECT app, name FROM django_migrations"
file = sqlite3.connect(f"file:{quote(sys.argv[1])}?mode=ro&immutable=1", uri=True)
has_list = file.execute("SELECT count(*) FROM sqlite_master WHERE name = 'django_migrations'").fetchone()[0]
print(json.dumps(file.execute(asked).fetchall() if has_list else []))
"""
# How long a path may be on this host, and how much of one that is longer is shown, characters.
LONGEST_PATH, SHOWN_OF_LINE = 1000, 500
# A backup of less than this part of the one before it is worth a warning.
SHRUNK = 0.5


def examine(step: StepContext, output: str) -> BackedUp:
    """Read the path that the backup script printed, and check the file there. Raises StepFailed.

    + output: what the script printed; its last line is the path
    """
    lines = [line.strip() for line in lines_of(output) if line.strip()]
    if not lines:
        raise StepFailed("the backup script printed no path of a backup")
    path, printed = Path(lines[-1]), cut(lines[-1], SHOWN_OF_LINE)
    if len(lines[-1]) > LONGEST_PATH:
        raise StepFailed(f"the backup script's last line is too long for a path: {printed}")
    # The script is the app user's: what it names is read with that user's rights, and no more.
    with acting_as(step.layout.app):
        if not path.is_absolute() or not path.is_file():
            raise StepFailed(f"the backup script's last line is not the path of a file: {printed}")
        size = path.stat().st_size
        if size == 0:
            raise StepFailed(f"the backup is empty: {path}")
        try:
            digest = content_hash(path, step.until)
        except TimeoutError:
            limit = f"{step.limit:.0f} s, the script's own time included (script_timeout)"
            raise StepFailed(f"the backup has more than can be read within {limit}: {path}, {size} bytes") from None
        start, end = _ends(path, size)
        with open_ordinary(path) as file:
            head = backup_of.head_of(file)
    listed = _prove_readable(step.runner(step.layout.app), path, start, end)
    if backup_of.is_cut(head, size):
        raise StepFailed(f"the backup was cut short: {path} is smaller than it says itself")
    told = backup_of.told_by(head, listed)
    warnings = [*_of_the_app(step, path, told), *_shrunk(step, size)]
    if head.startswith(backup_of.SQLITE) and start.startswith(backup_of.SQLITE):
        _prove_migrated(step, path)
    return BackedUp(warning="; ".join(warnings), path=str(path), bytes=size, sha256=digest)


def _of_the_app(step: StepContext, path: Path, told: Sequence[backup_of.Told]) -> list[str]:
    """What is worth knowing of whose backup it is. Raises StepFailed where it is of a database that the app has not."""
    databases = step.note(Checked).databases
    problem = backup_of.of_another(told, databases)
    if problem:
        script = step.layout.path("backup_script")
        raise StepFailed(f"{problem}: {script} has to back up what the app uses ({path} was made)")
    if not all(one.name or one.vendor == "sqlite" for one in told) or not told:
        emit("backup: which database it is of can't be told from its file")
    else:
        emit(f"backup: of {backup_of.named(told)}")
    others = backup_of.in_no_backup(told, databases)
    return [f"the app's database {', '.join(others)} is not in this backup"] if others else []


def _prove_migrated(step: StepContext, path: Path) -> None:
    """Prove that a SQLite file is the app's own, which has no name: what is applied there is recorded in it.

    Raises StepFailed, CommandFailed.
    """
    checked = step.note(Checked)
    mine = [one for one in checked.databases if one.vendor == "sqlite"]
    if len(mine) != 1 or not checked.applied:
        return
    said = step.runner(step.layout.app).run([sys.executable, "-I", "-S", "-c", RECORDED, str(path)])
    lacks = backup_of.lacking(checked.applied, mine[0].alias, json.loads(said))
    if lacks:
        raise StepFailed(
            f"the backup is of another SQLite file than the app's ({mine[0].name}): {labels(lacks)} is applied there, "
            f"and not recorded in {path}"
        )


def _shrunk(step: StepContext, size: int) -> list[str]:
    before = _size_before(step)
    return (
        [f"the backup has {size} bytes, and the one before it had {before}"]
        if before and size < before * SHRUNK
        else []
    )


def _ends(path: Path, size: int) -> tuple[bytes, bytes]:
    with open_ordinary(path) as file:
        start = file.read(START_BYTES)
        file.seek(max(0, size - END_BYTES))
        return start, file.read()


def _prove_readable(runner: Runner, path: Path, start: bytes, end: bytes) -> str:
    """Have a backup of a kind that is known read from its beginning to its end. Raises CommandFailed, StepFailed.

    Returns what its reader says of it.
    """
    said = ""
    for magic, reader in READERS.items():
        if start.startswith(magic) and shutil.which(reader[0]):
            said = runner.run([*reader, str(path)])
    if backup_of.is_tar(start):
        runner.run(["tar", "--list", "--file", str(path)])
    for head, tail in TEXTS.items():
        if head in start and tail not in end:
            raise StepFailed(f"the backup was cut short: {path} does not end as a whole dump does")
    return said


def _size_before(step: StepContext) -> int:
    """The size of the live version's own backup; 0 where none is known."""
    backup = read_mark(step.transaction.state, str(step.begin.was)).backup
    return backup.bytes if backup else 0
