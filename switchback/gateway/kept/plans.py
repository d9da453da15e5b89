"""The plans that keys have asked for: what each showed, for `deploy --plan NAME`, and a bounded number of them."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from switchback.gateway.commits.choice import Commits
from switchback.gateway.owned import PRIVATE
from switchback.gateway.words import NotAsked

# How many are kept of each environment.
KEPT = 50
ABOUT, PLAN = "commits.json", "plan.json"


@dataclass(frozen=True)
class Plan:
    """What a plan is called, and the file that a run writes it to and reads it from."""

    name: str
    file: Path


def new_plan(folder: Path, commits: Commits) -> Plan:
    """A place for a plan, and what it is a plan of; the oldest ones go.

    + folder: where the plans of an environment are
    """
    folder.mkdir(mode=PRIVATE, exist_ok=True)
    name = f"plan-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"
    own = folder / name
    own.mkdir(mode=PRIVATE)
    (own / ABOUT).write_text(json.dumps(asdict(commits)))
    # By their names they are in the order in which they were made.
    for old in sorted(folder.glob("plan-*"))[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return Plan(name, own / PLAN)


def is_kept(plan: Plan) -> bool:
    """Whether the run has written its plan; where it has not, nothing is left of it."""
    if plan.file.exists():
        return True
    shutil.rmtree(plan.file.parent, ignore_errors=True)
    return False


def find_plan(folder: Path, name: str) -> tuple[Plan, Commits]:
    """A plan by its name, and what it deploys. Raises NotAsked where there is none."""
    own = folder / name
    try:
        return Plan(name, own / PLAN), Commits(**json.loads((own / ABOUT).read_text()))
    except OSError:
        raise NotAsked(f"there is no plan {name} any more, or never was: ask for a new one") from None
