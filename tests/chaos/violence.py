"""What is done to a run and to its host, at a time that nobody chose."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from random import Random

from tests.bed.hosts import Host
from tests.faults.watch import STATE
from tests.runs import Running

ORDERLY_LIMIT = 5
# The process that works on the open deploy, and the last command that it has started.
AGENT = f"cd {STATE}/transactions/$(cat {STATE}/lock) && kill -KILL $(cut -d ' ' -f 1 mutex)"
COMMAND = (
    f"cd {STATE}/transactions/$(cat {STATE}/lock) && "
    """kill -KILL -- -$(grep -o '"event": "command", "pid": [0-9]*' journal.jsonl | tail -1 | grep -o '[0-9]*$')"""
)

Violence = Callable[[Host, Running, Random], str]


def nothing(host: Host, running: Running, random: Random) -> str:
    """Leave the run alone."""
    return "left alone"


def controller_killed(host: Host, running: Running, random: Random) -> str:
    """Take the controller away."""
    running.kill()
    return "controller killed"


def ctrl_c(host: Host, running: Running, random: Random) -> str:
    """Press Ctrl-C."""
    running.interrupt()
    return "Ctrl-C"


def asked_to_end(host: Host, running: Running, random: Random) -> str:
    """Ask the controller to end, as a shell that closes does."""
    running.signal(signal.SIGTERM)
    return "controller asked to end"


def sessions_killed(host: Host, running: Running, random: Random) -> str:
    """Cut the link."""
    host.kill_sessions()
    return "link lost"


def agent_killed(host: Host, running: Running, random: Random) -> str:
    """Kill the agent, if it is at work."""
    hit = host.run(AGENT, check=False).returncode == 0
    return "agent killed" if hit else "agent not at work"


def command_killed(host: Host, running: Running, random: Random) -> str:
    """Kill what the running step has started, if it still runs."""
    hit = host.run(COMMAND, check=False).returncode == 0
    return "command killed" if hit else "no command to kill"


def reboot(host: Host, running: Running, random: Random) -> str:
    """Reboot the host in order."""
    host.container.restart(timeout=ORDERLY_LIMIT)
    host.wait()
    return "reboot"


def power_cut(host: Host, running: Running, random: Random) -> str:
    """Cut the host's power, and switch it on again."""
    host.container.kill()
    host.container.start()
    host.wait()
    return "power cut"


def pause(host: Host, running: Running, random: Random) -> str:
    """Stop everything on the host for a while, as a busy hypervisor does."""
    seconds = round(random.uniform(1, 12), 1)
    host.pause()
    try:
        # The length of the pause is what this is about; there is nothing to wait for.
        time.sleep(seconds)
    finally:
        host.unpause()
    return f"pause of {seconds} s"


ALL: tuple[Violence, ...] = (
    nothing,
    controller_killed,
    ctrl_c,
    asked_to_end,
    sessions_killed,
    agent_killed,
    command_killed,
    reboot,
    power_cut,
    pause,
)
