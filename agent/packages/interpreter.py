"""The Python that a version will run with: what it says of itself, and what it reads for us."""

from __future__ import annotations

import json
from functools import cached_property

from agent.host.command import CommandFailed, Runner
from agent.locks.documents import Document, Unusable
from agent.locks.markers import Environment
from agent.packages import toml
from agent.packages.pythons import Python, path_of

# Which patch of a release uv will bring, nobody knows yet: a late one.
YET_UNKNOWN = 99

_ABOUT = """
import json, os, platform, sys
version = sys.implementation.version
number = "{0.major}.{0.minor}.{0.micro}".format(version)
kind = version.releaselevel
print(json.dumps({
    "implementation_name": sys.implementation.name,
    "implementation_version": number if kind == "final" else number + kind[0] + str(version.serial),
    "os_name": os.name,
    "platform_machine": platform.machine(),
    "platform_python_implementation": platform.python_implementation(),
    "platform_release": platform.release(),
    "platform_system": platform.system(),
    "platform_version": platform.version(),
    "python_full_version": platform.python_version(),
    "python_version": ".".join(platform.python_version_tuple()[:2]),
    "sys_platform": sys.platform,
}))
"""


class Interpreter:
    """A Python of the host's, asked as the app's user, once."""

    def __init__(self, runner: Runner, python: Python) -> None:
        self.runner, self.python = runner, python
        self._parse = toml.parser(runner, *([python.path] if python.path else []))

    def parse(self, name: str, text: str) -> Document:
        """What a document of TOML says. Raises Unusable."""
        return self._parse(name, text)

    @cached_property
    def environment(self) -> Environment:
        """What it says of itself, as markers ask for it. Raises Unusable."""
        path = path_of(self.python)
        try:
            told = json.loads(self.runner.run([path, "-I", "-S", "-c", _ABOUT]))
        except (OSError, CommandFailed, ValueError) as problem:
            why = problem.args[0] if isinstance(problem, CommandFailed) else problem
            raise Unusable(
                f"python: {self.python.asked} can't be started by {self.runner.user} on this host: {why}"
            ) from None
        says = {str(key): str(value) for key, value in told.items()} if isinstance(told, dict) else {}
        release = self.python.to_fetch
        if release:
            # What another one says of this host, with the release of the one that is to come.
            full = release if release.count(".") > 1 else f"{release}.{YET_UNKNOWN}"
            says.update(python_version=".".join(release.split(".")[:2]))
            says.update(python_full_version=full, implementation_version=full)
        return says
