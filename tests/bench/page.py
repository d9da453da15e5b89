"""docs/performance.md and its charts, from what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.bed.places import ROOT
from tests.bench import charts
from tests.bench.scale import exponent, told

DOCS = ROOT / "docs"
SCRIPT, RESTART, ROLLING = "bash script", "switchback, restart", "switchback, rolling"
# What it has to come up to: the words, the bound as they put it, and the figure.
Target = tuple[str, str, float, float]

TEXT = Path(__file__).with_name("performance.md.in").read_text()


def middle(values: Sequence[dict[str, Any]], key: str) -> float:
    """The median of one figure."""
    return float(statistics.median(value[key] for value in values))


def summary(tool: dict[str, Any]) -> str:
    """A tool's figures on a line, while it is measured."""
    deploys, reverts = tool["deploy"], tool["revert"]
    return (
        f"deploy {middle(deploys, 'seconds'):.1f} s, far {middle(tool['far'], 'seconds'):.1f} s, "
        f"failed {middle(deploys, 'failed'):.0f} (outage {middle(deploys, 'outage'):.2f} s), "
        f"back {middle(reverts, 'seconds'):.1f} s, channels {max(one['channels'] for one in deploys)}"
    )


def write(found: dict[str, Any]) -> None:
    """Write the page and its charts."""
    fakes = told(found["fakes"], "seconds")
    text = TEXT.format(
        when=found["when"],
        machine=found["machine"],
        load=" to ".join(map(str, found["load"])),
        times=found["times"],
        rate=50,
        deploys=_table(DEPLOYS, found["tools"]),
        reverts=_table(REVERTS, found["tools"]),
        targets="\n".join(_targets(found["tools"])),
        scale=_scale(found),
        exponent=exponent(fakes) if len(fakes) > 1 else float("nan"),
    )
    (DOCS / "performance.md").write_text(text)
    failed = {name: {"failed": middle(tool["deploy"], "failed")} for name, tool in found["tools"].items()}
    (DOCS / "performance-failed.svg").write_text(charts.bars("Requests that failed over a deploy", failed, ""))
    (DOCS / "performance-steps.svg").write_text(
        charts.bars("Seconds of a deploy, by step", _steps(found["tools"]), "s")
    )
    series = {"containers": [*told(found["hosts"], "seconds").items()], "not there": [*fakes.items()]}
    axes = ("hosts", "seconds")
    drawn = {name: [(float(x), y) for x, y in points] for name, points in series.items() if points}
    (DOCS / "performance-hosts.svg").write_text(charts.line("Seconds of a deploy to many hosts", drawn, axes))


Column = tuple[str, Callable[[dict[str, Any]], str]]


def _of(kind: str, key: str, form: str) -> Callable[[dict[str, Any]], str]:
    return lambda tool: format(middle(tool[kind], key), form)


DEPLOYS: tuple[Column, ...] = (
    ("deploy, s", _of("deploy", "seconds", ".1f")),
    ("over 80 ms, s", _of("far", "seconds", ".1f")),
    ("SSH channels", lambda tool: str(max(one["channels"] for one in (*tool["deploy"], *tool["far"])))),
    ("failed requests", _of("deploy", "failed", ".0f")),
    ("outage, s", _of("deploy", "outage", ".2f")),
    ("slowest request, s", _of("deploy", "slowest", ".2f")),
    ("controller's CPU, s", _of("deploy", "cpu", ".1f")),
    ("nothing to do, s", lambda tool: format(middle(tool["idle"], "seconds"), ".1f") if "idle" in tool else "-"),
)
REVERTS: tuple[Column, ...] = (
    ("going back, s", _of("revert", "seconds", ".1f")),
    ("old version serves after, s", _of("revert", "serves", ".1f")),
    ("failed requests", _of("revert", "failed", ".0f")),
    ("outage, s", _of("revert", "outage", ".2f")),
)


def _table(columns: Sequence[Column], tools: dict[str, Any]) -> str:
    rows = [["", *(heading for heading, _ in columns)], ["---"] * (len(columns) + 1)]
    rows += [[name, *(cell(tool) for _, cell in columns)] for name, tool in tools.items()]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _steps(tools: dict[str, Any]) -> dict[str, dict[str, float]]:
    """The seconds of each step of the tools that say them, and what all else takes; those of the others as a whole."""
    rows = {}
    for name, tool in tools.items():
        whole = middle(tool["deploy"], "seconds")
        steps = {
            step: statistics.median(one["steps"].get(step, 0) for one in tool["deploy"])
            for step in tool["deploy"][0]["steps"]
        }
        long = {step: seconds for step, seconds in steps.items() if seconds >= 0.2}
        rows[name] = {**long, "all else": max(0.0, whole - sum(long.values()))} if steps else {"as a whole": whole}
    return rows


def _targets(tools: dict[str, Any]) -> Iterator[str]:
    yield "| | bound | measured | |"
    yield "| --- | --- | --- | --- |"
    for words, bound, most, value in _bounds(tools):
        yield f"| {words} | {bound} | {value:.2f} | {'yes' if value <= most else '**no**'} |"


def _bounds(tools: dict[str, Any]) -> Iterator[Target]:
    script, restart, rolling = tools[SCRIPT], tools[RESTART], tools[ROLLING]
    base, far = middle(script["deploy"], "seconds"), middle(script["far"], "seconds")
    yield (
        "deploy, rolling, s",
        f"at most 0.8 times the script ({base:.1f} s)",
        0.8 * base,
        middle(rolling["deploy"], "seconds"),
    )
    yield "deploy, restart, s", f"at most the script ({base:.1f} s)", base, middle(restart["deploy"], "seconds")
    for name, tool in ((RESTART, restart), (ROLLING, rolling)):
        short = name.partition(", ")[2]
        yield (
            f"over 80 ms, {short}, s",
            f"at most the script + 2 s ({far:.1f} s)",
            far + 2,
            middle(tool["far"], "seconds"),
        )
        channels = max(one["channels"] for one in (*tool["deploy"], *tool["far"]))
        yield f"SSH channels, {short}", "at most 20", 20, channels
        yield f"going back, {short}, s", "at most 3", 3, middle(tool["revert"], "seconds")
        yield f"old version serves, {short}, s", "at most 2", 2, middle(tool["revert"], "serves")
        yield f"nothing to do, {short}, s", "at most 1.5", 1.5, middle(tool["idle"], "seconds")
        yield f"controller's CPU, {short}, s", "at most 2", 2, middle(tool["deploy"], "cpu")
    start = statistics.median(restart["start"])
    yield "failed requests, rolling", "0", 0, max(one["failed"] for one in (*rolling["deploy"], *rolling["revert"]))
    yield (
        "app's own outage, restart, s",
        f"at most 1.1 times its start ({start:.1f} s)",
        1.1 * start,
        _own_outage(restart),
    )


def _own_outage(tool: dict[str, Any]) -> float:
    return float(statistics.median(one["own_outage"] for one in tool["deploy"]))


def _scale(found: dict[str, Any]) -> str:
    rows = [
        "| hosts | seconds | seconds a host | controller's CPU, s | memory, MB |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind, points in (("containers", found["hosts"]), ("not there", found["fakes"])):
        for number, cost in points.items():
            each = cost["seconds"] / int(number)
            used = f"{cost['cpu']:.1f} | {cost['megabytes']:.0f}"
            rows.append(f"| {number} {kind} | {cost['seconds']:.1f} | {each:.2f} | {used} |")
    return "\n".join(rows)
