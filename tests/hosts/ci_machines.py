"""The machines of a CI: what the jobs of the files in docs/ci run, run here with nothing else in their environment."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.bed.places import ROOT

FILES = ROOT / "docs" / "ci"
EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")
# Of a job, seconds: most of it is the installation.
LIMIT = 400


@dataclass(frozen=True)
class Job:
    """How a job has ended.

    + said: what stands in its log
    """

    code: int
    said: str


@dataclass(frozen=True)
class Machine:
    """A fresh machine with a fresh checkout of a site's repository.

    + home: its user's; checkout: where the repository is
    """

    home: Path
    checkout: Path

    @classmethod
    def fresh(cls, folder: Path, repository: Path) -> Machine:
        """Make one."""
        (folder / "home").mkdir(parents=True)
        shutil.copytree(repository, folder / "checkout")
        return cls(folder / "home", folder / "checkout")

    def run(self, script: str, environment: Mapping[str, str]) -> Job:
        """Run a script as both CIs do: by bash, which stops at the first command that fails."""
        done = subprocess.run(
            ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.checkout,
            env={"HOME": str(self.home), "PATH": "/usr/local/bin:/usr/bin:/bin", "CI": "true", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        return Job(done.returncode, done.stdout)

    def take(self, kept: list[str], other: Machine) -> None:
        """Take what another one has kept, of what there is of it."""
        for name in kept:
            if (other.checkout / name).exists():
                shutil.copy(other.checkout / name, self.checkout)


def read(name: str) -> dict[str, Any]:
    """One of the files."""
    return dict(yaml.safe_load((FILES / name).read_text()))


def on_github(machine: Machine, job: str, event: str, context: Mapping[str, str]) -> Job:
    """Run a job of the file for GitHub Actions.

    + event: what it was started by; context: what its expressions stand for. Raises KeyError for one that is not there
    """
    told = read("github.yml")
    code, said = 0, ""
    for step in told["jobs"][job]["steps"]:
        condition = step.get("if", "")
        if "run" not in step or (code and "always()" not in condition):
            continue
        if "event_name == 'pull_request'" in condition and event != "pull_request":
            continue
        named = {**told["env"], **step.get("env", {})}
        environment = {name: EXPRESSION.sub(lambda found: context[found[1]], text) for name, text in named.items()}
        done = machine.run(step["run"], environment)
        code, said = code or done.code, said + done.said
    return Job(code, said)


def kept_on_github(job: str) -> list[str]:
    """The files that a job keeps."""
    steps = read("github.yml")["jobs"][job]["steps"]
    uploads = [step["with"]["path"] for step in steps if step.get("uses", "").startswith("actions/upload-artifact@")]
    return [name for text in uploads for name in text.split()]


def on_gitlab(machine: Machine, job: str, variables: Mapping[str, str]) -> Job:
    """Run a job of the file for GitLab; all of its lines are one script there, too."""
    told = read("gitlab.yml")[job]
    return machine.run("\n".join([*told["before_script"], *told["script"]]), variables)


def kept_on_gitlab(job: str) -> list[str]:
    """The files that a job keeps."""
    return list(read("gitlab.yml")[job]["artifacts"]["paths"])


@dataclass
class Comments:
    """A server that takes comments, as both have one.

    + address: its own; taken: of each its path, its headers and its text
    """

    address: str
    taken: list[tuple[str, Mapping[str, str], str]] = field(default_factory=list)


@contextmanager
def taking_comments() -> Iterator[Comments]:
    """Run such a server."""

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            comments.taken.append((self.path, dict(self.headers), text))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Takes)
    comments = Comments(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield comments
    finally:
        server.shutdown()
        server.server_close()
