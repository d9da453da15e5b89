"""When packages are taken over from an earlier version, and what of its environment is written anew."""

from __future__ import annotations

import getpass
import json
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from agent.host import files
from agent.packages.finding import Found
from agent.packages.installing import Installer
from agent.packages.pythons import Python
from agent.packages.wanted import Wanted
from agent.runs.deletion import Chore, tidy
from agent.state import State
from agent.versions import venv_pool, venvs
from agent.versions.layout import Layout
from agent.versions.marks import SEAL
from agent.versions.venv_fingerprint import fingerprint, same_as
from agent.versions.venvs import take_over
from tests.unit.examples import LIVE, NEW
from tests.unit.healthy import host_settings
from tests.unit.test_tree import writable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place with an interpreter, wheels and requirements."""
    (tmp_path / "python3").write_text("")
    (tmp_path / "python3").chmod(0o755)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "django.whl").write_text("")
    (tmp_path / "requirements.txt").write_text("Django>=5.2,<5.3\n-r base.txt\n")
    (tmp_path / "base.txt").write_text("gunicorn\n")
    return tmp_path


def mark_of(
    folder: Path, name: str, python: str = sys.executable, wheels: str | None = None, **more: Any
) -> str | None:
    """The fingerprint of what a file in a folder asks for."""
    wanted = Wanted(Found(name), {}, (name,), **more)
    return fingerprint(host_settings(), Installer("uv", Python(python, shutil.which(python)), wheels), wanted, folder)


def mark(folder: Path, **more: Any) -> str | None:
    return mark_of(folder, "requirements.txt", str(folder / "python3"), str(folder / "wheels"), **more)


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
    wanted, installer = (
        Wanted(Found("requirements.txt"), {}, ("requirements.txt",)),
        Installer("uv", Python("python3", sys.executable), None),
    )
    assert fingerprint(host_settings(), installer, wanted, folder)
    assert fingerprint(host_settings(build_script="build.sh"), installer, wanted, folder) is None
    assert mark_of(folder, "requirements.txt", str(folder / "gone")) is None


def test_what_is_added_makes_another_environment(folder: Path) -> None:
    marks = [mark(folder), mark(folder, added=("gunicorn",)), mark(folder, lines=("gunicorn",))]
    marks += [mark(folder, options=("--extra", "web")), mark(folder, added=("uvicorn",))]
    assert len(set(marks)) == len(marks)
    assert mark(folder, added=("site @ file:///srv/site",)) is None


# --- Taking over


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    for module in (venvs, venv_pool):
        monkeypatch.setattr(module, "acting_as", lambda _: nullcontext())
    return Layout(host_settings(versions_dir=str(tmp_path), app_username=getpass.getuser()), tmp_path)


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
    assert take_over(layout, LIVE, NEW, None)
    module = "lib/python3.11/site-packages/site.py"
    assert (new / module).samefile(old / module)
    assert (new / "bin/site").read_text() == f"#!{new}/bin/python\n"
    assert (old / "bin/site").read_text() == f"#!{old}/bin/python\n"
    assert (new / "bin/own").readlink() == new / "bin/site"
    assert (new / "bin/python").readlink() == Path("/usr/bin/python3")


def test_a_record_has_the_checksum_of_the_script_that_was_written_anew(layout: Layout) -> None:
    old, new = built(layout), layout.part(NEW, "venv")
    take_over(layout, LIVE, NEW, None)
    record = "lib/python3.11/site-packages/site-1.dist-info/RECORD"
    line = (new / record).read_text().splitlines()[1]
    assert line.endswith(f",{(new / 'bin/site').stat().st_size}")
    assert "sha256=0," not in line
    assert "sha256=0," in (old / record).read_text()


def test_what_can_not_be_linked_is_installed_anew_with_a_word(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = built(layout)
    module = old / "lib/python3.11/site-packages/site.py"

    def link(source: str, *_: Any) -> None:
        raise PermissionError(1, "Operation not permitted", source)

    monkeypatch.setattr("agent.versions.venvs.os.link", link)
    assert take_over(layout, LIVE, NEW, None) is None
    assert not layout.part(NEW, "venv").exists()
    assert f"packages of {LIVE} can't be linked, and are installed anew" in capsys.readouterr().out
    assert module.exists()


def test_an_environment_that_can_not_be_read_is_installed_anew_too(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = built(layout)
    (old / "bin/site").unlink()
    assert take_over(layout, LIVE, NEW, None) is None
    assert "bin/site" in capsys.readouterr().out


def test_a_binary_file_that_names_the_version_keeps_all_from_being_taken_over(layout: Layout) -> None:
    built(layout, **{"bin/program": "\0" + LIVE})
    assert not take_over(layout, LIVE, NEW, None)
    assert not layout.part(NEW, "venv").exists()


# --- A spare


def spare_of(layout: Layout, mark: str = "abc") -> Path:
    """A spare, sealed as the version was that it comes from."""
    spare = layout.own / "spare" / mark
    spare.parent.mkdir(parents=True)
    old = "django-20260101-000000-0000000-0000000"
    layout.version(old).mkdir()
    assert take_over(layout, LIVE, old, None)
    files.close(layout.version(old), [layout.version(old)])
    layout.part(old, "venv").chmod(0o755)
    layout.part(old, "venv").rename(spare)
    return spare


def make_ready(layout: Layout, spare: Path) -> None:
    """Make a spare ready, as is done after a deploy."""
    venvs.make_ready(spare, layout.version(LIVE), layout.part(LIVE, "venv"))


def like(layout: Layout, venv: Path) -> dict[str, Any]:
    """What an environment is made of: each file by the inode that it shares, or by what is in it."""
    shared = {path.stat().st_ino for path in layout.part(LIVE, "venv").rglob("*") if path.is_file()}
    found: dict[str, Any] = {}
    for path in venv.rglob("*"):
        info = path.lstat()
        if path.is_symlink():
            found[str(path.relative_to(venv))] = path.readlink()
        elif path.is_file():
            found[str(path.relative_to(venv))] = info.st_ino if info.st_ino in shared else path.read_bytes()
        else:
            found[str(path.relative_to(venv))] = "a folder"
    return found


DAMAGES = {
    "nothing": "",
    "a file more": "echo 1 >lib/python3.11/site-packages/more.py",
    "a folder more": "mkdir -p more/and && echo 1 >more/and/more.py && chmod a-w more/and more",
    "a file less": "rm lib/python3.11/site-packages/site.py",
    "a folder less": "rm -r lib",
    "another file": "rm lib/python3.11/site-packages/site.py; echo 1 >lib/python3.11/site-packages/site.py",
    "a folder for a file": "rm bin/site && mkdir bin/site && echo 1 >bin/site/site.py",
    "a file for a folder": "rm -r lib && echo 1 >lib",
    "a link for a folder": "rm -r lib && ln -s ../.. lib",
    "a link for a file": "ln -sf ../../../bin/site lib/python3.11/site-packages/site.py",
    "a link that leads elsewhere": "ln -sf site bin/python",
}


@pytest.mark.parametrize("ready", [False, True])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_spare_becomes_what_links_alone_would_have_made_whatever_has_happened_to_it(
    damage: str, ready: bool, layout: Layout
) -> None:
    built(layout)
    third = "django-20260102-000000-0000000-0000000"
    layout.version(third).mkdir()
    assert take_over(layout, LIVE, third, None)
    spare = spare_of(layout)
    if ready:
        make_ready(layout, spare)
    for mode, what in (("u+w", ":"), ("a-w", DAMAGES[damage] or ":")):
        # Links are let be: what they lead to is no business of ours.
        command = f"{what}; find . -mindepth 1 ! -type l -exec chmod {mode} {{}} +"
        subprocess.run(["sh", "-ec", command], cwd=spare, check=True)
    assert take_over(layout, LIVE, NEW, "abc")
    expected = {name: _as_new(what, third) for name, what in like(layout, layout.part(third, "venv")).items()}
    assert like(layout, layout.part(NEW, "venv")).keys() == expected.keys()
    new = {name: _as_new(what, NEW) for name, what in like(layout, layout.part(NEW, "venv")).items()}
    record = "lib/python3.11/site-packages/site-1.dist-info/RECORD"
    assert b"bin/site,sha256=" in new.pop(record) and b"bin/site,sha256=" in expected.pop(record)
    assert new == expected
    assert not spare.exists()


def _as_new(what: Any, version: str) -> Any:
    """What an environment is made of, with its version's name taken out."""
    if isinstance(what, bytes):
        return what.replace(version.encode(), b"NAME")
    return Path(str(what).replace(version, "NAME")) if isinstance(what, Path) else what


def test_a_spare_that_can_not_be_made_use_of_is_thrown_away_and_all_is_linked(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(layout)
    spare_of(layout)
    become, spoilt = venvs._become, layout.part(NEW, "venv") / "lib"

    def fails_where_the_spare_is(before: str, after: str, names: Any) -> None:
        if spoilt.exists() and after == str(layout.part(NEW, "venv")):
            raise PermissionError("somebody else's")
        become(before, after, names)

    monkeypatch.setattr(venvs, "_become", fails_where_the_spare_is)
    assert take_over(layout, LIVE, NEW, "abc")
    assert (spoilt / "python3.11/site-packages/site.py").exists()
    assert (layout.own / f"trash/{NEW}-venv").is_dir()


def test_a_spare_that_is_no_folder_is_left_alone(layout: Layout, tmp_path: Path) -> None:
    built(layout)
    (layout.own / "spare").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("")
    (layout.own / "spare/abc").symlink_to(tmp_path / "elsewhere")
    assert take_over(layout, LIVE, NEW, "abc")
    assert not layout.part(NEW, "venv").is_symlink()
    assert (tmp_path / "elsewhere" / "file").exists()


def test_a_spare_is_moved_and_not_made_anew(layout: Layout) -> None:
    built(layout)
    folder = (spare_of(layout) / "lib").stat().st_ino
    assert take_over(layout, LIVE, NEW, "abc")
    assert (layout.part(NEW, "venv") / "lib").stat().st_ino == folder


def never(*_: Any) -> None:
    raise AssertionError("all of it was compared")


def test_a_spare_that_is_ready_is_not_compared(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    venv = built(layout)
    spare = spare_of(layout)
    make_ready(layout, spare)
    assert not (spare / "bin/site").exists(), "it names a version, and the next one's name is not known"
    monkeypatch.setattr(venvs, "_become", never)
    assert take_over(layout, LIVE, NEW, "abc")
    new = layout.part(NEW, "venv")
    assert (new / "bin/site").read_text() == f"#!{new}/bin/python\n"
    assert (new / "bin/own").readlink() == new / "bin/site"
    assert (new / "bin/python").readlink() == Path("/usr/bin/python3")
    module = "lib/python3.11/site-packages/site.py"
    assert (new / module).samefile(venv / module)
    line = (new / "lib/python3.11/site-packages/site-1.dist-info/RECORD").read_text().splitlines()[1]
    assert line.endswith(f",{(new / 'bin/site').stat().st_size}")


def test_of_a_spare_that_was_ready_only_what_was_added_has_to_be_closed(layout: Layout) -> None:
    built(layout)
    make_ready(layout, spare_of(layout))
    taken, new = take_over(layout, LIVE, NEW, "abc"), layout.part(NEW, "venv")
    assert taken and taken.open == (".", "bin", "lib/python3.11/site-packages/site-1.dist-info")
    size = venvs.close(new, taken.open, taken.bytes)
    assert writable(new) == set()
    # But for a link, and the record that was put right, which counts twice.
    assert abs(size - files.close(new, [new])) <= 4096


def test_what_the_app_has_added_to_one_that_was_ready_is_closed_and_counted_too(layout: Layout) -> None:
    built(layout)
    make_ready(layout, spare_of(layout))
    taken, new = take_over(layout, LIVE, NEW, "abc"), layout.part(NEW, "venv")
    assert taken
    (new / "share/data").mkdir(parents=True)
    (new / "share/data/words").write_text("1" * 100_000)
    assert venvs.close(new, taken.open, taken.bytes) > taken.bytes + 100_000
    assert writable(new) == set()


def test_a_spare_that_was_being_made_ready_when_the_live_environment_changed_is_not_taken_for_ready(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv, folder = built(layout), spare_of(layout)
    become = venvs._become

    def slowly(*arguments: Any) -> None:
        become(*arguments)
        (venv / "more").mkdir(exist_ok=True)

    monkeypatch.setattr(venvs, "_become", slowly)
    make_ready(layout, folder)
    assert venv_pool.is_ready(layout, "abc", venv) is None


def test_of_a_spare_that_has_been_opened_since_all_has_to_be_closed(layout: Layout) -> None:
    built(layout)
    spare = spare_of(layout)
    make_ready(layout, spare)
    (spare / "lib").chmod(0o755)
    taken = take_over(layout, LIVE, NEW, "abc")
    assert taken and taken.open == ()


def test_a_spare_that_is_ready_is_compared_when_the_live_environment_was_changed_since(layout: Layout) -> None:
    venv = built(layout)
    make_ready(layout, spare_of(layout))
    (venv / "lib/python3.11/site-packages/more.py").write_text("")
    assert take_over(layout, LIVE, NEW, "abc")
    assert (layout.part(NEW, "venv") / "lib/python3.11/site-packages/more.py").exists()


def test_a_spare_is_ready_for_no_other_version_than_the_one_that_it_was_compared_with(layout: Layout) -> None:
    built(layout)
    make_ready(layout, spare_of(layout))
    ready = venv_pool.is_ready(layout, "abc", layout.part(LIVE, "venv"))
    assert ready and ready.lacking == ("bin",)
    assert venv_pool.is_ready(layout, "abc", layout.part(NEW, "venv")) is None
    assert venv_pool.is_ready(layout, None, layout.part(LIVE, "venv")) is None


NOTES = [
    "",
    "[]",
    "[" * 100_000,
    '{"folders": 1}',
    '{"folders": {"gone": [1, 1]}, "lacking": [], "bytes": 1}',
    '{"folders": {"\\u0000": [1, 1]}, "lacking": [], "bytes": 1}',
    '{"folders": {}, "lacking": [], "bytes": 1}',
    '{"folders": HERE, "lacking": 1, "bytes": 1}',
    '{"folders": HERE, "lacking": ["bin"], "bytes": 1}',
    '{"folders": HERE, "lacking": [["bin"]], "bytes": 1}',
    '{"folders": HERE, "lacking": [], "bytes": 1e999}',
    '{"folders": HERE, "lacking": []}',
    '{"folders": HERE_AND_OUT, "lacking": ["../code"], "bytes": 1}',
]


@pytest.mark.parametrize("text", NOTES)
def test_a_note_that_somebody_has_spoilt_says_nothing(text: str, layout: Layout) -> None:
    venv, folder = built(layout), spare_of(layout)
    for part in (folder.parent / "code", layout.part(LIVE, "code")):
        part.mkdir()

    def when(name: str) -> list[int]:
        return [(place / name).stat().st_ctime_ns for place in (folder, venv)]

    text = text.replace("HERE_AND_OUT", json.dumps({".": when("."), "../code": when("../code")}))
    text = text.replace("HERE", json.dumps({".": when(".")}))
    folder.with_name("abc.json").write_text(text.replace("{", f'{{"like": "{venv}", ', 1))
    assert venv_pool.is_ready(layout, "abc", venv) is None
    assert take_over(layout, LIVE, NEW, "abc")


def test_a_note_that_nobody_has_spoilt_is_believed(layout: Layout) -> None:
    venv = built(layout)
    make_ready(layout, spare_of(layout))
    assert venv_pool.is_ready(layout, "abc", venv)


def test_tidying_makes_the_spare_ready_and_deletes_what_was_moved_away(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = built(layout)
    trash = layout.trash / "1"
    trash.mkdir(parents=True)
    (trash / "sealed").mkdir(mode=0o555)
    assert tidy(Chore((str(trash),), str(spare_of(layout)), str(layout.version(LIVE)), str(venv))) == 0
    assert not trash.exists()
    monkeypatch.setattr(venvs, "_become", never)
    assert take_over(layout, LIVE, NEW, "abc")


def test_what_was_moved_away_is_deleted_also_where_no_spare_can_be_made_ready(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    (layout.trash / "1").mkdir(parents=True)
    built(layout)
    assert tidy(Chore((str(layout.trash / "1"),), str(spare_of(layout)), "/gone", "/gone/venv")) == 0
    assert not (layout.trash / "1").exists()
    assert "the spare environment is not ready" in capsys.readouterr().out


def test_nothing_is_touched_where_there_is_nothing_to_tidy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sealed").mkdir(mode=0o555)
    monkeypatch.chdir(tmp_path)
    assert tidy(Chore()) == 0
    assert (tmp_path / "sealed").stat().st_mode & 0o777 == 0o555


def test_a_spare_of_other_packages_is_left_where_it_is(layout: Layout) -> None:
    built(layout)
    spare = spare_of(layout, "other")
    assert take_over(layout, LIVE, NEW, "abc")
    assert spare.exists()


def test_the_environment_of_a_deleted_version_is_kept_if_it_is_the_live_ones(layout: Layout, tmp_path: Path) -> None:
    trash = tmp_path / "trash"
    for number in (1, 2):
        (trash / str(number) / "venv").mkdir(parents=True)
        (trash / str(number) / "venv" / "file").write_text(str(number))
        (trash / str(number) / "venv").chmod(0o555)
    venv_pool.keep(layout, "abc", [trash / "1" / "venv", trash / "2" / "venv"], trash)
    assert (layout.own / "spare/abc/file").read_text() == "1"
    assert (trash / "2/venv/file").exists()
    # There is one by now.
    (layout.own / "spare/abc.json").write_text("{}")
    venv_pool.keep(layout, "abc", [trash / "2" / "venv"], trash)
    assert (layout.own / "spare/abc/file").read_text() == "1"
    assert (trash / "2/venv/file").exists()
    # What is written down of it is about the version that was live before.
    assert not (layout.own / "spare/abc.json").exists()


@pytest.mark.parametrize("mark", ["other", None])
def test_a_spare_that_is_no_use_any_more_is_thrown_away(mark: str | None, layout: Layout, tmp_path: Path) -> None:
    (layout.own / "spare/abc").mkdir(parents=True)
    # As one that was left by something else, or halfway.
    (layout.own / "spare/abc").chmod(0o555)
    venv_pool.keep(layout, mark, [], tmp_path / "trash")
    assert list((layout.own / "spare").iterdir()) == []
    assert (tmp_path / "trash/abc").is_dir()


def test_the_version_whose_packages_are_the_same_is_found(layout: Layout, tmp_path: Path) -> None:
    built(layout)
    state = State("django", tmp_path / "state")
    assert same_as(state, layout, "abc") == LIVE
    assert same_as(state, layout, "other") is None
    assert same_as(state, layout, None) is None
