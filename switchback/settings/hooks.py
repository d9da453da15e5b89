"""The settings `hooks` and `notify`, by which a run has others do something: what a person writes, and what becomes of
that."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from pydantic import BaseModel, ConfigDict

from agent.steps.order import HOOK_POINTS
from agent.words.settings import ENDINGS, Hook
from switchback.settings.environment import Source, source_of
from switchback.settings.given import quoted
from switchback.settings.values import Wrong, mapping, none_if_said, several

KEYS = ("run", "on", "timeout", "primary")
# Where a command on the controller has something to go by: before anything is begun, and once all is over.
ON_CONTROLLER = ("before_build", "after_commit", "after_fallback")
BOOLEANS = {"true": True, "false": False}
NOTIFY_KEYS, SHAPES = ("url", "run", "shape", "at"), ("json", "slack")
TELL = "as in `{url: {env: NOTIFY_URL}, shape: slack}` or `{run: ~/bin/tell}`"
ONE = "a command as text, or a mapping with `run`"


def check_hooks(value: object) -> object:
    """What is written, as the hooks of each point. Raises Wrong with all that is wrong in it."""
    found = mapping(value)
    if not isinstance(found, dict):
        raise Wrong("must be a mapping of points to commands, as in `after_static: npm run build`")
    problems: list[str] = []
    hooks = {point: tuple(_of_point(str(point), told, problems)) for point, told in found.items()}
    if problems:
        raise Wrong("can't be taken: " + "; ".join(problems), is_whole=True)
    return hooks


def _of_point(point: str, told: object, problems: list[str]) -> Iterator[Hook]:
    """The hooks of one point; what is wrong with them goes to the problems."""
    if point not in HOOK_POINTS:
        near = get_close_matches(point, HOOK_POINTS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(HOOK_POINTS)}"
        problems.append(f"there is no point {quoted(point)} ({hint})")
        return
    for one in told if isinstance(told, (list, tuple)) and told else [told]:
        try:
            yield _hook(point, one)
        except Wrong as wrong:
            problems.append(f"{point} {wrong}")


def _hook(point: str, told: object) -> Hook:
    """One command. Raises Wrong."""
    if isinstance(told, Hook):
        return told
    if not isinstance(told, Mapping):
        return Hook(words_of(told))
    unknown = [quoted(key) for key in told if key not in KEYS]
    if unknown:
        raise Wrong(f"has {', '.join(unknown)}, and may have {', '.join(KEYS)}")
    on = str(told.get("on", "host"))
    if on not in ("host", "controller"):
        raise Wrong(f"is on {quoted(on)}, which is host or controller")
    here, primary = on == "controller", is_true("primary", told.get("primary", False))
    if here and point not in ON_CONTROLLER:
        raise Wrong(f"runs on the host: on the controller there are {', '.join(ON_CONTROLLER)}")
    if here and primary:
        raise Wrong("runs on the controller once for all hosts: leave out primary")
    return Hook(words_of(told.get("run"), here), on, _seconds(told.get("timeout")), primary)


class Notified(BaseModel):
    """Who is told how a run has ended: an address, read where it says, or a command on the host; how, and of what."""

    model_config = ConfigDict(frozen=True)

    url: Source | None = None
    run: tuple[str, ...] = ()
    shape: str = SHAPES[0]
    at: tuple[str, ...] = ENDINGS


def check_notify(value: object) -> object:
    """What is written for it. Raises Wrong, and shows no address then."""
    if none_if_said(value) is None or isinstance(value, Notified):
        return none_if_said(value)
    found = mapping(value)
    if not isinstance(found, Mapping):
        raise Wrong(f"must say who is told, {TELL}")
    unknown = [quoted(key) for key in found if key not in NOTIFY_KEYS]
    if unknown:
        raise Wrong(f"has {', '.join(unknown)}, and may have {', '.join(NOTIFY_KEYS)}")
    if ("url" in found) == ("run" in found):
        raise Wrong(f"must have either `url` or `run`, {TELL}")
    shape, at = str(found.get("shape", SHAPES[0])), several(found.get("at", ENDINGS))
    if shape not in SHAPES or (shape != SHAPES[0] and "run" in found):
        raise Wrong(f"has the shape {quoted(shape)}: with `url` there are {' and '.join(SHAPES)}, with `run` only json")
    wrong = [quoted(one) for one in at if one not in ENDINGS] if isinstance(at, (list, tuple)) else [quoted(at)]
    if wrong or not at:
        raise Wrong(f"is told at {', '.join(wrong) or 'nothing'}, and there are {', '.join(ENDINGS)}")
    if "run" in found:
        return {"run": words_of(found["run"]), "shape": shape, "at": at}
    url = found["url"]
    return {"url": url if isinstance(url, Source) else source_of("url", url, TELL), "shape": shape, "at": at}


def words_of(told: object, here: bool = False) -> tuple[str, ...]:
    """The words of a command: those of a text are told apart as a shell does it, and nothing else of a shell's is done.

    Raises Wrong.
    """
    if isinstance(told, str):
        try:
            words = shlex.split(told)
        except ValueError as problem:
            raise Wrong(f"can't be told apart into words: {problem}") from None
    elif isinstance(told, (list, tuple)) and all(isinstance(word, str) for word in told):
        words = list(told)
    else:
        raise Wrong(f"has no command: write {ONE}")
    if not words or not words[0]:
        raise Wrong(f"has no command: write {ONE}")
    if words[0].startswith("-"):
        raise Wrong(f"begins with {quoted(words[0])}, which is no command: the words of one are a list under `run`")
    if words[0].startswith("~") and not words[0].startswith("~/"):
        raise Wrong(f"begins with {quoted(words[0])}: write ~/ for the app user's home, or an absolute path")
    if not here and ".." in words[0].split("/"):
        raise Wrong(f"begins with {quoted(words[0])}, which leads out of the code: write ~/, or an absolute path")
    if not all(word.replace("\n", "").replace("\t", "").isprintable() for word in words):
        raise Wrong("has control characters in it")
    return tuple(words)


def _seconds(told: object) -> float | None:
    if told is None:
        return None
    try:
        seconds = float(str(told))
    except ValueError:
        seconds = 0
    # A limit that is none, or is not a number, would be one that nothing ends at.
    if not 0 < seconds < float("inf"):
        raise Wrong(f"has the timeout {quoted(told)}, which is no number of seconds")
    return seconds


def is_true(key: str, told: object) -> bool:
    """Whether a key is said to be so. Raises Wrong."""
    if isinstance(told, bool):
        return told
    if str(told).lower() not in BOOLEANS:
        raise Wrong(f"has {quoted(told)} for `{key}`, which is true or false")
    return BOOLEANS[str(told).lower()]
