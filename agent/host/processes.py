"""Processes as the kernel knows them: which still run, and ending them with all that they have started."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from agent.host.reading import processes as every_process
from agent.host.reading import told_by_kernel
from agent.host.users import acting_as

T = TypeVar("T")
# How a command is stopped, and how long each may take, seconds. As with Ctrl-C first: a migration that waits for a lock
# then tells the database, where its statement would otherwise go on waiting, and keep the whole site waiting behind it.
STOPS = ((signal.SIGINT, 2.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
# Where in what `stat_of` returns the time of the start stands.
STARTED = 19


def started_at(pid: int) -> str | None:
    """When a process started, in the kernel's ticks; with the id it names one process for good."""
    try:
        return stat_of(Path(f"/proc/{pid}"))[STARTED]
    except (FileNotFoundError, ProcessLookupError):
        return None


def runs(pid: int, started: str | None) -> bool:
    """Whether the process with that id is the one that was started then, and has not ended.

    + started: as `started_at` had it
    """
    try:
        fields = stat_of(Path(f"/proc/{pid}"))
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[STARTED] == started and fields[0] not in "ZX"


def group_runs(pid: int, started: str | None) -> bool:
    """Whether a process of the group runs whose leader was started then, with that id.

    The leader may be gone: as long as others of its group live, its id is given to nobody else.
    """
    return started_at(pid) in (started, None) and _any_alive([pid])


def stat_of(process: Path) -> list[str]:
    """What the kernel says of a process, from its state on. Raises FileNotFoundError, ProcessLookupError.

    + process: its folder in /proc
    """
    # Anybody may name a process, and the kernel cuts the name off anywhere.
    return told_by_kernel(process / "stat").rsplit(")", 1)[1].split()


def command_of(pid: int) -> str:
    """The words of a process's command; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ").strip()
    except OSError:
        return ""


def as_owner_if_refused(process: Path, look: Callable[[Path], T]) -> T:
    """Look at a process: in some containers not even root may look at another user's; its owner may. Raises OSError.

    + process: its folder in /proc
    """
    try:
        return look(process)
    except PermissionError as refused:
        try:
            owner = pwd.getpwuid(process.stat().st_uid).pw_name
        except KeyError:
            raise refused from None
        with acting_as(owner):
            return look(process)


def stop_group(pgid: int) -> None:
    """End a process group: politely, then for certain."""
    stop_groups([pgid])


def stop_groups(pgids: Collection[int]) -> None:
    """End several process groups side by side, each as `stop_group` does."""
    for number, grace in STOPS if pgids else ():
        for pgid in pgids:
            _signal_group(pgid, number)
        end = time.monotonic() + grace
        while _any_alive(pgids) and time.monotonic() < end:
            time.sleep(0.05)


def ask_to_end(pgid: int) -> None:
    """Ask a process group to end, and go on. A server that serves nobody ends soonest when it is terminated."""
    _signal_group(pgid, signal.SIGTERM)


def _signal_group(pgid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pgid, number)


def _any_alive(pgids: Collection[int]) -> bool:
    """Whether a process of the groups still runs; one that has ended and waits to be collected does not."""
    for process in every_process():
        try:
            fields = stat_of(process)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) in pgids and fields[0] not in "ZX":
            return True
    return False


def call_this_process(what: str) -> None:
    """Say what this process is about where people look for that: ps, top, pgrep."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(f"agent {what}")
