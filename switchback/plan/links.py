"""The links of a host that a run moves."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from agent.words.facts import Site
from agent.words.foreseen import ConfigToCome
from switchback.checks.links import leads_to
from switchback.plan.known import layout_of, shown_name
from switchback.plan.model import Link
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
