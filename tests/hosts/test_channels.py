"""How often a run asks its host, each time in an SSH channel of its own: over a long link that is what takes time."""

from __future__ import annotations

from dataclasses import replace

from tests.bed.hosts import Host
from tests.bed.keys import remember_host
from tests.bench.delay import delayed
from tests.runs import Runs

VERBOSE = "echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/channels.conf && systemctl reload ssh"
COUNT = "journalctl --unit ssh --since @{} --output cat | grep -c 'Starting session' || true"
# To a host on the other side of a continent, seconds.
ROUND_TRIP = 0.08
# To look, to look ahead, to begin, for the build and for the switch as long as they take, to commit; and no more.
AT_MOST = 9
# And once its end has been told, to keep the page of the run.
PAGE = 1


def channels(host: Host, run: Runs, deploy: str, **data: object) -> int:
    """Run something over a long link, and count the channels that the host's sshd has opened for it."""
    host.run(VERBOSE)
    since = host.run(["date", "+%s.%N"]).stdout.strip()
    with delayed(host.ssh_port, ROUND_TRIP) as port:
        remember_host(port)
        run(deploy, replace(host, ssh_port=port), data=data).worked()
    return int(host.run(COUNT.format(since)).stdout)


def test_a_deploy_over_a_long_link_asks_its_host_no_more_often_than_it_must(host: Host, run: Runs) -> None:
    assert channels(host, run, "deploy", code="good-2") <= AT_MOST + PAGE


def test_a_deploy_with_nothing_to_do_only_looks(host: Host, run: Runs) -> None:
    assert channels(host, run, "deploy", code="good-2") == 1


def test_a_revert_asks_no_more_often_either(host: Host, run: Runs) -> None:
    assert channels(host, run, "revert") <= AT_MOST + PAGE
