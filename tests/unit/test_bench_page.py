"""The page of the benchmark says what was measured, and judges the right rows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench import page
from tests.bench.tools import OURS, RESTARTING, ROLLING, SCRIPT, not_watched

DEPLOY = {
    **{"seconds": 5.0, "cpu": 1.0, "failed": 0, "outage": 0.0, "slowest": 0.1},
    **{"channels": 6, "deleted": 1, "steps": {"venv": 2.0}, "own_outage": 1.0},
}
REVERT = {"seconds": 2.0, "failed": 0, "outage": 0.0, "serves": 1.0}
COST = {"seconds": 6.0, "cpu": 1.0, "megabytes": 70.0}


def measured(**deploy: Any) -> dict[str, Any]:
    """A tool's figures, that come up to every bound but for what is said."""
    one = {**DEPLOY, **deploy}
    quiet = {"asked": 900, "failed": 0, "slowest": 0.2, "at_rest": 0.05}
    own = {"idle": [{"seconds": 1.0}], "busy": {"through nginx": dict(quiet), "straight to the app": dict(quiet)}}
    return {"deploy": [one], "far": [one], "revert": [dict(REVERT)], "start": [1.0], **own}


def found(others: tuple[str, ...] = (), **programs: str) -> dict[str, Any]:
    """All that is measured: the script takes 10 s, the others as well, ours 5 s and 3 s more when they watch."""
    slow = {name: measured(seconds=10.0, steps={}) for name in (SCRIPT.name, *others)}
    ours = {tool.name: measured(seconds=5.0 if "health_stable" in tool.settings else 8.0) for tool in OURS}
    told = {
        "when": "today",
        "machine": "2 cores",
        "load": [0.1, 0.2],
        "times": 1,
        "programs": programs,
        "pyinfra": [{"seconds": 0.5}],
    }
    return {**told, "tools": {**slow, **ours}, "hosts": {"1": COST}, "fakes": {"100": COST, "200": COST}}


def row(text: str, start: str) -> list[str]:
    """The cells of the one line of a table that begins so."""
    lines = [line for line in text.splitlines() if line.startswith(f"| {start} |")]
    assert len(lines) == 1, lines
    return [cell.strip() for cell in lines[0].strip("|").split("|")]


def bounds(measurements: dict[str, Any]) -> str:
    """The part of the page that judges."""
    return page.text(measurements).partition("## What it has to come up to")[2].partition("## Many hosts")[0]


def test_the_times_of_commands_are_judged_without_the_watching_and_told_with_it() -> None:
    cells = ["deploy, rolling, s", "at most 0.8 times the script (10.0 s)", "5.00", "8.00", "yes"]
    assert row(bounds(found()), "deploy, rolling, s") == cells


def test_bounds_in_seconds_come_with_the_speed_of_the_machine() -> None:
    words = " ".join(bounds(found()).split())
    assert "the script deploys in 7.8 s and goes back in 3.1 s. On this one it takes 10.0 s and 2.0 s" in words
    assert "pyinfra with nothing to do (`pyinfra @local exec -- true`): 0.5 s here" in words


@pytest.mark.parametrize(
    ("tool", "path", "value", "bound"),
    [
        (not_watched(RESTARTING), ("deploy", 0, "seconds"), 10.1, "deploy, restart, s"),
        (not_watched(ROLLING), ("deploy", 0, "seconds"), 8.1, "deploy, rolling, s"),
        (not_watched(ROLLING), ("revert", 0, "seconds"), 3.1, "going back, rolling, s"),
        (not_watched(RESTARTING), ("revert", 0, "serves"), 2.1, "old version serves, restart, s"),
        (RESTARTING, ("deploy", 0, "channels"), 21, "SSH channels, restart"),
        (RESTARTING, ("idle", 0, "seconds"), 1.6, "nothing to do, restart, s"),
        (ROLLING, ("deploy", 0, "cpu"), 2.1, "controller's CPU, rolling, s"),
        (ROLLING, ("revert", 0, "failed"), 1, "failed requests, rolling"),
        (ROLLING, ("busy", "straight to the app", "failed"), 1, "failed requests, rolling, many visitors"),
        (ROLLING, ("busy", "through nginx", "slowest"), 1.0, "slowest request, rolling, many visitors, s"),
        (RESTARTING, ("deploy", 0, "own_outage"), 1.2, "app's own outage, restart, s"),
    ],
)
def test_a_figure_over_its_bound_is_said_to_be(tool: Any, path: tuple[Any, ...], value: float, bound: str) -> None:
    measurements = found()
    assert "**no**" not in bounds(measurements)
    place = measurements["tools"][tool.name]
    for key in path[:-1]:
        # Figures of one tool may be the same object: only this place is to change.
        place[key] = place[key].copy()
        place = place[key]
    place[path[-1]] = value
    text = bounds(measurements)
    assert row(text, bound)[-1] == "**no**"
    assert text.count("**no**") == 1


def test_a_tool_that_is_not_installed_has_no_row_and_is_named() -> None:
    text = page.text(found(("Fabric",), Fabric="Fabric 3.0", Ansible="", Capistrano=""))
    assert "Measured: Fabric 3.0. Not installed, and so without a row: Ansible, Capistrano." in text
    deploys = text.partition("## Deploys")[2].partition("###")[0]
    named = [line.split("|")[1].strip() for line in deploys.splitlines() if line.startswith("| ")]
    assert named == ["", "---", SCRIPT.name, "Fabric", *(tool.name for tool in OURS)]


def test_many_visitors_have_a_table_of_their_own_with_what_they_get_without_a_deploy() -> None:
    assert row(page.text(found()), "straight to the app") == ["straight to the app", "900", "0", "0.20", "0.05"]
