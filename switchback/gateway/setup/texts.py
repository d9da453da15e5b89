"""What is laid on the machine that has the checkout, as it is written there. Pure."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from switchback.gateway import ask
from switchback.gateway.rules import Rule

# `-I`: neither the folder that it is started in, nor a variable, says what is imported.
INTERPRETER = "#!/usr/bin/python3 -I\n"


@dataclass(frozen=True)
class Places:
    """What is where.

    + user: whom keys log in; owner: who runs the runs, and has the checkout
    + python: the checkout's own
    """

    user: str
    owner: str
    owner_home: Path
    checkout: Path
    python: Path

    @property
    def programs(self) -> Path:
        """The two programs, root's."""
        return Path("/usr/local/lib/switchback-gateway", self.user)

    @property
    def home(self) -> Path:
        """The home of the user, root's: nothing in it is the user's to write."""
        return Path("/var/lib/switchback-gateway", self.user)

    @property
    def keys(self) -> Path:
        """The keys that log the user in."""
        return self.home / ".ssh" / "authorized_keys"

    @property
    def sudoers(self) -> Path:
        """The one line for sudo."""
        return Path("/etc/sudoers.d", f"switchback-gateway-{self.user}")


def ask_text() -> str:
    """The program that a key's line starts."""
    return INTERPRETER + inspect.getsource(ask)


def run_text(places: Places) -> str:
    """The program that the owner runs: without arguments, and in an environment of its own."""
    variables = [f"HOME={places.owner_home}", "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"]
    run = ["/usr/bin/env", "-i", *variables, str(places.python), "-m", "switchback.gateway", "--handed-over"]
    return (
        "#!/bin/sh\n"
        f"# What a key of {places.user} may ask for, done by {places.owner} (docs/safe-shell-access.md).\n"
        f"{shlex.join(['cd', str(places.checkout)])} && exec {shlex.join(run)}\n"
    )


def sudoers_line(places: Places) -> str:
    """The line for sudo: one program, with no argument at all."""
    return f'{places.user} ALL=({places.owner}) NOPASSWD: {places.programs / "run"} ""\n'


def key_line(places: Places, name: str, key: str) -> str:
    """A key's line: one program, whatever is asked for; no terminal, no forwarding, no file of the user's is run."""
    command = f"{places.programs / 'ask'} {name} {places.owner}"
    return f'restrict,command="{command}" {key} {name}\n'


def keys_text(places: Places, rules: Mapping[str, Rule]) -> str:
    """The lines of all keys that gateway.yml has."""
    return "".join(key_line(places, name, rule.key) for name, rule in rules.items() if rule.key)
