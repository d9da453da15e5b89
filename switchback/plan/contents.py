"""What becomes another one with a version: code, config, packages and static files."""

from __future__ import annotations

from collections.abc import Sequence

from agent.words import foreseen
from agent.words.facts import Site
from switchback.plan.known import commit_of
from switchback.plan.model import Changes, Names, Packages, Static
from switchback.runs.run import Run

# How many names of files are told; all of them are counted.
SHOWN = 20


def changes_of(run: Run, seen: Site, found: foreseen.Changes | None, part: str) -> Changes | None:
    """From which commit a part goes to which; None where it stays or is not known."""
    if run.kind == "restart":
        return None
    going = run.about.commit(part)
    ref, sha = (going.ref, going.sha) if going else (run.version, commit_of(seen, run.version, part))
    if not sha:
        return None
    unknown = found.unknown if found else ""
    read = vars(found.between) if found and found.between else {}
    return Changes(ref=ref, sha=sha, was=commit_of(seen, run.was, part), unknown=unknown, **read)


def packages_of(found: foreseen.Packages) -> Packages:
    """The packages that are added, changed and removed."""
    return Packages(
        source=found.source,
        found=found.found,
        why=found.why,
        refused=found.refused,
        by_script=found.by_script,
        **vars(found.changes),
    )


def static_of(found: foreseen.Static) -> Static:
    """The static files that are added, changed and removed."""
    added, changed, removed = map(_names, (found.added, found.changed, found.removed))
    return Static(source=found.source, why=found.why, added=added, changed=changed, removed=removed)


def _names(names: Sequence[str]) -> Names:
    return Names(count=len(names), names=tuple(names[:SHOWN]))
