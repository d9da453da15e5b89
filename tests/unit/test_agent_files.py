"""The agent's journal, lock and links keep their promises on a real file system."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from pathlib import Path
from typing import IO, Any

import pytest

from agent.host.files import write_whole
from agent.host.links import NotALink, read_link, replace_link, restore_links
from agent.state import State
from agent.transaction.journal import Journal
from agent.transaction.lock import Held, agent_stays, free_lock, lock_holder, take_lock
from tests.unit.journals import records_of, says


def test_a_journal_gives_back_what_was_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(says("begin", deploy="a"))
    journal.append(says("step started", step="code"))
    assert [record["event"] for record in records_of(journal)] == ["begin", "step started"]


def test_a_line_cut_short_by_a_crash_is_passed_over_and_the_next_one_is_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(says("begin", deploy="a"))
    with journal.path.open("a") as file:
        file.write('{"event": "step sta')
    journal.append(says("fallback", reason="crash"))
    assert [record["event"] for record in records_of(journal)] == ["begin", "fallback"]


def test_what_could_not_be_written_is_known_all_the_same_and_written_first_once_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    journal.append(says("begin", deploy="a"))

    def refuse(*_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as read_only:
        read_only.setattr("agent.transaction.journal.append_line", refuse)
        journal.note(says("fallback", reason="it broke"))
        journal.note(says("undo failed", action="links"))
        with pytest.raises(OSError, match="Read-only"):
            journal.append(says("ended"))
    assert [record["event"] for record in records_of(journal)] == ["begin", "fallback", "undo failed"]
    journal.note(says("undo done", action="links"))
    written = [record["event"] for record in records_of(Journal(tmp_path))]
    assert written == ["begin", "fallback", "undo failed", "undo done"] == [one["event"] for one in records_of(journal)]


def test_of_many_who_want_the_lock_one_gets_it_and_the_others_learn_who(tmp_path: Path) -> None:
    state = State("django", tmp_path)
    state.create()
    won: list[str] = []
    told: list[str] = []

    def want(name: str) -> None:
        try:
            take_lock(state, name)
            won.append(name)
        except Held as held:
            told.append(held.holder)

    threads = [threading.Thread(target=want, args=(f"deploy-{number}",)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert told == won * 19
    assert lock_holder(state) == won[0]
    assert sorted(path.name for path in state.root.iterdir()) == ["lock", "marks", "transactions"]


def waits(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Tells when somebody has to wait for a lock on a file from now on."""
    waiting, lock = threading.Event(), fcntl.flock

    def flock(file: IO[str], how: int) -> None:
        try:
            lock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting.set()
            lock(file, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    return waiting


def test_no_deploy_begins_while_the_agent_is_replaced_and_it_is_not_replaced_while_one_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = State("django", tmp_path)
    state.create()
    order: list[str] = []

    def begin() -> None:
        with agent_stays(state):
            order.append("begun")

    with agent_stays(state, but_for_us=True):
        waiting = waits(monkeypatch)
        other = threading.Thread(target=begin)
        other.start()
        assert waiting.wait(10)
        order.append("replaced")
    other.join()
    assert order == ["replaced", "begun"]


def test_nobody_frees_a_lock_that_belongs_to_another_deploy(tmp_path: Path) -> None:
    state = State("django", tmp_path)
    state.create()
    take_lock(state, "mine")
    free_lock(state, "yours")
    assert lock_holder(state) == "mine"
    free_lock(state, "mine")
    assert lock_holder(state) is None


def test_a_link_is_replaced_without_ever_being_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "current"
    replace_link(link, "old")
    seen: list[str | None] = []

    def watched(call: Any) -> Any:
        def do(*told: Any, **how: Any) -> None:
            call(*told, **how)
            seen.append(read_link(link))

        return do

    for name in ("unlink", "symlink", "rename"):
        monkeypatch.setattr(os, name, watched(getattr(os, name)))
    replace_link(link, "new")
    # After each change of a name that it takes: the last one decides.
    assert len(seen) > 1
    assert seen == ["old"] * (len(seen) - 1) + ["new"]


def test_what_an_interrupted_switch_has_left_does_not_reach_the_next_one(tmp_path: Path) -> None:
    link = tmp_path / "current"
    replace_link(link, "old")
    (tmp_path / ".current.switchback").symlink_to("interrupted")
    replace_link(link, "new")
    assert link.readlink() == Path("new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current"]


def test_links_go_back_to_what_they_were_or_away(tmp_path: Path) -> None:
    kept, made = tmp_path / "kept", tmp_path / "made"
    replace_link(kept, "old")
    recorded = {str(kept): read_link(kept), str(made): read_link(made)}
    replace_link(kept, "new")
    replace_link(made, "new")
    for _ in range(2):
        restore_links(recorded)
        assert kept.readlink() == Path("old")
        assert not made.is_symlink()


def test_what_is_not_a_link_is_never_replaced_by_one(tmp_path: Path) -> None:
    (tmp_path / "current").mkdir()
    with pytest.raises(NotALink):
        replace_link(tmp_path / "current", "new")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "one", 0o600)
    with path.open() as reader:
        write_whole(path, "two", 0o600)
        # Who has opened the old one reads it to its end.
        assert reader.read() == "one"
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("call", ["fsync", "chmod", "rename"])
def test_a_file_that_can_not_be_written_stays_as_it_was_and_leaves_nothing_beside_it(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_whole(path, "one")

    def refuse(*_: Any) -> None:
        assert path.read_text() == "one"
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, call, refuse)
        with pytest.raises(OSError, match="No space left"):
            write_whole(path, "two")
    assert path.read_text() == "one"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
