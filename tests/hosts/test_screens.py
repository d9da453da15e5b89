"""The last screen of a run of each tag of the sample, as it is on a real host: golden data in tests/unit/endings.

    make test-screens                 # compares them
    make test-screens WRITE_GOLDEN=1  # writes them anew, after a change that is meant; read them before you commit

What differs from run to run is left out of them: times, durations, ids, addresses, and where a test's inventory lies.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.bed.hosts import Host
from tests.runs import SETTINGS, Result, Runs

# Each of its runs is one that another story holds to its preview.
HELD_TO_PREVIEWS = False
GOLDEN = Path(__file__).parent.parent / "unit" / "endings"
# In this order: what is refused or falls back first, for it leaves the host as it was.
FAILING = (
    "bad-requirements",
    "bad-check",
    "bad-static",
    "bad-migration",
    "bad-boot",
    "bad-live",
    "half-applied",
)
WELL = ("feature/with/slashes", "digits", "slow-boot", "good-2", "good-3")
LATER = ("bad-health",)
# What no older version can live with comes at last.
LAST = ("irreversible", "lossy")
# What is another one each time, and what stands for it.
DIFFERS = (
    (r"pyinfra \S+/stage\.py", "pyinfra inventories/prod.py"),
    (r"http://127\.0\.0\.1:\d+/", "https://www.example.com/"),
    (r"\b\d{8}-\d{6}-(deploy|build|revert|restart)-[0-9a-f]{4}\b", r"20250131-120000-\1-1a2b"),
    (r"django-\d{8}-\d{6}-", "django-20250131-120000-"),
    (r"app-\d{8}-\d{6}\.dump", "app-20250131-120000.dump"),
    (r"\[?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[ ,.+\d]*\]?", "[TIME]"),
    (r"\b\d+ min \d+ s\b|\b\d+(?:\.\d+)? s\b", "N s"),
    (r"(?<=\] )\[\d+\]", "[PID]"),
    (r"\(pid: ?\d+\)", "(PID)"),
    (r"0x[0-9a-f]+", "0x…"),
    (r"exit code \d+", "exit code N"),
    (r"\d+ of \d+ requests", "N of N requests"),
)


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """What must start here has more time than a test of failures gives it."""
    return {**SETTINGS, "health_timeout": 20, "site_timeout": 10}


def normalised(screen: str) -> str:
    """A last screen without what is another one each time."""
    for pattern, instead in DIFFERS:
        screen = re.sub(pattern, instead, screen)
    return "".join(f"{line.rstrip()}\n" for line in screen.splitlines())


def compare(name: str, result: Result) -> None:
    """Compare a last screen with what is known of it; or know it from now on, where that is asked for."""
    file, said = GOLDEN / f"{name.replace('/', '-')}.txt", normalised(result.screen)
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(said)
    # What is in a pip's, a server's or Django's output is theirs: it is not compared where it is set in.
    assert ours(said) == ours(file.read_text()), said


def ours(screen: str) -> list[str]:
    """The lines of a screen that are ours, and not what somebody has printed."""
    return [line for line in screen.splitlines() if not line.startswith("      ")]


@pytest.mark.parametrize("tag", FAILING)
def test_one_that_fails_ends_as_is_known(tag: str, host: Host, run: Runs) -> None:
    result = run("deploy", host, data={"code": tag})
    assert result.code == 1, result.output
    compare(tag, result)


def test_a_config_that_fails_ends_as_is_known(host: Host, run: Runs) -> None:
    result = run("deploy", host, data={"config": "bad-settings"})
    assert result.code == 1, result.output
    compare("config-bad-settings", result)


@pytest.mark.parametrize("tag", WELL)
def test_one_that_is_well_ends_as_is_known(tag: str, host: Host, run: Runs) -> None:
    compare(tag, run("deploy", host, data={"code": tag}).worked())


@pytest.mark.parametrize("kind", ["restart", "build", "revert"])
def test_any_other_run_ends_as_is_known(kind: str, host: Host, run: Runs) -> None:
    data = {"code": "good-2", "force": "true"} if kind == "build" else {}
    compare(kind, run(kind, host, data=data).worked())


@pytest.mark.parametrize("tag", LATER)
def test_one_that_builds_upon_those_and_fails_ends_as_is_known(tag: str, host: Host, run: Runs) -> None:
    result = run("deploy", host, data={"code": tag})
    assert result.code == 1, result.output
    compare(tag, result)


@pytest.mark.parametrize("tag", LAST)
def test_one_that_can_not_be_undone_ends_as_is_known(tag: str, host: Host, run: Runs) -> None:
    compare(tag, run("deploy", host, data={"code": tag, "irreversible": "accept"}).worked())
