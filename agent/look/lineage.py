"""Which versions were live one after the other: what a revert goes back along. Pure: history in, versions out."""

from __future__ import annotations

from collections.abc import Iterable

from agent.words.history import PastRun
from agent.words.outcomes import Outcome


def lineage(history: Iterable[PastRun]) -> list[str]:
    """The way to the live version, the oldest first and the live one last.

    A deploy goes one version further; a revert goes back along the way, so that a second one goes further back and
    never to what the first has left.

    + history: the runs that have ended, the oldest first

        >>> lineage([deploy of a, deploy of b, deploy of c, revert to b, deploy of d])
        ['a', 'b', 'd']
    """
    way: list[str] = []
    for run in history:
        was, version = run.was, run.version
        if run.outcome != Outcome.COMMITTED or run.kind not in ("deploy", "revert") or version is None:
            continue
        if was and (not way or way[-1] != was):
            # Somebody has switched by other means, or the history began after the first version.
            way.append(was)
        if run.kind == "revert" and version in way:
            way = way[: way.index(version) + 1]
        elif not way or way[-1] != version:
            way = [*(one for one in way if one != version), version]
    return way
