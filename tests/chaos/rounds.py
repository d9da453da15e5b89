"""Rounds of chaos on one host: a random run, a random fault at a random time, and what has to be true afterwards."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.bed.hosts import Host
from tests.bed.legacy import wait_for_site
from tests.chaos import violence
from tests.faults.watch import journal, wait_until_free
from tests.invariants import CURRENT, PREVIOUS, WORKING, Seen, assert_well, look
from tests.runs import SETTINGS, Result, Runs

TAGS = ("good-1", "good-2", "good-3", "feature/with/slashes", "bad-health", "bad-migration", "bad-static")
DATABASE = ("keep", "reverse")
# When a run is hit at the latest, in parts of the time that a deploy takes which is left alone.
LATEST = 1.1
# All that a host may need to end a deploy by itself, seconds.
END_LIMIT = 120
RUN_LIMIT = 300
SMALL_LIMITS = {**SETTINGS, "confirm_timeout": 8, "health_timeout": 15, "site_timeout": 10}
# What a run that changes nothing, and does not try to, says.
IDLE = "nothing to do"


@dataclass(frozen=True)
class Round:
    """One round, decided before it begins.

    + kind, data: which run
    + hit: what is done to it; when: in parts of the time that a deploy takes
    """

    kind: str
    data: dict[str, object]
    hit: violence.Violence
    when: float

    def __str__(self) -> str:
        return " ".join([self.kind, *(f"{key}={value}" for key, value in self.data.items())])


def measure(host: Host, folder: Path) -> float:
    """How long a deploy takes on a host which is left alone, seconds."""
    return Runs(folder, dict(SMALL_LIMITS))("deploy", host, data={"code": "good-2"}, timeout=RUN_LIMIT).worked().seconds


def decide(random: Random) -> Round:
    """Decide a round."""
    kind = "deploy" if random.random() < 0.75 else "revert"
    data: dict[str, object] = {"code": random.choice(TAGS)} if kind == "deploy" else {}
    if kind == "revert":
        data["database"] = random.choice(DATABASE)
    elif random.random() < 0.2:
        data["force"] = "true"
    return Round(kind, data, random.choice(violence.ALL), random.uniform(0.0, LATEST))


@dataclass
class Story:
    """What happened in one round."""

    one: Round
    host: Host
    before: Seen
    done: str = ""
    result: Result | None = None

    def __str__(self) -> str:
        lines = [f"{self.one}: {self.done}", *(json.dumps(record) for record in journal(self.host))]
        return "\n".join([*lines, self.result.output if self.result else "(the controller was killed)"])


def play(host: Host, folder: Path, one: Round, random: Random, usual: float) -> tuple[str, str]:
    """Play a round. Returns what was done to it, and how it ended. Raises AssertionError with all there is to read.

    + usual: how long a deploy takes which is left alone, seconds
    """
    story = Story(one, host, look(host))
    runs = Runs(folder, dict(SMALL_LIMITS))
    try:
        _hit(story, runs, random, one.when * usual)
        wait_until_free(host, END_LIMIT)
        wait_for_site(host)
        return story.done, _judge(story)
    except AssertionError as problem:
        raise AssertionError(f"{problem}\n{story}") from problem
    finally:
        runs.end()


def _hit(story: Story, runs: Runs, random: Random, after: float) -> None:
    one = story.one
    running = runs.start(one.kind, story.host, data=one.data)
    # The time is what is random here.
    time.sleep(after)
    story.done = f"{one.hit(story.host, running, random)} after {after:.1f} s"
    result = running.wait(RUN_LIMIT)
    story.result = None if one.hit is violence.controller_killed and result.code < 0 else result


def _judge(story: Story) -> str:
    """Assert what has to be true after a round, and say how it ended."""
    seen = look(story.host)
    before = story.before
    new = [line for line in seen.history[len(before.history) :] if line["kind"] != "clean"]
    assert len(new) <= 1, new
    outcome = str(new[0]["outcome"]) if new else "nothing begun"
    assert outcome in ("committed", "refused", "fell back", "nothing begun"), new
    code = story.result.code if story.result else None
    if outcome == "committed":
        version = str(new[0]["version"])
        assert (seen.linked(CURRENT), seen.linked(WORKING)) == (version, version)
        if version != before.current:
            assert seen.linked(PREVIOUS) == before.current
        assert seen.marks[version].get("working")
    else:
        assert seen.links == before.links
        assert seen.database == before.database
        assert code != 0 or (story.result is not None and IDLE in story.result.output)
    assert seen.database.rows == before.database.rows
    assert_well(story.host, serves(seen))
    return outcome


def serves(seen: Seen) -> str:
    """The tag or branch of the code that is live, by the name of its version."""
    short = str(seen.current).split("-")[3]
    return next(name for name, sha in seen.commits["code"].items() if sha.startswith(short))
