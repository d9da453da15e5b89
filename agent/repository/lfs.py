"""Files that a repository keeps elsewhere, by Git LFS: of each there is only a pointer, which is none of the app's."""

from __future__ import annotations

import shutil
from pathlib import Path

from agent.host.command import CommandFailed, Runner
from agent.host.reading import open_ordinary
from agent.host.users import PATH, acting_as
from agent.repository.git import entries
from agent.text.repositories import remote_env

POINTER = b"version https://git-lfs.github.com/spec/v1\n"
# No pointer is larger, bytes.
LARGEST = 1024
SHOWN = 5


def fetch(runner: Runner, folder: Path, sha: str, url: str) -> int:
    """Put the files of a checkout in the place of their pointers. Returns how many that were. Raises CommandFailed.

    + sha: the commit that is checked out; url: the repository that it is from
    """
    found = pointers(runner, folder, sha)
    if not found:
        return 0
    if not shutil.which("git-lfs", path=PATH):
        raise CommandFailed(f"{told(found)}, and git-lfs is not on this host: install it (apt install git-lfs)", "")
    git = ["git", "-C", str(folder)]
    # So that git takes the files for what is committed.
    runner.run([*git, "lfs", "install", "--local", "--skip-repo"])
    runner.run([*git, "lfs", "pull"], env=remote_env(url))
    left = pointers(runner, folder, sha)
    if left:
        raise CommandFailed(f"{told(left)}, and git-lfs has not fetched what they stand for", "")
    return len(found)


def kept_elsewhere(runner: Runner, repository: Path, sha: str) -> list[str]:
    """The files of a commit that are pointers, where this host could not put anything in their place."""
    there = {entry.path: entry.size for entry in entries(runner, repository, sha) if entry.is_file}
    if shutil.which("git-lfs", path=PATH) or not any(Path(path).name == ".gitattributes" for path in there):
        return []
    grep = ["git", "-C", str(repository), "grep", "--name-only", "-z", "-F", POINTER.decode().strip(), sha]
    named = (name.partition(":")[2] for name in runner.run(grep, ok=(0, 1)).split("\0"))
    return [name for name in named if 0 < there.get(name, 0) <= LARGEST]


def pointers(runner: Runner, folder: Path, sha: str) -> list[str]:
    """The files of a checkout that are pointers."""
    small = [entry.path for entry in entries(runner, folder, sha) if 0 < entry.size <= LARGEST and entry.is_file]
    with acting_as(runner.user or "root"):
        return [path for path in small if _is_pointer(folder / path)]


def _is_pointer(path: Path) -> bool:
    try:
        with open_ordinary(path) as file:
            return file.read(len(POINTER)) == POINTER
    except OSError:
        return False


def told(found: list[str]) -> str:
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    what = "is a Git LFS pointer and no file" if len(found) == 1 else "are Git LFS pointers and no files"
    return f"{', '.join(found[:SHOWN])}{more} {what}"
