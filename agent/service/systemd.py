"""The systemd service that runs the app, and its processes: which version each of them runs from."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from agent.host.command import ANY_CODE, CommandFailed, Runner, ours
from agent.host.processes import STARTED, as_owner_if_refused, stat_of
from agent.host.reading import descriptors, told_by_kernel
from agent.host.reading import processes as every_process
from agent.inside.lean import dataclass
from agent.text.lines import cut, lines_of, one_line
from agent.text.masking import masked
from agent.versions.marks import NAME

# What systemd says of a host that is up, or on its way up.
UP = ("initializing", "starting", "running", "degraded", "maintenance")

# A line of a process's memory in which a file is mapped.
MAPPED = re.compile(r"(?:\S+ +){5}/")
# How much of a command line is told, characters.
SHOWN_OF_COMMAND = 100

# The kernel's letters for a process that runs, or waits for a processor or a disk.
AT_WORK = "RD"


@dataclass(frozen=True)
class Process:
    """A process of the service.

    + versions: names of the versions that its working directory, program or mapped files belong to
    """

    pid: int
    parent: int
    started: str
    versions: frozenset[str]


def unit_properties(unit: str) -> dict[str, str]:
    """What systemd says of the unit; empty when systemd can't be asked."""
    return _shown(unit, "LoadState,ActiveState,SubState,MainPID,UnitFileState,Result,ExecMainStatus,NRestarts")


def _shown(unit: str, wanted: str) -> dict[str, str]:
    try:
        shown = ours(["systemctl", "show", unit, "--property", wanted], ok=ANY_CODE)
    except (OSError, CommandFailed):
        return {}
    return dict(line.split("=", 1) for line in lines_of(shown) if "=" in line)


def unit_property(unit: str, name: str) -> str:
    """One property of the unit; empty when systemd can't be asked."""
    return _shown(unit, name).get(name, "")


def said_since(unit: str, since: float, most: int = 500, timeout: float = 20) -> str:
    """What the host's journal has of the unit since a time; empty when it can't be asked.

    + most: the last so many lines; timeout: seconds
    """
    argv = ["journalctl", "--unit", unit, "--since", f"@{int(since)}", "--lines", str(most), "--no-pager"]
    try:
        return ours([*argv, "--output=cat"], timeout, ANY_CODE)
    except (OSError, CommandFailed):
        return ""


def main_pid(unit: str) -> int:
    """The id of the unit's main process; 0 while it has none."""
    return int(unit_properties(unit).get("MainPID") or 0)


def host_goes_down() -> bool:
    """Whether the host is shutting down: what fails now says nothing about the app, and the boot goes on from here.

    A systemd that does not answer any more is taken for one that is about to be gone.
    """
    argv = ["systemctl", "is-system-running"]
    try:
        return ours(argv, ok=ANY_CODE).strip() not in UP
    except (OSError, CommandFailed):
        return True


def restart(runner: Runner, unit: str) -> None:
    """Restart the service; a unit that systemd gave up on is given another chance first."""
    runner.run(["systemctl", "reset-failed", unit], ok=(0, 1))
    runner.run(["systemctl", "restart", unit])


def stop(runner: Runner, unit: str) -> None:
    """Stop the service."""
    runner.run(["systemctl", "stop", unit])


def processes(unit: str, versions: Path) -> list[Process]:
    """The processes of a unit, from its control group.

    + versions: the directory that the versions are in
    """
    return _processes(_of_unit(unit), versions)


def _of_unit(unit: str) -> Callable[[Path], bool]:
    """Whether a process is of a unit, from its control group."""
    name = unit if "." in unit else unit + ".service"
    return lambda path: any(
        name in line.rsplit(":", 1)[-1].split("/") for line in lines_of(told_by_kernel(path / "cgroup"))
    )


def session(leader: int, versions: Path) -> list[Process]:
    """The processes of a session that was started for a command of ours.

    + leader: the process id of that command
    """

    def of_session(path: Path) -> bool:
        return int(stat_of(path)[3]) == leader

    return _processes(of_session, versions)


def _processes(belongs: Callable[[Path], bool], versions: Path) -> list[Process]:
    folder = os.path.realpath(str(versions)) + "/"
    found = [_read(path, belongs, folder) for path in every_process()]
    return sorted((process for process in found if process is not None), key=lambda process: process.pid)


def _read(path: Path, belongs: Callable[[Path], bool], folder: str) -> Process | None:
    """One process, or None where it is none of those that are looked for, or has ended meanwhile."""
    try:
        if not belongs(path):
            return None
        fields = stat_of(path)
        if fields[0] in "ZX":
            return None
        files = _files(path)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Process(int(path.name), int(fields[1]), fields[STARTED], frozenset(_versions_of(files, folder)))


def _files(path: Path) -> list[str]:
    """The files that show where a process runs from."""
    try:
        return as_owner_if_refused(path, _files_as_we_are)
    except PermissionError:
        # Nobody may look at one that is just becoming another user or program: it runs no version yet.
        return []


def _files_as_we_are(path: Path) -> list[str]:
    # Names in it are anybody's: the kernel escapes \n in them, and nothing else. What is cut off is no whole line.
    maps = told_by_kernel(path / "maps").split("\n")[:-1]
    links = [os.readlink(str(path / "cwd")), os.readlink(str(path / "exe"))]
    return links + [line.split(None, 5)[5] for line in maps if MAPPED.match(line)]


def _versions_of(files: Iterable[str], folder: str) -> set[str]:
    return {file[len(folder) :].split("/", 1)[0] for file in files if file.startswith(folder)}


def main_processes(found: Iterable[Process], main_pid: int) -> frozenset[tuple[int, str]]:
    """The main process and its children: what dies and is born again when an app can't stay up."""
    return frozenset((p.pid, p.started) for p in found if main_pid in (p.pid, p.parent))


def family_ids(pid: int) -> frozenset[int]:
    """The ids of a process and its children, and theirs."""
    parents = dict(_parents())
    members = {pid} & parents.keys()
    while True:
        more = {one for one, parent in parents.items() if parent in members} - members
        if not more:
            return frozenset(members)
        members |= more


def at_work(pid: int) -> bool:
    """Whether the main thread of a process, or of a descendant, is at work right now, and waits for nothing."""
    for member in family_ids(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if stat_of(Path(f"/proc/{member}"))[0] in AT_WORK:
                return True
    return False


def _parents() -> Iterator[tuple[int, int]]:
    """Every process with the one that has started it."""
    for path in every_process():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield int(path.name), int(stat_of(path)[1])


def family(pid: int, versions: Path) -> list[Process]:
    """A process and its children, and theirs.

    + versions: the directory that the versions are in
    """
    members = family_ids(pid)
    return _processes(lambda path: int(path.name) in members, versions)


def command_of(pid: int) -> list[str]:
    """A process's command line in words; an empty list where it has ended."""
    try:
        return told_by_kernel(Path(f"/proc/{pid}/cmdline")).split("\0")[:-1]
    except OSError:
        return []


def environment_of(pid: int) -> dict[str, str]:
    """A process's environment. Raises OSError where it can't be read."""
    text = as_owner_if_refused(Path(f"/proc/{pid}"), lambda path: told_by_kernel(path / "environ"))
    return dict(pair.split("=", 1) for pair in text.split("\0") if "=" in pair)


def versions_in_use(unit: str, user: str, versions: Path) -> dict[str, str]:
    """The versions that any process of the service or of the app's user works in, or was started from, each with one.

    + user: who runs the app, and by hand or by cron whatever else of it
    """
    folder, uid = os.path.realpath(str(versions)) + "/", str(pwd.getpwnam(user).pw_uid)
    of_unit, used = _of_unit(unit), dict[str, str]()

    def belongs(path: Path) -> bool:
        return uid in _users_of(path) or of_unit(path)

    for process in _processes(belongs, versions):
        # Where a script's interpreter is, only the command line says, once it has been resolved.
        words = command_of(process.pid)
        for name in process.versions | _versions_of([*words, *open_files(process.pid)], folder):
            used.setdefault(name, f"process {process.pid} ({cut(one_line(masked(' '.join(words))), SHOWN_OF_COMMAND)})")
    return used


def _users_of(path: Path) -> list[str]:
    """The users whose rights a process has: who owns its folder in /proc may be another one."""
    return next((line.split()[1:] for line in lines_of(told_by_kernel(path / "status")) if line.startswith("Uid:")), [])


def open_files(pid: int) -> list[str]:
    """The files and sockets that a process has open, as the kernel names them."""
    try:
        return as_owner_if_refused(Path(f"/proc/{pid}"), descriptors)
    except OSError:
        return []


def not_from(found: list[Process], version: str) -> str | None:
    """What is wrong if these are to be the processes of a version; None when nothing is."""
    if not found:
        return "the service has no process"
    for process in found:
        # The versions may lie in the app's home, beside what is none: the deployment directory, for one.
        others = {name for name in process.versions - {version} if NAME.match(name)}
        if others:
            return f"process {process.pid} runs from {', '.join(sorted(others))}"
    if not any(version in process.versions for process in found):
        return f"no process of the service runs from {version}"
    return None
