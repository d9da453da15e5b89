"""What a run of the tests was like, read from the junit files that it left: `python -m tests.record FOLDER` says it,
and with `--write` docs/test-run.md does. Each file is a part of the run; what was tried once more is `test-failed`."""

from __future__ import annotations

import argparse
import datetime
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests import mutations
from tests.bed.places import ROOT
from tests.spent import HERE, HOSTS_UP, ON_HOSTS

PAGE = ROOT / "docs" / "test-run.md"
AGAIN = "test-failed"
SLOWEST = 25
WELL, BAD = "passed", "FAILED"


@dataclass(frozen=True)
class Case:
    """A test in one part of a run.

    + seconds: its own, with what was set up for it; here, on_hosts: the processor's; up: how long hosts were, in sum
    """

    name: str
    outcome: str
    seconds: float
    here: float = 0.0
    on_hosts: float = 0.0
    up: float = 0.0


@dataclass(frozen=True)
class Part:
    """A part of a run: one junit file.

    + began, seconds: when it began, and how long it took, its tests beside each other
    """

    name: str
    cases: tuple[Case, ...]
    began: datetime.datetime
    seconds: float


def read(file: Path) -> Part:
    """Read a junit file."""
    suites = list(ElementTree.parse(file).getroot().iter("testsuite"))  # noqa: S314 - pytest has written it
    began = min(datetime.datetime.fromisoformat(suite.attrib["timestamp"]) for suite in suites)
    cases: dict[str, Case] = {}
    for element in (one for suite in suites for one in suite.iter("testcase")):
        case = _case(element)
        # One that was no success in its call, and again in its end, is there twice.
        if case.name not in cases or case.outcome == BAD:
            cases[case.name] = case
    return Part(file.stem, tuple(cases.values()), began, sum(float(suite.attrib["time"]) for suite in suites))


def _case(element: ElementTree.Element) -> Case:
    kept = {one.attrib["name"]: one.attrib["value"] for one in element.iter("property")}
    spent = {name: float(kept[name]) for name in (HERE, ON_HOSTS, HOSTS_UP) if name in kept}
    bad = any(element.find(kind) is not None for kind in ("failure", "error"))
    return Case(
        f"{element.attrib['classname']}.{element.attrib['name']}",
        BAD if bad else WELL,
        float(element.attrib["time"]),
        spent.get(HERE, 0.0),
        spent.get(ON_HOSTS, 0.0),
        spent.get(HOSTS_UP, 0.0),
    )


def read_all(folder: Path) -> list[Part]:
    """Read all parts of a run, in the order in which they began. Raises SystemExit where there are none."""
    parts = sorted((read(file) for file in folder.glob("*.xml")), key=lambda part: part.began)
    if not parts:
        sys.exit(f"error: no junit file is in {folder}: `make test` writes some")
    return parts


def write(file: Path, name: str, cases: Iterable[Case], began: datetime.datetime, seconds: float) -> None:
    """Write a junit file, for what is played without pytest."""
    suite = ElementTree.Element("testsuite", name=name, timestamp=began.isoformat(), time=f"{seconds:.1f}")
    for case in cases:
        element = ElementTree.SubElement(suite, "testcase", classname=name, name=case.name, time=f"{case.seconds:.1f}")
        if case.outcome == BAD:
            ElementTree.SubElement(element, "failure")
    file.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(suite).write(file)


def tried_twice(parts: Sequence[Part]) -> list[tuple[str, str]]:
    """The tests that were tried once more, and how they ended then."""
    return [(case.name, case.outcome) for part in parts if part.name == AGAIN for case in part.cases]


def failed(parts: Sequence[Part]) -> list[str]:
    """The tests that failed at last."""
    last = {case.name: case.outcome for part in parts for case in part.cases}
    return [name for name, outcome in last.items() if outcome == BAD]


def table(parts: Sequence[Part]) -> list[str]:
    """The parts as a table of Markdown. Processor and hosts are in minutes, too."""
    lines = [
        "| part | tests | failed | minutes | processor, here | processor, hosts | hosts up |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for part in parts:
        bad = sum(case.outcome == BAD for case in part.cases)
        sums = [sum(getattr(case, what) for case in part.cases) for what in ("here", "on_hosts", "up")]
        minutes = " | ".join(f"{one / 60:.1f}" for one in (part.seconds, *sums))
        lines.append(f"| {part.name} | {len(part.cases):,} | {bad} | {minutes} |")
    return lines


def again(parts: Sequence[Part]) -> list[str]:
    """What was tried once more, as a list of Markdown."""
    return [f"- {name}: {outcome}" for name, outcome in tried_twice(parts)] or ["Nothing was tried twice."]


def page(parts: Sequence[Part], commit: str, mutated: Sequence[str] = ()) -> str:
    """A run as a page of Markdown.

    + mutated: what is said of the mutations, if they were part of it
    """
    tests = {case.name for part in parts for case in part.cases}
    bad = failed(parts)
    # The parts run one after the other.
    minutes = sum(part.seconds for part in parts) / 60
    ended = [f"{len(bad)} of them failed:", "", *(f"- {name}" for name in bad)] if bad else ["All of them passed."]
    lines = [
        "# The last run of all tests",
        "",
        "Written by `make test-all`, from the junit files of its parts.",
        "",
        f"Commit {commit}, {parts[0].began:%Y-%m-%d %H:%M} UTC: {len(tests):,} tests in {minutes:.0f} minutes.",
        *ended,
        "",
        *table(parts),
        "",
        "Minutes of the processor are those of the tests and of the command line that they start, and those of all",
        "processes on the hosts; the hosts' own minutes are of all of them, added up.",
        "",
        "## Tried twice",
        "",
        *again(parts),
    ]
    if mutated:
        lines += ["", "## Mutations", "", "Pure modules, broken in every small way.", "", *mutated]
    return "\n".join(lines) + "\n"


def said(parts: Sequence[Part]) -> str:
    """A run as a person reads it on the screen."""
    cases = sorted((case for part in parts for case in part.cases), key=lambda case: -case.seconds)
    slowest = [
        f"{case.seconds:7.1f} {case.here:7.1f} {case.on_hosts:7.1f} {case.up:7.1f}  {case.name}"
        for case in cases[:SLOWEST]
    ]
    heading = "seconds    here   hosts      up  (seconds of the processor here and on hosts; how long hosts were up)"
    return "\n".join([*table(parts), "", heading, *slowest, "", "Tried twice:", *again(parts)])


def commit() -> str:
    """The commit of this checkout."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Say, or write, what a run was like."""
    parser = argparse.ArgumentParser(prog="python -m tests.record", description="What a run of the tests was like.")
    parser.add_argument("folder", type=Path, help="where its junit files are")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    given = parser.parse_args()
    parts = read_all(given.folder)
    if given.write:
        kept = given.folder / mutations.RESULT
        mutated = mutations.table(mutations.load(kept), mutations.words()) if kept.exists() else []
        PAGE.write_text(page(parts, commit(), mutated))
    sys.stdout.write(said(parts) + f"\n\nAll of it: {given.folder}\n")
    if given.write and failed(parts):
        sys.exit(1)


if __name__ == "__main__":
    main()
