"""Deploys compared: `make bench` measures, and writes docs/performance.md with its charts.

Each tool has a host of its own in a container of this machine, prepared alike, and deploys commits that have a
migration each, with visitors coming all the time. Every command is measured from its start to its end, close by and
over a link of 80 ms there and back.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tests.bed import hosts
from tests.bed.hosts import Host
from tests.bed.keys import remember_host
from tests.bed.legacy import wait_for_site
from tests.bed.places import BED
from tests.bench import page, scale
from tests.bench.commits import make_commits
from tests.bench.delay import delayed
from tests.bench.tools import IDLE_PYINFRA, OTHERS, OURS, RESTARTING, ROLLING, SCRIPT, Switchback, Took, Tool, timed
from tests.hosts.visitors import APP, visitors
from tests.prepared import ensure_engine_alone, prepared_image

ROUND_TRIP = 0.080
# So many deploys, and each one after them deletes an old version.
WARM_UP = 3
HOME = "/home/app"
# So many seconds the site is visited without a deploy.
AT_REST = 5.0
VERSIONS = f"find {HOME} -mindepth 2 -maxdepth 3 -type d -name venv"
RESULTS = BED / "bench.json"
VERBOSE = "echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/bench.conf && systemctl reload ssh"
CHANNELS = "journalctl --unit ssh --since @{} --output cat | grep -c 'Starting session' || true"
# From the start of the service to its first good answer.
START = """
import subprocess, time, urllib.request
subprocess.run(["systemctl", "stop", "django"], check=True)
began = time.monotonic()
subprocess.run(["systemctl", "start", "django"], check=True)
while True:
    try:
        urllib.request.urlopen("http://127.0.0.1:8000/", timeout=5)
        break
    except OSError:
        time.sleep(0.005)
print(time.monotonic() - began)
"""


def deploy(tool: Tool, host: Host, branch: str) -> dict[str, Any]:
    """Deploy a branch under load, and measure."""
    since = host.run(["date", "+%s.%N"]).stdout.strip()
    old = _versions(host)
    with visitors(host, page.RATE, host.website_url) as answers:
        took = tool.deploy(host, branch)
    channels = int(host.run(CHANNELS.format(since)).stdout)
    cost = _cost(host, tool)
    own = {"steps": cost.get("steps", {}), "own_outage": cost.get("app", {}).get("outage", 0.0)}
    kept = {"deleted": len(old - _versions(host)), "channels": channels}
    return {**_told(took), **_noticed(answers[0]), **kept, **own}


def deploy_busy(tool: Tool, host: Host, branch: str) -> dict[str, Any]:
    """Deploy a branch with many visitors, half of them past nginx; and tell what each half got, and gets at rest."""
    urls = {"through nginx": host.website_url, "straight to the app": APP}
    with visitors(host, page.BUSY_RATE, *urls.values()) as answers:
        tool.deploy(host, branch)
    with visitors(host, page.BUSY_RATE, *urls.values()) as at_rest:
        time.sleep(AT_REST)
    halves = zip(urls, answers, at_rest, strict=True)
    return {name: {**_noticed(got), "at_rest": rest["slowest"]} for name, got, rest in halves}


def revert(tool: Tool, host: Host) -> dict[str, Any]:
    """Go back under load; and measure when the old version has given its first answer."""
    was = host.run("git -C $(readlink -f /home/app/django-previous)/code rev-parse HEAD", user="app").stdout.strip()
    with visitors(host, page.RATE, host.website_url) as answers, first_answer(host, was) as first:
        took = tool.revert(host)
    return {**_told(took), **_noticed(answers[0]), "serves": round(first["after"], 2)}


@contextmanager
def first_answer(host: Host, commit: str) -> Iterator[dict[str, float]]:
    """How long it takes from now until a version answers."""
    found = {"after": float("nan")}
    began, over = time.monotonic(), threading.Event()

    def look() -> None:
        while not over.is_set():
            try:
                with urllib.request.urlopen(host.website_url + "version", timeout=5) as answer:
                    if json.load(answer)["code"] == commit:
                        found["after"] = time.monotonic() - began
                        return
            except (OSError, ValueError):
                pass
            time.sleep(0.02)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def _versions(host: Host) -> set[str]:
    return set(host.run(VERSIONS).stdout.split())


def _told(took: Took) -> dict[str, float]:
    return {"seconds": round(took.seconds, 2), "cpu": round(took.cpu, 2)}


def _noticed(answers: dict[str, Any]) -> dict[str, Any]:
    return {key: answers[key] for key in ("asked", "failed", "outage", "slowest")}


def _cost(host: Host, tool: Tool) -> dict[str, Any]:
    """What the last deploy has cost, as its own history says; a script keeps none."""
    if not isinstance(tool, Switchback):
        return {}
    lines = host.run(["cat", "/var/lib/switchback/django/history.jsonl"]).stdout.splitlines()
    last = [json.loads(line) for line in lines if '"kind": "deploy"' in line][-1]
    cost: dict[str, Any] = last["cost"]
    return cost


@dataclass
class Entrant:
    """A tool with a host of its own, and what is measured of it.

    + branches: those that it has yet to deploy
    """

    tool: Tool
    host: Host
    branches: Iterator[str]
    found: dict[str, Any] = field(default_factory=lambda: {"deploy": [], "revert": [], "far": [], "start": []})

    def deploy(self, host: Host | None = None) -> dict[str, Any]:
        """Deploy the next branch, over another way to its host if there is one."""
        return deploy(self.tool, host or self.host, next(self.branches))

    def there_and_back(self) -> None:
        """Deploy, and go back."""
        self.found["deploy"].append(self.deploy())
        self.found["revert"].append(revert(self.tool, self.host))

    def from_afar(self) -> None:
        """Deploy over a long link."""
        with delayed(self.host.ssh_port, ROUND_TRIP) as port:
            remember_host(port)
            self.found["far"].append(self.deploy(replace(self.host, ssh_port=port)))

    def for_nothing(self) -> None:
        """Deploy what is live already, where the tool knows that; and start the app."""
        if isinstance(self.tool, Switchback):
            again = f"bench-{WARM_UP + len(self.found['deploy']) + len(self.found['far'])}"
            self.found.setdefault("idle", []).append(_told(self.tool.deploy(self.host, again)))
        self.found["start"].append(round(float(self.host.run(["python3", "-c", START]).stdout), 2))


def measure(tools: Sequence[Tool], image: str, times: int) -> dict[str, dict[str, Any]]:
    """All that is measured of each tool. They take turns: a machine that others use too is now quicker, now slower."""
    commits = WARM_UP + 2 * times + 1
    with ExitStack() as stack:
        entrants = []
        for number, tool in enumerate(tools):
            host = hosts.start(f"test-{os.getpid()}-bench-{number}", image=image, disks=(HOME,))
            stack.callback(host.remove)
            wait_for_site(host)
            host.run(VERBOSE)
            make_commits(host, commits)
            entrants.append(Entrant(tool, host, (f"bench-{number}" for number in range(1, commits + 1))))
        for entrant in entrants:
            print(f"{entrant.tool.name} …", flush=True)
            for _ in range(WARM_UP):
                entrant.deploy()
        for turn in (Entrant.there_and_back, Entrant.from_afar, Entrant.for_nothing):
            for number in range(1, times + 1):
                print(f"{turn.__name__.replace('_', ' ')}, {number} of {times} …", flush=True)
                for entrant in entrants:
                    turn(entrant)
        for entrant in entrants:
            if entrant.tool == ROLLING:
                entrant.found["busy"] = deploy_busy(entrant.tool, entrant.host, next(entrant.branches))
            print(f"{entrant.tool.name}: {page.summary(entrant.found)}", flush=True)
    return {entrant.tool.name: entrant.found for entrant in entrants}


def main(arguments: Sequence[str]) -> int:
    """Measure, and write the page; `--page` writes it again from what was measured last."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=5, help="how often each thing is measured")
    parser.add_argument("--hosts", default="1,2,5,10", help="numbers of hosts to deploy to at once")
    parser.add_argument("--fakes", default="100,200,500", help="numbers of hosts that are not there")
    parser.add_argument("--page", action="store_true", help="only write the page")
    given = parser.parse_args(arguments)
    if not given.page:
        RESULTS.write_text(json.dumps(_measure_all(given), indent=1))
    page.write(json.loads(RESULTS.read_text()))
    return 0


def _measure_all(given: argparse.Namespace) -> dict[str, Any]:
    ensure_engine_alone()
    image = prepared_image()
    began = os.getloadavg()[0]
    programs = {tool.name: tool.version() for tool in OTHERS}
    there: Sequence[Tool] = (SCRIPT, *(tool for tool in OTHERS if programs[tool.name]), *OURS)
    tools = measure(there, image, given.times)
    idle = [_told(timed(IDLE_PYINFRA)) for _ in range(given.times)]
    several = {}
    for number in _numbers(given.hosts):
        several[number] = scale.deploy_to(number, image, RESTARTING)
        print(f"{number} hosts: {several[number]}", flush=True)
    fakes = {}
    for number in _numbers(given.fakes):
        fakes[number] = scale.fakes(number)
        print(f"{number} hosts that are not there: {fakes[number]}", flush=True)
    return {
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "load": [round(began, 1), round(os.getloadavg()[0], 1)],
        "times": given.times,
        "programs": programs,
        "pyinfra": idle,
        "tools": tools,
        "hosts": several,
        "fakes": fakes,
    }


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",") if word]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
