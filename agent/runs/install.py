"""Putting the agent on a host: its files, and the units that call it. Done in a moment, or not at all."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from agent.host.files import sync_folder, write_whole
from agent.state import LAUNCHED, LIBRARY, State, fingerprint
from agent.transaction.lock import agent_stays
from agent.transaction.transaction import describe_holder, open_transaction
from agent.versions.layout import UNITS
from agent.words.outcomes import Refused

LAUNCHER = '''#!/usr/bin/python3 -I
"""Switchback's agent. Started by a deploy, by the guard and at boot."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "current"))
from agent.main import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
'''

WATCH = """# Written by Switchback. Starts the guard whenever a deploy holds the host, whoever else is gone by then.
[Unit]
Description=Switchback: notices that a deploy holds this host

[Path]
PathExists=/var/lib/switchback/lock

[Install]
WantedBy=multi-user.target
"""

GUARD = """# Written by Switchback. Ends an open deploy when nobody else goes on with it.
[Unit]
Description=Switchback: falls back when the controller of a deploy is gone
After=switchback-boot.service
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/usr/local/lib/switchback/switchback-agent guard
Restart=on-failure
RestartSec=2
# Of all that runs on the host this must go on: it is small, and it brings the site back.
OOMScoreAdjust=-900
KillMode=process
"""

BOOT = """# Written by Switchback. Falls back before the app starts, when the host went down during a deploy.
[Unit]
Description=Switchback: brings back the version that was live before an interrupted deploy
ConditionPathExists=/var/lib/switchback/lock
After=local-fs.target network-online.target postgresql.service mariadb.service mysql.service
Before={service}

[Service]
Type=oneshot
ExecStart=/usr/local/lib/switchback/switchback-agent boot
TimeoutStartSec=2100

[Install]
WantedBy=multi-user.target
"""


def install(state: State, sources: Mapping[str, str], unit: str) -> str:
    """Install the agent. Raises Refused while a deploy is open: it is ended by the agent that began it.

    + sources: each file's path below the agent's folder, and its text
    + unit: the app's service, which waits for ours at boot
    """
    state.create()
    with agent_stays(state, but_for_us=True):
        opened = open_transaction(state)
        if opened is not None:
            raise Refused("the agent is not replaced under an open deploy: " + describe_holder(state, opened.deploy))
        return _replace(sources, unit)


def _replace(sources: Mapping[str, str], unit: str) -> str:
    name = fingerprint(sources)
    # An agent before this one may have made it for nobody but root.
    LIBRARY.mkdir(parents=True, exist_ok=True)
    LIBRARY.chmod(0o755)
    _write_package(LIBRARY / name, sources)
    write_whole(LAUNCHED, LAUNCHER, 0o755)
    service = unit if "." in unit else unit + ".service"
    boot = BOOT.replace("{service}", service)
    _write_units({"switchback-guard.path": WATCH, "switchback-guard.service": GUARD, "switchback-boot.service": boot})
    # Last, for this is what tells that it is installed.
    _point_to(name)
    for old in LIBRARY.iterdir():
        if old.is_dir() and not old.is_symlink() and old.name != name:
            shutil.rmtree(old)
    return name


def _write_package(folder: Path, sources: Mapping[str, str]) -> None:
    new = folder.with_name("." + folder.name)
    shutil.rmtree(new, ignore_errors=True)
    for file, text in sources.items():
        (new / file).parent.mkdir(parents=True, exist_ok=True)
        (new / file).write_text(text)
    compileall.compile_dir(str(new), quiet=1)
    if folder.exists():
        shutil.rmtree(folder)
    new.rename(folder)
    os.sync()


def _point_to(name: str) -> None:
    new = LIBRARY / ".current"
    new.unlink(missing_ok=True)
    new.symlink_to(name)
    new.rename(LIBRARY / "current")
    sync_folder(LIBRARY)


def _write_units(units: Mapping[str, str]) -> None:
    changed = [
        name for name, text in units.items() if not (UNITS / name).exists() or (UNITS / name).read_text() != text
    ]
    for name in changed:
        write_whole(UNITS / name, units[name])
    if changed:
        subprocess.run(["systemctl", "daemon-reload"], check=True, timeout=60, capture_output=True)
    for argv in (
        ["systemctl", "enable", "--quiet", "switchback-boot.service", "switchback-guard.path"],
        ["systemctl", "start", "switchback-guard.path"],
    ):
        subprocess.run(argv, check=True, timeout=60, capture_output=True)
