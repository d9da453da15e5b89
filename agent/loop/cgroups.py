"""Cgroups below the runner's own: whatever a worker starts stays in its, is bounded there, and ends with it.

Of the first version of cgroups there is one tree for each controller, of the second there is one for all.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

from agent.inside.lean import dataclass

# In which trees a worker gets a cgroup of its own: where systemd keeps its processes, and where they are bounded.
TREES = {"name=systemd", "memory", "pids", ""}
BOUNDS = ("memory", "pids")
# Where all of these are there, the tree of the second version has nothing to add.
ENOUGH = {"name=systemd", *BOUNDS}


@dataclass(frozen=True)
class Limits:
    """What a worker may have with all that it starts: memory, bytes; tasks."""

    memory: int
    tasks: int

    @classmethod
    def of_host(cls, percent: int, tasks: int) -> Limits:
        """So much of the host's memory, percent, and so many tasks."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return cls(memory * percent // 100, tasks)


@dataclass(frozen=True)
class Cgroup:
    """A cgroup, with its folder in each tree."""

    folders: tuple[Path, ...]

    def take(self, pid: int) -> None:
        """Move a process here; 0 is the one that asks, of one thread. Raises OSError."""
        for folder in self.folders:
            # Whoever moves no more than itself waits for nobody, where the kernel has that (the first version); else it
            # waits for all who are about to fork, some 15 ms.
            alone = pid == 0 and (folder / "tasks").exists()
            (folder / ("tasks" if alone else "cgroup.procs")).write_text(str(pid))

    def pids(self) -> list[int]:
        """The processes in it."""
        try:
            return [int(pid) for pid in (self.folders[0] / "cgroup.procs").read_text().split()]
        except OSError:
            return []

    def kill(self) -> bool:
        """Kill all that is in it, and take it away, without waiting for that. Returns whether it is gone."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for folder in self.folders:
            try:
                folder.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                return False
        return True

    def has_run_out_of_memory(self) -> bool:
        """Whether the kernel has killed something in it because there was more of it than it may have."""
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError):
                    told = dict(line.split() for line in (folder / name).read_text().splitlines())
                    if int(told.get("oom_kill", 0)):
                        return True
        return False


@dataclass(frozen=True)
class Cgroups:
    """The runner's own cgroup, which systemd leaves to it."""

    folders: tuple[Path, ...]

    def make(self, name: str, limits: Limits | None = None) -> Cgroup:
        """Make one below it. Raises OSError.

        + limits: where the kernel has no controller for one, that is not bounded
        """
        made = []
        for own in self.folders:
            folder = own / name
            folder.mkdir(exist_ok=True)
            for file, value in _bounds(limits) if limits else ():
                if (folder / file).exists():
                    (folder / file).write_text(str(value))
            made.append(folder)
        return Cgroup(tuple(made))


def _bounds(limits: Limits) -> Iterable[tuple[str, int]]:
    yield "memory.max", limits.memory
    # Whatever belongs together ends together: half of a step is worth nothing.
    yield "memory.oom.group", 1
    yield "memory.limit_in_bytes", limits.memory
    yield "pids.max", limits.tasks


def own_cgroups() -> Cgroups:
    """The cgroup of this process, which has to be the only one in it. Raises OSError."""
    folders = _folders(Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text())
    if not folders:
        raise OSError("no cgroup of ours is to be found below the places where cgroups are mounted")
    for folder in folders:
        if (folder / "cgroup.subtree_control").exists():
            _make_room_below(folder)
    return Cgroups(tuple(folders))


def _make_room_below(folder: Path) -> None:
    """Of the second version: only a cgroup without processes may hand its bounds on to those below it."""
    loop = folder / "loop"
    loop.mkdir(exist_ok=True)
    (loop / "cgroup.procs").write_text(str(os.getpid()))
    there = set((folder / "cgroup.controllers").read_text().split())
    for name in BOUNDS:
        if name in there:
            (folder / "cgroup.subtree_control").write_text(f"+{name}")


def _folders(own: str, mounts: str) -> list[Path]:
    """Our folder in each tree, that first in which systemd keeps its processes. Pure, but for what is looked at.

    + own: /proc/self/cgroup; mounts: /proc/self/mountinfo
    """
    places = dict(_places(mounts))
    found: dict[str, Path] = {}
    for line in own.splitlines():
        _, names, path = line.split(":", 2)
        for name in TREES.intersection(names.split(",")):
            place = places.get(name)
            # In a container that sees no more than its own part, what is below it is mounted at its top.
            if place and path != "/" and (place / path.lstrip("/") / "cgroup.procs").exists():
                found[name] = place / path.lstrip("/")
    if found.keys() >= ENOUGH:
        found.pop("", None)
    return [found[name] for name in sorted(found, key=lambda name: (name in BOUNDS, name == ""))]


def _places(mounts: str) -> Iterable[tuple[str, Path]]:
    """Where each tree is mounted."""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup2":
            yield "", Path(before.split()[4])
        elif kind == "cgroup":
            for name in options.split(","):
                yield name, Path(before.split()[4])
