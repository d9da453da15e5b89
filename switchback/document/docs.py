"""Writes docs/json.md and docs/run.schema.json from the model: `python -m switchback.document.docs`."""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from switchback.document import model
from switchback.document.model import Document, HostEnd
from switchback.ended import Ended
from switchback.plan.docs import in_words, type_of
from switchback.plan.model import Preview

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "json.md"
SCHEMA_FILE = ROOT / "docs" / "run.schema.json"

MEANS = {
    Ended.NOTHING_TO_DO: "nothing had to be done, or would have to be",
    Ended.WOULD_CHANGE: "a look: there is something to do, and nothing would refuse it",
    Ended.READY: "check: the host can take a deploy",
    Ended.DONE: "a run that is no transaction has done what it was for",
    Ended.COMMITTED: "it is done; of a deploy, a revert and a restart: what is live was proven healthy",
    Ended.NOT_READY: "check: the host can't take a deploy; `problems` says why",
    Ended.REFUSED: "the live site was never touched",
    Ended.STOPPED: "a person has stopped it; one that changes the site is refused or falls back, and `stopped` says so",
    Ended.FAILED: "a run that is no transaction could not do all of it, or an error has ended it before it had begun",
    Ended.FELL_BACK: "the version from before is live again, and proven healthy",
    Ended.FALLING_BACK: "the host goes on by itself: look again with deploys/status.py",
    Ended.NEEDS_A_PERSON: "something could not be undone: deploys/recover.py",
    Ended.UNKNOWN: "the host has not told: it falls back by itself; look with deploys/status.py",
}

PAGE = """\
# A run as JSON

<!-- Made from switchback/document/model.py by `python -m switchback.document.docs`: change it there. -->

    pyinfra inventories/prod.py deploys/deploy.py -y --json

With `--json` a run prints one document on standard output, and nothing else; what people read goes to standard error as
always. It is the same document for every run, and however it ends: committed, refused by a setting before any host was
connected to, hosts that can't be reached, another run that holds the host, Ctrl-C. [run.schema.json](run.schema.json)
describes it for programs (JSON Schema).

- `--dry --json` looks, and so does `--json` without `-y`: the document is what the run would do (`preview`), with what
  would refuse it (`problems`). With `-y --json` the run is done.
- It is printed when the run has ended. What pyinfra itself refuses before it has read anything (an option that it does
  not know, a deploy file that is not there) has none, and the exit code 2 or 1; nor has a process that was killed.
- It is of one run: `--json` with several deploy files is refused.
- Secrets are masked in it as [everywhere](preview.md#secrets).

`schema_version` is {version}. It changes whenever a field is taken away or means something else; new fields may come.

## Exit codes

| `outcome` | `exit_code` | what it means |
| --- | --- | --- |
{outcomes}

On several hosts the outcome of the run is that of the host on which it went worst: the lowest of them in this table. A
look with `--data detailed_exitcode=true` has 2 instead of 0 where there is something to do.

The console script `switchback` ends with `exit_code`. pyinfra's own process ends with 0 where that is 0, with 2 under
`detailed_exitcode`, with 130 for a run that was stopped before it had begun, and with 1 otherwise: never with 0 for a
deploy that did not commit.

{parts}"""


def page() -> str:
    """The text of docs/json.md."""
    outcomes = "\n".join(f"| `{ended}` | {ended.exit_code} | {MEANS[ended]} |" for ended in Ended)
    parts = dict.fromkeys(_below(Document))
    return PAGE.format(version=model.SCHEMA, outcomes=outcomes, parts="\n".join(map(_section, parts)))


def schema_text() -> str:
    """The text of docs/run.schema.json."""
    return json.dumps(Document.model_json_schema(mode="serialization"), indent=2, ensure_ascii=False) + "\n"


def _below(part: type) -> Iterator[type]:
    """A part, and all that its fields are made of; the preview has a page of its own."""
    yield part
    for _, annotation, _ in _fields(part):
        for inner in _parts(annotation):
            if inner is not Preview:
                yield from _below(inner)


def _fields(part: type) -> list[tuple[str, object, str]]:
    if issubclass(part, BaseModel):
        return [(key, field.annotation, field.description or "") for key, field in part.model_fields.items()]
    return [(key, annotation, "") for key, annotation in typing.get_type_hints(part).items()]


def _parts(annotation: object) -> list[type]:
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or dataclasses.is_dataclass(annotation)):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts(inner)]


def _section(part: type) -> str:
    level = "##" if part in (Document, HostEnd) else "###"
    about, _, more = (part.__doc__ or "").partition("\n\n")
    lines = [f"{level} {part.__name__}", "", " ".join(about.split()), ""]
    lines += ["| field | is | what it is |", "| --- | --- | --- |"]
    for key, annotation, says in _fields(part):
        lines.append(f"| `{key}` | {_type(annotation)} | {says or _said(key, more)} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


def _said(key: str, more: str) -> str:
    """What the docstring of one of the host's own words says of a field."""
    bullets = [" ".join(one.split()) for one in re.split(r"^ *\+ ", more, flags=re.MULTILINE)[1:]]
    told = [piece.partition(": ") for bullet in bullets for piece in re.split(r"; (?=[\w, ]+: )", bullet)]
    return next((says for names, _, says in told if key in names.split(", ")), "").replace("None ", "null ")


def _type(annotation: object) -> str:
    if annotation is Preview or annotation == (Preview | None):
        return "[Preview](plan.md) or null"
    if not get_args(annotation):
        return type_of(annotation)
    text = re.sub(r"(agent\.words|switchback)(\.\w+)+\.(?=[A-Z])", "", str(annotation))
    return in_words(re.sub(r"typing\.Optional\[(.*)\]", r"\1 | None", text))


if __name__ == "__main__":
    DOCS.write_text(page(), encoding="utf-8")
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
