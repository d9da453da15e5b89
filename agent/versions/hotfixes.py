"""Changes that somebody made on the host itself: in the live code or config, and in no repository."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from agent.host.command import Runner
from agent.host.files import write_whole
from agent.host.users import acting_as
from agent.repository import submodules
from agent.text.lines import lines_of, one_line
from agent.versions.layout import Layout
from agent.versions.marks import read_seal
from agent.words.journal import Commit

if TYPE_CHECKING:
    from agent.versions.known import Seal


def find(runner: Runner, layout: Layout, version: str) -> dict[str, list[str]]:
    """Find the hotfixes of a version, by part: a line for each file or commit."""
    seal = read_seal(layout.version(version))
    found = {}
    for part in ("code", "config"):
        folder = layout.part(version, part)
        if (folder / ".git").exists():
            lines = _changed(runner, folder, submodules.paths(runner, folder), _shared(seal, part))
            lines += _unpushed(runner, folder, seal.commit(part))
            if lines:
                found[part] = lines
    return found


def _git(folder: Path) -> list[str]:
    # Reading must not even refresh the index.
    return ["git", "--no-optional-locks", "-C", str(folder)]


def _shared(seal: Seal, part: str) -> tuple[str, ...]:
    """The paths of a part that lead out of the version: what is behind them is nobody's change to the code."""
    return seal.shared if part == "code" else ()


def _but(shared: Iterable[str], path: str) -> list[str]:
    """What has git look at all of a repository but at what is shared.

    + path: where the repository is in the checkout; empty for the checkout itself
    """
    there = [one[len(path) + 1 :] if path else one for one in shared if one.startswith(f"{path}/" if path else "")]
    return ["--", ".", *(f":(exclude,literal){one}" for one in there)]


def _changed(runner: Runner, folder: Path, within: Iterable[str], shared: Iterable[str] = ()) -> list[str]:
    """Changed and untracked files, those of its submodules too; bytecode is nobody's work."""
    argv = ["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=dirty"]
    entries = []
    for path in ("", *within):
        listing = runner.run([*_git(folder / path), *argv, *_but(shared, path)])
        # Two letters and a space, then the name.
        entries += [entry[:3] + os.path.join(path, entry[3:]) for entry in listing.split("\0") if entry]
    words = {"??": "untracked", " D": "deleted", "D ": "deleted", "A ": "added"}
    return [
        "{}: {}".format(words.get(entry[:2], "changed"), one_line(entry[3:]))
        for entry in entries
        if not (entry.endswith(".pyc") or "__pycache__/" in entry)
    ]


def _unpushed(runner: Runner, folder: Path, sealed: Commit | None) -> list[str]:
    """Commits made on the host: since the version was sealed, or, in a checkout by hand, that no remote has."""
    since = [f"{sealed.sha}..HEAD"] if sealed else ["HEAD", "--not", "--remotes", "--tags"]
    if not sealed and not runner.run([*_git(folder), "remote"]).strip():
        return []
    log = runner.run([*_git(folder), "log", "--format=%h %s", "--max-count=50", *since], ok=(0, 128))
    return ["unpushed: " + one_line(line) for line in lines_of(log)]


def patch(runner: Runner, layout: Layout, version: str, part: str) -> str:
    """The hotfixes of a part as a patch that `git apply` takes, changes and untracked files alike."""
    folder = layout.part(version, part)
    seal = read_seal(layout.version(version))
    sealed, shared = seal.commit(part), _shared(seal, part)
    base = sealed.sha if sealed else "HEAD"
    text = _patch_of(runner, folder, base, shared)
    for path in submodules.paths(runner, folder):
        # What is committed there is what the repository around it names, as far as that is the one that was sealed.
        argv = ["rev-parse", "--verify", "--quiet", f"{base}:{path}"]
        named = runner.run([*_git(folder), *argv], ok=(0, 1, 128)).strip()
        text += _patch_of(runner, folder / path, named or "HEAD", shared, path)
    return text


def _patch_of(runner: Runner, folder: Path, base: str, shared: Iterable[str], path: str = "") -> str:
    """The changes since a commit, and what is untracked.

    + path: where the folder is in the checkout that the patch is of
    """
    names = [f"--src-prefix={os.path.join('a', path, '')}", f"--dst-prefix={os.path.join('b', path, '')}"]
    diff = [*_git(folder), "diff", "--binary", "--ignore-submodules=dirty", *names]
    but = _but(shared, path)
    text = runner.run([*diff, base, *but])
    listing = runner.run([*_git(folder), "ls-files", "--others", "--exclude-standard", "-z", *but])
    for name in listing.split("\0"):
        if name and not name.endswith(".pyc"):
            text += runner.run([*diff, "--no-index", "--", "/dev/null", name], cwd=folder, ok=(0, 1))
    return text


def keep_patches(runner: Runner, layout: Layout, version: str) -> list[str]:
    """Keep the hotfixes of a version as patches in that version. Returns the files."""
    patches = {
        layout.version(version) / f"hotfixes-{part}.patch": patch(runner, layout, version, part)
        for part in find(runner, layout, version)
    }
    with acting_as(layout.app):
        folder = layout.version(version)
        mode = folder.stat().st_mode
        folder.chmod(0o755)
        for path, text in patches.items():
            # What is changed may be a password, in a file that is for its owner alone.
            write_whole(path, text, 0o600)
        folder.chmod(mode)
    return [str(path) for path in patches]
