"""The links of a host that a run moves."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from switchback.checks.links import main_links
from switchback.plan.known import Facts, layout_of, shown_name
from switchback.plan.model import Link
from switchback.runs.run import Run


def links_of(run: Run, seen: Facts, found: Facts) -> tuple[tuple[Link, ...], int]:
    """The links that lead elsewhere afterwards, and how many stay."""
    before = {path: link["target"] for path, link in seen["links"].items() if link["kind"] == "link"}
    after = dict(before)
    if "swap" in run.steps:
        after |= _links_after(run, seen, found)
    paths = [path for path in dict.fromkeys([*before, *after]) if before.get(path) != after.get(path)]
    changed = tuple(Link(path=path, was=before.get(path), now=after.get(path)) for path in paths)
    return changed, sum(1 for path, target in before.items() if after.get(path) == target)


def _links_after(run: Run, seen: Facts, found: Facts) -> dict[str, str | None]:
    layout, main = layout_of(run, seen), main_links(seen)
    new = str(layout.version(shown_name(run, seen)))
    after: dict[str, str | None] = {main["current"]: new}
    working = seen["linked"]["working"]
    if run.was and run.was != run.version:
        after[main["previous"]] = str(layout.version(run.was))
    if working != run.version:
        if working:
            after[main["previous_working"]] = str(layout.version(working))
        after[main["working"]] = new
    config, folder = layout.path("current_config"), layout.path("deployment_dir")
    if found.get("entries") is not None:
        after |= dict.fromkeys(_left_dangling(seen, str(folder), str(config), found["entries"]))
    fixed = {str(path): str(target) for path, target in layout.fixed_links().items()}
    for path, target in {**fixed, **found.get("laid", {})}.items():
        if not _leads_to(seen, path, target):
            after[path] = target
    return after


def _left_dangling(seen: Facts, folder: str, config: str, entries: Sequence[str]) -> list[str]:
    """The links of the deployment directory that lead to what the new config does not have."""
    gone = []
    for path, link in seen["links"].items():
        if posixpath.dirname(path) == folder and link["kind"] == "link":
            target = posixpath.normpath(posixpath.join(folder, link["target"]))
            if posixpath.dirname(target) == config and posixpath.basename(target) not in entries:
                gone.append(path)
    return gone


def _leads_to(seen: Facts, path: str, target: str) -> bool:
    """Whether a link leads to a target already, in its own words or in others."""
    link = seen["links"].get(path) or {}
    if link.get("kind") != "link":
        return False
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link["target"])) == target
