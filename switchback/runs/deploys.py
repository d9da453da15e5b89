"""What a deploy or a build does: which commits it brings to the hosts, and which of these are there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.environment.fingerprint import fingerprint
from agent.words.journal import Commit
from agent.words.seen import Version
from switchback.checks.git_access import unresolved
from switchback.runs.fleet import Fleet, idle_runs, is_sealed, runs_to, to_named
from switchback.runs.run import About, Run, version_name
from switchback.settings.errors import Refused
from switchback.settings.options import Options


def plan_deploy(fleet: Fleet, asked: Options) -> dict[str, Run]:
    """Decide a deploy. Pure. Raises Refused for refs that stand for nothing, or not for the same on every host."""
    if asked.version:
        return to_named(fleet, asked, "deploy", about=About())
    commits = agreed_commits(fleet)
    if not asked.force and all(_is_live(fleet, name, commits) for name in fleet.sites):
        return idle_runs(
            fleet, "deploy", "{version} is live and healthy already: nothing to do (--data force=true deploys it again)"
        )
    reused = None if asked.force else _built(fleet, commits)
    version = reused or version_name(commits["code"], commits["config"])
    runs = runs_to(fleet, asked, "deploy", version, build=True, about=About(commits["code"], commits["config"]))
    if asked.force or reused is None:
        return runs
    # A host that was lost when the others committed is brought to the same version; the others stay as they are.
    done = [name for name in fleet.sites if _is_live(fleet, name, commits)]
    return _without(runs, done, f"{version} is live and healthy already: only the other hosts are brought to it")


def _without(runs: dict[str, Run], done: Sequence[str], why: str) -> dict[str, Run]:
    """The runs of a fleet of which some hosts have nothing to do: the others commit together."""
    names = tuple(name for name in runs if name not in done)
    primary = next((run.primary for run in runs.values() if run.primary in names), names[0])
    return {
        name: replace(run, steps=(), idle=why) if name in done else replace(run, hosts=names, primary=primary)
        for name, run in runs.items()
    }


def plan_build(fleet: Fleet, asked: Options) -> dict[str, Run]:
    """Decide a build. Pure."""
    commits = agreed_commits(fleet)
    reused = None if asked.force else _built(fleet, commits)
    if reused and all(is_sealed(site, reused) for site in fleet.sites.values()):
        return idle_runs(
            fleet, "build", f"{reused} is built already: nothing to do (--data force=true builds it again)"
        )
    version = reused or version_name(commits["code"], commits["config"])
    return runs_to(fleet, asked, "build", version, build=True, about=About(commits["code"], commits["config"]))


def agreed_commits(fleet: Fleet) -> dict[str, Commit]:
    """The commits to deploy. Raises Refused for a ref that is unknown, or that the hosts do not agree on."""
    problems = []
    commits = {}
    for part in ("code", "config"):
        found = {name: site.refs[part] for name, site in fleet.sites.items()}
        problems += [
            f"{name}: {unresolved(part, ref, fleet.settings[name], fleet.sites[name].home)}"
            for name, ref in found.items()
            if ref.sha is None
        ]
        shas = {ref.sha for ref in found.values() if ref.sha}
        if len(shas) > 1:
            seen_as = ", ".join(f"{ref.sha[:7]} on {name}" for name, ref in found.items() if ref.sha)
            problems.append(f"{part}: the hosts see different commits: {seen_as}; try again in a moment")
        elif shas:
            commits[part] = Commit(next(iter(found.values())).ref, shas.pop())
    if problems:
        raise Refused(*problems)
    return commits


def _is_live(fleet: Fleet, name: str, commits: dict[str, Commit]) -> bool:
    """Whether a host serves these commits, whole and healthy, with the variables and the secrets of the settings."""
    site = fleet.sites[name]
    current = site.version(site.linked.current)
    if current is None or not site.health.healthy or "working" not in current.links:
        return False
    return current.sealed and not current.unable and not site.secrets and _same(fleet, name, current, commits)


def _same(fleet: Fleet, name: str, version: Version, commits: dict[str, Commit]) -> bool:
    """Whether a version of a host is made of these commits, and of the variables that its settings have."""
    same_env = version.env == fingerprint(fleet.settings[name].env)
    return same_env and all(version.commit(part) == commit.sha for part, commit in commits.items())


def _built(fleet: Fleet, commits: dict[str, Commit]) -> str | None:
    """A version of these commits that is whole on a host and has failed on none; the newest.

    One that is live somewhere has not failed: where it is marked so, its host was lost when the others committed.
    """
    live = {fleet.sites[name].linked.current for name in fleet.sites if _is_live(fleet, name, commits)}
    versions = [(name, one) for name, site in fleet.sites.items() for one in site.versions]
    failed = {one.name for _, one in versions if one.failed}
    whole = {one.name for name, one in versions if one.sealed and _same(fleet, name, one, commits)}
    # Once its interpreter is another one, a version has to be built anew. And what runs already, runs with the secrets
    # that it was started with: a new version's processes are proven to be new.
    unable = {one.name for _, one in versions if one.unable}
    unable |= {site.linked.current for site in fleet.sites.values() if site.secrets and site.linked.current}
    return max(whole - (failed - live) - unable, default=None)
