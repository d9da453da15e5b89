"""Switchback is taken off a host: the site goes on, and is taken over again."""

from __future__ import annotations

from tests.bed.hosts import Host
from tests.bed.legacy import wait_for_site
from tests.hosts.footprint import untouched
from tests.invariants import assert_well, look, visit
from tests.runs import Runs

HELD_TO_PREVIEWS = False
PLACES = ("/var/lib/switchback", "/run/switchback", "/usr/local/lib/switchback", "/home/app/.switchback")
OURS = " ".join(["ls -d", *PLACES, "/etc/systemd/system/*switchback*"])


def test_what_is_ours_goes_and_the_site_stays_up_comes_back_from_a_reboot_and_is_taken_over_again(
    host: Host, run: Runs
) -> None:
    run("deploy", host, data={"code": "good-2"}).worked()
    before = look(host)
    with untouched(host):
        shown = run("remove", host, args=["--dry"]).worked()
    for path in ("switchback@django.service: ", "/var/lib/switchback/django: ", "/home/app/.switchback: "):
        assert path in shown.output
    assert "/home/app/backups: " in shown.output.partition("stays")[2]
    removed = run("remove", host).worked()
    assert "removed: /var/lib/switchback/django (" in removed.output
    assert host.run(OURS, check=False).stdout == ""
    visit(host)
    # Nothing was restarted.
    main = "systemctl show django --property MainPID --value"
    assert int(host.run(main).stdout) == before.main_pid
    assert "there is nothing to remove" in run("remove", host).worked().output
    host.container.restart(timeout=5)
    wait_for_site(host)
    visit(host)
    run("provision", host).worked()
    assert "is live and healthy" in run("check", host).worked().output
    assert look(host).links == before.links
    run("deploy", host, data={"code": "good-2", "force": "true"}).worked()
    run("revert", host).worked()
    assert assert_well(host, "good-2", database=before.database).current == before.current
