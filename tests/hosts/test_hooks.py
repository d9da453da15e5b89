"""A project's own commands at the points of a deploy: one that fails behind the migrations, then all of them, of which
one fails after the commit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bed.hosts import Host
from tests.invariants import assert_well, look, visit
from tests.pages import assert_nobody_elses
from tests.prepared import ROWS
from tests.runs import Runs

LOG = "/home/app/hooks.log"
SAYS = (
    'echo "$SWITCHBACK_POINT $(id -un) $PWD $(command -v python || echo none) ${SWITCHBACK_BACKUP-none}" >>~/hooks.log'
)
POINTS = (
    "before_build",
    "after_static",
    "after_build",
    "after_backup",
    "before_migrate",
    "after_migrate",
    "after_switch",
    "after_commit",
)
HOOKS: dict[str, Any] = {point: {"run": ["sh", "-c", SAYS]} for point in POINTS}
# Django's own command line, in the version's environment and at its place in the run: the new column is there.
ASKS = "select count(colour) from items_item"
HOSTILE = "</pre></script><img src=x onerror=alert(1)>"
FAILS = f'psql -AtXd app -c "{ASKS}" >>~/hooks.log; echo "no such importer {HOSTILE}" >&2; exit 4'
BREAKS = {"run": ["sh", "-c", FAILS]}


SHOWS = "from django.conf import settings; print(settings.STATIC_ROOT)"


def test_one_that_fails_once_the_database_is_changed_has_all_of_it_taken_back(
    host: Host, settings: dict[str, Any], run: Runs, tmp_path: Path
) -> None:
    before, page = look(host), tmp_path / "page.html"
    tells = {"run": ["sh", "-c", 'echo "$SWITCHBACK_OUTCOME: $PWD" >>~/hooks.log']}
    settings["hooks"] = {"after_migrate": BREAKS, "after_fallback": tells}
    result = run("deploy", host, data={"code": "good-2", "by": "Ann, PR 123", "report": str(page)})
    assert result.code == 1
    assert "hooks     after_migrate: sh -c" in result.output
    assert "after_migrate failed: sh -c ended with exit code 4" in result.told
    assert "no such importer" in result.told
    assert "fell back at after_migrate: " in result.told
    after = assert_well(host, "good-1", rows=ROWS, database=before.database)
    assert after.current == before.current
    # The one has seen the new schema, the other runs in the version that is live again.
    assert host.read(["cat", LOG]) == f"{ROWS}\nfell back: /home/app/{before.current}/code\n"
    assert (after.last["outcome"], after.last["by"]) == ("fell back", "Ann, PR 123")
    # What happened can be seen afterwards: on its page, here and beside the journal, and without a shell on the host.
    told = assert_nobody_elses(page.read_text())
    for text in ("fell back at after_migrate", "Ann, PR 123 (", f"no such importer {HOSTILE}", "undone: "):
        assert text in told.text
    kept = f"/var/lib/switchback/django/transactions/{after.last['deploy']}/page.html"
    assert host.read(["cat", kept]) == page.read_text()
    assert host.read(["stat", "-c", "%a %U", kept]).strip() == "600 root"
    shown = run("why", host).worked().output
    assert shown.index("fell back at after_migrate") < shown.index("no such importer") < shown.index("output/after_mig")
    assert "  back: database " in shown


def test_all_of_them_run_in_the_versions_own_environment_and_none_after_the_commit_changes_it(
    host: Host, settings: dict[str, Any], run: Runs, tmp_path: Path
) -> None:
    host.run(["rm", LOG])
    here = [{"run": f"touch {tmp_path}/{point}", "on": "controller"} for point in ("before_build", "after_commit")]
    settings["hooks"] = {
        **HOOKS,
        "before_build": [here[0], HOOKS["before_build"]],
        "after_static": [HOOKS["after_static"], "python -c 'print(\"from the venv\")'"],
        "after_build": [HOOKS["after_build"], f"manage.py shell -c '{SHOWS}'"],
        "after_commit": [HOOKS["after_commit"], {"run": ["sh", "-c", "echo nobody listens; exit 5"]}, here[1]],
    }
    result = run("deploy", host, data={"code": "good-2"}, args=["-v"]).worked()
    assert "from the venv" in result.output
    assert "after_commit: WARNING: it failed, which changes nothing of how this has ended: sh -c ended" in result.told
    assert "nobody listens" in result.told
    assert {path.name for path in tmp_path.iterdir()} == {"before_build", "after_commit"}
    seen = assert_well(host, "good-2", rows=ROWS)
    assert "Good 2" in visit(host)
    told = [line.split() for line in host.read(["cat", LOG]).splitlines()]
    assert [line[0] for line in told] == list(POINTS)
    version = f"/home/app/{seen.current}"
    # Its settings have it in the live one.
    assert f"{version}/static\n" in result.output
    for point, user, folder, python, backup in told:
        assert (user, folder) == ("app", f"{version}/code")
        assert (python == f"{version}/venv/bin/python") == (point != "before_build")
        before_it = POINTS.index(point) < POINTS.index("after_backup")
        assert backup == ("none" if before_it else seen.history[-1]["backup"])
