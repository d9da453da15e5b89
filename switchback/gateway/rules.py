"""gateway.yml: which key may ask for what, where, and of which refs."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from switchback.gateway.words import Verb
from switchback.settings import values
from switchback.settings.errors import Problems
from switchback.settings.files import Entry, read_yaml
from switchback.settings.given import Given, checked, unknown
from switchback.settings.kinds import Repository

# The word in a key's line; and how a key is named by what it is.
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", re.ASCII)
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}", re.ASCII)
# What is asked of the gateway itself, and so no key's name.
RESERVED = ("install",)
_KIND = r"(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)"
_PUBLIC = re.compile(rf"({_KIND}) ([A-Za-z0-9+/]{{40,}}={{0,3}})(?: [ -~]*)?", re.ASCII)
_BRANCH = re.compile(r"[A-Za-z0-9._/+@#*-]+", re.ASCII)


def check_public_key(text: str) -> str:
    """A public key as it stands in a .pub file, without the words behind it."""
    found = _PUBLIC.fullmatch(text.strip())
    try:
        blob = base64.b64decode(found[2], validate=True) if found else b""
    except binascii.Error:
        blob = b""
    # The blob begins with the name of its kind, and the length of that.
    if not found or blob[4 : 4 + len(found[1])] != found[1].encode():
        raise values.Wrong("must be a public key, the line of a .pub file, as in `ssh-ed25519 AAAA… ann@laptop`")
    return f"{found[1]} {found[2]}"


def check_branches(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of branches; a * stands for any signs. Raises ValueError."""
    for name in names:
        values.check_ref(name.replace("*", "x"))
        if not _BRANCH.fullmatch(name) or name.startswith("refs/"):
            raise values.Wrong("must be names of branches, as in `main`, or `release/*`")
    return names


Branches = Annotated[tuple[str, ...], BeforeValidator(values.several), AfterValidator(check_branches)]


class Rule(BaseModel):
    """What one key may ask for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Annotated[str, AfterValidator(check_public_key)] | None = Field(
        default=None, description="the public key, which `install` writes a line for"
    )
    environment: Annotated[str, AfterValidator(values.named(r"[A-Za-z0-9_][\w-]*", "an environment's name"))] = Field(
        default="prod", description="which inventory is deployed to: `prod` is inventories/prod.py"
    )
    may: Annotated[tuple[Verb, ...], BeforeValidator(values.several)] = Field(
        default=("deploy", "plan"), description="what may be asked for, besides help"
    )
    branches: Branches = Field(
        default=(), description="branches of the code whose commits may be deployed; that of the settings otherwise"
    )
    config_branches: Branches = Field(default=(), description="the same of the config")
    signed_by: Annotated[str, AfterValidator(values.check_local_file)] | None = Field(
        default=None, description="a file of allowed signers, beside this one: only commits that one of them has signed"
    )
    code_repo_url: Repository | None = Field(
        default=None, description="the code's repository as this machine reaches it; that of the settings otherwise"
    )
    config_repo_url: Repository | None = Field(default=None, description="the same of the config's")


@dataclass(frozen=True)
class Rules:
    """All keys of a gateway, by their names.

    + folder: where gateway.yml is
    """

    folder: Path
    of_keys: Mapping[str, Rule]

    def of(self, name: str) -> Rule | None:
        """The rule of a key, by the word in its line or by its fingerprint; None where there is none."""
        if name in self.of_keys:
            return self.of_keys[name]
        named = [rule for rule in self.of_keys.values() if rule.key and fingerprint(rule.key) == name]
        return named[0] if len(named) == 1 else None


def fingerprint(key: str) -> str:
    """A public key's fingerprint, as ssh-keygen and sshd say it."""
    digest = hashlib.sha256(base64.b64decode(key.split(" ")[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def is_name(name: str) -> bool:
    """Whether a key can be called so."""
    return bool((WORD.fullmatch(name) and name not in RESERVED) or FINGERPRINT.fullmatch(name))


def read_rules(path: Path) -> Rules:
    """Read gateway.yml. Raises Refused with all that is wrong.

    What stands at its top holds for all keys, unless a key says something else.
    """
    entries = read_yaml(path)
    problems = Problems()
    fields = [key for key in Rule.model_fields if key != "key"]
    known = {*fields, "keys"}
    problems.add(*(unknown(f"{path}:{one.line}", key, known) for key, one in entries.items() if key not in known))
    common = {key: Given(one.value, f"{path}:{one.line}") for key, one in entries.items() if key in fields}
    rules = _rules(path, entries.get("keys"), common, problems)
    problems.refuse_if_any()
    return Rules(path.parent, rules)


def _rules(path: Path, entry: Entry | None, common: Mapping[str, Given], problems: Problems) -> dict[str, Rule]:
    told = entry.value if entry else None
    if entry is None or not isinstance(told, dict) or not told:
        line = f":{entry.line}" if entry else ""
        problems.add(f"{path}{line}: keys must name the keys, each with what it may, as in `keys: {{ci: {{}}}}`")
        return {}
    rules = {}
    for name, own in told.items():
        where = f"{path}:{entry.line}: keys: {name}"
        if not is_name(name):
            problems.add(f"{where}: must be a word (letters, digits, _ . @ -) or a fingerprint, as in SHA256:…")
        elif own and not isinstance(own, dict):
            problems.add(f"{where}: must have what it may, as in `may: [deploy, plan]`")
        else:
            given = {key: Given(value, where) for key, value in (own or {}).items()}
            problems.add(*(unknown(where, key, Rule.model_fields) for key in given if key not in Rule.model_fields))
            with problems.gather():
                of_key = {key: one for key, one in given.items() if key in Rule.model_fields}
                rules[name] = checked(Rule, {**common, **of_key}, str(path))
    return rules
