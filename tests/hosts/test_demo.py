"""The demo does what it promises to somebody who has just cloned the project."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bed import hosts
from tests.bed.demo import NAME
from tests.bed.hosts import free_port
from tests.bed.places import ROOT
from tests.invariants import visit

LIMIT = 300


def bed(*arguments: str) -> str:
    """Run the bed's command line, which is what make runs, and return all that it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bed", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def first() -> Iterator[str]:
    """What the first `make demo` prints. A demo that somebody is looking at is used as it is, and left there."""
    up_before = hosts.find(NAME) is not None
    yield bed("demo") if up_before else bed("demo", "--port", str(free_port()))
    if not up_before:
        bed("demo-down")
        assert hosts.find(NAME) is None


def live() -> str:
    """The version that is live on the demo's host."""
    host = hosts.find(NAME)
    assert host is not None
    return Path(host.read(["readlink", "/home/app/django-current"]).strip()).name


def page(path: str = "") -> str:
    """A page of the demo's site, as its visitors see it."""
    host = hosts.find(NAME)
    assert host is not None
    return visit(host, path)


def suggested(printed: str) -> list[list[str]]:
    """The commands that the demo suggests, as argument lists."""
    lines = printed[printed.index("Try next") :].splitlines()
    return [shlex.split(line) for line in lines if line.strip().startswith(".venv/bin/pyinfra")]


def try_out(command: list[str]) -> tuple[int, str]:
    """Run a suggested command with the pyinfra of this Python, whatever directory that is in."""
    argv = [sys.executable, "-m", "pyinfra", *command[1:]]
    done = subprocess.run(
        argv, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False, stdin=subprocess.DEVNULL
    )
    return done.returncode, done.stdout + done.stderr


def test_it_ends_with_a_site_that_answers_its_version_and_what_to_try_next(first: str) -> None:
    host = hosts.find(NAME)
    assert host is not None
    assert f"The site: {host.website_url}" in first
    assert live() in first
    assert "Guestbook" in page()
    assert len(suggested(first)) == 4


def test_the_dry_run_that_it_suggests_changes_nothing(first: str) -> None:
    before = live()
    code, said = try_out(suggested(first)[0])
    assert code == 0, said
    assert "Ask guests where they come from" in said
    assert "window    none" in said
    assert live() == before


def test_the_failing_deploy_that_it_suggests_falls_back(first: str) -> None:
    before = live()
    code, said = try_out(suggested(first)[1])
    assert code == 1, said
    assert "--> Fell back at migrate: bad-migration (" in said
    assert live() == before


def test_no_visitor_notices_the_deploy_and_the_revert_that_it_suggests_and_what_was_written_stays(first: str) -> None:
    before = live()
    deploy, revert = suggested(first)[2:]
    code, said = try_out(deploy)
    assert code == 0, said
    assert "visitors  noticed nothing" in said
    assert live() != before
    (picture,) = set(re.findall(r'src="/(media/[^"]+)"', page()))
    code, said = try_out(revert)
    assert code == 0, said
    assert "visitors  noticed nothing" in said
    assert live() == before
    assert "Sam" in page()
    assert "<svg" in page(picture)


def test_a_second_one_leaves_what_is_up_as_it_is(first: str) -> None:
    host = hosts.find(NAME)
    assert host is not None
    started = host.container.attrs["State"]["StartedAt"]
    assert f"The site: {host.website_url}" in bed("demo")
    assert host.container.attrs["State"]["StartedAt"] == started
