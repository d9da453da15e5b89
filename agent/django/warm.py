"""The Django that has done the checks stays, and applies the migrations when it is their turn: to start it takes longer
than most of what it does. It outlives the call that started it. It is only a gain in time: where it can't stay, or has
ended meanwhile, another one is started."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from agent.django.locks import for_django, unless_locked
from agent.django.manage import T, arguments_of, as_the_app_s_own, django, folder_of, said_in
from agent.host.command import SAYS_AT_MOST, TOO_MUCH, CommandFailed, Runner, Started, said_since, says_too_much
from agent.host.output import emit
from agent.host.processes import runs, stop_group
from agent.inside.protocol import END, NOW, STAYS, THEN_MIGRATE, Migrated
from agent.transaction.step import StepContext

# What it hands over: its standard output and that for errors, which it has no other way to show us.
OUTPUTS = 2
# How long it may take to do so, seconds.
ANSWERS_WITHIN = 10.0
# How often it is looked whether it has ended, seconds: before it is known whether it stays, and once it has answered.
LOOK, PAUSE = 0.2, 0.02


def django_that_stays(step: StepContext, shape: type[T], verb: str, *arguments: str) -> T:
    """Run a verb as `django` does, by one that stays if it has found something to migrate. Raises CommandFailed."""
    if step.begin.kind != "deploy" or not step.begin.primary:
        return django(step, shape, verb, *arguments)
    door = _door(step)
    try:
        listening, waiting = _opened(door)
    except OSError as problem:
        emit(f"{step.name}: Django can't stay for the migrations: {problem}")
        return django(step, shape, verb, *arguments)
    runner, folder = step.runner(step.layout.app), folder_of(step, step.version)
    with waiting:
        with listening:
            argv = arguments_of(step, step.version, verb, *arguments, THEN_MIGRATE, str(listening.fileno()))
            command = runner.start(argv, folder, for_django(step), handed=[listening.fileno()])
        if not _stays(command, waiting, runner.until):
            _close(door)
            with as_the_app_s_own(step, step.version):
                return said_in(runner.finish(command), shape, verb)
    output = runner.leave(command)
    _write_down(step, command)
    return said_in(output, shape, verb)


def migrate(step: StepContext) -> Migrated:
    """Apply the pending migrations: by the Django that has stayed for it, or by one that is started now.

    Raises CommandFailed, NoLock.
    """
    stayed = _stayed(step)
    if stayed:
        with as_the_app_s_own(step, step.version):
            found = _told(step, *stayed)
        if found is not None:
            return found
    return django(step, Migrated, "migrate")


def _door(step: StepContext) -> Path:
    """Where it is asked: in a folder that is root's alone."""
    return step.transaction.folder / "django"


def _opened(door: Path) -> tuple[socket.socket, socket.socket]:
    """A door to listen at, and the first one who waits at it. Raises OSError."""
    listening, waiting = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    try:
        listening.bind(str(door))
        listening.listen(2)
        waiting.connect(str(door))
    except BaseException:
        listening.close()
        waiting.close()
        raise
    return listening, waiting


def _close(door: Path) -> None:
    """Take the door away, for nobody else comes; on a file system that can't be written it is in nobody's way."""
    with contextlib.suppress(OSError):
        door.unlink()


def _stays(command: Started, waiting: socket.socket, until: float) -> bool:
    """Wait until it has done its first verb. Returns whether it stays; otherwise it has ended, or is late."""
    waiting.settimeout(LOOK)
    try:
        # Its end, too, is looked for: the door may be held open by what the app has started.
        while command.process.poll() is None and time.time() < until:
            with contextlib.suppress(socket.timeout):
                return waiting.recv(len(STAYS)) == STAYS
    except OSError:
        return False
    except BaseException:
        # Whoever interrupts a step interrupts its command too.
        _end(command)
        raise
    return False


def _write_down(step: StepContext, command: Started) -> None:
    """Write down that it goes on, so that a fallback stops it, and `migrate` finds it."""
    try:
        step.transaction.goes_on_beside("migrate", command.process.pid)
    except OSError as problem:
        emit(f"{step.name}: Django can't stay for the migrations: {problem}")
        _end(command)
    except BaseException:
        _end(command)
        raise


def _end(command: Started) -> None:
    stop_group(command.process.pid)
    command.process.wait()


def _stayed(step: StepContext) -> tuple[int, str] | None:
    """The Django that waits to be told: its id, and when it was started."""
    one = step.progress.begun_beside("migrate")
    return (one.pid, one.started) if one and one.started and runs(one.pid, one.started) else None


def _told(step: StepContext, pid: int, started: str) -> Migrated | None:
    """Have it apply the migrations. Returns what it has found; None if it does not wait any more."""
    runner = step.runner(step.layout.app)
    with socket.socket(socket.AF_UNIX) as caller, contextlib.ExitStack() as open_ones:
        try:
            caller.settimeout(max(0.001, min(ANSWERS_WITHIN, runner.until - time.time())))
            caller.connect(str(_door(step)))
            _close(_door(step))
            _, said, _, _ = socket.recv_fds(caller, 1, OUTPUTS)
            for file in said:
                open_ones.callback(os.close, file)
            before = [os.fstat(file).st_size for file in said]
            caller.sendall(NOW)
        except OSError as problem:
            emit(f"{step.name}: the Django that has stayed can't be asked ({problem}): it is started again")
            stop_group(pid)
            return None
        answer, stopped = _answer(caller, pid, started, runner, said)
        output = "".join(said_since(file, size) for file, size in zip(said, before))
    whole = answer.endswith(END)
    argv = arguments_of(step, step.version, "migrate")
    runner.write_down(argv, output, stopped or ("has answered" if whole else "ended without an answer"))
    name = " ".join(argv[:2])
    if stopped:
        raise CommandFailed(f"{name} {stopped} and was stopped", output)
    if not whole:
        raise CommandFailed(f"{name} did not finish migrate", output)
    try:
        return unless_locked(Migrated, answer.decode())
    except ValueError as problem:
        raise CommandFailed(f"{name} did not tell what it has migrated: {problem}", output) from None


def _answer(caller: socket.socket, pid: int, started: str, runner: Runner, said: Sequence[int]) -> tuple[bytes, str]:
    """What it answers before it ends, and why it was stopped, if it was."""
    answer = b""
    try:
        while part := _part(caller, runner.until, said):
            answer += part
            if len(answer) > SAYS_AT_MOST:
                raise TimeoutError
        while runs(pid, started):
            if time.time() > runner.until:
                raise TimeoutError
            time.sleep(PAUSE)
    except TimeoutError:
        stop_group(pid)
        return answer, TOO_MUCH if says_too_much(*said) else "took too long"
    except BaseException:
        stop_group(pid)
        raise
    return answer, ""


def _part(caller: socket.socket, until: float, said: Sequence[int]) -> bytes:
    """The next part of an answer; nothing after the last, and where there is none. Raises TimeoutError."""
    while True:
        left = until - time.time()
        caller.settimeout(max(0.001, min(LOOK, left)))
        try:
            return caller.recv(65536)
        except socket.timeout:  # Not yet a TimeoutError in Python 3.9.
            if left <= LOOK or says_too_much(*said):
                raise TimeoutError from None
        except ConnectionError:
            return b""
