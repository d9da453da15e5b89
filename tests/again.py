"""What is tried once more after a run: what has failed; of a story all, for its tests go on where others ended."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

# Where pytest keeps what has failed, of all that was run lately.
FAILED = Path(".pytest_cache/v/cache/lastfailed")
# In these each file is a story on hosts of its own.
STORIES = ("tests/hosts/", "tests/projects/", "tests/faults/test_failing_versions.py")


def scope_of(test: str) -> str:
    """What has to be run with a test: its file where that is a story, else itself alone."""
    return test.partition("::")[0] if test.startswith(STORIES) else test


def again(failed: Iterable[str]) -> list[str]:
    """What to run where these have failed."""
    return sorted({scope_of(test) for test in failed})


def main() -> None:
    """Print it, a line each."""
    failed = json.loads(FAILED.read_text()) if FAILED.exists() else {}
    sys.stdout.writelines(f"{test}\n" for test in again(failed))


if __name__ == "__main__":
    main()
