"""How a run that is no transaction stands in its document, where looking is all that was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from switchback.document.model import HostEnd
from switchback.ended import Ended


def would_change(changes: Mapping[str, str], hosts: Iterable[str]) -> list[HostEnd]:
    """What a run would do on each of its hosts.

    + changes: those on which it would change something, each with what
    """
    ends = {name: Ended.WOULD_CHANGE if name in changes else Ended.NOTHING_TO_DO for name in hosts}
    return [HostEnd(host=name, outcome=ended, sentence=changes.get(name, "")) for name, ended in ends.items()]
