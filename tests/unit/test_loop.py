"""The loop, with real workers: whatever one of them does, the loop goes round, answers, and knows how it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.host.processes import stat_of
from agent.loop.cgroups import Cgroup, Cgroups, Limits
from agent.loop.channel import Channel, Frame
from agent.loop.conversation import Client
from agent.loop.loop import Bounds, Loop
from agent.loop.notify import Systemd
from agent.loop.worker import FAILED, Worker, own_cgroup
from agent.runs.interrupts import Interrupted, interruptible
from agent.words import requests
from agent.words.result import Result, read_result

# As the loop is told: conditions that it waits for, one after the other.
Script = Iterator[Callable[[], bool]]
MOST = Limits(1 << 30, 100)
LIMIT = 20.0


def sessions_of(pids: list[int]) -> list[int]:
    """All that runs in the sessions of these processes."""
    found = []
    for path in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            state, *rest = stat_of(path)
            if state not in "ZX" and int(rest[2]) in pids:
                found.append(int(path.name))
    return found


class Session(Cgroup):
    """In the place of a cgroup: a session."""

    def take(self, pid: int) -> None:
        """Move a process here."""
        with (self.folders[0] / "pids").open("a") as file:
            file.write(f"{pid or os.getpid()}\n")

    def pids(self) -> list[int]:
        """The processes in it."""
        file = self.folders[0] / "pids"
        return sessions_of([int(pid) for pid in file.read_text().split()]) if file.exists() else []

    def kill(self) -> bool:
        """Kill all that is in it, and take it away."""
        left = self.pids()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not left:
            (self.folders[0] / "pids").unlink(missing_ok=True)
        return super().kill() if not left else False


class Sessions(Cgroups):
    """In the place of the runner's cgroup."""

    def make(self, name: str, limits: Limits | None = None) -> Cgroup:
        """Make one below it."""
        (self.folders[0] / name).mkdir()
        return Session((self.folders[0] / name,))


class Runner:
    """A loop, and what its workers and its clients have said."""

    def __init__(self, folder: Path) -> None:
        (folder / "cgroups").mkdir()
        self.cgroups = folder / "cgroups"
        self.address = folder / "socket"
        self.loop = Loop(self.address, Sessions((self.cgroups,)), Systemd())
        self.heard: list[Frame] = []
        self.ended: list[Worker] = []
        self.clients: list[Client] = []
        # What a worker is told when it has said something.
        self.answers: Frame | None = None

    def work(self, job: Callable[[Channel], Frame], limit: float | None = LIMIT) -> Worker:
        """Have a worker do something."""
        return self.loop.work("work", job, Bounds(limit, MOST), self._hear, self.ended.append)

    def _hear(self, worker: Worker, frame: Frame) -> None:
        self.heard.append(frame)
        if self.answers is not None:
            worker.channel.send(self.answers)

    def has_ended(self) -> bool:
        return bool(self.ended)

    def run(self, script: Script) -> None:
        """Go round, until a script is over and nobody works any more."""
        end, waits_for = time.monotonic() + LIMIT, next(script, None)

        def step() -> float | None:
            nonlocal waits_for
            assert time.monotonic() < end, "it has waited too long"
            while waits_for and waits_for():
                waits_for = next(script, None)
            return 0.01 if waits_for else None

        def asked(client: Client) -> None:
            if client.hear():
                self.clients.append(client)

        self.loop.run(step, asked)

    def does(self, job: Callable[[Channel], Frame], limit: float | None = LIMIT) -> Worker:
        """Have a worker do something, and wait for its end."""

        def script() -> Script:
            self.work(job, limit)
            yield self.has_ended

        self.run(script())
        (worker,) = self.ended
        return worker

    def connect(self) -> socket.socket:
        """Ask for something, as a client does."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self.address))
        connection.sendall(requests.document(requests.Go("x", ""), "django").encode() + b"\n")
        return connection


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    """A loop that nobody has asked for anything yet."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    before = signal.getsignal(signal.SIGCHLD)
    one = Runner(tmp_path)
    yield one
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, before)
    one.loop.close()
    left = [Session((path,)) for path in one.cgroups.iterdir()]
    for session in left:
        session.kill()


def is_killed(_: Channel) -> Frame:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def files() -> int:
    """How many files this process has open."""
    return len([*Path("/proc/self/fd").iterdir()])


def is_gone(pid: int) -> bool:
    try:
        return stat_of(Path(f"/proc/{pid}"))[0] in "ZX"
    except OSError:
        return True


# --- How a worker ends


def test_a_worker_is_a_process_of_its_own_with_a_name_and_a_cgroup_and_what_it_returns_is_its_answer(
    runner: Runner,
) -> None:
    def job(_: Channel) -> Frame:
        cgroup = own_cgroup()
        assert cgroup
        return {
            "pid": os.getpid(),
            "leads": os.getsid(0) == os.getpid(),
            "name": Path("/proc/self/comm").read_text().strip(),
            "alone": cgroup.pids() == [os.getpid()],
        }

    worker = runner.does(job)
    assert worker.found == {"pid": worker.pid, "leads": True, "name": worker.found["name"], "alone": True}
    assert "work" in str(worker.found["name"])
    assert worker.pid != os.getpid()
    assert is_gone(worker.pid)
    assert list(runner.cgroups.iterdir()) == []
    assert own_cgroup() is None


def test_an_error_in_a_worker_is_told_with_where_it_was(runner: Runner) -> None:
    def job(_: Channel) -> Frame:
        raise ZeroDivisionError("oops")

    said = str(runner.does(job).found[FAILED])
    assert said.startswith("an error in the agent:\nTraceback")
    assert "ZeroDivisionError: oops" in said


def test_a_worker_that_is_killed_is_told_to_have_been(runner: Runner) -> None:
    worker = runner.does(is_killed)
    assert worker.found == {FAILED: "its worker was killed"}
    assert worker.answer is None


def test_one_that_the_kernel_has_killed_for_its_memory_says_so(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "has_run_out_of_memory", lambda _: True)
    worker = runner.does(is_killed)
    assert worker.found == {FAILED: "it took more memory than it may have, and was killed"}


def test_one_that_has_answered_has_not_failed_whatever_was_killed_of_it(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "has_run_out_of_memory", lambda _: True)
    assert runner.does(lambda _: {"well": True}).found == {"well": True}


@pytest.mark.parametrize("stopped", [False, True])
def test_one_that_takes_too_long_is_killed_though_it_is_stopped_or_obeys_nobody(runner: Runner, stopped: bool) -> None:
    def job(_: Channel) -> Frame:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if stopped:
            os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(60)
        return {}

    began = time.monotonic()
    worker = runner.does(job, limit=0.3)
    assert worker.found == {FAILED: "it took too long and was killed"}
    assert time.monotonic() - began < 5
    assert is_gone(worker.pid)


def test_one_that_is_asked_to_stop_stops_what_it_does_and_says_so(runner: Runner) -> None:
    def job(channel: Channel) -> Frame:
        try:
            with interruptible():
                channel.send({"say": "begun"})
                time.sleep(60)
        except Interrupted as interruption:
            return {"says": str(interruption)}
        return {}

    def script() -> Script:
        worker = runner.work(job)
        yield lambda: bool(runner.heard)
        worker.ask_to_stop(10)
        yield runner.has_ended

    runner.run(script())
    (worker,) = runner.ended
    assert worker.asked_to_stop
    assert worker.found == {"says": "interrupted by a person"}


def test_one_that_does_not_stop_when_it_is_asked_to_is_killed(runner: Runner) -> None:
    def job(channel: Channel) -> Frame:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        channel.send({"say": "begun"})
        time.sleep(60)
        return {}

    def script() -> Script:
        worker = runner.work(job)
        yield lambda: bool(runner.heard)
        worker.ask_to_stop(0.2)
        yield runner.has_ended

    runner.run(script())
    assert FAILED in runner.ended[0].found


# --- What it says


def test_all_that_a_worker_says_is_heard_in_order_before_its_end(runner: Runner) -> None:
    def job(channel: Channel) -> Frame:
        for number in range(1000):
            channel.send({"say": "x" * 1000, "number": number})
        os._exit(1)

    def script() -> Script:
        runner.work(job)
        yield runner.has_ended
        # Nothing of it comes later.
        assert [frame["number"] for frame in runner.heard] == list(range(1000))

    runner.run(script())


def test_a_frame_of_many_megabytes_is_heard_whole_and_so_is_such_an_answer(runner: Runner) -> None:
    def job(channel: Channel) -> Frame:
        channel.send({"say": "x" * 5_000_000})
        return {"long": "y" * 5_000_000}

    worker = runner.does(job)
    assert runner.heard == [{"say": "x" * 5_000_000}]
    assert worker.found == {"long": "y" * 5_000_000}


def test_a_worker_is_answered_what_it_has_asked_for(runner: Runner) -> None:
    runner.answers = {"yes": "z" * 100_000}

    def job(channel: Channel) -> Frame:
        channel.send({"write": "a line"})
        return {"told": channel.receive()}

    assert runner.does(job).found == {"told": runner.answers}


def test_a_file_that_a_worker_hands_over_is_the_loops_own_when_the_worker_is_gone(runner: Runner) -> None:
    taken: list[int] = []

    def job(channel: Channel) -> Frame:
        reads, writes = os.pipe()
        os.write(writes, b"hello")
        channel.send({"keep": "it"}, [reads])
        return {}

    def script() -> Script:
        worker = runner.work(job)
        yield lambda: bool(runner.heard)
        taken.extend(worker.channel.handed())
        yield runner.has_ended

    runner.run(script())
    (file,) = taken
    assert os.read(file, 10) == b"hello"
    os.close(file)


def test_files_that_nobody_takes_are_closed_with_the_worker(runner: Runner) -> None:
    before = files()

    def job(channel: Channel) -> Frame:
        channel.send({"keep": "it"}, [0, 1, 2])
        return {}

    runner.does(job)
    # But for those that the loop has since it began to go round.
    assert files() <= before


def test_one_that_says_what_is_no_frame_has_failed_when_it_ends(runner: Runner) -> None:
    def job(channel: Channel) -> Frame:
        channel.pipe.sendall(b"\xff\xff\xff\xffand so on")
        time.sleep(0.2)
        os._exit(0)

    assert FAILED in runner.does(job).found


# --- What it leaves


def test_a_child_that_holds_the_pipe_keeps_nobody_waiting_and_ends_with_the_worker(runner: Runner) -> None:
    def job(channel: Channel) -> Frame:
        child = os.fork()
        if not child:
            os.setpgid(0, 0)
            time.sleep(60)
        return {"child": child}

    began = time.monotonic()
    worker = runner.does(job)
    assert time.monotonic() - began < 5
    child = worker.found["child"]
    assert isinstance(child, int)
    limit = time.monotonic() + 5
    while not is_gone(child):
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_what_the_loop_listens_at_and_whom_it_talks_to_is_not_held_by_a_worker(runner: Runner) -> None:
    seen: list[bytes] = []

    def job(channel: Channel) -> Frame:
        channel.send({"say": "begun"})
        time.sleep(60)
        return {}

    def script() -> Script:
        with runner.connect() as connection:
            yield lambda: bool(runner.clients)
            worker = runner.work(job)
            yield lambda: bool(runner.heard)
            runner.clients[0].end(Result(True))
            connection.settimeout(5)
            while part := connection.recv(65536):
                seen.append(part)
            worker.ask_to_stop(0)
            yield runner.has_ended

    runner.run(script())
    assert read_result(b"".join(seen).decode().split("\n")[:-1]) == Result(True)


# --- The loop goes round meanwhile


@pytest.mark.parametrize("how", ["sleeps", "is stopped", "is busy", "says without end"])
def test_a_client_is_heard_and_answered_at_once_while_a_worker_hangs(runner: Runner, how: str) -> None:
    def job(channel: Channel) -> Frame:
        channel.send({"say": "begun"})
        if how == "is stopped":
            os.kill(os.getpid(), signal.SIGSTOP)
        while how == "is busy":
            pass
        while how == "says without end":
            channel.send({"say": "x" * 100_000})
        time.sleep(60)
        return {}

    took: list[float] = []

    def script() -> Script:
        worker = runner.work(job)
        yield lambda: bool(runner.heard)
        for number in range(1, 4):
            with runner.connect() as connection:
                began = time.monotonic()
                yield lambda many=number: len(runner.clients) == many  # type: ignore[misc]
                runner.clients[-1].end(Result(True))
                connection.settimeout(5)
                assert connection.recv(10)
                took.append(time.monotonic() - began)
        worker.ask_to_stop(0)
        yield runner.has_ended

    runner.run(script())
    assert min(took) < 0.5
    assert len(took) == 3


def test_who_reads_slowly_keeps_nobody_waiting_and_is_told_all_of_it_in_the_end(runner: Runner) -> None:
    come = b""

    def script() -> Script:
        nonlocal come
        with runner.connect() as slow:
            slow.setblocking(False)
            yield lambda: bool(runner.clients)
            (client,) = runner.clients
            for _ in range(100):
                client.tell("x" * 30_000)
            client.end(Result(True))
            assert client.is_behind

            def reads() -> bool:
                nonlocal come
                with contextlib.suppress(BlockingIOError):
                    part = slow.recv(65536)
                    come += part
                    return not part
                return False

            yield reads

    runner.run(script())
    lines = come.decode().split("\n")[:-1]
    assert read_result(lines) == Result(True)
    assert len(lines) == 101
    assert len(come) > 100 * 1000


def test_who_has_gone_before_all_was_said_keeps_the_loop_from_nothing(runner: Runner) -> None:
    def script() -> Script:
        with runner.connect():
            yield lambda: bool(runner.clients)
        (client,) = runner.clients
        for _ in range(100):
            client.tell("x" * 30_000)
        client.end(Result(True))
        assert client.is_closed
        yield lambda: not runner.loop.clients

    runner.run(script())


def test_who_hangs_up_in_the_very_moment_of_its_answer_keeps_the_loop_from_nothing(runner: Runner) -> None:
    def script() -> Script:
        connection = runner.connect()
        yield lambda: bool(runner.clients)
        # Its end has come already when it is hung up on.
        connection.close()
        hangs_up = iter([False, True])

        def ends() -> bool:
            if next(hangs_up):
                runner.clients[0].end(Result(True))
                return True
            return False

        yield ends
        with runner.connect():
            yield lambda: len(runner.clients) == 2

    runner.run(script())


def test_who_asks_for_what_is_nothing_is_a_client_all_the_same(runner: Runner, tmp_path: Path) -> None:
    # What a client does is its own; here it only has to hang up.
    def script() -> Script:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(runner.address))
        yield lambda: len(runner.loop.clients) == 1
        connection.close()
        yield lambda: not runner.loop.clients

    runner.run(script())


def test_a_socket_that_a_killed_loop_has_left_is_in_nobodys_way(tmp_path: Path) -> None:
    address = tmp_path / "run" / "socket"
    for _ in range(2):
        loop: Any = Loop(address, Sessions((tmp_path,)), Systemd())
        loop._listening.close()
    assert address.parent.stat().st_mode & 0o777 == 0o700
    Loop(address, Sessions((tmp_path,)), Systemd()).close()
    assert not address.exists()


# --- systemd


def test_systemd_is_told_that_it_is_ready_and_then_again_and_again_that_it_goes_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGCHLD)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        runner = Runner(tmp_path)
        assert "NOTIFY_SOCKET" not in os.environ
        runner.loop.ready()
        end = time.monotonic() + 0.5
        runner.run(iter([lambda: time.monotonic() > end]))
        systemd.setblocking(False)
        told = []
        with contextlib.suppress(BlockingIOError):
            while True:
                told.append(systemd.recv(100).decode())
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, before)
    assert told[0] == "READY=1"
    assert {*told[1:]} == {"WATCHDOG=1"}
    # At least twice in the time that systemd gives it.
    assert len(told) > 2 * 0.5 / 0.2


def test_where_systemd_has_not_started_it_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    Systemd().tell("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    Systemd().tell("READY=1")
