"""On a real host: the app's user has laid whatever it likes wherever the agent looks, and a deploy ends as it would
have."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bed.hosts import Host
from tests.hosts.config_branches import push_config
from tests.invariants import assert_well, look
from tests.runs import Runs

# As the app's user, in the live version and beside it: pipes, links out, names that a terminal obeys.
LAYS = r"""
set -eu
cd ~/django-current
chmod -R u+w . 2>/dev/null
mkfifo config/supervisord.x config/settings_x.py config/wsgi.fifo
ln -s /dev/zero config/supervisord.zero
printf '[supervisord]\nlogfile=/\n[program:x]\nstdout_logfile=/etc/shadow\nstderr_logfile=/root/secret\n' \
    >config/supervisord.names
printf '[include]\nfiles=/dev/zero /root/secret %s\n' "$PWD/config/supervisord.x" >config/supervisord.includes
mkfifo .switchback-assets.json
mkdir -p code/items/migrations && ln -s /dev/zero code/items/migrations/9999_zero.py
printf 'x' >"code/$(printf 'a\033[2J\r\n  [host] healthy')"
for name in settings_x.py wsgi.fifo supervisord.x supervisord.zero supervisord.names supervisord.includes; do
    ln -s ~/django-current/config/$name ~/deployment/$name
done
"""
MARKER = "/run/who"


@pytest.fixture
def settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Processes are replaced one by one, after a trial start; what is not well is given up soon."""
    return {**settings, "restart": "rolling", "health_timeout": 10}


def test_what_is_laid_wherever_the_agent_looks_neither_holds_nor_leads_it(host: Host, run: Runs) -> None:
    host.write("/root/secret", "s3cret\n", mode=0o600)
    host.run(["sh", "-c", LAYS], user="app")
    listed = host.read(["ls", "-lR", "--time-style=+", "/root", "/etc"])
    checked = run("check", host)
    # The name is told, on one line, and a terminal obeys nothing of it.
    assert "untracked: a\\x1b[2J\\r\\n  [host] healthy" in checked.output
    assert "\x1b[2J" not in checked.output
    before = look(host)
    result = run("deploy", host, data={"code": "bad-health", "hotfixes": "discard"})
    assert result.told.startswith("fell back")
    seen = assert_well(host, "good-1", links=before.links, database=before.database)
    evidence = f"/var/lib/switchback/django/transactions/{seen.last['deploy']}"
    assert "s3cret" not in host.read(["grep", "-r", "s3cret", evidence], check=False)
    assert "root:" not in host.read(["grep", "-rh", "^root:", evidence], check=False)
    assert host.read(["ls", "-lR", "--time-style=+", "/root", "/etc"]) == listed
    result = run("deploy", host, data={"code": "good-2", "hotfixes": "discard"}).worked()
    assert "s3cret" not in result.output


def test_a_config_that_names_root_starts_nothing_as_root(host: Host, run: Runs) -> None:
    change = (
        "sed -i -e 's/^\\[fcgi-program:web\\]/&\\nuser=root/' "
        f'-e "s|^command=|command=/bin/sh -c \'id -u >>{MARKER}; exec \\"\\$@\\"\' sh |" supervisord.conf'
    )
    host.run(["install", "-m", "666", "/dev/null", MARKER])
    push_config(host, change, "as-root")
    before = look(host)
    result = run("deploy", host, data={"config": "as-root"})
    assert result.code != 0
    seen = assert_well(host, "good-1", links=before.links, database=before.database)
    assert seen.current == before.current
    assert "0" not in host.run(["cat", MARKER]).stdout.split()
