"""A release of Python is the host's own or one that uv brings; what can't be had is said before anything is built."""

from __future__ import annotations

import os
import pwd
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent.host.command import CommandFailed, Runner
from agent.locks.documents import Unusable
from agent.packages import pythons
from agent.packages.finding import Found
from agent.packages.installing import Installer
from agent.packages.interpreter import Interpreter
from agent.packages.pythons import Python, locate
from agent.packages.resolving import Live, foresee
from agent.packages.wanted import Wanted
from agent.words.settings import asks_for_release
from tests.unit.healthy import host_settings

ME = pwd.getpwuid(os.getuid()).pw_name


def program(path: Path, text: str = "exit 0") -> Path:
    """A program at a path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def runner() -> Runner:
    """What runs commands as this user."""
    return Runner(user=ME, log=None, until=time.time() + 60)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with Python 3.11 alone, and the app's folder for what uv brings."""
    monkeypatch.setattr(pythons, "PATH", str(tmp_path / "bin"))
    program(tmp_path / "bin/python3.11")
    program(tmp_path / "bin/python3.11-config")
    (tmp_path / "bin/python3").symlink_to(sys.executable)
    return tmp_path


def test_a_command_and_a_path_are_taken_as_ever(host: Path) -> None:
    assert locate("python3", host, "uv") == Python("python3", str(host / "bin/python3"))
    assert locate("python9", host, "uv") == Python("python9", None)
    assert not locate("python9", host, "uv").to_fetch
    assert locate(sys.executable, host, None).path == sys.executable


def test_the_hosts_own_release_comes_first(host: Path) -> None:
    program(host / "own/python/cpython-3.11.9-linux-x86_64-gnu/bin/python3.11")
    assert locate("3.11", host / "own", "uv") == Python("3.11", str(host / "bin/python3.11"))


def test_of_those_that_uv_has_brought_the_newest_of_that_release_counts(host: Path) -> None:
    for release in ("3.13.9", "3.13.10", "3.12.1"):
        name = f"python{release.rpartition('.')[0]}"
        program(host / f"own/python/cpython-{release}-linux-x86_64-gnu/bin/{name}")
    (host / "own/python/cpython-3.13-linux-x86_64-gnu").symlink_to("cpython-3.13.9-linux-x86_64-gnu")
    assert str(locate("3.13", host / "own", None).path).endswith("cpython-3.13.10-linux-x86_64-gnu/bin/python3.13")
    assert str(locate("3.13.9", host / "own", None).path).endswith("cpython-3.13.9-linux-x86_64-gnu/bin/python3.13")
    assert locate("3.13.1", host / "own", None).path is None
    assert locate("3.1", host / "own", None).path is None


def test_what_nobody_can_bring_is_refused_with_what_there_is(host: Path) -> None:
    assert pythons.there() == ["python3.11"]
    assert pythons.why_missing("3.13", uv=False) == (
        "python: 3.13 is not on this host (it has python3.11; uv, which brings others, is not installed): install "
        "python3.13 or uv, or change `python` in the settings"
    )
    installer = Installer(None, locate("3.13", host / "own", None), None, host / "own/python")
    with pytest.raises(Unusable, match=r"python: 3\.13 is not on this host \(it has python3\.11; uv"):
        installer.with_python(runner())
    with pytest.raises(Unusable, match=r"python: python9 is not on this host \(it has python3\.11\): install it"):
        _ = Interpreter(runner(), locate("python9", host, "uv")).environment


UV = """
[ "$1" = python ] || exit 3
mkdir -p "$UV_PYTHON_INSTALL_DIR/cpython-3.13.4-linux-x86_64-gnu/bin"
cp "{python}" "$UV_PYTHON_INSTALL_DIR/cpython-3.13.4-linux-x86_64-gnu/bin/python3.13"
"""


def installer_of(host: Path, uv: str) -> Installer:
    program(host / "uv", uv)
    return Installer(str(host / "uv"), locate("3.13", host / "own", "uv"), None, host / "own/python")


def test_uv_brings_a_release_to_where_the_app_can_run_it(host: Path) -> None:
    brought = installer_of(host, UV.format(python=program(host / "made"))).with_python(runner()).python
    assert brought == Python("3.13", f"{host}/own/python/cpython-3.13.4-linux-x86_64-gnu/bin/python3.13", by_uv=True)


def test_what_uv_can_not_bring_or_the_app_can_not_run_ends_the_build(host: Path) -> None:
    with pytest.raises(Unusable, match=r"(?s)python: 3\.13 is not on this host.*uv could not bring it: .*no way out"):
        installer_of(host, "echo no way out >&2; exit 1").with_python(runner())
    with pytest.raises(CommandFailed):
        installer_of(host, UV.format(python=program(host / "made", "exit 1"))).with_python(runner())


def test_until_it_is_there_another_python_tells_what_it_will_be(host: Path) -> None:
    told = Interpreter(runner(), locate("3.13", host / "own", "uv")).environment
    assert (told["python_version"], told["sys_platform"]) == ("3.13", sys.platform)
    assert told["python_full_version"].startswith("3.13.")


def test_a_preview_resolves_for_the_release_that_is_to_come(host: Path) -> None:
    says = f'echo "$@" >{host}/told; echo six==1.17.0'
    wanted = Wanted(Found("requirements.txt"), {"requirements.txt": "six"}, ("requirements.txt",))
    found = foresee(runner(), installer_of(host, says), host, wanted, Live(None, None))
    assert found.source == "resolved"
    assert f"--python {host}/bin/python3 --python-version 3.13" in (host / "told").read_text()


@pytest.mark.parametrize(("python", "asks"), [("3.13", True), ("3.9.2", True), ("python3.13", False), ("3", False)])
def test_what_asks_for_a_release_is_known(python: str, asks: bool) -> None:
    assert asks_for_release(python) is asks


def test_the_installer_is_that_of_the_settings(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: Any = Installer.of(host_settings(python="3.11", wheelhouse="/srv/wheels"), host, host / "own")
    assert (found.python.path, found.offline) == (
        f"{host}/bin/python3.11",
        ["--no-index", "--find-links", "/srv/wheels"],
    )
