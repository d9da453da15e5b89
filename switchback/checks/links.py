"""What is wrong with the links of a host."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from agent.words.facts import Link, Site
from switchback.settings.model import Settings

# What makes what is missing.
PROVISION = "run deploys/provision.py"


def links_problems(site: Site, settings: Settings) -> Iterator[str]:
    """What is wrong with the links to versions, and with those that lead into the live one."""
    if site.is_bare:
        # The first deploy makes the links, where nothing is in the way.
        for path in site.fixed:
            if site.links[path].kind not in ("missing", "link"):
                yield from _link_problem(path, site.links[path])
        return
    for word, path in site.main.items():
        link = site.links[path]
        if link.is_missing:
            # A host with a single version has nothing before it.
            if word in ("current", "working"):
                # What works can be told by looking, what ought to be live can't.
                either = f"{PROVISION}, or " if word == "working" and site.health.healthy else ""
                yield f"{path} is missing: {either}make it a link to the version that {MEANING[word]}"
        else:
            yield from _link_problem(path, link)
            if link.kind == "link" and link.leads and not getattr(site.linked, word):
                yield (
                    f"{path} leads to {link.resolved}, which is not a version in {settings.versions_dir}: make it a "
                    f"link to the version that {MEANING[word]}"
                )
    for path, target in site.fixed.items():
        yield from _fixed_link(site, path, target)


# What each of the four links stands for, as a sentence goes on after "the version that".
MEANING = {
    "current": "is live",
    "previous": "was live before",
    "working": "last proved healthy",
    "previous_working": "proved healthy before that",
}


def _fixed_link(site: Site, path: str, target: str) -> Iterator[str]:
    """A link that leads into the live version whichever that is."""
    link = site.links[path]
    if link.is_missing:
        yield f"{path} is missing: {PROVISION}, or make it a link to {target}"
        return
    if link.kind == "link" and not site.linked.current:
        # It can lead nowhere, and what to do about that has been said of the link to the live version.
        return
    problems = list(_link_problem(path, link))
    yield from problems
    if not problems and not _follows(site, path, target):
        yield f"{path} leads to {link.resolved}, not into the live version: make it a link to {target}"


def _follows(site: Site, path: str, target: str) -> bool:
    """Whether a fixed link leads to its target, in its own words or by another way."""
    link = site.links[path]
    if leads_to(path, link) == target:
        return True
    current = site.main["current"]
    return link.resolved == target.replace(current, site.links[current].resolved, 1)


def leads_to(path: str, link: Link) -> str:
    """Where a link leads by its own words."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link.target))


def _link_problem(path: str, link: Link) -> Iterator[str]:
    if link.kind != "link":
        what = "directory" if link.kind == "folder" else link.kind
        yield f"{path} is a {what} and has to be a link: move it away, then {PROVISION}"
    elif not link.leads:
        yield f"{path} leads to {link.target}, which does not exist: make it a link to something that does"


def deployment_links_problems(site: Site, settings: Settings) -> Iterator[str]:
    """What is wrong with the links in the deployment directory, which lead to the files of the live config."""
    if site.deployment_dir != "folder" or not site.linked.current:
        return
    for path, wanted in site.deployment.items():
        link = site.links.get(path)
        if link is None:
            yield f"{path} is not a link to {wanted.target}: move it away if it is there, then {PROVISION}"
        elif link.resolved != wanted.resolved:
            yield f"{path} leads to {link.resolved}, not to {wanted.target}: make it a link to that"
    known = {*site.main.values(), *site.fixed, *site.deployment}
    for path, link in site.links.items():
        if path not in known and not link.leads:
            yield f"{path} leads to {link.target}, which does not exist: remove it"
