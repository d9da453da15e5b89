"""The versions and backups that a run deletes."""

from __future__ import annotations

from dataclasses import replace

from agent.versions.choice import choose, choose_waiting
from agent.words.facts import Site
from agent.words.seen import Version
from switchback.plan.model import Deletion
from switchback.runs.run import Run


def deletions_of(run: Run, seen: Site) -> tuple[Deletion, ...]:
    """The versions that a deploy deletes once it has committed, or a build."""
    after = versions_after(run, seen)
    if run.kind == "build" and run.steps:
        # No link moves, and what is built has not been live.
        new = replace(next(one for one in after if one.name == run.version), working=False, links=())
        after = [new, *(one for one in seen.versions if one.name != run.version)]
        doomed = choose_waiting(after, run.settings.keep_versions, run.settings.keep_failed)
    elif run.kind == "deploy" and "swap" in run.steps:
        doomed = choose(after, run.settings.keep_versions, run.settings.keep_failed)
    else:
        return ()
    return tuple(Deletion(name=one.name, bytes=one.bytes) for one in after if one.name in doomed)


def old_backups(seen: Site, takes_one: bool) -> tuple[str, ...]:
    """The backups of earlier deploys that are deleted as a run ends: its own one makes them one more."""
    most = (seen.kept.keep_backups or 0) - takes_one
    return tuple(one.path for one in seen.kept.going if one.newer >= most)


def versions_after(run: Run, seen: Site) -> list[Version]:
    """The versions as they will be known once a run has committed, the newest first."""
    links: dict[str, list[str]] = {run.version: ["current", "working"]}
    working = seen.linked.working
    before = (("previous", run.was), ("previous_working", working if working != run.version else None))
    for word, name in before:
        target = name if name and name != run.version else getattr(seen.linked, word)
        if target:
            links.setdefault(target, []).append(word)
    known = [one for one in seen.versions if one.name != run.version]
    mine = seen.version(run.version) or Version(run.version, ours=True, sealed=True)
    everything = [*known, replace(mine, working=True, failed=None)]
    everything = [replace(one, links=tuple(links.get(one.name, ()))) for one in everything]
    return sorted(everything, key=lambda one: one.name, reverse=True)
