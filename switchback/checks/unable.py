"""Versions that can't be started any more, since the host has another Python than the one that made them. Pure."""

from __future__ import annotations

from agent.words.facts import Site


def unable(site: Site) -> str | None:
    """Why the live version can't be started any more, or None."""
    live = site.version(site.linked.current)
    return live.unable if live else None


def unable_problems(site: Site) -> list[str]:
    """What is wrong if the live version could not be started again: whatever serves now goes on until it is stopped."""
    live, why = site.linked.current, unable(site)
    return [f"the live version {live} can't be started again: {why}: deploys/deploy.py builds it anew"] if why else []


def unable_notes(site: Site) -> list[str]:
    """The versions that can't be gone back to, beside the live one."""
    return [
        f"note: {one.name} can't be started any more, so nothing goes back to it: {one.unable}"
        for one in site.versions
        if one.unable and one.name != site.linked.current
    ]
