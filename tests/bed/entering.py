"""Running something in a container from outside, by its namespaces. Through the engine each command takes 40 ms of the
processor, tests run some thousands of them, and a busy engine sometimes loses what one has printed."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess

from docker.models.containers import Container

NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid")


@cache
def _may_enter() -> bool:
    """Whether this process may enter the namespaces of another one."""
    return os.geteuid() == 0 and shutil.which("nsenter") is not None


def process_of(container: Container) -> int:
    """The container's first process as this machine sees it; 0 where it has none that could be entered, because it is
    down, or the engine is another machine's."""
    process = int(container.attrs["State"]["Pid"]) if _may_enter() else 0
    try:
        known = process and str(container.id) in Path(f"/proc/{process}/cgroup").read_text()
    except OSError:
        known = False
    return process if known else 0


def run_in(process: int, argv: Sequence[str], *, user: str, given: bytes = b"") -> CompletedProcess[bytes]:
    """Run a command where a container's first process is, as the engine would.

    + process: the container's first one
    + given: its standard input
    """
    become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--reset-env"]
    path = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    return subprocess.run(
        ["nsenter", f"--target={process}", *NAMESPACES, "--", *(become if user != "root" else ()), *argv],
        input=given,
        capture_output=True,
        env=path,
        check=False,
    )
