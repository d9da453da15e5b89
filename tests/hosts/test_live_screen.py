"""What a terminal shows while a slow build goes on: rows that are drawn in place, and in the end nothing of them."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bed.hosts import Host
from tests.bed.places import ROOT
from tests.conftest import Hosts
from tests.runs import PYINFRA, Runs

HELD_TO_PREVIEWS = False
SLOW = '#!/bin/sh\nfor n in 1 2 3 4 5 6; do echo "part $n of 6 \x1b[31m$(seq -s . 60)"; sleep 1; done\n'
WIDTH, HEIGHT, LIMIT, LOOK = 90, 45, 180.0, 0.2


@dataclass(frozen=True)
class Pane:
    """A terminal of tmux's, of a server of its own."""

    socket: Path

    def tmux(self, *arguments: str) -> str:
        """Run tmux."""
        argv = ["tmux", "-S", str(self.socket), "-f", os.devnull, *arguments]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=20).stdout

    def start(self, argv: list[str]) -> None:
        """Type a command, and say at its end how it ended, and how the terminal is."""
        told = "echo ENDED $?; stty -a | grep -wo -e '-\\?echo'; sleep 600"
        typed = f"cd {shlex.quote(str(ROOT))}; {shlex.join(argv)}; {told}"
        self.tmux("new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), typed)

    def lines(self) -> list[str]:
        """What is to be seen."""
        return [line.rstrip() for line in self.tmux("capture-pane", "-p").splitlines() if line.strip()]

    def until(self, seen: Callable[[list[str]], bool]) -> list[str]:
        """Wait until something is to be seen."""
        end = time.monotonic() + LIMIT
        while not seen(lines := self.lines()):
            assert time.monotonic() < end, "\n".join(lines)
            time.sleep(LOOK)
        return lines


@pytest.fixture
def pane(tmp_path: Path) -> Iterator[Pane]:
    """A terminal; tmux is installed where it is missing and that can be done."""
    if not shutil.which("tmux") and not os.geteuid() and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-qq", "tmux"], check=False, capture_output=True, timeout=300)
    assert shutil.which("tmux"), "these tests need tmux: install it (apt-get install tmux), and run them again"
    # The path of a socket may not be long.
    one = Pane(Path(f"/tmp/switchback-{os.getpid()}.tmux"))
    yield one
    one.tmux("kill-server")


@pytest.fixture(scope="module")
def three(hosts: Hosts) -> list[Host]:
    """Three hosts whose builds are slow."""
    started = hosts(3)
    for host in started:
        host.write("/home/app/slow.sh", SLOW, mode=0o755, owner="app")
    return started


def build(run: Runs, *hosts: Host) -> list[str]:
    """The command that builds a version on hosts."""
    data = [word for one in ("code=good-2", "force=true", "build_script=/home/app/slow.sh") for word in ("--data", one)]
    return [PYINFRA, str(run.inventory(*hosts)), "deploys/build.py", "-y", *data]


def rows(lines: list[str]) -> list[str]:
    """The rows that are drawn in place."""
    return [line for line in lines if " … " in line]


def test_a_slow_step_has_a_row_with_since_when_and_its_last_line_and_in_the_end_none(
    pane: Pane, three: list[Host], run: Runs
) -> None:
    pane.start(build(run, three[0]))
    first = pane.until(lambda lines: any("build_script … " in row and "part 2 of 6" in row for row in rows(lines)))
    later = pane.until(lambda lines: any("build_script … " in row and "part 4 of 6" in row for row in rows(lines)))
    for seen in (first, later):
        # In place: one row, the last line of all, cut to the width, and with nothing that the terminal obeys.
        assert rows(seen) == seen[-1:]
        assert len(seen[-1]) < WIDTH
        assert r"\x1b[31m" in seen[-1]
    end = pane.until(lambda lines: any(line.startswith("ENDED") for line in lines))
    assert "ENDED 0" in end
    assert rows(end) == []
    # As it was: what is typed is to be seen.
    assert end[-1] == "echo"


def test_three_hosts_have_a_row_each_and_ctrl_c_leaves_none_of_them(pane: Pane, three: list[Host], run: Runs) -> None:
    pane.start(build(run, *three))
    seen = pane.until(lambda lines: len([row for row in rows(lines) if "build_script … " in row]) == 3)
    assert [row.split("]")[0].strip("[ ") for row in rows(seen)] == [host.name for host in three]
    assert rows(seen) == seen[-3:]
    pane.tmux("send-keys", "C-c")
    end = pane.until(lambda lines: any(line.startswith("ENDED") for line in lines))
    assert "ENDED 1" in end
    assert rows(end) == []
    assert any(line.startswith("--> Stopped by you at build_script: ") for line in end)
    assert end[-1] == "echo"
