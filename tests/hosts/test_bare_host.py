"""A host as its provider hands it out: what it lacks, how it is provisioned, and its first deploy."""

from __future__ import annotations

import json
import re
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.bed.hosts import Host
from tests.bed.keys import HOST, public
from tests.hosts.footprint import assert_no_changes, assert_refused, footprint, untouched
from tests.invariants import assert_well, visit
from tests.runs import Runs

SCRIPTS = ("backup_database.sh", "restore_database.sh", "start_maintenance.sh", "stop_maintenance.sh")
RESTORE = "/home/app/scripts/restore_database.sh"
SMALL = "/srv/small"
UNIT = "/etc/systemd/system/django.service"


def test_a_deploy_to_a_bare_host_is_refused_and_says_what_to_run_first(bare_host: Host, run: Runs) -> None:
    with untouched(bare_host):
        result = run("deploy", bare_host)
    assert_refused(result, "there is no user app: run deploys/provision.py", "the agent is not installed")


def test_a_dry_run_of_provision_shows_what_it_would_do_and_does_nothing(bare_host: Host, run: Runs) -> None:
    with untouched(bare_host):
        result = run("provision", bare_host, args=["--dry", "--diff"]).worked()
    for line in ("Will make the user app", "Will create /etc/systemd/system/django.service", "Will install the agent"):
        assert line in result.output
    count = re.search(r"\+ (\d+) to create  ~ 0 to change  - 0 to delete  = (\d+) unchanged", result.output)
    assert count
    assert int(count.group(1)) == len(re.findall(r"^    Will ", result.output, re.MULTILINE))
    assert bare_host.run(["id", "app"], check=False).returncode != 0


def test_provision_makes_a_bare_host_ready(bare_host: Host, run: Runs) -> None:
    # Its administrator's logins leave nothing to others, and so would what is made without a word about that.
    for service in ("common-session", "common-session-noninteractive"):
        bare_host.run(f"echo session optional pam_umask.so umask=0077 >>/etc/pam.d/{service}")
    # And an nginx that nobody has set up: what its package brings is not what is there.
    bare_host.run("rm /etc/nginx/sites-enabled/default && systemctl reload nginx")
    told = run("provision", bare_host).worked().output
    assert "--> Starting operation" not in told
    assert re.search(r"Directories of the app: done in \S+ s", told)
    assert re.search(rf"--> {bare_host.name} is provisioned\n    made      \d+: user app, ", told)
    assert "have a look at /home/app/scripts" in told
    assert "deploys/deploy.py" in told.splitlines()[-1]
    assert bare_host.run(["stat", "--format=%a %G", "/home/app"]).stdout.split() == ["710", "www-data"]
    for script in SCRIPTS:
        bare_host.run(["runuser", "-u", "app", "--", "test", "-x", f"/home/app/scripts/{script}"])
    unit = bare_host.run(["systemctl", "is-enabled", "django"]).stdout.strip()
    assert unit == "enabled"
    bare_host.run("runuser -u app -- ls $(readlink /var/lib/switchback/django/agent)/agent")
    checked = run("check", bare_host).worked()
    assert "ready for its first deploy" in checked.output


def test_a_second_provision_changes_nothing(bare_host: Host, run: Runs) -> None:
    with untouched(bare_host):
        assert_no_changes(run("provision", bare_host))


def test_provision_writes_anew_what_an_earlier_one_has_written(bare_host: Host, run: Runs) -> None:
    now = bare_host.run(["cat", UNIT]).stdout
    earlier = now
    for told, once in (
        (
            r"# supervisord stops .*\n# .*",
            "# supervisord stops its processes itself; what is left after the time limit is killed.",
        ),
        (r"TimeoutStopSec=.*", "TimeoutStopSec=30"),
        (r"# Those that are .*\nAfter=.*", "After=network.target postgresql.service"),
    ):
        earlier = re.sub(told, once, earlier)
    bare_host.write(UNIT, earlier)
    with untouched(bare_host):
        result = run("provision", bare_host, args=["--dry", "--diff"]).worked()
    for line in (f"Will change {UNIT}, which is as an earlier", "+ 0 to create  ~ 1 to change", "they may take 70 s"):
        assert line in result.output
    run("provision", bare_host).worked()
    assert bare_host.run(["stat", "--format=%a %U", UNIT]).stdout.split() == ["644", "root"]
    assert bare_host.run(["cat", UNIT]).stdout == now != earlier


def test_a_host_that_was_provisioned_before_gets_the_restore_script_that_it_lacks(bare_host: Host, run: Runs) -> None:
    bare_host.run(["rm", RESTORE])
    checked = run("check", bare_host).worked()
    assert "no script restores a backup, so that a migration that can't be reversed, or" in checked.output
    before = footprint(bare_host).files
    run("provision", bare_host).worked()
    assert before.again().differs.keys() == {RESTORE, "/home/app/scripts"}
    bare_host.run(["runuser", "-u", "app", "--", "test", "-x", RESTORE])


def test_a_repository_behind_ssh_is_read_with_a_key_that_provision_makes_from_a_server_that_is_pinned(
    bare_host: Host, run: Runs
) -> None:
    bare_host.run("useradd --create-home --password '*' git && install -d -o git -m 700 /home/git/.ssh")
    by_ssh = {"code_repo_url": "ssh://git@127.0.0.1/srv/git/code.git"}
    made = run("provision", bare_host, data=by_ssh).worked()
    assert "ssh-keyscan -t ed25519 127.0.0.1 |" in made.output
    key = re.search(r"ssh-ed25519 \S+ app@\S+", made.output)
    assert key
    # Nobody is there to say yes to a server that is not known.
    checked = run("check", bare_host, data=by_ssh)
    assert "app does not know the key of 127.0.0.1." in checked.output
    pinned = {**by_ssh, "known_hosts": f"127.0.0.1 {public(HOST).read_text().strip()}"}
    assert "let the host read ssh://git@127.0.0.1/" in run("provision", bare_host, data=pinned).worked().output
    assert "127.0.0.1 lets no key of app's in" in run("check", bare_host, data=pinned).output
    bare_host.write("/home/git/.ssh/authorized_keys", key[0], mode=0o600, owner="git")
    assert "ready for its first deploy" in run("check", bare_host, data=pinned).worked().output
    with untouched(bare_host):
        assert_no_changes(run("provision", bare_host, data=pinned))


def test_a_disk_without_room_for_a_version_is_refused_with_how_much_is_missing(bare_host: Host, run: Runs) -> None:
    bare_host.run(f"mkdir {SMALL} && mount -t tmpfs -o size=60m,mode=777 tmpfs {SMALL}")
    with untouched(bare_host):
        result = run("deploy", bare_host, data={"versions_dir": SMALL})
    assert_refused(result, f"MB are free in {SMALL}, and one more version needs 419 MB", "deploys/clean.py")


def test_a_disk_without_room_for_more_files_is_refused(bare_host: Host, run: Runs) -> None:
    bare_host.run(f"mount -o remount,size=1g,nr_inodes=900 {SMALL}")
    with untouched(bare_host):
        result = run("deploy", bare_host, data={"versions_dir": SMALL})
    assert_refused(result, "more files can be made in /srv/small (inodes)")
    bare_host.run(["umount", SMALL])


def test_the_first_deploy_puts_the_site_live(bare_host: Host, run: Runs) -> None:
    run("deploy", bare_host).worked()
    seen = assert_well(bare_host)
    assert seen.current == seen.linked("/home/app/django-working")
    assert "/home/app/django-previous" not in seen.links
    assert "Good 1" in visit(bare_host)
    # Its page and the style that it names, as the web server reads them.
    for name in re.findall(r'href="/(static/[^"]+\.css)"', visit(bare_host)):
        assert visit(bare_host, name)
        break
    else:
        raise AssertionError("no style on the page")
    assert json.loads(visit(bare_host, "version"))["code"] == seen.commits["code"]["good-1"]


def test_nginx_as_provision_sets_it_up_serves_files_and_the_page_for_maintenance(bare_host: Host) -> None:
    (style,) = set(re.findall(r'href="/(static/[^"]+\.css)"', visit(bare_host)))
    with urlopen(bare_host.website_url + style, timeout=10) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
        assert int(answer.headers["Content-Length"]) > 0
    bare_host.run(
        "runuser -u app -- sh -c 'umask 022; mkdir -p ~app/shared/media; echo a cat >~app/shared/media/cat.txt'"
    )
    assert visit(bare_host, "media/cat.txt") == "a cat\n"
    bare_host.run("runuser -u app -- env HOME=/home/app /home/app/scripts/start_maintenance.sh")
    with pytest.raises(HTTPError) as closed:
        urlopen(bare_host.website_url, timeout=10)
    assert (closed.value.code, closed.value.headers["Retry-After"]) == (503, "30")
    assert "Back in a moment" in closed.value.read().decode()
    bare_host.run("runuser -u app -- env HOME=/home/app /home/app/scripts/stop_maintenance.sh")
    assert "Good 1" in visit(bare_host)


def test_what_reversing_can_not_bring_back_is_restored_without_a_setting_where_provision_wrote_the_scripts(
    bare_host: Host, run: Runs
) -> None:
    look = run("deploy", bare_host, data={"code": "irreversible"}, args=["--dry"]).worked()
    assert "this run's own backup is restored" in look.flowing


def test_there_is_nothing_to_revert_to_after_the_first_deploy(bare_host: Host, run: Runs) -> None:
    with untouched(bare_host):
        result = run("revert", bare_host)
    assert_refused(result, "there is no healthy version before django-", "name one with --data version=NAME")
