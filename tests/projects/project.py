"""A project as its developer has it, and the config repository that goes with it."""

from __future__ import annotations

from pathlib import Path

from tests.bed.hosts import Host
from tests.projects.repositories import Repository, place_folder
from tests.projects.tools import wheels

MANAGE = """\
#!/usr/bin/env python3
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.realpath(os.path.join(HERE, "django"))]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
"""
SERVED = """\
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.realpath(os.path.join(HERE, "django"))]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

from django.core.{kind} import get_{kind}_application

application = get_{kind}_application()
"""
# What is the host's own, and in no project as it is made.
ON_HOST = """\

DEBUG = False
ALLOWED_HOSTS = ["*"]
STATIC_ROOT = "/home/app/django-current/static"
MEDIA_ROOT = "/home/app/data/media"
"""


# What starts it on the host, and in no project as it is made; and what does besides where it is ASGI.
SERVER = ("gunicorn", "supervisor>=4.3")
ASGI_SERVER = ("uvicorn", "uvicorn-worker")


class Project:
    """The code and the config of a site.

    + requirements: the project's own; served_by: what else the host finds wheels of
    """

    def __init__(self, folder: Path, *requirements: str) -> None:
        self.requirements = requirements
        self.served_by: tuple[str, ...] = SERVER
        self.code = Repository(folder / "code")
        self.config = Repository(folder / "config")

    def configure(self, settings: str = "", *, imports: str = "mysite.settings", code: str = "../code") -> None:
        """Write the config as the layout wants it.

        + settings: lines after those that import the project's own settings and say what is the host's
        + imports: the project's own settings module
        + code: where manage.py's folder is, from the config's
        """
        self.config.write("manage.py", MANAGE, mode=0o755)
        self.config.write("wsgi.py", SERVED.format(kind="wsgi"))
        self.config.write("settings.py", f"from {imports} import *\n{ON_HOST}{settings}")
        if not (self.config.folder / "django").is_symlink():
            self.config.link("django", code)

    def require(self, *others: str) -> None:
        """Write requirements.txt."""
        self.code.write("requirements.txt", "\n".join([*self.requirements, *others]) + "\n")

    def place(self, host: Host) -> None:
        """Lay both repositories and the wheels on a host, in the place of the sample's."""
        self.code.place(host, "/srv/git/code.git")
        self.config.place(host, "/srv/git/config.git")
        place_folder(host, wheels([*self.requirements, *self.served_by]), "/srv/wheelhouse")
