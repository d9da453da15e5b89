"""Writing a file on this machine whole or not at all, for its owner alone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Give a file a text, in place of what it may have. Raises OSError.

    >>> write_whole(Path("/tmp/plan.json"), "{}")
    """
    fd, new = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
    Path(new).replace(path)
