"""What differs between the hosts of a site, and what brings them together: a pure function of what was seen on each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from agent.words.facts import Site
from switchback.settings.model import Settings

T = TypeVar("T")

# What hosts go back by, and wait for each other by: with another value, one goes back while the rest is still at work.
JOINT = ("database_fallback", "migrate_timeout", "confirm_timeout")


def differences(sites: Mapping[str, Site], primary: str) -> list[str]:
    """What is live where, if that is not the same everywhere, and the command that brings all to one; empty if it is.

    + sites: by host; one that could not be looked at is passed over
    + primary: the host whose version all others are brought to, since its database has been brought to that
    """
    live = {name: site.linked.current for name, site in sites.items()}
    if len(set(live.values())) < 2:
        return []
    parts = [f"{version or 'no version'} on {', '.join(names)}" for version, names in _by_value(live).items()]
    return [f"the hosts differ: {'; '.join(parts)}", _healing(sites, live, primary)]


def _by_value(of: Mapping[str, T]) -> dict[T, list[str]]:
    """The names of the hosts that have each value."""
    found: dict[T, list[str]] = {}
    for name, value in of.items():
        found.setdefault(value, []).append(name)
    return found


def _healing(sites: Mapping[str, Site], live: Mapping[str, str | None], primary: str) -> str:
    wanted = live.get(primary) or next(version for version in live.values() if version)
    says = f"to bring all to {wanted}:"
    return f"{says} {builds(sites, wanted) or f'deploys/deploy.py --data version={wanted} (on hosts that have it)'}"


def builds(sites: Mapping[str, Site], wanted: str) -> str:
    """The command that builds a version where it is missing; nothing where no host knows what it was made of."""
    found = next((known for site in sites.values() if (known := site.version(wanted))), None)
    if not found or not found.code or not (found.config or found.recipe):
        return ""
    config = f" --data config={found.config[:12]}" if found.config else ""
    return f"deploys/deploy.py --data code={found.code[:12]}{config}"


def setting_differences(settings: Mapping[str, Settings]) -> list[str]:
    """The settings that have to be the same on all hosts of a run, and are not."""
    found = []
    for key in JOINT:
        by_value = _by_value({name: str(getattr(one, key)) for name, one in settings.items()})
        if len(by_value) > 1:
            where = "; ".join(f"{value} on {', '.join(names)}" for value, names in by_value.items())
            found.append(
                f"{key} differs: {where}. Hosts of one run wait for each other, and go back together: give all the "
                f"same, in the settings or by --data {key}={next(iter(by_value))}"
            )
    return found


def unknown_to_primary(sites: Mapping[str, Site], primary: str, target: str | None) -> list[str]:
    """Live versions whose migrations can't be reversed from the primary host: its own live version is older.

    + target: the version to go back to, if it is known; what that has need not be taken back
    """
    here = sites[primary].linked.current
    by_version: dict[str, list[str]] = {}
    for name, site in sites.items():
        live = site.linked.current
        if live and here and live not in (here, target, *sites[primary].lineage) and live > here:
            by_version.setdefault(live, []).append(name)
    return [
        f"{', '.join(names)}: {version} is live there, and {primary}, which takes the database back, has the older "
        f"{here}, which does not know what {version} has brought to it. Take that back there first: deploys/revert.py "
        f"--limit {','.join(names)} --data version={here} --data database=reverse. Or go back without the database: "
        "--data database=keep"
        for version, names in by_version.items()
    ]
