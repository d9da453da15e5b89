"""Bringing a host's timers to what a version wants, stopping them for a while, and seeing whether they are as they
should be. All of it can be cut off anywhere and done again."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from agent.environment.start import START
from agent.host.command import ANY_CODE, CommandFailed, ours
from agent.host.files import write_whole
from agent.host.reading import matching, read_text
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.schedule.units import name_in, stamp_of, texts, unit_of
from agent.state import State
from agent.text.lines import first_line
from agent.text.masking import masked_message
from agent.transaction.step import StepFailed
from agent.versions.layout import UNITS, Layout
from agent.versions.marks import read_mark
from agent.words.settings import Timed

# How long systemd may take for what it is told, seconds.
TOLD = 60.0
LOOK = 0.1
# The states of a service that does its work, or is at its end.
AT_WORK = ("activating", "active", "deactivating", "reloading")


@dataclass(frozen=True)
class UnitState:
    """What systemd says of a unit: whether it is active, and whether its file is enabled."""

    active: str
    file: str


UNTOLD, AS_IT_SHOULD_BE = UnitState("unknown", "unknown"), UnitState("active", "enabled")


@dataclass(frozen=True)
class Timers:
    """The timers of a site on one host.

    + single: whether this is the host that has what runs on one of all
    """

    state: State
    layout: Layout
    single: bool

    @property
    def there(self) -> frozenset[str]:
        """The names of those that have a unit."""
        site = self.layout.settings.site
        files = [path.name for path in matching(UNITS, f"switchback-schedule-*@{site}.*")]
        return frozenset(name for file in files if (name := name_in(site, file)))

    def wanted(self, version: str | None) -> dict[str, Timed]:
        """What a version runs at times on this host, as root has written it down when it was built."""
        found = read_mark(self.state, version).schedule if version else {}
        return {name: one for name, one in sorted(found.items()) if self.single or not one.once}

    def apply(self, version: str | None) -> dict[str, Timed]:
        """Bring the units to what a version wants, and start them. Returns that. Raises StepFailed.

        + version: None where none is live
        """
        wanted, there = self.wanted(version), self.there
        if not wanted and not there:
            return wanted
        try:
            self._remove(there - set(wanted))
            self._write(version, wanted, there)
        except (OSError, CommandFailed) as problem:
            raise StepFailed(f"the timers can't be brought to what {version or 'no version'} runs: {problem}") from None
        return wanted

    def _remove(self, gone: Iterable[str]) -> None:
        units = [self._unit(name) for name in sorted(gone)]
        if not units:
            return
        ours(["systemctl", "disable", "--quiet", "--now", *(f"{unit}.timer" for unit in units)], TOLD)
        for unit in units:
            for path in (UNITS / f"{unit}.service", stamp_of(unit), UNITS / f"{unit}.timer"):
                path.unlink(missing_ok=True)
        ours(["systemctl", "daemon-reload"], TOLD)

    def _write(self, version: str | None, wanted: Mapping[str, Timed], there: frozenset[str]) -> None:
        changed = set[str]()
        for file, text in self._texts(version, wanted).items():
            name = name_in(self.layout.settings.site, file)
            if name not in there:
                # Of one that was there once: nothing has come due since then.
                stamp_of(self._unit(name)).unlink(missing_ok=True)
            if not (UNITS / file).exists() or read_text(UNITS / file) != text:
                write_whole(UNITS / file, text)
                changed.add(name)
        if not wanted:
            return
        timers = {name: f"{self._unit(name)}.timer" for name in wanted}
        # That has systemd read the units, too.
        ours(["systemctl", "enable", "--quiet", *timers.values()], TOLD)
        ours(["systemctl", "daemon-reload"], TOLD)
        if changed:
            ours(["systemctl", "restart", *(timers[name] for name in sorted(changed))], TOLD)
        ours(["systemctl", "start", *timers.values()], TOLD)

    def _texts(self, version: str | None, wanted: Mapping[str, Timed]) -> dict[str, str]:
        made = False
        if version:
            with acting_as(self.layout.app):
                made = (self.layout.part(version, "config") / START).exists()
        return texts(self.layout, wanted, made)

    def _unit(self, name: str) -> str:
        return unit_of(self.layout.settings.site, name)

    def stop(self, names: Iterable[str], until: float) -> None:
        """Have nothing start by itself, not after a reboot either, and wait for what runs. Raises StepFailed.

        + until: how long that is waited for, seconds since the epoch
        """
        units = [self._unit(name) for name in sorted(names)]
        if not units:
            return
        try:
            ours(["systemctl", "disable", "--quiet", "--now", *(f"{unit}.timer" for unit in units)], TOLD)
        except (OSError, CommandFailed) as problem:
            raise StepFailed(f"the timers can't be stopped: {problem}") from None
        while at_work := [unit for unit, told in _states(units, "service").items() if told.active in AT_WORK]:
            if time.time() > until:
                raise StepFailed(
                    f"{at_work[0]} is still at work on what it began at its time: try again once it has ended, or "
                    f"systemctl stop {at_work[0]}"
                )
            time.sleep(LOOK)

    def wrong(self, version: str | None) -> dict[str, str]:
        """What is wrong with each timer, by its name, while a version is live; empty where nothing is."""
        wanted, there = self.wanted(version), self.there
        if not wanted and not there:
            return {}
        found = dict.fromkeys(sorted(there - set(wanted)), "has units that are left of another version")
        asked, site = self._texts(version, wanted), self.layout.settings.site
        states = _states([self._unit(name) for name in wanted], "timer")
        for name in wanted:
            files = {file: text for file, text in asked.items() if name_in(site, file) == name}
            told = states.get(self._unit(name), UNTOLD)
            if name not in there or not all((UNITS / file).exists() for file in files):
                found[name] = "has no timer"
            elif any(read_text(UNITS / file) != text for file, text in files.items()):
                found[name] = "has a timer or a service that was changed"
            elif told != AS_IT_SHOULD_BE:
                found[name] = f"has a timer that is {told.active} and {told.file}"
        return found

    def failed(self, version: str | None) -> list[str]:
        """The services whose command has failed when it ran last, while a version is live."""
        states = _states([self._unit(name) for name in self.wanted(version)], "service")
        return [f"{unit}.service" for unit, told in states.items() if told.active == "failed"]


def _states(units: Sequence[str], kind: str) -> dict[str, UnitState]:
    """What systemd says of each; empty where it says nothing.

    + kind: timer or service
    """
    names = [f"{unit}.{kind}" for unit in units]
    if not names:
        return {}
    try:
        said = ours(["systemctl", "show", *names, "--property", "Id,ActiveState,UnitFileState"], ok=ANY_CODE)
    except (OSError, CommandFailed):
        return {}
    blocks = [dict(line.split("=", 1) for line in block.split("\n") if "=" in line) for block in said.split("\n\n")]
    return {
        block["Id"].rpartition(".")[0]: UnitState(block.get("ActiveState", "unknown"), block.get("UnitFileState", ""))
        for block in blocks
        if "Id" in block
    }


def times_problems(schedule: Mapping[str, Timed]) -> dict[str, str]:
    """What systemd does not take for a time, by name, each with what it says."""
    found = {}
    for name, one in schedule.items():
        try:
            ours(["systemd-analyze", "calendar", "--", one.at])
        except CommandFailed as problem:
            found[name] = masked_message(first_line(problem.output)) or str(problem)
        except OSError:
            # Where it is not there, systemd itself says so when it is told.
            return {}
    return found
