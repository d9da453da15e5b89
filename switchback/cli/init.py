"""Beginning: a file of settings for the project that one is in, with what it tells; the rest is asked for."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path

import click

from agent.text.lines import shown
from agent.text.masking import masked_urls
from switchback.cli.looking import Checkout, look
from switchback.cli.place import DEFAULT, NO_ENVIRONMENT, SHARED, Place
from switchback.cli.refusal import NotStarted
from switchback.cli.running import at_terminal
from switchback.cli.suggested import Found, Suggested, suggest, text_of
from switchback.settings.errors import Refused
from switchback.settings.given import Given, checked
from switchback.settings.model import Settings

# What nobody's files tell, and how it is asked for.
ASKED = {
    "host": "The host, as ssh takes it",
    "website_url": "The site's address",
    "code_repo_url": "The repository, as the host reaches it",
}
HEAD = """\
Settings of the environment {environment}, written by `switchback init`. All others: Switchback's docs/settings.md.
There are no secrets in this file: it belongs into the repository."""
LEFT_OUT = "Its password is left out. An address by ssh needs none: setup shows a deploy key for that."


def begin(environment: str, given: Mapping[str, str]) -> None:
    """Write the settings of an environment. Raises NotStarted where they are there, or something is missing.

    + given: what was said of `ASKED`
    """
    if environment == SHARED:
        raise NotStarted(NO_ENVIRONMENT)
    checkout = look(Path.cwd())
    place = Place(checkout.root, environment)
    path = place.root / place.settings
    if path.exists():
        raise NotStarted(f"{path} is there already, and stays as it is")
    said = {key: text for key, text in given.items() if text}
    if checkout.url and "code_repo_url" not in said:
        said["code_repo_url"] = checkout.url
    said = _answered(said)
    settings = _checked(said)
    found = suggest(checkout, settings.for_host())
    _write(path, "\n".join((text_of(_first(environment, said, checkout)), text_of(found.parts))))
    _tell(place, found, said["code_repo_url"] == checkout.url and checkout.login, checkout.new)


def _answered(said: Mapping[str, str]) -> dict[str, str]:
    """What is said, and what is still missing, asked for. Raises NotStarted where nobody can be."""
    missing = [key for key in ASKED if key not in said]
    if missing and not at_terminal():
        options = ", ".join(f"--{key.replace('_', '-')}" for key in missing)
        raise NotStarted(f"nobody is there to be asked: give {options}")
    answered = dict(said)
    for key in missing:
        default = _usual_address(answered["host"]) if key == "website_url" else None
        answered[key] = click.prompt(ASKED[key], default=default, err=True)
    return answered


def _usual_address(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return f"https://{host}/"
    return f"http://{host}/"


def _checked(said: Mapping[str, str]) -> Settings:
    try:
        return checked(Settings, {key: Given(text, _where(key)) for key, text in said.items()}, "init")
    except Refused as refused:
        raise NotStarted(*refused.problems) from None


def _where(key: str) -> str:
    return f"--{key.replace('_', '-')}"


def _first(environment: str, said: Mapping[str, str], checkout: Checkout) -> list[Suggested]:
    """The parts that everybody has."""
    parts = [Suggested(tuple(HEAD.format(environment=environment).split("\n")), {})]
    for key in ASKED:
        field = Settings.model_fields[key]
        where = [f"Found: the remote {checkout.remote}."] if said[key] == checkout.url else []
        if where and checkout.login:
            where.append(LEFT_OUT)
        description = str(field.description).partition(";")[0]
        why = (f"{description[0].upper()}{description[1:]}.", *where)
        parts.append(Suggested(why, {key: said[key]}))
    return parts


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as problem:
        raise NotStarted(f"{path} can't be written: {problem.strerror}") from None


def _tell(place: Place, found: Found, left_out: bool, new: int) -> None:
    files = "the file" if new == 1 else f"the {new} files"
    commit = f"commit it with {files} that git does not have yet, and push: that is what a deploy takes"
    option = f" -e {place.environment}" if place.environment != DEFAULT else ""
    lines = [f"Written: {place.root / place.settings}"]
    lines += [f"  found: {shown(masked_urls(one))}" for one in found.said]
    lines += [f"  code_repo_url: {LEFT_OUT[0].lower()}{LEFT_OUT[1:]}"] if left_out else []
    lines += [f"  missing: {shown(masked_urls(one))}" for one in found.missing]
    lines += [
        "Next:",
        f"  1. have a look at it, {commit if new else 'and commit it'}",
        f"  2. switchback setup{option} --ssh-user root",
        "     makes the host ready, and deploys; later `switchback deploy` does. (root, or whoever a new host lets in",
        "     with your key: leave it out where you come as admin already.)",
    ]
    for line in lines:
        click.echo(line, err=True)
