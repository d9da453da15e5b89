"""How long nobody is served: `make bench-outage`.

A deploy that restarts the service as a whole, migrates nothing and has no window, against the app's own stop and start,
with supervisord kept awake in both; and going back, until the old version serves, against the script. In turns, since
a machine that others use too is now quicker, now slower.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from agent.restart.full import WAKE
from tests.bed import hosts
from tests.bed.hosts import Host
from tests.bed.legacy import wait_for_site
from tests.bench.commits import make_commits
from tests.bench.deploys import first_answer
from tests.bench.tools import RESTARTING, SCRIPT, Tool
from tests.faults.watch import journal, wait_until
from tests.hosts.visitors import APP
from tests.prepared import PATIENT, TAG, ensure_engine_alone, prepared_image
from tests.runs import Runs

# The most that each may be, as a part of what it is compared with.
OUTAGE_LIMIT, BACK_LIMIT = 1.25, 1.0
WITHOUT_WINDOW = {**PATIENT, "restart": "restart", "maintenance": "auto"}
ADDRESS = APP.split("/")[2]
ASKS, STOP = "/root/asks.py", "/root/stop-asking"
# The longest that nobody got an answer, seconds: one question after the other, each on a connection of its own.
ASK = """\
import http.client, os, sys, time
stop, host = sys.argv[1:]
longest, last = 0.0, time.monotonic()
while not os.path.exists(stop):
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request("GET", "/version")
        good = connection.getresponse().status == 200
    except OSError:
        good = False
    connection.close()
    if good:
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    time.sleep(0.01)
print(longest)
"""
# As one would who knows that supervisord sleeps: it is kept awake until the app answers.
OWN = """\
import os, subprocess, sys, time, urllib.request
waker = subprocess.Popen([sys.executable, "-ISc", sys.argv[1], "/home/app/supervisor.sock", str(os.getpid())])
try:
    subprocess.run(["systemctl", "stop", "django"], check=True)
    subprocess.run(["systemctl", "start", "django"], check=True)
    while True:
        try:
            urllib.request.urlopen(sys.argv[2], timeout=30)
            break
        except OSError:
            time.sleep(0.02)
finally:
    waker.kill()
"""


@contextmanager
def asked(host: Host) -> Iterator[list[float]]:
    """Ask the app all the while; how long nobody got an answer is filled in at the end."""
    host.run(["rm", "-f", STOP])
    host.write(ASKS, ASK)
    found: list[float] = []
    asking = threading.Thread(target=lambda: found.append(float(host.read(["python3", ASKS, STOP, ADDRESS]))))
    asking.start()
    try:
        wait_until(host, f"pgrep -f {ASKS} >/dev/null")
        yield found
    finally:
        host.run(["touch", STOP])
        asking.join()


def own(host: Host) -> float:
    """How long the app's own stop and start leave visitors without an answer, seconds."""
    with asked(host) as found:
        host.run(["python3", "-c", OWN, WAKE, f"{APP}version"])
    return found[0]


def deployed(host: Host, run: Runs) -> float:
    """The same of a deploy of a version that is built anew, with no migration."""
    with asked(host) as found:
        run("deploy", host, data={"code": TAG, "force": "true"}).worked()
    return found[0]


def outages(times: int) -> list[tuple[float, float]]:
    """What a deploy takes, and what the app does, in turns."""
    with started("outage", prepared_image()) as host, tempfile.TemporaryDirectory() as folder:
        found, run = list[tuple[float, float]](), Runs(Path(folder), dict(WITHOUT_WINDOW))
        for _ in range(times):
            found.append((deployed(host, run), own(host)))
            print(f"outage: {found[-1][0]:.2f} s, own stop and start {found[-1][1]:.2f} s", flush=True)
    return found


def back(times: int) -> list[tuple[float, float]]:
    """When the old version serves again after going back: by us, and by the script, in turns."""
    image, found, parts = prepared_image(), list[tuple[float, float]](), list[dict[str, float]]()
    with started("back", image) as ours, started("script", image) as scripts:
        for host, tool in ((ours, RESTARTING), (scripts, SCRIPT)):
            make_commits(host, 1)
            tool.deploy(host, "bench-1")
        for _ in range(times):
            began, after = serves(RESTARTING, ours)
            found.append((after, serves(SCRIPT, scripts)[1]))
            parts.append(parts_of(ours, began))
            print("the old version serves: after {:.2f} s, by the script {:.2f} s".format(*found[-1]), flush=True)
            # The script's way back leads to and fro.
            RESTARTING.deploy(ours, "bench-1")
    for name in parts[0]:
        print(f"  {name}: {statistics.median(one[name] for one in parts):.2f} s")
    return found


def serves(tool: Tool, host: Host) -> tuple[float, float]:
    """When a tool was told to go back, and how long it took until the version of before served visitors."""
    was = host.run("git -C $(readlink -f /home/app/django-previous)/code rev-parse HEAD", user="app").stdout.strip()
    began = time.time()
    with first_answer(host, was) as first:
        tool.revert(host)
    return began, first["after"]


def parts_of(host: Host, began: float) -> dict[str, float]:
    """Where the time of a revert has gone until visitors were let in, by its journal.

    + began: when it was started, seconds since the epoch
    """
    parts, last = dict[str, float](), began
    for record in journal(host):
        name = {"begin": "until it has begun"}.get(record["event"]) or f"{record['event']}: {record.get('step')}"
        if record["event"] in ("begin", "step started", "step done"):
            parts[name], last = record["at"] - last, record["at"]
        if name == "step done: maintenance_stop":
            break
    return parts


@contextmanager
def started(name: str, image: str) -> Iterator[Host]:
    """A host whose site answers."""
    host = hosts.start(f"test-{os.getpid()}-bench-{name}", image=image)
    try:
        wait_for_site(host)
        yield host
    finally:
        host.remove()


def told(name: str, pairs: Sequence[tuple[float, float]], limit: float) -> bool:
    """Print the medians and their ratio. Returns whether it is within its limit."""
    ours, other = (statistics.median(one) for one in zip(*pairs, strict=True))
    ratio = statistics.median(one / another for one, another in pairs)
    print(f"{name}: {ours:.2f} s to {other:.2f} s, median of {len(pairs)} pairs {ratio:.2f} x (at most {limit} x)")
    return ratio <= limit


def main(arguments: Sequence[str]) -> int:
    """Measure both. Returns 1 where one is not within its limit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=5, help="how many pairs")
    parser.add_argument("--only", choices=("outage", "back"))
    given = parser.parse_args(arguments)
    ensure_engine_alone()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {time.strftime('%Y-%m-%d %H:%M')}")
    measured = {"outage": (outages, OUTAGE_LIMIT), "back": (back, BACK_LIMIT)}
    chosen = {name: one for name, one in measured.items() if given.only in (None, name)}
    good = [told(name, measure(given.times), limit) for name, (measure, limit) in chosen.items()]
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
