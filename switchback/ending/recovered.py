"""The last screen of recover as lines: whether the host is free, and what is left to do where it is not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.notify.noticed import visitors
from agent.words.outcomes import OVER
from switchback.ending.ending import Ending
from switchback.ending.layout import Part, command, fitted, headline, named, row, rows
from switchback.ending.screen import NOT_WELL


def recovered_lines(endings: Sequence[Ending], recover: Sequence[str]) -> list[str]:
    """The last screen; nothing where nobody has told how it ended.

    + recover: the command that tries it once more
    """
    return fitted(list(_parts(endings, recover)), NOT_WELL) if endings else []


def _parts(endings: Sequence[Ending], recover: Sequence[str]) -> Iterator[Part]:
    stuck = [one.host for one in endings if one.outcome not in OVER]
    told = {one.host: one for one in endings}
    if stuck:
        where = f" on {named(stuck)}" if len(endings) > 1 else ""
        yield Part(tuple(headline(f"Needs a person{where}, as before: not all could be undone")))
    else:
        yield Part(tuple(headline("Recovered: the next deploy is free to begin")))
    yield Part(tuple(rows("undone", {name: ", ".join(one.undone) for name, one in told.items()})), 2, 1)
    yield Part(tuple(rows("now", {name: one.state for name, one in told.items()})), 1, 6)
    yield Part(tuple(rows("visitors", {name: visitors(one.cost) for name, one in told.items()})), 2, 1)
    yield Part(tuple(rows("backup", {name: one.backup or "" for name, one in told.items()})), 2, 1)
    if stuck:
        text = (
            "put right what could not be undone, and try again; database=keep leaves the database to you, force=true "
        )
        yield Part((*row("next", f"{text}frees the host whatever is left:"), *command("", recover)))
