"""What differs between the hosts of a site, and what brings them together: a pure function of what was seen on each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Facts = dict[str, Any]


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
    by_version: dict[str | None, list[str]] = {}
    for name, version in live.items():
        by_version.setdefault(version, []).append(name)
    parts = [f"{version or 'no version'} on {', '.join(names)}" for version, names in by_version.items()]
    return [f"the hosts differ: {'; '.join(parts)}", _healing(seen, live, primary)]


def _healing(seen: Mapping[str, Facts], live: Mapping[str, str | None], primary: str) -> str:
    wanted = live.get(primary) or next(version for version in live.values() if version)
    says = f"to bring all to {wanted}: deploys/deploy.py"
    known = (one for facts in seen.values() for one in facts.get("versions", ()) if one["name"] == wanted)
    found = next(known, None)
    if not found or not found["code"] or not found["config"]:
        return f"{says} --data version={wanted} (on hosts that have it)"
    return f"{says} --data code={found['code'][:12]} --data config={found['config'][:12]}"
