"""What is on a host once a run has committed: where its links lead, and which versions and backups are gone."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import replace

from agent.versions.choice import choose, choose_waiting
from agent.words.facts import Site
from agent.words.foreseen import ConfigToCome
from agent.words.seen import Version
from switchback.checks.links import leads_to
from switchback.plan.known import layout_of, shown_name
from switchback.plan.model import Deletion, Link
from switchback.runs.run import Run


def links_of(run: Run, seen: Site, found: ConfigToCome | None) -> tuple[tuple[Link, ...], int]:
    """The links that lead elsewhere afterwards, and how many stay."""
    before = {path: link.target for path, link in seen.links.items() if link.kind == "link"}
    after: dict[str, str | None] = {**before}
    if "swap" in run.steps:
        after |= _links_after(run, seen, found)
    paths = [path for path in dict.fromkeys([*before, *after]) if before.get(path) != after.get(path)]
    changed = tuple(Link(path=path, was=before.get(path), now=after.get(path)) for path in paths)
    return changed, sum(1 for path, target in before.items() if after.get(path) == target)


def _links_after(run: Run, seen: Site, found: ConfigToCome | None) -> dict[str, str | None]:
    layout, main = layout_of(run, seen), seen.main
    new = str(layout.version(shown_name(run, seen)))
    after: dict[str, str | None] = {main["current"]: new}
    working = seen.linked.working
    if run.was and run.was != run.version:
        after[main["previous"]] = str(layout.version(run.was))
    if working != run.version:
        if working:
            after[main["previous_working"]] = str(layout.version(working))
        after[main["working"]] = new
    config, folder = layout.path("current_config"), layout.path("deployment_dir")
    wanted = {str(path): str(target) for path, target in layout.fixed_links().items()}
    if found:
        after |= dict.fromkeys(_left_dangling(seen, str(folder), str(config), found.entries))
        wanted |= found.laid
    for path, target in wanted.items():
        link = seen.links.get(path)
        if link is None or link.kind != "link" or leads_to(path, link) != target:
            after[path] = target
    return after


def _left_dangling(seen: Site, folder: str, config: str, entries: Sequence[str]) -> list[str]:
    """The links of the deployment directory that lead to what the new config does not have."""
    gone = []
    for path, link in seen.links.items():
        if posixpath.dirname(path) == folder and link.kind == "link":
            target = leads_to(path, link)
            if posixpath.dirname(target) == config and posixpath.basename(target) not in entries:
                gone.append(path)
    return gone


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
