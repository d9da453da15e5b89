"""The prepared image: a host that was provisioned and deployed to, with rows in its database. Built when any part of
what it is made of has changed."""

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
MADE_OF = ("agent", "deploys", "facts", "operations", "switchback")
PREFIX = "prepared-"
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
def prepared_image(built: str = "") -> str:
    """The prepared image, built if it isn't there; one process builds, the others wait for it. The same all session.

    + built: a tag or branch of the code that is built on the host besides, so that its deploys are quick
    """
    base = prepared_image() if built else ensure_image()
    tag = PREFIX + _fingerprint(f"{base} {built}")
    image = f"{SNAPSHOTS}:{tag}"
    with alone():
        if not exists(image):
            with step(f"Preparing a host with {built or 'a site'}"):
                _prepare(tag, base, built)
            forget_old(PREFIX, image)
    return image


def _fingerprint(base: str) -> str:
    made_of = hashlib.sha256(base.encode())
    files = [Path(__file__), Path(runs.__file__)]
    for folder in MADE_OF:
        files += [file for file in (ROOT / folder).rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    for file in sorted(files):
        made_of.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return made_of.hexdigest()[:12]


def _prepare(tag: str, base: str, built: str) -> None:
    name = f"{tag}-is-made"
    # Another session may have been killed while it prepared the same.
    left = hosts.find(name)
    if left:
        left.remove()
    host = hosts.start(name, image=base)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            _fill(host, Runs(Path(scratch), dict(SETTINGS)), built)
        # Nothing on its disk is half written.
        host.run(["systemctl", "stop", "django", "postgresql"])
        host.run(["sync"])
        host.snapshot(tag)
    finally:
        host.remove()


def _fill(host: Host, run: Runs, built: str) -> None:
    if built:
        wait_for_site(host)
        run("build", host, data={"code": built}).worked()
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


def forget_old(prefix: str, current: str = "") -> None:
    """Remove what was made from older sources and that nobody uses any more.

    + prefix: how the tags of its images begin
    + current: the image that stays, however old
    """
    limit = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=KEPT)
    for image in client().images.list(name=SNAPSHOTS):
        made = datetime.datetime.fromisoformat(image.attrs["Created"][:19] + "+00:00")
        for name in image.tags:
            if name != current and name.startswith(f"{SNAPSHOTS}:{prefix}") and made < limit:
                hosts.remove_snapshot(name)
