"""Runs of the command line that are children of one process which has imported all of it: `tests/zygote.py`."""

from __future__ import annotations

import array
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

ZYGOTE = Path(__file__).with_name("zygote.py")
LONGEST = 1 << 12
# How much longer than a run may take it is waited for the word that it was killed, seconds.
KILLED_WITHIN = 30.0


class Forked:
    """Starts one run after the other.

    + processor_seconds: what they all have used of the processor
    """

    def __init__(self) -> None:
        self.processor_seconds = 0.0
        self._alone = threading.Lock()
        self._channel: socket.socket | None = None

    def run(
        self,
        argv: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        files: tuple[IO[bytes], IO[bytes], IO[bytes]],
        *,
        timeout: float,
    ) -> int:
        """Run pyinfra with arguments, the first of which is its script; its exit code, negative for a signal. Raises
        TimeoutError if that doesn't end in time, and nothing of it runs any more.

        + files: its standard input, output and error output
        """
        with self._alone:
            channel = self._channel = self._channel or start(argv[0], folder)
            asked = {"argv": argv, "folder": str(folder), "environment": dict(environment)}
            numbers = array.array("i", [file.fileno() for file in files])
            channel.settimeout(timeout)
            channel.sendmsg([json.dumps(asked).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
            child = _answer(channel)["pid"]
            try:
                ended = _answer(channel)
            except TimeoutError:
                os.killpg(child, signal.SIGKILL)
                channel.settimeout(KILLED_WITHIN)
                _answer(channel)
                raise
            self.processor_seconds += ended["processor"]
            return int(ended["code"])


def start(script: str, folder: Path) -> socket.socket:
    """Start the process that all runs are children of; it ends when its channel does."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        subprocess.Popen(
            [sys.executable, str(ZYGOTE), script, str(its.fileno())],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[its.fileno()],
            start_new_session=True,
        )
    return ours


def _answer(channel: socket.socket) -> dict[str, Any]:
    text = channel.recv(LONGEST)
    if not text:
        raise AssertionError(f"{ZYGOTE.name} has ended: see its error output")
    return dict(json.loads(text))


FORKED = Forked()
