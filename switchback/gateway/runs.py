"""The run that stands for what was asked: the words of its command line, as a person would type them. Pure."""

from __future__ import annotations

import sys
from pathlib import Path

from switchback.gateway.commits.choice import Commits
from switchback.gateway.kept.plans import Plan
from switchback.gateway.words import Asked, Verb

# Those that change something on a host, of which there is one at a time.
CHANGES: tuple[Verb, ...] = ("deploy", "revert")
# A key that can't be changed by whoever has the network: a host that is not known is refused, and one that is another.
PINNED = {"ssh_strict_host_key_checking": "yes"}
_PYINFRA = Path(sys.executable).with_name("pyinfra")


def argv_of(asked: Asked, environment: str, by: str, commits: Commits | None, plan: Plan | None) -> list[str]:
    """The run's command line.

    + by: the key's name; commits: what is deployed or planned; plan: where that is read or written
    """
    name = "deploy" if asked.verb == "plan" else asked.verb
    data = dict(PINNED)
    if asked.verb in CHANGES:
        data["by"] = by
    if asked.verb == "deploy" and plan:
        data["plan"] = str(plan.file)
    elif commits:
        data |= {"code": commits.code, **({"config": commits.config} if commits.config else {})}
        data |= {"save_plan": str(plan.file)} if plan else {}
    if asked.deploy:
        data["deploy"] = asked.deploy
    flags = ["-y"] if asked.verb in CHANGES else ["--dry", "--diff"] if asked.verb == "plan" else []
    flags += ["--json"] if asked.as_json else []
    given = [word for key, value in data.items() for word in ("--data", f"{key}={value}")]
    return [str(_PYINFRA), f"inventories/{environment}.py", f"deploys/{name}.py", *given, *flags]
