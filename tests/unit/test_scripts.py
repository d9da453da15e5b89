"""How the host's own scripts are run."""

from __future__ import annotations

from pathlib import Path
from socket import gethostname
from types import SimpleNamespace
from typing import Any

import pytest

from agent.database.restoring import restore
from agent.django import scripts as for_databases
from agent.inside.protocol import Database
from agent.steps import scripts
from agent.steps.scripts import run_script
from agent.versions.layout import Layout
from agent.words.notes import Checked
from tests.unit.examples import LIVE, NEW
from tests.unit.healthy import host_settings
from tests.unit.journals import begun


class Step:
    """A step, and the commands that it runs."""

    def __init__(
        self, folder: Path, kind: str = "deploy", databases: tuple[Database, ...] = (), direct: str | None = None
    ) -> None:
        self.runs: list[dict[str, Any]] = []
        self.layout = Layout(host_settings(restore_script="~/restore.sh", database_direct_url=direct), folder)
        self.settings = self.layout.settings
        self.begin = begun(kind=kind, version=NEW, was=LIVE)
        self.version = NEW
        self.transaction = SimpleNamespace(deploy="20261128-111619-root-1060")
        self.note = lambda shape: Checked(databases=databases)

    def runner(self, user: str) -> Any:
        return SimpleNamespace(run=lambda argv, **how: self.runs.append({"argv": argv, **how}))

    def work(self) -> list[dict[str, str]]:
        """What a restore and a backup find in their environment."""
        step: Any = self
        restore(step, "/srv/backups/app.dump")
        run_script(step, "backup_script")
        return [one["env"] for one in self.runs]


@pytest.fixture(autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose environment it is, is said elsewhere."""
    for module in (for_databases, scripts):
        monkeypatch.setattr(module, "for_scripts", lambda step, version="": {"OF_THE_APP": "1", "WHOSE": version})


def test_a_restore_writes_what_it_has_to_beside_the_backup_and_not_where_memory_is_the_disk(tmp_path: Path) -> None:
    found = Step(tmp_path).work()
    assert [env.get("TMPDIR") for env in found] == ["/srv/backups", None]
    assert {env["OF_THE_APP"] for env in found} == {"1"}


def test_a_script_that_has_nothing_to_do_with_the_database_is_told_nothing_of_it(tmp_path: Path) -> None:
    step: Any = Step(tmp_path)
    run_script(step, "maintenance_start_script")
    assert step.runs[0]["env"] == {"OF_THE_APP": "1", "WHOSE": ""}


def test_what_works_with_the_database_says_there_for_which_deploy(tmp_path: Path) -> None:
    names = [env["PGAPPNAME"] for env in Step(tmp_path).work()]
    assert names == [f"switchback 20261128-111619-root-1060 {gethostname()}"[:63]] * 2


@pytest.mark.parametrize(("kind", "version"), [("deploy", NEW), ("revert", LIVE)])
def test_a_script_is_told_whose_settings_name_the_databases(kind: str, version: str, tmp_path: Path) -> None:
    found = (
        Database("default", "postgresql", "a", "a", False, direct=True),
        Database("logs", "postgresql", "b", "b", False),
    )
    for env in Step(tmp_path, kind, found).work():
        told = {key: value for key, value in env.items() if key.startswith("SWITCHBACK_")}
        assert told == {
            "SWITCHBACK_VERSION": f"{tmp_path}/{version}",
            "SWITCHBACK_PYTHON": f"{tmp_path}/{version}/venv/bin/python",
            "SWITCHBACK_MANAGE": f"{tmp_path}/{version}/config/manage.py",
            "SWITCHBACK_DATABASES": "default logs",
            # What is reached by a pooler it finds out by itself.
            "SWITCHBACK_DIRECT": "default",
        }
        # In whose environment alone they can be read.
        assert env["WHOSE"] == version


@pytest.mark.parametrize("aliases", [[], ["default", "an odd one"]])
def test_a_script_is_not_told_which_databases_there_are_where_that_can_not_be_said(
    aliases: list[str], tmp_path: Path
) -> None:
    found = tuple(Database(alias, "sqlite", "a", "a", False) for alias in aliases)
    assert all("SWITCHBACK_DATABASES" not in env for env in Step(tmp_path, "deploy", found).work())


def test_a_script_is_told_where_the_database_is_behind_a_pooler(tmp_path: Path) -> None:
    found = (Database("default", "postgresql", "a", "a", False, direct=True),)
    for env in Step(tmp_path, "deploy", found, direct="postgresql://db:5432").work():
        assert env["SWITCHBACK_DIRECT_URL"] == "postgresql://db:5432"
        # What was looked at was reached by that.
        assert "SWITCHBACK_DIRECT" not in env
    assert all("SWITCHBACK_DIRECT_URL" not in env for env in Step(tmp_path).work())
