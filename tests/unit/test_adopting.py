"""What a person has had elsewhere is taken over once: none of it is lost or overwritten, and its old place goes on."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from agent.host import links
from agent.shared import adopt, lay, reach
from agent.shared.places import places
from agent.steps.build import shared as shared_step
from agent.transaction.step import StepFailed
from tests.unit.examples import NEW
from tests.unit.healthy import host_settings
from tests.unit.test_settings import problems, settings
from tests.unit.test_shared_places import ME, Build


class Moving(Build):
    """A build on a host that has had uploads and a database in a folder for long."""

    def __init__(self, home: Path, folders: dict[str, str], files: dict[str, str], taken: dict[str, str]) -> None:
        super().__init__(home, folders, files)
        told = host_settings(app_username=ME, shared_dirs=folders, shared_files=files, adopt=taken)
        object.__setattr__(self.layout, "settings", told)
        self.old = home / "old"
        (self.old / "media/avatars").mkdir(parents=True)
        (self.old / "media/avatars/cat.jpg").write_text("meow")
        (self.old / "media/latest").symlink_to("avatars/cat.jpg")
        with sqlite3.connect(self.old / "db.sqlite3") as database:
            database.execute("create table t (x)")
        database.close()

    def problem(self) -> str:
        """Why it is refused."""
        with pytest.raises(StepFailed) as failed:
            self.run()
        return str(failed.value)

    def is_moved(self, name: str = "media") -> bool:
        """Whether the one place has it, and the other leads there."""
        link = self.old / name
        return link.is_symlink() and link.readlink() == self.shared / name and not (self.shared / name).is_symlink()


@pytest.fixture
def moving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Begins a build that takes over what `adopt` says."""
    for module in (lay, shared_step, adopt):
        monkeypatch.setattr(module, "acting_as", lambda user: nullcontext())
    monkeypatch.setattr(shared_step, "emit", lambda text: None)
    monkeypatch.setattr(reach, "WEB_SERVERS", ())

    def begin(folders: tuple[str, ...] = ("media",), files: tuple[str, ...] = (), **taken: str) -> Moving:
        told = {"": str(tmp_path / "old")} if not taken else {name: str(tmp_path / at) for name, at in taken.items()}
        return Moving(tmp_path, {name: name for name in folders}, {name: name for name in files}, told)

    return begin


def no_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    def can_not(one: Path, other: Path) -> None:
        raise OSError(errno.EINVAL, "no exchange")

    monkeypatch.setattr(adopt, "exchange", can_not)


@pytest.mark.parametrize("can_exchange", [True, False])
@pytest.mark.parametrize("is_near", [True, False])
def test_it_is_in_its_new_place_and_the_old_one_leads_there(
    moving: Any, monkeypatch: pytest.MonkeyPatch, can_exchange: bool, is_near: bool
) -> None:
    made = moving(media="old/media")
    if not can_exchange:
        no_exchange(monkeypatch)
    if not is_near:
        monkeypatch.setattr(adopt, "_is_near", lambda *paths: False)
    (told,) = made.found()
    assert told.says == f"media → {made.shared}/media (taken over from {made.old}/media, where a link is left)"
    made.run()
    assert made.is_moved()
    assert (made.code / "media/latest").read_text() == "meow"
    assert (made.old / "media.before-switchback/avatars/cat.jpg").exists() is not is_near
    # Once more, nothing is left to do.
    (told,) = made.found()
    assert told.how == "there"


def test_one_folder_may_have_them_all_and_what_it_lacks_is_made(moving: Any) -> None:
    made = moving(("media", "logs"), ("db.sqlite3",))
    assert [one.how for one in made.found()] == ["adopted", "new", "adopted"]
    made.run()
    assert made.is_moved("media")
    assert made.is_moved("db.sqlite3")
    assert (made.shared / "logs").is_dir()
    assert sorted(path.name for path in made.old.iterdir()) == ["db.sqlite3", "media"]


def test_an_empty_one_that_an_earlier_build_has_made_is_no_obstacle(moving: Any) -> None:
    made = moving(("media",), ("db.sqlite3",))
    (made.shared / "media").mkdir(parents=True)
    (made.shared / "db.sqlite3").touch()
    made.run()
    assert made.is_moved("media")
    assert made.is_moved("db.sqlite3")


def test_what_is_there_is_not_overwritten(moving: Any) -> None:
    made = moving(media="old/media")
    (made.shared / "media").mkdir(parents=True)
    (made.shared / "media/dog.jpg").write_text("woof")
    assert made.problem() == (
        f"adopt: {made.old}/media and {made.shared}/media both have something, and neither is overwritten: bring them "
        f"together by hand, then move {made.old}/media away"
    )
    assert (made.old / "media/avatars/cat.jpg").exists()


def test_a_link_that_a_person_has_goes_on_to_lead_where_it_did(moving: Any, tmp_path: Path) -> None:
    made = moving(media="old/media")
    disk = tmp_path / "disk"
    (made.old / "media").rename(disk)
    (made.old / "media").symlink_to(disk)
    made.run()
    assert (made.code / "media").resolve() == disk
    assert (made.old / "media").readlink() == disk
    (told,) = made.found()
    assert told.how == "there"


@pytest.mark.parametrize("at", ["first", "before", "copy"])
def test_wherever_it_is_interrupted_nothing_is_lost_and_the_next_build_goes_on(
    moving: Any, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    made = moving(media="old/media")
    if at != "first":
        monkeypatch.setattr(adopt, "_is_near", lambda *paths: False)
    killed: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
        "first": lambda patched: patched.setattr(adopt, "exchange", _killed),
        "before": lambda patched: patched.setattr(adopt, "_leave_link", _killed),
        "copy": lambda patched: patched.setattr(adopt, "_is_copy", _killed),
    }
    with monkeypatch.context() as patched:
        killed[at](patched)
        with pytest.raises((KeyboardInterrupt, StepFailed)):
            made.run()
    assert (made.old / "media/avatars/cat.jpg").read_text() == "meow"
    made.run()
    assert made.is_moved()
    assert (made.code / "media/avatars/cat.jpg").read_text() == "meow"


def _killed(*paths: Path) -> bool:
    raise KeyboardInterrupt


def test_what_changes_while_it_is_copied_is_not_taken_for_a_copy(moving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = moving(media="old/media")
    monkeypatch.setattr(adopt, "_is_near", lambda *paths: False)
    monkeypatch.setattr(adopt, "_alike", lambda *one: False)
    with pytest.raises(OSError, match="was changed while it was copied"):
        made.run()
    assert not (made.shared / "media").exists()
    assert (made.old / "media/avatars/cat.jpg").exists()


def test_two_trees_are_alike_by_kind_and_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adopt, "_is_near", lambda *paths: False)
    for name in ("a", "b"):
        (tmp_path / name / "in").mkdir(parents=True)
        (tmp_path / name / "in/file").write_text("same")
        (tmp_path / name / "link").symlink_to("in")
    one, other = tmp_path / "a", tmp_path / "b"
    assert adopt._is_copy(one, other)
    (other / "in/file").write_text("SAME")
    assert not adopt._is_copy(one, other)
    (other / "in/file").unlink()
    assert not adopt._is_copy(one, other)
    (other / "in/file").symlink_to("../link")
    assert not adopt._is_copy(one, other)


def test_a_database_that_somebody_uses_is_not_moved(moving: Any) -> None:
    made = moving((), ("db.sqlite3",))
    database = sqlite3.connect(made.old / "db.sqlite3")
    assert made.problem() == (
        f"adopt: {made.old}/db.sqlite3 can't be moved while process {os.getpid()} has it open: stop what uses it, and "
        "deploy again"
    )
    database.close()
    (made.old / "db.sqlite3-wal").touch()
    assert f"while {made.old}/db.sqlite3-wal is beside it" in made.problem()


@pytest.mark.parametrize(
    ("taken", "says"),
    [
        ({"media": "old/nothing"}, "old/nothing is not there: mend the path, or take it out of adopt"),
        ({"media": "old/db.sqlite3"}, "old/db.sqlite3 is a file, and has to be a folder: mend the path"),
        ({"media": "."}, "would lie in"),
    ],
)
def test_what_can_not_be_taken_over_is_refused(moving: Any, taken: dict[str, str], says: str) -> None:
    problem = moving(**taken).problem()
    assert problem.startswith("adopt: ")
    assert says in problem


def test_what_the_app_may_not_move_is_told_with_the_commands_that_root_types(
    moving: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = moving(media="old/media")
    monkeypatch.setattr(adopt, "may_write", lambda user, info: False)
    old, new = made.old / "media", made.shared / "media"
    assert made.problem() == (
        f"adopt: {ME} can't move {old}, since it can't write to {made.old}: as root, mv {old} {new} && ln -s {new} "
        f"{old} && chown -R {ME}: {new}"
    )


def test_two_paths_change_places_or_it_is_said_that_they_can_not(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").mkdir()
    links.exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "a"
    with pytest.raises(FileNotFoundError):
        links.exchange(tmp_path / "a", tmp_path / "c")


def test_adopting_is_said_by_names_that_are_shared_or_by_one_folder() -> None:
    shared = {"shared_dirs": ["media"], "shared_files": ["db.sqlite3"]}
    assert settings(adopt="/srv/old", **shared).adopt == {"": "/srv/old"}
    assert settings(adopt="~/old", **shared).for_host().adopt == {"": "~/old"}
    assert settings(adopt={"media": "/srv/media"}, **shared).adopt == {"media": "/srv/media"}
    assert settings(adopt="media: /srv/media", **shared).adopt == {"media": "/srv/media"}
    assert "must name what shared_dirs or shared_files name" in problems(adopt={"medai": "/srv/x"}, **shared)[0]
    assert "adopt must be an absolute path" in problems(adopt={"media": "x"}, **shared)[0]


def test_nothing_is_taken_over_unless_it_is_asked_for(moving: Any) -> None:
    made = moving(media="old/media")
    object.__setattr__(made.layout, "settings", host_settings(app_username=ME, shared_dirs={"media": "media"}))
    (place,) = places(made.layout.settings)
    assert adopt.source_of(made.layout, place) is None
    assert made.layout.version(NEW).exists()
