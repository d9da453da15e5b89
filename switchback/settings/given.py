"""What a person gave, and where: from there to a checked model, or to one error that names every problem."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from agent.text.masking import masked_urls
from switchback.settings.errors import Problems
from switchback.settings.values import Wrong

Model = TypeVar("Model", bound=BaseModel)

# How pydantic's kinds of errors begin, and how a sentence about one goes on after the key.
_MUST = {
    "int": "must be a whole number",
    "bool": "must be true or false",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "dict_type": "must be a mapping, as in `X-Health: yes`",
    "too_short": "must not be empty",
    "tuple_type": "must be one, or a list",
}
# What is written there may be meant for the app alone, or for whoever is told.
UNSHOWN = ("env", "secrets", "notify")


@dataclass(frozen=True)
class Given:
    """A value as a person gave it.

    + where: the file and line, or the option, that it comes from
    """

    value: object
    where: str


def quoted(value: object) -> str:
    """A value as messages show it: in quotes, short, masked, and harmless to a terminal."""
    text = masked_urls(str(value))
    text = text if len(text) <= 100 else text[:99] + "…"
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text) + '"'


def unknown(where: str, key: str, known: Iterable[str]) -> str:
    """The problem of an unknown key, with the known one that was probably meant."""
    found = get_close_matches(key, list(known), n=1)
    hint = f' — did you mean "{found[0]}"?' if found else " (docs/settings.md lists them all)"
    return f"{where}: unknown key {quoted(key)}{hint}"


def _may_be_none(field: FieldInfo) -> bool:
    return field.default is None or type(None) in get_args(field.annotation)


def checked(model: type[Model], given: Mapping[str, Given], home: str, missing: Collection[str] = ()) -> Model:
    """The model of what was given. Raises Refused with every problem, each where it was written.

    + home: the file that missing keys belong into
    + missing: required keys that were not given
    """
    problems = Problems()
    problems.add(*(f"{home}: {key} is required: {model.model_fields[key].description}" for key in missing))
    fields = model.model_fields
    empty = [key for key, one in given.items() if one.value is None and not _may_be_none(fields[key])]
    for key in empty:
        default = "" if model.model_fields[key].is_required() else ", or leave the line out for the default"
        problems.add(f"{given[key].where}: {key} has no value: write one{default}")
    try:
        made = model.model_validate({key: one.value for key, one in given.items() if key not in empty})
    except ValidationError as error:
        # Pydantic's own word on a missing key: it is among the problems already, with the file.
        wrong = [detail for detail in error.errors() if detail["type"] != "missing"]
        problems.add(*(_problem(detail, given, home) for detail in wrong))
        made = model.model_construct()
    problems.refuse_if_any()
    return made


def _problem(detail: ErrorDetails, given: Mapping[str, Given], home: str) -> str:
    cause = detail.get("ctx", {}).get("error")
    if not detail["loc"]:  # Two values that don't go together: the message names both.
        return f"{home}: {cause}"
    key = str(detail["loc"][0])
    instead = f"; write {cause.instead}" if isinstance(cause, Wrong) and cause.instead else ""
    is_whole = key in UNSHOWN or (isinstance(cause, Wrong) and cause.is_whole)
    value = "" if is_whole else f", not {quoted(given[key].value)}"
    return f"{given[key].where}: {key} {_must(detail)}{value}{instead}"


def _must(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    for kind, must in _MUST.items():
        if detail["type"].startswith(kind):
            return must.format(**context).replace("'", "")
    return str(context.get("error", f"is wrong ({detail['msg']})"))
