"""How often a run asks its host, each time in an SSH channel of its own: over a long link that is what takes time."""

from __future__ import annotations

from tests.bed.hosts import Host
from tests.runs import Runs

VERBOSE = "echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/channels.conf && systemctl reload ssh"
COUNT = "journalctl --unit ssh --since @{} --output cat | grep -c 'Starting session' || true"


def channels(host: Host, run: Runs, deploy: str, **data: object) -> int:
    """Run something, and count the channels that the host's sshd has opened for it."""
    host.run(VERBOSE)
    since = host.run(["date", "+%s.%N"]).stdout.strip()
    run(deploy, host, data=data).worked()
    return int(host.run(COUNT.format(since)).stdout)


def test_a_deploy_asks_its_host_no_more_often_than_it_must(host: Host, run: Runs) -> None:
    # To look, to look ahead, to begin and build, for the window, and to commit and clean up.
    assert channels(host, run, "deploy", code="good-2") == 5


def test_a_deploy_with_nothing_to_do_only_looks(host: Host, run: Runs) -> None:
    assert channels(host, run, "deploy", code="good-2") == 1


def test_a_revert_asks_no_more_often_either(host: Host, run: Runs) -> None:
    assert channels(host, run, "revert") == 5
