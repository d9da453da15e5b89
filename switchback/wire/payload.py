"""The agent as it travels: its sources on one line, and the few lines of Python that run them where they arrive.

A host is looked at with the agent of this checkout, whatever it has installed, and nothing is written to look.
"""

from __future__ import annotations

import base64
import json
import zlib
from functools import cache
from pathlib import Path

from agent.state import LAUNCHER, LIBRARY, fingerprint
from agent.words.requests import Install, Request, document

AGENT = Path(__file__).resolve().parents[2] / "agent"

# What no fingerprint is: in its place, the sources are what runs.
ANEW = "-"
# The interpreter reads this from its command line, then a fingerprint and the sources from the first line of its
# standard input. Where the host has the very same agent installed, that is run: it is compiled already.
LOADER = f"""\
import base64, gc, importlib.abc, importlib.util, json, os, sys, zlib
gc.disable()
LIBRARY = "{LIBRARY}"
fingerprint, packed = sys.stdin.readline().split()
class Agent(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    def find_spec(self, name, path, target=None):
        if self.is_package(name) or self.file(name) in sources:
            return importlib.util.spec_from_loader(name, self, is_package=self.is_package(name))
    def file(self, name):
        return name.replace(".", "/") + ".py"
    def is_package(self, name):
        return name.replace(".", "/") + "/__init__.py" in sources
    def get_source(self, name):
        return sources[name.replace(".", "/") + "/__init__.py" if self.is_package(name) else self.file(name)]
sys.dont_write_bytecode = True
if os.path.exists(LIBRARY + "/" + fingerprint + "/{LAUNCHER}"):
    sys.path.insert(0, LIBRARY + "/" + fingerprint)
    import agent.main
else:
    sources = json.loads(zlib.decompress(base64.b64decode(packed)))
    sys.meta_path.insert(0, Agent())
    import agent.main
    agent.main.SOURCES.update(sources)
sys.exit(agent.main.main([]))
"""


@cache
def agent_sources() -> dict[str, str]:
    """Each file of the agent, by its path from the folder that `agent` is in, and its text."""
    return {str(path.relative_to(AGENT.parent)): path.read_text() for path in sorted(AGENT.rglob("*.py"))}


@cache
def agent_fingerprint() -> str:
    """What the installed agent is compared with."""
    return fingerprint(agent_sources())


@cache
def _packed() -> str:
    # At the usual level: the highest takes twice the time, for half a percent.
    return base64.b64encode(zlib.compress(json.dumps(agent_sources()).encode())).decode()


class Unshown(list[str]):
    """Lines for a host's standard input. pyinfra prints a fact's arguments under -v, and a URL may hold a password."""

    def __repr__(self) -> str:
        return "[…]"


def stdin_for(site: str, request: Request) -> Unshown:
    """The standard input of a command that brings the agent along: its fingerprint, its sources, then what is asked."""
    # What is to be installed is what comes along, though it may be there already.
    known = ANEW if isinstance(request, Install) else agent_fingerprint()
    return Unshown([f"{known} {_packed()}", document(request, site)])
