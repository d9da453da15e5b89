"""Writes docs/settings.md and group_data/prod.yml.example from the models: `python -m switchback.settings.docs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from switchback.settings.model import REQUIRED, Settings
from switchback.settings.options import Options

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "settings.md"
EXAMPLE = ROOT / "group_data" / "prod.yml.example"

# The first key of each part, and what the part is about.
PARTS = {
    "host": "What goes where",
    "app_username": "Users",
    "code_subdir": "Places",
    "python": "Building a version",
    "env": "The app's environment",
    "maintenance_start_script": "Scripts and service",
    "provision_web": "What provision sets up besides",
    "maintenance": "How a deploy goes",
    "health_url": "Proving that it works",
    "confirm_timeout": "Time limits, in seconds",
    "keep_versions": "What is kept",
}

PAGE = """\
# Settings

<!-- Made from the model in switchback/settings/model.py by `python -m switchback.settings.docs`: change it there. -->

`inventories/prod.py` stands for the environment `prod`. Its settings are in `group_data/prod.yml`, and those that all
environments share in `group_data/all.yml`. Begin with a copy of the example:

    cp group_data/prod.yml.example group_data/prod.yml

A `fabric.yml` of the older Fabric script works as it is: copy it to `group_data/prod.yml`. Fabric's own section `run`
is ignored, with a word.

The last one that has a key counts: `all.yml`, then `prod.yml`, then the host's own data in the inventory, then
`--data key=value` for one run. Everything is checked before any host is connected to, and all problems are shown at
once, with file and line.

- A path is absolute, or begins with `~/`: the app user's home on the host.
- Branches, tags and SHAs are taken exactly as they are written; `0012345` needs no quotes.
- An optional key is switched off by nothing, `none` or `null` after the colon.
- Secrets don't belong here, only where each is read ([environment.md](environment.md)). Where a repository's URL has a
  password in it all the same, it is never shown.

{settings}
## More than one host

Name them in `host`, or in the inventory, where each may have settings of its own (`ssh_port` and `ssh_key`, say), and
what else pyinfra's connectors read:

    app = inventory(__file__, ["web1.example.com", ("web2.example.com", {{"ssh_port": 2222}})])
    primary = ["web1.example.com"]  # migrates and backs up; without it, the first host of app does

`--limit` takes hosts, groups and patterns, and
is refused when it matches nothing. `--no-wait` and `--serial` are refused: hosts wait for each other, so that all of
them go on or all fall back. For the same reason `database_fallback`, `migrate_timeout` and `confirm_timeout` have to be
the same on all of them: a deploy or revert is refused otherwise.

## For one run: `--data`

Each setting above can be given for one run, as in `--data keep_versions=5`. Besides them:

{options}"""


def settings_page() -> str:
    """The text of docs/settings.md."""
    return PAGE.format(settings="\n".join(_parts()), options=_table(Options, list(Options.model_fields)))


def example_file() -> str:
    """The text of group_data/prod.yml.example: required keys with an example, the others with their default."""
    lines = [
        "# Copy this to group_data/prod.yml. Keys that begin with # show their defaults: uncomment what you change.",
        "# A path is absolute or begins with ~/, the app user's home on the host. docs/settings.md says more.",
    ]
    for key, field in Settings.model_fields.items():
        if key in PARTS:
            lines += ["", f"# --- {PARTS[key]}"]
        lines += ["", f"# {_description(field)}", _line(key, field)]
    return "\n".join(lines) + "\n"


def _parts() -> Iterator[str]:
    keys = list(Settings.model_fields)
    starts = [keys.index(first) for first in PARTS]
    for first, start, end in zip(PARTS, starts, [*starts[1:], len(keys)], strict=True):
        yield f"## {PARTS[first]}\n\n{_table(Settings, keys[start:end])}"


def _table(model: type[BaseModel], keys: list[str]) -> str:
    rows = ["| key | default | what it is |", "| --- | --- | --- |"]
    for key in keys:
        field = model.model_fields[key]
        default = "**required**" if key in REQUIRED else "none" if _is_none(field) else f"`{_yaml(field.default)}`"
        rows.append(f"| `{key}` | {default} | {_description(field)} |")
    return "\n".join(rows) + "\n"


def _line(key: str, field: FieldInfo) -> str:
    if field.examples:
        return f"{key}: {field.examples[0]}"
    return f"# {key}: {'none' if _is_none(field) else _yaml(field.default)}"


def _is_none(field: FieldInfo) -> bool:
    return field.default is None or field.default == ()


def _yaml(value: object) -> str:
    if isinstance(value, tuple):
        return _yaml(value[0] if len(value) == 1 else list(value))
    # A home is written without the quotes that PyYAML puts around ~.
    return value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True).split("\n")[0]


def _description(field: FieldInfo) -> str:
    return str(field.description)


if __name__ == "__main__":
    DOCS.write_text(settings_page(), encoding="utf-8")
    EXAMPLE.write_text(example_file(), encoding="utf-8")
