"""docs/performance.md and its charts, from what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bed.places import ROOT
from tests.bench import charts
from tests.bench.scale import exponent, told
from tests.bench.tools import RESTARTING, ROLLING, SCRIPT, Switchback, not_watched

DOCS = ROOT / "docs"
# Visitors' requests a second, of each URL: by default, and when they are many.
RATE, BUSY_RATE = 50, 100
# What the script took on the machine on which bounds in seconds were set.
SET_WHERE = {"deploy": 7.8, "revert": 3.1}
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
    (DOCS / "performance.md").write_text(text(found))
    _draw(found)


def text(found: dict[str, Any]) -> str:
    """The page."""
    fakes = told(found["fakes"], "seconds")
    return TEXT.format(
        when=found["when"],
        machine=found["machine"],
        load=" to ".join(map(str, found["load"])),
        times=found["times"],
        rate=RATE,
        busy_rate=BUSY_RATE,
        programs=_programs(found["programs"]),
        deploys=_table(DEPLOYS, found["tools"]),
        reverts=_table(REVERTS, found["tools"]),
        busy=_busy(found["tools"][ROLLING.name]["busy"]),
        speed=_speed(found["tools"][SCRIPT.name], middle(found["pyinfra"], "seconds")),
        targets="\n".join(_targets(found["tools"])),
        scale=_scale(found),
        exponent=exponent(fakes) if len(fakes) > 1 else float("nan"),
    )


def _draw(found: dict[str, Any]) -> None:
    failed = {name: {"failed": middle(tool["deploy"], "failed")} for name, tool in found["tools"].items()}
    (DOCS / "performance-failed.svg").write_text(charts.bars("Requests that failed over a deploy", failed, ""))
    (DOCS / "performance-steps.svg").write_text(
        charts.bars("Seconds of a deploy, by step", _steps(found["tools"]), "s")
    )
    fakes = told(found["fakes"], "seconds")
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
    ("versions deleted", _of("deploy", "deleted", ".0f")),
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


def _programs(versions: Mapping[str, str]) -> str:
    """What was measured of the other tools, and what is not there to be measured."""
    there = "; ".join(version for version in versions.values() if version)
    missing = ", ".join(name for name, version in versions.items() if not version)
    said = [f"Measured: {there}."] if there else []
    return " ".join([*said, f"Not installed, and so without a row: {missing}."] if missing else said)


def _busy(halves: Mapping[str, Mapping[str, Any]]) -> str:
    rows = ["|  | requests | failed | slowest, s | slowest without a deploy, s |", "| --- | --- | --- | --- | --- |"]
    rows += [
        f"| {name} | {got['asked']} | {got['failed']} | {got['slowest']:.2f} | {got['at_rest']:.2f} |"
        for name, got in halves.items()
    ]
    return "\n".join(rows)


def _speed(script: dict[str, Any], pyinfra: float) -> str:
    """What the bounds that are in seconds have to be read with.

    + pyinfra: what pyinfra takes to do nothing, seconds
    """
    here = (f"{middle(script[kind], 'seconds'):.1f}" for kind in SET_WHERE)
    there = map(str, SET_WHERE.values())
    return (
        "Bounds that are in seconds were set on a machine on which the script deploys in {} s and goes back in {} s.\n"
        "On this one it takes {} s and {} s. A part of each of our times is that of pyinfra with nothing to do\n"
        "(`pyinfra @local exec -- true`): {:.1f} s here."
    ).format(*there, *here, pyinfra)


@dataclass(frozen=True)
class Bound:
    """Something that a deploy has to come up to.

    + bound: in words; most: the same as a figure
    + judged: the figure that has to come up to it; default: the same with the settings' own watching
    """

    words: str
    bound: str
    most: float
    judged: float
    default: float


def _targets(tools: dict[str, Any]) -> Iterator[str]:
    yield "| | bound | judged | watched, as by default | |"
    yield "| --- | --- | --- | --- | --- |"
    for one in _bounds(tools):
        verdict = "yes" if one.judged <= one.most else "**no**"
        yield f"| {one.words} | {one.bound} | {one.judged:.2f} | {one.default:.2f} | {verdict} |"


def _bounds(tools: dict[str, Any]) -> Iterator[Bound]:
    script, restart, rolling = tools[SCRIPT.name], tools[RESTARTING.name], tools[ROLLING.name]
    base, far = middle(script["deploy"], "seconds"), middle(script["far"], "seconds")
    a_fifth_less = f"at most 0.8 times the script ({base:.1f} s)"
    yield Bound("deploy, rolling, s", a_fifth_less, 0.8 * base, *_like_for_like(tools, ROLLING, "deploy", "seconds"))
    the_same = f"at most the script ({base:.1f} s)"
    yield Bound("deploy, restart, s", the_same, base, *_like_for_like(tools, RESTARTING, "deploy", "seconds"))
    for tool in (RESTARTING, ROLLING):
        short = tool.name.partition(", ")[2]
        for words, bound, most, kind, key in (
            ("over 80 ms", f"at most the script + 2 s ({far:.1f} s)", far + 2, "far", "seconds"),
            ("going back", "at most 3", 3, "revert", "seconds"),
            ("old version serves", "at most 2", 2, "revert", "serves"),
        ):
            yield Bound(f"{words}, {short}, s", bound, most, *_like_for_like(tools, tool, kind, key))
        yield from _by_default(short, tools[tool.name])
    yield _plain("failed requests, rolling", "0", 0, _most((*rolling["deploy"], *rolling["revert"]), "failed"))
    busy = rolling["busy"].values()
    yield _plain("failed requests, rolling, many visitors", "0", 0, _most(busy, "failed"))
    # Told to the millisecond.
    yield _plain("slowest request, rolling, many visitors, s", "under 1", 0.999, _most(busy, "slowest"))
    start = statistics.median(restart["start"])
    its_start = f"at most 1.1 times its start ({start:.1f} s)"
    yield _plain("app's own outage, restart, s", its_start, 1.1 * start, _own_outage(restart))


def _like_for_like(tools: dict[str, Any], tool: Switchback, kind: str, key: str) -> tuple[float, float]:
    """A figure without the watching, which the script does not do; and with it."""
    alike, default = tools[not_watched(tool).name], tools[tool.name]
    return middle(alike[kind], key), middle(default[kind], key)


def _by_default(short: str, tool: dict[str, Any]) -> Iterator[Bound]:
    yield _plain(f"SSH channels, {short}", "at most 20", 20, _most((*tool["deploy"], *tool["far"]), "channels"))
    yield _plain(f"nothing to do, {short}, s", "at most 1.5", 1.5, middle(tool["idle"], "seconds"))
    yield _plain(f"controller's CPU, {short}, s", "at most 2", 2, middle(tool["deploy"], "cpu"))


def _plain(words: str, bound: str, most: float, value: float) -> Bound:
    """What is judged as it is by default."""
    return Bound(words, bound, most, value, value)


def _most(values: Iterable[Mapping[str, Any]], key: str) -> float:
    return float(max(value[key] for value in values))


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
