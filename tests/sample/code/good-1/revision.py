"""Which commits this process runs: read once, when it starts, from the checkouts that it was started from."""

import os
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, JsonResponse


def commit(checkout: Path) -> str:
    """The full SHA that a checkout is at, read from its files (git itself may refuse another user's checkout)."""
    git = checkout / ".git"
    if git.is_file():
        git = checkout / git.read_text().removeprefix("gitdir:").strip()
    head = (git / "HEAD").read_text().strip()
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    shared = git / (git / "commondir").read_text().strip() if (git / "commondir").exists() else git
    if (shared / name).exists():
        return (shared / name).read_text().strip()
    for line in (shared / "packed-refs").read_text().splitlines():
        sha, _, ref = line.partition(" ")
        if ref == name:
            return sha
    return ""


CODE = commit(settings.CODE_DIR)
CONFIG = commit(settings.CONFIG_DIR)


def version(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"code": CODE, "config": CONFIG, "pid": os.getpid()})
