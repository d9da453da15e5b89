"""The verdict on a run: what changes, what visitors will notice, and what happens if it fails. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from agent.words.outcomes import Outcome
from switchback.plan.model import HostPreview, Preview
from switchback.preview.around import megabytes
from switchback.preview.changed import changes
from switchback.preview.contents import is_live, way
from switchback.preview.text import INDENT, WIDTH, Line, Tone, bounded, columns, count_of, listed

REFUSED = "This would be refused; nothing was changed"
DIFFERS = "not the same on each host"
FAILS = {
    "none": "",
    "reverse": "migrations are reversed",
    "restore": "this run's own backup is restored",
    "reapply": "the migrations are applied again",
    "keep": "the database STAYS as migrated",
    "refused": "there is no way back",
}
# How many lines each part of it has at the most.
LINES = 3
# What a site gets; all else is done on its hosts.
TO = {"deploy": "to"}
PAGE = "maintenance page"
# Between what visitors notice and what happens if it fails.
GAP = "     "


def verdict_lines(preview: Preview, refusals: int) -> list[Line]:
    """The verdict: two lines, or as many as it takes.

    + refusals: how many reasons there are to refuse the run
    """
    what = _what(preview.kind, preview.hosts)
    if refusals:
        head = f"--> {REFUSED}: {count_of(refusals, 'problem')}"
        return [Line(head, Tone.REFUSED), *_indented(what)]
    first, *others = bounded(f"--> {what[0].upper()}{what[1:]}", LINES, WIDTH - 2)
    lines = [Line(first, Tone.VERDICT), *(Line(f"  {one}", Tone.VERDICT) for one in others)]
    acting = _acting(preview)
    if not any(one.looked_ahead for one in acting) and preview.kind != "restart":
        return lines
    noticed = f"visitors: {_noticed(preview.kind, acting)}"
    was = _same(acting, _live, "the version that each has")
    fails = _same(acting, lambda one: _fails(preview.kind, one, was))
    both = f"{noticed}{GAP}{fails}"
    if columns(both) <= WIDTH - INDENT:
        return [*lines, *_indented(both)]
    return [*lines, *_indented(noticed), *_indented(fails)]


def question(preview: Preview) -> str:
    """What a person says yes to."""
    acting = _acting(preview)
    goes = {way(one.code).rpartition("→ ")[2] if one.code else one.version or "" for one in acting}
    to = goes.pop() if len(goes) == 1 and preview.kind != "clean" else ""
    what = f"{preview.kind} to {to}" if to and preview.kind == "revert" else f"{preview.kind} {to}".rstrip()
    return f"{what} {TO.get(preview.kind, 'on')} {_on(acting)}"


def _acting(preview: Preview) -> Sequence[HostPreview]:
    return [one for one in preview.hosts if not one.idle] or preview.hosts


def _indented(text: str) -> list[Line]:
    return [Line(f"{'':{INDENT}}{line}") for line in bounded(text, LINES)]


def _on(hosts: Sequence[HostPreview]) -> str:
    names = [one.host for one in hosts]
    return names[0] if len(names) == 1 else f"{len(names)} hosts ({listed(names, 30)})"


def _same(hosts: Sequence[HostPreview], of: Callable[[HostPreview], str], otherwise: str = DIFFERS) -> str:
    """What is told of each host, where it is the same of all."""
    found = list(dict.fromkeys(map(of, hosts)))
    return found[0] if len(found) == 1 else otherwise


def _what(kind: str, hosts: Sequence[HostPreview]) -> str:
    """What the run does, in a line."""
    acting = [one for one in hosts if not one.idle] or list(hosts)
    idle = [one.host for one in hosts if one not in acting]
    rest = f"; nothing to do on {listed(idle, 30)}" if idle else ""
    if kind == "clean":
        told = _cleaned(acting)
    elif kind == "restart":
        told = _same(acting, lambda one: one.version or "")
    else:
        found = changes(kind, acting)
        told = _way(acting) + (f": {found}" if found else "")
    return f"{kind} {TO.get(kind, 'on')} {_on(acting)}, {told}{rest}"


def _cleaned(hosts: Sequence[HostPreview]) -> str:
    gone = [version for one in hosts for version in one.deletions]
    stay = sum(one.kept_versions for one in hosts)
    freed = megabytes(sum(one.bytes or 0 for one in gone))
    return f"{len(gone)} of {count_of(len(gone) + stay, 'version')} to be deleted, which frees {freed}"


def _way(hosts: Sequence[HostPreview]) -> str:
    """From where to where."""
    ways = list(dict.fromkeys(map(_one_way, hosts)))
    if len(ways) == 1:
        return ways[0]
    to = {one.rpartition("→ ")[2] for one in ways}
    return f"{len(ways)} different versions → {to.pop() if len(to) == 1 else 'different ones'}"


def _one_way(host: HostPreview) -> str:
    told = way(host.code) if host.code else host.version or "a new version"
    first = ", the first version" if host.was is None else ""
    again = " once more" if host.code and is_live(host.code) else ""
    built = ", built already" if host.version and not host.database else ""
    return f"{told}{first}{again}{built}"


def _noticed(kind: str, hosts: Sequence[HostPreview]) -> str:
    told = _same(hosts, lambda one: _visitors(kind, one))
    return told + _lasting(hosts) if told == PAGE else told


def _visitors(kind: str, host: HostPreview) -> str:
    """What visitors will notice."""
    rolls = bool(host.service and host.service.restart == "rolling")
    if kind in ("build", "clean"):
        return "notice nothing"
    if kind != "restart" and host.was is None:
        return "none yet, nothing is live"
    if host.window and host.window.shown:
        return PAGE
    if host.window and host.window.shown is None:
        return "maintenance page if the migrations need one, which is known when built"
    return "notice nothing: one process after the other" if rolls else "nobody is served while the service restarts"


def _lasting(hosts: Sequence[HostPreview]) -> str:
    """How long it will be there, by how long it was: where that was longest, of several hosts."""
    good = [[one.seconds for one in host.windows if one.outcome == Outcome.COMMITTED] for host in hosts]
    known = [one for one in good if one]
    if not known:
        return ", for how long is not known yet"
    last = max(one[0] for one in known)
    took = f"the last good one took {last:.1f} s" if len(hosts) == 1 else f"the last good ones took up to {last:.1f} s"
    if all(len(one) == 1 for one in known):
        return f", {took}"
    return f", about {_seconds(max(map(median, known)))} ({took})"


def _seconds(number: float) -> str:
    return f"{number:.1f} s" if number < 2 else f"{number:.0f} s"


def _live(host: HostPreview) -> str:
    if host.was is None:
        return "no version"
    return host.code.was[:7] if host.code and host.code.was else host.was


def _fails(kind: str, host: HostPreview, was: str) -> str:
    """What happens if the run fails.

    + was: what is live on all hosts
    """
    if kind == "clean":
        return "what is deleted does not come back"
    if kind == "restart":
        return "if it fails: it is restarted once more"
    if kind == "build":
        return "if it fails: the live site is never touched"
    way_back = FAILS[host.fallback.way] if host.fallback else ""
    return f"if it fails: back to {was}" + (f", {way_back}" if way_back else "")
