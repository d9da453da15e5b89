"""What a key's line starts, as the user whom the key logs in: hands over what was asked for, and decides nothing.

It lies outside of the checkout, root's, and is run by the system's Python with -I, so that no variable that came with
the connection leads it elsewhere: `ask NAME OWNER`, with the program that the owner runs beside it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

# More than may be asked for is refused, and need not be handed over: characters.
MOST = 1000
SUDO = "/usr/bin/sudo"


def frame(name: str, environ: Mapping[str, str]) -> bytes:
    """What is handed over: the key's name, what was asked for, and where from.

    What was asked for is text that anybody may have made up; whatever is in it, it is one line of ASCII here.
    """
    asked = environ.get("SSH_ORIGINAL_COMMAND", "")[:MOST]
    came_from = environ.get("SSH_CONNECTION", "").partition(" ")[0][:100]
    return json.dumps({"name": name, "asked": asked, "from": came_from}).encode() + b"\n"


def main() -> None:
    """Hand over, and be what is done about it from then on."""
    name, owner = sys.argv[1:]
    reading, writing = os.pipe()
    # Less than a pipe holds, so nobody waits.
    os.write(writing, frame(name, os.environ))
    os.close(writing)
    os.dup2(reading, 0)
    argv = ["sudo", "-n", "-u", owner, "--", str(Path(__file__).with_name("run"))]
    os.execve(SUDO, argv, {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})  # noqa: S606 - no shell is meant to be there


if __name__ == "__main__":
    main()
