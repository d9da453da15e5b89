"""Whether a Python on a host can make virtual environments: Debian packs that apart."""

from __future__ import annotations

from pyinfra.api import FactBase, QuoteString, StringCommand


class CanMakeVenv(FactBase[bool]):
    """
    Returns whether a Python has the modules that a virtual environment with pip is made with.

    + python: the interpreter's path

    **Example:**

    .. code:: python

        host.get_fact(CanMakeVenv, python="/usr/bin/python3")
    """

    def command(self, python: str) -> StringCommand:
        """The import that fails where they are missing."""
        return StringCommand(
            QuoteString(python), "-c", QuoteString("import ensurepip, venv"), "2>&1 && echo yes || true"
        )

    @staticmethod
    def default() -> bool:
        """What a host that doesn't answer can do."""
        return False

    def process(self, output: list[str]) -> bool:
        """Read the last line."""
        return output[-1:] == ["yes"]
