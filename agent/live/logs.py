"""What the live app and its unit have said last, and what they say from now on. The logs are the app's to lay: they are
read as its user, without following links, so much and no more."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from agent.environment.variables import conceal
from agent.host.command import ANY_CODE, PIPE, CommandFailed, Process, launch, ours
from agent.host.output import as_said, is_read, say_to_reader
from agent.host.processes import stop_group
from agent.host.reading import matching, open_ordinary
from agent.host.users import acting_as, user_env
from agent.inside.lean import dataclass
from agent.service.last_words import end_of_log, logs_of_programs
from agent.state import State
from agent.text.lines import cut, lines_of
from agent.text.masking import masked_urls
from agent.versions.layout import UNITS, Layout
from agent.versions.marks import linked_version
from agent.words.facts import Logged
from agent.words.history import Text
from agent.words.requests import Logs

# How many logs are shown, how much is read of each end, bytes; and how long a line may be, characters.
MOST, TAIL, LINE = 30, 512 * 1024, 2_000
# How long the journal may take to answer, seconds.
JOURNAL = 20.0
# How often it is looked for what has come; how often whoever reads is asked whether they are still there, seconds; and
# how much is read at a time of one log, bytes.
LOOK, ASK, PIECE = 0.5, 10.0, 64 * 1024
# What the app writes by itself goes here, by the usual layout.
OWN = "log/*.log"


@dataclass(frozen=True)
class Source:
    """Something that says lines: a file, or a unit whose journal has them.

    + program: what it is of
    """

    name: str
    program: str
    file: Path | None = None


def sources(layout: Layout, asked: str = "") -> list[Source]:
    """Whatever says something: the unit first.

    + asked: a program, a log, or what runs at times; all of them where it is empty
    """
    unit, site = layout.settings.systemd_service, layout.settings.site
    found = [Source(unit, unit)]
    live = linked_version(layout, layout.path("current_main"))
    logs = logs_of_programs(layout, live) if live else {}
    with acting_as(layout.app):
        own = [path for path in matching(layout.home, OWN) if path not in logs]
    # What is called alike in two folders is told apart by where it is.
    names = [path.name for path in [*logs, *own]]
    for path, program in sorted([*logs.items(), *((path, path.stem) for path in own)]):
        name = path.stem if names.count(path.name) == 1 else str(path)
        found.append(Source(as_said(name), program, path))
    timed = [path.name for path in matching(UNITS, f"switchback-schedule-*@{site}.service")]
    found += [Source(name, name.partition("@")[0][len("switchback-schedule-") :]) for name in timed]
    wanted = [one for one in found if not asked or asked in (one.name, one.program)]
    return wanted[:MOST]


def logs(state: State, request: Logs) -> Logged:
    """The end of each."""
    conceal(state)
    layout = Layout.of(request.settings)
    found = sources(layout, request.process)
    if not found:
        names = sorted({one.program for one in sources(layout)})
        return Logged(problem=f"there is no log of {as_said(request.process)}: there is {as_said(', '.join(names))}")
    return Logged(tuple(_ended(layout, one, request.lines) for one in found))


def _ended(layout: Layout, source: Source, lines: int) -> Text:
    if source.file is None:
        said = _of_journal(source.name, lines)
        return Text(source.name, len(said), _safe("\n".join(lines_of(said)[-lines:])))
    said = end_of_log(layout, source.file, TAIL)
    with acting_as(layout.app):
        size = os.lstat(str(source.file)).st_size if os.path.lexists(str(source.file)) else 0
    return Text(source.name, size, _safe("\n".join(lines_of(said)[-lines:])))


def _of_journal(unit: str, lines: int) -> str:
    argv = ["journalctl", "--unit", unit, "--lines", str(lines), "--no-pager", "--output=short-iso", "--quiet"]
    try:
        return ours(argv, JOURNAL, ANY_CODE)
    except (OSError, CommandFailed) as problem:
        return f"could not be read: {problem}\n"


def _safe(text: str) -> str:
    return "\n".join(cut(line, LINE) for line in masked_urls(text).split("\n"))


def follow(state: State, request: Logs) -> str:
    """Say the end of each, and then each line as it comes, until nobody reads any more or the time is over.

    Returns why there is nothing to say.
    """
    found = logs(state, request)
    layout = Layout.of(request.settings)
    followed = [Followed(layout, one) for one in sources(layout, request.process)]
    until, asked = time.monotonic() + request.follow, time.monotonic()
    goes_on = all(_say(text.name, lines_of(text.end)) for text in found.texts)
    try:
        while goes_on and followed and time.monotonic() < until and is_read():
            goes_on = all(_say(one.source.name, one.come()) for one in followed)
            if time.monotonic() - asked > ASK:
                # A link that is cut somewhere on the way is known by what can't be sent.
                goes_on, asked = goes_on and say_to_reader(), time.monotonic()
            time.sleep(LOOK)
    finally:
        for one in followed:
            one.end()
    return found.problem


def _say(name: str, lines: Sequence[str]) -> bool:
    return all(say_to_reader(f"{name} | {_safe(line)}") for line in lines)


def _waiting(pipe: IO[bytes]) -> bytes:
    """What waits to be read: so much at once."""
    return os.read(pipe.fileno(), PIECE) if select.select([pipe], [], [], 0)[0] else b""


class Followed:
    """What one source says from now on."""

    def __init__(self, layout: Layout, source: Source) -> None:
        self.source, self._layout = source, layout
        self._inode, self._at, self._part = *self._now(), b""
        self._journal: Process | None = None
        if source.file is None:
            argv = ["journalctl", "--follow", "--lines=0", "--unit", source.name, "--output=short-iso", "--quiet"]
            # Where there is none, its end has said so. It waits for who reads: nothing of it is kept anywhere.
            with contextlib.suppress(OSError):
                self._journal = launch(argv, None, "/", user_env(None), out=PIPE)

    def come(self) -> list[str]:
        """The lines that have come whole."""
        said = _waiting(self._journal.stdout) if self._journal and self._journal.stdout else self._new_in_file()
        whole, mark, self._part = (self._part + said).rpartition(b"\n")
        if not mark and len(self._part) > PIECE:
            # A line that never ends is cut where there is enough of it.
            whole, self._part = self._part, b""
        return lines_of(whole.decode(errors="replace")) if whole else []

    def end(self) -> None:
        """Listen no more."""
        if self._journal:
            with self._journal as journal:
                stop_group(journal.pid)

    def _now(self) -> tuple[int, int]:
        if self.source.file is None:
            return 0, 0
        with acting_as(self._layout.app):
            try:
                info = os.lstat(str(self.source.file))
            except OSError:
                return 0, 0
        return info.st_ino, info.st_size

    def _new_in_file(self) -> bytes:
        inode, size = self._now()
        if inode != self._inode or size < self._at:
            # It was begun anew.
            self._inode, self._at, self._part = inode, 0, b""
        if self.source.file is None or size <= self._at:
            return b""
        with acting_as(self._layout.app):
            try:
                with open_ordinary(self.source.file, os.O_NOFOLLOW) as file:
                    file.seek(self._at)
                    said = file.read(PIECE)
            except OSError:
                return b""
        self._at += len(said)
        return said
