"""Submodules of a checkout: where they come from, and where they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent.host.command import CommandFailed, Runner
from agent.repository.git import entries
from agent.text.repositories import login_env, remote_env, without_login

# How a submodule stands in a tree.
GITLINK = "160000"
SAY_PATH = 'printf "%s\\0" "$displaypath"'


def check_out(runner: Runner, folder: Path, sha: str, url: str) -> None:
    """Check the submodules of a checkout out, and theirs. Raises CommandFailed.

    + sha: the commit that is checked out; url: the repository that it is from, which relative URLs begin at
    """
    links = [entry.path for entry in entries(runner, folder, sha) if entry.mode == GITLINK]
    if not links:
        return
    _all_come_from_somewhere(runner, folder, links)
    submodule = ["git", "-C", str(folder), "submodule", "--quiet"]
    # What comes of a relative URL is written down in the checkout; a login is not, and is put in when it is asked for.
    runner.run([*submodule, "init"], env=remote_env(without_login(url)))
    local = ["-c", "protocol.file.allow=always"] if url.startswith(("/", "file://")) else []
    argv = ["git", "-C", str(folder), *local, "submodule", "--quiet", "update", "--init", "--recursive"]
    runner.run(argv, env={"GIT_LFS_SKIP_SMUDGE": "1", **login_env(url)})


def _all_come_from_somewhere(runner: Runner, folder: Path, links: Sequence[str]) -> None:
    argv = ["git", "-C", str(folder), "config", "--file", ".gitmodules", "-z", "--get-regexp", r"^submodule\..*\.path$"]
    said = runner.run(argv, ok=(0, 1)) if (folder / ".gitmodules").is_file() else ""
    known = {entry.partition("\n")[2] for entry in said.split("\0")}
    lost = [path for path in links if path not in known]
    if lost:
        which = f"{', '.join(lost)} {'is a submodule' if len(lost) == 1 else 'are submodules'}"
        raise CommandFailed(f"{which}, but .gitmodules does not say where from: the folder would be empty", "")


def paths(runner: Runner, folder: Path) -> list[str]:
    """The submodules that a checkout has, and theirs, relative to it."""
    if not (folder / ".gitmodules").is_file():
        return []
    argv = ["git", "--no-optional-locks", "-C", str(folder), "submodule", "--quiet", "foreach", "--recursive", SAY_PATH]
    return [path for path in runner.run(argv).split("\0") if path]


def url_of(runner: Runner, folder: Path) -> str:
    """The repository that a submodule's checkout is from."""
    return runner.run(["git", "-C", str(folder), "config", "remote.origin.url"]).strip()
