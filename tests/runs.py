"""Runs of the real command line against hosts, as a person starts them, each with a time limit.

A run that is only waited for is a child of a process that has imported pyinfra already (`tests/forked.py`); one that
something is done to meanwhile is started as a person does it. Whatever changes something is asked for its document as
well (--json), which is held to its model, its schema, and to the exit code.
"""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

import yaml
from jsonschema import Draft202012Validator

from switchback.document.docs import SCHEMA_FILE
from switchback.document.model import Document
from switchback.ended import CHANGES, STOPPED
from tests.bed.places import ROOT
from tests.forked import FORKED

if TYPE_CHECKING:
    from tests.bed.hosts import Host

PYINFRA = str(Path(sys.executable).with_name("pyinfra"))
NOTHING = Path(os.devnull)
# What every test's environment is called; no file of the project's own group_data has this name.
ENVIRONMENT = "stage"
# No test is to hang; what is slower than this on a busy machine does.
LIMIT = 240.0
# Small limits, so that what fails fails quickly.
SETTINGS: Mapping[str, Any] = {
    "code_repo_url": "/srv/git/code.git",
    "config_repo_url": "/srv/git/config.git",
    "code_branch": "good-1",
    "config_branch": "main",
    "wheelhouse": "/srv/wheelhouse",
    "health_timeout": 8,
    "health_stable": 1,
    "site_timeout": 4,
    "confirm_timeout": 20,
    "build_timeout": 60,
    "script_timeout": 20,
    "migrate_timeout": 30,
    "restart_timeout": 20,
}
STYLE = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Result:
    """How a run ended.

    + stdout: what a program reads of it (--json); stderr: what a person does
    """

    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def output(self) -> str:
        """Everything that a person reads of it."""
        return self.stderr if self.stdout.startswith("{") else self.stdout + self.stderr

    @property
    def document(self) -> Document:
        """The one document that is all of its standard output. Raises AssertionError where that is another one than its
        exit code says."""
        document = document_of(self.stdout)
        same = (document.exit_code == 0) == (self.code == 0)
        assert same, f"exit code {self.code}, and {document.exit_code} in it\n{self.output}"
        assert self.code in (0, 1, CHANGES, STOPPED, document.exit_code)
        return document

    @property
    def screen(self) -> str:
        """The last screen: all from the last headline on."""
        start = self.output.rfind("\n--> ")
        return self.output[start:].strip() if start >= 0 else self.output

    @property
    def flowing(self) -> str:
        """Everything that it printed, in one line, wherever its own are wrapped."""
        return " ".join(self.output.split())

    @property
    def told(self) -> str:
        """What the last screen says, however it is laid out on its lines."""
        text = " ".join(self.screen.removeprefix("--> ").split())
        return text[:1].lower() + text[1:]

    def worked(self) -> Result:
        """Itself, if it ended well. Raises AssertionError with its output if not."""
        assert self.code == 0, f"exit code {self.code} after {self.seconds:.1f} s:\n{self.output}"
        return self

    def failed(self) -> Result:
        """Itself, if it did not. Raises AssertionError with its output if it ended well."""
        assert self.code == 1, f"exit code {self.code} after {self.seconds:.1f} s:\n{self.output}"
        return self


def environment() -> dict[str, str]:
    """What a run's environment is."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}


class Running:
    """A run on its way."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = argv
        self._began = time.monotonic()
        self._stdout = TemporaryFile()  # noqa: SIM115 - read when the run is over
        self._stderr = TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._stdout,
            stderr=self._stderr,
            start_new_session=True,
        )

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, as a person or the kernel does."""
        self._process.send_signal(number)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """Take the controller away, without a chance to do anything about it."""
        self.signal(signal.SIGKILL)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.signal(signal.SIGINT)

    def wait(self, timeout: float = LIMIT) -> Result:
        """Wait for its end. Raises AssertionError with its output if that doesn't come in time."""
        try:
            code = self._process.wait(max(0.1, self._began + timeout - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.end()
            raise AssertionError(f"not over after {timeout:.0f} s:\n{self._said()}") from None
        seconds = time.monotonic() - self._began
        return checked(self._argv, Result(code, _text(self._stdout), _text(self._stderr), seconds))

    def wait_to_say(self, text: str, timeout: float = LIMIT) -> None:
        """Wait until it has said something. Raises AssertionError with its output if that doesn't come in time."""
        until = time.monotonic() + timeout
        while text not in self._so_far():
            assert not self.over, f"it has ended without a word of {text!r}:\n{self._so_far()}"
            assert time.monotonic() < until, f"no word of {text!r} in {timeout:.0f} s:\n{self._so_far()}"
            time.sleep(0.05)

    def _so_far(self) -> str:
        # Where it writes next is a place in the same file, and stays where it is.
        both = (os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0) for file in (self._stdout, self._stderr))
        return STYLE.sub("", b"".join(both).decode(errors="replace"))

    def end(self) -> None:
        """Make sure that nothing of it runs any more."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _said(self) -> str:
        return _text(self._stdout) + _text(self._stderr)


class Runs:
    """Starts runs, with the settings of a test.

    + folder: where their inventories are written
    + settings: the environment's; each run reads them anew
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._folder = folder
        self._settings = settings
        self._number = 0
        self._started: list[Running] = []

    def __call__(
        self,
        deploy: str,
        *hosts: Host,
        data: Mapping[str, object] | None = None,
        args: Sequence[str] = (),
        own: Mapping[str, Mapping[str, Any]] | None = None,
        timeout: float = LIMIT,
    ) -> Result:
        """Run deploys/NAME.py on hosts, and wait for its end.

        + data: what is given with --data
        + args: further arguments; -y and --json are given unless --dry is among them
        + own: settings of single hosts, by their names
        """
        argv = self._argv(deploy, *hosts, data=data, args=args, own=own)
        began = time.monotonic()
        with NOTHING.open("rb") as nothing, TemporaryFile() as out, TemporaryFile() as error:
            try:
                code = FORKED.run(argv, ROOT, environment(), (nothing, out, error), timeout=timeout)
            except TimeoutError:
                raise AssertionError(f"not over after {timeout:.0f} s:\n{_text(out)}{_text(error)}") from None
            return checked(argv, Result(code, _text(out), _text(error), time.monotonic() - began))

    def start(
        self,
        deploy: str,
        *hosts: Host,
        data: Mapping[str, object] | None = None,
        args: Sequence[str] = (),
        own: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Running:
        """Start deploys/NAME.py on hosts."""
        running = Running(self._argv(deploy, *hosts, data=data, args=args, own=own))
        self._started.append(running)
        return running

    def _argv(
        self,
        deploy: str,
        *hosts: Host,
        data: Mapping[str, object] | None,
        args: Sequence[str],
        own: Mapping[str, Mapping[str, Any]] | None,
    ) -> list[str]:
        inventory = self.inventory(*hosts, own=own)
        # What goes on until somebody ends it has no document.
        asks = ("-y",) if "follow" in (data or {}) else ("-y", "--json")
        flags = args if "--dry" in args else dict.fromkeys((*asks, *args))
        argv = [PYINFRA, str(inventory), f"deploys/{deploy}.py", *flags]
        for key, value in (data or {}).items():
            argv += ["--data", f"{key}={value}"]
        return argv

    def inventory(self, *hosts: Host, own: Mapping[str, Mapping[str, Any]] | None = None) -> Path:
        """Write an inventory of hosts, and the settings as they are now."""
        self._number += 1
        folder = self._folder / f"run-{self._number}"
        (folder / "group_data").mkdir(parents=True)
        (folder / "group_data" / f"{ENVIRONMENT}.yml").write_text(yaml.safe_dump(dict(self._settings)))
        listed = [(host.name, {**host.connection, **(own or {}).get(host.name, {})}) for host in hosts]
        inventory = folder / f"{ENVIRONMENT}.py"
        inventory.write_text(
            "from switchback.hosts.inventory import inventory\n\n"
            f"app = inventory(__file__, hosts={pformat(listed, sort_dicts=False)})\n"
        )
        return inventory

    def end(self) -> None:
        """Make sure that no run is left."""
        for running in self._started:
            running.end()


def checked(argv: Sequence[str], result: Result) -> Result:
    """The result of a run, once its document is what it should be, where it has one: a killed one says no more, and one
    that pyinfra does not understand has not begun."""
    if "--json" in argv and result.code >= 0 and not result.stderr.startswith("Usage: pyinfra "):
        assert result.document, result.output
    return result


def document_of(stdout: str) -> Document:
    """The one document that is all of a standard output. Raises AssertionError where there is anything else, or it is
    another one than the schema says, which is all that other programs know of it."""
    said = json.loads(stdout)
    wrong = [f"{error.json_path}: {error.message}" for error in schema().iter_errors(said)]
    assert not wrong, wrong
    document = Document.model_validate_json(stdout)
    assert said == document.model_dump(mode="json")
    return document


@functools.cache
def schema() -> Draft202012Validator:
    """What holds a document to docs/run.schema.json."""
    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text()))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return STYLE.sub("", file.read().decode(errors="replace"))
