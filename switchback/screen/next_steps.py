"""The end of provision: on one screen what a person has left to do on each host, in order, with the commands."""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import click
from pyinfra.api import Host, State

from agent.words.facts import HostFacts
from switchback.checks.git_access import how_to_pin, server
from switchback.checks.groundwork import Groundwork
from switchback.checks.web import shut_line
from switchback.document.model import Next
from switchback.document.noted import NOTED
from switchback.ending.report import said_by
from switchback.settings.model import Settings

# Where a key is added to a repository.
WHERE = {
    "github.com": "Settings, Deploy keys, without write access",
    "gitlab.com": "Settings, Repository, Deploy keys",
    "bitbucket.org": "Repository settings, Access keys",
    "codeberg.org": "Settings, Deploy keys",
}
PUBLIC = "ssh-ed25519 "
# The operation whose output nobody wants to read again.
PACKAGES = "Packages:"


@dataclass(frozen=True)
class Ground:
    """What a host was made of, and what it was like before.

    + inventory: as it was named on the command line
    """

    settings: Settings
    facts: HostFacts
    lacks: Groundwork
    inventory: str


Step = tuple[str, ...]


def next_steps(ground: Ground, public: str) -> list[Step]:
    """What is left to do, each as its lines: what, and the commands for it. Pure.

    + public: the key of the app user's that was just made, or that provision has made before
    """
    site = ground.facts.site
    live = site is not None and not site.is_bare
    found = [*_key(ground, public, live), *_pins(ground, live), *_web(ground, live)]
    if not live:
        found += [*_by_hand(ground), *_first_deploy(ground)]
    return found


def _key(ground: Ground, public: str, live: bool) -> list[Step]:
    """Where the key has to go, unless a version is live that was fetched with it."""
    git = ground.lacks.git
    if not public or not git.needs_ssh or (live and not git.makes_key):
        return []
    steps: list[Step] = []
    for url in git.repositories:
        where = WHERE.get(server(url) or "", "for reading only")
        steps.append((f"let the host read {url}: add this key there ({where}):", public))
    if sum(server(url) == "github.com" for url in git.repositories) > 1:
        steps.append(("GitHub takes a key for one repository only: give the second one's to a user who may read it",))
    return steps


def _pins(ground: Ground, live: bool) -> list[Step]:
    unknown = () if live else ground.lacks.git.unknown
    return [(f"say which key {name} has, or no repository there is read:", how_to_pin(name)) for name in unknown]


def _web(ground: Ground, live: bool) -> list[Step]:
    web, settings = ground.lacks.web, ground.settings
    if web.theirs:
        shows = f"pyinfra {ground.inventory} deploys/provision.py --dry --diff"
        what = f"have your web server lead visitors of {settings.website_url} to {settings.health_url} ({web.why_not}):"
        return [] if live or web.site.was else [(what, f"{shows}    shows how nginx would")]
    found: list[Step] = [(shut_line(web.shut),)] if web.is_ours and web.shut else []
    if web.is_ours and web.needs_certificate and not live:
        name = urlsplit(settings.website_url).hostname
        found.append(
            (
                f"get a certificate for {name} once its DNS leads here: website_url is https, nginx answers at port 80",
                "sudo apt install certbot python3-certbot-nginx",
                f"sudo certbot --nginx -d {name}    changes {web.site.path}, which is yours from then on",
            )
        )
    return found


def _by_hand(ground: Ground) -> list[Step]:
    home, database, name = ground.lacks.home, ground.lacks.database, ground.settings.app_username
    step = "the database and its user, where the app has one (provision_database: postgresql makes both)"
    if not database.why_not:
        how = f"django.db.backends.postgresql, NAME {name}, and no HOST, USER or PASSWORD, or postgres:///{name}"
        step = f"have the project use its database: {how}; and psycopg among its requirements"
    own = ground.lacks.supervisord
    return [(step,), (f"have a look at {home}/scripts{f' and {own.path}' if own else ''}",)]


def _first_deploy(ground: Ground) -> list[Step]:
    return [
        ("see what is still missing:", f"pyinfra {ground.inventory} deploys/check.py"),
        ("the first deploy:", f"pyinfra {ground.inventory} deploys/deploy.py"),
    ]


_grounds: dict[str, Ground] = {}


def at_the_end(state: State, host: Host, ground: Ground) -> None:
    """See to it that what is left to do on a host is the last thing that is printed."""
    if not _grounds:
        atexit.register(_show, state)
    _grounds[host.name] = ground


def _show(state: State) -> None:
    if not state.is_executing:
        return
    for host in state.inventory:
        said = said_by(state, host.name, but_by=PACKAGES)
        public = next((line for line in said if line.startswith(PUBLIC)), "")
        for line in said:
            if line != public:
                click.echo(f"    [{host.name}] {line}", err=True)
        if host in state.failed_hosts or host.name not in _grounds:
            continue
        steps = next_steps(_grounds[host.name], public or _known(_grounds[host.name]))
        NOTED.next[host.name] = [Next(what=what, how=tuple(commands)) for what, *commands in steps]
        for line in lines(host.name, steps):
            click.echo(line, err=True)


def _known(ground: Ground) -> str:
    site = ground.facts.site
    return site.access.public if site and site.access else ""


def lines(host: str, steps: Sequence[Step]) -> list[str]:
    """The screen of one host."""
    if not steps:
        return ["", f"--> {host} is provisioned: nothing is left to do"]
    shown = ["", f"--> {host} is provisioned. What is left to do:"]
    for number, (what, *commands) in enumerate(steps, 1):
        shown += [f"    {number}. {what}", *(f"         {command}" for command in commands)]
    return shown
