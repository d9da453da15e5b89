"""What more hosts cost: deploys to several containers at once, and the controller's own part, with hosts not there."""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from pprint import pformat
from typing import Any

import yaml

from agent.words.shapes import to_json
from switchback.wire.payload import agent_fingerprint
from tests.bed import hosts
from tests.bed.hosts import Host
from tests.bed.legacy import wait_for_site
from tests.bed.places import ROOT
from tests.bench.tools import LIMIT, Switchback
from tests.runs import PYINFRA, SETTINGS, Runs
from tests.unit.examples import NEW, host_facts

# The agent's answers, by a pattern of what it is asked.
ANSWERS = {
    r" preview\b": json.dumps({}),
    r" commit'?$": f"committed: {NEW} is live and healthy",
}


def deploy_to(number: int, image: str, tool: Switchback) -> dict[str, float]:
    """Deploy to so many containers at once. Returns the seconds that it takes."""
    names = [f"test-{os.getpid()}-scale-{one}" for one in range(number)]
    started: list[Host] = []
    try:
        with ThreadPoolExecutor(4) as pool:
            started += pool.map(lambda name: hosts.start(name, image=image), names)
            list(pool.map(wait_for_site, started))
        with tempfile.TemporaryDirectory() as folder:
            # What a busy machine takes its time for is not what is measured.
            told = {**SETTINGS, **tool.settings, "health_timeout": 120, "site_timeout": 120, "restart_timeout": 120}
            argv = [PYINFRA, str(Runs(Path(folder), told).inventory(*started)), "deploys/deploy.py", "-y"]
            return _measured([*argv, "--data", "code=feature/with/slashes"])
    finally:
        for host in started:
            host.remove()


def fakes(number: int) -> dict[str, float]:
    """Deploy to so many hosts that are not there but answer at once. Returns seconds, processor seconds and memory."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "website_url": "https://www.example.com/",
            "code_repo_url": "git@git.example.com:site/code.git",
            "config_repo_url": "git@git.example.com:site/config.git",
            "code_branch": "main",
            "config_branch": "main",
        }
        (Path(folder) / "group_data").mkdir()
        (Path(folder) / "group_data" / "fakes.yml").write_text(yaml.safe_dump(settings))
        known = {**ANSWERS, r" survey\b": to_json(host_facts(agent=agent_fingerprint()))}
        (Path(folder) / "fakes.py").write_text(
            "import re\n\nfrom switchback.hosts.inventory import inventory\n\n"
            f"_answers = {{re.compile(one): how for one, how in {pformat(known)}.items()}}\n"
            "_data = {'fake_delay': 0, 'fake_delay_jitter': 0, 'fake_responses': _answers}\n"
            f"app = inventory(__file__, hosts=[(f'@fake/web{{n}}', dict(_data)) for n in range({number})])\n"
        )
        return _measured([PYINFRA, str(Path(folder) / "fakes.py"), "deploys/deploy.py", "-y"])


def _measured(argv: list[str]) -> dict[str, float]:
    """Run a command alone. Raises AssertionError when it fails."""
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        output.seek(0)
        assert os.waitstatus_to_exitcode(status) == 0, output.read().decode(errors="replace")[-4000:]
    assert seconds < LIMIT
    cpu = usage.ru_utime + usage.ru_stime
    return {"seconds": round(seconds, 2), "cpu": round(cpu, 2), "megabytes": round(usage.ru_maxrss / 1024, 1)}


def exponent(points: dict[int, float]) -> float:
    """How a cost grows with the number of hosts: 1 is in step with it, 2 is quadratic. A fit over the logarithms."""

    xs, ys = [math.log(x) for x in points], [math.log(y) for y in points.values()]
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True))
    return above / sum((x - middle_x) ** 2 for x in xs)


def told(points: dict[str, Any], key: str) -> dict[int, float]:
    """One cost by the number of hosts."""
    return {int(number): float(cost[key]) for number, cost in points.items()}
