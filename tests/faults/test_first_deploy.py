"""A first deploy that fails, on a host that has no version yet."""

from __future__ import annotations

from tests.bed.hosts import Host
from tests.invariants import (
    CURRENT,
    assert_ended,
    assert_kept_as_failed,
    assert_quiet,
    assert_screen,
    assert_well,
    look,
)
from tests.runs import Runs


def test_a_first_deploy_that_fails_leaves_the_host_as_bare_as_it_was(
    bare_host: Host, run: Runs, settings: dict[str, object]
) -> None:
    settings["health_timeout"] = 10
    run("provision", bare_host).worked()
    before = look(bare_host)
    result = run("deploy", bare_host, data={"code": "bad-live"})
    assert_screen(result, "fell back", ["at health: bad-live (", "no version is live, as before", "maintenance is off"])

    seen = look(bare_host)
    assert_quiet(seen)
    assert seen.links == before.links
    assert CURRENT not in seen.links
    assert (seen.service, seen.processes, seen.maintenance) == ("inactive", {}, False)
    assert (seen.database.migrations, seen.database.rows) == ((), None)
    # Django's own list of migrations is all that stays, and it is empty.
    assert seen.database.schema.count("CREATE TABLE") == 1
    assert_kept_as_failed(bare_host, seen, assert_ended(seen, "fell back", "health"), "health")

    run("deploy", bare_host, data={"code": "good-1"}).worked()
    assert_well(bare_host, rows=0)
