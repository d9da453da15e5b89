"""All hosts of a run, and their runs to a version that is to be on each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.steps.order import steps_of
from agent.words.facts import HostFacts, Site
from switchback.checks.compare import builds
from switchback.runs.run import About, Run, new_id
from switchback.settings.errors import OfHost, Refused
from switchback.settings.model import Settings
from switchback.settings.options import Options

WHICH = "deploys/status.py lists those that are there"


@dataclass(frozen=True)
class Fleet:
    """All hosts of a run, as they were seen, in the inventory's order.

    + primary: the host that migrates and backs up
    + single: the one of the whole inventory, also where it does not take part, that has what runs on one of all hosts;
      the primary host where that is not said
    """

    settings: dict[str, Settings]
    facts: dict[str, HostFacts]
    primary: str
    single: str = ""

    def is_single(self, name: str) -> bool:
        """Whether a host is the one that has what runs on one of all."""
        return name == (self.single or self.primary)

    @property
    def names(self) -> tuple[str, ...]:
        """The hosts' names."""
        return tuple(self.facts)

    @property
    def sites(self) -> dict[str, Site]:
        """What is there of the site on each host: who plans has found it on all of them."""
        return {name: facts.site for name, facts in self.facts.items() if facts.site}


def to_named(fleet: Fleet, asked: Options, kind: str, about: About) -> dict[str, Run]:
    """Go to a version that was asked for by name, unless it is live already."""
    version = _existing(fleet, str(asked.version), kind)
    live = all(site.linked.current == version and site.health.healthy for site in fleet.sites.values())
    if live and not asked.force:
        others = sorted({name for site in fleet.sites.values() for name in site.secrets})
        why = (
            f"; secrets are others by now ({', '.join(others)}): a deploy without version= brings them"
            if others
            else ""
        )
        return idle_runs(fleet, kind, f"{version} is live and healthy already: nothing to do{why}")
    return runs_to(fleet, asked, kind, version, build=False, about=about)


def is_sealed(site: Site, version: str) -> bool:
    """Whether a host has a version whole."""
    known = site.version(version)
    return known is not None and known.sealed


def _existing(fleet: Fleet, version: str, kind: str) -> str:
    """A version that was asked for by name. Raises Refused where a host has none that is whole, and fit for this."""
    problems = []
    for name, site in fleet.sites.items():
        known = site.version(version)
        if known is None:
            command = builds(fleet.sites, version)
            problems.append(
                OfHost(name, f"there is no version {version}; {f'{command} builds it' if command else WHICH}")
            )
        elif known.unable:
            problems.append(OfHost(name, f"{version} can't be started any more: {known.unable}"))
        elif not known.sealed and not known.working:
            problems.append(OfHost(name, f"{version} was never finished"))
        elif kind == "revert" and known.failed:
            says = f"{version} failed at {known.failed.step}, and a revert goes to what has worked"
            problems.append(OfHost(name, f"{says}; deploys/deploy.py --data version={version} tries it again"))
    if problems:
        raise Refused(*problems)
    return version


def needs_restore_script(fleet: Fleet, problem: str) -> None:
    """Raise Refused where the host that restores for all has no script for it."""
    if fleet.settings[fleet.primary].restore_script is None:
        usual = fleet.sites[fleet.primary].restore.usual
        raise Refused(f"{problem}, and none that provision has written is at {usual}")


def runs_to(fleet: Fleet, asked: Options, kind: str, version: str, *, build: bool, about: About) -> dict[str, Run]:
    """The runs of all hosts to a version: each builds it where it lacks it."""
    deploy = new_id(kind)
    if kind == "deploy" and fleet.settings[fleet.primary].database_fallback == "restore":
        needs_restore_script(fleet, "database_fallback: restore needs a restore_script")
    about = replace(
        about,
        irreversible=asked.irreversible or "refuse",
        hotfixes=asked.hotfixes or "refuse",
        provisioned=fleet.sites[fleet.primary].restore.provisioned,
    )
    runs = {}
    for name, site in fleet.sites.items():
        needs_build = build and not is_sealed(site, version)
        steps = steps_of(kind, fleet.settings[name].for_host(), needs_build)
        runs[name] = run_on(fleet, name, kind, deploy=deploy, version=version, steps=steps, about=about)
    return runs


def run_on(
    fleet: Fleet, name: str, kind: str, *, deploy: str, version: str, steps: tuple[str, ...], about: About
) -> Run:
    """The run of one of the hosts."""
    return Run(
        kind=kind,
        deploy=deploy,
        host=name,
        hosts=fleet.names,
        primary=fleet.primary,
        settings=fleet.settings[name],
        version=version,
        was=fleet.sites[name].linked.current,
        steps=steps,
        agent=fleet.facts[name].agent,
        about=about,
        single=fleet.is_single(name),
    )


def idle_runs(fleet: Fleet, kind: str, why: str) -> dict[str, Run]:
    """Runs that have nothing to do, and say why."""
    runs = {}
    for name, site in fleet.sites.items():
        live = site.linked.current
        runs[name] = Run(
            kind=kind,
            deploy="",
            host=name,
            hosts=fleet.names,
            primary=fleet.primary,
            settings=fleet.settings[name],
            version=live or "",
            was=live,
            steps=(),
            agent=fleet.facts[name].agent,
            idle=why.format(version=live),
        )
    return runs
