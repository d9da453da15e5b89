"""The units of what runs at times: their names and their texts. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template

from agent.environment.launcher import RUN
from agent.environment.start import CODE, START
from agent.versions.layout import Layout
from agent.words.settings import NAME, Timed

SERVICE = """\
# Written by Switchback: what the live version of $site runs at times. Its settings say it (schedule).
[Unit]
Description=Switchback: $name of $site
After=network-online.target postgresql.service mariadb.service mysql.service

[Service]
Type=oneshot
User=$user
WorkingDirectory=$folder
ExecStart=$line
TimeoutStartSec=$timeout
MemoryMax=$memory%
TasksMax=$tasks
"""
TIMER = """\
# Written by Switchback: when the live version of $site runs it. Its settings say it (schedule).
[Unit]
Description=Switchback: when $name of $site runs

[Timer]
OnCalendar=$at
AccuracySec=1s
# What came due while it was stopped, as in a window, is done once it is not.
Persistent=true

[Install]
WantedBy=timers.target
"""
# In a line of a unit these stand for something else than themselves.
ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "%": "%%", "$": "$$"}


def unit_of(site: str, name: str) -> str:
    """What a command's units are called: no name has an @ in it, so no two sites have one in common.

    >>> unit_of("django", "clearsessions")
    'switchback-schedule-clearsessions@django'
    """
    return f"switchback-schedule-{name}@{site}"


def name_in(site: str, file: str) -> str:
    """The name of the command whose unit a file is; empty where it is none of the site's."""
    found = re.fullmatch(rf"switchback-schedule-({NAME.pattern})@{re.escape(site)}\.(?:timer|service)", file, re.ASCII)
    return found.group(1) if found else ""


def texts(layout: Layout, wanted: Mapping[str, Timed], made: bool) -> dict[str, str]:
    """The text of each unit, by the name of its file.

    + wanted: what runs at times on this host; made: whether the version's config is made of the code
    """
    site, settings, found = layout.settings.site, layout.settings, {}
    for name, one in wanted.items():
        said = {
            "site": site,
            "name": name,
            "user": layout.app,
            "folder": posixpath.join(str(layout.path("current_config")), CODE).replace("%", "%%"),
            "line": _line(words(layout, one.run, made)),
            "timeout": f"{one.timeout:g}",
            "memory": settings.worker_memory,
            "tasks": settings.worker_tasks,
            "at": one.at,
        }
        for kind, text in (("service", SERVICE), ("timer", TIMER)):
            found[f"{unit_of(site, name)}.{kind}"] = Template(text).substitute(said)
    return found


def words(layout: Layout, run: Iterable[str], made: bool) -> list[str]:
    """The words of a command line: by the live version's launcher, which finds its own path as it starts.

    + made: whether the version's config is made of the code, and has a way to start anything with its settings
    """
    first, *rest = run
    first = str(layout.expand(first)) if first.startswith("~/") else first
    config, launcher = layout.path("current_config"), str(layout.path("current_main") / RUN)
    if made:
        return [launcher, "python", str(config / START), first, *rest]
    if first == "manage.py":
        return [launcher, "python", str(config / first), *rest]
    return [launcher, first, *rest]


def _line(line: Iterable[str]) -> str:
    """Words as systemd takes them for no more than themselves."""
    return " ".join('"' + "".join(ESCAPED.get(letter, letter) for letter in word) + '"' for word in line)


def stamp_of(unit: str) -> Path:
    """Where systemd keeps when a timer was last due."""
    return Path("/var/lib/systemd/timers") / f"stamp-{unit}.timer"
