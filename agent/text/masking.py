"""Hiding secrets in what is shown: passwords in URLs, values whose name gives them away, private keys, and what this
process was told to hide. Pure but for the latter."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable
from typing import TypeVar, cast
from urllib.parse import unquote

from agent.text.lines import LINE, cut

T = TypeVar("T")

MASK = "***"
# What this process knows to be secret, as it may be said: never shown by it.
_known: list[str] = []

# A password may have any sign in it, also an @, a slash or a quote that does not end the URL; a port is none.
_SIGN = r'(?:[^\s"]|"(?![,:;\])}\s]|$))'
_NO_PORT = r"(?!\d{1,5}(?:[/?#\s\"']|$))"
# With http the user's name may be the secret (a token), with ssh it is just "git". With a slash in it no password of
# any server's is longer than that, and looking further would take the square of a long line's time.
_URLS = (
    (re.compile(rf"(https?://)[^/\s:@]*:{_NO_PORT}{_SIGN}{{0,300}}@", re.IGNORECASE), r"\1***@"),
    (re.compile(r"(https?://)[^/\s]+@", re.IGNORECASE), r"\1***@"),
    (re.compile(r"(://)[^/\s:@]+:@"), r"\1***@"),
    (re.compile(rf"(://[^/\s:@]*):{_NO_PORT}{_SIGN}{{0,300}}@"), r"\1:***@"),
    (re.compile(r"(://[^/\s:@]*):[^/\s]+@"), r"\1:***@"),
)

# What gives a secret away wherever it stands in a name, and what does so as a word of its own.
_ANYWHERE = ("secret", "passw", "passphrase", "token", "credential", "apikey", "privatekey", "accesskey")
_WORDS = frozenset(("key", "keys", "pwd", "pass", "pw", "dsn", "salt", "authorization", "bearer", "auth"))
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# NAME = value, "name": value, name: value, --name=value, environ["NAME"] = value; or a word that is none of these, so
# that nobody looks again from each of its letters.
_NAMED = re.compile(r"""(?P<name>["']?(?!\d)[\w.-]+["']?)\]?\s*(?::=|=>|[:=](?!=))\s*|[\w.-]+""")
_HARMLESS = re.compile(r"(?:True|False|None|true|false|null)\s*[,;)\]}]*\s*(?:#.*)?$")
# A value that begins here and goes on in the lines below.
_OPENS = re.compile(r"""(?:[\[({|>\\]|[|>][+-]?\d?|[rbuf]?(?:\"\"\"|'''))?\s*\\?\s*$""")
# --name value, as in a command.
_OPTION = re.compile(r"(?P<name>(?<!\S)--?[A-Za-z][\w-]*)(?P<gap>\s+)(?P<value>[^\s-]\S*)")
_QUOTED = re.compile(r"""(?P<quote>["'`])(?P<text>(?:(?!(?P=quote)).){16,})(?P=quote)""")
_BARE = re.compile(r"(?<![\w/.+@-])[A-Za-z0-9+/_=-]{24,}(?![\w/.+@-])")
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----")
_KEY_ENDS = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----")
# What looks drawn by lot: so many characters, and so many bits in each.
_LEAST, _ENTROPY = 20, 3.5
_COMMIT = re.compile(r"[0-9a-f]{40}|sha256:[0-9a-f]{64}|[0-9a-f]{64}")
# A path, a dotted name, a host's name.
_PLACE = re.compile(r"[/~.]?[\w.+@-]+(?:[/:][\w.+@-]+)*[/:]?")
# A version's name, whose time and commits look drawn by lot.
_VERSION = re.compile(r"django-\d{8}-\d{6}(?:-[0-9a-f]{7,40}){0,2}")
# What is raised has a name of its own, and what it says in quotes is the name of what is missing.
_RAISED = re.compile(r"(?:[\w.]*(?:Error|Exception|Warning|Exit|Configured|Exist)\b|(?i:missing|unknown|no)\s+\w+)$")
_ONLY_A_NAME = re.compile(r"""["']?[A-Za-z_][\w.-]*["']?\s*$""")
# What is too short to be looked for everywhere: it would be found in other words.
_SHORTEST = 6
# A URL's password is a secret for certain, however short; a text with each of its signs hidden helps nobody.
_SHORTEST_IN_URL, _SHORTEST_TOKEN = 4, 8
_PASSWORD = re.compile(r"[a-z][\w+.-]*://[^/\s:@]*:(.+)@[^@]*\Z", re.IGNORECASE)
_LOGIN = re.compile(r"https?://([^\s\"'#/]{1,300})@", re.IGNORECASE)
_TEXT_OF = re.compile(r"""[rbuf]?(?P<quote>["'])(?P<text>.+?)(?P=quote)|(?P<bare>[^\s"'(){}\[\],;]+)(?=\s*$|,)""")


def masked(text: str) -> str:
    """A text without its secrets. Doing it twice does no more than doing it once."""
    return "\n".join(masked_lines(text.split("\n")))


def masked_lines(lines: Iterable[str], signs: bool = False) -> list[str]:
    """Lines without their secrets; a value that goes over several lines is hidden in all of them.

    + signs: whether they are of a diff, where each begins with a sign
    """
    found = []
    in_key, below = False, -1
    for line in lines:
        sign, content = (line[:1], line[1:]) if signs else ("", line)
        indent = len(content) - len(content.lstrip())
        if in_key or _KEY_BEGINS.search(content):
            in_key = not _KEY_ENDS.search(content)
            found.append(sign + MASK)
            continue
        if below >= 0 and content.strip() and indent > below:
            found.append(sign + " " * indent + MASK)
            continue
        shown, opens = _masked_line(content)
        below = indent if opens else below if not content.strip() else -1
        found.append(sign + shown)
    return found


def masked_urls(text: str) -> str:
    """A text without the passwords and tokens of the URLs in it, and without what is hidden."""
    for pattern, replacement in _URLS:
        text = pattern.sub(replacement, text)
    return unhidden(text)


def hide(values: Iterable[str]) -> None:
    """Have nothing that this process says or writes down show some values, in any of their forms, from now on."""
    _known[:] = sorted({*_known, *(form for value in values for form in forms_of(value))}, key=len, reverse=True)


def unhidden(text: str) -> str:
    """A text without the values that are to be hidden."""
    return without(text, _known) if _known else text


def forms_of(value: str) -> set[str]:
    """How a secret may be said: as it is, each of its lines, as Python and JSON write it, the password in a URL.

    What is too short would be found in other words, and is not looked for.
    """
    found = {value, value.strip(), *(line.strip() for line in value.split("\n"))}
    found |= {repr(one)[1:-1] for one in found} | {json.dumps(one)[1:-1] for one in found}
    password = _PASSWORD.match(value)
    said = {password.group(1), unquote(password.group(1))} if password else set()
    return {one for one in found if len(one) >= _SHORTEST} | {one for one in said if len(one) >= _SHORTEST_IN_URL}


def masked_message(text: str, secrets: Collection[str] = ()) -> str:
    """What a program says of a failure, without what is secret; the names of settings and files can be read.

    + secrets: values that are known to be secret
    """
    text = without(text, secrets)
    return "\n".join(_masked_saying(line) for line in text.split("\n"))


def url_secrets(text: str) -> set[str]:
    """The passwords and tokens of the URLs in a text, as they stand there and as they are meant: what is secret
    wherever it is said, also outside of a URL."""
    found = set()
    for login in _LOGIN.findall(text):
        user, _, password = login.partition(":")
        # With a name alone, that is the token.
        said, shortest = (password, _SHORTEST_IN_URL) if password else (user, _SHORTEST_TOKEN)
        found |= {said, unquote(said)} if len(said) >= shortest else set()
    return found


def without(text: str, secrets: Collection[str]) -> str:
    """A text without values that are known to be secret."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def secrets_in(text: str) -> set[str]:
    """The values that a file gives to names that give them away: what is secret wherever it is said."""
    found = set()
    for line in text.split("\n"):
        at = 0
        while pair := _NAMED.search(line, at, LINE):
            at = pair.end()
            value = _TEXT_OF.match(line, at, LINE) if names_secret(pair.group("name") or "") else None
            if value:
                at = value.end()
                found.add(value.group("text") or value.group("bare"))
    return {one for one in found if len(one) >= _SHORTEST and not names_secret(one) and not one.startswith("/")}


def masked_values(value: T) -> T:
    """The same for what JSON is made of: every text in it, and whatever has a name that gives it away."""
    found: object = masked(value) if isinstance(value, str) else value
    if isinstance(value, dict):
        found = {key: MASK if one and names_secret(str(key)) else masked_values(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        found = [masked_values(one) for one in value]
    return cast(T, found)


def names_secret(name: str) -> bool:
    """Whether a name says that its value is a secret: SECRET_KEY, dbPassword, SENTRY_DSN; not monkey."""
    plain = re.sub(r"[\W_]", "", name).lower()
    words = {word.lower() for word in _WORD.findall(name)}
    return any(word in plain for word in _ANYWHERE) or not words.isdisjoint(_WORDS)


def _masked_line(line: str) -> tuple[str, bool]:
    """A line without its secrets, and whether a secret goes on in the lines below."""
    line = masked_urls(cut(line))
    for pair in _NAMED.finditer(line):
        value = line[pair.end() :]
        if not names_secret(pair.group("name") or "") or _HARMLESS.match(value):
            continue
        if _OPENS.match(value):
            return line, True
        # All the rest of the line: a value may be in several parts.
        return line[: pair.end()] + MASK, value.rstrip().endswith(("\\", "(", "[", "{", "+"))
    line = _OPTION.sub(_hide_of_option, line)
    line = _QUOTED.sub(lambda match: match.group("quote") + _hidden(match.group("text")) + match.group("quote"), line)
    return _BARE.sub(lambda match: _hidden(match.group()), line), False


def _masked_saying(line: str) -> str:
    """A line of what a program says: `password=…` in it is a value, `KeyError: 'SECRET_KEY'` only names one."""
    line = masked_urls(cut(line))
    for pair in _NAMED.finditer(line):
        name, value = pair.group("name") or "", line[pair.end() :]
        if not names_secret(name):
            continue
        only_says = _RAISED.search(line[: pair.end()].rstrip(" :=")) and _ONLY_A_NAME.match(value)
        if not only_says and not _RAISED.match(name) and not _HARMLESS.match(value):
            return line[: pair.end()] + MASK
    line = _OPTION.sub(_hide_of_option, line)
    return _BARE.sub(lambda match: _hidden(match.group()), line)


def _hide_of_option(match: re.Match[str]) -> str:
    name, gap, value = match.group("name", "gap", "value")
    return name + gap + (MASK if names_secret(name) else value)


def _hidden(text: str) -> str:
    return MASK if _is_random(text) else text


def _is_random(text: str) -> bool:
    """Whether a text looks drawn by lot: long, in one piece, of several kinds of characters, hardly any one often."""
    text = _VERSION.sub("django", text)
    if len(text) < _LEAST or MASK in text or re.search(r"[\s,;(){}]", text) or _COMMIT.fullmatch(text):
        return False
    if _PLACE.fullmatch(text) and re.search(r"[/.:-]", text[1:]) and not re.search(r"\d[A-Za-z]\w*\d", text):
        return False
    kinds = sum(1 for pattern in ("[a-z]", "[A-Z]", r"\d") if re.search(pattern, text))
    counts = [text.count(character) for character in set(text)]
    entropy = -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
    return kinds >= 2 and entropy >= _ENTROPY
