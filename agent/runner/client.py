#!/usr/bin/python3 -IS
"""What a controller starts on a host to talk to the runner of a site: hands on what it is given, and what is answered.

It is small, for each operation starts one: where there is no runner to ask, the whole agent tells what is on disk.
"""

import json
import os
import socket
import subprocess
import sys
import time

STATE, RUN = "/var/lib/switchback", "/run/switchback"
# Those that have a runner started, if none is there.
STARTS = ("begin", "clean", "recover")
TRIES = 3
# How long one that has just ended may take to be gone, after which systemd starts the next; and how often it is looked,
# seconds.
GONE_WITHIN, LOOK = 10.0, 0.05
PART = 65536
MARK = b"\x1e"


def main() -> int:
    document = sys.stdin.buffer.readline().rstrip() + b"\n"
    head = json.loads(document)
    site = head["site"]
    for _ in range(TRIES):
        connection = connect(site)
        if connection is None and (head["verb"] in STARTS or os.path.lexists(f"{STATE}/{site}/lock")):
            connection = started(site)
        if connection is None:
            break
        last = talk(connection, document)
        if last is not None:
            return 0 if json.loads(last[len(MARK) :])["ok"] else 1
    return by_disk(document)


def connect(site: str) -> "socket.socket | None":
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(f"{RUN}/{site}/socket")
    except OSError:
        return None
    return connection


def started(site: str) -> "socket.socket | None":
    """Have a runner started. To systemd one that is about to end still runs, and so it starts none."""
    until = time.monotonic() + GONE_WITHIN
    while start(site):
        connection = connect(site)
        if connection is not None or time.monotonic() > until:
            return connection
        time.sleep(LOOK)
    return None


def start(site: str) -> bool:
    """Returns whether systemd has started a runner, or has one that runs."""
    os.makedirs(f"{RUN}/{site}", mode=0o700, exist_ok=True)
    with open(f"{RUN}/{site}/wanted", "w"):
        pass
    done = subprocess.run(
        ["systemctl", "start", f"switchback@{site}.service"], check=False, capture_output=True, text=True
    )
    if done.returncode:
        print("the runner can't be started:", (done.stderr or done.stdout).strip().split("\n")[0], flush=True)
    return not done.returncode


def talk(connection: socket.socket, document: bytes) -> "bytes | None":
    """Hand on what is asked, and what is answered. Returns the last line of that, where it says how it has ended."""
    try:
        connection.sendall(document)
        left = b""
        while part := connection.recv(PART):
            left += part
            whole, _, left = left.rpartition(b"\n")
            if whole:
                lines = whole.split(b"\n")
                write(whole + b"\n")
                if lines[-1].startswith(MARK):
                    return lines[-1]
    except OSError:
        return None
    return None


def write(text: bytes) -> None:
    try:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
    except OSError:
        # Whoever has asked is gone, which changes nothing.
        os._exit(1)


def by_disk(document: bytes) -> int:
    agent = os.path.join(os.path.realpath(__file__).rsplit("/agent/", 1)[0], "switchback-agent")
    return subprocess.run([agent], check=False, input=document).returncode


if __name__ == "__main__":
    sys.exit(main())
