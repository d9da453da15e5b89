"""What git is told of a repository elsewhere, and what it says of one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from agent.text.lines import lines_of

# The variable of git's environment that a password is in.
WORD = "SWITCHBACK_WORD"
# Hands git what it asks for, out of the environment; a shell's own printf is in no command line.
_HELPER = '!f() { [ "$1" = get ] && printf "username=%s\\npassword=%s\\n" "$SWITCHBACK_LOGIN" "$SWITCHBACK_WORD"; }; f'


def remote_env(url: str) -> dict[str, str]:
    """The environment that names the repository, and has the password that its URL may hold.

    A command line is for all to see, git's own and that of the helper which it starts with the URL; an environment is
    its user's.
    """
    bare = without_password(url)[0]
    return _env(url, {"remote.origin.url": bare})


def login_env(url: str) -> dict[str, str]:
    """The environment in which a repository's login holds for what else is on its host."""
    return _env(url, {})


def _env(url: str, config: dict[str, str]) -> dict[str, str]:
    bare, login, word = without_password(url)
    if word is None:
        return _config_env(config)
    parts = urlsplit(bare)
    # Nobody else's word comes before it: the app's user may have a helper with another one. And it is for that host
    # alone, which may send us on to another.
    config["credential.helper"] = ""
    config[f"credential.{parts.scheme}://{parts.netloc}.helper"] = _HELPER
    return {**_config_env(config), "SWITCHBACK_LOGIN": login, WORD: word}


def without_password(url: str) -> tuple[str, str, str | None]:
    """A URL without the name and password in it, and those; as it is, and None, where it holds no password."""
    if not url.startswith(("https://", "http://")):
        return url, "", None
    parts = urlsplit(url)
    told, _, place = parts.netloc.rpartition("@")
    login, has_word, word = told.partition(":")
    login, word = unquote(login), unquote(word)
    if not has_word or any(character in login + word for character in "\r\n\0"):
        return url, "", None
    return parts._replace(netloc=place).geturl(), login, word


def without_login(url: str) -> str:
    """An address without a password or a token; with ssh the user's name is needed, and is no secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    user, at, host = parts.netloc.rpartition("@")
    if parts.scheme in ("http", "https"):
        user, at = "", ""
    return parts._replace(netloc=user.partition(":")[0] + at + host).geturl() if parts.netloc else url


def _config_env(config: Mapping[str, str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for number, (key, value) in enumerate(config.items()):
        pairs |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {"GIT_CONFIG_COUNT": str(len(config)), **pairs}


def named_commits(listing: str, ref: str) -> dict[str, str]:
    """The names of a listing by `git ls-remote` that a ref may stand for, each with its commit.

    HEAD, and a name in full, is itself alone: whoever may push can call a branch or a tag so, too.
    """
    whole = ref == "HEAD" or ref.startswith("refs/")
    names = {ref} if whole else {f"refs/heads/{ref}", f"refs/tags/{ref}"}
    commits: dict[str, str] = {}
    for line in lines_of(listing):
        sha, _, name = line.partition("\t")
        if name in names:
            commits.setdefault(name, sha)
        elif name.endswith("^{}") and name[:-3] in names:
            # What an annotated tag leads to counts, not the tag's own object.
            commits[name[:-3]] = sha
    return commits
