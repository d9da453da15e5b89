"""Restarting the service as a whole, and stopping it. supervisord is kept awake meanwhile: left alone it looks once a
second whether it was told to stop, then whether its processes have ended, and then whether some are to be started; all
that time nobody serves visitors."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from collections.abc import Iterator

from agent.host.command import Process, launch
from agent.host.output import warn
from agent.host.users import user_env
from agent.service import systemd
from agent.service.running import find_running
from agent.service.supervisor_config import Unreadable, socket_of
from agent.transaction.step import StepContext
from agent.versions.layout import Layout

# Whoever connects to its socket has it look. That it isn't there, or not any more, is as good: nobody sleeps then. It
# ends with the process that has started it, however that ends.
WAKE = """\
import os, socket, sys, time
path, parent = sys.argv[1], int(sys.argv[2])
while os.getppid() == parent:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(path)
        except OSError:
            pass
    time.sleep(0.02)
"""
# How long it is kept awake once it was started anew, if none of its processes comes, seconds.
FIRST_PROCESS = 3.0
PAUSE = 0.02
# A service that is stopped sooner has killed nobody, seconds.
KILLS_NOBODY = 3.0
KILLED = re.compile(r"Killing (process \d+ \(.*?\)) with signal SIGKILL")


def restart(step: StepContext) -> None:
    """Restart the service, whoever runs it."""
    unit, began = step.settings.systemd_service, time.time()
    with _kept_awake(step.layout) as awake:
        systemd.restart(step.runner(None), unit)
        end = time.monotonic() + FIRST_PROCESS
        while awake and not _has_started(step) and time.monotonic() < end:
            time.sleep(PAUSE)
    if time.time() - began > KILLS_NOBODY:
        for who in killed(systemd.said_since(unit, began)):
            warn(f"WARNING: {who} did not end in time and was killed (SIGKILL): what it was at work on is lost")


def killed(journal: str) -> list[str]:
    """Who was killed while a unit was stopped, by what systemd has written of it.

    >>> killed("django.service: Killing process 71 (celery) with signal SIGKILL.")
    ['process 71 (celery)']
    """
    return list(dict.fromkeys(KILLED.findall(journal)))


def _has_started(step: StepContext) -> bool:
    """Whether supervisord has started a process, or nobody can tell: that is for the proof of health to judge."""
    try:
        return len(systemd.processes(step.settings.systemd_service, step.layout.versions)) > 1
    except OSError:
        return True


def stop(step: StepContext) -> None:
    """Stop the service."""
    with _kept_awake(step.layout):
        systemd.stop(step.runner(None), step.settings.systemd_service)


@contextlib.contextmanager
def _kept_awake(layout: Layout) -> Iterator[bool]:
    """Keep the supervisord awake that runs the service; yields whether that is done."""
    waker = _waker(layout)
    try:
        yield waker is not None
    finally:
        if waker:
            waker.kill()
            waker.wait()


def _waker(layout: Layout) -> Process | None:
    path = _socket(layout)
    if not path:
        return None
    argv = [sys.executable, "-I", "-S", "-c", WAKE, path, str(os.getpid())]
    try:
        # As the app's user: the path is that user's to lay.
        return launch(argv, layout.app, "/", user_env(layout.app))
    except OSError:
        # It is only a gain in time: an app that has used up all that its user may have is restarted all the same.
        return None


def _socket(layout: Layout) -> str:
    """The socket of the supervisord that runs the service; empty where none does, or has none."""
    try:
        return socket_of(find_running(layout).sections)
    except Unreadable:
        return ""
