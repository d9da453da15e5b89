"""What is wrong with a host: a pure function of what was seen there. All problems at once, each with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agent.words.facts import HostFacts, Site
from facts.survey import Surveyed, Unread
from switchback.checks.links import PROVISION, deployment_links_problems, links_problems
from switchback.settings.model import Settings

# Besides the version itself: the journal, a backup, what the app writes meanwhile.
SPARE_BYTES = 200 * 1024 * 1024
SPARE_INODES = 20_000
# A first version's size, where there is none to go by.
FIRST_VERSION_BYTES = 200 * 1024 * 1024


def host_problems(facts: Surveyed, settings: Settings, builds: bool = True) -> list[str]:
    """Find everything that keeps a host from taking a deploy.

    + builds: whether a version is to be built; going back needs no room for one
    """
    if isinstance(facts, Unread):
        return [_unread(facts.why, settings)]
    on_host = (*ON_HOST, *((_shared,) if builds else ()))
    found = [problem for find in on_host for problem in find(facts, settings)]
    # All the rest is the app user's, and can't be looked at without.
    if facts.site:
        finders = (*OF_SITE, *(TO_BUILD if builds else ()))
        found += [problem for find_there in finders for problem in find_there(facts.site, settings)]
    return found


def _unread(why: str, settings: Settings) -> str:
    if why:
        return (
            f"the host was looked at, and what was seen can't be read: {why}. Is this checkout of Switchback whole, "
            "and all of one version (git status)?"
        )
    return (
        f"the host can't be looked at: {settings.admin_username} needs sudo without a password (or run with "
        "--use-sudo-password), and the host needs python3"
    )


def places_without_problem(facts: HostFacts, settings: Settings) -> dict[str, bool]:
    """What of a host's layout is looked at, and whether nothing is wrong with it."""
    return {
        name: not [
            *(problem for find in on_host for problem in find(facts, settings)),
            *(problem for find in of_site for problem in (find(facts.site, settings) if facts.site else ())),
        ]
        for name, (on_host, of_site) in PLACES.items()
    }


def ready(site: Site) -> str:
    """The sentence for a host without problems: what is live on it, and how that is."""
    current, problem = site.linked.current, site.health.problem
    if not current:
        return "ready for its first deploy"
    return f"ready: {current} is {f'live, but NOT healthy: {problem}' if problem else 'live and healthy'}"


def _users(facts: HostFacts, settings: Settings) -> Iterator[str]:
    for name, there in ((settings.app_username, facts.site), (settings.admin_username, facts.admin)):
        if not there:
            yield f"there is no user {name}: {PROVISION}"


def _tools(facts: HostFacts, settings: Settings) -> Iterator[str]:
    if not facts.git:
        yield f"git is not installed: {PROVISION}, or apt install git"
    if facts.no_python:
        yield facts.no_python


def _makes_venv(site: Site, settings: Settings) -> Iterator[str]:
    if not site.makes_venv:
        yield (
            f"neither uv nor the venv module of the app's Python, {settings.python}, is there, and each version has an "
            f"environment of its own: {PROVISION}, or apt install python3-venv"
        )


def _agent(facts: HostFacts, settings: Settings) -> Iterator[str]:
    if not facts.agent:
        yield f"the agent is not installed: {PROVISION}"


def _shared(facts: HostFacts, settings: Settings) -> Iterator[str]:
    yield from facts.clashes


def _folders(site: Site, settings: Settings) -> Iterator[str]:
    # It may be a link, to another disk for example.
    if site.versions_dir not in ("folder", "link"):
        yield f"versions_dir {settings.versions_dir} is not a directory: {PROVISION}"
    kind = site.deployment_dir
    if kind == "missing":
        yield f"deployment_dir {settings.deployment_dir} is missing: {PROVISION}"
    elif kind != "folder":
        yield (
            f"deployment_dir {settings.deployment_dir} is a {kind} and has to be a directory of its own: move it away, "
            f"then {PROVISION}"
        )


def _supervisord(site: Site, settings: Settings) -> Iterator[str]:
    if site.supervisord:
        yield f"the service would not start again: {site.supervisord}: mend the host's own supervisord.conf"


def _scripts(site: Site, settings: Settings) -> Iterator[str]:
    for key, script in site.scripts.items():
        if not script.exists:
            yield f"{key} {script.path} is missing: write it, or {PROVISION} for one to start from"
        elif not script.executable:
            yield f"{key} {script.path} can't be run by {settings.app_username}: chmod a+x {script.path}"


def _service(facts: HostFacts, settings: Settings) -> Iterator[str]:
    service, load = settings.systemd_service, facts.service
    if load is None:
        yield "systemd can't be asked for its units: the host has to run systemd (systemctl status)"
    elif load == "not-found":
        yield f"systemd has no service {service}: {PROVISION}"
    elif load == "masked":
        yield f"the service {service} is masked: systemctl unmask {service}"
    elif load != "loaded":
        yield f"systemd can't load the service {service} ({load}): see systemctl status {service}"


def _disk(site: Site, settings: Settings) -> Iterator[str]:
    needed = room_needed(site)
    free, inodes = site.disk.free, site.disk.inodes
    if free < needed:
        yield (
            f"{free / 1e6:.0f} MB are free in {settings.versions_dir}, and one more version needs "
            f"{needed / 1e6:.0f} MB: run deploys/clean.py, or make room"
        )
    if inodes is not None and inodes < SPARE_INODES:
        yield (
            f"only {inodes} more files can be made in {settings.versions_dir} (inodes), and one more version "
            f"needs up to {SPARE_INODES}: run deploys/clean.py, or make room"
        )


def room_needed(site: Site) -> int:
    """What one more version may take, bytes: as much as the largest so far, and something to spare."""
    sizes = [version.bytes for version in site.versions if version.bytes]
    return max(sizes, default=FIRST_VERSION_BYTES) + SPARE_BYTES


def _times(site: Site, settings: Settings) -> Iterator[str]:
    for name, says in site.times.items():
        at = settings.schedule[name].at if name in settings.schedule else ""
        yield (
            f"schedule: {name} is to run at {at!r}, which is no time to the host's systemd: {says}: write one that "
            "systemd-analyze calendar takes"
        )


def _wheelhouse(site: Site, settings: Settings) -> Iterator[str]:
    if settings.wheelhouse and not site.wheelhouse:
        yield f"wheelhouse {settings.wheelhouse} is not a directory on the host: copy the wheels there, or change it"


OnHost = Callable[[HostFacts, Settings], Iterator[str]]
OfSite = Callable[[Site, Settings], Iterator[str]]
ON_HOST: tuple[OnHost, ...] = (_users, _tools, _agent, _service)
OF_SITE: tuple[OfSite, ...] = (_folders, links_problems, deployment_links_problems, _scripts, _supervisord)
TO_BUILD: tuple[OfSite, ...] = (_disk, _wheelhouse, _makes_venv, _times)
PLACES: dict[str, tuple[tuple[OnHost, ...], tuple[OfSite, ...]]] = {
    "users": ((_users,), ()),
    "tools": ((_tools,), (_makes_venv,)),
    "agent": ((_agent,), ()),
    "service": ((_service,), (_supervisord,)),
    "folders": ((), (_folders, _wheelhouse)),
    "links": ((), (links_problems, deployment_links_problems)),
    "scripts": ((), (_scripts,)),
    "room": ((), (_disk,)),
    "sites": ((_shared,), ()),
}
