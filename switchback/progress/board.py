"""What each host of a run is at: what is heard of it in, what there is to tell out. Pure, but for what it remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.words.result import News, Result

STARTED, OUTPUT, DONE, FAILED, UNDOING, ENDED = "started", "output", "done", "failed", "undoing", "ended"


@dataclass(frozen=True)
class Event:
    """Something that has happened on a host.

    + at: when, seconds since the epoch; event: one of those above
    + step: the step, or what is undone; seconds: how long it has taken by then; usual: how long it usually takes
    + line: the last that it has printed; of a run that has ended, how
    """

    at: float
    host: str
    step: str
    event: str
    seconds: float = 0.0
    usual: float | None = None
    line: str = ""


@dataclass
class Doing:
    """What a host is at, since when by our own clock; told_at: when somebody was last told of it, on its own."""

    step: str
    back: bool
    since: float
    line: str = ""
    told_at: float | None = None


@dataclass
class Host:
    """What is known of a host: what it is at, what has ended there, and whether all has.

    + waits_in: the operation that is waited for, and since when: it tells of a host that tells nothing of itself
    """

    usual: Mapping[str, float]
    doing: Doing | None = None
    done: set[str] = field(default_factory=set)
    ended: bool = False
    waits_in: Doing | None = None


class Board:
    """What the hosts of a run are at.

    + usual: how long each step usually takes on each host, seconds
    """

    def __init__(self, usual: Mapping[str, Mapping[str, float]]) -> None:
        self.hosts = {name: Host(steps) for name, steps in usual.items()}

    def hears(self, name: str, news: News, now: float, at: float) -> list[Event]:
        """Hear what a host is at.

        + now: by a clock that only goes forward; at: seconds since the epoch
        """
        host = self.hosts.get(name)
        if host is None or not news.step:
            return []
        doing = host.doing
        if doing is None or (doing.step, doing.back) != (news.step, news.back):
            host.doing = Doing(news.step, news.back, now - news.seconds, news.line)
            what = UNDOING if news.back else STARTED
            return [self._event(at, name, what, news)]
        doing.since = now - news.seconds
        if news.line == doing.line:
            return []
        doing.line = news.line
        return [self._event(at, name, OUTPUT, news)]

    def ends(self, name: str, result: Result, now: float, at: float) -> list[Event]:
        """Hear how a call of a host has ended."""
        host = self.hosts.get(name)
        if host is None or host.ended:
            return []
        events = []
        for one in result.steps:
            if one.name not in host.done:
                host.done.add(one.name)
                events.append(self._event(at, name, DONE, News(one.name, seconds=one.seconds)))
        if host.doing and host.doing.step in host.done and not host.doing.back:
            host.doing = None
        if result.outcome:
            if result.failed and result.reason:
                took = now - host.doing.since if host.doing and not host.doing.back else 0.0
                events.append(self._event(at, name, FAILED, News(result.failed, seconds=took, line=result.reason[0])))
            events.append(self._event(at, name, ENDED, News(seconds=result.seconds, line=str(result.outcome))))
            host.doing, host.ended = None, True
        return events

    def waits(self, name: str, operation: str, now: float) -> None:
        """Know that an operation has begun for a host; or, where it is empty, that it has ended."""
        if name in self.hosts:
            self.hosts[name].waits_in = Doing(operation, False, now) if operation else None

    def prints(self, name: str, line: str, now: float, at: float) -> list[Event]:
        """Hear what the operation prints that is waited for."""
        doing = self.hosts[name].waits_in if name in self.hosts else None
        if doing is None or not line or line == doing.line:
            return []
        doing.line = line
        return [Event(round(at, 3), name, doing.step, OUTPUT, round(now - doing.since, 1), line=line)]

    def stops_waiting(self, name: str, how: str, now: float, at: float) -> Event | None:
        """Know that the operation has ended that was waited for, and how.

        + how: done, or failed
        """
        doing = self.hosts[name].waits_in if name in self.hosts else None
        if doing is None:
            return None
        self.hosts[name].waits_in = None
        return Event(round(at, 3), name, doing.step, how, round(now - doing.since, 1))

    def at(self, name: str) -> Doing | None:
        """What a host is at, as far as it has told, or as it can be told from here."""
        host = self.hosts[name]
        return host.doing or host.waits_in

    def usual(self, name: str, doing: Doing) -> float | None:
        """How long that usually takes, seconds."""
        return None if doing.back else self.hosts[name].usual.get(doing.step)

    def _event(self, at: float, name: str, event: str, news: News) -> Event:
        usual = None if event in (UNDOING, ENDED) else self.hosts[name].usual.get(news.step)
        return Event(round(at, 3), name, news.step, event, round(news.seconds, 1), usual, news.line)


def late(board: Board, now: float, first: float, each: float) -> list[tuple[str, Doing, bool]]:
    """What takes so long that somebody is to be told of it once more, by host; and whether that is the first time.

    + first, each: after how long, and then how often, seconds
    """
    found = []
    for name in board.hosts:
        doing = board.at(name)
        if doing is None:
            continue
        begins = doing.told_at is None
        if now - (doing.since if doing.told_at is None else doing.told_at) >= (first if begins else each):
            doing.told_at = now
            found.append((name, doing, begins))
    return found
