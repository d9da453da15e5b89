"""Writes docs/plan.md and docs/plan.schema.json from the model: `python -m switchback.plan.docs`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from switchback.plan import model
from switchback.plan.model import HostPreview, Preview

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "plan.md"
SCHEMA_FILE = ROOT / "docs" / "plan.schema.json"

PAGE = """\
# The plan as JSON

<!-- Made from switchback/plan/model.py and parts.py by `python -m switchback.plan.docs`: change it there. -->

What `--data save_plan=FILE` writes, and what `--json` has as the `preview` of [the document of a run](json.md), is the
same; [preview.md](preview.md) says what it is good for. [plan.schema.json](plan.schema.json) describes it for programs
(JSON Schema).

`schema_version` is {version}. It changes whenever a field is taken away or means something else. A plan of another
version is refused: make it again.

Secrets are masked (`***`), so that there are none in a plan, nor anything that one could be compared with: which
variables and secrets come, change and go has to be as in the plan, and not what they are. Where a secret is `changed`
in a plan, and changed once more before it is done, the newest value is deployed.

A field that is null, or whose `source` is `unknown`, can't be known before the run; `why` says why not.

{parts}"""


def plan_page() -> str:
    """The text of docs/plan.md."""
    return PAGE.format(version=model.SCHEMA, parts="\n".join(_section(model) for model in _models()))


def schema_text() -> str:
    """The text of docs/plan.schema.json."""
    return json.dumps(Preview.model_json_schema(mode="serialization"), indent=2, ensure_ascii=False) + "\n"


def _models() -> Iterator[type[BaseModel]]:
    """The document, a host, and what a host's fields are made of."""
    yield from dict.fromkeys(_below(Preview))


def _below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    parts = [part for field in model.model_fields.values() for part in _parts(field.annotation)]
    for part in parts:
        yield from _below(part)


def _parts(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts(inner)]


def _section(model: type[BaseModel]) -> str:
    level = "##" if model in (Preview, HostPreview) else "###"
    doc = " ".join((model.__doc__ or "").split())
    rows = ["| field | is | what it is |", "| --- | --- | --- |"]
    for key, field in model.model_fields.items():
        rows.append(f"| `{key}` | {type_of(field.annotation)} | {field.description or ''} |".replace("|  |", "| |"))
    return f"{level} {model.__name__}\n\n{doc}\n\n" + "\n".join(rows) + "\n"


def type_of(annotation: object) -> str:
    """What a field is, in the words of the page."""
    text = annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)
    return in_words(text)


def in_words(text: str) -> str:
    """A type as Python writes it, in the words of the page."""
    text = re.sub(r"(typing|switchback\.plan\.(?:model|parts))\.", "", text)
    text = re.sub(r"tuple\[(\w+), \.\.\.\]", r"list of \1", text)
    text = re.sub(r"Literal\[([^\]]*)\]", lambda match: match.group(1).replace("'", "`").replace(", ", " or "), text)
    text = text.replace(" | None", " or null").replace("str", "text").replace("NoneType", "null")
    text = text.replace("object", "anything")
    return re.sub(r"dict\[text, (.*)\]", r"mapping of text to \1", text)


if __name__ == "__main__":
    DOCS.write_text(plan_page(), encoding="utf-8")
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
