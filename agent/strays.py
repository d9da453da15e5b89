"""Commands of a deploy whose start nobody has lived to write down. Each carries a mark in its environment, as does all
that it starts; the journal has the marks of all the others."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from agent.command import MARK
from agent.service import environment_of


def strays(deploy: str, written: Collection[str]) -> list[int]:
    """The process groups of such commands.

    + written: the marks that the journal has
    """
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        pid = int(path.name)
        try:
            mark = environment_of(pid).get(MARK, "")
            if mark.startswith(f"{deploy}/") and mark not in written:
                found.add(os.getpgid(pid))
        except OSError:
            # It has ended meanwhile, or belongs to the kernel.
            continue
    return sorted(found)
