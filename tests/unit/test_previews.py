"""What a person is shown before a run, and what JSON says, for each situation: facts in, lines out.

Each file in previews/ is one: what is asked for, what is seen and found on the hosts, and the lines. After a change
that is meant, `python -m tests.unit.test_previews` writes the lines anew, to be read before they are committed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml

from agent.words.facts import HostFacts, OpenRun, Site
from agent.words.seen import Kept, OldBackup
from agent.words.shapes import read
from switchback.checks.layout import host_problems
from switchback.checks.needs import start_notices, start_problems
from switchback.checks.notices import hotfix_problems, transaction_problems
from switchback.plan.builder import foresee, foresee_cleaning
from switchback.plan.known import Known
from switchback.plan.model import HostPreview, Preview
from switchback.preview.diffs import diff_lines
from switchback.preview.screen import MORE, screen
from switchback.runs.deploys import plan_build, plan_deploy
from switchback.runs.fleet import Fleet
from switchback.runs.found import as_found
from switchback.runs.restarts import plan_restart
from switchback.runs.reverts import plan_revert
from switchback.screen.present import Kind, of_hosts
from tests.unit import examples, healthy

FOLDER = Path(__file__).with_name("previews")
SITUATIONS = sorted(FOLDER.glob("*.yml"))
PLANS = {"deploy": plan_deploy, "build": plan_build, "revert": plan_revert, "restart": plan_restart}
DRAWN = "vK8mQ2xRt7LpZw4NcYb9"
SUPERVISORD, OWN = f"{healthy.HOME}/deployment/supervisord.conf", f"{healthy.HOME}/supervisord.conf"


def previewed(situation: dict[str, Any]) -> Preview:
    """The preview of a situation, made as a run makes it."""
    kind = situation.get("kind", "deploy")
    hosts = {name: host_seen(told.get("seen", {})) for name, told in situation["hosts"].items()}
    seen = {name: facts.site for name, facts in hosts.items() if facts.site}
    said = examples.settings(**situation.get("settings", {}))
    settings = {name: as_found(said, said.restore_script, site.unnoticed) for name, site in seen.items()}
    fleet = Fleet(settings, hosts, next(iter(seen)))
    runs = PLANS[kind](fleet, examples.asked(**situation.get("asked", {})))
    told = []
    for name, run in runs.items():
        problems = host_problems(hosts[name], settings[name], builds=kind in ("deploy", "build"))
        problems += hotfix_problems(seen[name]) + start_problems(seen[name], settings[name])
        notices = (*transaction_problems(hosts[name]), *start_notices(seen[name], settings[name]))
        found = situation["hosts"][name].get("found") or {}
        ahead = examples.foreseen(**found) if run.steps and kind != "restart" else None
        told.append(foresee(run, Known(seen[name], ahead, tuple(problems), notices)))
    return of_hosts(kind, told)


def host_seen(changes: dict[str, Any]) -> HostFacts:
    """What the survey saw: a well host, but for what a situation changes."""
    types = {**get_type_hints(Site), "transaction": OpenRun}
    read_so = {key: read(types[key], told, key) for key, told in changes.items() if key not in ("versions", "current")}
    versions = [examples.version(**one) for one in changes.get("versions", [])]
    return examples.host_facts(*versions, current=changes.get("current", examples.LIVE), **read_so)


def shown(preview: Preview, everything: bool = False) -> list[str]:
    """What a person reads of a preview."""
    return [one.text for one in screen(preview, everything=everything) + diff_lines(preview)]


def flowing(*told: HostPreview, kind: Kind = "deploy", everything: bool = False) -> str:
    """The same of some hosts, in one line, however it is wrapped."""
    return " ".join(" ".join(shown(of_hosts(kind, told), everything)).split())


@pytest.mark.parametrize("path", SITUATIONS, ids=lambda path: path.stem)
def test_a_preview_shows(path: Path) -> None:
    situation = yaml.safe_load(path.read_text())
    assert shown(previewed(situation)) == situation["lines"]


@pytest.mark.parametrize("path", SITUATIONS, ids=lambda path: path.stem)
def test_a_preview_shows_no_secret_and_as_json_neither(path: Path) -> None:
    preview = previewed(yaml.safe_load(path.read_text()))
    told = "\n".join(shown(preview, everything=True)) + preview.model_dump_json()
    for secret in (examples.HIDDEN, DRAWN):
        assert secret not in told


@pytest.mark.parametrize("path", SITUATIONS, ids=lambda path: path.stem)
def test_a_preview_is_the_same_after_it_was_kept_as_a_plan(path: Path) -> None:
    preview = previewed(yaml.safe_load(path.read_text()))
    assert Preview.model_validate_json(preview.model_dump_json()) == preview


@pytest.mark.parametrize(("laid", "now"), [({}, None), ({SUPERVISORD: OWN}, OWN)])
def test_a_config_that_loses_its_supervisord_conf_has_its_link_removed_or_led_to_the_hosts_own(
    laid: dict[str, str], now: str | None
) -> None:
    live = f"{healthy.HOME}/django-current/config/supervisord.conf"
    led = healthy.link(live, f"{healthy.HOME}/{examples.LIVE}/config/supervisord.conf")
    seen = examples.site(links={**examples.site().links, SUPERVISORD: led})
    top = {"entries": ["settings.py", "wsgi.py"], "laid": {**examples.LAID, **laid}}
    told = foresee(examples.run(), Known(seen, examples.foreseen(top=top)))
    assert [(one.was, one.now) for one in told.links if one.path == SUPERVISORD] == [(live, now)]


def test_a_clean_names_what_goes_and_the_room_that_this_frees() -> None:
    seen = examples.site(examples.version(examples.LIVE), examples.version(examples.OLD, bytes=80_000_000))
    told = foresee_cleaning("web1", examples.settings(), Known(seen), [examples.OLD])
    assert shown(of_hosts("clean", [told])) == [
        "--> Clean on web1, 1 of 2 versions to be deleted, which frees 80 MB",
        "    visitors: notice nothing     what is deleted does not come back",
        "",
        "    deletes   1 version, which frees 80 MB",
        f"              - {examples.OLD} (80 MB)",
        MORE,
    ]


@pytest.mark.parametrize(("changes", "gone"), [({}, ["b", "a"]), ({"primary": "web2"}, ["a"])])
def test_the_backups_that_a_deploy_makes_too_many_are_named(changes: dict[str, Any], gone: list[str]) -> None:
    kept = Kept(0, 0, 3, 0, keep_backups=2, going=(OldBackup(1, "/backups/b"), OldBackup(2, "/backups/a")))
    told = foresee(examples.run(**changes), Known(examples.site(kept=kept), examples.foreseen()))
    lines = [line[14:] for line in shown(of_hosts("deploy", [told]))]
    assert [line for line in lines if "earlier deploy" in line] == [
        f"- /backups/{name}, a backup of an earlier deploy" for name in gone
    ]


def test_a_clean_with_nothing_to_delete_is_one_line() -> None:
    told = foresee_cleaning("web1", examples.settings(), Known(examples.site()), [])
    assert shown(of_hosts("clean", [told])) == ["    nothing to delete"]


LEAVING: dict[str, Any] = {"app": "items", "name": "0002_x", "operations": [], "sql": None}


@pytest.mark.parametrize(
    ("history", "restore_script", "reversible", "offered"),
    [
        (
            [{"backup": "/b"}],
            "~/restore.sh",
            True,
            " (--data database=reverse or --data database=restore takes it back)",
        ),
        ([{"backup": "/b"}], None, True, " (--data database=reverse takes it back)"),
        ([], "~/restore.sh", True, " (--data database=reverse takes it back)"),
        ([{"backup": "/b"}], None, False, ""),
    ],
)
def test_a_revert_offers_only_ways_for_the_database_that_would_not_be_refused(
    history: list[dict[str, Any]], restore_script: str | None, reversible: bool, offered: str
) -> None:
    told = {"deploy": "x", "outcome": "committed", "was": examples.OLD, "version": examples.LIVE}
    situation = {
        "kind": "revert",
        "settings": {"restore_script": restore_script},
        "hosts": {
            "web1": {
                "seen": {"history": [{**told, **one} for one in history]},
                "found": {"migrations": {"leaving": [{**LEAVING, "reversible": reversible}]}},
            }
        },
    }
    assert f"    database  stays as it is{offered}" in shown(previewed(situation))


def test_while_nobody_can_say_what_is_applied_no_migration_is_announced_and_no_script_is_named_twice() -> None:
    migrations = {"source": "files", "applied": None, "why": "the database is down", "pending": [LEAVING]}
    lines = flowing(*previewed({"hosts": {"web1": {"found": {"migrations": migrations}}}}).hosts)
    known = "read from the files; what is applied already is known when built"
    assert f"database at most 1 migration to apply, {known}" in lines
    unsure = {"source": "files", "why": "the packages change", "applied": examples.APPLIED}
    whole = shown(previewed({"hosts": {"web1": {"found": {"migrations": unsure}}}}), everything=True)
    assert "    scripts   backup_database.sh, start_maintenance.sh, stop_maintenance.sh" in whole


if __name__ == "__main__":
    for one in SITUATIONS:
        told = yaml.safe_load(one.read_text())
        text = one.read_text().partition("\nlines:")[0].rstrip("\n")
        lines = yaml.safe_dump({"lines": shown(previewed(told))}, width=1000, allow_unicode=True)
        one.write_text(f"{text}\n{lines}")
