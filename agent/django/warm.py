"""The Django that has done the checks stays, and applies the migrations when it is their turn: to start it takes longer
than most of what it does. It is only a gain in time: where it has ended meanwhile, another one is started."""

from __future__ import annotations

import contextlib
import os
import socket
import time

from agent.django.locks import for_django, unless_locked
from agent.django.manage import T, arguments_of, as_the_app_s_own, django, folder_of, said_in
from agent.environment.variables import for_app
from agent.host.command import SAYS_AT_MOST, TOO_MUCH, CommandFailed, Started, said_since, says_too_much
from agent.host.processes import stop_group
from agent.inside.protocol import END, NOW, STAYS, THEN_MIGRATE, Migrated
from agent.transaction.step import StepContext
from agent.transaction.transaction import Kept

KEPT = "migrate"
# How often it is looked whether it has ended, seconds: before it is known whether it stays, and once it has answered.
LOOK, PAUSE = 0.2, 0.02


def django_that_stays(step: StepContext, shape: type[T], verb: str, *arguments: str) -> T:
    """Run a verb as `django` does, by one that stays if it has found something to migrate. Raises CommandFailed."""
    if step.begin.kind != "deploy" or not step.begin.primary:
        return django(step, shape, verb, *arguments)
    runner, folder = step.runner(step.layout.app), folder_of(step, step.version)
    ours, its = socket.socketpair()
    with ours:
        with its:
            argv = arguments_of(step, step.version, verb, *arguments, THEN_MIGRATE, str(its.fileno()))
            env = {**for_app(step), **for_django(step)}
            command = runner.start(argv, folder, env, handed=[its.fileno()])
        if not _stays(command, ours, runner.until):
            with as_the_app_s_own(step, step.version):
                return said_in(runner.finish(command), shape, verb)
        step.transaction.keep(
            KEPT, command.process.pid, files=(ours.fileno(), command.out.fileno(), command.err.fileno())
        )
    return said_in(runner.leave(command), shape, verb)


def migrate(step: StepContext) -> Migrated:
    """Apply the pending migrations: by the Django that has stayed for it, or by one that is started now.

    Raises CommandFailed, NoLock.
    """
    stayed = step.transaction.kept.get(KEPT)
    if stayed and stayed.goes_on:
        with as_the_app_s_own(step, step.version):
            return _told(step, stayed)
    return django(step, Migrated, "migrate")


def _stays(command: Started, ours: socket.socket, until: float) -> bool:
    """Wait until it has done its first verb. Returns whether it stays; otherwise it has ended, or is late."""
    ours.settimeout(LOOK)
    try:
        # Its end, too, is looked for: its end of the pipe may be held by what the app has started.
        while command.process.poll() is None and time.time() < until:
            with contextlib.suppress(socket.timeout):
                return ours.recv(len(STAYS)) == STAYS
    except OSError:
        return False
    return False


def _told(step: StepContext, one: Kept) -> Migrated:
    """Have it apply the migrations."""
    runner, (way, *said) = step.runner(step.layout.app), one.files
    with socket.socket(fileno=os.dup(way)) as caller:
        before = [os.fstat(file).st_size for file in said]
        with contextlib.suppress(OSError):
            caller.sendall(NOW)
        answer, stopped = _answer(caller, one, runner.until, said)
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


def _answer(caller: socket.socket, one: Kept, until: float, said: list[int]) -> tuple[bytes, str]:
    """What it answers before it ends, and why it was stopped, if it was."""
    answer = b""
    try:
        while part := _part(caller, until, said):
            answer += part
            if len(answer) > SAYS_AT_MOST:
                raise TimeoutError
        while one.goes_on:
            if time.time() > until:
                raise TimeoutError
            time.sleep(PAUSE)
    except TimeoutError:
        stop_group(one.pid)
        return answer, TOO_MUCH if says_too_much(*said) else "took too long"
    except BaseException:
        # Whoever interrupts a step interrupts its command too.
        stop_group(one.pid)
        raise
    return answer, ""


def _part(caller: socket.socket, until: float, said: list[int]) -> bytes:
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
