"""What a key may ask for: no shell, no option, no file name. A text is one of these verbs, or refused. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from agent.text.lines import one_line
from switchback.settings.values import Wrong, check_ref

Verb = Literal["deploy", "plan", "revert", "status", "history", "why", "help"]
VERBS: tuple[Verb, ...] = get_args(Verb)
JSON, BY_PLAN = "json", "--plan"
# How each is asked for.
FORMS: dict[Verb, tuple[str, ...]] = {
    "deploy": ("deploy [CODE [CONFIG]]", "deploy --plan NAME"),
    "plan": ("plan [CODE [CONFIG]]",),
    "revert": ("revert",),
    "status": ("status",),
    "history": ("history",),
    "why": ("why [DEPLOY]",),
    "help": ("help",),
}
# How long all of it may be, and one word of it; characters.
LONGEST, LONGEST_WORD = 500, 200
# What a ref is made of here: less than git takes, and nothing that means more to a shell, a terminal or git itself.
_SIGNS = re.compile(r"[A-Za-z0-9._/+@#-]+", re.ASCII)
_PLAN = re.compile(r"plan-\d{8}-\d{6}-[0-9a-f]{8}", re.ASCII)
_DEPLOY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*", re.ASCII)
# How much of what is refused is said again, characters.
_SHOWN = 40


class NotAsked(Exception):
    """What may not be asked for, and why."""


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    + code, config: refs; empty for those of the settings; plan: a plan's name; deploy: a run's id, or a part of it
    + as_json: whether a program reads the answer
    """

    verb: Verb
    code: str = ""
    config: str = ""
    plan: str = ""
    deploy: str = ""
    as_json: bool = False


def parse(text: str) -> Asked:
    """Read what was asked for. Raises NotAsked for all that is not one of the forms."""
    if len(text) > LONGEST:
        raise NotAsked(f"more than {LONGEST} characters")
    words = text.split(" ")
    words = [word for word in words if word]
    as_json = words[:1] == [JSON]
    words = words[as_json:]
    if not words:
        raise NotAsked("nothing was asked for")
    verb, given = _verb(words[0]), words[1:]
    if verb == "deploy" and given[:1] == [BY_PLAN]:
        if len(given) != 2:
            raise NotAsked("a plan has one name")
        return Asked(verb, plan=_named(_PLAN, given[1], "plan"), as_json=as_json)
    if verb in ("deploy", "plan"):
        refs = [_ref(word) for word in given]
        _at_most(2, verb, refs)
        code, config = (*refs, "", "")[:2]
        return Asked(verb, code, config, as_json=as_json)
    if verb == "why":
        _at_most(1, verb, given)
        return Asked(verb, deploy=_named(_DEPLOY, given[0], "run") if given else "", as_json=as_json)
    _at_most(0, verb, given)
    return Asked(verb, as_json=as_json)


def forms(may: tuple[Verb, ...]) -> str:
    """What may be asked for, in a line."""
    said = [form for verb in VERBS if verb in may or verb == "help" for form in FORMS[verb]]
    return ", ".join(said) + f"; with {JSON} before it for programs"


def _verb(word: str) -> Verb:
    for verb in VERBS:
        if word == verb:
            return verb
    raise NotAsked(f"{_said(word)} is nothing that can be asked for")


def _ref(word: str) -> str:
    if word.startswith("-"):
        raise NotAsked(f"{_said(word)} is an option, and there is none but {BY_PLAN} of deploy")
    if len(word) > LONGEST_WORD or not _SIGNS.fullmatch(word):
        raise NotAsked(f"{_said(word)} is no ref")
    try:
        return check_ref(word)
    except Wrong:
        raise NotAsked(f"{_said(word)} is no ref") from None


def _named(pattern: re.Pattern[str], word: str, what: str) -> str:
    if len(word) > LONGEST_WORD or not pattern.fullmatch(word):
        raise NotAsked(f"{_said(word)} is no name of a {what}")
    return word


def _at_most(number: int, verb: Verb, given: list[str]) -> None:
    if len(given) > number:
        raise NotAsked(f"{verb} takes {('no word', 'one word at most', 'two words at most')[number]}")


def _said(word: str) -> str:
    return f'"{one_line(word[:_SHOWN])}{"…" if len(word) > _SHOWN else ""}"'
