"""Looking at the project that a person is in: its files as git has them, and where it is pushed to."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.text.repositories import without_login

# How many files are looked at where git is not asked, and of a file how much is read, characters.
MOST, LARGEST = 20_000, 1_000_000
# Folders that have nothing of the project's own.
NOT_ITS_OWN = ("node_modules", "venv", "env", "__pycache__")
ORIGIN = "origin"


@dataclass(frozen=True)
class Checkout:
    """A project as it lies on this machine.

    + root: its top, of its repository where it is in one
    + paths: its files, from there
    + remote, url: the name and the address of where it is pushed to, without a password; empty where there is none
    + login: whether the address has a password, or a token, by which this machine gets in
    + branch: what is checked out; default: what the remote calls its default branch, as far as it is known here
    + new: how many of its files git does not have yet
    """

    root: Path
    paths: frozenset[str]
    remote: str = ""
    url: str = ""
    branch: str = ""
    default: str = ""
    login: bool = False
    new: int = 0

    def text_of(self, path: str) -> str | None:
        """A file's text; None where it can't be read."""
        try:
            with (self.root / path).open(encoding="utf-8", errors="replace") as file:
                return file.read(LARGEST)
        except OSError:
            return None


def look(here: Path) -> Checkout:
    """The project that a folder is in."""
    top = _git(here, "rev-parse", "--show-toplevel")
    if not top:
        return Checkout(here, frozenset(_walk(here)))
    root = Path(top)
    # What has only just been made is its own as well, unless git is told to look past it.
    new = [one for one in _files(root, "--others", "--exclude-standard") if _is_its_own(one)]
    remotes = _git(root, "remote").split()
    remote = ORIGIN if ORIGIN in remotes else remotes[0] if len(remotes) == 1 else ""
    default = _git(root, "symbolic-ref", "--short", f"refs/remotes/{remote}/HEAD") if remote else ""
    address = _git(root, "remote", "get-url", remote) if remote else ""
    url = without_login(address)
    return Checkout(
        root,
        frozenset([*_files(root), *new]),
        remote,
        url,
        _git(root, "symbolic-ref", "--short", "HEAD"),
        default.removeprefix(f"{remote}/"),
        login=url != address,
        new=len(new),
    )


def _files(root: Path, *which: str) -> list[str]:
    """Files by their paths from the top: those that git has, unless told otherwise."""
    return [path for path in _git(root, "ls-files", "-z", *which).split("\0") if path]


def _git(folder: Path, *words: str) -> str:
    """What git says; nothing where it knows nothing, or is not there."""
    try:
        done = subprocess.run(["git", "-C", folder, *words], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return os.fsdecode(done.stdout).strip("\n")


def _is_its_own(path: str) -> bool:
    return not any(folder.startswith(".") or folder in NOT_ITS_OWN for folder in Path(path).parts[:-1])


def _walk(top: Path) -> Iterator[str]:
    found = 0
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(one for one in folders if not one.startswith(".") and one not in NOT_ITS_OWN)
        for file in files:
            found += 1
            if found > MOST:
                return
            yield str((Path(folder) / file).relative_to(top))
