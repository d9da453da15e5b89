"""Seeing before pressing: a look changes nothing at all, tells the truth, and can be held to."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from switchback.plan.model import HostPreview, Preview
from switchback.preview.text import HEIGHT, WIDTH
from tests.bed.hosts import Host
from tests.bed.places import ROOT
from tests.faults.watch import wait_until
from tests.hosts.as_previewed import assert_as_previewed, state_of
from tests.hosts.footprint import assert_refused, untouched
from tests.hosts.whole_host import alive, byte_for_byte
from tests.invariants import assert_well, look
from tests.runs import LIMIT, PYINFRA, Result, Runs

GIT = ["git", "-c", "safe.directory=*", "-c", "user.name=Sam", "-c", "user.email=sam@example.org"]
# A branch that is moved on later: here it is good-1 with another title.
BRANCH = "preview/branch"
# Thirty commits on it, each with the files of good-1.
COMMITS = r"""
set -e
cd /srv/git/code.git
sha=good-1
for number in $(seq 0 29); do
    sha=$(git -c safe.directory=* -c user.name=Sam -c user.email=sam@example.org \
        commit-tree -p "$sha" -m "Change $number" "good-1^{tree}")
done
git -c safe.directory=* update-ref "refs/heads/$1" "$sha"
"""


def told_by(result: Result) -> HostPreview:
    """What the document of a run on one host says of what it is to do."""
    preview = result.document.preview
    assert preview
    (told,) = preview.hosts
    return told


def previewed(run: Runs, host: Host, deploy: str = "deploy", **data: str) -> HostPreview:
    """What a dry run gives as JSON, of one host."""
    result = run(deploy, host, data=data, args=["--dry", "--diff", "--json"]).worked()
    return told_by(result)


@pytest.mark.parametrize(
    ("deploy", "data"),
    [
        ("deploy", {"code": "good-2"}),
        ("deploy", {"code": "good-3"}),
        ("deploy", {"code": "bad-requirements"}),
        ("deploy", {"config": "bad-settings"}),
        ("deploy", {"code": "good-1"}),
        ("build", {"code": "good-2"}),
        ("clean", {}),
        ("restart", {}),
        ("provision", {}),
    ],
    ids=lambda one: "-".join(one.values()) if isinstance(one, dict) else one,
)
def test_a_look_leaves_the_whole_host_as_it_was(deploy: str, data: dict[str, str], host: Host, run: Runs) -> None:
    with byte_for_byte(host):
        result = run(deploy, host, data=data, args=["--dry", "--diff"])
    assert result.code == (1 if data.get("code") == "bad-requirements" else 0), result.output
    # Whatever there is to be seen has room on a screen, and a pipe gets that alone; the diffs come after it.
    screen = result.stdout.partition("\n\n--> ")[0].splitlines()
    assert deploy == "provision" or 0 < len(screen) <= HEIGHT
    # The lines of a file that provision would write are as wide as they are.
    said = [line for line in result.stdout.splitlines() if deploy != "provision" or not line.startswith("      ")]
    assert max(map(len, said), default=0) <= WIDTH


def test_a_deploy_that_is_not_agreed_to_leaves_the_whole_host_as_it_was(host: Host, run: Runs) -> None:
    argv = [PYINFRA, str(run.inventory(host)), "deploys/deploy.py", "--data", "code=good-2"]
    with byte_for_byte(host):
        done = subprocess.run(argv, cwd=ROOT, input="n\n", capture_output=True, text=True, timeout=LIMIT, check=False)
    assert "+ items.0002_item_colour: Add field colour to item (can be reversed)" in done.stderr
    assert "--> Starting operation" not in done.stderr
    assert done.stderr.rstrip().endswith("- 'n' was typed, and not Enter alone")


def test_a_look_at_commits_that_the_host_has_not_fetched_yet_shows_them_and_fetches_nothing(
    host: Host, run: Runs
) -> None:
    host.run(["sh", "-c", COMMITS, "sh", BRANCH])
    with byte_for_byte(host):
        result = run("deploy", host, data={"code": BRANCH}, args=["--dry"]).worked()
    assert "30 commits forward" in result.output
    assert "Sam: Change 29" in result.output
    assert "… and 22 more" in result.output


# An app that writes wherever it can as it starts, and goes on when it can't. Its connection wants a server that it may
# write to, and it sees whether its session is one that only reads.
WRITES = r"""
set -e
cd "$(mktemp -d)"
git clone --quiet --branch good-2 /srv/git/code.git . 2>/dev/null
cat >>items/apps.py <<'END'

    from django.conf import settings

    settings.DATABASES["default"].setdefault("OPTIONS", {})["target_session_attrs"] = "read-write"

    def ready(self) -> None:
        import contextlib
        import os

        from django.db import connection

        places = ("/home/app", "/tmp", "/home/app/django-current/code", os.path.dirname(os.path.abspath(__file__)))
        for place in places:
            with contextlib.suppress(OSError), open(os.path.join(place, "written-by-the-app"), "w") as file:
                file.write("x")
        with contextlib.suppress(Exception), connection.cursor() as cursor:
            cursor.execute("insert into items_item (name, created) values ('written by the app', now())")
        with contextlib.suppress(Exception), connection.cursor() as cursor:
            cursor.execute("create table written_by_the_app (id int)")
        with connection.cursor() as cursor:
            cursor.execute("select 1")
        with connection.connection.cursor() as cursor:
            cursor.execute("show default_transaction_read_only")
            assert cursor.fetchone() == ("off",)
END
git -c user.name=Sam -c user.email=sam@example.org commit --quiet --all --message 'Write as it starts'
git push --quiet origin HEAD:refs/heads/writes
"""


def test_an_app_that_writes_as_it_starts_can_be_asked_and_writes_nothing(host: Host, run: Runs) -> None:
    host.run(WRITES)
    with byte_for_byte(host):
        told = previewed(run, host, code="writes")
    assert told.migrations is not None
    assert (told.migrations.source, told.migrations.why) == ("django", "")
    assert [one.label for one in told.migrations.pending] == ["items.0002_item_colour"]


# --- What is told


def test_the_new_code_itself_is_asked_for_its_migrations_when_the_packages_stay(host: Host, run: Runs) -> None:
    told = previewed(run, host, code="good-2")
    assert told.packages is not None
    assert told.migrations is not None
    assert told.static is not None
    assert told.packages.changed == 0
    assert told.migrations.source == told.static.source == "django"
    (migration,) = told.migrations.pending
    assert (migration.label, migration.reversible) == ("items.0002_item_colour", True)
    assert any("ADD COLUMN" in line for line in migration.sql or ())
    assert sorted(told.migrations.applied or ()) == sorted(look(host).database.migrations)


def test_packages_are_resolved_and_migrations_are_read_from_files_when_packages_change(host: Host, run: Runs) -> None:
    told = previewed(run, host, code="good-3")
    assert told.packages is not None
    assert told.migrations is not None
    assert [one.name for one in told.packages.added] == ["humanize"]
    assert told.migrations.source == "files"
    assert [one.label for one in told.migrations.pending] == ["items.0002_item_colour", "items.0003_colours"]


def test_requirements_that_cannot_be_resolved_are_said_so(host: Host, run: Runs) -> None:
    """A build would fail at them: a job that only looks is to know that, too."""
    result = run("deploy", host, data={"code": "bad-requirements", "detailed_exitcode": "true"}, args=["--dry"])
    assert result.code == 1, result.output
    assert "--> This would be refused; nothing was changed: 1 problem" in result.stdout
    assert "would be refused: packages can't be resolved: " in result.stdout


def test_a_migration_that_cannot_be_reversed_would_be_refused_and_a_deploy_that_asks_refuses_it(
    host: Host, run: Runs
) -> None:
    with untouched(host):
        data = {"code": "irreversible", "restore_script": "none"}
        result = run("deploy", host, data=data, args=["--dry"])
    assert result.code == 1
    assert result.stdout.startswith("--> This would be refused; nothing was changed: 1 problem")
    assert "these migrations can't be reversed: items.0002_shout" in result.stdout
    accepted = run("deploy", host, data={**data, "irreversible": "accept"}, args=["--dry"]).worked()
    assert "can't be undone: items.0002_shout stay: they can't be reversed" in accepted.output


# A change of the config, as a person commits it: a line with a secret, and one without.
SECRETS = r"""
set -e
cd "$(mktemp -d)"
git clone --quiet /srv/git/config.git .
printf '\nAPI_TOKEN = "hunter2-hunter2"\nPAGE_SIZE = 20\n' >>settings.py
git -c user.name=Sam -c user.email=sam@example.org commit --quiet --all --message 'Ask the API'
git push --quiet origin HEAD:refs/heads/with-secret
"""


def test_changed_lines_of_the_config_are_shown_without_their_secrets_however_much_is_said(
    host: Host, run: Runs
) -> None:
    host.run(SECRETS)
    result = run("deploy", host, data={"config": "with-secret"}, args=["--dry", "--diff", "-vvv"]).worked()
    assert "+PAGE_SIZE = 20" in result.output
    assert "+API_TOKEN = ***" in result.output
    assert "hunter2" not in result.output
    told = run("deploy", host, data={"config": "with-secret"}, args=["--dry", "--diff", "--json"]).worked()
    assert "hunter2" not in told.stdout


def test_static_files_are_compared_by_their_content(host: Host, run: Runs) -> None:
    told = previewed(run, host, code="bad-static")
    assert told.static is not None
    assert (told.static.changed.names, told.static.added.count, told.static.removed.count) == (("css/site.css",), 0, 0)


def test_a_host_with_hotfixes_and_one_without_room_are_shown_all_the_same(host: Host, run: Runs) -> None:
    change = "chmod u+w /home/app/django-current/code && echo x >/home/app/django-current/code/hotfix.txt"
    host.run(["runuser", "-u", "app", "--", "sh", "-c", change])
    try:
        with untouched(host):
            result = run("deploy", host, data={"code": "good-2"}, args=["--dry", "--json"])
    finally:
        undo = "rm /home/app/django-current/code/hotfix.txt && chmod a-w /home/app/django-current/code"
        host.run(["runuser", "-u", "app", "--", "sh", "-c", undo])
    assert result.code == 1
    told = told_by(result)
    assert told.hotfixes == {"code": ("untracked: hotfix.txt",)}
    assert told.migrations is not None
    assert [one.label for one in told.migrations.pending] == ["items.0002_item_colour"]


# A build script that goes on when it is let.
WAITS = """#!/bin/sh
until [ -e /home/app/go-on ]; do sleep 0.1; done
rm /home/app/go-on
"""


def test_a_look_works_while_another_deploy_is_running_and_says_that_one_is(host: Host, run: Runs) -> None:
    host.write("/home/app/scripts/wait.sh", WAITS, mode=0o755, owner="app")
    running = run.start("build", host, data={"code": "slow-boot", "build_script": "~/scripts/wait.sh"})
    wait_until(host, "pgrep -f '^/bin/sh /home/app/scripts/wait.sh' >/dev/null")
    try:
        result = run("deploy", host, data={"code": "good-2"}, args=["--dry"]).worked()
    finally:
        host.run(["runuser", "-u", "app", "--", "touch", "/home/app/go-on"])
    running.wait().worked()
    assert "note: build " in result.output
    assert "holds this host since" in result.output
    assert "+ items.0002_item_colour" in result.output


# --- Plans


@dataclass
class Story:
    """The plan that the tests go on with, and the host as it was when it was made."""

    plan: Path
    told: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def story(host: Host, run: Runs, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A plan to deploy the branch, which has moved on since."""
    plan = tmp_path_factory.mktemp("plans") / "plan.json"
    with untouched(host):
        result = run("deploy", host, data={"code": BRANCH, "save_plan": str(plan)}, args=["--dry"]).worked()
    assert f"--data plan={plan} does exactly this" in result.output
    host.run([*GIT, "-C", "/srv/git/code.git", "update-ref", f"refs/heads/{BRANCH}", "good-3"])
    return Story(plan, json.loads(plan.read_text()))


def _refused_as_stale(run: Runs, host: Host, story: Story, says: str, **data: str) -> None:
    with untouched(host):
        result: Result = run("deploy", host, data={"plan": str(story.plan), **data})
    assert_refused(result, "can't be done as it stands:", says)


def test_a_plan_is_refused_when_settings_differ(host: Host, run: Runs, story: Story) -> None:
    _refused_as_stale(
        run, host, story, "setting database_fallback: 'keep', and in the plan 'reverse'", database_fallback="keep"
    )


def test_a_plan_is_refused_when_there_are_hotfixes_that_it_does_not_know(host: Host, run: Runs, story: Story) -> None:
    folder = "/home/app/django-current/config"
    host.run(["runuser", "-u", "app", "--", "sh", "-c", f"chmod u+w {folder} && echo x >{folder}/hotfix.txt"])
    try:
        says = "hotfixes: config: untracked: hotfix.txt, and in the plan none"
        _refused_as_stale(run, host, story, says, hotfixes="discard")
    finally:
        host.run(["runuser", "-u", "app", "--", "sh", "-c", f"rm {folder}/hotfix.txt && chmod a-w {folder}"])


def test_a_plan_is_refused_when_other_migrations_are_applied(host: Host, run: Runs, story: Story) -> None:
    _query(host, "insert into django_migrations (app, name, applied) values ('items', '0009_by_hand', now())")
    try:
        _refused_as_stale(run, host, story, "migrations applied since: items.0009_by_hand")
    finally:
        _query(host, "delete from django_migrations where name = '0009_by_hand'")


def _query(host: Host, statement: str) -> None:
    host.run(["runuser", "-u", "app", "--", "psql", "-qXd", "app", "-c", statement])


def test_a_plan_is_refused_on_other_hosts(host: Host, run: Runs, story: Story, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(story.plan.read_text().replace(f'"{host.name}"', '"another.example.com"'))
    with untouched(host):
        result = run("deploy", host, data={"plan": str(other)})
    assert_refused(result, f"{host.name}: is in this run, and not in the plan", "another.example.com: is in the plan")


def test_a_plan_for_a_deploy_is_none_for_a_revert(host: Host, run: Runs, story: Story) -> None:
    with untouched(host):
        result = run("build", host, data={"plan": str(story.plan)})
    assert_refused(result, "the plan is for a deploy, and this is a build")


@pytest.mark.parametrize("data", [{"code": "good-2"}, {"config": "main"}])
def test_a_plan_and_a_ref_do_not_go_together(data: dict[str, str], host: Host, run: Runs, story: Story) -> None:
    with untouched(host):
        result = run("deploy", host, data={"plan": str(story.plan), **data})
    assert_refused(result, "plan: it says already what goes live")


def test_a_plan_is_done_as_it_is_though_the_branch_has_moved(host: Host, run: Runs, story: Story) -> None:
    before = state_of(host)
    run("deploy", host, data={"plan": str(story.plan)}).worked()
    (told,) = Preview.model_validate(story.told).hosts
    after = state_of(host)
    assert_as_previewed(told, before, after)
    assert told.code is not None
    assert after.commits["code"] == told.code.sha != look(host).commits["code"][BRANCH]


def test_a_plan_is_refused_once_another_version_is_live(host: Host, run: Runs, story: Story) -> None:
    _refused_as_stale(run, host, story, "is live, and the plan was made for")


# --- A deploy that asks, and the ways back


def test_a_deploy_that_asks_does_all_of_what_it_showed_as_having_nothing_to_do_too(host: Host, run: Runs) -> None:
    argv = [PYINFRA, str(run.inventory(host)), "deploys/deploy.py", "--data", "code=good-2"]
    before = state_of(host)
    told = previewed(run, host, code="good-2")
    done = subprocess.run(argv, cwd=ROOT, input="\n", capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    assert "+ items.0002_item_colour" in done.stderr.partition("Press Enter")[0]
    assert_as_previewed(told, before, state_of(host))
    assert_well(host, "good-2")


def test_a_revert_with_the_database_does_what_its_preview_says(host: Host, run: Runs) -> None:
    with byte_for_byte(host):
        told = previewed(run, host, "revert", database="reverse")
    assert told.migrations is not None
    assert [one.label for one in told.migrations.leaving] == ["items.0002_item_colour"]
    before = state_of(host)
    run("revert", host, data={"database": "reverse"}).worked()
    assert_as_previewed(told, before, state_of(host))
    assert "items.0002_item_colour" not in look(host).database.migrations


def test_a_clean_deletes_exactly_what_its_plan_says_and_only_once(host: Host, run: Runs, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    seen = look(host)
    # It was built above, and never went live.
    old = next(name for name in seen.versions if f"-{seen.commits['code']['slow-boot'][:7]}-" in name)
    run("clean", host, data={"version": old, "save_plan": str(plan)}, args=["--dry"]).worked()
    (told,) = Preview.model_validate_json(plan.read_bytes()).hosts
    assert [one.name for one in told.deletions] == [old]
    before = state_of(host)
    run("clean", host, data={"plan": str(plan)}).worked()
    assert_as_previewed(told, before, state_of(host))
    # What was moved away is still being deleted meanwhile.
    result = run("clean", host, data={"plan": str(plan)})
    assert_refused(result, f"there is no version {told.deletions[0].name}")


def test_the_app_that_writes_as_it_starts_does_write_when_it_is_built(host: Host, run: Runs) -> None:
    """What kept it from that in a look was the look."""
    run("build", host, data={"code": "writes"}).worked()
    assert host.run(["cat", "/home/app/written-by-the-app"]).stdout == "x"
    assert "written by the app" in alive(host).database
