"""What the hosts of a run are at, as lines: for a terminal, and for a log. Pure."""

from __future__ import annotations

from switchback.progress.board import Board, Doing

# What takes less is not worth a row, seconds; and how many columns stay free for what is typed meanwhile, as ^C: a row
# that went on in the next line would not be drawn over.
SHOWN_AFTER, FREE = 1.0, 6
# And how many lines, for what was said last.
KEPT = 4


def rows(board: Board, now: float, width: int, height: int) -> list[str]:
    """A row for each host, once anything takes long enough; none is as wide as the screen, nor all of them as high.

    + width, height: the screen's, columns and lines
    """
    shown = [name for name in board.hosts if _takes_long(board.at(name), now)]
    if not shown:
        return []
    alone = len(board.hosts) == 1
    widest = max(len(name) for name in board.hosts)
    lines = {}
    for name, host in board.hosts.items():
        doing = board.at(name)
        says = _says(board, name, doing, now) if doing else "has ended" if host.ended else "waits for the others"
        if alone or doing or not host.ended:
            lines[name] = cut(f"[{name}]{' ' * (widest - len(name))} {says}", width - FREE)
    # What is above the screen can't be drawn over.
    room = max(1, height - KEPT)
    if len(lines) <= room:
        return list(lines.values())
    longest = sorted(lines, key=lambda name: doing.since if (doing := board.at(name)) else now)[: room - 1]
    return [*(line for name, line in lines.items() if name in longest), f"… and {len(lines) - len(longest)} more hosts"]


def _takes_long(doing: Doing | None, now: float) -> bool:
    return doing is not None and now - doing.since >= SHOWN_AFTER


def _says(board: Board, name: str, doing: Doing, now: float) -> str:
    line = f"  {doing.line.strip()}" if doing.line.strip() else ""
    return f"{what(doing)} … {took(board, name, doing, now)}{line}"


def what(doing: Doing) -> str:
    """What is done: a step, or the way back."""
    return f"taking back: {doing.step}" if doing.back else doing.step


def took(board: Board, name: str, doing: Doing, now: float) -> str:
    """For how long it goes on, against what it usually takes."""
    usual = board.usual(name, doing)
    # What takes no time to speak of says nothing about one that takes long.
    against = f" (usually {seconds(usual)})" if usual is not None and usual >= SHOWN_AFTER else ""
    return f"{seconds(now - doing.since)}{against}"


def seconds(number: float) -> str:
    """A time that goes on: whole seconds, and minutes where there are any."""
    whole = int(number + 0.5)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"


def plain(board: Board, name: str, doing: Doing, now: float, begins: bool) -> str:
    """A line for a log.

    + begins: whether nothing was said of it before
    """
    if begins:
        usual = board.usual(name, doing)
        against = f", usually takes {seconds(usual)}" if usual is not None and usual >= SHOWN_AFTER else ""
        return f"{what(doing)}: began {seconds(now - doing.since)} ago{against}"
    line = f": {doing.line.strip()}" if doing.line.strip() else ""
    return f"{what(doing)}: {took(board, name, doing, now)} by now{line}"


def cut(line: str, width: int) -> str:
    """A line that is no wider than it may be."""
    return line if len(line) <= width else f"{line[: max(0, width - 1)]}…"
