"""A plan is kept in a file, and done exactly as it is or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from switchback.plan import store
from switchback.plan.model import Preview
from switchback.settings.errors import Refused
from tests.unit.examples import LIVE, OLD
from tests.unit.test_previews import FOLDER, previewed

Situation = dict[str, Any]


def situation() -> Situation:
    """A deploy of one commit with a migration, on two hosts."""
    told: Situation = yaml.safe_load((FOLDER / "two_hosts_at_different_versions.yml").read_text())
    return told


def _other_live(told: Situation) -> None:
    told["hosts"]["web1"]["seen"] = {"current": OLD, "versions": [{"name": OLD}]}


def _applied(told: Situation) -> None:
    told["hosts"]["web1"]["found"]["migrations"]["applied"] = ["items.0001_initial", "items.0002_note"]


def _hotfixes(told: Situation) -> None:
    told["hosts"]["web1"]["seen"] = {"hotfixes": {"code": ["changed: views.py"]}}


def _settings(told: Situation) -> None:
    told["settings"] = {"database_fallback": "keep", "health_timeout": 99}


def _fewer_hosts(told: Situation) -> None:
    del told["hosts"]["web2"]


def _more_hosts(told: Situation) -> None:
    told["hosts"]["web3"] = told["hosts"]["web2"]


def _other_migrations(told: Situation) -> None:
    told["hosts"]["web1"]["found"]["migrations"]["pending"] = []


def _other_packages(told: Situation) -> None:
    up = [{"name": "django", "was": "5.2.1", "version": "5.2.2"}]
    told["hosts"]["web2"]["found"]["packages"] = {"source": "resolved", "up": up}


def _other_secrets(told: Situation) -> None:
    told["hosts"]["web1"]["seen"] = {"secrets": {"DATABASE_URL": "changed"}}
    told["hosts"]["web2"]["found"]["env"] = {"DEBUG": "new"}


def _other_kind(told: Situation) -> None:
    told["kind"] = "restart"


def _other_commit(told: Situation) -> None:
    for host in told["hosts"].values():
        refs = {"code": {"ref": "main", "sha": "e" * 40}, "config": {"ref": "main", "sha": "f" * 40}}
        host.setdefault("seen", {})["refs"] = refs


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_other_live, [f"web1: {OLD} is live, and the plan was made for {LIVE}"]),
        (_applied, ["web1: migrations applied since: items.0002_note", "web1: migrations taken back since: auth.0012"]),
        (_hotfixes, ["web1: hotfixes: code: changed: views.py, and in the plan none"]),
        (
            _settings,
            ["web1: setting database_fallback: 'keep', and in the plan 'reverse'", "web2: setting health_timeout: 99"],
        ),
        (_fewer_hosts, ["web2: is in the plan, and not in this run"]),
        (_more_hosts, ["web3: is in this run, and not in the plan"]),
        (_other_migrations, ["web1: migrations to apply: none, and in the plan items.0002_note"]),
        (_other_packages, ["web2: packages would change otherwise: django 5.2.1 → 5.2.2, and in the plan none"]),
        (
            _other_secrets,
            [
                "web1: variables would change otherwise: DATABASE_URL changed (secret), and in the plan none",
                "web2: variables would change otherwise: DEBUG new, and in the plan none",
            ],
        ),
        (_other_kind, ["the plan is for a deploy, and this is a restart"]),
        (_other_commit, ["web1: code: eeeeeee would be deployed, and in the plan ccccccc"]),
    ],
)
def test_a_plan_that_is_stale_is_told_in_what(change: Callable[[Situation], None], says: list[str]) -> None:
    told = situation()
    plan = previewed(told)
    change(told)
    found = "\n".join(store.differences(plan, previewed(told)))
    assert [words for words in says if words not in found] == [], found


def test_a_plan_for_what_is_still_the_case_has_no_differences() -> None:
    assert store.differences(previewed(situation()), previewed(situation())) == []


def test_a_plan_that_was_kept_is_the_same_when_it_is_read(tmp_path: Path) -> None:
    plan = previewed(situation())
    store.save(plan, tmp_path / "plan.json")
    assert store.load(tmp_path / "plan.json") == plan
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


@pytest.mark.parametrize("change", [{"schema_version": 2}, {"more": 1}, {"hosts": "web1"}, {"kind": "dance"}])
def test_what_is_no_plan_of_this_schema_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({**json.loads(previewed(situation()).model_dump_json()), **change}))
    with pytest.raises(Refused, match="this is no plan of schema version 1"):
        store.load(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff"])
def test_what_is_no_plan_at_all_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(Refused, match="this is no plan"):
        store.load(path)


def test_files_that_cannot_be_read_or_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="can't be read: No such file"):
        store.load(tmp_path / "missing.json")
    with pytest.raises(Refused, match="can't be written: No such file"):
        store.save(Preview(kind="deploy", made="", hosts=()), tmp_path / "missing" / "plan.json")
