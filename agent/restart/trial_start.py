"""The trial start before a rolling restart: a web process of the new version, started as supervisord would start it,
but on a socket of its own. What is wrong with the version shows here, where no visitor comes."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from agent.environment.variables import for_app
from agent.host import command as commands
from agent.host import http
from agent.host.command import TAIL_LINES, TAIL_OF_LINE, Process, ending
from agent.host.processes import ask_to_end, group_runs, runs, stop_group
from agent.host.users import user_env
from agent.inside.lean import dataclass
from agent.restart import background
from agent.service import health, systemd
from agent.service.health import Unhealthy
from agent.service.in_the_way import not_written
from agent.service.obstacles import as_another, is_users
from agent.service.supervisor_config import Program, Sections, environment
from agent.text.lines import cut, lines_of, quoted
from agent.text.masking import masked_urls
from agent.transaction.step import StepContext, StepFailed
from agent.transaction.transaction import Kept
from agent.versions.layout import Layout

BACKLOG = 128
PAUSE = 0.05
# Where in its log the last words are, bytes.
TAIL_BYTES = 64 * 1024
# How often all of its processes are looked at, seconds.
LOOK = 0.25


class TrialStart:
    """A web process that serves nobody but us.

    + process: where this worker has started it, how it ends is known
    """

    def __init__(self, step: StepContext, one: Kept, process: Process | None = None) -> None:
        self._step, self._process = step, process
        self._pid, self._started, self._url, (self._said, *_) = one.pid, one.started, one.url, one.files
        self._log = step.transaction.output(background.TRIAL_START)
        self._well_since = self._began = time.monotonic()
        self._members: frozenset[tuple[int, str]] = frozenset()
        self._looked_at = 0.0

    @property
    def seconds(self) -> float:
        """How long it has taken to answer well."""
        return self._well_since - self._began

    @property
    def up_for(self) -> float:
        """How long it has been well."""
        return time.monotonic() - self._well_since

    def end(self) -> None:
        """End it; a second time does nothing."""
        if group_runs(self._pid, self._started):
            stop_group(self._pid)
        if self._process:
            self._process.wait()
        background.keep(self._log, background.words_of(self._said))

    def dismiss(self) -> None:
        """Ask it to end, and don't wait for that: whoever commits or falls back sees to it."""
        if group_runs(self._pid, self._started):
            ask_to_end(self._pid)

    def is_well(self) -> bool:
        """Ask whether it is well; one that still starts is waited for, one that answers otherwise is not."""
        try:
            self.wait_until_well(patient=False)
        except Unhealthy:
            return False
        return True

    def wait_until_well(self, patient: bool = True) -> None:
        """Wait until it answers as it should, from the version that it should. Raises Unhealthy.

        + patient: whether it may answer otherwise before
        """
        limit = self._step.settings.health_timeout
        while True:
            self._still_runs("did not start")
            wrong = self._from_another() or self._answer()
            if wrong is None:
                self._is_well_now()
                return
            given_up = not patient and http.NO_ANSWER not in wrong
            if given_up or time.monotonic() - self._began > limit:
                raise Unhealthy(f"not healthy within {limit} s: {wrong}{self._tail()}")
            time.sleep(PAUSE)

    def wait_until_it_answers(self) -> None:
        """Wait until it answers whatever it may, from the version that it should. Raises Unhealthy."""
        limit = self._step.settings.health_timeout
        while True:
            self._still_runs("did not start")
            wrong = self._from_another() or self._answer()
            if wrong is None or (wrong.startswith(self._url) and http.NO_ANSWER not in wrong):
                self._is_well_now()
                return
            if time.monotonic() - self._began > limit:
                raise Unhealthy(f"did not come up within {limit} s: {wrong}{self._tail()}")
            time.sleep(PAUSE)

    def _is_well_now(self) -> None:
        self._well_since, self._members = time.monotonic(), self._now()

    def watch(self, seconds: float) -> None:
        """See to it that it has stayed up for so long since it was well. Raises Unhealthy."""
        while True:
            self.check()
            if self.up_for >= seconds:
                return
            time.sleep(PAUSE)

    def check(self) -> None:
        """Raise Unhealthy if it has ended, or a process of it was started again."""
        what = f"did not stay up for {self._step.settings.health_stable} s"
        self._still_runs(what)
        if time.monotonic() - self._looked_at < LOOK:
            return
        self._looked_at = time.monotonic()
        if self._now() != self._members:
            raise Unhealthy(f"{what}: a process of it has ended or was started again{self._tail()}")

    def _still_runs(self, what: str) -> None:
        code = self._process.poll() if self._process else None
        if code is not None:
            raise Unhealthy(f"{what}: its process ended with {ending(code)}{self._tail()}")
        if not runs(self._pid, self._started):
            raise Unhealthy(f"{what}: its process has ended{self._tail()}")

    def _from_another(self) -> str | None:
        """What is wrong if it is to run from the version; None when nothing is."""
        return systemd.not_from(systemd.session(self._pid, self._step.layout.versions), self._step.version)

    def _answer(self) -> str | None:
        """What is wrong with its answer; None when nothing is."""
        settings = self._step.settings
        timeout = min(health.ANSWER_TIMEOUT, settings.health_timeout)
        return http.ask(self._url, health.headers_for(settings), settings.health_status, timeout)

    def _now(self) -> frozenset[tuple[int, str]]:
        found = systemd.session(self._pid, self._step.layout.versions)
        return frozenset((process.pid, process.started) for process in found)

    def _tail(self) -> str:
        """What goes with what is wrong: what to do about files that it could not open, and what it has said last."""
        said = masked_urls(background.words_of(self._said))[-TAIL_BYTES:].strip()
        to_do = "".join(f"; {one}" for one in not_written(said, self._step.layout.app))
        return to_do + "".join("\n" + quoted(cut(line, TAIL_OF_LINE)) for line in lines_of(said)[-TAIL_LINES:])


@dataclass(frozen=True)
class Command:
    """How a process is started: its words, its directory, its environment, and whose it is.

    + launched: whether a version's launcher starts it, and gives it the version's variables and the secrets
    + held: whether it is handed a socket that listens already
    + port: the one that it listens at itself
    """

    argv: tuple[str, ...]
    folder: str
    env: Mapping[str, str]
    user: str
    launched: bool = False
    held: bool = True
    port: int | None = None


def as_supervisord_would(layout: Layout, sections: Sections, web: Program, config: Path, supervisord: int) -> Command:
    """How supervisord would start one more process of a program. Raises StepFailed.

    + web: the program that serves the site; config: the file that it is in
    + supervisord: the process whose environment it gets
    """
    if not is_users(web, layout.app):
        # Its config is the app's to write, and whoever starts it here is root.
        raise StepFailed(as_another(web, layout.app))
    values = _values(web, config, supervisord)
    env = _environment_of(supervisord, layout.app)
    for text in (sections.get("supervisord", {}).get("environment", ""), web.options.get("environment", "")):
        env.update(environment(_filled(text, values)))
    env.update(SUPERVISOR_ENABLED="1", SUPERVISOR_PROCESS_NAME="rehearsal", SUPERVISOR_GROUP_NAME=web.name)
    argv = tuple(_filled(word, values) for word in web.argv_in(layout.settings.venv_subdir))
    folder = _filled(web.options.get("directory", "/"), values)
    return Command(argv, folder, env, layout.app, launched=bool(web.launcher))


def begun(step: StepContext) -> TrialStart | None:
    """The one that was begun ahead, and may have ended meanwhile."""
    one = step.transaction.kept.get(background.TRIAL_START)
    return TrialStart(step, one) if one else None


def start(step: StepContext, command: Command) -> TrialStart:
    """Start it; it outlives its step unless it is ended. Raises StepFailed."""
    # It is the runner's from then on, and this worker's as long as that works.
    said = commands.in_memory()
    with contextlib.closing(_listen()) as held:
        # Ours is as good as supervisord's: its number is chosen by the kernel.
        port = command.port or held.getsockname()[1]
        url = _at(step.settings.health_url, port)
        try:
            process = commands.launch(
                _at_true_path(command.argv),
                command.user,
                command.folder,
                env_of(step, command),
                out=said,
                err=commands.STDOUT,
                stdin=held.fileno() if command.held else commands.DEVNULL,
            )
        except (OSError, KeyError) as error:
            raise StepFailed(f"a process of it could not be started: {error}") from None
    try:
        one = step.transaction.keep(background.TRIAL_START, process.pid, url, [os.dup(said.fileno())])
    except BaseException:
        stop_group(process.pid)
        raise
    return TrialStart(step, one, process)


def env_of(step: StepContext, command: Command) -> dict[str, str]:
    """What a command finds in its environment. Raises StepFailed."""
    return {**command.env, **(for_app(step) if command.launched else {})}


def _at_true_path(argv: Sequence[str]) -> list[str]:
    """A command whose program is named by the path that its links lead to now: a Python keeps to the path it has."""
    folder, name = os.path.split(argv[0])
    return [os.path.join(os.path.realpath(folder), name) if folder else name, *argv[1:]]


def _listen() -> socket.socket:
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.bind(("127.0.0.1", 0))
    held.listen(BACKLOG)
    return held


def free_port() -> int:
    """A port that nobody listens at."""
    with contextlib.closing(_listen()) as held:
        return int(held.getsockname()[1])


def _at(url: str, port: int) -> str:
    """A URL as it is at another port of this host."""
    parts = urlsplit(url)
    return parts._replace(scheme="http", netloc=f"127.0.0.1:{port}").geturl()


def _values(web: Program, config: Path, supervisord: int) -> dict[str, object]:
    """What %(name)s stands for in the options; the number is one that no process of the program has."""
    start = web.first
    return {
        "here": str(config.parent),
        "host_node_name": os.uname().nodename,
        "program_name": web.name,
        "group_name": web.name,
        "numprocs": web.count,
        "process_num": start + web.count,
        **{f"ENV_{key}": value for key, value in _environment_of(supervisord, None).items()},
    }


def _filled(text: str, values: Mapping[str, object]) -> str:
    try:
        # A width may be as large as somebody likes.
        if re.search(r"%\(\w*\)\D?\d{3}", text):
            raise ValueError(f"it is too wide: {cut(text, TAIL_OF_LINE)}")
        return text % values if "%" in text else text
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise StepFailed(f"supervisord's config can't be filled in: {error}") from None


def _environment_of(pid: int, user: str | None) -> dict[str, str]:
    """The environment that supervisord hands on; a login's of the user where it can't be read."""
    try:
        pairs = systemd.environment_of(pid)
    except OSError:
        pairs = {}
    return pairs or (user_env(user) if user else {})
