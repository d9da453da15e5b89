"""The end of provision: on one screen what a person has left to do on each host, in order, with the commands."""

from __future__ import annotations

import atexit
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import click
from pyinfra.api import Host, State

from agent.text.lines import shown
from agent.words.facts import HostFacts
from switchback import typed
from switchback.checks.git_access import how_to_pin, server
from switchback.checks.groundwork import Groundwork
from switchback.checks.web import shut_line
from switchback.document.model import Next
from switchback.document.noted import NOTED
from switchback.ending.layout import WIDTH, Part, command, fitted, headline, named, paragraph, quotation, row, rows
from switchback.ending.report import said_by
from switchback.hosts.inventory import command_line, options
from switchback.hosts.pyinfra_words import ask_below, leave_out_headings
from switchback.progress.operations import follow_operations
from switchback.screen.announced import merged, of, on, show_before
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
# How lines begin that say again what was made.
AS_FORESEEN = "installed: agent "
# How many lines the screen has, where what is left to do needs no more; and how many an operation's output.
MOST, OUTPUT = 40, 12


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


@dataclass(frozen=True)
class Provisioned:
    """What has become of a host.

    + steps: what is left to do there; made, changed: what was, by name
    + failed: the operation that has failed, if one has; output: the last that it has printed
    + told: what else is worth reading
    """

    steps: Sequence[Step] = ()
    made: Sequence[str] = ()
    changed: Sequence[str] = ()
    failed: str = ""
    output: tuple[str, ...] = ()
    told: Sequence[str] = ()


def end_lines(told: Mapping[str, Provisioned], again: Sequence[str] = ()) -> list[str]:
    """The last screen. Pure.

    + told: what has become of each host; again: the command that provisions them once more
    """
    parts = list(_parts(told, again))
    return fitted(parts, max(MOST, sum(len(part.lines) for part in parts if not part.rank)))


def _parts(told: Mapping[str, Provisioned], again: Sequence[str]) -> Iterator[Part]:
    broken = {name: one for name, one in told.items() if one.failed}
    well = [name for name in told if name not in broken]
    yield Part(tuple(headline("; ".join(_verdict(told, list(broken), well)))))
    for (operation, output), hosts in merged({name: [(one.failed, one.output)] for name, one in broken.items()}):
        yield Part(tuple(row("failed", f"{of(hosts, told)}{operation}")))
        yield Part(tuple(quotation(output or ["it has printed nothing: was the link to the host lost?"])), 1, 3)
    yield Part(tuple(rows("made", {name: _listed(one.made) for name, one in told.items()})), 2, 2)
    yield Part(tuple(rows("changed", {name: _listed(one.changed) for name, one in told.items()})), 2, 2)
    for line, hosts in merged({name: one.told for name, one in told.items()}):
        yield Part(tuple(paragraph(f"{of(hosts, told)}{line}")), 2)
    if broken:
        text = "put that right, and run it again: it adds what is still missing:"
        yield Part((*row("next", text), *command("", again)))
    yield Part(tuple(_left(told)))


def _verdict(told: Mapping[str, Provisioned], broken: Sequence[str], well: Sequence[str]) -> Iterator[str]:
    if broken:
        yield f"NOT provisioned: {named(broken)}"
    if well:
        anything = any(told[name].made or told[name].changed for name in well)
        nothing = "" if anything else ", and nothing was missing"
        yield f"{named(well)} {'is' if len(well) == 1 else 'are'} provisioned{nothing}"


def _listed(names: Sequence[str]) -> str:
    return f"{len(names)}: {', '.join(names)}" if names else ""


def _left(told: Mapping[str, Provisioned]) -> Iterator[str]:
    """What is left to do on those that are provisioned, once where it is the same."""
    well = {name: one for name, one in told.items() if not one.failed}
    steps = merged({name: [what for what, *_ in one.steps] for name, one in well.items()})
    if well:
        yield "    What is left to do:" if steps else "    nothing is left to do"
    for number, (what, hosts) in enumerate(steps, 1):
        mark = f"    {number}. "
        text = f"{mark}{of(hosts, well)}{what}"
        yield from textwrap.wrap(text, WIDTH, subsequent_indent=" " * len(mark), break_on_hyphens=False)
        how = {name: [line for one, *lines in well[name].steps if one == what for line in lines] for name in hosts}
        # What is typed, or copied, stands on a line of its own, however long that is.
        yield from (f"         {line}" for line, _ in merged(how))


_grounds: dict[str, Ground] = {}


def at_the_end(state: State, host: Host, ground: Ground) -> None:
    """See to it that hosts are followed, and that what is left to do on them is the last thing that is printed."""
    if not _grounds:
        atexit.register(_show, state)
        ask_below(
            f"provision {named([one.name for one in state.inventory])}",
            lambda: show_before(one.name for one in state.inventory),
        )
        leave_out_headings(state)
        follow_operations(state, options().progress, lambda name, key: bool(on(name).during.get(key)))
    _grounds[host.name] = ground


def _show(state: State) -> None:
    if not state.is_executing:
        return
    told = {host.name: _provisioned(state, host) for host in state.inventory if host.name in _grounds}
    for name, one in told.items():
        NOTED.next[name] = [Next(what=what, how=tuple(how)) for what, *how in one.steps]
    first, *others = end_lines(told, typed.command(command_line(), "provision"))
    broken = any(one.failed for one in told.values())
    for line in ("", click.style(first, "red" if broken else "green", bold=True), *others):
        click.echo(line, err=True)


def _provisioned(state: State, host: Host) -> Provisioned:
    """What has become of a host."""
    ended = {key: data.operation_meta for key, data in state.ops[host].items() if data.operation_meta.is_complete()}
    done = [one for key, meta in ended.items() if meta.did_succeed() for one in on(host.name).during.get(key, ())]
    broken = next((key for key, meta in ended.items() if not meta.did_succeed()), "")
    made, changed = ([one.name for one in done if one.kind == kind] for kind in ("create", "change"))
    if broken:
        name, said = " ".join(state.op_meta[broken].names), ended[broken].stderr_lines or ended[broken].stdout_lines
        return Provisioned((), made, changed, name, tuple(shown(line) for line in said[-OUTPUT:]))
    if host in state.failed_hosts:
        return Provisioned((), made, changed, "the link to it was lost")
    said = said_by(state, host.name, but_by=PACKAGES)
    public = next((line for line in said if line.startswith(PUBLIC)), "")
    ground = _grounds[host.name]
    told = [line for line in said if line != public and not line.startswith(AS_FORESEEN)]
    return Provisioned(next_steps(ground, public or _known(ground)), made, changed, told=told)


def _known(ground: Ground) -> str:
    site = ground.facts.site
    return site.access.public if site and site.access else ""
