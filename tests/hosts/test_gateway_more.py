"""The rest of safe shell access: each way in that is none, signatures, keys of hosts, a connection that is closed."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator

import paramiko
import pytest
from paramiko import Ed25519Key

from agent.text.lines import one_line
from tests.bed.bastion import CHECKOUT, HOME, OWNER
from tests.bed.hosts import Host, free_port
from tests.bed.keys import KNOWN_HOSTS
from tests.faults.sabotage import wait_for_file, wait_until_ended
from tests.faults.watch import STATE
from tests.hosts.bastion import INSTALL, MARKER, USER, Bastion, Said, logins
from tests.invariants import Seen, assert_well, look
from tests.unit.test_gateway_words import MAY_NOT

LIMIT = 60.0
# What a key's user may try besides a command; each is refused by the server, or gets no more than the one program.
NEVER = {
    "sftp": ["-s", "sftp"],
    "a subsystem of another name": ["-s", "x"],
    "a way to somewhere else": ["-W", "127.0.0.1:22"],
    "a port of the bastion": ["-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:22"],
    "a socket of the bastion": ["-N", "-o", "ExitOnForwardFailure=yes", "-R", "/tmp/socket:127.0.0.1:22"],
    "a tunnel": ["-N", "-o", "ExitOnForwardFailure=yes", "-w", "0:0"],
}
SIGN = r"""
set -e
for repository in code config; do
    cd /srv/git/$repository.git
    commit() {
        git -c user.name=Ann -c user.email=ann@example.org -c gpg.format=ssh -c user.signingkey=/root/signer \
            commit-tree "$@" -m "Signed or not" "HEAD^{tree}"
    }
    git update-ref refs/heads/signed "$(commit -S)"
    git update-ref refs/heads/unsigned "$(commit)"
done
"""


@pytest.fixture
def untouched(bastion: Bastion, target: Host) -> Iterator[None]:
    """Nothing is begun, nobody logs in to the host, and that is as it was."""
    before: tuple[Seen, int, int] = look(target), logins(target), bastion.begun()
    yield
    assert (look(target), logins(target), bastion.begun()) == before


def test_whatever_is_typed_over_a_real_connection_is_refused_and_begins_nothing(
    bastion: Bastion, untouched: None
) -> None:
    client = paramiko.SSHClient()
    client.load_host_keys(str(KNOWN_HOSTS))
    key = Ed25519Key.from_private_key_file(str(bastion.folder / "boss"))
    # A NUL at the end is none to sshd, which takes it off.
    for text in [*(one for one in MAY_NOT if not one.endswith("\0")), "deploy " + "a" * 200_000]:
        if client.get_transport() is None or not client.get_transport().is_active():  # type: ignore[union-attr]
            port = bastion.host.ssh_port
            client.connect("127.0.0.1", port, USER, pkey=key, allow_agent=False, look_for_keys=False)
        code = _ends(client, text.encode(errors="surrogateescape"))
        # What no variable can hold, the server itself does not take.
        too_much = len(text) > 128_000
        assert (one_line(text[:60]), code) == (one_line(text[:60]), code if "\0" in text or too_much else 64)
        assert code != 0
    client.close()


def _ends(client: paramiko.SSHClient, words: bytes) -> int:
    """The exit code of what is asked for; -1 where there is none."""
    transport = client.get_transport()
    assert transport
    channel = transport.open_session(timeout=LIMIT)
    channel.settimeout(LIMIT)
    try:
        channel.exec_command(words)
        return channel.recv_exit_status()
    except (paramiko.SSHException, EOFError):
        # The server has hung up.
        return -1


@pytest.mark.parametrize("what", NEVER)
def test_there_is_no_other_way_in(what: str, bastion: Bastion, untouched: None) -> None:
    said = bastion.hear(["timeout", "10", *bastion.argv("boss", *NEVER[what]), f"{USER}@127.0.0.1"])
    assert said.code not in (0, 124)
    assert "SSH-2.0" not in said.out


def test_a_port_of_ones_own_leads_nowhere(bastion: Bastion, untouched: None) -> None:
    port = free_port()
    argv = [*bastion.argv("boss", "-N", "-L", f"{port}:127.0.0.1:22"), f"{USER}@127.0.0.1"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as tunnel:
        said = subprocess.run(
            ["ssh-keyscan", "-T", "5", "-p", str(port), "127.0.0.1"], capture_output=True, check=False, timeout=LIMIT
        )
        tunnel.terminate()
    assert b"ssh-ed25519" not in said.stdout


@pytest.mark.parametrize(("program", "options"), [("scp", []), ("scp", ["-O"]), ("sftp", ["-b", "/dev/null"])])
def test_no_file_goes_either_way(program: str, options: list[str], bastion: Bastion, untouched: None) -> None:
    where = f"{USER}@127.0.0.1:/etc/hostname"
    for names in ([where, str(bastion.folder / "got")], ["/etc/hostname", where]):
        argv = bastion.argv("boss", *options, *(names if program == "scp" else names[:1]), program=program)
        assert bastion.hear(argv).code != 0
    assert not (bastion.folder / "got").exists()


def test_a_terminal_an_agent_and_a_display_are_not_given(bastion: Bastion, untouched: None) -> None:
    said = bastion.ask("help", key="boss", options=["-tt", "-A", "-X", "-o", "LogLevel=INFO"])
    assert "PTY allocation request failed" in said.err
    # Nor does the program know of any.
    for option in ("-t", "-A", "-X"):
        assert bastion.ask("help", key="boss", options=[option]).code == 0
    assert bastion.ask(None, key="boss", options=["-tt"]).code != 0


def test_only_a_signed_commit_of_a_branch_goes_on(bastion: Bastion, target: Host) -> None:
    host, file = bastion.host, f"{CHECKOUT}/group_data/gateway.yml"
    host.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/signer"])
    kind, key, *_ = host.run(["cat", "/root/signer.pub"]).stdout.split()
    host.run(SIGN)
    host.write(f"{CHECKOUT}/group_data/signers", f"ann@example.org {kind} {key}\n", owner=OWNER)
    rules = host.run(["cat", file]).stdout
    branches = "branches: [signed, unsigned]\nconfig_branches: [signed, unsigned]\nsigned_by: signers"
    host.write(file, rules.replace("branches: [main, digits]", branches), owner=OWNER)
    before = look(target), logins(target), bastion.begun()
    for words in ("deploy unsigned signed", "deploy signed unsigned", "deploy good-3 signed", "deploy signed"):
        assert bastion.ask(words).code == 64
    assert (look(target), logins(target), bastion.begun()) == before
    # What both have signed gets as far as the host, which has no such commit.
    said = bastion.ask("deploy signed signed")
    assert said.code == 10
    assert (look(target), bastion.begun()) == (before[0], before[2] + 1)
    host.write(file, rules, owner=OWNER)


def test_a_host_that_is_not_known_or_is_another_is_refused_with_what_to_do(bastion: Bastion, target: Host) -> None:
    known = f"{HOME}/.ssh/known_hosts"
    before = look(target), bastion.host.run(["cat", known]).stdout
    other = bastion.make_key("other").split()
    try:
        bastion.host.write(known, "", owner=OWNER)
        said = bastion.ask("deploy good-3")
        assert said.code == 10
        assert "a host's key is not known here, so nothing was sent to it: ann logs in" in said.err
        assert bastion.host.run(["cat", known]).stdout == ""
        bastion.host.write(known, f"{before[1].split()[0]} {other[0]} {other[1]}\n", owner=OWNER)
        said = bastion.ask("deploy good-3")
        assert said.code == 10
        assert "a host shows another key than the one that is known here" in said.err
    finally:
        bastion.host.write(known, before[1], owner=OWNER)
    assert look(target) == before[0]


def test_a_connection_that_is_closed_has_the_host_fall_back_and_the_gateway_free(
    bastion: Bastion, target: Host
) -> None:
    before = look(target)
    deploy = bastion.start("deploy good-3")
    # Whoever looks at all of the host meanwhile sees it only when it is too late to fall back.
    wait_for_file(target, f"{STATE}/lock")
    deploy.send_signal(signal.SIGKILL)
    deploy.communicate()
    until = time.monotonic() + LIMIT
    while "the connection was closed" not in "".join(bastion.log[-2:]) and time.monotonic() < until:
        time.sleep(0.1)
    wait_until_ended(target)
    seen = assert_well(target, "good-1", links=before.links, database=before.database)
    assert seen.last["by"] == "ci"
    assert seen.last["outcome"] != "committed"
    # And the next one may.
    assert bastion.ask("status", key="boss").code == 0


def test_deploy_and_revert_and_all_that_is_to_be_known_of_them(bastion: Bastion, target: Host) -> None:
    deployed = bastion.ask("deploy good-2 main")
    assert deployed.code == 0, deployed.err
    assert assert_well(target, "good-2").last["by"] == "ci"
    reverted = bastion.ask("revert", key="boss")
    assert reverted.code == 0, reverted.err
    assert assert_well(target, "good-1").last["by"] == "boss"
    for words in ("status", "history", "why", "json status", "json history", "json why", "json plan good-2", "help"):
        said = bastion.ask(words, key="boss")
        assert said.code == 0, said.err
        if words.startswith("json"):
            told = json.loads(said.out)
            assert set(told) == {"exit_code", "says", "plan", "run"}
            assert told["run"]


def test_a_key_of_the_owners_own_account_is_held_to_the_same(bastion: Bastion, untouched: None) -> None:
    public = (bastion.folder / "boss.pub").read_text()
    line = f'restrict,command="cd {CHECKOUT} && .venv/bin/python -m switchback.gateway ci" {public}'
    bastion.host.write(f"{HOME}/.ssh/authorized_keys", line, mode=0o600, owner=OWNER)

    def ask(words: str) -> Said:
        return bastion.hear([*bastion.argv("boss"), "--", f"{OWNER}@127.0.0.1", words])

    # The word in the line is who it is, whichever key that is.
    assert "deploy [CODE [CONFIG]], deploy --plan NAME, plan [CODE [CONFIG]], help;" in ask("help").err
    for words in ("revert", "deploy $(id)", "sh", "-c id", "--handed-over"):
        assert ask(words).code == 64


def test_doing_it_again_changes_nothing_and_another_s_user_is_left_alone(bastion: Bastion) -> None:
    host = bastion.host
    lists = ["/usr/local/lib/switchback-gateway", "/var/lib/switchback-gateway", "/etc/sudoers.d"]
    before = host.run(["find", *lists, "-type", "f", "-exec", "sha256sum", "{}", "+"]).stdout
    again = host.run(["sh", "-c", INSTALL], user=OWNER)
    assert "useradd" not in again.stdout
    assert host.run(["find", *lists, "-type", "f", "-exec", "sha256sum", "{}", "+"]).stdout == before
    other = host.run(["sh", "-c", f"{INSTALL} --user admin"], user=OWNER, check=False)
    assert other.returncode != 0
    assert "there is a user admin already" in other.stderr


def test_nothing_that_was_said_has_a_secret_of_the_owner_s_or_the_site_s(bastion: Bastion) -> None:
    key = "".join((bastion.host.run(["cat", f"{HOME}/.ssh/id_ed25519"]).stdout).splitlines()[1:3])
    assert len(bastion.said) > 10
    for said in bastion.said:
        for secret in (MARKER, key[:40]):
            assert secret not in said.out + said.err
