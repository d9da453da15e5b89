"""Which packages come, go and change is told from what is installed and what would be."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.command import CommandFailed
from agent.packages import (
    canonical,
    compare,
    from_compiled,
    from_report,
    installed,
    names_local,
    order,
    pins,
    requirement_texts,
)


def test_packages_come_go_and_change_their_version_up_and_down() -> None:
    before: dict[str, str | None] = {
        "django": "5.2.9",
        "arrow": "1.3.0",
        "gunicorn": "23.0",
        "same": "1",
        "pip": "23.0.1",
    }
    after = {"django": "5.2.10", "humanize": "4.1", "gunicorn": "22.0", "same": "1", "own": None}
    assert compare(before, after) == {
        "added": [{"name": "humanize", "version": "4.1"}],
        "removed": [{"name": "arrow", "version": "1.3.0"}],
        "up": [{"name": "django", "was": "5.2.9", "version": "5.2.10"}],
        "down": [{"name": "gunicorn", "was": "23.0", "version": "22.0"}],
        "unsure": [{"name": "own"}],
    }


ORDERED = ["1.0.dev1", "1.0a1", "1.0a2", "1.0b1", "1.0rc1", "1.0", "1.0.post1", "1.1", "1.9", "1.10", "2", "1!0.1"]


@pytest.mark.parametrize(("lower", "higher"), list(itertools.pairwise(ORDERED)))
def test_versions_are_ordered_as_installers_do(lower: str, higher: str) -> None:
    assert order(lower) < order(higher)


@given(st.text(), st.text())
def test_any_two_versions_can_be_ordered(one: str, other: str) -> None:
    assert (order(one) < order(other)) in (True, False)


@pytest.mark.parametrize(("one", "other"), [("1.0", "1"), ("1.0.0", "1.0"), ("v1.2", "1.2")])
def test_versions_that_are_the_same_are_neither_up_nor_down(one: str, other: str) -> None:
    assert order(one) == order(other)


FILES = {
    "requirements.txt": "-r requirements/base.txt\ndjango==5.2.1\n",
    "requirements/base.txt": "-c ../constraints.txt\ngunicorn\n",
    "constraints.txt": "gunicorn==23.0 ; python_version > '3.9'\n-r requirements.txt\n",
}


def test_requirements_include_others_also_in_a_circle() -> None:
    assert requirement_texts(FILES.get, "requirements.txt") == FILES
    assert requirement_texts(FILES.get, "missing.txt") == {}


def test_what_is_pinned_is_known() -> None:
    assert pins(FILES) == {"django": "5.2.1", "gunicorn": "23.0"}
    assert pins({"a": "Some_Package[extra]==1.0  # why\nother>=2\nthird==1.*\n"}) == {"some-package": "1.0"}


@pytest.mark.parametrize(
    ("line", "local"),
    [
        ("-e .", True),
        (".", True),
        ("./lib", True),
        ("own @ file:///srv/own", True),
        ("django==5.2", False),
        ("-r x.txt", False),
    ],
)
def test_requirements_that_name_the_repository_itself_are_known(line: str, local: bool) -> None:
    assert names_local({"requirements.txt": line}) is local


def test_what_uv_resolves_is_read() -> None:
    output = "django==5.2.1\nSome.Package==1.0\nown @ git+https://git.example.com/own.git\n# a word\n"
    assert from_compiled(output) == {"django": "5.2.1", "some-package": "1.0", "own": None}


def test_what_pip_reports_is_read() -> None:
    report = '{"install": [{"metadata": {"name": "Django", "version": "5.2.1"}}]}'
    assert from_report(report) == {"django": "5.2.1"}


@pytest.mark.parametrize("output", ["", "no report", "{}", "[]", '{"install": [1]}'])
def test_what_is_no_report_is_said_so(output: str) -> None:
    with pytest.raises(CommandFailed):
        from_report(output)


def test_the_packages_of_an_environment_are_read_from_it() -> None:
    found: dict[str, Any] = installed(Path(sys.prefix))
    assert {"pyinfra", "pydantic", "pytest"} <= found.keys()


def test_names_are_compared_as_indexes_do() -> None:
    assert canonical("Foo__Bar.baz") == "foo-bar-baz"
