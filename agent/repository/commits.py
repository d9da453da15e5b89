"""What lies between the live commit and the one to come, read without changing anything on the host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from agent.host.command import Runner
from agent.host.files import put
from agent.host.users import acting_as
from agent.repository import git
from agent.text.diff import trimmed
from agent.text.lines import cut, lines_of, shown
from agent.text.masking import masked_lines, masked_urls
from agent.words.foreseen import Between, Changes, Commit

# How many commits are named; all of them are counted.
SHOWN = 20
# How long a text diff may be, lines.
DIFF_LINES = 400
# How much of a line is shown, characters.
SHOWN_OF_LINE = 500
# More lines than any file has.
WHOLE = 10_000_000
STAT = re.compile(r"(\d+) (file|insertion|deletion)")


def repository_with(runner: Runner, url: str, mirror: Path, commit: str, room: Path) -> Path:
    """A repository that has a commit: the mirror, or a new one in a room that borrows what the mirror has.

    + url: the repository, asked only for what the mirror does not have
    + room: where the new one is made; whoever gives the room takes it away
    """
    if (mirror / "HEAD").exists() and git.has_commit(runner, mirror, commit):
        return mirror
    runner.run(["git", "init", "--quiet", "--bare", str(room)])
    if (mirror / "objects").is_dir():
        with acting_as(runner.user or "root"):
            put(room / "objects" / "info" / "alternates", f"{mirror / 'objects'}\n".encode())
    git.fetch_everything(runner, room, url, commit)
    return room


def between(runner: Runner, repository: Path, before: str, after: str, text: bool = False) -> Changes:
    """Read what happened between two commits of a repository.

    + repository: has the later one; where the earlier one is unknown to it, so is what happened
    + before: the live commit, full or short; after: the one to come
    + text: whether to read the changed lines, too; what looks like a secret in them is masked
    """
    argv = ["git", "-C", str(repository)]
    if not git.has_commit(runner, repository, before):
        return Changes(None, f"{before[:7]}, which is live, is not in the repository")
    counts = runner.run([*argv, "rev-list", "--left-right", "--count", f"{before}...{after}"]).split()
    form = "--format=%h%x1f%an%x1f%s"
    listing = runner.run([*argv, "log", f"--max-count={SHOWN}", form, f"{before}..{after}"])
    left = runner.run([*argv, "log", f"--max-count={SHOWN}", form, f"{after}..{before}"]) if counts[0] != "0" else ""
    stat = runner.run([*argv, "diff", "--shortstat", before, after])
    numbers = {word: int(number) for number, word in STAT.findall(stat)}
    return Changes(
        Between(
            back=int(counts[0]),
            forward=int(counts[1]),
            commits=_commits(listing),
            left=_commits(left),
            files=numbers.get("file", 0),
            insertions=numbers.get("insertion", 0),
            deletions=numbers.get("deletion", 0),
            diff=_text_diff(runner, repository, before, after) if text else None,
        )
    )


def _commits(listing: str) -> tuple[Commit, ...]:
    found = (masked_urls(line).split("\x1f", 2) for line in lines_of(listing))
    return tuple(Commit(*(shown(cut(word, SHOWN_OF_LINE)) for word in one)) for one in found)


def _text_diff(runner: Runner, repository: Path, before: str, after: str) -> tuple[str, ...]:
    argv = ["git", "-C", str(repository), "diff", "--no-color", "--no-ext-diff", f"--unified={WHOLE}"]
    return told_lines(trimmed(masked_lines(lines_of(runner.run([*argv, before, after])), signs=True)))


def told_lines(lines: Sequence[str]) -> tuple[str, ...]:
    """As many lines of a diff as are shown."""
    more = len(lines) - DIFF_LINES
    told = [shown(cut(line, SHOWN_OF_LINE)) for line in lines[:DIFF_LINES]]
    return (*told, f"… and {more} more lines") if more > 0 else tuple(told)


def check_out_in(runner: Runner, repository: Path, folder: Path, commit: str) -> None:
    """Write a commit's files into a new folder, and nothing into the repository."""
    with acting_as(runner.user or "root"):
        folder.mkdir(parents=True)
    index = {"GIT_INDEX_FILE": f"{folder}.index"}
    argv = ["git", f"--git-dir={repository}", f"--work-tree={folder}", "-c", "filter.lfs.required=false"]
    argv += ["-c", "filter.lfs.smudge=", "-c", "filter.lfs.process="]
    runner.run([*argv, "read-tree", commit], env=index)
    runner.run([*argv, "checkout-index", "--all", "--force", "--quiet"], env=index, cwd=folder)


def read_text(runner: Runner, repository: Path, commit: str, path: str) -> str | None:
    """A file's text as it is in a commit, or None where it is not there."""
    argv, name = ["git", "-C", str(repository), "cat-file"], f"{commit}:{path}"
    is_there = runner.run([*argv, "-t", name], ok=(0, 1, 128)).strip() == "blob"
    return runner.run([*argv, "blob", name]) if is_there else None
