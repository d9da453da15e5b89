"""What is wrong with the links of a host."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from switchback.settings.model import Settings

Facts = dict[str, Any]
# What makes what is missing.
PROVISION = "run deploys/provision.py"


def is_bare(facts: Facts) -> bool:
    """Whether no version was ever live on the host."""
    return all(facts["links"][link]["kind"] == "missing" for link in main_links(facts).values())


def main_links(facts: Facts) -> dict[str, str]:
    """The four links' paths, in the order in which the survey has them."""
    words = ("current", "previous", "working", "previous_working")
    return dict(zip(words, list(facts["links"])[:4], strict=True))


def links_problems(facts: Facts, settings: Settings) -> Iterator[str]:
    """What is wrong with the links to versions, and with those that lead into the live one."""
    if is_bare(facts):
        # The first deploy makes the links, where nothing is in the way.
        for path in facts["fixed"]:
            if facts["links"][path]["kind"] not in ("missing", "link"):
                yield from _link_problem(path, facts["links"][path])
        return
    for word, path in main_links(facts).items():
        link = facts["links"][path]
        if link["kind"] == "missing":
            # A host with a single version has nothing before it.
            if word in ("current", "working"):
                # What works can be told by looking, what ought to be live can't.
                either = f"{PROVISION}, or " if word == "working" and facts["healthy"]["healthy"] else ""
                yield f"{path} is missing: {either}make it a link to the version that {MEANING[word]}"
        else:
            yield from _link_problem(path, link)
            if link["kind"] == "link" and link["leads"] and not facts["linked"][word]:
                yield (
                    f"{path} leads to {link['resolved']}, which is not a version in {settings.versions_dir}: make it a "
                    f"link to the version that {MEANING[word]}"
                )
    for path, target in facts["fixed"].items():
        yield from _fixed_link(facts, path, target)


# What each of the four links stands for, as a sentence goes on after "the version that".
MEANING = {
    "current": "is live",
    "previous": "was live before",
    "working": "last proved healthy",
    "previous_working": "proved healthy before that",
}


def _fixed_link(facts: Facts, path: str, target: str) -> Iterator[str]:
    """A link that leads into the live version whichever that is."""
    link = facts["links"][path]
    if link["kind"] == "missing":
        yield f"{path} is missing: {PROVISION}, or make it a link to {target}"
        return
    if link["kind"] == "link" and not facts["linked"]["current"]:
        # It can lead nowhere, and what to do about that has been said of the link to the live version.
        return
    problems = list(_link_problem(path, link))
    yield from problems
    if not problems and not _follows(facts, path, target):
        yield f"{path} leads to {link['resolved']}, not into the live version: make it a link to {target}"


def _follows(facts: Facts, path: str, target: str) -> bool:
    """Whether a fixed link leads to its target, in its own words or by another way."""
    link = facts["links"][path]
    if posixpath.normpath(posixpath.join(posixpath.dirname(path), link["target"])) == target:
        return True
    current = main_links(facts)["current"]
    live = target.replace(current, facts["links"][current]["resolved"], 1)
    return bool(link["resolved"] == live)


def _link_problem(path: str, link: Facts) -> Iterator[str]:
    if link["kind"] != "link":
        what = "directory" if link["kind"] == "folder" else link["kind"]
        yield f"{path} is a {what} and has to be a link: move it away, then {PROVISION}"
    elif not link["leads"]:
        yield f"{path} leads to {link['target']}, which does not exist: make it a link to something that does"


def deployment_links_problems(facts: Facts, settings: Settings) -> Iterator[str]:
    """What is wrong with the links in the deployment directory, which lead to the files of the live config."""
    if facts["folders"]["deployment_dir"] != "folder" or not facts["linked"]["current"]:
        return
    for path, wanted in facts["deployment"].items():
        link = facts["links"].get(path)
        if link is None:
            yield f"{path} is not a link to {wanted['target']}: move it away if it is there, then {PROVISION}"
        elif link["resolved"] != wanted["resolved"]:
            yield f"{path} leads to {link['resolved']}, not to {wanted['target']}: make it a link to that"
    for path, link in facts["links"].items():
        if path.startswith(facts["deployment_path"] + "/") and path not in facts["deployment"] and not link["leads"]:
            yield f"{path} leads to {link['target']}, which does not exist: remove it"
