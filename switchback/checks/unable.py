"""Versions that can't be started any more, since the host has another Python than the one that made them. Pure."""

from __future__ import annotations

from typing import Any

Facts = dict[str, Any]


def unable(facts: Facts, version: str | None) -> str | None:
    """Why a version can't be started any more on a host, or None."""
    return next((one.unable for one in facts.get("versions", ()) if one.name == version), None)


def unable_problems(facts: Facts) -> list[str]:
    """What is wrong if the live version could not be started again: whatever serves now goes on until it is stopped."""
    live = facts["linked"]["current"] if "linked" in facts else None
    why = unable(facts, live)
    return [f"the live version {live} can't be started again: {why}: deploys/deploy.py builds it anew"] if why else []


def unable_notes(facts: Facts) -> list[str]:
    """The versions that can't be gone back to, beside the live one."""
    live = facts["linked"]["current"] if "linked" in facts else None
    return [
        f"note: {one.name} can't be started any more, so nothing goes back to it: {one.unable}"
        for one in facts.get("versions", ())
        if one.unable and one.name != live
    ]
