"""What of supervisord's serves the site, how a process of it is started, and how long all of them may take to end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from agent.restart.trial_start import Command, as_supervisord_would
from agent.service.obstacles import web_program
from agent.service.running import Running, find_running
from agent.service.supervisor_config import Program, Sections, Unreadable, config_in, programs, read_config
from agent.transaction.step import StepContext, StepFailed
from agent.versions.layout import Layout

# What ending takes besides its own time, seconds.
MARGIN = 10


def web_of(layout: Layout, sections: Sections) -> Program:
    """The program that serves the site. Raises StepFailed."""
    web = web_program(sections, layout.settings.health_url)
    if web is None:
        raise StepFailed("no program of supervisord's holds the socket of health_url")
    return web


def command_of_web(layout: Layout, version: str) -> Command:
    """How supervisord starts a web process of a version. Raises Unreadable, StepFailed."""
    running = find_running(layout)
    sections = read_config(config_in(layout, running.named, layout.part(version, "config")), layout.app)
    return command_in(layout, running, sections)


def command_in(layout: Layout, running: Running, sections: Sections) -> Command:
    """The same, of a config."""
    return as_supervisord_would(layout, sections, web_of(layout, sections), Path(running.named), running.pid)


def longest_stop(step: StepContext, running: Running) -> int:
    """The longest that supervisord itself waits for a process to end, and a little more, seconds.

    It has been told so by the version that is left, or by the one that comes.
    """
    known = (running.sections, *_configs(step, running))
    return MARGIN + max(one.stop_seconds for sections in known for one in programs(sections).values())


def _configs(step: StepContext, running: Running) -> Iterator[Sections]:
    for version in (step.begin.was, step.begin.version):
        with contextlib.suppress(Unreadable):
            if version:
                config = step.layout.part(version, "config")
                yield read_config(config_in(step.layout, running.named, config), step.layout.app)
