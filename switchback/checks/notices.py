"""What is worth knowing of a host that serves, or in the way of a run on it: pure functions of what was seen there."""

from __future__ import annotations

from typing import Any

from agent.versions.layout import AUTO
from switchback.checks.links import PROVISION
from switchback.settings.model import Settings

Facts = dict[str, Any]


def rolling_problems(facts: Facts) -> list[str]:
    """What keeps the live version's processes from being replaced one by one, where the settings ask for that."""
    found = (facts.get("rolling") or {}).get("obstacles") or []
    return [f"restart: rolling is not possible, so the service restarts as a whole: {one}" for one in found]


def link_notices(facts: Facts) -> list[str]:
    """The programs that would import from another version than their own while a deploy replaces them."""
    return list(facts.get("by_a_link") or ())


def restore_notices(facts: Facts, settings: Settings) -> list[str]:
    """That nothing restores a backup, on a host whose backups provision's own script makes."""
    told = facts.get("restore") or {}
    if settings.restore_script != AUTO or not told.get("provisioned") or facts["scripts"]["restore_script"]:
        return []
    lacks = "a migration that can't be reversed, or that discards what is stored, will be refused"
    if told["there"]:
        return [f"{told['usual']} is not the one that provision writes: name it as restore_script, or {lacks}"]
    return [f"no script restores a backup, so that {lacks}: {PROVISION}, which writes {told['usual']}"]


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


def schema_notices(facts: Facts) -> list[str]:
    """What keeps a live version that is healthy from using a database that is newer than its code."""
    live = facts["linked"]["current"]
    told: tuple[str, ...] = next((one.newer_schema for one in facts["versions"] if one.name == live), ())
    return [f"the database is newer than the code of {live}: {line}" for line in told]
