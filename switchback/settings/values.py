"""What one value of the settings or options may be."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from pydantic import ValidationInfo

from agent.versions.layout import AUTO
from agent.words.settings import asks_for_release, site_of

_REF_RULES = (
    (r"^$", "must be a git ref"),
    (r"^-", 'must be a git ref, which does not begin with "-"'),
    (r"[\s\x00-\x1f\x7f]", "must be a git ref, without spaces or control characters"),
    (r"\.\.", 'must be a single git ref, without ".."'),
    (r"[~^:?*\[\\]|@\{", "must be a plain git ref, without any of ~ ^ : ? * [ \\ @{"),
    (r"""[$(){};|&<>'"`]""", "must be a git ref, without any of $ ( ) { } ; | & < > ' \" `"),
    (r"^/|/$|//|\.$|^@$|(^|/)\.|\.lock(/|$)", "must be a valid git ref"),
)

_SCHEMES = ("ssh", "https", "http", "git", "file")
_SCP_LIKE = re.compile(r"(?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?![:-]|//)\S+", re.ASCII)
_REPOSITORY = "must be a git repository (ssh://…, git@host:path, https://… or an absolute path)"
_HOST = re.compile(r"@[a-z]+(?:/[\w.,:/-]+)?|[A-Za-z0-9_:][A-Za-z0-9._:%-]*", re.ASCII)
_HOST_KEY = re.compile(r"[\w.,:*\[\]-]+ (?:ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/]{40,}={0,2}(?: [^\n]*)?", re.ASCII)
IN_CODE = re.compile(r"(?!-)[\w.+-]+(?:/[\w.+-]+)*", re.ASCII)


class Wrong(ValueError):
    """A value that can't be accepted.

    + must: what it must be, as a sentence goes on after the key: "must be …"
    + instead: what to write
    + is_whole: whether that says already what is wrong in a value that is longer than a line
    """

    def __init__(self, must: str, instead: str = "", is_whole: bool = False) -> None:
        self.instead, self.is_whole = instead, is_whole
        super().__init__(must)


def check_ref(text: str) -> str:
    """A git ref (branch, tag, SHA), exactly as it is written. Raises ValueError for what could be taken for more."""
    for pattern, must in _REF_RULES:
        if re.search(pattern, text):
            raise Wrong(must)
    if not text.isprintable():
        raise Wrong("must be a git ref, without spaces or control characters")
    return text


def check_repository(text: str) -> str:
    """The URL or path of a repository, without those transports of git that run commands."""
    scheme, is_url, rest = text.partition("://")
    if not text.isprintable() or text.startswith("-"):
        raise Wrong(_REPOSITORY)
    if is_url:
        good = scheme in _SCHEMES and rest != "" and " " not in rest and not re.match(r"(?:[^/@]*@)?-", rest)
    else:
        good = text.startswith("/") or _SCP_LIKE.fullmatch(text) is not None
    if not good:
        raise Wrong(_REPOSITORY)
    return text


def check_web_url(text: str) -> str:
    """An address that can be asked over HTTP."""
    must = "must be an http:// or https:// address"
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise Wrong(must) from error
    if not good or not text.isascii() or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise Wrong(must, f'"https://{text}"' if re.fullmatch(r"[\w-]+(\.[\w-]+)+(/\S*)?", text, re.ASCII) else "")
    if parts.username is not None:
        raise Wrong(f"{must} without a user and password")
    return text


def check_database_url(text: str) -> str:
    """Where a PostgreSQL server is, without who connects to it: that is the app, as its own settings say."""
    must = "must be postgresql://HOST:PORT"
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("postgresql", "postgres") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise Wrong(must) from error
    if "@" in parts.netloc:
        raise Wrong(must + ", without a user or a password: these are the app's own")
    rest = parts.query or parts.fragment or not re.fullmatch(r"(/[\w.-]*)?", parts.path, re.ASCII)
    if not good or rest or not text.isascii() or not text.isprintable() or " " in text:
        raise Wrong(must)
    return text


def check_host_path(text: str, info: ValidationInfo) -> str:
    """A path on the host: absolute, or below the app user's home, which the host fills in for `~`."""
    user = str(info.data.get("app_username", "app"))
    text = re.sub(rf"^~{re.escape(user)}(?=/|$)", "~", text)
    if not text.isprintable():
        raise Wrong("must be a path without control characters")
    if text != "~" and not text.startswith(("~/", "/")):
        must = "must be an absolute path or begin with ~/ (the app user's home)"
        raise Wrong(must, f'"~/{text}"' if text and text[0] != "~" else "")
    return text


def check_absolute_path(text: str) -> str:
    """A path on the host that doesn't depend on whose home it is in."""
    if not text.startswith("/") or not text.isprintable():
        raise Wrong("must be an absolute path")
    return text


def check_local_file(text: str) -> str:
    """The path of a file on the machine that the run is started from."""
    if not text or not text.isprintable() or text.endswith("/"):
        raise Wrong("must be the path of a file")
    return text


def check_url_path(text: str) -> str:
    """The path of an address, with a slash at either end."""
    if not re.fullmatch(r"/(?:[\w.~-]+/)+", text, re.ASCII):
        instead = f'"/{text.strip("/")}/"' if re.fullmatch(r"/?[\w.~/-]*[\w~-]/?", text, re.ASCII) else ""
        raise Wrong("must be a path with a slash at either end, as in /static/", instead)
    return text


def check_local_key(text: str) -> str:
    """The file of a private key on the machine that the run is started from."""
    check_local_file(text)
    if text.endswith(".pub"):
        raise Wrong("must be the file of the private key", f'"{text.removesuffix(".pub")}"')
    if not Path(text).expanduser().is_file():
        raise Wrong("must be a file on this machine")
    return text


def check_host_keys(told: tuple[str, ...]) -> tuple[str, ...]:
    """Lines of a known_hosts file: whose key it is, its kind, and the key."""
    for line in told:
        if not _HOST_KEY.fullmatch(line):
            raise Wrong("must be lines of a known_hosts file, as in `git.example.com ssh-ed25519 AAAA…`")
    return told


def check_below(text: str) -> str:
    """A path that is not the home or the root itself: something else will be there."""
    if text.rstrip("/") in ("", "~"):
        raise Wrong("must be the path of something in a directory, not of a home or /")
    return text


def check_auto_or_host_path(text: str, info: ValidationInfo) -> str:
    """A path on the host that is not the home or the root itself, or `auto`."""
    return text if text == AUTO else check_below(check_host_path(text, info))


def check_path_in_code(text: str) -> str:
    """A path inside the code, relative to its top."""
    if not IN_CODE.fullmatch(text) or ".." in text.split("/"):
        raise Wrong("must be a path inside the code, relative to its top")
    return text


def check_names_of_packages(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of extras or groups."""
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", name, re.ASCII):
            raise Wrong("must be names (letters, digits, - _ .)")
    return names


def check_requirements(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Requirements as they stand in a requirements.txt, each of them a package and no option."""
    for line in lines:
        if not re.match(r"[A-Za-z0-9]", line) or not line.isprintable() or "://" in line.partition("@")[0]:
            raise Wrong("must be requirements, a package each", '["gunicorn>=23", "uvicorn"]')
        if re.search(r"://[^/@\s]*@", line):
            raise Wrong("must be requirements without a user and password")
    return lines


def check_script(text: str, info: ValidationInfo) -> str:
    """A script of the project's own: inside the code, or somewhere on the host."""
    return check_host_path(text, info) if text.startswith(("~", "/")) else check_path_in_code(text)


def check_python(text: str) -> str:
    """A command on the PATH, an absolute path, or a release."""
    if re.fullmatch(r"v?[\d.]+", text, re.ASCII) and not asks_for_release(text):
        raise Wrong("must be a release of Python 3, as in 3.13, a command or an absolute path", '"3.13"')
    if not re.fullmatch(r"(?!-)[\w.+-]+|(?:/[\w.+-]+)+", text, re.ASCII):
        raise Wrong("must be a command on the PATH or an absolute path", '"python3"')
    return text


def check_hosts(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names that pyinfra can connect to."""
    for name in names:
        if "@" in name[1:]:
            raise Wrong("must be the hosts' names alone", "the user as admin_username")
        if re.fullmatch(r"[^:]+:\d+", name):
            raise Wrong("must be the hosts' names alone", "the port as ssh_port")
        if not _HOST.fullmatch(name):
            raise Wrong("must be a host's name, or several")
    return tuple(dict.fromkeys(names))


def check_service(text: str) -> str:
    """The name of a systemd service, after which its site is named."""
    try:
        site_of(text)
    except ValueError:
        raise Wrong("must be the name of a systemd service, as in django") from None
    return text


def check_headers(headers: dict[str, str]) -> dict[str, str]:
    """HTTP headers that can't end early and begin another."""
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or re.search(r"[\x00-\x1f\x7f]", value):
            raise Wrong("must be HTTP headers, as in `X-Health: yes`")
    return headers


def named(pattern: str, what: str) -> Callable[[str], str]:
    """A check for a name: one that fits the pattern, which leaves no room for slashes, options and shell characters."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise Wrong(f"must be {what}")
        return text

    return check


def none_if_said(value: object) -> object:
    """What people write for "none": nothing, none, null or ~."""
    return None if isinstance(value, str) and value.strip().lower() in ("", "none", "null", "~") else value


def several(value: object) -> object:
    """One, or a list; in text with commas or spaces between."""
    if isinstance(value, str):
        return value.replace(",", " ").split()
    return [value] if isinstance(value, int) else value


def requirements(value: object) -> object:
    """Requirements, one or a list; in text one a line, or with commas or spaces between; none where that is said."""
    value = none_if_said(value)
    if value is None:
        return ()
    if isinstance(value, str):
        lines = value.splitlines() if "\n" in value or ";" in value else re.split(r"[,\s]+(?=[A-Za-z])", value)
        return [line.strip() for line in lines if line.strip()]
    return value


def several_or_none(value: object) -> object:
    """One, a list, or none where that is said."""
    value = none_if_said(value)
    return () if value is None else several(value)


def lines(value: object) -> object:
    """One line, or several: a list, or text with line breaks."""
    if isinstance(value, str):
        return [line.strip() for line in value.splitlines() if none_if_said(line)]
    return value


def mapping(value: object) -> object:
    """A mapping, which `--data` gives as text: `X-Health: yes`, or as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return yaml.load(value, yaml.BaseLoader)  # noqa: S506 (the base loader makes nothing but text)
    except yaml.YAMLError:
        return value
