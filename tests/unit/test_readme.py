"""Every command that README and the docs show is one that can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.steps.order import COMMIT, STEPS
from switchback.settings.given import Given, checked
from switchback.settings.model import Settings
from switchback.settings.options import Options
from tests.bed.demo import NEXT
from tests.unit.examples import without_gevent

with without_gevent():
    from pyinfra_cli.cli import cli  # type: ignore[import-untyped]

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")))
# What stands for something that a reader puts there.
PLACEHOLDER = re.compile(r"^\$?[A-Z]+$")
STARTS = re.compile(r"^(?:\.venv/bin/)?(?:pyinfra|make|git|cd|cp|python3?|pip|ssh|sudo|docker) ")
# What docs tell of besides is typed on a host, or is somebody else's program.
OURS = re.compile(r"^(?:\.venv/bin/)?(?:pyinfra inventories/|make )")


def commands(page: Path) -> Iterator[str]:
    """The commands of a page: lines of its indented blocks, and of its text what is marked as code."""
    for line in page.read_text().splitlines():
        shown = line.strip() if line.startswith("    ") else ""
        found = [shown, *re.findall(r"`([^`]+)`", line if not shown else "")]
        for text in found:
            if STARTS.match(text) and (page == README or OURS.match(text)):
                yield text.partition("  # ")[0].strip()


def is_run(words: list[str]) -> bool:
    """Whether tests/hosts/test_demo.py runs a command: it runs the demo, and all that the demo suggests."""
    suggested = [shlex.split(line) for line in NEXT.splitlines() if line.strip().startswith(".venv/bin/pyinfra")]
    return words in suggested or words in (["make", "demo"], ["make", "demo-down"])


def parse(words: list[str]) -> None:
    """Take a command as the program takes it that it is for. Raises whatever that does."""
    program = words[0].rpartition("/")[2]
    if program == "pyinfra":
        parse_pyinfra(words[1:])
    elif program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert {word for word in words[1:] if "=" not in word} <= set(targets)
    elif program == "cp":
        assert (ROOT / words[1]).exists()
    elif words[:3] == ["python3", "-m", "venv"]:
        assert words[4:] in ([], ["&&", ".venv/bin/pip", "install", "-e", "."])
    elif words[1:2] == ["-m"]:
        assert (ROOT / (words[2].replace(".", "/") + ".py")).exists()
    else:
        raise AssertionError(f"nobody has run {words}, and nobody knows how to read it")


def parse_pyinfra(arguments: list[str]) -> None:
    """Read the arguments as pyinfra does, and what --data says as an inventory does."""
    given = cli.make_context("pyinfra", list(arguments)).params
    inventory = Path(given["inventory"])
    # The demo's knows its host only while there is one, staging and shop are the reader's own.
    assert (ROOT / inventory).exists() or inventory.stem in ("staging", "prod", "shop")
    assert given["operations"], "no deploy file"
    assert [one for one in given["operations"] if not (ROOT / one).exists() and not PLACEHOLDER.match(one)] == []
    data = dict(text.partition("=")[::2] for text in given["data"])
    unknown = [key for key in data if key not in Options.model_fields and key not in Settings.model_fields]
    assert [key for key in unknown if not PLACEHOLDER.match(key) and key not in ("ssh_user",)] == []
    said = {key: value for key, value in data.items() if not PLACEHOLDER.match(value)}
    Options.of({key: value for key, value in said.items() if key in Options.model_fields})
    checked(Settings, {key: Given(said[key], "--data") for key in said if key in Settings.model_fields}, "--data", [])


SHOWN = [(page.name, command) for page in PAGES for command in dict.fromkeys(commands(page))]


@pytest.mark.parametrize(("page", "command"), SHOWN)
def test_a_command_that_is_shown_can_be_typed(page: str, command: str) -> None:
    words = shlex.split(command)
    if not is_run(words):
        parse(words)


def test_the_readme_shows_the_demos_commands_and_the_way_to_a_site_of_ones_own() -> None:
    shown = [shlex.split(command) for page, command in SHOWN if page == "README.md"]
    assert sum(is_run(words) for words in shown) >= 5
    assert sum(words[1:2] == ["inventories/prod.py"] for words in shown) >= 5


@pytest.mark.parametrize("command", ["pyinfra inventories/prod.py deploys/deplo.py", "make dmo", "cp nothing here"])
def test_a_command_that_can_not_be_typed_is_found(command: str) -> None:
    with pytest.raises(AssertionError):
        parse(shlex.split(command))


@pytest.mark.parametrize("data", ["cod=x", "keep=-1"])
def test_so_is_what_no_run_understands(data: str) -> None:
    with pytest.raises(Exception, match=r"unknown|cod|keep"):
        parse(["pyinfra", "inventories/prod.py", "deploys/deploy.py", "--data", data])


def test_the_failure_model_tells_of_each_step_in_the_order_of_a_deploy() -> None:
    rows = re.findall(r"^\| ([a-z_, ]+) \| ", (ROOT / "docs" / "failure-model.md").read_text(), re.MULTILINE)
    told = [name for row in rows for name in row.split(", ")]
    begins = told.index("begin")
    steps = ["begin", *(kind.name for kind in STEPS), COMMIT]
    assert told[begins : begins + len(steps)] == steps


def test_every_test_that_a_page_names_is_there() -> None:
    page = (ROOT / "docs" / "what-others-report.md").read_text()
    named = re.findall(r"`((?:unit|hosts|projects|faults)/\w+\.py)`", page)
    assert len(named) > 20
    assert [one for one in named if not (ROOT / "tests" / one).exists()] == []
