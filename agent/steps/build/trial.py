"""The trial start: a web process of a version that is built, where no visitor comes. What keeps it from coming up shows
here, while the old version serves; before a restart, while what is to be restarted does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from agent.host.output import warn
from agent.restart import early
from agent.restart.trial_start import Command, as_supervisord_would, env_of, free_port, start
from agent.service.health import Unhealthy
from agent.service.obstacles import port_of, web_program
from agent.service.running import find_running
from agent.service.startable import started_by, would_not_start
from agent.service.supervisor_config import Program, Sections, Unreadable, config_in, config_of, programs, read_config
from agent.steps.kind import BuildStep
from agent.transaction.maintenance import restart_mode
from agent.transaction.step import StepContext, StepFailed
from agent.versions.layout import SUPERVISORD, Layout
from agent.words.notes import Checked, Note

# How servers are told where to listen, and what such a value looks like: a port, or an address with one.
ADDRESSES = ("-b", "--bind", "-p", "--port")
PORT = re.compile(r"(?:[\w.\[\]-]*:)?\d{1,5}")
# What an app says that holds another address for itself, which the live version has.
IN_USE = re.compile(r"Address already in use|\[Errno 98\]|EADDRINUSE")
# Loads what a server is to serve, as MODULE:NAME has it.
LOAD = (
    "import importlib, sys; m, _, n = sys.argv[1].partition(':'); getattr(importlib.import_module(m), n.split('(')[0])"
)
SERVED = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*(\(\))?")


class NoTrial(Exception):
    """A trial start can't be made, and why."""


class Trial(BuildStep):
    """Start the version where no visitor comes, and judge it."""

    name = "trial"
    runs = ("deploy", "build", "restart")
    again = True

    def do(self, step: StepContext) -> Note:
        """Start the version where no visitor comes, and judge it.

        Where nothing is to be migrated it has to answer as the proof of health asks for. Otherwise it meets a
        schema that is not its own yet: it has to start and to answer, whatever that is.
        Raises Unhealthy, StepFailed, CommandFailed.
        """
        if step.begin.kind == "restart":
            problems = would_not_start(step)
            if not step.begin.healthy_before:
                # Nothing is lost by trying.
                for problem in problems:
                    warn(f"trial: WARNING: {problem}")
                return Note(f"no trial start is made: {step.version} is not healthy as it runs now")
            if problems:
                raise StepFailed("what serves now could not be started again:\n" + "\n".join(problems))
        try:
            command = _command(step)
        except (NoTrial, StepFailed, Unreadable) as why:
            return Note(f"no trial start is made: {why}")
        if command.port is None and not command.held:
            return _load(step, command)
        return _judge(step, command)


def _judge(step: StepContext, command: Command) -> Note:
    first = start(step, command)
    try:
        if step.note(Checked).pending:
            first.wait_until_it_answers()
        else:
            first.wait_until_well()
    except Unhealthy as problem:
        first.end()
        if IN_USE.search(str(problem)):
            return Note("no trial start is made: the app holds an address of its own, which the live version has")
        raise
    except BaseException:
        first.end()
        raise
    # One process after the other is replaced under its eyes.
    if step.begin.kind not in ("deploy", "restart") or not restart_mode(step.progress).rolls:
        first.end()
    return Note()


def _load(step: StepContext, command: Command) -> Note:
    """Load what the server would serve, in the place of a start."""
    served = next((word for word in command.argv if SERVED.fullmatch(word)), "")
    python = next(iter(command.argv), "")
    if not served or not re.match(r"python[\d.]*$", Path(python).name):
        return Note(f"no trial start is made: {command.folder} has a server whose address can't be replaced")
    runner = replace(step.runner(step.layout.app), also=env_of(step, command))
    runner.run([python, "-c", LOAD, served], cwd=Path(command.folder))
    return Note(f"no trial start is made, since the server's address can't be replaced: {served} was loaded")


def _command(step: StepContext) -> Command:
    """How a web process of the version is started at the version's own path. Raises NoTrial, StepFailed, Unreadable."""
    layout, version = step.layout, step.version
    named, pid = _supervisord(layout)
    sections = read_config(config_in(layout, named, layout.part(version, "config")), layout.app)
    web = _web(sections, layout.settings.health_url)
    command = as_supervisord_would(layout, sections, web, Path(named), pid)
    # The links lead to what is restarted.
    own = command if step.begin.kind == "restart" else early.at_its_own_path(layout, command, version)
    if own is None:
        raise NoTrial("its processes can't be started beside the live ones, by their own path")
    return own if web.address else elsewhere(own, free_port())


def why_none(layout: Layout, version: str, config: Path | None) -> str:
    """Why no trial start of a version could be made; empty where one can, as far as that can be told.

    + config: the directory of its config, where the version isn't built yet
    """
    try:
        named, _ = _supervisord(layout)
        web = _web(
            read_config(config_in(layout, named, config or layout.part(version, "config")), layout.app),
            layout.settings.health_url,
        )
    except (NoTrial, Unreadable) as why:
        return str(why)
    if web.address or elsewhere(Command(tuple(web.argv), "/", {}, ""), 0).port is not None:
        return ""
    return f"{web.name}'s address can't be replaced: what it serves is only loaded"


def _supervisord(layout: Layout) -> tuple[str, int]:
    """The config file that supervisord is started with, and its process id; 0 while it does not run."""
    try:
        running = find_running(layout)
    except Unreadable:
        unit = started_by(layout.settings.systemd_service)
        named = config_of(list(unit.argv))
        if named is None:
            raise NoTrial("the service does not run supervisord") from None
        if unit.environment:
            raise NoTrial("the service does not run, and only systemd knows its environment") from None
        return named or str(layout.path("deployment_dir") / SUPERVISORD), 0
    return running.named, running.pid


def _web(sections: Sections, health_url: str) -> Program:
    """The program that serves health_url: by a socket that supervisord holds, or by one of its own."""
    held = web_program(sections, health_url)
    if held:
        return held
    port = str(port_of(health_url))
    for program in programs(sections).values():
        argv = program.argv
        if any(_names_port(word, port) for word in argv):
            return program
    raise NoTrial("no program of supervisord's is known to serve health_url")


def _names_port(word: str, port: str) -> bool:
    return re.search(rf"(^|[:=]){port}$", word) is not None


def elsewhere(command: Command, port: int) -> Command:
    """The command with its server at a port of ours; unchanged where nothing says how it is told.

    >>> elsewhere(Command(("python", "-m", "daphne", "-p", "8000", "asgi:application"), "/", {}, "app"), 4711).argv
    ('python', '-m', 'daphne', '-p', '4711', 'asgi:application')
    """
    argv, found = list(command.argv), False
    for number, word in enumerate(argv):
        name, joined, value = word.partition("=")
        at = number if joined else number + 1
        value = value if joined else "".join(argv[at : at + 1])
        if name in ADDRESSES and PORT.fullmatch(value):
            address = f"127.0.0.1:{port}" if ":" in value else str(port)
            argv[at], found = f"{name}={address}" if joined else address, True
    return replace(command, argv=tuple(argv), port=port if found else None, held=False)
