"""Making a host fit for deploys. Each of these adds what is missing, and leaves what is there as it is.

Each one shows all that it would do before its first command: a dry run goes no further. --diff adds the texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Template

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation
from pyinfra.facts.files import Directory, File
from pyinfra.operations import apt

from agent.words.requests import Install
from operations.announce import announce, announce_file, announce_rewrite, nothing
from operations.steps import Commands
from operations.writing import as_user, rewrite, write
from switchback.checks.groundwork import Rewrite, Supervisord
from switchback.checks.own_texts import FILES, supervisord_text, unit_text
from switchback.wire.calls import bring_along
from switchback.wire.payload import agent_fingerprint

UNITS = "/etc/systemd/system"
SUDOERS = "/etc/sudoers.d"


@operation()
def packages(names: Sequence[str]) -> Commands:
    """
    Install packages. A host that has them all is not even asked for news, so it may be offline.

    + names: those that are missing
    """
    if not names:
        nothing("no package is missing")
        return
    announce(f"Will install {', '.join(names)}", f"packages {', '.join(names)}")
    yield from apt.packages._inner(packages=list(names), update=True, no_recommends=True)


@operation()
def app_user(user: str, home: str, missing: bool, for_nginx: bool) -> Commands:
    """
    Make the user who owns the code and config and runs the app, with a home that the web server can go into.

    + missing: whether there is no such user
    + for_nginx: whether the web server is the nginx that provision sets up, so that nobody else needs to
    """
    if not missing:
        nothing(f"there is a user {user}")
        return
    announce(f"Will make the user {user} with the home {home}", f"user {user}")
    yield _make_user(user, "--home-dir", QuoteString(home))
    # Who goes through it has to know where to: what is listed there is the app's alone.
    if for_nginx:
        yield StringCommand("chgrp", "www-data", QuoteString(home))
        yield StringCommand("chmod", "710", QuoteString(home))
    else:
        yield StringCommand("chmod", "711", QuoteString(home))


@operation()
def admin_user(user: str, missing: bool, keys: str) -> Commands:
    """
    Make the user who connects: with sudo, and with the SSH keys of whoever provisions.

    + missing: whether there is no such user
    + keys: the file of those SSH keys
    """
    if not missing:
        nothing(f"there is a user {user}")
        return
    # sudo passes over a file with a dot in its name.
    path = f"{SUDOERS}/{user.replace('.', '_')}"
    text = Template((FILES / "sudoers").read_text()).substitute(user=user)
    announce(f"Will make the user {user}, who has sudo and the SSH keys in {keys}", f"user {user}")
    if host.get_fact(File, path=path) is None:
        announce_file(path, text)
        # A mistake in this directory would take sudo away from everybody: checked before it is there.
        yield write(path, text, "440", check="visudo -cqf")
    yield _make_user(user)
    yield StringCommand("sh", "-ec", QuoteString(TAKE_KEYS), "sh", QuoteString(user), QuoteString(keys))


TAKE_KEYS = """\
[ -f "$2" ] || exit 0
home=$(getent passwd "$1" | cut -d: -f6)
install -d -o "$1" -g "$1" -m 700 "$home/.ssh"
install -o "$1" -g "$1" -m 600 "$2" "$home/.ssh/authorized_keys"
"""


@operation()
def folders(paths: Sequence[str], user: str, home: str) -> Commands:
    """
    Make directories that belong to a user.

    + home: the user's home; what is outside of it, root has to make
    """
    missing = [path for path in paths if host.get_fact(Directory, path=path) is None]
    if not missing:
        nothing("every directory is there")
    for path in missing:
        announce(f"Will make the directory {path}", path)
    for path in missing:
        if path.startswith(home + "/"):
            yield StringCommand(*as_user(user), "install", "-d", "--", QuoteString(path))
        else:
            yield StringCommand(
                "install", "-d", "-o", QuoteString(user), "-g", QuoteString(user), "--", QuoteString(path)
            )


@operation()
def scripts(missing: Mapping[str, str], user: str) -> Commands:
    """
    Write the scripts that are missing, for the site's administrator to go on from.

    + missing: each one's path, and the file among ours that it starts from
    """
    absent = [path for path in missing if host.get_fact(File, path=path) is None]
    texts = {path: (FILES / missing[path]).read_text() for path in absent}
    if not texts:
        nothing("every script is there")
    for path, text in texts.items():
        announce_file(path, text)
    for path, text in texts.items():
        yield write(path, text, "755", user=user)


@operation()
def manage(path: str, values: Mapping[str, str], user: str) -> Commands:
    """
    Write what runs manage.py of the live version for people and cron, unless something of that name is there.

    + path: where it goes; values: what is filled in
    """
    if host.get_fact(File, path=path) is not None:
        nothing(f"there is {path}")
        return
    text = Template((FILES / "manage").read_text()).substitute(values)
    announce_file(path, text)
    yield write(path, text, "755", user=user)


@operation()
def supervisord(config: Supervisord | None, user: str) -> Commands:
    """
    Write a supervisord config of the host's own, which the service finds by a link while the app's config brings none.

    + config: what it is; none where there is a service already, or a config for it
    """
    if config is None or host.get_fact(File, path=config.link) is not None:
        nothing("supervisord has its config, or gets it from the app's")
        return
    text = supervisord_text(config.values)
    missing = host.get_fact(File, path=config.path) is None
    if missing:
        announce_file(config.path, text)
    announce(f"Will make the link {config.link} to {config.path}", config.link)
    if missing:
        yield write(config.path, text, "644", user=user)
    yield _make_link(config.link, config.path, user)


@operation()
def unit(service: str, values: Mapping[str, str] | None) -> Commands:
    """
    Write the unit of the app's service and enable it. The first deploy starts it.

    + values: what is filled in; none where there is a unit
    """
    if values is None:
        nothing(f"there is a service {service}")
        return
    name = service if service.endswith(".service") else f"{service}.service"
    text = unit_text(values)
    announce_file(f"{UNITS}/{name}", text)
    yield write(f"{UNITS}/{name}", text, "644")
    yield StringCommand("systemctl", "enable", "--quiet", QuoteString(name))


@operation()
def rotation(file: tuple[str, str] | None) -> Commands:
    """
    Say how the app's logs are rotated.

    + file: its path and text; none where there is one
    """
    if file is None:
        nothing("how the logs are rotated is said")
        return
    announce_file(*file)
    yield write(*file, "644")


@operation()
def rewrites(files: Sequence[Rewrite]) -> Commands:
    """
    Write anew what an earlier provision has written and nobody has changed since.

    + files: those whose text is another one by now
    """
    if not files:
        nothing("what provision has written is as it would write it now")
        return
    for one in files:
        announce_rewrite(one.path, one.was, one.now)
    for one in files:
        yield rewrite(one.path, one.was, one.now, one.mode, user=one.user)
    if any(one.path.startswith(f"{UNITS}/") for one in files):
        yield StringCommand("systemctl", "daemon-reload")


@operation()
def agent(site: str, installed: str | None) -> Commands:
    """
    Install the agent of this checkout for a site, with the units of its runner.

    + site: its name
    + installed: the fingerprint of the agent on the host
    """
    if installed == agent_fingerprint():
        nothing("the agent is installed")
        return
    if installed:
        announce(f"Will install the agent {agent_fingerprint()} in place of {installed}", "the agent", "change")
    else:
        announce(f"Will install the agent {agent_fingerprint()}", "the agent")
    yield bring_along(site, Install(), timeout=120)


@operation()
def links(missing: Mapping[str, str], user: str) -> Commands:
    """
    Add the links that a host with a live version lacks.

    + missing: each one's path and target
    """
    made = {path: target for path, target in missing.items() if host.get_fact(File, path=path) is None}
    if not made:
        nothing("no link is missing")
    for path, target in made.items():
        announce(f"Will make the link {path} to {target}", path)
    for path, target in made.items():
        yield _make_link(path, target, user)


def _make_link(path: str, target: str, user: str) -> StringCommand:
    """The command that makes a link, and fails where anything stands in its place."""
    return StringCommand(*as_user(user), "ln", "-sT", "--", QuoteString(target), QuoteString(path))


def _make_user(user: str, *options: str | QuoteString) -> StringCommand:
    # With a password that nobody has, unlike a locked user, keys are let in everywhere.
    how = ["--create-home", "--shell", "/bin/bash", "--password", QuoteString("*"), *options]
    return StringCommand("useradd", *how, QuoteString(user))
