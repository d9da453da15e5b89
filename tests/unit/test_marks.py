"""What is known of a version, as agents of all ages have left it, and as a disk or the app may have: what can't be read
is said with the name of its file, and ends nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.state import State
from agent.transaction.bounds import needed
from agent.versions.known import Environment, Mark, Seal
from agent.versions.layout import Layout
from agent.versions.marks import SEAL, every_mark, list_versions, read_mark, read_seal, write_mark
from agent.versions.venv_fingerprint import fingerprint_of
from agent.versions.venvs import take_over
from agent.words.journal import Commit
from agent.words.notes import BackedUp
from agent.words.seen import Failure, Version
from switchback.checks.notices import odd_notices
from switchback.screen.status import status_lines
from tests.unit.examples import NEW
from tests.unit.healthy import host, host_settings, settings, site

OLD_MARK = {
    "working": 1700000000,
    "failed": {"step": "health"},
    "evidence": "/var/lib/switchback/transactions/x",
    "pinned": True,
    "backup": {"path": "/b", "bytes": 7, "sha256": "c0de", "skipped": None},
    "newer_schema": ["items.0002 stays"],
    "built_by": "x",
}
OLD_SEAL = {
    "name": NEW,
    "code": {"ref": "main", "sha": "c" * 40},
    "config": {"ref": "main", "sha": "d" * 40},
    "built": 1700000000,
    "deploy": "x",
    "bytes": 5,
    "venv": {"fingerprint": "f", "named": ["bin/site"]},
    "migrations": [["items", "0001_initial"], ["items", "0001_initial", "other"]],
    "self_contained": True,
    "static_url": None,
    "by_script": ["site"],
}
HALF = json.dumps(OLD_MARK)[:40]


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State("django", tmp_path / "state")
    state.create()
    return state


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(host_settings(), tmp_path)
    layout.version(NEW).mkdir()
    return layout


def seen(state: State, layout: Layout, *, mark: object = None, seal: object = None) -> Version:
    """The version as a survey sees it, with these on disk; a text is written as it is."""
    for path, value in ((state.mark(NEW), mark), (layout.version(NEW) / SEAL, seal)):
        if value is not None:
            path.write_text(value if isinstance(value, str) else json.dumps(value))
    (one,) = list_versions(state, layout)
    return one


def test_a_mark_of_an_older_agent_says_all_that_it_said(state: State) -> None:
    state.mark(NEW).write_text(json.dumps(OLD_MARK))
    assert read_mark(state, NEW) == Mark(
        built_by="x",
        working=1700000000,
        failed=Failure("health"),
        evidence="/var/lib/switchback/transactions/x",
        pinned=True,
        backup=BackedUp(path="/b", bytes=7, sha256="c0de"),
        newer_schema=("items.0002 stays",),
    )


def test_a_seal_of_an_older_agent_says_all_that_it_said(layout: Layout) -> None:
    (layout.version(NEW) / SEAL).write_text(json.dumps(OLD_SEAL))
    assert read_seal(layout.version(NEW)) == Seal(
        name=NEW,
        code=Commit("main", "c" * 40),
        config=Commit("main", "d" * 40),
        built=1700000000,
        deploy="x",
        bytes=5,
        venv=Environment("f", ("bin/site",)),
        migrations=(("items", "0001_initial"), ("items", "0001_initial", "other")),
        self_contained=True,
        by_script=("site",),
    )


def test_what_was_written_is_read_again_and_what_is_as_ever_is_not_written(state: State) -> None:
    mark = Mark(working=1, failed=Failure("migrate", "x", 2), backup=BackedUp(path="/b"))
    write_mark(state, NEW, mark)
    assert read_mark(state, NEW) == mark
    assert json.loads(state.mark(NEW).read_text()).keys() == {"working", "failed", "backup"}
    assert every_mark(state) == [mark]


def test_where_nothing_is_written_nothing_is_odd(state: State, layout: Layout) -> None:
    one = seen(state, layout)
    assert (one.odd, one.sealed, one.ours, one.failed, one.working, one.pinned) == (
        (),
        False,
        False,
        None,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ({**OLD_MARK, "failed": {"deploy": "x"}}, "it.failed.step is missing"),
        ({**OLD_MARK, "failed": "health"}, "it.failed: 'health' is no Failure"),
        ({**OLD_MARK, "failed": {"step": 7}}, "it.failed.step: 7 is no str"),
    ],
)
def test_of_an_odd_mark_the_rest_is_known_and_the_odd_part_is_said(
    state: State, layout: Layout, mark: object, says: str
) -> None:
    one = seen(state, layout, mark=mark, seal=OLD_SEAL)
    assert (one.failed, one.working, one.pinned, one.sealed) == (None, True, True, True)
    assert one.odd == (f"{state.mark(NEW)} can't all be read: {says}",)


@pytest.mark.parametrize("text", [HALF, "", "[]", "7", "null", "[" * 100_000, "\0"])
def test_a_mark_or_a_seal_that_is_none_is_said_to_be_and_nothing_of_it_is_known(
    state: State, layout: Layout, text: str
) -> None:
    one = seen(state, layout, mark=text, seal=text)
    assert (one.sealed, one.ours, one.failed, one.pinned) == (False, False, None, False)
    assert [line.split(" can't be read: ")[0] for line in one.odd] == [
        str(layout.version(NEW) / SEAL),
        str(state.mark(NEW)),
    ]
    assert read_mark(state, NEW) == Mark()
    assert read_seal(layout.version(NEW)) == Seal()


@pytest.mark.parametrize("name", sorted({*OLD_SEAL} - {"name", "static_url"}))
def test_of_an_odd_seal_the_rest_is_known_too(state: State, layout: Layout, name: str) -> None:
    odd = 1.5 if name not in ("built",) else "now"
    one = seen(state, layout, seal={**OLD_SEAL, name: odd})
    assert one.sealed
    assert one.odd == (f"{layout.version(NEW) / SEAL} can't all be read: it.{name}: {odd!r} is no {kind_of(name)}",)


def kind_of(name: str) -> str:
    """What a field of the seal should be, in the finding's words."""
    plain = {"built": "float", "bytes": "int", "deploy": "str", "self_contained": "bool"}
    classes = {"code": "Commit", "config": "Commit", "venv": "Environment"}
    return {**plain, **classes}.get(name, "tuple")


def test_an_endless_oddity_is_cut(state: State, layout: Layout) -> None:
    (said,) = seen(state, layout, mark={"failed": "x" * 10**6}).odd
    assert len(said) < 500


def test_an_environment_of_which_nobody_knows_what_names_it_is_not_taken_over(layout: Layout) -> None:
    seal = layout.version(NEW) / SEAL
    # As an older agent has written it, as one that has not looked for names, and as nobody has.
    for venv in ("f", {"fingerprint": "f"}, ["f"], None):
        seal.write_text(json.dumps({"name": NEW, "venv": venv}))
        assert take_over(layout, NEW, "another", "f") is None
    seal.write_text(json.dumps(OLD_SEAL))
    assert fingerprint_of(layout.version(NEW)) == "f"


def test_a_mark_without_a_backup_needs_none() -> None:
    assert needed([], [Mark(), Mark(backup=BackedUp(path="/b"))], ()) == {"/b"}


def test_a_person_who_looks_at_the_host_reads_what_is_odd() -> None:
    odd = Version(NEW, odd=("/x.json can't be read: it is no JSON object",))
    assert odd.odd[0] in status_lines(host(site(versions=(odd,))), settings())
    assert odd_notices(site(versions=(odd,))) == ["/x.json can't be read: it is no JSON object"]
