"""Building and deploying on one host: from good-1 to good-2 and good-3, and what is left alone on the way."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

import pytest

from switchback.document.model import Versions
from tests.bed.hosts import Host
from tests.hosts.footprint import assert_no_changes, untouched
from tests.invariants import PREVIOUS, PREVIOUS_WORKING, WORKING, Seen, assert_well, look, visit
from tests.prepared import ROWS
from tests.runs import Runs

# Of each file, what no hard link to it changes.
METADATA = r"%p %y %m %U %G %i %s %T@ %l\n"


@dataclass
class Story:
    """What earlier tests of this story have found.

    + start: the host before all of it; built: the name of the version that was built first, and how its directory was
    """

    start: Seen
    built: str = ""
    directory: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def story(host: Host) -> Story:
    """The story, at its beginning."""
    return Story(look(host))


def directory(host: Host, version: str) -> list[str]:
    """A version's directory with everything in it; other versions may come and go with hard links to its files."""
    return sorted(host.read(["find", f"/home/app/{version}", "-printf", METADATA]).splitlines())


def new_version(before: Seen, after: Seen) -> str:
    """The name of the one version that has come."""
    (name,) = set(after.versions) - set(before.versions)
    return name


def test_a_build_makes_a_version_and_switches_nothing(host: Host, story: Story, run: Runs) -> None:
    run("build", host, data={"code": "good-2"}).worked()
    after = assert_well(host, links=story.start.links, database=story.start.database)
    assert (after.processes, after.main_pid) == (story.start.processes, story.start.main_pid)
    story.built = new_version(story.start, after)
    story.directory = directory(host, story.built)


def test_what_is_built_already_is_not_built_again(host: Host, story: Story, run: Runs) -> None:
    with untouched(host):
        result = run("build", host, data={"code": "good-2"})
    assert_no_changes(result)
    assert f"{story.built} is built already: nothing to do" in result.output


def test_deploying_its_commits_puts_the_built_version_live_as_it_is(host: Host, story: Story, run: Runs) -> None:
    result = run("deploy", host, data={"code": "good-2"}).worked()
    assert ", built already: " in result.flowing
    seen = assert_well(host, "good-2", rows=ROWS)
    assert seen.current == story.built
    assert directory(host, story.built) == story.directory
    assert seen.linked(PREVIOUS) == seen.linked(PREVIOUS_WORKING) == story.start.current
    assert seen.linked(WORKING) == story.built
    assert "items.0002_item_colour" in seen.database.migrations
    assert "Good 2" in visit(host)
    assert f"live {story.built} before {story.start.current} back pyinfra " in result.told
    assert result.told.startswith("deployed: good-2 (")
    assert "backup /home/app/backups/app-" in result.told
    assert len(result.screen.splitlines()) <= 12
    (told,) = result.document.hosts
    assert told.versions == Versions(was=story.start.current, now=story.built, wanted=story.built)
    assert told.backup == seen.last["backup"]
    assert told.cost
    assert told.cost.steps.keys() == {one.name for one in told.steps}


def test_a_deploy_leaves_a_backup_of_the_database_as_it_was_before(host: Host, run: Runs) -> None:
    backup = next(line["backup"] for line in reversed(look(host).history) if line["kind"] == "deploy")
    tables = host.run(["runuser", "-u", "app", "--", "pg_restore", "--list", backup]).stdout
    assert "TABLE DATA public items_item" in tables
    schema = host.run(["runuser", "-u", "app", "--", "pg_restore", "--schema-only", "--file=-", backup]).stdout
    assert "colour" not in schema


def test_a_backup_sweeps_away_what_a_killed_one_has_left_and_nothing_of_one_that_runs(host: Host, run: Runs) -> None:
    killed, runs = (f"/home/app/backups/.unfinished-{process}-x" for process in ("99999999", "1"))
    host.run(["runuser", "-u", "app", "--", "touch", killed, runs])
    host.run(["runuser", "-u", "app", "--", "/home/app/scripts/backup_database.sh"])
    assert host.read("ls -d /home/app/backups/.unfinished-*").split() == [runs]
    host.run(["rm", runs])


def test_the_pages_static_files_are_served(host: Host, run: Runs) -> None:
    paths = re.findall(r'(?:href|src)="/(static/[^"]+)"', visit(host))
    assert len(paths) >= 3
    for path in paths:
        assert re.search(r"\.[0-9a-f]{12}\.", path)
        assert visit(host, path)


def test_nothing_can_be_written_into_a_built_version(host: Host, story: Story, run: Runs) -> None:
    for folder in ("", "code", "config", "static", "venv/lib"):
        path = f"/home/app/{story.built}/{folder}"
        tried = host.run(["runuser", "-u", "app", "--", "touch", f"{path}/new"], check=False)
        assert "Permission denied" in tried.stderr
    tried = host.run(f"echo '# more' | runuser -u app -- tee -a /home/app/{story.built}/code/urls.py", check=False)
    assert "Permission denied" in tried.stderr


def test_deploying_what_is_live_and_healthy_changes_nothing(host: Host, story: Story, run: Runs) -> None:
    with untouched(host):
        result = run("deploy", host, data={"code": "good-2"})
    assert_no_changes(result)
    assert f"{story.built} is live and healthy already: nothing to do" in result.output
    with untouched(host):
        result = run("deploy", host, data={"version": story.built})
    assert_no_changes(result)


def test_a_forced_deploy_builds_and_deploys_the_same_commits_again(host: Host, story: Story, run: Runs) -> None:
    before = look(host)
    run("deploy", host, data={"code": "good-2", "force": "true"}).worked()
    after = assert_well(host, "good-2", database=before.database)
    assert after.current == new_version(before, after)
    assert after.linked(PREVIOUS) == story.built
    assert not set(before.processes) & set(after.processes)


def test_without_uv_pip_installs_what_has_changed_in_the_requirements(host: Host, run: Runs) -> None:
    before = look(host)
    host.hide_uv()
    run("deploy", host, data={"code": "good-3"}).worked()
    after = assert_well(host, "good-3", rows=ROWS)
    assert after.linked(PREVIOUS) == after.linked(PREVIOUS_WORKING) == before.current
    python = f"/home/app/{after.current}/venv/bin/python"
    host.run(["runuser", "-u", "app", "--", python, "-c", "import humanize, pip"])
    assert "Good 3" in visit(host)
    painted = "select count(*) from items_item where colour <> ''"
    assert host.run(["runuser", "-u", "app", "--", "psql", "-AtXc", painted]).stdout.strip() == str(ROWS)
    # It can be taken over by the next version: no compiled file names this one.
    assert json.loads(host.run(["cat", f"/home/app/{after.current}/.switchback.json"]).stdout)["venv"]["fingerprint"]


# A backup of a deploy of long ago that no version on the host names, and one by hand that is just as old.
OLD_BACKUP = r"""
set -e
runuser -u app -- touch -d 2020-01-01 /home/app/backups/old.dump /home/app/backups/by-hand.dump
line='{"deploy": "20200101-000000-deploy-0000", "kind": "deploy", "by": "ann", "outcome": "fell back", "version": null'
line="$line, \"was\": null, \"began\": 1577880000, \"ended\": 1577880001, \"step\": \"site\", \"reason\": null"
line="$line, \"sentence\": \"fell back\", \"backup\": \"/home/app/backups/old.dump\"}"
sed -i "1i $line" /var/lib/switchback/django/history.jsonl
"""


def test_a_version_is_deployed_by_its_name_and_what_is_too_many_by_then_is_deleted(
    host: Host, story: Story, run: Runs
) -> None:
    host.run(OLD_BACKUP)
    bounds = {"keep_backups": 1}
    result = run("deploy", host, data={"version": story.built, **bounds}).worked()
    assert ", built already" in result.flowing
    seen = assert_well(host, "good-2")
    assert seen.current == story.built
    assert directory(host, story.built) == story.directory
    # Named before, and said when it is done. Those that the versions need stay, and what nobody of ours has made.
    assert "- /home/app/backups/old.dump, a backup of an earlier deploy" in result.output
    assert "deleted: the backup /home/app/backups/old.dump (keep_backups: 1)" in result.output
    left = host.read("ls -d /home/app/backups/*").split()
    assert "/home/app/backups/by-hand.dump" in left
    assert {line["backup"] for line in seen.history if line["backup"]} - set(left) == {"/home/app/backups/old.dump"}
    assert " (keep_backups 1)" in run("status", host, data=bounds).worked().output


def test_a_version_that_is_not_there_is_refused(host: Host, run: Runs) -> None:
    with untouched(host):
        result = run("deploy", host, data={"version": "django-20250101-000000-1111111-2222222"})
    assert "there is no version django-20250101-000000-1111111-2222222" in result.told
    assert result.code == 1
