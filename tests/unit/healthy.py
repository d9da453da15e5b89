"""What the survey sees of a host that is as it should be, for tests to change one thing of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agent.words.seen import Version
from switchback.settings.model import Settings

OLDER = "django-20250106-100000-9b1fcb4-e1ec11b"
NEWER = "django-20250113-100000-cd7050e-e1ec11b"
HOME = "/home/app"


def settings(**values: Any) -> Settings:
    """Settings with nothing in them but what is required, and the given ones."""
    required = {
        "website_url": "https://www.example.com/",
        "code_repo_url": "git@git.example.com:site/code.git",
        "config_repo_url": "git@git.example.com:site/config.git",
        "code_branch": "main",
        "config_branch": "main",
        # What `auto` stands for on a host whose scripts a person has written.
        "restore_script": None,
    }
    return Settings(**{**required, **values})


def link(target: str, resolved: str) -> dict[str, Any]:
    """A link as the survey describes it."""
    return {"kind": "link", "target": target, "leads": True, "resolved": resolved}


def no_link(path: str, kind: str = "missing") -> dict[str, Any]:
    """What isn't a link, or isn't there."""
    return {"kind": kind, "target": None, "leads": kind != "missing", "resolved": path}


def dangling(path: str, target: str) -> dict[str, Any]:
    """A link that leads nowhere."""
    return {"kind": "link", "target": target, "leads": False, "resolved": target}


def version(name: str, **values: Any) -> Version:
    """A version as the survey describes it."""
    known = Version(
        name,
        sealed=True,
        ours=True,
        code="cd7050e4e2ac7f7aca69889f2a849cf784cca162",
        config="e1ec11b33c2580d821bfcd82e5911ae7cb9d222a",
        refs={"code": "good-1", "config": "main"},
        bytes=79_208_448,
        age=390,
        working=True,
    )
    return replace(known, **values)


def script(name: str, **values: Any) -> dict[str, Any]:
    """A script as the survey describes it."""
    return {"path": f"{HOME}/scripts/{name}.sh", "exists": True, "executable": True, **values}


def host() -> dict[str, Any]:
    """A host with two versions, all links, and nothing wrong."""
    newer, older = f"{HOME}/{NEWER}", f"{HOME}/{OLDER}"
    config = f"{HOME}/django-current/config"
    return {
        "agent": "cd20b04956cba714",
        "root": True,
        "users": {"app_username": True, "admin_username": True},
        "unit": {"LoadState": "loaded", "ActiveState": "active"},
        "tools": {"git": "/usr/bin/git", "uv": None, "systemctl": "/usr/bin/systemctl", "python3": "/usr/bin/python3"},
        "transaction": None,
        "history": [],
        "lineage": [],
        "now": 1_795_475_500.0,
        "home": HOME,
        "deployment_path": f"{HOME}/deployment",
        "folders": {"versions_dir": "folder", "deployment_dir": "folder"},
        "links": {
            f"{HOME}/django-current": link(newer, newer),
            f"{HOME}/django-previous": link(older, older),
            f"{HOME}/django-working": link(newer, newer),
            f"{HOME}/django-previous-working": link(older, older),
            f"{HOME}/venv": link(f"{HOME}/django-current/venv", f"{newer}/venv"),
            f"{HOME}/django": link(f"{HOME}/django-current/code", f"{newer}/code"),
            f"{HOME}/deployment/settings.py": link(f"{config}/settings.py", f"{newer}/config/settings.py"),
            f"{HOME}/deployment/wsgi.py": link(f"{config}/wsgi.py", f"{newer}/config/wsgi.py"),
        },
        "linked": {"current": NEWER, "previous": OLDER, "working": NEWER, "previous_working": OLDER},
        "fixed": {f"{HOME}/venv": f"{HOME}/django-current/venv", f"{HOME}/django": f"{HOME}/django-current/code"},
        "deployment": {
            f"{HOME}/deployment/{name}": {"target": f"{config}/{name}", "resolved": f"{newer}/config/{name}"}
            for name in ("settings.py", "wsgi.py")
        },
        "scripts": {
            "backup_script": script("backup_database"),
            "maintenance_start_script": script("start_maintenance"),
            "maintenance_stop_script": script("stop_maintenance"),
            "restore_script": None,
        },
        "versions": [
            version(NEWER, links=("current", "working")),
            version(OLDER, links=("previous", "previous_working")),
        ],
        "disk": {"free": 10**10, "inodes": 10**6, "has_inodes": True},
        "healthy": {"healthy": True, "problem": None, "pids": [1, 2]},
        "hotfixes": {},
        "refs": {},
        "wheelhouse": None,
    }


def bare() -> dict[str, Any]:
    """A host that provision has made fit, and that no version was ever live on."""
    facts = host()
    facts["links"] = {path: no_link(path) for path in facts["links"] if "/deployment/" not in path}
    facts["linked"] = dict.fromkeys(facts["linked"])
    facts["healthy"] = {"healthy": False, "problem": "no version is live"}
    return {**facts, "deployment": {}, "versions": []}


def untouched() -> dict[str, Any]:
    """A host as it was installed: there is not even an app user."""
    facts = host()
    kept = ("root", "tools", "transaction", "history", "now")
    return {
        **{key: facts[key] for key in kept},
        "agent": None,
        "users": {"app_username": False, "admin_username": True},
        "unit": {"LoadState": "not-found"},
    }


def change(facts: dict[str, Any], *path: str, to: Any) -> dict[str, Any]:
    """The facts with one of them changed.

    + path: the keys that lead to it
    """
    inner = facts
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return facts
