"""What visitors noticed of a run, in words and durations, wherever it is told. Pure."""

from __future__ import annotations

from agent.text.times import duration
from agent.words.history import Cost
from agent.words.notes import Asked

# The page may be seen a little longer than it is on, seconds.
ABOUT = 0.5


def visitors(cost: Cost | None) -> str:
    """What visitors noticed, to stand behind the word `visitors`; empty where nobody asked what they get."""
    if cost is None or cost.site is None:
        return ""
    if cost.before:
        return f"did not get the site before this began either: {cost.before}"
    page = _page(cost)
    out = cost.site.outage - (0.0 if cost.never or cost.unseen else cost.maintenance)
    if page and out > ABOUT + cost.site.outage / 10:
        return f"{page}, and no site for {duration(out)} more"
    if page:
        return page + _app(cost)
    if not cost.site.failed:
        return "noticed nothing" + (", though the maintenance script ran: it kept nobody out" if cost.unseen else "")
    least = "at least " if cost.pieces > 1 else ""
    # One that failed alone says little of for how long.
    lasted = f"for {least}{duration(cost.site.outage)}" if round(cost.site.outage, 1) else "for a moment"
    return f"were without the site {lasted} ({_share(cost.site)})"


def _page(cost: Cost) -> str:
    """For how long they got the maintenance page; empty where they did not."""
    if cost.never or cost.unseen or not cost.maintenance:
        return ""
    seconds = duration(cost.maintenance)
    if cost.still:
        return f"have {'perhaps ' if cost.unsure else ''}seen the maintenance page for {seconds}, and still do"
    return f"{'may have seen' if cost.unsure else 'saw'} the maintenance page for {seconds}"


def _app(cost: Cost) -> str:
    down = cost.app.outage if cost.app else 0.0
    return f" (the app was down for {duration(down)} of that)" if round(down, 1) and not cost.still else ""


def _share(one: Asked) -> str:
    return f"{one.failed} of {one.asked} requests failed"
