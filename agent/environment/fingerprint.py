"""What tells one environment from another, without a word of what is in it. Pure: controller and host both make it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping


def fingerprint(pairs: Mapping[str, str]) -> str:
    """The fingerprint of a version's own variables; empty where there are none, as of a version from before.

    >>> fingerprint({}), len(fingerprint({"DEBUG": "0"}))
    ('', 16)
    """
    return hashlib.sha256(json.dumps(pairs, sort_keys=True).encode()).hexdigest()[:16] if pairs else ""


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """What becomes of each variable that does not stay as it is: it is new, changed or removed.

    >>> changes({"A": "1", "B": "1", "C": "1"}, {"A": "1", "B": "2", "D": "1"})
    {'B': 'changed', 'C': 'removed', 'D': 'new'}
    """
    found = {}
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            found[name] = "new" if name not in before else "removed" if name not in after else "changed"
    return found
