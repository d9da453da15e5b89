"""When packages are taken over from an earlier version, and what of its environment is written anew."""

from __future__ import annotations

import getpass
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from agent import venvs
from agent.layout import Layout
from agent.state import State
from agent.venvs import fingerprint, same_as, take_over
from agent.versions import SEAL
from tests.unit.examples import LIVE, NEW, settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place with an interpreter, wheels and requirements."""
    (tmp_path / "python3").write_text("")
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "django.whl").write_text("")
    (tmp_path / "requirements.txt").write_text("Django>=5.2,<5.3\n-r base.txt\n")
    (tmp_path / "base.txt").write_text("gunicorn\n")
    return tmp_path


def mark(folder: Path, **told: Any) -> str | None:
    told = {"wheelhouse": str(folder / "wheels"), "build_script": None, **told}
    return fingerprint(told, folder / "requirements.txt", str(folder / "python3"), "uv")


def test_the_same_requirements_python_and_wheels_are_the_same(folder: Path) -> None:
    assert mark(folder)
    assert mark(folder) == mark(folder)


@pytest.mark.parametrize("name", ["requirements.txt", "base.txt", "wheels/django.whl", "wheels/new.whl", "python3"])
def test_any_change_of_what_packages_come_from_is_another(name: str, folder: Path) -> None:
    before = mark(folder)
    (folder / name).write_text("humanize\n")
    assert mark(folder) != before


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "./local",
        "/srv/local",
        "site @ file:///srv/site",
        "git+https://git.example.com/site.git",
        "--editable .",
        "-r missing.txt",
    ],
)
def test_requirements_whose_text_does_not_say_it_all_are_installed_each_time(line: str, folder: Path) -> None:
    (folder / "requirements.txt").write_text(f"Django\n{line}\n")
    assert mark(folder) is None


def test_what_a_build_script_may_have_added_is_not_taken_over(folder: Path) -> None:
    assert mark(folder, build_script="build.sh") is None
    assert fingerprint({}, folder / "requirements.txt", None, "uv") is None


# --- Taking over


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setattr(venvs, "acting_as", lambda _: nullcontext())
    told: dict[str, Any] = settings(versions_dir=str(tmp_path)).model_dump(mode="json")
    return Layout({**told, "app_username": getpass.getuser()}, tmp_path)


def built(layout: Layout, **files: str) -> Path:
    """A sealed version with an environment."""
    venv = layout.part(LIVE, "venv")
    packages = venv / "lib/python3.11/site-packages/site-1.dist-info"
    packages.mkdir(parents=True)
    (venv / "bin").mkdir()
    (venv / "bin/site").write_text(f"#!{venv}/bin/python\n")
    (venv / "bin/python").symlink_to("/usr/bin/python3")
    (venv / "bin/own").symlink_to(venv / "bin/site")
    (venv / "lib/python3.11/site-packages/site.py").write_text("")
    (packages / "RECORD").write_text("site.py,,\n../../../bin/site,sha256=0,1\n")
    named = ["bin/site", *files]
    for name, text in files.items():
        (venv / name).write_bytes(text.encode())
    marker = {"venv": {"fingerprint": "abc", "named": named}}
    (layout.version(LIVE) / SEAL).write_text(json.dumps(marker))
    layout.part(NEW, "venv").parent.mkdir()
    return venv


def test_files_are_linked_and_those_that_name_the_version_are_written_anew(layout: Layout) -> None:
    old, new = built(layout), layout.part(NEW, "venv")
    assert take_over(layout, LIVE, NEW)
    module = "lib/python3.11/site-packages/site.py"
    assert (new / module).samefile(old / module)
    assert (new / "bin/site").read_text() == f"#!{new}/bin/python\n"
    assert (old / "bin/site").read_text() == f"#!{old}/bin/python\n"
    assert (new / "bin/own").readlink() == new / "bin/site"
    assert (new / "bin/python").readlink() == Path("/usr/bin/python3")


def test_a_record_has_the_checksum_of_the_script_that_was_written_anew(layout: Layout) -> None:
    old, new = built(layout), layout.part(NEW, "venv")
    take_over(layout, LIVE, NEW)
    record = "lib/python3.11/site-packages/site-1.dist-info/RECORD"
    line = (new / record).read_text().splitlines()[1]
    assert line.endswith(f",{(new / 'bin/site').stat().st_size}")
    assert "sha256=0," not in line
    assert "sha256=0," in (old / record).read_text()


def test_a_binary_file_that_names_the_version_keeps_all_from_being_taken_over(layout: Layout) -> None:
    built(layout, **{"bin/program": "\0" + LIVE})
    assert not take_over(layout, LIVE, NEW)
    assert not layout.part(NEW, "venv").exists()


def test_the_version_whose_packages_are_the_same_is_found(layout: Layout, tmp_path: Path) -> None:
    built(layout)
    state = State(tmp_path / "state")
    assert same_as(state, layout, "abc") == LIVE
    assert same_as(state, layout, "other") is None
    assert same_as(state, layout, None) is None
