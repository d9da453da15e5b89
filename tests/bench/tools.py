"""The tools that are compared: how each deploys a branch, and how it goes back."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.bed.hosts import Host
from tests.bed.keys import KNOWN_HOSTS, LOGIN
from tests.bed.places import ROOT
from tests.runs import PYINFRA, SETTINGS, Runs

LIMIT = 600
SCRIPT = Path(__file__).with_name("script.sh")


@dataclass(frozen=True)
class Took:
    """What a command has taken: seconds from its start to its end, and seconds of this machine's processor."""

    seconds: float
    cpu: float


class Tool(Protocol):
    """A way to deploy."""

    @property
    def name(self) -> str:
        """What it is called."""

    def deploy(self, host: Host, branch: str) -> Took:
        """Deploy a branch of the code."""

    def revert(self, host: Host) -> Took:
        """Go back to the version before."""


def timed(argv: Sequence[str], stdin: Path | None = None) -> Took:
    """Run a command to its end. Raises AssertionError with its output when it fails."""
    with tempfile.TemporaryFile() as output, (stdin or Path(os.devnull)).open("rb") as given:
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(argv, cwd=ROOT, stdin=given, stdout=output, stderr=output, timeout=LIMIT, check=False)
        seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        output.seek(0)
        assert done.returncode == 0, output.read().decode(errors="replace")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(seconds, cpu)


@dataclass(frozen=True)
class Switchback:
    """This project, with some of its settings."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def deploy(self, host: Host, branch: str) -> Took:
        """Deploy a branch of the code."""
        return self.run(host, "deploy", {"code": branch})

    def revert(self, host: Host) -> Took:
        """Go back to the version before."""
        return self.run(host, "revert", {})

    def run(self, host: Host, deploy: str, data: Mapping[str, str]) -> Took:
        """Run a deploy file, with the settings' own defaults for whatever takes time."""
        with tempfile.TemporaryDirectory() as folder:
            own = ("code_repo_url", "config_repo_url", "code_branch", "config_branch", "wheelhouse")
            told = {**{key: SETTINGS[key] for key in own}, **self.settings}
            inventory = Runs(Path(folder), told).inventory(host)
            argv = [PYINFRA, str(inventory), f"deploys/{deploy}.py", "-y"]
            return timed([*argv, *(word for key, value in data.items() for word in ("--data", f"{key}={value}"))])


@dataclass(frozen=True)
class BashScript:
    """A script on the host, over one SSH connection."""

    name: str = "bash script"

    def deploy(self, host: Host, branch: str) -> Took:
        """Deploy a branch of the code."""
        return self._run(host, "deploy", branch)

    def revert(self, host: Host) -> Took:
        """Go back to the version before."""
        return self._run(host, "revert")

    def _run(self, host: Host, *words: str) -> Took:
        options = [f"UserKnownHostsFile={KNOWN_HOSTS}", "StrictHostKeyChecking=yes", "BatchMode=yes"]
        argv = ["ssh", "-p", str(host.ssh_port), "-i", str(LOGIN), *(word for one in options for word in ("-o", one))]
        return timed([*argv, "admin@127.0.0.1", "sudo", "bash", "-s", "--", *words], SCRIPT)


ROLLING = Switchback("switchback, rolling", {"restart": "rolling", "maintenance": "auto"})
RESTARTING = Switchback("switchback, restart", {"restart": "restart", "maintenance": "always"})
TOOLS: tuple[Tool, ...] = (BashScript(), RESTARTING, ROLLING)
