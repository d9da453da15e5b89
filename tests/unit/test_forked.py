"""A run that is only waited for is a child of a process which has imported pyinfra, and is like any other run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from tests.bed.hosts import Host
from tests.bed.places import ROOT
from tests.forked import FORKED
from tests.runs import ENVIRONMENT, PYINFRA, SETTINGS, Runs, environment

# Nothing is there, and nobody asks it.
NOWHERE = Host("nowhere", 1, 1)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Runs]:
    """Runs the command line."""
    runs = Runs(tmp_path, dict(SETTINGS))
    yield runs
    runs.end()


@pytest.mark.parametrize("args", [["--dry"], ["--no-such-option"]])
def test_it_says_what_one_says_that_is_started_as_a_person_does_it(args: list[str], run: Runs) -> None:
    data = {"code": "-h"}
    waited_for = run("deploy", NOWHERE, data=data, args=args)
    started = run.start("deploy", NOWHERE, data=data, args=args).wait()
    assert waited_for.code == started.code != 0
    assert (waited_for.stdout, waited_for.stderr.replace("run-1", "run-2")) == (started.stdout, started.stderr)


def test_it_knows_nothing_of_the_one_before(run: Runs) -> None:
    first = run("deploy", NOWHERE, data={"code": "-h"})
    second = run("deploy", NOWHERE, data={"config": "-x"})
    assert "--data: code must" in first.output
    assert "--data: config must" not in first.output
    assert "--data: config must" in second.output
    assert "--data: code must" not in second.output


def test_one_that_does_not_end_in_time_is_ended_and_the_next_one_runs(run: Runs, tmp_path: Path) -> None:
    inventory = tmp_path / f"{ENVIRONMENT}.py"
    inventory.write_text("import time\n\ntime.sleep(600)\n")
    argv = [PYINFRA, str(inventory), "deploys/status.py", "-y"]
    with TemporaryFile() as said, pytest.raises(TimeoutError):
        FORKED.run(argv, ROOT, environment(), (said, said, said), timeout=2)
    assert run("deploy", NOWHERE, data={"code": "-h"}).code == 1
