"""How the app's user gets at repositories by SSH: whether it has a key, and which servers it knows."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from agent.host.command import CommandFailed, Runner
from agent.host.reading import matching, read_text
from agent.host.users import acting_as
from agent.words.seen import Access

# More than a public key has, bytes.
LARGEST = 16 * 1024
# The key that provision makes.
KEY = "id_ed25519"
# Whose keys anybody on the host is to know.
FOR_ALL = Path("/etc/ssh/ssh_known_hosts")


def access(runner: Runner, user: str, home: Path, servers: Sequence[str]) -> Access:
    """Look at what the app's user has for SSH."""
    folder = home / ".ssh"
    public = ""
    with acting_as(user):
        has_key = any(path.suffix != ".pub" for path in matching(folder, "id_*"))
        with contextlib.suppress(OSError):
            has_key = has_key or "identityfile" in read_text(folder / "config", LARGEST).lower()
        with contextlib.suppress(OSError):
            public = read_text(folder / f"{KEY}.pub", LARGEST).strip()
        files = [path for path in (folder / "known_hosts", FOR_ALL) if path.is_file()]
    known = [name for name in servers if any(_knows(runner, path, name) for path in files)]
    return Access(has_key, public, tuple(known))


def _knows(runner: Runner, file: Path, name: str) -> bool:
    """Whether a file has a key of a server's: names may be hashed in it, which ssh-keygen alone can tell."""
    try:
        return bool(runner.run(["ssh-keygen", "-F", name, "-f", str(file)], ok=(0, 1, 255)).strip())
    except (OSError, CommandFailed):
        return False
