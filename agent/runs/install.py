"""Putting the agent on a host for a site: its files, and the site's units. Done in a moment, or not at all."""

from __future__ import annotations

import compileall
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from agent.host.command import ours
from agent.host.files import alone_in, put, remove, sync_folder, write_whole
from agent.host.reading import matching, read_text
from agent.sites import earlier
from agent.sites.earlier import as_laid_out, take_over
from agent.state import LAUNCHER, LIBRARY, State, fingerprint, named_by
from agent.transaction.lock import agent_stays
from agent.transaction.transaction import describe_holder, open_transaction
from agent.versions.layout import UNITS
from agent.words.outcomes import Refused

LAUNCHES = '''#!/usr/bin/python3 -I
"""Switchback's agent. Started by a deploy, and by systemd."""
import gc
import os
import sys

# Nothing of what is loaded is garbage, and to look for that takes a tenth of the time.
gc.disable()
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from agent.main import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
'''

# Started by who asks for a run, at boot where one is open, and again whenever one is open and nobody carries it out.
RUNNER = """# Written by Switchback. Carries out the runs of a site; whatever happens, an open one is ended.
[Unit]
Description=Switchback: carries out the deploys of {site}
ConditionPathExists=|/var/lib/switchback/{site}/lock
ConditionPathExists=|/run/switchback/{site}/wanted
ConditionDirectoryNotEmpty=|/var/lib/switchback/{site}/untold
After=local-fs.target network-online.target postgresql.service mariadb.service mysql.service
Wants=network-online.target
Before={site}.service
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart=/var/lib/switchback/{site}/agent/switchback-agent runner {site}
Restart=on-failure
RestartSec=0
TimeoutStartSec=infinity
TimeoutStopSec=5
WatchdogSec=20
WatchdogSignal=SIGKILL
LimitCORE=0
# Of all that runs on the host this must go on: it is small, and it brings the site back.
OOMScoreAdjust=-900
OOMPolicy=continue
Delegate=memory pids
KillMode=control-group

[Install]
WantedBy=multi-user.target
"""

WATCH = """# Written by Switchback. Starts the runner whenever a run holds the site, whoever has stopped it, and while
# somebody has yet to be told how one has ended.
[Unit]
Description=Switchback: notices that a deploy holds {site}

[Path]
PathExists=/var/lib/switchback/{site}/lock
DirectoryNotEmpty=/var/lib/switchback/{site}/untold

[Install]
WantedBy=multi-user.target
"""


def install(state: State, sources: Mapping[str, str]) -> str:
    """Install the agent for a site. Raises Refused while a deploy of the site is open: it is ended by the agent that
    began it.

    + sources: each file's path below the agent's folder, and its text
    """
    state.base.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Of those that install at once, one goes after the other.
    with alone_in(state.base):
        as_it_is = as_laid_out(state)
        if not as_it_is.earlier:
            state.create()
        with agent_stays(as_it_is, but_for_us=True):
            opened = open_transaction(as_it_is)
            if opened is not None:
                holds = describe_holder(as_it_is, opened.deploy)
                raise Refused("the agent is not replaced under an open deploy: " + holds)
            return _replace(as_it_is, sources)


def _replace(state: State, sources: Mapping[str, str]) -> str:
    name = fingerprint(sources)
    # An agent before this one may have made it for nobody but root.
    LIBRARY.mkdir(parents=True, exist_ok=True)
    LIBRARY.chmod(0o755)
    _write_package(LIBRARY / name, sources)
    if state.earlier:
        take_over(state)
    _write_units(state.site)
    # Last, for this is what tells that it is installed.
    _lead(state.agent, LIBRARY / name)
    delete_unused(state.base)
    return name


def _write_package(folder: Path, sources: Mapping[str, str]) -> None:
    # One with its launcher is whole, and other sites may be at work with it.
    if (folder / LAUNCHER).exists():
        return
    new = folder.with_name("." + folder.name)
    for left in (new, folder):
        with contextlib.suppress(OSError):
            remove(left)
    for file, text in sources.items():
        (new / file).parent.mkdir(parents=True, exist_ok=True)
        put(new / file, text.encode())
    put(new / LAUNCHER, LAUNCHES.encode())
    (new / LAUNCHER).chmod(0o755)
    compileall.compile_dir(str(new), quiet=1)
    new.rename(folder)
    os.sync()


def _lead(link: Path, folder: Path) -> None:
    new = link.with_name(".agent")
    new.unlink(missing_ok=True)
    new.symlink_to(folder)
    new.rename(link)
    sync_folder(link.parent)


def delete_unused(base: Path) -> None:
    """Delete the agents that do no site's runs any more."""
    used = {named_by(link) for link in (earlier.CURRENT, *matching(base, "*/agent"))}
    for folder in matching(LIBRARY, "*"):
        if folder.is_dir() and not folder.is_symlink() and folder.name not in used:
            (folder / LAUNCHER).unlink(missing_ok=True)
            remove(folder)


def _write_units(site: str) -> None:
    texts = {f"switchback@{site}.path": WATCH, f"switchback@{site}.service": RUNNER}
    units = {name: text.replace("{site}", site) for name, text in texts.items()}
    changed = [name for name, text in units.items() if not (UNITS / name).exists() or read_text(UNITS / name) != text]
    for name in changed:
        write_whole(UNITS / name, units[name])
    if changed:
        ours(["systemctl", "daemon-reload"], 60)
    for argv in (
        ["systemctl", "enable", "--quiet", f"switchback@{site}.service", f"switchback@{site}.path"],
        ["systemctl", "start", f"switchback@{site}.path"],
    ):
        ours(argv, 60)
