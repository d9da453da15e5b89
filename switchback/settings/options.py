"""What the command line says about one run: pyinfra's flags, and the --data that is no setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import click
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from switchback.settings import values
from switchback.settings.errors import Problems
from switchback.settings.given import Given, checked
from switchback.settings.hooks import words_of
from switchback.settings.kinds import Count, CountOrZero, Person, Ref, ReportFile

Version = Annotated[
    str,
    AfterValidator(
        values.named(
            r"[A-Za-z0-9_][\w.-]*",
            "a version's name, as in django-20250131-120000-1a2b3c4-5d6e7f8 (status.py lists them)",
        )
    ),
]
RunId = Annotated[
    str,
    AfterValidator(values.named(r"[A-Za-z0-9][\w.-]{0,99}", "a run's id, or a part of one (history.py lists them)")),
]
Source = Annotated[str, AfterValidator(values.named(r"[\w@.:/-]{1,200}", "the name of a log or a program"))]
PlanFile = Annotated[str, AfterValidator(values.check_local_file)]


def check_command(text: str) -> str:
    """A command of manage.py's, in words that can be told apart. Raises Wrong."""
    words = words_of(text)
    if words[0] in ("manage.py", "python"):
        raise values.Wrong("must begin with the command itself", f'"{" ".join(words[1:])}"')
    return text


class Options(BaseModel):
    """What --data may say for one run besides the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Ref | None = Field(default=None, description="the branch, tag or SHA of the code; code_branch otherwise")
    config: Ref | None = Field(
        default=None, description="the branch, tag or SHA of the config; config_branch otherwise"
    )
    version: Version | None = Field(default=None, description="a version that is already built")
    database: Literal["keep", "reverse", "restore"] | None = Field(
        default=None,
        description="what a revert does to the database: `keep` it (the default), `reverse` or `restore`; of "
        "`recover.py`: `keep` leaves it to you, as it is now",
    )
    keep: CountOrZero | None = Field(
        default=None, description="how many healthy versions clean keeps; keep_versions otherwise"
    )
    force: bool = Field(
        default=False,
        description="`true` deploys what is live and healthy once more; of `build.py`: builds what is built already; "
        "of `manage.py`: runs the command also while a run is open; of `recover.py`: frees the host whatever could "
        "not be undone",
    )
    hotfixes: Literal["refuse", "discard"] | None = Field(
        default=None,
        description="changes made on the host: `refuse` (the default), or `discard` (a patch of them is kept)",
    )
    irreversible: Literal["refuse", "accept"] | None = Field(
        default=None, description="a deploy that could not be undone: `refuse` it (the default), or `accept`"
    )
    pin: Version | None = Field(default=None, description="a version that clean must never delete")
    unpin: Version | None = Field(default=None, description="a version that clean may delete again")

    by: Person | None = Field(
        default=None,
        description='who runs it, and why, for history and status: `by="Ann, PR 123"`; your login otherwise',
    )
    deploy: RunId | None = Field(
        default=None, description="of `why.py`: a run's id, or a part of it that no other has; the last one otherwise"
    )
    runs: Count | None = Field(default=None, description="of `history.py`: how many of the last runs; 20 otherwise")
    show: Literal["all"] | None = Field(default=None, description="`all`: also what is left out for being long")

    report: ReportFile | None = Field(
        default=None, description="a file, here, that the page of the run is written to; of `deploy`, `revert`, `why` …"
    )
    lines: Count | None = Field(default=None, description="of `logs.py`: how many lines of each log; 50 otherwise")
    process: Source | None = Field(
        default=None, description="of `logs.py`: the log, program or timer whose lines to show; all of them otherwise"
    )
    follow: bool = Field(default=False, description="of `logs.py`: `true` goes on with what comes, for an hour")
    command: Annotated[str, AfterValidator(check_command)] | None = Field(
        default=None,
        description='of `manage.py`: the command and its arguments, as in `"clearsessions --verbosity 2"`',
    )
    timeout: Count | None = Field(default=None, description="of `manage.py`: seconds it may take; 600 otherwise")

    save_plan: PlanFile | None = Field(
        default=None, description="a file, here, that the preview is written to: a plan for `plan`"
    )
    plan: PlanFile | None = Field(
        default=None, description="a plan: do exactly what it says, or nothing when the host is no longer the same"
    )
    progress: Literal["auto", "plain", "json"] = Field(
        default="auto",
        description="how it is shown what hosts are at: in place on a terminal and as lines elsewhere (`auto`), as "
        "lines (`plain`), or as a line of JSON for each event, on standard error (`json`)",
    )
    detailed_exitcode: bool = Field(
        default=False, description="`true` with `--dry`: ends with 0 for nothing to do, 2 for changes, 1 for errors"
    )

    @model_validator(mode="after")
    def _goes_together(self) -> Options:
        if self.plan and (self.code or self.config or self.version):
            raise ValueError("plan: it says already what goes live: leave out code=, config= and version=")
        if self.version and (self.code or self.config):
            raise ValueError("version: a version has its code and config already: leave out code= and config=")
        return self

    @classmethod
    def of(cls, data: Mapping[str, str]) -> Options:
        """The options among the --data. Raises Refused for those that are wrong."""
        given = {key: Given(value, "--data") for key, value in data.items() if key in cls.model_fields}
        return checked(cls, given, "--data")


@dataclass(frozen=True)
class CommandLine:
    """pyinfra's own flags of this run.

    + inventory: its path as it was written
    + data: the text of each --data, verbatim: pyinfra makes a number of 0012345
    """

    inventory: str = ""
    dry: bool = False
    diff: bool = False
    yes: bool = False
    json_output: bool = False
    no_wait: bool = False
    serial: bool = False
    operations: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    group_data: tuple[str, ...] = ()
    data: tuple[tuple[str, str], ...] = ()


def _missing_inventory(path: str) -> list[str]:
    """What to say of an inventory that is not there: pyinfra would do nothing, on no host, and call it a success."""
    if not path.endswith(".py") or Path(path).exists():
        return []
    there = sorted(str(found) for found in Path("inventories").glob("*.py"))
    return [f"there is no inventory {path}; there is {', '.join(there) or 'none in inventories/'}"]


def read_command_line() -> CommandLine:
    """The flags that pyinfra was started with, if any. Raises Refused for a malformed --data, and no such inventory."""
    context = click.get_current_context(silent=True)
    given = context.params if context else {}
    problems = Problems()
    for text in given.get("data", ()):
        if not text.partition("=")[0].strip() or "=" not in text:
            problems.add(f"--data {text}: write it as --data KEY=VALUE")
    problems.add(*_missing_inventory(str(given.get("inventory") or "")))
    problems.refuse_if_any()
    return CommandLine(
        inventory=str(given.get("inventory") or ""),
        dry=bool(given.get("dry")),
        diff=bool(given.get("diff")),
        yes=bool(given.get("yes")),
        json_output=bool(given.get("json_output")),
        no_wait=bool(given.get("no_wait")),
        serial=bool(given.get("serial")),
        operations=tuple(given.get("operations", ())),
        limit=tuple(given.get("limit", ())),
        exclude=tuple(given.get("exclude", ())),
        group_data=tuple(given.get("group_data", ())),
        data=tuple((text.partition("=")[0], text.partition("=")[2]) for text in given.get("data", ())),
    )
