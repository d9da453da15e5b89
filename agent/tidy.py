"""What is done once nobody waits any more, after old versions were moved out of the way. It runs as the app's user."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent import venvs
from agent.say import say

# The folders of a version can't be written to, and so not be emptied either. Its files may be a newer version's as
# well, and stay as they are.
DELETE = 'find "$@" -type d -exec chmod u+w -- {} +; rm -rf -- "$@"'


def tidy(what: Mapping[str, Any]) -> int:
    """Make the spare environment ready for the next version, and delete what was moved away. Returns an exit code.

    + what: `spare`, the `version` that is live, and its `venv`, or none of them; `trash`: what is to be deleted
    """
    if what.get("spare"):
        try:
            venvs.make_ready(Path(what["spare"]), Path(what["version"]), Path(what["venv"]))
        except OSError as problem:
            # The next deploy compares all of it, or makes its own.
            say(f"the spare environment is not ready: {problem}")
    return subprocess.run(["sh", "-c", DELETE, "sh", *what["trash"]], check=False).returncode
