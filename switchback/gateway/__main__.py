"""`python -m switchback.gateway`: what a key's line leads to, and `install`, which sets that up.

+ NAME: as the forced command of a key of the owner's own; what was asked for is in SSH_ORIGINAL_COMMAND
+ --handed-over: what was asked for is on standard input, as another user's forced command has handed it over
+ install: see docs/safe-shell-access.md
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from switchback.gateway.handed import LARGEST, Handed, from_environment, read_frame
from switchback.gateway.kept.log import Log
from switchback.gateway.owned import home
from switchback.gateway.serve import NOT_ASKED, REFUSED, Gateway
from switchback.gateway.setup.install import install
from switchback.gateway.words import NotAsked
from switchback.settings.errors import Refused

CHECKOUT = Path(__file__).resolve().parents[2]
HANDED_OVER = "--handed-over"
USAGE = "usage: python -m switchback.gateway NAME, as a forced command; or install (docs/safe-shell-access.md)"


def main(words: list[str]) -> int:
    """Do what the command line says. Returns the exit code."""
    os.chdir(CHECKOUT)
    os.umask(0o077)
    try:
        if words[:1] == ["install"]:
            return install(words[1:], CHECKOUT)
        return Gateway(CHECKOUT, _handed(words)).serve()
    except NotAsked as problem:
        print(f"refused: {problem}", file=sys.stderr)
        return NOT_ASKED
    except Refused as problem:
        problem.show()
        return REFUSED


def _handed(words: list[str]) -> Handed:
    if words == [HANDED_OVER]:
        try:
            return read_frame(sys.stdin.buffer.read(LARGEST + 1))
        except NotAsked as problem:
            Log(home(CHECKOUT) / "log", "somebody", "somewhere")(f"refused: {problem}")
            raise
    if len(words) != 1:
        raise NotAsked(USAGE)
    return from_environment(words[0], os.environ)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
