"""What a restart does."""

from __future__ import annotations

from agent.steps.order import steps_of
from switchback.checks.unable import unable_problems
from switchback.runs.fleet import Fleet, run_on
from switchback.runs.run import About, Run, new_id
from switchback.settings.errors import OfHost, Refused
from switchback.settings.options import Options


def plan_restart(fleet: Fleet, asked: Options) -> dict[str, Run]:
    """Decide a restart. Pure."""
    live = {name: site.linked.current or "" for name, site in fleet.sites.items()}
    idle = "no version is live, so there is nothing to restart"
    bare = [OfHost(name, idle) for name, version in live.items() if not version]
    bare += [OfHost(name, problem) for name, site in fleet.sites.items() for problem in unable_problems(site)]
    if bare:
        raise Refused(*bare)
    settings = fleet.settings[fleet.primary].for_host()
    deploy, steps = new_id("restart"), steps_of("restart", settings, build=False)
    return {
        name: run_on(fleet, name, "restart", deploy=deploy, version=live[name], steps=steps, about=About())
        for name in fleet.names
    }
