"""Going back: version by version, over failed and half-built ones, by name, and with the database."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.bed.hosts import Host
from tests.conftest import Hosts
from tests.hosts.footprint import assert_refused, untouched
from tests.invariants import PREVIOUS, assert_well, look
from tests.prepared import ROWS, add_item
from tests.runs import Runs

GOOD_2, GOOD_3 = "items.0002_item_colour", "items.0003_colours"
RESTORE = {"restore_script": "~/scripts/restore_database.sh"}


@dataclass
class Story:
    """The names of the versions that were deployed, and of the one that never was finished."""

    versions: dict[str, str] = field(default_factory=dict)
    failed: str = ""
    unfinished: str = ""


@pytest.fixture(scope="module")
def host(hosts: Hosts) -> Host:
    """The story's host, on which good-2 is built already."""
    return hosts(built=True)[0]


@pytest.fixture(scope="module")
def story(host: Host, run: Runs) -> Story:
    """A host that went from good-1 over good-2, a version that failed and one half built, to good-3."""
    story = Story()
    story.versions["good-1"] = str(look(host).current)
    run("deploy", host, data={"code": "0012345"}).worked()
    story.versions["good-2"] = str(look(host).current)
    assert run("deploy", host, data={"code": "bad-health", "health_timeout": 5}).code == 1
    story.failed = str(look(host).last["version"])
    # As it is when the host goes down during a build.
    story.unfinished = story.failed[:-15] + "1111111-2222222"
    host.run(["runuser", "-u", "app", "--", "mkdir", "-p", f"/home/app/{story.unfinished}/code"])
    run("deploy", host, data={"code": "12e4567"}).worked()
    story.versions["good-3"] = str(look(host).current)
    assert_well(host, "good-3", rows=ROWS)
    return story


def test_a_dry_run_says_where_a_revert_would_go_and_changes_nothing(host: Host, story: Story, run: Runs) -> None:
    with untouched(host):
        result = run("revert", host, args=["--dry"]).worked()
    assert f"version   {story.versions['good-3']} → {story.versions['good-2']}" in result.output
    offers = "--data database=reverse or --data database=restore"
    assert f"database stays as it is ({offers} takes it back)" in result.flowing


def test_a_revert_passes_over_failed_and_half_built_versions_and_keeps_the_database(
    host: Host, story: Story, run: Runs
) -> None:
    before = look(host)
    assert story.versions["good-2"] < story.failed < story.versions["good-3"]
    add_item(host)
    result = run("revert", host).worked()
    seen = assert_well(host, "good-2", rows=ROWS + 1)
    assert seen.current == story.versions["good-2"]
    assert seen.linked(PREVIOUS) == story.versions["good-3"]
    assert seen.database.migrations == before.database.migrations
    newer = "items.0003_colours stays applied (Raw Python operation: runs Python of the project's own)"
    assert f"the database is newer than its code, which may not be able to use it: {newer}" in result.told
    assert f"note: the database is newer than the code of {seen.current}: {newer}" in run("check", host).worked().output
    for words in ("return pyinfra ", f"--data version={story.versions['good-3']} -y"):
        assert words in result.told


def test_a_second_revert_goes_further_back(host: Host, story: Story, run: Runs) -> None:
    run("revert", host).worked()
    assert assert_well(host, "good-1", rows=ROWS + 1).current == story.versions["good-1"]


def test_a_revert_with_nothing_before_is_refused(host: Host, story: Story, run: Runs) -> None:
    with untouched(host):
        result = run("revert", host)
    assert_refused(result, f"there is no healthy version before {story.versions['good-1']}")


def test_a_half_built_version_is_refused_even_by_name(host: Host, story: Story, run: Runs) -> None:
    with untouched(host):
        result = run("revert", host, data={"version": story.unfinished})
    assert_refused(result, f"{story.unfinished} was never finished")


def test_a_failed_version_is_refused_even_by_name(host: Host, story: Story, run: Runs) -> None:
    with untouched(host):
        result = run("revert", host, data={"version": story.failed})
    assert_refused(result, story.failed, "failed at trial")


def test_a_version_is_reverted_to_by_its_name(host: Host, story: Story, run: Runs) -> None:
    run("revert", host, data={"version": story.versions["good-3"]}).worked()
    assert assert_well(host, "good-3", rows=ROWS + 1).current == story.versions["good-3"]


def test_a_revert_reverses_the_migrations_that_the_older_version_does_not_have(
    host: Host, story: Story, run: Runs
) -> None:
    assert {GOOD_2, GOOD_3} <= set(look(host).database.migrations)
    data = {"version": story.versions["good-1"], "database": "reverse"}
    run("revert", host, data=data).worked()
    seen = assert_well(host, "good-1", rows=ROWS + 1)
    assert not {GOOD_2, GOOD_3} & set(seen.database.migrations)
    assert "colour" not in seen.database.schema


def test_a_restore_needs_a_script_for_it(host: Host, story: Story, run: Runs) -> None:
    with untouched(host):
        data = {"version": story.versions["good-3"], "database": "restore", "restore_script": "none"}
        result = run("revert", host, data=data)
    assert_refused(result, "--data database=restore: the settings have no restore_script")


def test_a_restore_is_refused_while_its_script_is_not_on_the_host(host: Host, story: Story, run: Runs) -> None:
    with untouched(host):
        data = {"version": story.versions["good-3"], "database": "restore", "restore_script": "~/scripts/other.sh"}
        result = run("revert", host, data=data)
    assert_refused(result, "restore_script /home/app/scripts/other.sh is missing")


def test_a_revert_restores_the_backup_of_when_the_older_version_was_left(host: Host, story: Story, run: Runs) -> None:
    run("provision", host, data=RESTORE).worked()
    before = look(host)
    run("deploy", host, data={"version": story.versions["good-3"]}).worked()
    backup = next(line["backup"] for line in reversed(look(host).history) if line["kind"] == "deploy")
    add_item(host)
    assert assert_well(host, "good-3", rows=ROWS + 2).database.schema != before.database.schema
    data = {"version": story.versions["good-1"], "database": "restore", **RESTORE}
    result = run("revert", host, data=data).worked()
    assert f"from: {backup}" in result.output
    assert "whatever was written since is LOST" in result.output
    assert_well(host, "good-1", database=before.database)
