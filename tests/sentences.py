"""What a run has said of its end, held against each other and against the host as it was seen from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.steps.fallback import undo_named

# What a run prints of a host before its last screen, which says the same again.
SAID = re.compile(r"(?:\d\d:\d\d:\d\d )?\[[\w.-]+\] (.*)$")
# That a person has stopped it comes first; what follows is as of any other run.
STOPPED = re.compile(r"^stopped by \S+(?:, (fell back at)| at)")
OUTCOMES = ("committed", "refused", "fell back", "needs a person")
# Of whether maintenance is on, one thing can be true.
OF_MAINTENANCE = (
    "maintenance stays ON",
    "maintenance is still ON",
    "maintenance may still be ON",
    "maintenance is off",
    "maintenance was not turned on",
    "maintenance was not seen to keep anybody out",
    "maintenance stays as its start script left it",
    "whether maintenance has ended can't be told",
)
# What each action says once it is done; the names are those of the problems in the last sentence.
DONE = {
    "links": "undone: links",
    "database": "undone: database",
    "schema": "seen: the primary host has",
    "restart": "undone: restart",
    "stop service": "undone: restart, ",
    "health": r"seen: \S+ is healthy",
    "maintenance": "undone: maintenance",
    "site": "seen: visitors get ",
    "watch": "seen: the version before ",
    "evidence": "kept: the evidence",
    "mark": "marked: ",
}


@dataclass(frozen=True)
class Truth:
    """A host, seen from outside when its run had ended. None is for what was not looked at.

    + live: the version that the links lead to; was: the one before the run
    + maintenance: whether visitors get the maintenance page; ever: whether they got it at any time
    + healthy: whether the version that is live answers from itself; site: whether visitors get what it serves
    + schema_back: whether what is applied is what was applied before
    + code: the exit code of the run; None for one that was killed
    """

    live: str | None
    was: str | None
    maintenance: bool
    ever: bool | None = None
    healthy: bool | None = None
    site: bool | None = None
    schema_back: bool | None = None
    restore_script: str | None = None
    code: int | None = None


def said_by_agent(output: str) -> list[str]:
    """What a host's agent has said, of all that a run has printed, from where it began to fall back to its outcome."""
    lines = [line[1] for line in map(SAID.match, output.splitlines()) if line]
    starts = [number for number, line in enumerate(lines) if line.startswith(("falling back: ", "giving up: "))]
    lines = lines[starts[-1] :] if starts else lines
    words = ("stopped by ", *(f"{one} at " for one in OUTCOMES))
    ends = [number for number, line in enumerate(lines) if line.startswith(words)]
    return lines[: ends[0] + 1] if ends else []


def contradictions(said: Sequence[str], truth: Truth) -> list[str]:
    """What is not true of all that was said, each a sentence.

    + said: what the agent has said since it last began to fall back, its last sentence last
    """
    lines = [*said[:-1], STOPPED.sub(lambda found: found[1] or "refused at", said[-1])]
    return [
        f"{name}: {line!r}"
        for checks in (_outcome, _maintenance, _what_was_done, _database, _hints)
        for name, line in checks(lines, lines[-1], truth)
    ]


Wrong = Iterator[tuple[str, str]]


def _outcome(said: list[str], last: str, truth: Truth) -> Wrong:
    outcome = next((one for one in OUTCOMES if last.startswith((f"{one} at ", f"{one}:"))), None)
    if outcome is None:
        yield "no outcome", last
    if truth.code is not None and (truth.code == 0) != (outcome == "committed"):
        yield f"exit code {truth.code}", last
    live = re.search(r"(?:: |\()((?:django-\S+)|no version) is live", last)
    if live is None or (None if live[1] == "no version" else live[1]) != truth.live:
        yield f"{truth.live} is live", last
    if outcome in ("refused", "fell back") and truth.live != truth.was:
        yield f"{truth.was} was live", last
    if outcome == "refused" and ("never touched" not in last and "nothing was changed" not in last):
        yield "nobody says that nothing was touched", last
    healthy = [line for line in said if re.search(r"proven healthy|live and healthy|seen: \S+ is healthy", line)]
    if healthy and truth.healthy is False:
        yield "it is not healthy", healthy[-1]
    heard = [line for line in said if not line.startswith("visitors ")]
    if "proven healthy" in last and len(healthy) == 1 and len(heard) > 1:
        yield "nobody has seen it", last
    if "UNHEALTHY" in last and len(healthy) > 0:
        yield "it was seen to be healthy", last


def _maintenance(said: list[str], last: str, truth: Truth) -> Wrong:
    claims = [claim for claim in OF_MAINTENANCE if claim in last]
    if last.startswith(("fell back", "needs a person")) and len(claims) != 1:
        yield "not one thing is said of maintenance", last
    cost = next((line for line in said if line.startswith("visitors ")), "")
    off = ("maintenance is off", "maintenance was not turned on", "maintenance was not seen to keep anybody out")
    on = ("maintenance stays ON", "maintenance is still ON")
    if truth.maintenance and any(claim in off for claim in claims):
        yield "visitors get the maintenance page", last
    if not truth.maintenance and any(claim in on for claim in claims):
        yield "visitors don't get the maintenance page", last
    never = [line for line in (last,) if any(one in line for one in off[1:])]
    if never and (truth.ever or truth.maintenance):
        yield "visitors have got the maintenance page", never[0]
    if never and re.search(r"maintenance page| ON\b", f"{cost} {last}"):
        yield "it was on elsewhere", f"{cost} {last}"
    if "saw the maintenance page" in cost and (truth.ever is False or truth.maintenance or " ON" in last):
        yield "that is not how long it was on", f"{cost} {last}"
    if "and still do" in cost and any(claim in off for claim in claims):
        yield "it is off elsewhere", f"{cost} {last}"
    served = [line for line in said if "seen: visitors get the site" in line]
    if served and (truth.maintenance or truth.site is False):
        yield "visitors don't get it", served[0]


def _what_was_done(said: list[str], last: str, truth: Truth) -> Wrong:
    problems = re.findall(r"(?:what could not be undone: |; )(\w[\w ]*): (?!/)", last)
    told = [line for number, line in enumerate(said) if line.startswith("  could not ") and not _done(said[number:])]
    if bool(told) != last.startswith("needs a person"):
        yield "a person is needed where something could not be done, and only there", last
    for action in problems:
        if action in DONE and any(re.match("  " + DONE[action], line) for line in said):
            yield f"{action} was said to be done", last
    if any(line.startswith("  undone: links") for line in said) and truth.live != truth.was:
        yield "the links lead elsewhere", last


def _done(said: list[str]) -> bool:
    """Whether what the first line says could not be done was done later, as by a guard what a boot could not."""
    first, *later = said
    action = next((one for one in DONE if first.startswith(f"  {undo_named(one).failed('')}")), None)
    return action is not None and any(re.match("  " + DONE[action], line) for line in later)


def _database(said: list[str], last: str, truth: Truth) -> Wrong:
    if truth.schema_back is None:
        return
    done = [line for line in said if line.startswith(("  undone: database", "  seen: the primary host has taken"))]
    if done and not truth.schema_back:
        yield "it is not back", done[0]
    stays = "the database stays as it is now" in last or "the database was kept as it is" in last
    if last.startswith("fell back") and not truth.schema_back and not stays:
        yield "nobody says that the database is not as it was", last
    if "is applied" in last and truth.schema_back and "stays as it is now" in last:
        yield "nothing more is applied", last


def _hints(said: list[str], last: str, truth: Truth) -> Wrong:
    hint = "to restore it: "
    if hint in last and "the database's backup: /" not in last:
        yield "there is no backup", last
    if hint in last and truth.restore_script is None and "since restore_script is not set" not in last:
        yield "there is no restore script", last
    if hint in last and truth.restore_script is not None and truth.restore_script not in last:
        yield "there is a restore script", last
    if last.startswith("needs a person") and "next: deploys/recover.py" not in last:
        yield "nobody says what comes next", last
    if last.startswith(("refused at", "fell back")) and "; evidence: /" not in last:
        yield "nobody says where the evidence is", last
