"""The app's variables and secrets: what the settings may say of them, and where secrets are read, on this machine."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo

from agent.environment.launcher import NAME
from agent.text.lines import cut, lines_of, one_line
from agent.text.masking import masked
from switchback.settings.errors import Refused
from switchback.settings.values import Wrong, check_web_url, mapping

# The launcher's own words, and what would lead a version's Python elsewhere than into its own environment.
NOT_THESE = ("VIRTUAL_ENV", "PYTHONHOME")
OURS = "SWITCHBACK_"
# What a kernel takes of one variable with its name, bytes.
LONGEST = 128 * 1024 - 1
SOURCES = ("env", "file", "command")
# How long a command may take to tell a secret, seconds; how much of its complaint is shown, characters.
WITHIN, SHOWN = 60, 200

_WRITE = "as in `secrets: {DATABASE_URL: {env: PROD_DATABASE_URL}}`, with env:, file: or command: [WORD, …]"


class Source(BaseModel):
    """Where a secret is read: from a variable of this machine, a file, or what a command prints."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    env: str | None = None
    file: str | None = None
    command: tuple[str, ...] | None = None


def check_env(value: object) -> dict[str, str]:
    """Variables: each name with its text. Raises Wrong, and shows no value then."""
    found = mapping(value)
    if not isinstance(found, dict):
        raise Wrong("must be a mapping of names to texts, as in `env: {DJANGO_DEBUG: '0'}`")
    for name, text in found.items():
        _check_name(name)
        if not isinstance(text, str):
            raise Wrong(f"must be a mapping of names to texts, and {name} has something else")
        if wrong := unfit(name, text):
            raise Wrong(f"must be variables, and {name} {wrong}")
    return found


def check_secrets(value: object, info: ValidationInfo) -> dict[str, dict[str, object]]:
    """Secrets: names alone, or each with where it is read. Raises Wrong, and shows no value then."""
    found = mapping(value)
    if isinstance(found, str):
        found = [found]
    if isinstance(found, (list, tuple)):
        found = {str(name): {"env": str(name)} for name in found}
    if not isinstance(found, dict):
        raise Wrong(f"must be names, or say where each is read, {_WRITE}")
    if twice := sorted(found.keys() & info.data.get("env", {}).keys()):
        raise Wrong(f"must not have what is in env as well: {', '.join(twice)}")
    return {_check_name(name): source_of(name, one) for name, one in found.items()}


def _check_name(name: object) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Wrong(
            f"must have names of variables (letters, digits and _, no digit first), not {one_line(str(name))!r}"
        )
    if name in NOT_THESE or name.startswith(OURS):
        raise Wrong(f"must not have {name}, which Switchback sets itself")
    return name


def source_of(name: str, one: object, write: str = _WRITE) -> dict[str, object]:
    """Where something secret is read, as it is written. Raises Wrong, and shows no value then.

    + write: an example of what to write
    """
    if isinstance(one, Source):
        one = one.model_dump(exclude_none=True)
    if not isinstance(one, dict) or len(one) != 1 or next(iter(one)) not in SOURCES:
        raise Wrong(f"must say where {name} is read, and never what it is, {write}")
    kind, said = next(iter(one.items()))
    if kind == "command":
        said = said.split() if isinstance(said, str) else said
        if not isinstance(said, (list, tuple)) or not said or not all(isinstance(word, str) for word in said):
            raise Wrong(f"must have the command for {name} as a list of words, as in [pass, show, site/{name}]")
        return {"command": tuple(said)}
    if not isinstance(said, str) or not said or "\0" in said:
        raise Wrong(f"must say where {name} is read, {write}")
    return {kind: said}


Env = Annotated[dict[str, str], BeforeValidator(check_env)]
Secrets = Annotated[dict[str, Source], BeforeValidator(check_secrets)]


def unfit(name: str, text: str) -> str:
    """Why a text can't be a variable's value; empty where it can."""
    if "\0" in text:
        return "has a character in it that no variable can have (NUL)"
    try:
        size = len(name) + 1 + len(text.encode())
    except UnicodeEncodeError:
        return "is no text"
    return f"is longer than a variable can be ({LONGEST} bytes)" if size > LONGEST else ""


def read_secrets(sources: Mapping[str, Source]) -> dict[str, str]:
    """The secrets, read where the settings say. Raises Refused with all that are missing, before any host is asked."""
    found, problems = dict[str, str](), []
    for name, source in sources.items():
        value, problem = _read(name, source)
        if problem:
            problems.append(f"secrets: {name}: {problem}")
        found[name] = value
    if problems:
        raise Refused(*problems)
    return found


def read_address(source: Source) -> str:
    """The address that is told how runs end, read where the settings say. Raises Refused, and does not show it then."""
    address, problem = _read("url", source)
    if not problem:
        try:
            return check_web_url(address)
        except Wrong as wrong:
            # Without what it would have been better, which shows it.
            problem = f"what is read there {wrong}"
    raise Refused(f"notify: url: {problem}")


@functools.cache
def _read(name: str, source: Source) -> tuple[str, str]:
    """A secret; or why there is none. Each is read once in a run."""
    if source.env is not None:
        value, problem = os.environ.get(source.env, ""), f"{source.env} is not set here: export it before the run"
        problem = "" if value else problem
    elif source.file is not None:
        value, problem = _from_file(Path(source.file).expanduser())
    else:
        value, problem = _from_command(source.command or ())
    return value, problem or unfit(name, value)


def _from_file(path: Path) -> tuple[str, str]:
    try:
        return _told(path.read_bytes(), str(path))
    except OSError as error:
        return "", f"{path} can't be read: {error.strerror}"


def _from_command(argv: tuple[str, ...]) -> tuple[str, str]:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=WITHIN, check=False)
    except subprocess.TimeoutExpired:
        return "", f"{argv[0]} has told nothing within {WITHIN} s"
    except OSError as error:
        return "", f"{argv[0]} can't be started: {error.strerror}"
    if done.returncode:
        said = lines_of(done.stderr.decode(errors="replace").strip())
        why = f": {cut(one_line(masked(said[-1])), SHOWN)}" if said else ""
        return "", f"{argv[0]} ended with exit code {done.returncode}{why}"
    return _told(done.stdout, argv[0])


def _told(found: bytes, where: str) -> tuple[str, str]:
    """A secret as a file or a command tells it: the end of its last line is not of it."""
    try:
        value = found.decode()
    except UnicodeDecodeError:
        return "", f"{where} has something else than text (UTF-8)"
    value = value[:-1] if value.endswith("\n") else value
    return value, "" if value else f"{where} has nothing"
