"""`python -m switchback.gateway install`: lays the gateway, and proves that its user gets at nothing."""

from __future__ import annotations

import argparse
import getpass
import os
import pwd
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from switchback.gateway.owned import check_owned, home
from switchback.gateway.rules import read_rules
from switchback.gateway.serve import RULES
from switchback.gateway.setup.steps import Step, steps
from switchback.gateway.setup.texts import Places
from switchback.settings.errors import Refused

DEFAULT_USER = "deploy"
# What ends the gateway where nothing was handed over that it understands.
NOT_ASKED = 64


def install(words: Sequence[str], checkout: Path) -> int:
    """Set the gateway up, or show how. Raises Refused."""
    parser = argparse.ArgumentParser("python -m switchback.gateway install", allow_abbrev=False)
    parser.add_argument("--user", default=DEFAULT_USER, help="whom keys log in (default: %(default)s)")
    parser.add_argument("--dry", action="store_true", help="show the commands, and change nothing")
    asked = parser.parse_args(words)
    owner = pwd.getpwuid(os.geteuid())
    if owner.pw_uid == 0:
        raise Refused("do this as the user who deploys from here, and who may use sudo; not as root")
    path = checkout / RULES
    check_owned(path)
    rules = read_rules(path).of_keys
    if not any(rule.key for rule in rules.values()):
        raise Refused(f"{path}: no key has its `key`, the line of its .pub file, so there is nobody to let in")
    # Not resolved: the environment's own, which is a link to the system's.
    places = Places(asked.user, owner.pw_name, Path(owner.pw_dir), checkout, Path(sys.executable))
    has_user = _has_user(places)
    for step in steps(places, rules, has_user=has_user):
        _do(step, asked.dry)
    if asked.dry:
        return 0
    home(checkout)
    problems = [*_readable(places), *_wrong(places)]
    if problems:
        raise Refused(*problems)
    secret = len(secret_places(places))
    click.echo(
        f"\n    {places.user} can read none of {secret} places of secrets, and write to none of what lets it in."
    )
    click.echo("    Try it: ssh -i KEY " + shlex.quote(f"{places.user}@THIS-MACHINE") + " help")
    return 0


def _has_user(places: Places) -> bool:
    """Whether the user is there. Raises Refused where it is somebody else."""
    try:
        found = pwd.getpwnam(places.user)
    except KeyError:
        return False
    if Path(found.pw_dir) != places.home:
        raise Refused(
            f"there is a user {places.user} already, at home in {found.pw_dir}: name another one, as in "
            "--user deploy-site"
        )
    return True


def _do(step: Step, dry: bool) -> None:
    shown = shlex.join(step.argv)
    click.echo(f"    {step.says}")
    click.echo(f"        {shown}")
    if dry:
        for line in step.given.splitlines():
            click.echo(f"        | {line}")
        return
    done = subprocess.run(step.argv, input=step.given, encoding="utf-8", capture_output=True, check=False)
    if done.returncode != 0:
        raise Refused(f"{shown} ended with exit code {done.returncode}: {(done.stderr or done.stdout).strip()}")


def secret_places(places: Places) -> list[Path]:
    """Files of the owner's that hold what is secret, as far as they are where one would look."""
    ssh, settings = places.owner_home / ".ssh", places.checkout / "group_data"
    found = [one for folder in (ssh, settings) if folder.is_dir() for one in sorted(folder.iterdir()) if one.is_file()]
    return [*found, home(places.checkout)]


def _as_user(places: Places, *words: str, given: str = "") -> int:
    argv = ["sudo", "-n", "-u", places.user, "--", *words]
    return subprocess.run(argv, input=given, encoding="utf-8", capture_output=True, check=False).returncode


def _readable(places: Places) -> Iterator[str]:
    """What the user gets at, and should not."""
    for path in secret_places(places):
        if _as_user(places, "test", "-r", str(path)) == 0:
            yield f"{places.user} can read {path}: chmod o-rwx it"
    for path in (places.home, places.keys, places.programs / "ask", places.programs / "run"):
        if _as_user(places, "test", "-w", str(path)) == 0:
            yield f"{places.user} can write to {path}: it must be root's alone"


def _wrong(places: Places) -> Iterator[str]:
    """What keeps a key from getting through."""
    run = str(places.programs / "run")
    code = _as_user(places, "sudo", "-n", "-u", places.owner, "--", run)
    if code != NOT_ASKED:
        yield f"{places.user} can't have {getpass.getuser()} run {run} (exit code {code}): try it by hand, with sudo -u"
    if _as_user(places, "sudo", "-n", "-u", places.owner, "--", run, "more") == NOT_ASKED:
        yield f"{run} can be started with arguments: another line in /etc/sudoers or /etc/sudoers.d allows that"
