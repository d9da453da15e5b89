"""What a script of the host's own leaves running on purpose, such as a server for the maintenance page: it goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from agent.host.command import ours
from agent.host.processes import command_of
from agent.loop.worker import own_cgroup

# How long that may take, and how often it is looked at, seconds.
TAKEN_WITHIN, PAUSE = 10.0, 0.01


def let_go_on(name: str) -> list[str]:
    """Have systemd take what this worker has started and that still runs: it would end with the worker.

    + name: the end of the name of the unit that they get

    Returns each of them, as a person would know it. Raises OSError, CommandFailed.
    """
    cgroup = own_cgroup()
    left = [pid for pid in cgroup.pids() if pid != os.getpid()] if cgroup else []
    if left:
        ours(scope_of(f"switchback-left-{name}.scope", left))
        # It answers before it has taken them.
        end = time.monotonic() + TAKEN_WITHIN
        while cgroup and set(left) & set(cgroup.pids()):
            if time.monotonic() > end:
                raise OSError(f"systemd has not taken {', '.join(map(str, left))}")
            time.sleep(PAUSE)
    return [f"{pid} ({command_of(pid)})" for pid in left]


def scope_of(unit: str, pids: Sequence[int]) -> list[str]:
    """The command that puts processes into a unit of their own."""
    manager = ["org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"]
    asked = ["StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "replace"]
    properties = ["2", "PIDs", "au", str(len(pids)), *map(str, pids), "CollectMode", "s", "inactive-or-failed"]
    return ["busctl", "--quiet", "call", *manager, *asked, *properties, "0"]
