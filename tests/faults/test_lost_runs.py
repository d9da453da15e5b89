"""The controller is gone, or the host was rebooted: the host comes back by itself. In other steps, and with a runner
that is killed, the matrix has it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.steps import order
from agent.steps.kind import Phase
from switchback.hosts.link import ANSWER_WITHIN, ASK_EVERY
from tests.bed.hosts import Host
from tests.bed.legacy import wait_for_site
from tests.faults.watch import (
    STATE,
    WAIT_AT_GATE,
    hold_table,
    journal,
    let_table_go,
    open_gate,
    wait_for,
    wait_until,
    wait_until_free,
    write_script,
)
from tests.invariants import Seen, assert_ended, assert_kept_as_failed, assert_screen, assert_well
from tests.runs import Running, Runs

CONFIRM = 8
# What it does first takes a moment.
SOON = 5.0
# What a busy machine may add to the time after which a link is given up, seconds.
SLACK = 30.0
FLAG = "/home/app/maintenance"
# Of an address that only who is told knows; and what listens there.
ADDRESS = "services-T0000-B0000-drawnbylot"
LISTENS = """
import http.server, pathlib
class Told(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with pathlib.Path("/root/told").open("ab") as file:
            file.write(body + b"\\n")
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", 8099), Told).serve_forever()
"""


class Held:
    """A deploy of `good-2` that is held up in a step.

    + step: `migrate`, by a lock on the table; or `install_script`, when the new version is linked, by the script
    """

    def __init__(self, host: Host, run: Runs, settings: dict[str, Any], step: str) -> None:
        self.host, self.step = host, step
        settings["confirm_timeout"] = CONFIRM
        if step == "migrate":
            hold_table(host)
        else:
            settings["install_script"] = write_script(host, "install.sh", WAIT_AT_GATE)
        self.running: Running = run.start("deploy", host, data={"code": "good-2"})
        wait_for(host, step)
        wait_until(host, f'[ -n "{self.command}" ]')

    @property
    def command(self) -> str:
        """The shell's words for the process that the step runs."""
        # The Django of the checks has stayed for the migrations.
        return "$(pgrep -of '[t]hen-migrate')" if self.step == "migrate" else "$(pgrep -of '[s]cripts/install.sh')"

    def let_go(self) -> None:
        """Let the step go on."""
        if self.step == "migrate":
            let_table_go(self.host)
        else:
            open_gate(self.host)


Hold = Callable[[str], Held]


@pytest.fixture
def hold(host: Host, before: Seen, run: Runs, settings: dict[str, Any]) -> Hold:
    """Starts a deploy that is held up in a step."""
    return lambda step: Held(host, run, settings, step)


def listens(host: Host) -> str:
    """Have something on the host listen that writes down what it is told. Returns its address."""
    host.write("/root/listens.py", LISTENS)
    host.run(["systemd-run", "--quiet", "--unit", "listens", "python3", "/root/listens.py"])
    return f"http://127.0.0.1:8099/{ADDRESS}"


def assert_told(host: Host, deploy: str, reason: str) -> None:
    """Assert that others were told once that a deploy fell back, and that nothing of it is left."""
    wait_until(host, f'[ -s /root/told ] && [ -z "$(ls {STATE}/untold)" ]')
    (line,) = host.run(["cat", "/root/told"]).stdout.splitlines()
    told = json.loads(line)
    assert (told["id"], told["event"]) == (f"{deploy}/{told['host']}/1", "fell_back")
    assert told["reason"] == reason
    assert told["visitors"]["maintenance_seconds"] > 0
    assert journal(host)[-1]["event"] == "told"
    assert (
        host.run(["grep", "-rl", ADDRESS, "/var/lib/switchback", "/var/log"], check=False).stdout
        == f"{STATE}/webhook\n"
    )


def assert_came_back(host: Host, before: Seen, step: str) -> None:
    """Assert that the host is what it was, and knows what happened."""
    seen = assert_well(host, links=before.links, database=before.database)
    assert_kept_as_failed(host, seen, assert_ended(seen, "fell back", step), step)


def test_a_controller_that_is_killed_is_missed_and_its_host_falls_back_and_tells_others(
    host: Host, before: Seen, hold: Hold, settings: dict[str, Any], tmp_path: Path
) -> None:
    step, address = "migrate", tmp_path / "address"
    address.write_text(listens(host) + "\n")
    settings["notify"] = {"url": {"file": str(address)}, "at": ["fell_back"]}
    held = hold(step)
    held.running.kill()
    held.let_go()
    wait_until_free(host)
    # It goes on as far as it may without another word.
    last = order.names(Phase.SWITCH)[-1]
    assert_came_back(host, before, last)
    records = journal(host)
    done = next(one["at"] for one in records if one["event"] == "step done" and one["step"] == last)
    fallback = next(one for one in records if one["event"] == "fallback")
    assert fallback["reason"] == f"no word from the controller since {last}"
    assert CONFIRM <= fallback["at"] - done <= CONFIRM + SOON
    assert_told(host, records[0]["deploy"], f"no word from the controller since {last}")


def test_a_host_that_is_rebooted_in_the_window_waits_for_its_database_and_is_taken_back_while_the_app_may_start(
    host: Host, before: Seen, hold: Hold
) -> None:
    held = hold("migrate")
    units = host.run("systemctl list-units --plain --no-legend 'postgresql*' | cut -d ' ' -f 1").stdout.split()
    host.run(["systemctl", "mask", "--quiet", *units])
    host.container.restart(timeout=5)
    # The app has not waited for the database; what was tried meanwhile is tried again.
    wait_until(host, "systemctl is-active -q django")
    tried = f"grep -c 'undo failed.*OperationalError' {STATE}/transactions/$(cat {STATE}/lock)/journal.jsonl"
    wait_until(host, f"[ $({tried}) -ge 2 ]")
    assert "/home/app/maintenance" in host.run("ls /home/app/maintenance").stdout
    host.run(["systemctl", "unmask", "--quiet", *units])
    host.run(["systemctl", "start", *units])
    wait_until_free(host)
    wait_for_site(host)
    assert held.running.wait().code == 1
    assert_came_back(host, before, "migrate")
    assert "the host was rebooted during migrate" in str(journal(host))


def test_a_controller_that_is_asked_to_stop_has_the_host_fall_back_at_once_and_is_not_taken_for_success(
    host: Host, before: Seen, hold: Hold
) -> None:
    held = hold("install_script")
    held.running.signal(signal.SIGHUP)
    result = held.running.wait()
    assert result.code != 0
    assert "fell back at install_script: " in result.told
    assert_came_back(host, before, "install_script")


def test_a_second_ctrl_c_leaves_the_rest_to_the_host_and_says_so(host: Host, before: Seen, hold: Hold) -> None:
    script = "/home/app/scripts/stop_maintenance.sh"
    works = host.run(["cat", script]).stdout
    write_script(host, "stop_maintenance.sh", "touch /home/app/asked", WAIT_AT_GATE, f"rm -f {FLAG} /home/app/asked")
    held = hold("install_script")
    held.running.interrupt()
    wait_until(host, "[ -e /home/app/asked ]")
    held.running.interrupt()
    result = held.running.wait()
    assert result.code == 130
    assert "Left. Each host goes on falling back by itself, at the latest 8 s after" in result.output
    held.let_go()
    wait_until_free(host)
    host.write(script, works, mode=0o755, owner="app")
    assert_came_back(host, before, "install_script")


def test_a_host_that_does_not_answer_any_more_is_given_up_in_time_and_what_becomes_of_it_is_said(
    host: Host, before: Seen, hold: Hold
) -> None:
    held = hold("install_script")
    host.pause()
    began = time.monotonic()
    try:
        result = held.running.wait()
    finally:
        host.unpause()
    assert time.monotonic() - began < ASK_EVERY + ANSWER_WITHIN + SLACK
    assert result.code == 1
    assert f"[{host.name}] gives no sign of life any more: its link is given up" in result.output
    assert_screen(
        result, "unknown", ["no word from the host", f"by itself, at the latest {CONFIRM} s after its running step"]
    )
    held.let_go()
    wait_until_free(host)
    assert_came_back(host, before, "install_script")


def test_what_a_script_has_left_in_a_session_of_its_own_ends_with_a_runner_that_is_killed(
    host: Host, before: Seen, run: Runs, settings: dict[str, Any]
) -> None:
    lines = ("setsid setsid sleep 600 &", "sleep 601")
    settings["install_script"] = write_script(host, "install.sh", *lines)
    running = run.start("deploy", host, data={"code": "good-2"})
    wait_until(host, "pgrep -f '[s]leep 600' && pgrep -f '[s]leep 601'")
    host.run(["systemctl", "kill", "--kill-whom=main", "--signal=KILL", "switchback@django"])
    assert running.wait().code == 1
    wait_until_free(host)
    assert_came_back(host, before, "install_script")
    assert "the runner was killed during install_script" in str(journal(host))
    assert not host.run(["pgrep", "--full", "sleep 60[01]"], check=False).stdout
