"""What is worth knowing of a host that serves, or in the way of a run on it: pure functions of what was seen there."""

from __future__ import annotations

from pathlib import Path

from agent.service.obstacles import unlaunched_words
from agent.state import LAUNCHER, LIBRARY
from agent.versions.layout import AUTO, Layout
from agent.words.facts import HostFacts, Site
from facts.survey import Surveyed
from switchback.checks.links import PROVISION
from switchback.settings.model import Settings

# What asks an agent that knows of no sites to recover.
RECOVER = '{"schema": 1, "verb": "recover"}'


def rolling_problems(site: Site) -> list[str]:
    """What keeps the live version's processes from being replaced one by one, where the settings ask for that."""
    return [f"restart: rolling is not possible, so the service restarts as a whole: {one}" for one in site.rolling]


def restore_notices(site: Site, settings: Settings) -> list[str]:
    """That nothing restores a backup, on a host whose backups provision's own script makes."""
    usual = site.restore.usual
    if settings.restore_script != AUTO or not site.restore.provisioned or "restore_script" in site.scripts:
        return []
    lacks = "a migration that can't be reversed, or that discards what is stored, will be refused"
    if site.restore.there:
        return [f"{usual} is not the one that provision writes: name it as restore_script, or {lacks}"]
    return [f"no script restores a backup, so that {lacks}: {PROVISION}, which writes {usual}"]


def environment_notices(site: Site, settings: Settings) -> list[str]:
    """The programs that have neither the settings' variables nor the secrets."""
    if not site.unlaunched or not (settings.env or settings.secrets):
        return []
    layout = Layout(settings.for_host(), Path(site.home))
    return [unlaunched_words(site.unlaunched, str(layout.path("current_main")))]


def hotfix_problems(site: Site) -> list[str]:
    """What was changed on the host itself and is in no repository."""
    problems = []
    for part, lines in site.hotfixes.items():
        listing = "".join(f"\n    {line}" for line in lines)
        problems.append(
            f"hotfixes in the live {part}:{listing}\n    Bring them into the repository, or go on without them: "
            "--data hotfixes=discard (a patch of them is kept in the version that they are in)"
        )
    return problems


def transaction_problems(facts: Surveyed) -> list[str]:
    """Why no run can begin on the host now."""
    return [facts.transaction.says] if facts.transaction else []


def deaf_problems(facts: HostFacts) -> list[str]:
    """That the agent on the host is of an earlier version of Switchback, and does not understand what it is asked."""
    if facts.hears or not facts.agent:
        return []
    if facts.transaction is None:
        return [f"the agent comes from an earlier version of Switchback, and no run is open: {PROVISION}, or deploy"]
    return [
        f"an earlier version of Switchback has {facts.transaction.deploy} open here, and its agent has to end it: run "
        f"deploys/recover.py from the checkout that has begun it, or on the host: echo '{RECOVER}' | "
        f"sudo {LIBRARY / LAUNCHER}"
    ]


def odd_notices(site: Site) -> list[str]:
    """What can't be read of what is known of the versions, which is as if it were not known."""
    return [line for version in site.versions for line in version.odd]


def schema_notices(site: Site) -> list[str]:
    """What keeps a live version that is healthy from using a database that is newer than its code."""
    live = site.version(site.linked.current)
    return [f"the database is newer than the code of {live.name}: {line}" for line in live.newer_schema] if live else []


def notify_notices(site: Site, settings: Settings) -> list[str]:
    """That nobody could be told how the last run has ended, and that nobody can be."""
    if settings.notify is None:
        return []
    last = [f"notify: nobody could be told how the last run has ended: {site.untold}"] if site.untold else []
    return [*last, *([f"notify: {site.unreachable}"] if site.unreachable else [])]
