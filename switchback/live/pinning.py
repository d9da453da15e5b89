"""Pinning a version, so that no clean deletes it, or letting it go: shown before it is done."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra.api import Host, State

from agent.words.facts import HostFacts
from switchback.ending.layout import headline, named, paragraph
from switchback.hosts.gateway import for_all_hosts
from switchback.live.changes import would_change
from switchback.runs.fleet import WHICH
from switchback.screen.preflight import look_at, somebody_can_answer
from switchback.screen.present import NothingToDo, ask_to, end_look, show
from switchback.settings.errors import OfHost, Refused


def pinning(version: str, pinned: bool) -> str:
    """A version's name, once all hosts are known to have it, and somebody has said yes where somebody is asked.

    Ends here, and well, where it is pinned, or not, on each of them already. Raises Refused where a host lacks it.
    """

    def work(state: State, hosts: Sequence[Host]) -> dict[str, str]:
        somebody_can_answer()
        seen = look_at(hosts)
        lacking = [name for name, facts in seen.items() if not facts.site or not facts.site.version(version)]
        if lacking:
            raise Refused(*(OfHost(name, f"there is no version {version}; {WHICH}") for name in lacking))
        changes = [name for name, facts in seen.items() if _is_pinned(facts, version) != pinned]
        if not changes:
            raise NothingToDo(f"{version} is {'pinned already' if pinned else 'not pinned'}: nothing to do")
        what = "pin" if pinned else "unpin"
        show(pinning_lines(version, pinned, changes))
        end_look(would_change(dict.fromkeys(changes, f"{what} {version}"), seen))
        ask_to(f"{what} it on {named(changes)}")
        return dict.fromkeys(seen, version)

    return for_all_hosts("pinning", work)


def pinning_lines(version: str, pinned: bool, hosts: Sequence[str]) -> list[str]:
    """The screen. Pure.

    + hosts: those on which that is something new
    """
    what = "it stays, whatever is cleaned up, until it is unpinned" if pinned else "it goes once it is not needed"
    return [*headline(f"{'Pin' if pinned else 'Unpin'} {version} on {named(hosts)}"), *paragraph(what)]


def _is_pinned(facts: HostFacts, version: str) -> bool:
    found = facts.site.version(version) if facts.site else None
    return found is not None and found.pinned
