"""What files are told apart by."""

from __future__ import annotations

import hashlib
import math
import time
from pathlib import Path

from agent.host.reading import open_ordinary

# How much is read at a time, bytes.
BLOCK = 1 << 20


def content_hash(path: Path, until: float = math.inf) -> str:
    """The SHA-256 of a file's content, read block by block, for it may be large.

    + until: by when it has to be read, seconds since the epoch

    Raises OSError, and of these TimeoutError where there is more than can be read in time.
    """
    digest = hashlib.sha256()
    with open_ordinary(path) as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            digest.update(block)
            if time.time() > until:
                raise TimeoutError(f"{path} has more than can be read in time")
    return digest.hexdigest()
