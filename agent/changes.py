"""What lies between the live commit and the one to come, read without changing anything on the host."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent import git
from agent.command import Runner, acting_as, mask

# How many commits are named; all of them are counted.
SHOWN = 20
STAT = re.compile(r"(\d+) (file|insertion|deletion)")


def between(runner: Runner, url: str, mirror: Path, before: str, after: str) -> dict[str, Any]:
    """Read what happened between two commits of a repository.

    + url: the repository, asked only for what the mirror does not have
    + before: the live commit, full or short; after: the one to come
    """
    with _repository(runner, url, mirror, after) as folder:
        argv = ["git", "-C", str(folder)]
        if not git.has_commit(runner, folder, before):
            return {"unknown": f"{before[:7]}, which is live, is not in the repository"}
        counts = runner.run([*argv, "rev-list", "--left-right", "--count", f"{before}...{after}"]).split()
        listing = runner.run([*argv, "log", f"--max-count={SHOWN}", "--format=%h%x1f%an%x1f%s", f"{before}..{after}"])
        stat = runner.run([*argv, "diff", "--shortstat", before, after])
        names = runner.run([*argv, "diff", "--name-status", "--no-renames", before, after])
        packages = runner.run([*argv, "diff", "--unified=0", before, after, "--", "*requirements*.txt"])
    numbers = {word: int(number) for number, word in STAT.findall(stat)}
    return {
        "back": int(counts[0]),
        "commits": int(counts[1]),
        "log": [mask(line).split("\x1f") for line in listing.splitlines()],
        "files": numbers.get("file", 0),
        "insertions": numbers.get("insertion", 0),
        "deletions": numbers.get("deletion", 0),
        "migrations": migrations(names),
        "packages": [mask(line) for line in packages.splitlines() if re.match(r"[+-][^+-]", line)],
    }


def migrations(names: str) -> list[str]:
    """The migrations in a listing by `git diff --name-status`: `+app.0001_name`, or - for one that is gone.

    >>> migrations("A\\titems/migrations/0002_note.py")
    ['+items.0002_note']
    """
    found = []
    for line in names.splitlines():
        status, _, name = line.partition("\t")
        path = Path(name)
        if path.parent.name == "migrations" and path.suffix == ".py" and path.stem != "__init__" and status in "AD":
            found.append(f"{'+' if status == 'A' else '-'}{path.parent.parent.name}.{path.stem}")
    return found


@contextlib.contextmanager
def _repository(runner: Runner, url: str, mirror: Path, commit: str) -> Iterator[Path]:
    """A repository that has a commit: the mirror, or a temporary one that borrows what the mirror has."""
    if (mirror / "HEAD").exists() and git.has_commit(runner, mirror, commit):
        yield mirror
        return
    user = runner.user or "root"
    with acting_as(user):
        folder = Path(tempfile.mkdtemp(prefix="switchback-"))
    try:
        runner.run(["git", "init", "--quiet", "--bare", str(folder)])
        if (mirror / "objects").is_dir():
            with acting_as(user):
                (folder / "objects" / "info" / "alternates").write_text(f"{mirror / 'objects'}\n")
        git.fetch_everything(runner, folder, url, commit)
        yield folder
    finally:
        with acting_as(user):
            shutil.rmtree(folder)
