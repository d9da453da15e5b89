"""What is done to a run and to its host, at a time that nobody chose."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from random import Random

from tests.bed.hosts import Host
from tests.runs import Running

ORDERLY_LIMIT = 5
# What carries out the open deploy.
UNIT = "switchback@django"
RUNNER = f"systemctl kill --kill-whom=main --signal=KILL {UNIT}"
# It stands still until systemd has watched that for long enough.
RUNNER_STOPPED = f"systemctl kill --kill-whom=main --signal=STOP {UNIT}"
# A child of the runner's; or of such a one, which is a command.
PARENT = f"$(systemctl show --property MainPID --value {UNIT})"
WORKER = f"kill -KILL $(pgrep -n -P {PARENT})"
COMMAND = f"kill -KILL $(pgrep -n -P $(pgrep -d , -P {PARENT}))"

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
    return "link lost" if host.kill_sessions() else "no link"


def runner_killed(host: Host, running: Running, random: Random) -> str:
    """Kill the runner, if it is at work."""
    hit = host.run(RUNNER, check=False).returncode == 0
    return "runner killed" if hit else "no runner at work"


def runner_stopped(host: Host, running: Running, random: Random) -> str:
    """Have the runner stand still, if it is at work."""
    hit = host.run(RUNNER_STOPPED, check=False).returncode == 0
    return "runner stopped" if hit else "no runner at work"


def worker_killed(host: Host, running: Running, random: Random) -> str:
    """Kill the worker that was born last, if it still works."""
    hit = host.run(WORKER, check=False).returncode == 0
    return "worker killed" if hit else "no worker to kill"


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
    runner_killed,
    runner_stopped,
    worker_killed,
    command_killed,
    reboot,
    power_cut,
    pause,
)
