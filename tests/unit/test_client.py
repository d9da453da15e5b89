"""What a controller starts on a host to talk to a runner: it hands on what it is given and what is answered, and finds
its way where no runner is there, or where that ends as it is asked."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.runner import client
from agent.words.requests import AllWell, Begin, Clean, Commit, FallBack, Go, Recover, Request, document
from agent.words.result import Result, framed
from tests.unit.examples import run, settings

SITE = "django"
NO_UNIT = "{ echo no unit >&2; exit 5; }"
Answer = Callable[[socket.socket, bytes], None]
GO = Go("x", "code", "code")
ENDS = f"{framed(Result(True))}\n".encode()

# A runner that is there at the third try.
NEXT = """#!{python}
import os, socket
one = socket.socket(socket.AF_UNIX)
try:
    one.bind({address!r})
except OSError:
    raise SystemExit
one.listen()
one.settimeout(60)
connection = one.accept()[0]
connection.recv(65536)
connection.sendall({ends!r})
"""


class There:
    """A host of the client's, in a folder of the test.

    + asked: what its runner was asked, each time; started: how often it was started; by_disk: what the agent was asked
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[bytes] = []
        self._stack = contextlib.ExitStack()
        source = Path(client.__file__).read_text()
        places = f'STATE, RUN = "{folder}/state", "{folder}/run"'
        source = source.replace('STATE, RUN = "/var/lib/switchback", "/run/switchback"', places)
        assert places in source
        self.program = folder / "agent" / "runner" / "client.py"
        self.program.parent.mkdir(parents=True)
        self.program.write_text(source)
        self.waits(0.3)
        for name, does in {
            "bin/systemctl": f'echo "$@" >> {folder}/started; test ! -e {folder}/cant || {NO_UNIT}',
            "switchback-agent": f"cat >> {folder}/by_disk; echo by disk; exit 3",
        }.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(f"#!/bin/sh\n{does}\n")
            (folder / name).chmod(0o755)

    def waits(self, seconds: float) -> None:
        """Have it wait so long for a runner that ends."""
        source, said = self.program.read_text(), re.compile("^GONE_WITHIN, LOOK = [0-9.]+,", re.MULTILINE)
        assert said.search(source)
        self.program.write_text(said.sub(f"GONE_WITHIN, LOOK = {seconds},", source))

    def listens(self, *answers: Answer) -> None:
        """Have a runner there, that answers each who asks in turn."""
        (self.folder / "run" / SITE).mkdir(parents=True)
        listening = self._stack.enter_context(socket.socket(socket.AF_UNIX))
        listening.bind(str(self.folder / "run" / SITE / "socket"))
        listening.listen()

        def serve() -> None:
            for answer in answers:
                connection = listening.accept()[0]
                with connection:
                    text = b""
                    while not text.endswith(b"\n"):
                        text += connection.recv(65536)
                    self.asked.append(text)
                    answer(connection, text)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self._stack.callback(thread.join, 10)

    def holds(self) -> None:
        """Have a run hold the site."""
        (self.folder / "state" / SITE).mkdir(parents=True)
        (self.folder / "state" / SITE / "lock").touch()

    def ask(self, request: Request) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-IS", str(self.program)],
            input=document(request, SITE).encode() + b"\n",
            env={**os.environ, "PATH": f"{self.folder}/bin:/usr/bin:/bin"},
            capture_output=True,
            timeout=60,
            check=False,
        )

    @property
    def started(self) -> list[str]:
        path = self.folder / "started"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def by_disk(self) -> str:
        path = self.folder / "by_disk"
        return path.read_text() if path.exists() else ""

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[There]:
    """A host that nobody has asked for anything."""
    # The place of a socket has a short name.
    one = There(tmp_path_factory.mktemp("c"))
    yield one
    one.close()


def says(*parts: bytes) -> Answer:
    def answer(connection: socket.socket, _: bytes) -> None:
        for part in parts:
            connection.sendall(part)

    return answer


@pytest.mark.parametrize(("result", "code"), [(Result(True), 0), (Result(False), 1)])
def test_what_is_asked_is_handed_on_and_what_is_answered_is_printed_with_an_exit_code_that_says_how_it_went(
    there: There, result: Result, code: int
) -> None:
    answer = f"code: done in 1.0 s\n{framed(result)}\n".encode()
    there.listens(says(answer))
    done = there.ask(GO)
    assert (done.returncode, done.stdout, done.stderr) == (code, answer, b"")
    assert there.asked == [document(GO, SITE).encode() + b"\n"]
    assert (there.started, there.by_disk) == ([], "")


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_answer_that_comes_in_parts_is_printed_whole_line_by_line(there: There, size: int) -> None:
    answer = "".join(f"line {number} \N{SNOWMAN}\n" for number in range(20)).encode() + ENDS
    there.listens(says(*(answer[at : at + size] for at in range(0, len(answer), size))))
    done = there.ask(GO)
    assert (done.returncode, done.stdout) == (0, answer)


def test_a_long_answer_is_printed_whole(there: There) -> None:
    answer = b"x" * 3_000_000 + b"\n" + ENDS
    there.listens(says(answer))
    assert there.ask(GO).stdout == answer


def test_each_line_is_printed_as_soon_as_it_comes(there: There) -> None:
    go_on = threading.Event()

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"half of it\nand ha")
        assert go_on.wait(20)
        connection.sendall(b"lf\n" + ENDS)

    there.listens(answer)
    with subprocess.Popen(
        [sys.executable, "-IS", str(there.program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(document(GO, SITE).encode() + b"\n")
        process.stdin.close()
        assert process.stdout.readline() == b"half of it\n"
        go_on.set()
        assert process.stdout.read() == b"and half\n" + ENDS


def test_a_runner_that_is_killed_as_it_answers_is_asked_again_and_the_lines_may_come_twice(there: There) -> None:
    there.listens(says(b"half of it\nand ha"), says(b"half of it\n" + ENDS))
    done = there.ask(GO)
    assert (done.returncode, done.stdout) == (0, b"half of it\nhalf of it\n" + ENDS)
    assert len(there.asked) == 2


def test_one_that_is_killed_each_time_is_left_and_the_disk_is_asked(there: There) -> None:
    there.listens(*[says(b"")] * 3)
    done = there.ask(GO)
    assert (done.returncode, done.stdout) == (3, b"by disk\n")
    assert there.by_disk == document(GO, SITE) + "\n"
    assert len(there.asked) == 3


@pytest.mark.parametrize("request_", [GO, AllWell("x"), Commit("x"), FallBack("x", "it broke")])
def test_where_nothing_is_open_nobody_is_started_to_be_told_how_it_ended(there: There, request_: Request) -> None:
    done = there.ask(request_)
    assert (done.returncode, done.stdout, there.started) == (3, b"by disk\n", [])
    assert there.by_disk == document(request_, SITE) + "\n"


@pytest.mark.parametrize("request_", [GO, AllWell("x"), Commit("x"), FallBack("x", "it broke")])
def test_where_a_run_is_open_and_its_runner_is_gone_that_is_started(there: There, request_: Request) -> None:
    there.holds()
    there.ask(request_)
    assert "start switchback@django.service" in there.started
    assert (there.folder / "run" / SITE / "wanted").exists()


@pytest.mark.parametrize(
    "request_",
    [Begin("x", run().request()), Clean("x", "ann", settings().for_host(), 5), Recover()],
    ids=lambda one: one.verb,
)
def test_who_begins_something_has_a_runner_started(there: There, request_: Request) -> None:
    done = there.ask(request_)
    assert there.started[0] == "start switchback@django.service"
    # It has not come: then the agent says so.
    assert done.returncode == 3
    folder = there.folder / "run" / SITE
    assert folder.stat().st_mode & 0o777 == 0o700


def test_where_one_is_about_to_end_it_is_waited_for_until_the_next_is_there(there: There) -> None:
    # What systemd does as long as the one before is not gone: nothing.
    comes = f"test $(wc -l <{there.folder}/started) -lt 3 || {there.folder}/next >/dev/null 2>&1 &"
    (there.folder / "bin" / "systemctl").write_text(f'#!/bin/sh\necho "$@" >>{there.folder}/started\n{comes}\n')
    (there.folder / "next").write_text(
        NEXT.format(python=sys.executable, address=str(there.folder / "run" / SITE / "socket"), ends=ENDS)
    )
    (there.folder / "next").chmod(0o755)
    there.waits(60)
    done = there.ask(Recover())
    assert (done.returncode, done.stdout, there.by_disk) == (0, ENDS, "")
    assert len(there.started) >= 3


def test_why_a_runner_can_not_be_started_is_told(there: There) -> None:
    (there.folder / "cant").touch()
    done = there.ask(Recover())
    assert done.stdout.startswith(b"the runner can't be started: no unit\n")
    assert done.returncode == 3


def test_a_socket_that_nobody_listens_at_any_more_is_no_runner(there: There) -> None:
    (there.folder / "run" / SITE).mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(there.folder / "run" / SITE / "socket"))
    assert there.ask(GO).stdout == b"by disk\n"


def test_a_controller_that_is_gone_is_no_reason_to_stay_and_none_to_stop_the_runner(there: There) -> None:
    heard: list[bytes] = []
    gone = threading.Event()

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"one line\n")
        assert gone.wait(20)
        with contextlib.suppress(OSError):
            for _time in range(100):
                connection.sendall(b"another line\n")
            connection.settimeout(10)
            heard.append(connection.recv(10))

    there.listens(answer)
    with subprocess.Popen(
        [sys.executable, "-IS", str(there.program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(document(GO, SITE).encode() + b"\n")
        process.stdin.close()
        assert process.stdout.readline() == b"one line\n"
        process.stdout.close()
        gone.set()
        assert process.wait(20) == 1
    there.close()
    # It has hung up, and no more.
    assert heard in ([], [b""])


def test_it_loads_next_to_nothing_for_each_operation_starts_one() -> None:
    shown = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='x'); print(len(sys.modules))"
    argv = [sys.executable, "-IS", "-c", shown, client.__file__]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    whole = [sys.executable, "-c", "import sys, agent.main; print(len(sys.modules))"]
    agent = subprocess.run(
        whole, cwd=Path(client.__file__).parents[2], capture_output=True, text=True, timeout=60, check=True
    )
    assert int(done.stdout) < 0.8 * int(agent.stdout)
