"""What is wrong with a host: a pure function of what was seen there. All problems at once, each with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from switchback.settings import Settings

Facts = dict[str, Any]

# Besides the version itself: the journal, a backup, what the app writes meanwhile.
SPARE_BYTES = 200 * 1024 * 1024
SPARE_INODES = 20_000
# A first version's size, where there is none to go by.
FIRST_VERSION_BYTES = 200 * 1024 * 1024

PROVISION = "run deploys/provision.py"


def host_problems(facts: Facts, settings: Settings) -> list[str]:
    """Find everything that keeps a host from taking a deploy.

    + facts: what `Survey` saw; empty when the host could not be read
    """
    if not facts:
        return [
            f"the host can't be looked at: {settings.admin_username} needs sudo without a password (or run with "
            "--use-sudo-password), and the host needs python3"
        ]
    if not facts["users"]["app_username"]:
        return [f"there is no user {settings.app_username}: {PROVISION}"]
    found = [_tools, _agent, _folders, _links, _deployment_links, _scripts, _service, _disk, _wheelhouse]
    return [problem for finder in found for problem in finder(facts, settings)]


def _tools(facts: Facts, settings: Settings) -> Iterator[str]:
    if not facts["tools"].get("git"):
        yield "git is not installed: apt install git"
    if not facts["tools"].get(settings.python):
        yield f"the Python for the app, {settings.python}, is not there: install it, or change `python` in the settings"


def _agent(facts: Facts, settings: Settings) -> Iterator[str]:
    if not facts["agent"]:
        yield f"the agent is not installed: {PROVISION}"


def _folders(facts: Facts, settings: Settings) -> Iterator[str]:
    if facts["folders"]["versions_dir"] != "folder":
        yield f"versions_dir {settings.versions_dir} is not a directory: {PROVISION}"
    kind = facts["folders"]["deployment_dir"]
    if kind == "missing":
        yield f"deployment_dir {settings.deployment_dir} is missing: {PROVISION}"
    elif kind != "folder":
        yield f"deployment_dir {settings.deployment_dir} is a {kind}, and has to be a directory of its own: move it away"


def is_bare(facts: Facts) -> bool:
    """Whether no version was ever live on the host."""
    return all(facts["links"][link]["kind"] == "missing" for link in main_links(facts).values())


def main_links(facts: Facts) -> dict[str, str]:
    """The four links' paths, in the order in which the survey has them."""
    words = ("current", "previous", "working", "previous_working")
    return dict(zip(words, list(facts["links"])[:4], strict=True))


def _links(facts: Facts, settings: Settings) -> Iterator[str]:
    if is_bare(facts):
        return
    for word, path in main_links(facts).items():
        link = facts["links"][path]
        if link["kind"] == "missing":
            # A host with a single version has nothing before it.
            if word in ("current", "working"):
                yield f"{path} is missing: make it a link to the version that is live, or {PROVISION}"
        else:
            yield from _link_problem(path, link)
            if link["leads"] and not facts["linked"][word]:
                yield f"{path} leads to {link['resolved']}, which is not a version in {settings.versions_dir}"
    for path, target in facts["fixed"].items():
        link = facts["links"][path]
        if link["kind"] == "missing":
            yield f"{path} is missing: make it a link to {target}, or {PROVISION}"
        else:
            yield from _link_problem(path, link)


def _link_problem(path: str, link: Facts) -> Iterator[str]:
    if link["kind"] != "link":
        yield f"{path} is a {link['kind']} and has to be a link: move it away, or {PROVISION}"
    elif not link["leads"]:
        yield f"{path} leads to {link['target']}, which does not exist: make it a link to a version that does"


def _deployment_links(facts: Facts, settings: Settings) -> Iterator[str]:
    if facts["folders"]["deployment_dir"] != "folder":
        return
    for path, resolved in facts["deployment"].items():
        link = facts["links"].get(path)
        if link is None:
            yield f"{path} is missing, or not a link: {PROVISION}"
        elif link["resolved"] != resolved:
            yield f"{path} leads to {link['resolved']}, not to the live config: {PROVISION}"
    for path, link in facts["links"].items():
        if path.startswith(facts["deployment_path"] + "/") and path not in facts["deployment"] and not link["leads"]:
            yield f"{path} leads to {link['target']}, which does not exist: remove it"


def _scripts(facts: Facts, settings: Settings) -> Iterator[str]:
    for key, script in facts["scripts"].items():
        if script is None:
            continue
        if not script["exists"]:
            yield f"{key} {script['path']} is missing: write it, or {PROVISION} for one to start from"
        elif not script["executable"]:
            yield f"{key} {script['path']} can't be run by {settings.app_username}: chmod +x {script['path']}"


def _service(facts: Facts, settings: Settings) -> Iterator[str]:
    if facts["unit"].get("LoadState") != "loaded":
        yield f"systemd has no service {settings.systemd_service}: {PROVISION}"


def _disk(facts: Facts, settings: Settings) -> Iterator[str]:
    needed = room_needed(facts)
    disk = facts["disk"]
    if disk["free"] < needed:
        yield (
            f"{disk['free'] / 1e6:.0f} MB are free in {settings.versions_dir}, and one more version needs "
            f"{needed / 1e6:.0f} MB: run deploys/clean.py, or make room"
        )
    if disk["has_inodes"] and disk["inodes"] < SPARE_INODES:
        yield f"only {disk['inodes']} more files can be made in {settings.versions_dir}: run deploys/clean.py"


def room_needed(facts: Facts) -> int:
    """What one more version may take, bytes: as much as the largest so far, and something to spare."""
    sizes = [version["bytes"] for version in facts["versions"] if version["bytes"]]
    return max([*sizes, 0] if sizes else [FIRST_VERSION_BYTES]) + SPARE_BYTES


def _wheelhouse(facts: Facts, settings: Settings) -> Iterator[str]:
    if settings.wheelhouse and not facts["wheelhouse"]:
        yield f"wheelhouse {settings.wheelhouse} is not a directory on the host"


def hotfix_problems(facts: Facts) -> list[str]:
    """What was changed on the host itself and is in no repository."""
    problems = []
    for part, lines in facts.get("hotfixes", {}).items():
        listing = "".join(f"\n    {line}" for line in lines)
        problems.append(
            f"hotfixes in the live {part}:{listing}\n    Bring them into the repository, or go on without them: "
            "--data hotfixes=discard (a patch of them is kept in the version that they are in)"
        )
    return problems


def transaction_problems(facts: Facts) -> list[str]:
    """Why no run can begin on the host now."""
    opened = facts.get("transaction")
    return [opened["says"]] if opened else []
