"""What the stories of projects were like, read from the junit files that a run of them has left, as a page:
`python -m tests.projects.record FOLDER` writes docs/projects.md."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tests import record
from tests.bed.places import ROOT

PAGE = ROOT / "docs" / "projects.md"
# What a junit file has a record as.
PROPERTY = "project"
# What whoever has an ordinary project writes at most, in lines.
MOST = 12
HEAD = """\
# Projects that it was tried with

Written by `make test-projects` (tests/projects), of commit {commit}. Each is an ordinary project, and goes to a host
as a provider hands it out: `provision.py`, a first `deploy.py`, a second one while visitors come four times a second
to each of two pages, a third one whose front page fails where health does not look, `revert.py`, and a reboot. At
each of these points the rows and uploads that visitors have left are there, and can be added to; static files, the
admin and uploads are served; every process is of the live version. Of the version that failed no process is left, no
link, no file among those that are shared, and no migration. `make test` has three of them: startproject, https only,
two databases.

| project | lines | first | second | fails | back | failed requests: second | back | fails |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{table}

Lines are those of the settings. Seconds are those of the whole command, on a machine that did other things besides.
Of the version that fails the front page lets its visitors down, from the switch until it is taken back; where that
page is none of the two that are visited, nobody is.

## What was written for each
"""
# What is not among them, and why.
NOT_PLAYED = {
    "a front-end build by npm": "Debian's npm is 359 packages for a host; django-compressor comes by the same hook",
    "a certificate of Let's Encrypt's": "nobody signs for a test's name; https only has one of the test's own",
}


@dataclass(frozen=True)
class Record:
    """What a story was like.

    + settings: all that its user writes, as lines
    + seconds: of each run, by the points of the story
    + failed: of each run that visitors came to, how many of their requests failed, and of how many
    """

    name: str
    settings: list[str]
    seconds: dict[str, float] = field(default_factory=dict)
    failed: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert len(self.settings) <= MOST, self.settings

    def text(self) -> str:
        """It, as a junit file has it."""
        return json.dumps(asdict(self))


def read(folder: Path) -> list[Record]:
    """The records of a run, by the projects' names; of one that was played twice, the later one."""
    files = sorted(folder.glob("*.xml"), key=lambda file: file.stat().st_mtime)
    found = {}
    for file in files:
        for element in ElementTree.parse(file).getroot().iter("property"):  # noqa: S314 - pytest has written it
            if element.attrib["name"] == PROPERTY:
                one = Record(**json.loads(element.attrib["value"]))
                found[one.name] = one
    return sorted(found.values(), key=lambda one: one.name.lower())


def page(records: Sequence[Record], made_of: str, failed: Sequence[str] = ()) -> str:
    """The records as a page of Markdown.

    + made_of: the commit; failed: the tests of projects that failed
    """
    lines = [HEAD.format(commit=made_of, table="\n".join(map(_row, records)))]
    for one in records:
        lines += [f"{one.name[0].upper()}{one.name[1:]}:", "", *(f"    {line}" for line in one.settings), ""]
    if failed:
        lines += ["## What failed", "", *(f"- {test}" for test in failed), ""]
    if NOT_PLAYED:
        lines += ["## Not among them", "", "| what | why |", "| --- | --- |"]
        lines += [f"| {what} | {why} |" for what, why in NOT_PLAYED.items()]
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def _row(one: Record) -> str:
    seconds = [f"{one.seconds[point]:.0f} s" for point in ("first", "second", "late", "revert")]
    failed = ["{} of {}".format(*one.failed[point]) for point in ("second", "revert", "late")]
    return f"| {one.name} | {len(one.settings)} | {' | '.join([*seconds, *failed])} |"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.projects.record", description="What the projects were like.")
    parser.add_argument("folder", type=Path, help="where the junit files of the run are")
    folder = parser.parse_args().folder
    failed = [test for test in record.failed(record.read_all(folder)) if test.startswith("tests.projects.")]
    PAGE.write_text(page(read(folder), record.commit(), failed))


if __name__ == "__main__":
    main()
