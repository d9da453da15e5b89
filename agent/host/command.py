"""Starting a program, and nothing else here does: all that it is and has is its user's before anything of that user's
is touched, and it is in a session of its own. What it says goes into memory, so much and no more; a step's commands
end at their limit."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import IO

from agent.host.output import RELAYED_AT_ONCE, Relayed, emit
from agent.host.processes import stop_group
from agent.host.users import entered_as, run_as, user_env
from agent.inside.lean import dataclass
from agent.text.lines import bounded, cut, quoted
from agent.text.masking import masked_urls, without
from agent.text.repositories import WORD
from agent.text.tracebacks import telling_lines

# What a message shows of a command's output; all of it is in the step's log.
TAIL_LINES = 20
# How much of such a line, characters.
TAIL_OF_LINE = 500
# What a step's log keeps of one command, and of a line of it, characters.
LOGGED, LOGGED_LINE = 10_000_000, 10_000
# A command that says more is stopped, bytes: it would fill the memory. How often that is looked at, seconds.
SAYS_AT_MOST, LOOK = 100_000_000, 0.02
# Whatever ours is: what an app makes is for its web server to read.
UMASK = 0o022
# From linux/fcntl.h.
F_ADD_SEALS, F_SEAL_GROW = 1033, 4
# How a command may end that is asked for what it says.
ANY_CODE = range(256)
TOO_MUCH = f"printed more than {SAYS_AT_MOST // 1_000_000} MB"
# What a command is once it runs; what takes no output, what goes with the other one, and what is read as it comes.
Process = subprocess.Popen[bytes]
DEVNULL, STDOUT, PIPE = subprocess.DEVNULL, subprocess.STDOUT, subprocess.PIPE
# A password that a command was given is hidden in what it says, unless it is so short that it would be found in other
# words.
SHORTEST = 4


class CommandFailed(Exception):
    """A command ended badly: what it was, how it ended, and the end of its output."""

    def __init__(self, what: str, output: str) -> None:
        super().__init__(what)
        self.output = _kept(output)

    def __str__(self) -> str:
        tail = "\n".join(cut(line, TAIL_OF_LINE) for line in telling_lines(self.output)[-TAIL_LINES:])
        return str(self.args[0]) + ("\n" + quoted(tail) if tail else "")


@dataclass(frozen=True)
class Started:
    """A command that runs, and the files that take what it says.

    + secrets: values that it was given, and that nothing of what it says may show
    """

    argv: Sequence[str]
    process: subprocess.Popen[bytes]
    out: IO[bytes]
    err: IO[bytes]
    secrets: Collection[str] = ()


@dataclass(frozen=True)
class Runner:
    """How the commands of one step run.

    + user: whose they are; None for root
    + log: a file that all output is appended to
    + until: the time by which the last of them must have ended, seconds since the epoch
    + also: what its commands find in their environment besides a login's
    + secrets: values that its commands know and that nothing of what they say may show
    + shown: how much is said of what is left at the end of one, bytes: all of a step's is in its log
    """

    user: str | None
    log: Path | None
    until: float
    also: Mapping[str, str] = field(default_factory=dict)
    secrets: Collection[str] = ()
    shown: int = RELAYED_AT_ONCE

    def run(
        self,
        argv: Sequence[str],
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        ok: Sequence[int] = (0,),
    ) -> str:
        """Run a command and return its standard output. Raises CommandFailed for a bad end and for a late one."""
        return self.finish(self.start(argv, cwd, env), ok)

    def start(
        self,
        argv: Sequence[str],
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        handed: Sequence[int] = (),
        stdin: int = subprocess.DEVNULL,
    ) -> Started:
        """Start a command; whoever does has to finish it, with this runner or another one, or to leave it.

        + handed: descriptors that it is given besides its output, under the same numbers; stdin: the one it reads from
        """
        # In memory: the way back is taken by commands too, and needs no room on any disk.
        out, err = in_memory(), in_memory()
        known = {**user_env(self.user), **self.also, **(env or {})}
        process = launch(argv, self.user, str(cwd) if cwd else "/", known, out=out, err=err, stdin=stdin, handed=handed)
        word = (env or {}).get(WORD, "")
        return Started(argv, process, out, err, [word] if len(word) >= SHORTEST else [])

    def finish(self, command: Started, ok: Sequence[int] = (0,)) -> str:
        """Wait for the end of a command and return its standard output. Raises CommandFailed."""
        argv, process = command.argv, command.process
        with command.out as out, command.err as err:
            stopped = self._wait(command)
            output, errors = said_since(out.fileno(), 0), said_since(err.fileno(), 0)
        said = without(output + errors, {*self.secrets, *command.secrets})
        self.write_down(argv, said, ending(process.returncode))
        name = " ".join(argv[:2]) if len(argv) > 1 else argv[0]
        if stopped:
            raise CommandFailed(f"{name} {stopped} and was stopped", said)
        if process.returncode not in ok:
            raise CommandFailed(f"{name} ended with {ending(process.returncode)}", said)
        return output

    def leave(self, command: Started) -> str:
        """Leave a command that goes on to itself. Returns its standard output so far."""
        with command.out as out, command.err as err:
            output, errors = said_since(out.fileno(), 0), said_since(err.fileno(), 0)
        self.write_down(command.argv, output + errors, "goes on")
        return output

    def _wait(self, command: Started) -> str:
        """Wait for a command's end. Returns why it was stopped; nothing where it has ended by itself."""
        process, why = command.process, ""
        relayed = [Relayed(file.fileno(), {*self.secrets, *command.secrets}) for file in (command.out, command.err)]
        try:
            with _end_of(process) as has_ended:
                while not why:
                    left = self.until - time.time()
                    if has_ended(min(LOOK, max(0.0, left))):
                        return ""
                    says_much = says_too_much(command.out.fileno(), command.err.fileno())
                    why = TOO_MUCH if says_much else "took too long" if left <= LOOK else ""
                    # What went wrong is said behind what came before it, also where that is much.
                    all(one.relay() for one in relayed)
            if why == TOO_MUCH:
                # It may take its time to end, and would fill the memory meanwhile.
                grows_no_more(command.out, command.err)
            stop_group(process.pid)
            process.wait()
        except BaseException:
            # Whoever interrupts a step interrupts its command too.
            stop_group(process.pid)
            process.wait()
            raise
        finally:
            grows_no_more(command.out, command.err)
            for one in relayed:
                one.finish(0 if why == TOO_MUCH else self.shown)
        return why

    def write_down(self, argv: Sequence[str], output: str, how: str) -> None:
        """Write what a command has said to the step's log, and how it ended."""
        if self.log is None:
            return
        try:
            with self.log.open("a", errors="backslashreplace") as file:
                said = _kept("$ {}\n{}".format(" ".join(argv), output))
                file.write(f"{said}[{how}]\n")
        except OSError as error:
            # On a full disk, say: what the command has done counts, and whoever reads its output has it.
            emit(f"{self.log} can't be written: {error}")


@contextlib.contextmanager
def _end_of(process: subprocess.Popen[bytes]) -> Iterator[Callable[[float], bool]]:
    """What waits for a process's end for so many seconds, and says whether it has come: at once when it does."""
    try:
        file = os.pidfd_open(process.pid)
    except (OSError, AttributeError):
        # A kernel before 5.3, or a Python that was built for one: Popen looks now and then.
        file = -1

    def has_ended(seconds: float) -> bool:
        if file < 0:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
        elif ended.poll(seconds * 1000):
            process.wait()
        return process.poll() is not None

    ended = select.poll()
    try:
        if file >= 0:
            ended.register(file, select.POLLIN)
        yield has_ended
    finally:
        if file >= 0:
            os.close(file)


def _kept(said: str) -> str:
    """What of an output is kept, and shown: without passwords, for which nobody looks in what is left out."""
    return bounded(masked_urls(bounded(said, len(said), LOGGED)), LOGGED_LINE, LOGGED + LOGGED_LINE)


def launch(
    argv: Sequence[str],
    user: str | None,
    folder: str,
    env: Mapping[str, str],
    *,
    out: IO[bytes] | int = subprocess.DEVNULL,
    err: IO[bytes] | int = subprocess.DEVNULL,
    stdin: int = subprocess.DEVNULL,
    handed: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a process. Raises OSError, KeyError.

    Its program is looked for, and its folder is gone into, with its user's rights; of ours it has the descriptors that
    it is given, and no signal is ignored or blocked.

    + user: None for root
    + handed: descriptors that it is given besides, under the same numbers
    """
    with entered_as(user, folder) as entered:
        return subprocess.Popen(
            list(argv),
            cwd=entered,
            env=env,
            stdin=stdin,
            stdout=out,
            stderr=err,
            start_new_session=True,
            umask=UMASK,
            pass_fds=tuple(handed),
            **run_as(user),
        )


def ours(argv: Sequence[str], timeout: float = 20.0, ok: Sequence[int] = (0,)) -> str:
    """Have a program of the host's own do something for ourselves, systemctl say. Returns what it says.

    Raises OSError, CommandFailed.
    """
    return Runner(None, None, time.time() + timeout).run(argv, ok=ok)


def in_memory() -> IO[bytes]:
    """A file that is on no disk, for what a command says."""
    return os.fdopen(os.memfd_create("output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b")


def grows_no_more(*files: IO[bytes]) -> None:
    """Have nobody say more, also who has inherited it and goes on."""
    for file in files:
        with contextlib.suppress(OSError):
            fcntl.fcntl(file, F_ADD_SEALS, F_SEAL_GROW)


def said_since(file: int, start: int) -> str:
    """What a command that may go on has said, from a place on: its own place in that file is left where it is."""
    size = min(os.fstat(file).st_size - start, SAYS_AT_MOST)
    return os.pread(file, max(0, size), start).decode(errors="replace")


def says_too_much(*files: int) -> bool:
    """Whether a command has said more than anybody can want to know."""
    return any(os.fstat(file).st_size > SAYS_AT_MOST for file in files)


def ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
