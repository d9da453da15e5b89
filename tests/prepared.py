"""The prepared image: a host that was provisioned and deployed to, with rows in its database; and another one with more
versions on it. Made when any part of what they are made of has changed: `python -m tests.prepared` makes both, and what
a bastion is started from."""

from __future__ import annotations

import datetime
import fcntl
import functools
import hashlib
import re
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import runs
from tests.bed import hosts
from tests.bed.bastion import bastion_image
from tests.bed.engine import client, ensure_engine
from tests.bed.hosts import Host
from tests.bed.image import SNAPSHOTS, ensure_image, exists
from tests.bed.legacy import wait_for_site
from tests.bed.places import BED, ROOT
from tests.bed.progress import step
from tests.runs import SETTINGS, Runs

# What is live on it, and how many rows it has.
TAG = "good-1"
ROWS = 3
# What is built on the other one besides, so that its deploys are quick: with a migration, and without one.
BUILT = ("good-2", "feature/with/slashes")
MADE_OF = ("agent", "deploys", "facts", "operations", "switchback")
PREFIX = "prepared-"
# Nothing of it is to fail, however busy the machine is.
PATIENT = {**SETTINGS, "health_timeout": 60, "site_timeout": 60, "build_timeout": 300, "script_timeout": 60}
# Another checkout may still use one that is younger, seconds.
KEPT = 4 * 3600


@contextmanager
def alone() -> Iterator[None]:
    """Keep the other processes of all sessions waiting."""
    BED.mkdir(exist_ok=True)
    with (BED / "prepared.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_engine_alone() -> None:
    """Make sure of an engine, and remove the hosts of sessions that were killed: their names have the process ids."""
    with alone():
        ensure_engine()
        for host in hosts.hosts("test"):
            process = re.match(r"test-(\d+)-", host.name)
            if process and not Path("/proc", process.group(1)).exists():
                host.remove()


@functools.cache
def prepared_image(*, built: bool = False) -> str:
    """The prepared image, made if it isn't there; one process does, the others wait for it. The same all session.

    + built: the one with versions that are built, and not live
    """
    base = prepared_image() if built else ensure_image()
    tag = PREFIX + _fingerprint(f"{base} {built}")
    image = f"{SNAPSHOTS}:{tag}"
    with alone():
        if not exists(image):
            with step(f"Preparing a host with {'versions that are built' if built else 'a site'}"):
                _prepare(tag, base, built)
            forget_old(image)
    return image


def _fingerprint(base: str) -> str:
    made_of = hashlib.sha256(base.encode())
    files = [Path(__file__), Path(runs.__file__)]
    for folder in MADE_OF:
        files += [file for file in (ROOT / folder).rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    for file in sorted(files):
        made_of.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return made_of.hexdigest()[:12]


def _prepare(tag: str, base: str, built: bool) -> None:
    name = f"{tag}-is-made"
    # Another session may have been killed while it prepared the same.
    left = hosts.find(name)
    if left:
        left.remove()
    host = hosts.start(name, image=base)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            _fill(host, Runs(Path(scratch), dict(PATIENT)), built)
        # Nothing on its disk is half written.
        host.run(["systemctl", "stop", "django", "postgresql"])
        host.run(["sync"])
        host.snapshot(tag)
    finally:
        host.remove()


def _fill(host: Host, run: Runs, built: bool) -> None:
    if built:
        wait_for_site(host)
        for code in BUILT:
            run("build", host, data={"code": code}).worked()
        return
    run("provision", host).worked()
    run("deploy", host, data={"code": TAG}).worked()
    wait_for_site(host)
    for _ in range(ROWS):
        add_item(host)


def add_item(host: Host) -> None:
    """Have a visitor add a row."""
    with urllib.request.urlopen(urllib.request.Request(host.website_url + "items/add", method="POST"), timeout=10):
        pass


def forget_old(current: str) -> None:
    """Remove what was made from older sources and that nobody uses any more.

    + current: the image that stays, however old
    """
    limit = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=KEPT)
    for image in client().images.list(name=SNAPSHOTS):
        made = datetime.datetime.fromisoformat(image.attrs["Created"][:19] + "+00:00")
        for name in image.tags:
            if name != current and name.startswith(f"{SNAPSHOTS}:") and made < limit:
                hosts.remove_snapshot(name)


if __name__ == "__main__":
    ensure_engine_alone()
    prepared_image(built=True)
    bastion_image()
