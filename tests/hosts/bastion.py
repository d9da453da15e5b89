"""A key of a bastion, as a CI job or a colleague has it: real SSH, and what the gateway answers."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.bed.bastion import CHECKOUT, HOME, OWNER, lay_checkout
from tests.bed.hosts import Host
from tests.bed.keys import KNOWN_HOSTS
from tests.runs import LIMIT

USER = "deploy"
INSTALL = f"cd {CHECKOUT} && .venv/bin/python -m switchback.gateway install"
# Where something that must not run would leave a sign of itself, readable and writable for everybody.
EVIL = "/srv/evil"
# A server that takes whatever variable a client sends.
ACCEPT = "AcceptEnv *\n"
# What is secret of the owner, or the site: a word that is looked for in all that is said.
MARKER = "m4rker-0f-a-s3cret"
SIGN = "import getpass, pathlib; pathlib.Path('{}/signs', getpass.getuser() + '-by-{}').touch()\n"


@dataclass(frozen=True)
class Said:
    """What the gateway has answered."""

    code: int
    out: str
    err: str


@dataclass
class Bastion:
    """A bastion, its keys, and all that it has said.

    + folder: where the keys are, here
    """

    host: Host
    folder: Path
    said: list[Said] = field(default_factory=list)

    def make_key(self, name: str) -> str:
        """Make a key, and return its public half."""
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(self.folder / name)]
        subprocess.run(argv, check=True)
        return (self.folder / f"{name}.pub").read_text().strip()

    def argv(self, key: str, *options: str, program: str = "ssh") -> list[str]:
        """A command of OpenSSH's with a key, which asks nobody and reads nobody's settings."""
        port = ["-P" if program in ("scp", "sftp") else "-p", str(self.host.ssh_port)]
        known = [
            f"UserKnownHostsFile={KNOWN_HOSTS}",
            "StrictHostKeyChecking=yes",
            "IdentitiesOnly=yes",
            "BatchMode=yes",
        ]
        quiet = [word for one in [*known, "LogLevel=ERROR"] for word in ("-o", one)]
        return [program, "-F", "none", "-i", str(self.folder / key), *port, *quiet, *options]

    def ask(self, words: str | None, *, key: str = "ci", options: Sequence[str] = ()) -> Said:
        """Ask for something, as `ssh deploy@bastion WORDS` does, and wait for the answer."""
        return self.hear([*self.argv(key, *options), "--", f"{USER}@127.0.0.1", *([] if words is None else [words])])

    def start(self, words: str, *, key: str = "ci") -> subprocess.Popen[str]:
        """Ask for something, and do something else meanwhile."""
        argv = [*self.argv(key), "--", f"{USER}@127.0.0.1", words]
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, encoding="utf-8")

    def hear(self, argv: Sequence[str]) -> Said:
        """Run a command of OpenSSH's."""
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=LIMIT,
            check=False,
        )
        return self.note(Said(done.returncode, done.stdout, done.stderr))

    def note(self, said: Said) -> Said:
        """Keep what was said."""
        self.said.append(said)
        return said

    @property
    def log(self) -> list[str]:
        """What it has written down."""
        return self.host.run(["cat", f"{CHECKOUT}/.gateway/log"]).stdout.splitlines()

    def begun(self) -> int:
        """How many runs it has begun that are about a commit, or change something."""
        return sum(" begins" in line for line in self.log)


def settings_text(settings: Mapping[str, object]) -> str:
    """The settings of the environment, with a secret in each place that they may have one."""
    secret = {"env": {"PLAIN": MARKER}, "secrets": {"API_KEY": {"file": f"{HOME}/api-key"}}}
    return yaml.safe_dump({**settings, **secret})


def plant(bastion: Host) -> None:
    """Lay a secret in each place where the owner has one."""
    for path in (f"{HOME}/api-key", f"{HOME}/.ssh/other_key", f"{HOME}/.env", f"{CHECKOUT}/.env"):
        bastion.write(path, f"{MARKER}\n", mode=0o600, owner=OWNER)
    bastion.run(["sh", "-c", f"echo '# {MARKER}' >>{HOME}/.ssh/known_hosts"])


def set_up(bastion: Bastion, target: Host, settings: Mapping[str, object], rules: str) -> str:
    """Lay the checkout and set the gateway up, as the page says it. Returns what that has shown.

    + rules: gateway.yml
    """
    host = bastion.host
    files = {"group_data/prod.yml": settings_text(settings), "group_data/gateway.yml": rules}
    lay_checkout(host, target, files)
    plant(host)
    host.write("/etc/ssh/sshd_config.d/all.conf", ACCEPT)
    host.run(["systemctl", "reload", "ssh"])
    _lay_evil(host)
    return host.run(["sh", "-c", INSTALL], user=OWNER).stdout


def _lay_evil(host: Host) -> None:
    """What would leave a sign if a variable led somebody to it."""
    host.run(["install", "-d", "-m", "777", EVIL, f"{EVIL}/signs"])
    for module in ("sitecustomize", "usercustomize", "json", "os"):
        host.write(f"{EVIL}/{module}.py", SIGN.format(EVIL, module))
    program = f"#!/bin/sh\ntouch {EVIL}/signs/$(id -un)-by-$(basename $0)\n"
    for name in ("program", "git", "sudo", "python3", "sh", "profile"):
        host.write(f"{EVIL}/{name}", program, mode=0o755)


# What somebody sends along who wants another program to run, or another module to be imported.
HOSTILE = {
    "LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "FAKETIME": "-9000d",
    "PYTHONPATH": EVIL,
    "PYTHONHOME": EVIL,
    "PYTHONSTARTUP": f"{EVIL}/json.py",
    "PYTHONUSERBASE": EVIL,
    "PATH": f"{EVIL}:/usr/bin:/bin",
    "ENV": f"{EVIL}/profile",
    "BASH_ENV": f"{EVIL}/profile",
    "GIT_SSH_COMMAND": f"{EVIL}/program",
    "GIT_EXEC_PATH": EVIL,
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.fsmonitor",
    "GIT_CONFIG_VALUE_0": f"{EVIL}/program",
    "GIT_CONFIG_GLOBAL": f"{EVIL}/gitconfig",
    "GIT_ASKPASS": f"{EVIL}/program",
    "SSH_ASKPASS": f"{EVIL}/program",
    "SUDO_ASKPASS": f"{EVIL}/program",
    "SSH_AUTH_SOCK": f"{EVIL}/socket",
    "HOME": EVIL,
    "USER": "root",
    "VIRTUAL_ENV": EVIL,
    "SSH_ORIGINAL_COMMAND": "revert",
    "SSH_CONNECTION": "6.6.6.6 1 2 3",
    "SWITCHBACK_EXIT_CODES": "",
}

RULES = """\
branches: [main, digits]
keys:
  ci: {{key: {ci}}}
  boss: {{key: {boss}, may: [deploy, plan, revert, status, history, why]}}
"""


def bastion_for(host: Host, target: Host, settings: Mapping[str, object], folder: Path) -> Bastion:
    """A bastion for the host that is deployed to, with two keys: ci, and boss who may ask for all there is.

    + folder: where the keys are, here
    """
    found = Bastion(host, folder)
    said = set_up(found, target, settings, RULES.format(ci=found.make_key("ci"), boss=found.make_key("boss")))
    assert f"{USER} can read none of" in said
    return found


def logins(target: Host) -> int:
    """How often somebody has logged in to the host that is deployed to."""
    return int(target.read("journalctl -u ssh --no-pager | grep -c 'Accepted publickey' || true"))
