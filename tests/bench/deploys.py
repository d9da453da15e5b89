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
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tests.bed import hosts
from tests.bed.hosts import Host
from tests.bed.keys import remember_host
from tests.bed.legacy import wait_for_site
from tests.bed.places import BED
from tests.bench import page, scale
from tests.bench.commits import make_commits
from tests.bench.delay import delayed
from tests.bench.tools import OTHERS, OURS, RESTARTING, ROLLING, SCRIPT, Switchback, Took, Tool
from tests.hosts.visitors import APP, visitors
from tests.prepared import ensure_engine_alone, prepared_image

ROUND_TRIP = 0.080
# So many deploys, and each one after them deletes an old version.
WARM_UP = 3
HOME = "/home/app"
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
    """Deploy a branch with many visitors, half of them past nginx; and tell what each half got."""
    urls = {"through nginx": host.website_url, "straight to the app": APP}
    with visitors(host, page.BUSY_RATE, *urls.values()) as answers:
        tool.deploy(host, branch)
    return {name: _noticed(got) for name, got in zip(urls, answers, strict=True)}


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
    lines = host.run(["cat", "/var/lib/switchback/history.jsonl"]).stdout.splitlines()
    last = [json.loads(line) for line in lines if '"kind": "deploy"' in line][-1]
    cost: dict[str, Any] = last["cost"]
    return cost


def measure(tool: Tool, image: str, times: int) -> dict[str, Any]:
    """All that is measured of a tool, on a host of its own."""
    host = hosts.start(f"test-{os.getpid()}-bench", image=image, disks=(HOME,))
    try:
        wait_for_site(host)
        host.run(VERBOSE)
        commits = WARM_UP + 2 * times + 1
        make_commits(host, commits)
        branches = [f"bench-{number}" for number in range(1, commits + 1)]
        near, far, last = branches[WARM_UP : WARM_UP + times], branches[WARM_UP + times : -1], branches[-1]
        found: dict[str, Any] = {"deploy": [], "revert": [], "far": [], "start": []}
        for branch in branches[:WARM_UP]:
            deploy(tool, host, branch)
        for branch in near:
            found["deploy"].append(deploy(tool, host, branch))
            found["revert"].append(revert(tool, host))
        with delayed(host.ssh_port, ROUND_TRIP) as port:
            remember_host(port)
            distant = replace(host, ssh_port=port)
            found["far"] = [deploy(tool, distant, branch) for branch in far]
        if isinstance(tool, Switchback):
            found["idle"] = [_told(tool.deploy(host, far[-1])) for _ in range(times)]
        if tool == ROLLING:
            found["busy"] = deploy_busy(tool, host, last)
        found["start"] = [round(float(host.run(["python3", "-c", START]).stdout), 2) for _ in range(times)]
        return found
    finally:
        host.remove()


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
    tools = {}
    for tool in there:
        print(f"{tool.name} …", flush=True)
        tools[tool.name] = measure(tool, image, given.times)
        print("  " + page.summary(tools[tool.name]), flush=True)
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
        "tools": tools,
        "hosts": several,
        "fakes": fakes,
    }


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",") if word]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
