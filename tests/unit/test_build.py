"""How the database would go back is decided before it is changed; and what a build writes down of itself."""

from __future__ import annotations

import os
import pwd
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.database.choice import decide_fallback
from agent.host.command import CommandFailed, Runner
from agent.inside.protocol import Migration
from agent.packages import installing
from agent.steps.build import venv
from agent.steps.build.venv import Venv
from agent.transaction.step import StepFailed
from agent.versions.layout import Layout
from agent.words.settings import Settings
from tests.unit.healthy import host_settings

RESTORE = "~/scripts/restore_database.sh"


def migration(name: str = "0002_price", reversible: bool = True, **more: Any) -> Migration:
    return Migration("items", name, reversible, True, (), **more)


def told(way: str = "reverse", restore_script: str | None = None, **more: Any) -> Settings:
    return host_settings(database_fallback=way, restore_script=restore_script, **more)


STUCK = [migration("0001_first"), migration("0002_shout", reversible=False)]


def test_migrations_that_can_be_reversed_are() -> None:
    assert decide_fallback(told(), "refuse", [migration()]) == "reverse"
    assert decide_fallback(told(restore_script=RESTORE), "refuse", [migration()]) == "reverse"


def test_nothing_to_migrate_needs_no_decision() -> None:
    assert decide_fallback(told(), "refuse", []) == "reverse"


def test_migrations_that_can_not_be_reversed_are_undone_from_the_backup_where_there_is_a_script_for_it() -> None:
    assert decide_fallback(told(restore_script=RESTORE), "refuse", STUCK) == "restore"


def test_without_a_way_back_the_deploy_is_refused_and_the_migrations_and_what_to_do_are_named() -> None:
    with pytest.raises(StepFailed) as failed:
        decide_fallback(told(), "refuse", STUCK)
    assert str(failed.value) == (
        "these migrations can't be reversed: items.0002_shout\n"
        "Set restore_script, so that the database can be restored from this deploy's own backup, or accept that the "
        "schema stays: --data irreversible=accept"
    )


def test_a_person_may_accept_that_there_is_no_way_back() -> None:
    assert decide_fallback(told(), "accept", STUCK) == "keep"


def test_in_an_empty_database_nothing_can_be_lost_and_nothing_is_refused() -> None:
    assert decide_fallback(told(), "refuse", STUCK, empty=True) == "reverse"


@pytest.mark.parametrize("worse", [[migration(loses=True)], [migration(halfway=True)]], ids=["loses", "halfway"])
def test_what_reversing_would_not_bring_back_is_restored_where_there_is_a_script_and_reversed_elsewhere(
    worse: list[Migration],
) -> None:
    assert decide_fallback(told(restore_script=RESTORE), "refuse", worse) == "restore"
    assert decide_fallback(told(), "refuse", worse) == "reverse"


@pytest.mark.parametrize(
    ("worse", "why"),
    [([migration(loses=True)], "discards what is stored"), ([migration(halfway=True)], "can stop half-way")],
    ids=["loses", "halfway"],
)
def test_a_host_that_provision_has_made_gets_its_restore_script_before_anything_is_lost(
    worse: list[Migration], why: str
) -> None:
    with pytest.raises(StepFailed) as failed:
        decide_fallback(told(), "refuse", worse, provisioned=True)
    first, *_, last = str(failed.value).splitlines()
    assert first.startswith("items.0002_price ")
    assert why in first
    assert last.startswith("With restore_script: auto, run deploys/provision.py, which writes a script that restores ")
    assert decide_fallback(told(), "accept", worse, provisioned=True) == "reverse"
    assert decide_fallback(told(), "accept", STUCK, provisioned=True) == "keep"
    assert decide_fallback(told(restore_script=RESTORE), "refuse", worse, provisioned=True) == "restore"
    assert decide_fallback(told(), "refuse", [migration()], provisioned=True) == "reverse"


def test_visitors_are_not_kept_out_because_an_index_could_be_left_half_built() -> None:
    settings = told(restore_script=RESTORE, maintenance="auto")
    half = [migration(halfway=True)]
    assert decide_fallback(settings, "refuse", half) == "reverse"
    assert decide_fallback(settings, "refuse", half, breaks=True) == "restore"
    assert decide_fallback(settings, "refuse", [migration(loses=True)]) == "restore"


@pytest.mark.parametrize("way", ["restore", "keep"])
def test_what_the_settings_say_otherwise_counts(way: str) -> None:
    assert decide_fallback(told(way, RESTORE), "refuse", STUCK) == way


@given(
    way=st.sampled_from(["reverse", "restore", "keep"]),
    script=st.sampled_from([None, RESTORE]),
    irreversible=st.sampled_from(["refuse", "accept"]),
    pending=st.lists(st.builds(migration, st.text(), st.booleans())),
)
def test_what_can_not_be_reversed_is_never_to_be_reversed(
    way: str, script: str | None, irreversible: str, pending: list[Migration]
) -> None:
    try:
        decided = decide_fallback(told(way, script), irreversible, pending)
    except StepFailed:
        assert irreversible == "refuse"
        return
    assert decided != "reverse" or all(one.reversible for one in pending)
    assert decided != "keep" or way == "keep" or irreversible == "accept"


def committed(code: Path) -> None:
    """Have what is in a folder be a commit's."""
    git = ["git", "-C", str(code), "-c", "user.name=Sam", "-c", "user.email=sam@example.org"]
    for argv in (["init", "-q"], ["add", "-A"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *argv], check=True)


def test_a_project_that_does_not_say_what_it_needs_is_refused_at_its_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venv, "for_app", lambda step: {})
    user = pwd.getpwuid(os.getuid()).pw_name
    layout = Layout(host_settings(app_username=user, versions_dir=str(tmp_path)), tmp_path)
    layout.part("v", "code").mkdir(parents=True)
    committed(layout.part("v", "code"))
    runner = Runner(user=user, log=None, until=time.time() + 60)
    step = SimpleNamespace(
        layout=layout,
        version="v",
        settings=host_settings(),
        begin=SimpleNamespace(config="a commit"),
        runner=lambda user: runner,
    )
    with pytest.raises(StepFailed, match=r"what the project needs is not at the top of the code .*requirements\.txt"):
        Venv().do(step)  # type: ignore[arg-type]


def test_an_index_is_the_environments_and_its_password_is_not_repeated_by_what_a_build_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = pwd.getpwuid(os.getuid()).pw_name
    layout = Layout(host_settings(app_username=user, versions_dir=str(tmp_path)), tmp_path)
    code = layout.part("v", "code")
    code.mkdir(parents=True)
    (code / "base.txt").write_text("--extra-index-url https://me:s3cret-one@pypi.example.com/simple\n")
    (code / "requirements.txt").write_text("-r base.txt\nsix\n")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho build isolation: s3cret-one $PIP_INDEX_URL $DEBUG >&2\nexit 1\n")
    python.chmod(0o755)
    log = tmp_path / "log"
    committed(code)
    runner = Runner(user=user, log=log, until=time.time() + 60)
    step = SimpleNamespace(
        layout=layout,
        version="v",
        settings=host_settings(python=str(python), reuse_venv=False),
        begin=SimpleNamespace(config="a commit"),
        runner=lambda user: runner,
    )
    monkeypatch.setattr(installing, "uv_of", lambda home: None)
    monkeypatch.setattr(
        venv, "for_app", lambda step: {"PIP_INDEX_URL": "https://pypi.example.com/simple", "DEBUG": "0"}
    )
    with pytest.raises(CommandFailed) as failed:
        Venv().do(step)  # type: ignore[arg-type]
    assert failed.value.output == "build isolation: *** https://pypi.example.com/simple\n"
    assert "s3cret" not in log.read_text()
