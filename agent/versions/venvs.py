"""Virtual environments that cost nothing: that of an earlier version with the same requirements is taken over by hard
links. A virtual environment can't be moved, so each file that has the old version's path in it is written anew."""

from __future__ import annotations

import base64
import hashlib
import os
import pwd
import stat
from collections.abc import Collection, Iterable
from pathlib import Path

from agent.host import files
from agent.host.command import Runner
from agent.host.files import remove
from agent.host.output import emit
from agent.host.reading import entries, matching, read_ordinary, read_text, walk
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.versions import venv_pool
from agent.versions.layout import Layout
from agent.versions.marks import read_seal

# How large a file of an environment may be that has the version's name in it, bytes: it is read whole.
LARGEST_NAMED = 200_000_000


@dataclass(frozen=True)
class Taken:
    """An environment that was made out of another one's.

    + named: the files that have the version's name in them
    + open: where a spare was ready for this, the only folders in which anybody can write; bytes: what it takes on disk
      without what was added there
    """

    named: tuple[str, ...]
    open: tuple[str, ...] = ()
    bytes: int = 0


def files_with_its_name(runner: Runner, layout: Layout, version: str) -> list[str]:
    """The files of a version's environment that have its name in them, relative to it; all others can be linked."""
    folder = layout.part(version, "venv")
    argv = ["grep", "--recursive", "--files-with-matches", "--null", "-F", version, str(folder)]
    return sorted(os.path.relpath(name, str(folder)) for name in runner.run(argv, ok=(0, 1)).split("\0") if name)


def take_over(layout: Layout, old: str, new: str, fingerprint: str | None) -> Taken | None:
    """Make a version's environment out of another one's. Returns None if that could not be done; nothing is there then.

    Whatever has the old version's name in it is written anew, and the rest, which then has not, is linked.

    + fingerprint: the environment's: if one like it is kept as a spare, it is used up
    """
    before, after = layout.part(old, "venv"), layout.part(new, "venv")
    named = read_seal(layout.version(old)).environment.named
    if named is None:
        return None
    with acting_as(layout.app):
        try:
            if any_binary(before, named):
                return None
            names = _Names(old, new, {str(before / name) for name in named})
            ready = venv_pool.is_ready(layout, fingerprint, before)
            taken = venv_pool.take(layout, fingerprint, after)
            try:
                opened = _make(before, after, names, ready if taken else None)
            except OSError as problem:
                if not taken:
                    raise
                emit(f"venv: the spare environment is of no use: {problem}")
                venv_pool.throw_away(layout, after)
                opened = _make(before, after, names)
        except OSError as problem:
            # What root has left in it, say: nobody else may link that.
            emit(f"venv: the packages of {old} can't be linked, and are installed anew: {_in_words(problem, layout)}")
            if after.exists():
                venv_pool.throw_away(layout, after)
            return None
    return Taken(named, tuple(opened or ()), ready.bytes if ready and opened else 0)


def _in_words(problem: OSError, layout: Layout) -> str:
    """What went wrong with a file, with its owner where that is not the app's user."""
    name = problem.filename
    try:
        owner = pwd.getpwuid(os.lstat(name).st_uid).pw_name if isinstance(name, str) else layout.app
    except (OSError, KeyError):
        owner = layout.app
    return f"{name} belongs to {owner}" if owner != layout.app else str(problem)


def close(venv: Path, opened: Collection[str], size: int) -> int:
    """Let nobody write to an environment any more that was taken over. Returns what it takes on disk, bytes.

    + opened: the folders that are open; size: what it takes without what is in them
    """
    for name in opened:
        folder = str(venv / name)
        for entry in entries(folder).values():
            info = entry.stat(follow_symlinks=False)
            if not stat.S_ISDIR(info.st_mode):
                size += info.st_blocks * files.BLOCK if files.close_one(entry.path, info) else 0
            elif info.st_mode & files.WRITABLE and os.path.relpath(entry.path, str(venv)) not in opened:
                # The app has been at work since, and has made it.
                size += files.close(Path(entry.path), [Path(entry.path)])
        files.close_one(folder, os.lstat(folder))
    return size


def make_ready(folder: Path, version: Path, venv: Path) -> None:
    """Make a spare the same as a version's environment, but for what names the version; then write that down.

    Raises OSError, and ValueError where the version does not say what names it.

    + folder: the spare; venv: the version's environment
    """
    named = read_seal(version).environment.named
    if named is None:
        raise ValueError(f"{version} does not say which files of it have its name in them")
    names = _Names(version.name, None, {str(venv / name) for name in named})
    before = venv_pool.changes(venv)
    _become(str(venv), str(folder), names)
    lacking = sorted(name for name in before if _any_names_it(str(venv / name), names))
    # It stays open itself: a folder that is moved has to be writable.
    size = files.close(folder, [Path(entry.path) for entry in entries(str(folder)).values()])
    if venv_pool.changes(venv) == before:
        venv_pool.write_down(folder, venv, before, venv_pool.Ready(tuple(lacking), size))


def _any_names_it(folder: str, names: _Names) -> bool:
    return any(names.names_it(entry) for entry in entries(folder).values())


def any_binary(venv: Path, named: Iterable[str]) -> bool:
    """Whether any of an environment's files is no text, which could be written anew with another name in it.

    + named: files of it, relative to it
    """
    return any(b"\0" in read_ordinary(venv / name, LARGEST_NAMED) for name in named)


def _make(before: Path, after: Path, names: _Names, ready: venv_pool.Ready | None = None) -> list[str] | None:
    """Make an environment out of another one's. Returns the folders, relative to it, in which anything was written.

    + ready: what is known of what is there; None where nothing is, and then nothing is returned either
    """
    after.mkdir(exist_ok=True)
    for folder in ready.lacking if ready else ():
        _become_but_for_folders(str(before / folder), str(after / folder), names)
    if ready is None:
        _become(str(before), str(after), names)
    corrected = _correct_records(after)
    return sorted({".", *ready.lacking, *corrected}) if ready else None


@dataclass(frozen=True)
class _Names:
    """Two versions, and the paths of the old one's files that have its name in them.

    + new: None where the new one has no name yet: then what has the old one's name in it is left out
    """

    old: str
    new: str | None
    named: Collection[str]

    def led(self, link: os.DirEntry[str]) -> str:
        """Where a link of the old version's leads in the new one."""
        return os.readlink(link.path).replace(self.old, self.new or self.old)

    def names_it(self, entry: os.DirEntry[str]) -> bool:
        """Whether a file or link of the old version's has its name in it."""
        return entry.path in self.named or (entry.is_symlink() and self.old in os.readlink(entry.path))


def _become(before: str, after: str, names: _Names) -> None:
    """Make one folder what another one is, from whatever it is: empty, or a spare that has nearly all of it."""
    for name in _become_but_for_folders(before, after, names):
        _become(f"{before}/{name}", f"{after}/{name}", names)


def _become_but_for_folders(before: str, after: str, names: _Names) -> list[str]:
    """Make one folder what another one is, but for what is in its folders. Returns their names."""
    wanted, there = entries(before), entries(after)
    if names.new is None:
        wanted = {name: entry for name, entry in wanted.items() if not names.names_it(entry)}
    for name in there.keys() - wanted.keys():
        _remove(there[name].path)
    for name, entry in wanted.items():
        found, own = there.get(name), f"{after}/{name}"
        if found and not _is_as_wanted(entry, found, names):
            _remove(own)
            found = None
        if not found:
            _put(entry, own, names)
    return [name for name, entry in wanted.items() if entry.is_dir(follow_symlinks=False)]


def _is_as_wanted(entry: os.DirEntry[str], found: os.DirEntry[str], names: _Names) -> bool:
    if entry.is_dir(follow_symlinks=False):
        return found.is_dir(follow_symlinks=False)
    if entry.is_symlink():
        return found.is_symlink() and os.readlink(found.path) == names.led(entry)
    same = os.path.samestat(entry.stat(follow_symlinks=False), found.stat(follow_symlinks=False))
    return same and entry.path not in names.named


def _put(entry: os.DirEntry[str], own: str, names: _Names) -> None:
    _open(os.path.dirname(own))
    if entry.is_dir(follow_symlinks=False):
        os.mkdir(own)
    elif entry.is_symlink():
        os.symlink(names.led(entry), own)
    elif entry.path in names.named:
        path = Path(entry.path)
        files.put(Path(own), read_ordinary(path, LARGEST_NAMED).replace(names.old.encode(), str(names.new).encode()))
        os.chmod(own, path.stat().st_mode | 0o200)
    else:
        os.link(entry.path, own)


def _remove(path: str) -> None:
    _open(os.path.dirname(path))
    if os.path.islink(path) or not os.path.isdir(path):
        os.unlink(path)
        return
    for folder in [inside for inside, info in walk(path) if stat.S_ISDIR(info.st_mode)]:
        _open(folder)
    remove(Path(path))


def _open(folder: str) -> None:
    """Let a sealed folder be written to."""
    mode = os.stat(folder).st_mode
    if not mode & 0o200:
        os.chmod(folder, mode | 0o200)


def _correct_records(venv: Path) -> list[str]:
    """Put the checksums of the scripts right that each package's record names: they name the interpreter.

    Returns the folders, relative to the environment, of the records that were wrong.
    """
    corrected = []
    for record in matching(venv, "lib/python*/site-packages/*.dist-info/RECORD"):
        text = read_text(record)
        lines = [_corrected(record.parent.parent, line) for line in text.splitlines()]
        if lines != text.splitlines():
            # A file of its own: the one that is there is the old version's as well.
            mode = record.stat().st_mode
            _open(str(record.parent))
            record.unlink()
            files.put(record, ("\n".join(lines) + "\n").encode())
            record.chmod(mode | 0o200)
            corrected.append(os.path.relpath(str(record.parent), str(venv)))
    return corrected


def _corrected(packages: Path, line: str) -> str:
    name, _, rest = line.partition(",")
    if not name.startswith("../../../bin/") or not rest.startswith("sha256="):
        return line
    content = read_ordinary(packages / name)
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}"
