"""Makes the git repositories of the sample site (two) and of the demo (one), the same commits each time, from the
directories beside this file.

A commit is a directory, code/NAME, config/NAME or project/NAME: the files that it adds or changes over its parent. Its
tag is NAME.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIRST_COMMIT = 1_736_154_000  # Monday, 6 January 2025, 9:00 UTC; each later commit is an hour younger.
ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Sam Sample",
    "GIT_AUTHOR_EMAIL": "sam@example.org",
    "GIT_COMMITTER_NAME": "Sam Sample",
    "GIT_COMMITTER_EMAIL": "sam@example.org",
}


@dataclass(frozen=True)
class Commit:
    """A commit over `parent`, that `refs` point to; without any, a tag of its name."""

    name: str
    message: str
    parent: str = ""
    refs: tuple[str, ...] = ()
    digits: bool = False  # Its short SHA has digits only, so that it could be mistaken for a number.


CODE = (
    Commit("good-1", "List items, and add one"),
    Commit("good-2", "Give items a colour", "good-1", ("refs/tags/good-2", "refs/tags/0012345")),
    Commit(
        "good-3",
        "Paint the items that have no colour, and show their age",
        "good-2",
        ("refs/tags/good-3", "refs/tags/12e4567", "refs/heads/main"),
    ),
    Commit("bad-requirements", "Store uploads with a release that was never made", "good-1"),
    Commit("bad-check", "Show a field in the admin that items don't have", "good-1"),
    Commit("bad-static", "Use an image that isn't there", "good-1"),
    Commit("bad-migration", "Give items a price, and trip over the data", "good-1"),
    Commit("irreversible", "Shout, with no way back", "good-1"),
    Commit("bad-boot", "Insist on a key that no host has", "good-1"),
    Commit("bad-live", "Insist on it where visitors come, and nowhere else", "good-1"),
    Commit("bad-later", "Give up ten seconds after the start", "good-1"),
    Commit("bad-health", "Show a page that has no template", "good-2"),
    Commit("slow-boot", "Load an index for twelve seconds", "good-1"),
    Commit("feature", "Try another title", "good-1", ("refs/heads/feature/with/slashes",)),
    Commit("digits", "Try another number", "good-1", ("refs/heads/digits",), digits=True),
    Commit("half-applied", "Give items a price without a transaction, and trip over the data", "good-1"),
    Commit("lossy", "Forget when items were made", "good-1"),
)
CONFIG = (
    Commit("main", "Configure the site", refs=("refs/heads/main",)),
    Commit("bad-settings", "Read the settings with a package that isn't installed", "main"),
)
# The demo's: what `startproject` makes, with a guestbook in it.
PROJECT = (
    Commit("first", "Keep a guestbook", refs=("refs/heads/main", "refs/tags/first")),
    Commit("second", "Ask guests where they come from", "first"),
    Commit("bad-requirements", "Store pictures with a release that was never made", "first"),
    Commit("bad-settings", "Insist on a variable that nobody has set", "first"),
    Commit("bad-migration", "Show initials, and trip over a guest without a surname", "first"),
    Commit("bad-page", "Link to a page that isn't there", "first"),
)


class Builder:
    """One bare repository, and a work tree that its commits are made in."""

    def __init__(self, sources: Path, repository: Path, work_tree: Path) -> None:
        self.sources = sources
        self.work_tree = work_tree
        self.environment = os.environ | ENVIRONMENT
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(repository))
        self.environment["GIT_DIR"] = str(repository)
        self.environment["GIT_WORK_TREE"] = str(work_tree)
        self.environment["GIT_INDEX_FILE"] = f"{work_tree}.index"

    def git(self, *arguments: str) -> str:
        """What a git command prints, run in the work tree once that is known."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.work_tree,
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        return done.stdout.strip()

    def stage(self, commit: Commit) -> str:
        """Put a directory's files over the parent's; the tree that they make."""
        if commit.parent:
            self.git("read-tree", "--reset", "-u", commit.parent)
        shutil.copytree(
            self.sources / commit.name,
            self.work_tree,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__"),
            copy_function=shutil.copy,  # With the time of now: git takes an old one for a file that hasn't changed.
            dirs_exist_ok=True,
        )
        self.git("add", "--all")
        return self.git("write-tree")

    def commit(self, commit: Commit, time: int) -> None:
        """Commit a directory's files over the parent's, at `time` or some seconds later."""
        tree = self.stage(commit)
        parent = ["-p", commit.parent] if commit.parent else []
        sha = ""
        while not sha or (commit.digits and not sha[:7].isdigit()):
            self.environment["GIT_AUTHOR_DATE"] = self.environment["GIT_COMMITTER_DATE"] = f"{time} +0000"
            sha = self.git("commit-tree", *parent, "-m", commit.message, tree)
            time += 1
        for ref in commit.refs or (f"refs/tags/{commit.name}",):
            self.git("update-ref", ref, sha)


def build(sources: Path, repository: Path, commits: tuple[Commit, ...]) -> None:
    """Make one bare repository."""
    with tempfile.TemporaryDirectory() as scratch:
        work_tree = Path(scratch) / "tree"
        work_tree.mkdir()
        builder = Builder(sources, repository, work_tree)
        for number, commit in enumerate(commits):
            builder.commit(commit, FIRST_COMMIT + number * 3600)


def build_repositories(target: Path) -> None:
    """Make target/code.git, target/config.git and target/site.git, which must not exist yet."""
    target = target.resolve()
    target.mkdir(parents=True, exist_ok=True)
    build(HERE / "code", target / "code.git", CODE)
    build(HERE / "config", target / "config.git", CONFIG)
    build(HERE / "project", target / "site.git", PROJECT)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.sample.build DIR")
    build_repositories(Path(sys.argv[1]))
