"""The kinds of value that a setting may have, each with what it has to look like."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from agent.words.settings import Hook, Process, Timed
from switchback.settings import values
from switchback.settings.hooks import Notified, check_hooks, check_notify
from switchback.settings.processes import check_processes, check_schedule

# How long what a person calls themselves may be, characters.
LONGEST_PERSON = 100
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)


def check_module(text: str) -> str:
    """A Python module, as it is imported."""
    if not _MODULE.fullmatch(text):
        raise values.Wrong("must be a Python module, as in mysite.settings")
    return text


def check_application(text: str) -> str:
    """What a server serves: a module and a name in it."""
    module, _, name = text.partition(":")
    if not (_MODULE.fullmatch(module) and _MODULE.fullmatch(name) and "." not in name):
        raise values.Wrong("must be a module and a name in it, as in mysite.wsgi:application")
    return text


def check_new_file(text: str) -> str:
    """The path of a file that can be written on the machine that the run is started from."""
    path = Path(values.check_local_file(text))
    if path.is_dir():
        raise values.Wrong("must be the path of a file, and is a directory")
    if not path.parent.is_dir():
        raise values.Wrong("must be in a directory that is there")
    if not os.access(path.parent, os.W_OK):
        raise values.Wrong("must be in a directory that can be written to")
    return text


def check_person(text: str) -> str:
    """Who runs something, and why, as others read it on one line."""
    if not text.strip() or not text.isprintable() or len(text) > LONGEST_PERSON:
        raise values.Wrong(f"must be one line of at most {LONGEST_PERSON} characters that can be printed")
    return text.strip()


Hosts = Annotated[tuple[str, ...], BeforeValidator(values.several), AfterValidator(values.check_hosts)]
WebUrl = Annotated[str, AfterValidator(values.check_web_url)]
DatabaseUrl = Annotated[str, AfterValidator(values.check_database_url)]
Repository = Annotated[str, AfterValidator(values.check_repository)]
Ref = Annotated[str, AfterValidator(values.check_ref)]
User = Annotated[
    str, AfterValidator(values.named(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}", "a user's name (letters, digits, _ . -)"))
]
Folder = Annotated[
    str,
    AfterValidator(values.named(r"[A-Za-z0-9_][\w.-]*", "the name of a directory in the version, without a slash")),
]
Unit = Annotated[str, AfterValidator(values.check_service)]
HomePath = Annotated[str, AfterValidator(values.check_host_path)]
HostPath = Annotated[HomePath, AfterValidator(values.check_below)]
AutoPath = Annotated[str, AfterValidator(values.check_auto_or_host_path)]
PathInCode = Annotated[str, AfterValidator(values.check_path_in_code)]
Names = Annotated[
    tuple[str, ...], BeforeValidator(values.several_or_none), AfterValidator(values.check_names_of_packages)
]
Requirements = Annotated[
    tuple[str, ...], BeforeValidator(values.requirements), AfterValidator(values.check_requirements)
]
Script = Annotated[str, AfterValidator(values.check_script)]
Port = Annotated[int, Field(ge=1, le=65535)]
LocalKey = Annotated[str, AfterValidator(values.check_local_key)]
UrlPath = Annotated[str, AfterValidator(values.check_url_path)]
HostKeys = Annotated[tuple[str, ...], BeforeValidator(values.lines), AfterValidator(values.check_host_keys)]
Said = BeforeValidator(values.none_if_said)
ReportFile = Annotated[str, AfterValidator(check_new_file)]
Person = Annotated[str, AfterValidator(check_person)]
Count = Annotated[int, Field(ge=1)]
CountOrZero = Annotated[int, Field(ge=0)]
Statuses = Annotated[
    tuple[Annotated[int, Field(ge=100, le=599)], ...], BeforeValidator(values.several), Field(min_length=1)
]
Headers = Annotated[dict[str, str], BeforeValidator(values.mapping), AfterValidator(values.check_headers)]
Hooks = Annotated[dict[str, tuple[Hook, ...]], BeforeValidator(check_hooks)]
Notify = Annotated[Notified | None, BeforeValidator(check_notify)]
Schedule = Annotated[dict[str, Timed], BeforeValidator(check_schedule)]
Processes = Annotated[dict[str, Process], BeforeValidator(check_processes)]
Module = Annotated[str, AfterValidator(check_module)]
Application = Annotated[str, AfterValidator(check_application)]


def shared_paths(value: object) -> object:
    """Paths in the code, or where each is to be in the shared folder with its path in the code; `media/` is `media`."""
    if isinstance(value, str) and ":" in value:
        value = values.mapping(value)
    found = values.several(value)
    if isinstance(found, (list, tuple)):
        found = {one: one for one in found} if all(isinstance(one, str) for one in found) else found
    if not isinstance(found, dict) or not all(isinstance(one, str) for pair in found.items() for one in pair):
        raise values.Wrong("must be a list of paths in the code, as in `[media]`")
    return {name.rstrip("/"): path.rstrip("/") for name, path in found.items()}


def check_shared_paths(paths: dict[str, str]) -> dict[str, str]:
    """Paths that lead nowhere but into the code, and into the shared folder."""
    for path in (one for pair in paths.items() for one in pair):
        if not values.IN_CODE.fullmatch(path) or {".", "..", ".git"} & {*path.split("/")}:
            raise values.Wrong("must be paths inside the code, relative to its top")
    return paths


def adopted(value: object) -> object:
    """Where what is shared is now, by its name; under no name the folder that has all of it."""
    if isinstance(value, str) and value.strip() and value.strip()[0] in "~/":
        return {"": value}
    return values.mapping(value)


def check_adopted(paths: dict[str, str], info: ValidationInfo) -> dict[str, str]:
    """Only what is shared is taken over."""
    shared = {**info.data.get("shared_dirs", {}), **info.data.get("shared_files", {})}
    for name in paths:
        if name and name not in shared:
            raise values.Wrong(
                "must name what shared_dirs or shared_files name", f"{name} into one of them, or leave it out"
            )
    return paths


def check_apart(pairs: Sequence[tuple[str, str]]) -> None:
    """Of what is shared nothing lies in anything else: a link is no directory to make another one in."""
    for side in (0, 1):
        paths = sorted((pair[side] for pair in pairs), key=lambda path: path.split("/"))
        for path, after in pairwise(paths):
            if after == path or after.startswith(f"{path}/"):
                where = "the shared folder" if side == 0 else "the code"
                what = "is named twice" if after == path else f"lies in {path}, which is shared as a whole"
                raise ValueError(f"shared_dirs and shared_files: {after} {what} (in {where})")


SharedPaths = Annotated[dict[str, str], BeforeValidator(shared_paths), AfterValidator(check_shared_paths)]
Adopted = Annotated[dict[str, HostPath], BeforeValidator(adopted), AfterValidator(check_adopted)]
