"""What every Python of a test host reads when it starts: holds, kills or fails one of them at an exact moment.

Nothing in the product knows of it. The interpreter reports what a program is about to do (open, rename, start a
process) to an audit hook; the hook reads the open deploy's journal, and acts at the moment that a rule names. A program
that a deploy runs with the app's own Python is held or fails as a whole, by the same rules as any other command.

A rule is a file in FAULTS: NAME.command for commands (see stand_in.sh), NAME.agent (JSON) for the agent:

+ process: a pattern for what the agent's process is called: `agent runner`, or after what a worker of it does
+ event, name: the journal's last line, and its step or action; says: what is in it besides
+ audit: what it is about to do, if that matters; path: a part of the path that it does it to; writing: only to write
+ interruptible: only where SIGTERM has an effect
+ do: hold, fail, kill (the runner, also where a worker is at work), kill-worker, stop (the runner), stop-worker, eat
"""

import contextlib
import errno
import fnmatch
import gc
import json
import os
import signal
import sys
import time
from _thread import get_ident
from collections.abc import Callable
from typing import Any

MAIN = get_ident()
FAULTS = "/var/lib/faults"
STATE = "/var/lib/switchback/django"
RUNNER = "agent runner"
AUDITED = (
    "open",
    "os.rename",
    "os.symlink",
    "os.link",
    "os.remove",
    "os.mkdir",
    "os.listdir",
    "os.scandir",
    "subprocess.Popen",
    "socket.connect",
)


def rules(kind: str) -> list[str]:
    """The paths of all rules of a kind."""
    try:
        return sorted(f"{FAULTS}/{name}" for name in os.listdir(FAULTS) if name.endswith("." + kind))  # noqa: PTH208
    except OSError:
        return []


def first(mark: str) -> bool:
    """Leave a mark; whether nobody has before."""
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return False
    return True


def hold(rule: str) -> None:
    """Stay here until told to go on."""
    while not os.path.exists(rule + ".go"):  # noqa: PTH110
        time.sleep(0.02)


def as_command(line: str) -> None:
    """Hold or fail this program, if a rule says so."""
    for rule in rules("command"):
        with open(rule) as file:  # noqa: PTH123
            how, passed, pattern = file.read().splitlines()
        if not fnmatch.fnmatchcase(line, pattern) or (passed == "1" and first(rule + ".passed")):
            continue
        if how != "always" and not first(rule + ".hit"):
            continue
        if how == "hold":
            hold(rule)
        else:
            sys.stderr.write("python: made to fail\n")
            sys.stderr.flush()
            os._exit(1)


# What was read last of a file, and what the kernel said of it then: an agent does a lot between two lines.
READ: dict[str, tuple[tuple[int, int, int], Any]] = {}


def unless_read(path: str, read: Callable[[str], Any]) -> Any:
    """What a file says, read anew where it has changed."""
    with open(path) as file:  # noqa: PTH123
        told = os.fstat(file.fileno())
        now = (told.st_ino, told.st_size, told.st_mtime_ns)
        if path not in READ or READ[path][0] != now:
            READ[path] = now, read(file.read())
    return READ[path][1]


def last_line() -> dict[str, Any]:
    """The last line of the open deploy's journal."""
    try:
        deploy = unless_read(f"{STATE}/lock", str.strip)
        journal = f"{STATE}/transactions/{deploy}/journal.jsonl"
        record: dict[str, Any] = unless_read(journal, lambda text: json.loads(text.splitlines()[-1]))
    except (OSError, ValueError, IndexError):
        return {}
    return record


def own_name() -> str:
    """What this process is called by now."""
    with open("/proc/self/comm") as file:  # noqa: PTH123
        return file.read().rstrip("\n")


class Saboteur:
    """Watches what one process of the agent is about to do, for one rule.

    + busy: whether one of them looks, which is nothing for the others to look at
    """

    busy = False

    def __init__(self, path: str, rule: dict[str, Any]) -> None:
        self.path, self.rule = path, rule
        self.done = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Called by the interpreter before each thing that it reports."""
        # Whose rights it works with holds for the whole process, so only its main thread may change that.
        if Saboteur.busy or self.done or event not in AUDITED or get_ident() != MAIN:
            return
        Saboteur.busy = True
        user = os.geteuid()
        try:
            # The agent does some of its work with the app user's rights, who may not read the journal.
            os.seteuid(0)
            if self.is_it(event, arguments):
                self.act()
        finally:
            os.seteuid(user)
            Saboteur.busy = False

    def is_it(self, event: str, arguments: tuple[Any, ...]) -> bool:
        """Whether this is the moment."""
        rule, told = self.rule, " ".join(str(one) for one in arguments[:2])
        if event not in (rule.get("audit") or AUDITED) or rule.get("path", "") not in told:
            return False
        if rule.get("writing") and not (isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")):
            return False
        if rule.get("interruptible") and not callable(signal.getsignal(signal.SIGTERM)):
            return False
        record = last_line()
        name = record.get("step", record.get("action", ""))
        # Between the start of a step and its end there may be lines about its commands.
        if record.get("event") != rule["event"] or rule.get("name", name) != name:
            return False
        if not fnmatch.fnmatchcase(own_name(), rule["process"]):
            return False
        return rule.get("says", "") in json.dumps(record) and first(self.path + ".hit")

    def act(self) -> None:
        """Do what the rule says."""
        self.done = True
        do, worker = self.rule["do"], os.getpid()
        runner = worker if own_name() == RUNNER else os.getppid()
        if do == "hold":
            hold(self.path)
        elif do == "fail":
            raise OSError(errno.EIO, "Input/output error (made to fail)")
        elif do == "eat":
            eat()
        else:
            what, _, whom = do.partition("-")
            os.kill(worker if whom else runner, signal.SIGKILL if what == "kill" else signal.SIGSTOP)
            # Whoever is ended by that goes no further.
            time.sleep(0 if whom else 600)


def eat() -> None:
    """Take more memory than there is for a worker."""
    eaten = []
    while True:
        eaten.append(b"x" * 10_000_000)


class Staying:
    """Watches a program that stays after its first verb, until it is asked for another one: then that begins."""

    def __init__(self, line: str) -> None:
        self.line, self.stays, self.done = line, False, False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Called by the interpreter before each thing that it reports."""
        # It takes the socket before it is told to go on; then it looks for the migrations first.
        self.stays = self.stays or event == "socket.__new__"
        if self.stays and not self.done and event == "os.listdir":
            self.done = True
            as_command(self.line)


def main() -> None:
    """Find out whether a rule is about this process."""
    given = list(getattr(sys, "orig_argv", ()))
    is_agent = any(word.endswith("/switchback-agent") for word in given)
    line = " ".join(["python", *given[1:]])
    if not is_agent:
        as_command(line)
        if " then-migrate " in line:
            # What it goes on to is told by its words, as any other command is.
            sys.addaudithook(Staying(" ".join(["python", *given[1:3], "migrate"])))
        return
    for path in rules("agent"):
        with open(path) as file:  # noqa: PTH123
            rule = json.load(file)
        sys.addaudithook(Saboteur(path, rule))


# As the host's own file in this place has it.
gc.set_threshold(50_000, 50, 100)
if os.path.isdir(FAULTS):  # noqa: PTH112
    with contextlib.suppress(OSError, ValueError):
        main()
