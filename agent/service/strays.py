"""Commands of a deploy whose start nobody has lived to write down. Each carries an id in its environment, as does all
that it starts; the journal has the ids of all others."""

from __future__ import annotations

import os
from collections.abc import Collection

from agent.host.command import COMMAND_ID
from agent.host.processes import STARTED, stat_of
from agent.host.reading import processes as every_process
from agent.service.systemd import environment_of


def strays(deploy: str, since: str | None, written: Collection[str]) -> list[int]:
    """The process groups of such commands.

    + since: when the process started that has begun the deploy, as the kernel has it: nothing older is its command
    + written: the command ids that the journal has
    """
    found = set()
    for path in every_process():
        try:
            if int(stat_of(path)[STARTED]) < int(since or 0):
                continue
            command_id = environment_of(int(path.name)).get(COMMAND_ID, "")
            if command_id.startswith(f"{deploy}/") and command_id not in written:
                found.add(os.getpgid(int(path.name)))
        except OSError:
            # It has ended meanwhile, or nobody may look at it.
            continue
    return sorted(found)
