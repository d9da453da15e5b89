"""Which restore script a host is restored by, unless the settings name one."""

from __future__ import annotations

import os
import pwd
from dataclasses import replace
from pathlib import Path

import pytest

from agent.database.restoring import is_usual
from agent.transaction.bounds import backs_up_as_provisioned
from agent.versions.layout import Layout
from agent.words.facts import Restore
from agent.words.history import PastRun
from agent.words.outcomes import Outcome
from operations import provision
from switchback.checks.notices import restore_notices
from switchback.runs.deploys import plan_deploy
from switchback.runs.found import as_found
from switchback.runs.reverts import plan_revert
from switchback.settings.errors import Refused
from switchback.settings.options import Options
from tests.unit.examples import LIVE, OLD, fleet, host_facts, settings, site
from tests.unit.healthy import host_settings

FILES = Path(provision.__file__).parent / "files"
USUAL = "/home/app/scripts/restore_database.sh"
OURS = (FILES / "restore_database.sh").read_text()
RESTORE = Restore(USUAL, there=False, provisioned=True)


def layout(folder: Path) -> Layout:
    user = pwd.getpwuid(os.getuid()).pw_name
    return Layout(host_settings(app_username=user, backup_script="~/backup_database.sh", restore_script="auto"), folder)


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        (OURS, True),
        (OURS.replace("--no-comments", "--no-comments --no-tablespaces"), True),
        ("#!/bin/sh\npg_restore --clean --dbname=app $1\n", False),
        ("", False),
        (None, False),
    ],
    ids=["as provision writes it", "changed", "a person's own", "empty", "missing"],
)
def test_a_script_that_a_person_has_written_is_not_run_unless_it_is_named(
    text: str | None, ours: bool, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "restore_database.sh").write_text(text)
    assert is_usual(layout(tmp_path)) is ours


def test_what_is_no_file_is_no_script(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "restore_database.sh")
    assert not is_usual(layout(tmp_path))


def test_whose_backups_they_are_is_told_by_the_script(tmp_path: Path) -> None:
    assert not backs_up_as_provisioned(layout(tmp_path))
    (tmp_path / "backup_database.sh").write_text((FILES / "backup_database.sh").read_text())
    assert backs_up_as_provisioned(layout(tmp_path))


def test_auto_stands_for_what_is_there() -> None:
    auto = settings(restore_script="auto")
    assert as_found(auto, USUAL).restore_script == USUAL
    assert as_found(auto, None).restore_script is None
    assert as_found(settings(restore_script="/srv/mine.sh"), USUAL).restore_script == "/srv/mine.sh"


@pytest.mark.parametrize(
    ("said", "unnoticed", "maintenance", "restart"),
    [
        ({}, True, "auto", "rolling"),
        ({}, False, "always", "restart"),
        ({"restart": "restart"}, True, "auto", "restart"),
        ({"maintenance": "always"}, True, "always", "rolling"),
        ({"maintenance": "auto", "restart": "rolling"}, False, "auto", "rolling"),
    ],
)
def test_what_nobody_has_said_of_a_deploy_depends_on_whose_supervisords_config_is(
    said: dict[str, str], unnoticed: bool, maintenance: str, restart: str
) -> None:
    found = as_found(settings(**said), None, unnoticed)
    assert (found.maintenance, found.restart) == (maintenance, restart)


def test_a_revert_that_restores_is_refused_where_no_script_does() -> None:
    history = (PastRun("x", Outcome.COMMITTED, was=OLD, version=LIVE, backup="/srv/a.dump"),)
    seen = fleet(web1=host_facts(restore=RESTORE, history=history))
    with pytest.raises(Refused) as refused:
        plan_revert(seen, Options.of({"database": "restore", "version": OLD}))
    assert str(refused.value.problems[0]) == (
        "--data database=restore: the settings have no restore_script, and none that provision has written is at "
        + USUAL
    )


def test_a_deploy_that_is_to_be_restored_is_refused_where_no_script_does() -> None:
    seen = fleet(web1=host_facts(restore=RESTORE))
    seen.settings["web1"] = settings(database_fallback="restore", restore_script="auto").model_copy(
        update={"restore_script": None}
    )
    with pytest.raises(Refused) as refused:
        plan_deploy(seen, Options())
    assert "database_fallback: restore needs a restore_script" in str(refused.value.problems[0])


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (RESTORE, f"run deploys/provision.py, which writes {USUAL}"),
        (replace(RESTORE, there=True), "is not the one that provision writes: name it as restore_script"),
        (replace(RESTORE, provisioned=False), ""),
    ],
)
def test_check_says_that_nothing_restores_the_backups(seen: Restore, says: str) -> None:
    told = restore_notices(site(restore=seen), settings(restore_script="auto"))
    assert says in "".join(told)
    assert bool(told) is bool(says)
