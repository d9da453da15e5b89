"""Deleting versions: what a person asks for goes, what is needed stays."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from tests.bed.hosts import Host
from tests.faults.watch import wait_until
from tests.hosts.footprint import assert_no_changes, assert_refused, untouched
from tests.invariants import assert_quiet, look
from tests.runs import Runs

STATE = "/var/lib/switchback/django"
SEALED = "code config static venv"


@dataclass(frozen=True)
class Versions:
    """The host's versions by what they are, each list with the oldest first."""

    live: str
    working: list[str]
    failed: list[str]
    by_hand: str


def name(day: int, kind: int) -> str:
    """A version's name, of an early day of last year."""
    return f"django-202501{day:02d}-120000-{kind}{kind}{kind}{kind}{kind}{kind}{kind}-0000000"


def make(host: Host, version: str, mark: dict[str, object] | None) -> None:
    """Make a version as an earlier deploy has left it; without a mark, as a person has."""
    folder = f"/home/app/{version}"
    lines = [f"mkdir {folder}", f"cd {folder}", f"mkdir {SEALED}", "echo 1 >code/urls.py"]
    if mark is not None:
        seal = {"name": version, "bytes": 1_000_000}
        lines += [f"echo '{json.dumps(seal)}' >.switchback.json", f"chmod -R a-w {SEALED}", f"chmod 555 {folder}"]
        host.write(f"{STATE}/marks/{version}.json", json.dumps(mark))
    host.run(["runuser", "-u", "app", "--", "sh", "-ec", "\n".join(lines)])


@pytest.fixture(scope="module")
def versions(host: Host) -> Versions:
    """A host on which much has been deployed: six versions that work, four that failed, one made by hand."""
    working = [name(day, 1) for day in range(1, 7)]
    failed = [name(day, 2) for day in range(11, 15)]
    by_hand = name(1, 3)
    for version in working:
        make(host, version, {"working": 1735732800})
    for version in failed:
        make(host, version, {"built_by": "a deploy", "failed": {"step": "health", "deploy": "a deploy", "at": 0}})
    make(host, by_hand, None)
    links = (("django-previous", working[0]), ("django-previous-working", working[1]))
    for link, version in links:
        host.run(["runuser", "-u", "app", "--", "ln", "-sfn", f"/home/app/{version}", f"/home/app/{link}"])
    return Versions(str(look(host).current), working, failed, by_hand)


def test_a_pinned_version_is_shown_as_such(host: Host, versions: Versions, run: Runs) -> None:
    result = run("clean", host, data={"pin": versions.working[2]}).worked()
    assert f"--> Pin {versions.working[2]} on {host.name}" in result.output
    assert f"pinned: {versions.working[2]}" in result.output
    assert "--> Starting operation" not in result.output
    lines = run("status", host).worked().output.splitlines()
    assert [line.split()[0] for line in lines if "working, pinned" in line] == [versions.working[2]]


def test_a_version_that_is_not_there_cannot_be_pinned(host: Host, versions: Versions, run: Runs) -> None:
    with untouched(host):
        result = run("clean", host, data={"pin": name(31, 4)})
    assert_refused(result, f"there is no version {name(31, 4)}")


def test_a_dry_run_deletes_nothing(host: Host, versions: Versions, run: Runs) -> None:
    with untouched(host):
        run("clean", host, data={"keep": 1}, args=["--dry"]).worked()


@pytest.mark.parametrize("which", ("live", "previous", "pinned", "missing"))
def test_a_version_that_has_to_stay_is_not_deleted_by_name_either(
    which: str, host: Host, versions: Versions, run: Runs
) -> None:
    wanted, says = {
        "live": (versions.live, "it is current and working"),
        "previous": (versions.working[0], "it is previous"),
        "pinned": (versions.working[2], "it is pinned"),
        "missing": (name(31, 4), f"there is no version {name(31, 4)}"),
    }[which]
    with untouched(host):
        result = run("clean", host, data={"version": wanted})
    assert result.code == 1
    assert says in result.output


def test_a_version_is_deleted_by_its_name_alone(host: Host, versions: Versions, run: Runs) -> None:
    before = look(host)
    result = run("clean", host, data={"version": versions.working[3]}).worked()
    after = look(host)
    assert f"deleted: {versions.working[3]}" in result.output
    assert set(before.versions) - set(after.versions) == {versions.working[3]}
    assert versions.working[3] not in after.marks


def test_the_newest_that_work_stay_with_a_few_that_failed_and_all_that_is_linked_pinned_or_made_by_hand(
    host: Host, versions: Versions, run: Runs
) -> None:
    before = look(host)
    result = run("clean", host, data={"keep": 2, "keep_failed": 1}).worked()
    after = look(host)
    expected = {
        versions.live,  # The two newest that work,
        versions.working[5],
        versions.working[0],  # the links' targets,
        versions.working[1],
        versions.working[2],  # pinned,
        versions.failed[3],  # the newest that failed.
        versions.by_hand,
    }
    assert set(after.versions) == expected
    assert "4 deleted, 7 kept" in result.output
    assert (after.links, after.processes) == (before.links, before.processes)
    assert_quiet(after)
    # What was moved away is deleted after the call.
    wait_until(host, '[ -z "$(ls -A /home/app/.switchback/trash 2>/dev/null)" ]')


def test_a_second_clean_changes_nothing(host: Host, versions: Versions, run: Runs) -> None:
    with untouched(host):
        assert_no_changes(run("clean", host, data={"keep": 2, "keep_failed": 1}))


def test_a_version_that_is_not_pinned_any_more_goes_with_the_next_clean(
    host: Host, versions: Versions, run: Runs
) -> None:
    run("clean", host, data={"unpin": versions.working[2]}).worked()
    run("clean", host, data={"keep": 2}).worked()
    assert versions.working[2] not in look(host).versions


def test_a_version_that_can_not_be_moved_away_is_named_and_keeps_no_other_one_from_being_deleted(
    host: Host, versions: Versions, run: Runs
) -> None:
    before = look(host)
    stuck = f"/home/app/{versions.working[5]}"
    # A file system of its own is nothing that a rename gets away.
    host.run(["mount", "--bind", stuck, stuck])
    result = run("clean", host, data={"keep": 0, "keep_failed": 0})
    host.run(["umount", stuck])
    assert result.code == 1
    assert f"{versions.working[5]} could not be deleted: " in result.output
    after = look(host)
    assert versions.working[5] in after.versions
    assert versions.failed[3] in set(before.versions) - set(after.versions)
    assert_quiet(after)
    run("clean", host, data={"keep": 0, "keep_failed": 0}).worked()
    assert versions.working[5] not in look(host).versions
