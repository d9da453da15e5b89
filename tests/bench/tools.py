"""The tools that are compared: how each deploys a branch, and how it goes back."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.bed.hosts import Host
from tests.bed.keys import KNOWN_HOSTS, LOGIN
from tests.bed.places import ROOT
from tests.runs import PYINFRA, SETTINGS, Runs

LIMIT = 600
# pyinfra by itself, with nothing to do and nowhere to go: what each of our runs takes before it begins.
IDLE_PYINFRA = (PYINFRA, "@local", "exec", "--", "true")
HERE = Path(__file__).parent
KNOWN = (f"UserKnownHostsFile={KNOWN_HOSTS}", "StrictHostKeyChecking=yes")
# As the others do: what links lead to stays, and the newest one, which is the live one. So each deploy deletes one.
KEEP = 1


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
        done = subprocess.run(
            argv, cwd=ROOT, env=_environment(), stdin=given, stdout=output, stderr=output, timeout=LIMIT, check=False
        )
        seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        output.seek(0)
        assert done.returncode == 0, output.read().decode(errors="replace")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(seconds, cpu)


def _environment() -> dict[str, str]:
    """What a person's shell has; Python keeps its bytecode there, whatever whoever measures is set up to do."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


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
            told = {**{key: SETTINGS[key] for key in own}, "keep_versions": KEEP, **self.settings}
            inventory = Runs(Path(folder), told).inventory(host)
            argv = [PYINFRA, str(inventory), f"deploys/{deploy}.py", "-y"]
            return timed([*argv, *(word for key, value in data.items() for word in ("--data", f"{key}={value}"))])


@dataclass(frozen=True)
class Program:
    """Another program that deploys, with what it is given for that in a file or a folder beside this module.

    + program: what it is called on PATH
    + argv: how it is started, from the host, "deploy" or "revert", and the branch, if any
    """

    name: str
    program: str
    argv: Callable[[Host, str, str], list[str]]
    stdin: Path | None = None

    def deploy(self, host: Host, branch: str) -> Took:
        """Deploy a branch of the code."""
        return timed(self.argv(host, "deploy", branch), self.stdin)

    def revert(self, host: Host) -> Took:
        """Go back to the version before."""
        return timed(self.argv(host, "revert", ""), self.stdin)

    def version(self) -> str:
        """What it says that it is; nothing when it is not installed."""
        if shutil.which(self.program) is None:
            return ""
        done = subprocess.run([self.program, "--version"], capture_output=True, text=True, timeout=LIMIT, check=True)
        return done.stdout.splitlines()[0]


def _script(host: Host, run: str, branch: str) -> list[str]:
    """One SSH connection, over which the script comes, too."""
    options = [word for option in (*KNOWN, "BatchMode=yes") for word in ("-o", option)]
    argv = ["ssh", "-p", str(host.ssh_port), "-i", str(LOGIN), *options, "admin@127.0.0.1"]
    return [*argv, "sudo", "bash", "-s", "--", run, branch]


def _fabric(host: Host, run: str, branch: str) -> list[str]:
    argv = ["env", f"KNOWN_HOSTS={KNOWN_HOSTS}", "fab", "--search-root", str(HERE / "fabric")]
    argv += ["--identity", str(LOGIN), "--hosts", f"admin@127.0.0.1:{host.ssh_port}", run]
    return [*argv, "--branch", branch] if branch else argv


def _ansible(host: Host, run: str, branch: str) -> list[str]:
    """All over one SSH connection, of this run alone: who deploys now and then finds none that is still open."""
    socket = Path(tempfile.gettempdir(), f"ansible-{time.time_ns()}")
    argv = ["env", f"ANSIBLE_CONFIG={HERE / 'ansible' / 'ansible.cfg'}", f"ANSIBLE_SSH_CONTROL_PATH={socket}"]
    argv += ["ansible-playbook", "--inventory", "127.0.0.1,", "--user", "admin", "--private-key", str(LOGIN)]
    argv += ["--ssh-common-args", " ".join(f"-o {option}" for option in KNOWN)]
    data = {"ansible_port": host.ssh_port, "branch": branch}
    return [*argv, "--extra-vars", json.dumps(data), str(HERE / "ansible" / f"{run}.yml")]


def _capistrano(host: Host, run: str, branch: str) -> list[str]:
    task = "deploy" if run == "deploy" else "deploy:rollback"
    given = {"PORT": host.ssh_port, "LOGIN": LOGIN, "KNOWN_HOSTS": KNOWN_HOSTS, "BRANCH": branch}
    argv = ["cap", "--rakefile", str(HERE / "capistrano" / "Capfile"), "bench", task]
    return [*argv, *(f"{key}={value}" for key, value in given.items())]


def not_watched(tool: Switchback) -> Switchback:
    """The same without a look whether the new version stays up: the others don't look, either."""
    return Switchback(f"{tool.name}, not watched", {**tool.settings, "health_stable": 0})


SCRIPT = Program("bash script", "ssh", _script, HERE / "script.sh")
# Measured where they are installed.
OTHERS = (
    Program("Fabric", "fab", _fabric),
    Program("Ansible", "ansible-playbook", _ansible),
    Program("Capistrano", "cap", _capistrano),
)
RESTARTING = Switchback("switchback, restart", {"restart": "restart", "maintenance": "always"})
ROLLING = Switchback("switchback, rolling", {"restart": "rolling", "maintenance": "auto"})
OURS = (RESTARTING, not_watched(RESTARTING), ROLLING, not_watched(ROLLING))
