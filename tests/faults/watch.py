"""Waiting for what happens on a host, by its journal; and holding a step up where a test needs it."""

from __future__ import annotations

import json
from typing import Any

from tests.bed.hosts import Host

STATE = "/var/lib/switchback/django"
LIMIT = 120
GATE = "/home/app/gate"
# What a script of the host does to stay where it is until the gate opens.
WAIT_AT_GATE = f"while [ ! -e {GATE} ]; do sleep 0.1; done"
HOLD = "begin; lock table items_item in share mode; select pg_sleep(900)"
HELD = (
    "select 1 from pg_locks where relation = 'items_item'::regclass and mode = 'ShareLock' and granted "
    "and pid <> pg_backend_pid()"
)
LET_GO = "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(900)'"


def wait_until(host: Host, condition: str, limit: int = LIMIT) -> None:
    """Wait until a shell's condition is true on a host. Raises AssertionError if that takes too long."""
    loop = f"until {condition}; do sleep 0.1; done"
    done = host.run(["timeout", str(limit), "sh", "-c", loop], check=False)
    assert done.returncode == 0, f"not within {limit} s: {condition}\n{journal(host)}"


def wait_for(host: Host, step: str, event: str = "step started") -> None:
    """Wait until the open deploy has written a line about a step."""
    line = f'"event": "{event}", "step": "{step}"'
    wait_until(host, f"grep -qs '{line}' {STATE}/transactions/$(cat {STATE}/lock 2>/dev/null)/journal.jsonl")


def wait_until_free(host: Host, limit: int = LIMIT) -> None:
    """Wait until the open deploy has ended."""
    wait_until(host, f"[ ! -e {STATE}/lock ]", limit)


def journal(host: Host) -> list[dict[str, Any]]:
    """The journal of the newest deploy, or of the one that is open."""
    text = host.read(
        f"cd {STATE}/transactions && cat $(cat ../lock 2>/dev/null || ls | tail -1)/journal.jsonl", check=False
    )
    return [json.loads(line) for line in text.splitlines()]


def write_script(host: Host, name: str, *lines: str) -> str:
    """Write one of the host's own scripts; its path."""
    path = f"/home/app/scripts/{name}"
    host.write(path, "\n".join(("#!/bin/sh", "set -e", *lines, "")), mode=0o755, owner="app")
    return path


def open_gate(host: Host) -> None:
    """Let what waits at the gate go on."""
    host.run(["touch", GATE])


def hold_table(host: Host, user: str = "postgres") -> None:
    """Keep migrations, and nothing else, from changing the items' table."""
    host.run(
        ["systemd-run", "--quiet", "--collect", "--unit=hold-table", f"--uid={user}", "psql", "-Xd", "app", "-c", HOLD]
    )
    wait_until(host, f'[ -n "$(runuser -u postgres -- psql -AtXd app -c "{HELD}")" ]')


def let_table_go(host: Host) -> None:
    """Let migrations go on."""
    # PostgreSQL does not notice by itself that a client has gone.
    host.run(["runuser", "-u", "postgres", "--", "psql", "-Xqd", "app", "-c", LET_GO])
    wait_until(host, "! systemctl is-active -q hold-table")
