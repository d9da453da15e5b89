"""What differs between the hosts of a site, and what brings them together: a pure function of what was seen on each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from switchback.settings.model import Settings

Facts = dict[str, Any]
T = TypeVar("T")

# What hosts go back by, and wait for each other by: with another value, one goes back while the rest is still at work.
JOINT = ("database_fallback", "migrate_timeout", "confirm_timeout")


def differences(seen: Mapping[str, Facts], primary: str) -> list[str]:
    """What is live where, if that is not the same everywhere, and the command that brings all to one; empty if it is.

    + seen: what the survey saw on each host; one that could not be looked at has nothing, and is passed over
    + primary: the host whose version all others are brought to, since its database has been brought to that

        >>> differences({"web1": {"linked": {"current": "a"}}, "web2": {"linked": {"current": "a"}}}, "web1")
        []
    """
    live = {name: facts["linked"]["current"] for name, facts in seen.items() if facts.get("linked")}
    if len(set(live.values())) < 2:
        return []
    parts = [f"{version or 'no version'} on {', '.join(names)}" for version, names in _by_value(live).items()]
    return [f"the hosts differ: {'; '.join(parts)}", _healing(seen, live, primary)]


def _by_value(of: Mapping[str, T]) -> dict[T, list[str]]:
    """The names of the hosts that have each value."""
    found: dict[T, list[str]] = {}
    for name, value in of.items():
        found.setdefault(value, []).append(name)
    return found


def _healing(seen: Mapping[str, Facts], live: Mapping[str, str | None], primary: str) -> str:
    wanted = live.get(primary) or next(version for version in live.values() if version)
    says = f"to bring all to {wanted}:"
    return f"{says} {builds(seen, wanted) or f'deploys/deploy.py --data version={wanted} (on hosts that have it)'}"


def builds(seen: Mapping[str, Facts], wanted: str) -> str:
    """The command that builds a version where it is missing; nothing where no host knows what it was made of."""
    known = (one for facts in seen.values() for one in facts.get("versions", ()) if one.name == wanted)
    found = next(known, None)
    if not found or not found.code or not found.config:
        return ""
    return f"deploys/deploy.py --data code={found.code[:12]} --data config={found.config[:12]}"


def setting_differences(settings: Mapping[str, Settings]) -> list[str]:
    """The settings that have to be the same on all hosts of a run, and are not."""
    found = []
    for key in JOINT:
        by_value = _by_value({name: str(getattr(one, key)) for name, one in settings.items()})
        if len(by_value) > 1:
            where = "; ".join(f"{value} on {', '.join(names)}" for value, names in by_value.items())
            found.append(
                f"{key} differs: {where}. Hosts of one run wait for each other, and go back together: give all the "
                f"same, in group_data or by --data {key}={next(iter(by_value))}"
            )
    return found


def unknown_to_primary(seen: Mapping[str, Facts], primary: str, target: str | None) -> list[str]:
    """Live versions whose migrations can't be reversed from the primary host: its own live version is older.

    + target: the version to go back to, if it is known; what that has need not be taken back
    """
    here = seen[primary]["linked"]["current"]
    by_version: dict[str, list[str]] = {}
    for name, facts in seen.items():
        live = facts["linked"]["current"]
        if live and live not in (here, target, *seen[primary]["lineage"]) and live > here:
            by_version.setdefault(live, []).append(name)
    return [
        f"{', '.join(names)}: {version} is live there, and {primary}, which takes the database back, has the older "
        f"{here}, which does not know what {version} has brought to it. Take that back there first: deploys/revert.py "
        f"--limit {','.join(names)} --data version={here} --data database=reverse. Or go back without the database: "
        "--data database=keep"
        for version, names in by_version.items()
    ]
