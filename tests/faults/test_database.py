"""How the database goes back: by reversing, by restoring, not at all, or not without a person. On PostgreSQL itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bed.hosts import Host
from tests.conftest import Hosts
from tests.faults.matrix import CANNOT_START
from tests.faults.watch import journal
from tests.invariants import (
    Seen,
    assert_ended,
    assert_quiet,
    assert_screen,
    assert_taken_back,
    assert_well,
    look,
    visit,
)
from tests.runs import Runs

RESTORE = {"restore_script": "~/scripts/restore_database.sh"}
RESTORES = "/home/app/scripts/restore_database.sh"
ITEMS = "select * from items_item order by id"
DROP_WHAT_IS_HALF_DONE = "alter table items_item drop column price"


def query(host: Host, statement: str) -> str:
    """What the app's database says."""
    return host.run(["runuser", "-u", "app", "--", "psql", "-AtXd", "app", "-c", statement]).stdout


# A module of the app that ends it three seconds after it was started.
ENDS_SOON = "import os, threading; warm_up = lambda: threading.Timer(3, os.kill, [os.getppid(), 9]).start()"
GIVES_UP = f'echo "{ENDS_SOON}" >/home/app/{{version}}/code/warmup.py'


def break_version(host: Host, seen: Seen, code: str, how: str = CANNOT_START) -> str:
    """Let a version that is built not start any more where it is live, or something else; its name."""
    name = max(name for name in seen.versions if f"-{seen.commits['code'][code][:7]}-" in name)
    host.run(how.format(version=name))
    return name


@pytest.fixture
def with_restore(host: Host, run: Runs, settings: dict[str, Any]) -> Seen:
    """The host as it is before a deploy, once it has a restore script."""
    settings |= {**RESTORE, "health_timeout": 4}
    run("provision", host).worked()
    return look(host)


def test_a_restore_is_believed_once_the_database_is_back_with_every_row(
    host: Host, with_restore: Seen, run: Runs, settings: dict[str, Any]
) -> None:
    settings["database_fallback"] = "restore"
    rows = query(host, ITEMS)
    version = break_version(host, with_restore, "good-2")
    script = host.read(["cat", RESTORES])
    host.run(f"printf '#!/bin/sh\\nexit 0\\n' >{RESTORES}")
    idle = run("deploy", host, data={"version": version})
    says = "has not brought the database back: still applied: items.0002_item_colour"
    assert_screen(idle, "needs a person", ["needs a person at health", "maintenance stays ON", says])

    host.write(RESTORES, script, mode=0o755, owner="app")
    run("recover", host).worked()
    seen = assert_well(host, links=with_restore.links, database=with_restore.database)
    assert_ended(seen, "fell back", "health", version)
    assert query(host, ITEMS) == rows


def test_what_reversing_can_not_bring_back_is_watched_before_visitors_are_let_in_and_undone_by_the_backup(
    host: Host, with_restore: Seen, run: Runs, settings: dict[str, Any]
) -> None:
    settings |= {"health_stable": 6, "health_timeout": 30}
    rows = query(host, ITEMS)
    run("build", host, data={"code": "lossy"}).worked()
    built = look(host)
    result = run("deploy", host, data={"version": break_version(host, built, "lossy", GIVES_UP)})
    assert_taken_back(host, built, result, "health", ["did not stay up for 6 s", "proven healthy"])
    assert "maintenance_stop" not in [record.get("step") for record in journal(host)]
    # It had dropped when items were made.
    assert query(host, ITEMS) == rows


def test_a_schema_that_is_half_applied_is_restored_where_provision_has_written_the_scripts(
    host: Host, before: Seen, run: Runs
) -> None:
    rows = query(host, ITEMS)
    result = run("deploy", host, data={"code": "half-applied"})
    assert_taken_back(host, before, result, "migrate", ["Item matching query does not exist", "proven healthy"])
    assert "the database goes back by restore: items.0002_item_price may be half applied" in result.output
    assert query(host, ITEMS) == rows


def test_a_database_that_is_to_be_kept_stays_as_the_new_version_made_it(
    host: Host, before: Seen, run: Runs, settings: dict[str, Any]
) -> None:
    settings |= {"database_fallback": "keep", "health_timeout": 4}
    result = run("deploy", host, data={"version": break_version(host, before, "good-2")})
    assert_screen(result, "fell back", ["fell back at health", "maintenance is off"])
    seen = assert_well(host, links=before.links, rows=before.database.rows)
    assert set(seen.database.migrations) - set(before.database.migrations) == {"items.0002_item_colour"}


def test_a_schema_that_is_half_applied_keeps_maintenance_on_until_a_person_has_put_it_right(
    hosts: Hosts, run: Runs
) -> None:
    (host,) = hosts()
    before = look(host)
    rows = query(host, ITEMS)
    result = run("deploy", host, data={"code": "half-applied", "restore_script": "none", "irreversible": "accept"})
    says = [
        "needs a person at migrate",
        f"{before.current} is live, maintenance stays ON",
        "items.0002_item_price is not atomic and failed on the way: the schema may be half applied",
        "with your database's own tools, since restore_script is not set",
        "deploys/recover.py",
    ]
    assert_screen(result, "needs a person", says)
    stuck = look(host)
    assert stuck.maintenance
    assert stuck.links == before.links
    with pytest.raises(AssertionError, match="503"):
        visit(host)

    again = run("recover", host)
    assert again.code == 1
    assert "the schema may be half applied" in again.output
    assert look(host).maintenance

    query(host, DROP_WHAT_IS_HALF_DONE)
    run("recover", host, data={"database": "keep"}).worked()
    seen = assert_well(host, links=before.links, database=before.database)
    assert query(host, ITEMS) == rows
    assert_quiet(seen)
    assert_ended(seen, "fell back", "migrate")
