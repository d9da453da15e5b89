"""What an app has last said, in its own logs and in the unit's journal, for whoever wants to know why it is not well.
The logs are the app's to lay: they are read as the app's user, without following links, and not to their end."""

from __future__ import annotations

import configparser
import glob
import itertools
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from agent.host.reading import end_of, matching
from agent.host.users import acting_as
from agent.service.systemd import said_since
from agent.text.lines import cut, lines_of, shown
from agent.text.masking import masked_urls
from agent.text.tracebacks import TRACEBACK, last_traceback
from agent.versions.layout import Layout

# What is looked at of a log, bytes from its end; how many logs are shown, so many lines of each, or so many of a
# traceback, and so much of a line, characters.
TAIL, LOGS, LINES, OF_TRACEBACK, LINE = 64 * 1024, 3, 5, 8, 300
# So much is looked at of the unit's, lines.
OF_UNIT = 60
# How much of a config is read, bytes; and how many configs, and logs.
CONFIG, MOST = 1_000_000, 50
OPTIONS = ("logfile", "stdout_logfile", "stderr_logfile")
JOURNAL_TIMEOUT = 10


class LastWords:
    """Listens from the moment on at which it is made."""

    def __init__(self, layout: Layout, version: str) -> None:
        self._layout, self._version, self._since = layout, version, time.time()
        self._sizes = {log: _size(layout, log) for log in app_logs(layout, version)}

    def told(self) -> str:
        """What was said meanwhile, to end a message: the unit's last lines, each log's last traceback or lines."""
        found = dict[tuple[str, ...], Path]()
        for log in app_logs(self._layout, self._version):
            lines = _telling(lines_of(self._new_in(log)))
            if lines:
                found.setdefault(tuple(lines), log)
        # A traceback tells most: it comes last, where a screen shows but an end.
        most = sorted(found, key=lambda lines: lines[0].strip() == TRACEBACK)[-LOGS:]
        unit = self._layout.settings.systemd_service
        said = [_quoted(str(found[lines]), lines) for lines in most]
        return "".join([_quoted(f"journal of {unit}", _of_unit(unit, self._since)), *said])

    def _new_in(self, log: Path) -> str:
        """What a log has got since."""
        before, now = self._sizes.get(log, 0), _size(self._layout, log)
        # One that is smaller than before was begun anew.
        return end_of_log(self._layout, log, min(TAIL, now - before) if now > before else TAIL if now < before else 0)


def _quoted(name: str, lines: Sequence[str]) -> str:
    quoted = "".join("\n  " + shown(cut(masked_urls(line), LINE)) for line in lines)
    return f"\n{name}:{quoted}" if quoted else ""


def _telling(lines: Sequence[str]) -> list[str]:
    """The lines that tell most: the last whole traceback, else the last ones."""
    found = last_traceback(lines)
    if found:
        return found if len(found) <= OF_TRACEBACK else [found[0], "  …", *found[-OF_TRACEBACK:]]
    return [line for line in lines if line.strip()][-LINES:]


def _of_unit(unit: str, since: float) -> list[str]:
    return _telling(lines_of(said_since(unit, since, OF_UNIT, JOURNAL_TIMEOUT)))


def app_logs(layout: Layout, version: str) -> list[Path]:
    """The log files that a version's supervisord config names, or the host's own where it brings none: the first of
    them, where there are many."""
    return sorted(logs_of_programs(layout, version))[:MOST]


def logs_of_programs(layout: Layout, version: str) -> dict[Path, str]:
    """The same, each with the program that it is of: supervisord itself, where that is none."""
    logs: dict[Path, str] = {}
    with acting_as(layout.app):
        brought = _found(layout.part(version, "config"), "supervisord*")
        for config in brought or [layout.host_supervisord]:
            parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(";",))
            try:
                parser.read_string(end_of(config, CONFIG))
            except (OSError, configparser.Error):
                continue
            for section, key in itertools.product(parser.sections(), OPTIONS):
                value, name = parser.get(section, key, fallback=""), section.partition(":")[2] or section
                if value.startswith("/"):
                    logs.update(dict.fromkeys(_found(Path("/"), _as_pattern(glob.escape(value), name)), name))
        return {log: name for log, name in logs.items() if not log.is_dir()}


def _as_pattern(text: str, program: str) -> str:
    """What supervisord would fill in, as a pattern: only the program's own name is known."""
    text = text.replace("%(program_name)s", glob.escape(program))
    return re.sub(r"%\(\w+\)\d*[a-z]", "*", text)


def _found(folder: Path, pattern: str) -> list[Path]:
    """What there is of that name; nothing where that is more than anybody reads."""
    try:
        return matching(folder, pattern)[:MOST]
    except OSError:
        return []


def _size(layout: Layout, log: Path) -> int:
    try:
        with acting_as(layout.app):
            return os.lstat(str(log)).st_size
    except OSError:
        return 0


def end_of_log(layout: Layout, log: Path, most: int = TAIL) -> str:
    """The end of a log; why it can't be read, where it can't.

    + most: bytes
    """
    with acting_as(layout.app):
        try:
            return end_of(log, most, os.O_NOFOLLOW)
        except OSError as error:
            return f"could not be read: {error}\n"
