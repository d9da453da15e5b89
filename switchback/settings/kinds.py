"""The kinds of value that a setting may have, each with what it has to look like."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from agent.words.settings import Hook
from switchback.settings import values
from switchback.settings.hooks import check_hooks

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
Count = Annotated[int, Field(ge=1)]
CountOrZero = Annotated[int, Field(ge=0)]
Statuses = Annotated[
    tuple[Annotated[int, Field(ge=100, le=599)], ...], BeforeValidator(values.several), Field(min_length=1)
]
Headers = Annotated[dict[str, str], BeforeValidator(values.mapping), AfterValidator(values.check_headers)]
Hooks = Annotated[dict[str, tuple[Hook, ...]], BeforeValidator(check_hooks)]
Module = Annotated[str, AfterValidator(check_module)]
Application = Annotated[str, AfterValidator(check_application)]
