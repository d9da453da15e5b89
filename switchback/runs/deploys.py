"""What a deploy or a build does: which commits it brings to the hosts, and which of these are there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.environment.fingerprint import fingerprint
from agent.project.texts import recipe
from agent.words.journal import Commit
from agent.words.seen import Version
from switchback.checks.git_access import unresolved
from switchback.runs.fleet import Fleet, idle_runs, is_sealed, runs_to, to_named
from switchback.runs.run import About, Run, version_name
from switchback.settings.errors import OfHost, Refused
from switchback.settings.options import Options


def plan_deploy(fleet: Fleet, asked: Options) -> dict[str, Run]:
    """Decide a deploy. Pure. Raises Refused for refs that stand for nothing, or not for the same on every host."""
    if asked.version:
        return to_named(fleet, asked, "deploy", about=About())
    commits = agreed_commits(fleet)
    made = Made.of(fleet, commits)
    if not asked.force and all(made.is_live(name) for name in fleet.names):
        return idle_runs(
            fleet, "deploy", "{version} is live and healthy already: nothing to do (--data force=true deploys it again)"
        )
    reused = None if asked.force else made.built()
    version = reused or version_name(commits)
    runs = runs_to(fleet, asked, "deploy", version, build=True, about=About(commits["code"], commits.get("config")))
    if asked.force or reused is None:
        return runs
    # A host that was lost when the others committed is brought to the same version; the others stay as they are.
    done = [name for name in fleet.names if made.is_live(name)]
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
    reused = None if asked.force else Made.of(fleet, commits).built()
    if reused and all(is_sealed(site, reused) for site in fleet.sites.values()):
        return idle_runs(
            fleet, "build", f"{reused} is built already: nothing to do (--data force=true builds it again)"
        )
    version = reused or version_name(commits)
    return runs_to(fleet, asked, "build", version, build=True, about=About(commits["code"], commits.get("config")))


def agreed_commits(fleet: Fleet) -> dict[str, Commit]:
    """The commits to deploy. Raises Refused for a ref that is unknown, or that the hosts do not agree on."""
    problems: list[str] = []
    commits = {}
    parts = [settings.repositories.keys() for settings in fleet.settings.values()]
    if any(those != parts[0] for those in parts):
        raise Refused("config_repo_url is set for some of the hosts, and not for others: give all the same")
    for part in parts[0]:
        found = {name: site.refs[part] for name, site in fleet.sites.items()}
        problems += [
            OfHost(name, unresolved(part, ref, fleet.settings[name], fleet.sites[name].home))
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


@dataclass(frozen=True)
class Made:
    """What a version is to be made of, on each of the hosts of a run: of the settings' variables, too.

    + commits: of the code; and of the config, where that has a repository
    + recipes: by host, what else a config is made of that has none
    """

    fleet: Fleet
    commits: dict[str, Commit]
    recipes: dict[str, str]

    @classmethod
    def of(cls, fleet: Fleet, commits: dict[str, Commit]) -> Made:
        """The same by the settings."""
        if "config" in commits:
            return cls(fleet, commits, dict.fromkeys(fleet.settings, ""))
        settings = fleet.settings.items()
        recipes = {name: recipe(one.for_host(), fleet.is_single(name)) for name, one in settings}
        return cls(fleet, commits, recipes)

    def is_live(self, host: str) -> bool:
        """Whether a host serves this, whole and healthy, and with the secrets of the settings."""
        site = self.fleet.sites[host]
        current = site.version(site.linked.current)
        if current is None or not site.health.healthy or "working" not in current.links:
            return False
        return current.sealed and not current.unable and not site.secrets and self._same(host, current)

    def _same(self, host: str, version: Version) -> bool:
        same = all(version.commit(part) == commit.sha for part, commit in self.commits.items())
        env = fingerprint(self.fleet.settings[host].env)
        schedule = self.fleet.settings[host].schedule
        return same and version.recipe == self.recipes[host] and version.env == env and version.schedule == schedule

    def built(self) -> str | None:
        """A version of this that is whole on a host and has failed on none; the newest.

        One that is live somewhere has not failed: where it is marked so, its host was lost when the others committed.
        """
        live = {self.fleet.sites[name].linked.current for name in self.fleet.names if self.is_live(name)}
        versions = [(name, one) for name, site in self.fleet.sites.items() for one in site.versions]
        failed = {one.name for _, one in versions if one.failed}
        whole = {one.name for host, one in versions if one.sealed and self._same(host, one)}
        others = {one.name for host, one in versions if one.sealed and not self._same(host, one)}
        # Once its interpreter is another one, a version has to be built anew.
        unable = {one.name for _, one in versions if one.unable}
        # What runs already has the secrets that it was started with: the processes of another version are proven new.
        runs = {site.linked.current for site in self.fleet.sites.values() if site.secrets and site.linked.current}
        return max(whole - (failed - live) - unable - others - runs, default=None)
