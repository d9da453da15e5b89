"""Which packages come, go and change is told from what is installed and what would be."""

from __future__ import annotations

import itertools
import os
import pwd
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.host.command import CommandFailed, Runner
from agent.locks.releases import canonical, order
from agent.packages.finding import Found
from agent.packages.installed import compare, installed
from agent.packages.installing import Installer
from agent.packages.pythons import Python
from agent.packages.requirements import names_local, pins, requirement_texts
from agent.packages.resolving import Live, foresee, from_compiled, from_report, refusal, with_script
from agent.packages.wanted import Wanted
from agent.words.foreseen import Package, PackageChanges, Packages


def test_packages_come_go_and_change_their_version_up_and_down() -> None:
    before: dict[str, str | None] = {
        "django": "5.2.9",
        "arrow": "1.3.0",
        "gunicorn": "23.0",
        "same": "1",
        "pip": "23.0.1",
    }
    after = {"django": "5.2.10", "humanize": "4.1", "gunicorn": "22.0", "same": "1", "own": None}
    assert compare(before, after) == PackageChanges(
        added=(Package("humanize", None, "4.1"),),
        removed=(Package("arrow", "1.3.0"),),
        up=(Package("django", "5.2.9", "5.2.10"),),
        down=(Package("gunicorn", "23.0", "22.0"),),
        unsure=("own",),
    )


ORDERED = ["1.0.dev1", "1.0a1", "1.0a2", "1.0b1", "1.0rc1", "1.0", "1.0.post1", "1.1", "1.9", "1.10", "2", "1!0.1"]


@pytest.mark.parametrize(("lower", "higher"), list(itertools.pairwise(ORDERED)))
def test_versions_are_ordered_as_installers_do(lower: str, higher: str) -> None:
    assert order(lower) < order(higher)


texts = st.text() | st.sampled_from(
    [f"1{word}{number}" for word in ("rc", "dev", ".post", "x") for number in ("", "1")]
)


@given(texts, texts)
def test_any_two_versions_can_be_ordered(one: str, other: str) -> None:
    first, second = order(one), order(other)
    assert [first < second, first == second, first > second].count(True) == 1


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


SIX = Package("six", "1")
SCRIPTED = PackageChanges(
    added=(Package("arrow", version="1"),),
    removed=(Package("gunicorn", "23.0"), SIX),
    down=(Package("uvicorn", "2", "1"),),
)


def test_what_the_projects_own_script_installs_is_not_told_to_go() -> None:
    told = with_script(Packages("resolved", SCRIPTED), ["uvicorn", "gunicorn"])
    assert told.changes == PackageChanges(added=SCRIPTED.added, removed=(SIX,))
    assert told.by_script == ("gunicorn", "uvicorn")


@pytest.mark.parametrize(("same", "removed"), [(True, ()), (False, SCRIPTED.removed)])
def test_of_a_version_that_does_not_tell_the_same_requirements_would_have_brought_what_they_lack(
    same: bool, removed: tuple[Package, ...]
) -> None:
    assert with_script(Packages("resolved", SCRIPTED, same), None).changes.removed == removed


@pytest.fixture
def asked(tmp_path: Path) -> Any:
    """What is foreseen where an installer says this of the requirements."""
    user = pwd.getpwuid(os.getuid()).pw_name

    def found(says: str, text: str = "six\n") -> Packages:
        python = tmp_path / "live/bin/python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text(f"#!/bin/sh\n{says}\n")
        python.chmod(0o755)
        wanted = Wanted(Found("requirements.txt"), {"requirements.txt": text}, ("requirements.txt",))
        runner = Runner(user=user, log=None, until=time.time() + 60)
        return foresee(
            runner,
            Installer(None, Python("python3", "/usr/bin/python3"), None),
            tmp_path,
            wanted,
            Live(tmp_path / "live", None),
        )

    return found


def test_requirements_that_the_installer_refuses_are_told_apart_from_those_that_nobody_could_be_asked_about(
    asked: Any,
) -> None:
    refused = asked("echo Looking in links: /wheels; echo 'ERROR: No matching distribution found for six'; exit 1")
    assert (refused.source, refused.refused) == ("pins", True)
    assert refused.why == "ERROR: No matching distribution found for six"
    untried = asked("echo '/usr/bin/python3: No module named pip' >&2; exit 1")
    assert (untried.source, untried.refused) == ("pins", False)
    assert untried.why.startswith("this host has neither uv nor a pip outside of a version's environment")


def test_an_installers_words_begin_with_its_error() -> None:
    assert refusal("warning: x\n  \u00d7 No solution found:\n  ╰─▶ Because there is no six==9\n") == (
        "\u00d7 No solution found: ╰─▶ Because there is no six==9"
    )
    assert refusal("no such\nthing") == "no such thing"
    assert refusal("error: " + "because of this " * 40).endswith("this …")


def test_an_indexs_password_is_hidden_however_an_installer_says_it(asked: Any) -> None:
    login = "--index-url https://me:p%40ss-word@pypi.example.com/simple\nsix\n"
    why = asked("echo 'ERROR: me may not read with p@ss-word'; exit 1", login).why
    assert why == "ERROR: me may not read with ***"
