"""What was moved away is deleted once nobody waits, and nothing beside it, whatever its folder is called."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from agent.runs import clean
from agent.runs.deletion import Chore, tidy
from agent.state import State
from agent.versions.layout import Layout
from agent.words.shapes import from_json
from tests.unit.examples import LIVE, OLD
from tests.unit.healthy import host_settings


def version(folder: Path) -> Path:
    """A version as it is sealed: nothing in it can be written to."""
    (folder / "code" / "inner").mkdir(parents=True)
    (folder / "code" / "inner" / "file").write_text("text")
    for path in (folder / "code" / "inner" / "file", folder / "code" / "inner", folder / "code", folder):
        path.chmod(path.stat().st_mode & ~0o222)
    return folder


@pytest.mark.parametrize("name", ["trash", "a b", "a *", "-rf", "a\n*", "$(touch x)", "'"])
def test_only_what_it_was_told_to_is_deleted(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    doomed = [version(tmp_path / name / run) for run in ("one *", "two")]
    stays = [
        version(tmp_path / name / "three"),
        version(tmp_path / name / "one more"),
        *(version(tmp_path / other) for other in ("a", "b", "a b c", "x")),
    ]
    assert tidy(Chore(tuple(str(folder) for folder in doomed))) == 0
    assert not any(folder.exists() for folder in doomed)
    for folder in stays:
        assert (folder / "code" / "inner" / "file").read_text() == "text"
        assert not folder.stat().st_mode & 0o222


def test_a_file_that_a_newer_version_has_as_well_stays_there_and_stays_unwritable(tmp_path: Path) -> None:
    doomed, newer = version(tmp_path / "old"), tmp_path / "newer"
    os.link(doomed / "code" / "inner" / "file", newer)
    assert tidy(Chore((str(doomed),))) == 0
    assert newer.read_text() == "text"
    assert not newer.stat().st_mode & 0o222


def test_a_link_out_of_it_is_deleted_and_not_what_it_leads_to(tmp_path: Path) -> None:
    elsewhere = version(tmp_path / "elsewhere")
    doomed = tmp_path / "trash" / "old"
    doomed.mkdir(parents=True)
    (doomed / "media").symlink_to(elsewhere)
    assert tidy(Chore((str(doomed),))) == 0
    assert not doomed.exists()
    assert (elsewhere / "code" / "inner" / "file").exists()
    assert not elsewhere.stat().st_mode & 0o222


def test_with_nothing_to_delete_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(version(tmp_path / "here"))
    assert tidy(Chore()) == 0
    # Nor is what it stands in made ready for that.
    assert not (tmp_path / "here" / "code").stat().st_mode & 0o222


def test_what_is_to_be_deleted_is_told_as_it_is_called_and_never_to_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(clean, "acting_as", lambda _: nullcontext())
    monkeypatch.setattr(clean, "ours", lambda argv, *_: ran.append(argv))
    layout = Layout(host_settings(versions_dir=str(tmp_path / "a *")), tmp_path)
    for name in (OLD, LIVE):
        version(layout.trash / name)
    clean._tidy(State("django", tmp_path / "state"), layout, None)
    ((*_, verb, what),) = ran
    assert verb == "tidy"
    assert from_json(Chore, what) == Chore((str(layout.trash / OLD), str(layout.trash / LIVE)))
