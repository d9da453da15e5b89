"""What files are told apart by."""

from __future__ import annotations

import hashlib
from pathlib import Path

# How much is read at a time, bytes.
BLOCK = 1 << 20


def content_hash(path: Path) -> str:
    """The SHA-256 of a file's content, read block by block, for it may be large."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()
