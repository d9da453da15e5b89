"""A revert that fails, and ways back after a deploy that could not be undone."""

from __future__ import annotations

from tests.bed.hosts import Host
from tests.invariants import Seen, assert_ended, assert_kept_as_failed, assert_screen, assert_taken_back, assert_well
from tests.runs import Runs


def test_a_revert_that_fails_goes_back_to_where_it_was(host: Host, before: Seen, run: Runs) -> None:
    run("deploy", host, data={"code": "good-2"}).worked()
    at = assert_well(host, "good-2", rows=3)
    host.run(f"echo 'raise SystemExit(3)' >/home/app/{before.current}/code/warmup.py")

    result = run("revert", host)

    assert_screen(result, "fell back", ["fell back at health", f"{at.current} is live and proven healthy"])
    seen = assert_well(host, "good-2", links=at.links, database=at.database)
    assert_kept_as_failed(host, seen, assert_ended(seen, "fell back", "health", before.current), "health")


def test_an_irreversible_version_goes_live_once_accepted_and_a_later_failure_falls_back_to_it(
    host: Host, run: Runs, settings: dict[str, object]
) -> None:
    settings["health_timeout"] = 4
    run("deploy", host, data={"code": "irreversible", "irreversible": "accept"}).worked()
    shouting = assert_well(host, "irreversible", rows=3)
    result = run("deploy", host, data={"code": "bad-boot"})
    assert_taken_back(host, shouting, result, "health", ["proven healthy"])
