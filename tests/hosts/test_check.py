"""Checking a host: changes that somebody made on it, and all that keeps it from a deploy, in one pass."""

from __future__ import annotations

import pytest

from tests.bed.hosts import Host
from tests.hosts.footprint import assert_refused, untouched
from tests.invariants import assert_well, look
from tests.runs import Runs

# As a person does it: the files are made writable, changed, and, in the config, committed.
HOTFIXES = r"""
set -e
cd /home/app/django-current
chmod -R u+w code config
sed -i 's/Good 1/Good 1, fixed/' code/templates/items/index.html
echo 'Ask Sam about this.' >'code/to do.txt'
echo '# Tuned at night.' >>config/settings.py
git -C config -c user.name=Sam -c user.email=sam@example.org commit --quiet --all --message 'Tune at night'
"""
APPLIES = r"""
set -e
cd "$(mktemp -d)"
git clone --quiet "/srv/git/$1.git" .
git checkout --quiet "$2"
git apply --check "$3"
git apply "$3"
git status --short
"""
# Each thing that is wrong, and what has to be said of it.
BROKEN = (
    ("rm scripts/backup_database.sh", "backup_script /home/app/scripts/backup_database.sh is missing"),
    (
        "chmod a-x scripts/start_maintenance.sh",
        "maintenance_start_script /home/app/scripts/start_maintenance.sh can't be run by app: chmod a+x",
    ),
    ("ln -sfn gone django-previous", "/home/app/django-previous leads to gone, which does not exist"),
    ("rm venv && mkdir venv", "/home/app/venv is a directory and has to be a link: move it away"),
    (
        "rm -f django-previous-working && mkdir django-previous-working",
        "/home/app/django-previous-working is a directory and has to be a link: move it away",
    ),
    (
        "rm -f deployment/settings.py && mkdir deployment/settings.py",
        "/home/app/deployment/settings.py is not a link to /home/app/django-current/config/settings.py: move it away",
    ),
    (
        "ln -sfn /home/app/secret_key deployment/wsgi.py",
        "/home/app/deployment/wsgi.py leads to /home/app/secret_key, not to /home/app/django-current/config/wsgi.py",
    ),
    (
        "systemctl disable -q --now django && rm -f /etc/systemd/system/django.service && systemctl daemon-reload",
        "systemd has no service django: run deploys/provision.py",
    ),
)


def test_a_well_host_is_ready(host: Host, run: Runs) -> None:
    with untouched(host):
        result = run("check", host).worked()
    assert "ready: django-" in result.output
    assert "is live and healthy" in result.output
    tried = "code repository ✓ config repository ✓ requirements ✓ manage.py ✓ settings ✓ wsgi ✓ database ✓"
    assert f"{tried} STATIC_ROOT ✓ website ✓" in result.output


def test_check_finds_a_migration_that_was_applied_by_hand(host: Host, run: Runs) -> None:
    psql = ["runuser", "-u", "app", "--", "psql", "-qc"]
    host.run([*psql, "insert into django_migrations (app, name, applied) values ('items', '0099_by_hand', now())"])
    result = run("check", host).worked()
    host.run([*psql, "delete from django_migrations where name = '0099_by_hand'"])
    assert "note: applied, and in no version on this host, so that it stays: items.0099_by_hand" in result.output


def test_check_tries_what_a_deploy_needs_as_the_one_who_will_need_it(host: Host, run: Runs) -> None:
    host.run("chmod 700 /srv/git/config.git && systemctl stop nginx")
    try:
        result = run("check", host)
    finally:
        host.run("chmod 755 /srv/git/config.git && systemctl start nginx")
    assert result.code == 1
    assert "not ready: 2 problems" in result.output
    assert "- config: git ls-remote ended with exit code 128" in result.output
    assert "though the app itself is well: look at the web server" in result.output
    assert "config repository ✗ database ✓ STATIC_ROOT ✓ website ✗" in result.output


@pytest.fixture(scope="module")
def commit_on_host(host: Host) -> str:
    """The short id of a commit that was made on the host, among other hotfixes."""
    host.run(["runuser", "-u", "app", "--", "sh", "-c", HOTFIXES])
    folder = "/home/app/django-current/config"
    return host.run(["runuser", "-u", "app", "git", "--", "-C", folder, "log", "-1", "--format=%h"]).stdout.strip()


def hotfixes(commit: str) -> tuple[str, ...]:
    """What has to be said of them."""
    return ("changed: templates/items/index.html", "untracked: to do.txt", f"unpushed: {commit} Tune at night")


def test_check_lists_hotfixes_of_every_kind(host: Host, commit_on_host: str, run: Runs) -> None:
    with untouched(host):
        result = run("check", host)
    assert result.code == 1
    assert "not ready: 2 problems" in result.output
    for line in ("hotfixes in the live code:", "hotfixes in the live config:", *hotfixes(commit_on_host)):
        assert line in result.output


def test_hotfixes_stop_a_deploy(host: Host, commit_on_host: str, run: Runs) -> None:
    with untouched(host):
        result = run("deploy", host, data={"code": "good-2"})
    assert_refused(result, *hotfixes(commit_on_host), "--data hotfixes=discard")


def test_discarded_hotfixes_are_kept_as_patches_that_apply(host: Host, commit_on_host: str, run: Runs) -> None:
    before = look(host)
    run("deploy", host, data={"code": "good-2", "hotfixes": "discard"}).worked()
    after = assert_well(host, "good-2")
    assert after.linked("/home/app/django-previous") == before.current
    changed = {"code": {" M templates/items/index.html", "?? to do.txt"}, "config": {" M settings.py"}}
    for part, sha in (("code", after.commits["code"]["good-1"]), ("config", after.commits["config"]["main"])):
        patch = f"/home/app/{before.current}/hotfixes-{part}.patch"
        # What was changed may be a password.
        assert host.read(["stat", "--format", "%a %U", patch]).strip() == "600 app"
        applied = host.run(["sh", "-c", APPLIES, "sh", part, sha, patch]).stdout
        assert {line.replace('"', "") for line in applied.splitlines()} == changed[part]


def test_the_host_is_ready_again_once_hotfixes_are_not_live_any_more(host: Host, run: Runs) -> None:
    run("check", host).worked()


def test_check_lists_everything_that_is_wrong_at_once(host: Host, run: Runs) -> None:
    for command, _ in BROKEN:
        host.run(f"cd /home/app && {command}")
    with untouched(host):
        result = run("check", host)
    assert result.code == 1
    assert [says for _, says in BROKEN if says not in result.output] == [], result.output
    assert "Traceback" not in result.output


def test_a_deploy_is_refused_with_all_of_it_too(host: Host, run: Runs) -> None:
    with untouched(host):
        result = run("deploy", host, data={"code": "good-3"})
    assert_refused(result, *(says for _, says in BROKEN))
