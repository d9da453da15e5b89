"""How pyinfra finds the order of operations: by the lines that call them, of which it reads the source as well."""

from __future__ import annotations

import inspect
from functools import partial

from pyinfra.api import util


def read_no_source() -> None:
    """Have it go without the source, which it does not use: for thirty operations that is a third of a second."""
    vars(util).update(stack=partial(inspect.stack, 0), getframeinfo=partial(inspect.getframeinfo, context=0))
