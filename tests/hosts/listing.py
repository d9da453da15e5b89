"""All files of a host with their metadata, listed and compared there: tens of thousands of lines, of which only those
that differ are wanted."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bed.hosts import Host

LIMIT = 120
# Nothing of it is on the host's disks.
FOLDER = "/dev/shm"
# A file's path, its metadata, and when any of it or of its content was changed last: the kernel sets that time, and
# nobody can set it back.
METADATA = r"%p\0%y %m %U %G %i %n %s %T@ %l\0%C@\0"

LIST = r"""
import json, os, subprocess, sys

kept, other, *find = sys.argv[1:]
with open(kept, "wb") as file:
    subprocess.run(["find", *find], stdout=file, stderr=subprocess.DEVNULL)

def read(path):
    with open(path, "rb") as file:
        return file.read()

def files(listing):
    words = listing.decode(errors="surrogateescape").split("\0")
    return {path: about for path, *about in zip(words[::3], words[1::3], words[2::3])}

now, differs = read(kept), {}
if other and now != read(other):
    before, after = files(read(other)), files(now)
    paths = sorted(before.keys() | after.keys())
    differs = {path: [before.get(path), after.get(path)] for path in paths if before.get(path) != after.get(path)}
if other:
    os.remove(kept), os.remove(other)
print(json.dumps({"count": now.count(b"\0") // 3, "differs": differs}))
"""


@dataclass(frozen=True)
class Listing:
    """Files of a host as they were at one time, kept there.

    + find: the arguments of find that choose them; kept: where they are
    + count: how many; differs: what was said of those that are not as in an earlier listing, before and after
    """

    host: Host
    find: tuple[str, ...]
    kept: str
    count: int
    differs: dict[str, list[list[str] | None]]

    def again(self) -> Listing:
        """The same files as they are now, compared with how they were; neither is kept any longer."""
        return list_files(self.host, self.find, self)


def list_files(host: Host, find: Sequence[str], before: Listing | None = None) -> Listing:
    """List files of a host.

    + before: an earlier listing that it is compared with
    """
    kept = f"{FOLDER}/listing-{secrets.token_hex(4)}"
    argv = ["timeout", str(LIMIT), "python3", "-c", LIST, kept, before.kept if before else "", *find]
    seen = json.loads(host.read([*argv, "-printf", METADATA]))
    return Listing(host, tuple(find), kept, seen["count"], seen["differs"])
