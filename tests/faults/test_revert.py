"""A revert that fails, and ways back after a deploy that could not be undone."""

from __future__ import annotations

from tests.bed.hosts import Host
from tests.invariants import Seen, assert_ended, assert_screen, assert_taken_back, assert_well
from tests.runs import Runs


def test_a_revert_that_fails_goes_back_to_where_it_was(host: Host, before: Seen, run: Runs) -> None:
    run("deploy", host, data={"code": "good-2"}).worked()
    at = assert_well(host, "good-2", rows=3)
    host.run(f"echo 'raise SystemExit(3)' >/home/app/{before.current}/code/warmup.py")

    result = run("revert", host)

    assert_screen(result, "fell back", ["fell back at health", f"{at.current} is live and proven healthy"])
    seen = assert_well(host, "good-2", links=at.links, database=at.database)
    target = assert_ended(seen, "fell back", "health", before.current)
    # What it met was the schema of the version that was left: it has worked, and the next revert goes there again.
    assert seen.marks[target].get("working")
    assert not seen.marks[target].get("failed")


def test_an_irreversible_version_goes_live_once_accepted_and_a_later_failure_falls_back_to_it(
    host: Host, run: Runs
) -> None:
    run("deploy", host, data={"code": "irreversible", "irreversible": "accept"}).worked()
    shouting = assert_well(host, "irreversible", rows=3)
    back = run("revert", host, data={"database": "reverse"})
    assert_screen(back, "refused", ["refused at checks: the live site was never touched"])
    assert "these migrations can't be reversed: items.0002_shout" in back.output
    shouting = assert_well(host, "irreversible", links=shouting.links, database=shouting.database)
    assert [mark for mark in shouting.marks.values() if mark.get("failed")] == []
    result = run("deploy", host, data={"code": "bad-live"})
    assert_taken_back(host, shouting, result, "health", ["proven healthy"])
