"""Safe shell access through a bastion with a real SSH server: a key deploys what it may, and does nothing else."""

from __future__ import annotations

import json
import time

from tests.bed.bastion import CHECKOUT, HOME
from tests.bed.hosts import Host
from tests.hosts.bastion import EVIL, HOSTILE, MARKER, USER, Bastion, logins
from tests.invariants import assert_well, look

# As somebody else begins them, once each over a real connection; all of them are data in the unit tests.
REFUSED = [
    None,
    "bash -i",
    "deploy; id",
    "deploy $(id)",
    "deploy 'main'",
    "deploy main\nid",
    "deploy " + "a" * 100_000,
    "deploy --data version=x",
    "deploy -i inventories/staging.py",
    "deploy bad-health",
]


def test_a_key_plans_and_deploys_exactly_that_and_the_second_at_a_time_is_told_who_does(
    bastion: Bastion, target: Host
) -> None:
    before = look(target)
    planned = bastion.ask("plan good-2")
    assert planned.code == 0, planned.err
    name = planned.out.strip()
    assert "1 migration" in planned.err
    assert look(target) == before
    begun = bastion.begun()
    deploy = bastion.start(f"json deploy --plan {name}")
    while bastion.begun() == begun and deploy.poll() is None:
        time.sleep(0.1)
    held = bastion.ask("revert", key="boss")
    out, err = deploy.communicate(timeout=120)
    assert (deploy.returncode, held.code) == (0, 10), err + held.err
    assert "refused, nothing was begun: ci has a deploy to prod on, since " in held.err
    told = json.loads(out)
    assert (told["exit_code"], told["run"]["exit_code"], told["run"]["outcome"]) == (0, 0, "committed")
    seen = assert_well(target, "good-2")
    assert seen.last["by"] == "ci"
    assert MARKER not in planned.err + out + err


def test_what_may_not_be_asked_starts_nothing_and_no_variable_leads_anybody_elsewhere(
    bastion: Bastion, target: Host
) -> None:
    sent = "SetEnv=" + " ".join(f'"{name}={value}"' for name, value in HOSTILE.items())
    assert "acceptenv *" in bastion.host.run(["sshd", "-T"]).stdout
    before = look(target), logins(target), bastion.begun()
    for words in REFUSED:
        said = bastion.ask(words, options=["-o", sent])
        assert (words, said.code, said.out) == (words, 64, "")
        assert said.err.splitlines()[-1].startswith("refused: ")
    assert (look(target), logins(target), bastion.begun()) == before
    assert bastion.host.run(["ls", f"{EVIL}/signs"]).stdout == ""
    # The time of a library that was sent along is that of nobody but the user's own first process.
    assert {line[:4] for line in bastion.log} == {time.strftime("%Y", time.gmtime())}
    assert "6.6.6.6" not in "".join(bastion.log)


def test_what_the_user_of_the_keys_may_read_has_no_secret(bastion: Bastion) -> None:
    places = ["/home", "/opt", "/etc", "/usr/local", "/var/lib", "/srv", "/tmp", "/run"]
    found = bastion.host.run(["grep", "-rIlsF", "-D", "skip", MARKER, *places], user=USER, check=False)
    assert found.stdout == ""
    writable = bastion.host.run(
        ["find", f"/var/lib/switchback-gateway/{USER}", f"/usr/local/lib/switchback-gateway/{USER}", "-writable"],
        user=USER,
        check=False,
    )
    assert writable.stdout == ""
    for path in (f"{HOME}/.ssh/id_ed25519", f"{CHECKOUT}/group_data/prod.yml", f"{CHECKOUT}/.gateway/log"):
        assert bastion.host.run(["cat", path], user=USER, check=False).returncode != 0
