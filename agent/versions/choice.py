"""Which versions nobody needs any more: a pure choice, which the host makes and a look foresees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.words.outcomes import Refused
from agent.words.seen import Version


def choose(versions: Sequence[Version], keep: int, keep_failed: int, named: Iterable[str] = ()) -> list[str]:
    """Choose what to delete: never what a link leads to, what runs, what is pinned, or what Switchback did not build.

    + versions: as `list_versions` gives them, the newest first
    + keep: how many healthy ones stay
    + keep_failed: how many that failed or were never finished stay, as evidence
    + named: delete these, and nothing else

    Raises Refused when a named one has to stay or does not exist.
    """
    if named:
        return _named(versions, list(named))
    deletable = [version for version in versions if version.ours]
    healthy = [version for version in deletable if _is_good(version)]
    failed = [version for version in deletable if not _is_good(version)]
    extra = healthy[keep:] + failed[keep_failed:]
    return [version.name for version in extra if not why_it_stays(version)]


def choose_waiting(versions: Sequence[Version], keep: int, keep_failed: int) -> list[str]:
    """Choose what a build deletes: what was built before and never deployed, and what failed. Nothing that has been
    live: to build is no reason to take away what one may go back to.

    + versions, keep, keep_failed: as `choose` has them
    """
    return choose([one for one in versions if not one.working], keep, keep_failed)


def _is_good(version: Version) -> bool:
    """Whether a version has worked, or is whole and waits for its first deploy."""
    return bool(version.working or (version.sealed and not version.failed))


def why_it_stays(version: Version) -> str:
    """Why a version is not to be deleted; empty where it may be."""
    if version.links:
        return "it is " + " and ".join(version.links)
    if version.in_use:
        return f"{version.in_use} works in it, or was started from it"
    return "it is pinned" if version.pinned else ""


def _named(versions: Sequence[Version], named: list[str]) -> list[str]:
    by_name = {version.name: version for version in versions}
    problems = [f"there is no version {name}" for name in named if name not in by_name]
    stays = {name: why_it_stays(by_name[name]) for name in named if name in by_name}
    problems += [f"{name} can't be deleted: {why}" for name, why in stays.items() if why]
    if problems:
        raise Refused("; ".join(problems))
    return named
