"""The config of a version that has no config repository: its files, of the project as it was found and of the settings.
Pure, and the same text for the same commit and settings; nothing in it names a version."""

from __future__ import annotations

import hashlib
import json
import posixpath
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from agent.environment.start import CODE, MODULES, SETTINGS, START
from agent.project import release
from agent.project.found import Project
from agent.project.processes import programs_of
from agent.project.programs import supervisord_conf
from agent.project.release import RELEASE
from agent.text.own import source_of
from agent.versions.layout import SUPERVISORD, Layout
from agent.words.settings import Settings
from agent.words.shapes import bare

FILLING = "switchback_filling"
MADE = "Made anew for each version, of the code and the settings of its deploy."
# Python's own place is followed as it starts: what it imports later is of the same version, though the links lead to
# another one by then. The folder of these files comes last, since `django` is in it, too.
PATHS = f"""\
HERE = os.path.dirname(os.path.realpath(__file__))
PROJECT = os.path.realpath(os.path.join(HERE, "{CODE}"))
sys.path[:] = [PROJECT, *(one for one in sys.path if os.path.realpath(one) not in (PROJECT, HERE)), HERE]
os.environ["DJANGO_SETTINGS_MODULE"] = "{SETTINGS}"
"""
MANAGE = f'''\
#!/usr/bin/env python3
"""The project's own manage.py, with the settings of this version.

{MADE}
"""

import os
import runpy
import sys

{PATHS}
if __name__ == "__main__":
    if os.path.realpath(os.getcwd()) == HERE:
        # What the project names by relative paths is there.
        os.chdir(PROJECT)
    sys.argv[0] = os.path.join(PROJECT, "manage.py")
    runpy.run_path(sys.argv[0], run_name="__main__")
'''
SERVER = f'''\
"""The project's own application, with the settings of this version.

{MADE}
"""

import os
import sys

{PATHS}
$application

from django.conf import settings  # noqa: E402

if settings.SETTINGS_MODULE != "{SETTINGS}":
    raise RuntimeError(
        f"$module has set DJANGO_SETTINGS_MODULE to {{settings.SETTINGS_MODULE}}, whatever it was: "
        "write os.environ.setdefault in it"
    )
'''
FILLED = f'''\
"""The settings of this version: the project's own, and what they leave open.

{MADE}
"""

import os

from $settings import *  # noqa: F403

from {FILLING} import fill

VERSION = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
SWITCHBACK_SET = fill(
    globals(),
    version=VERSION,
    project=os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "{CODE}")),
    static=os.path.join(VERSION, $static),
    shared=$shared,
    website_url=$website_url,
    hosts=$hosts,
)
'''


def links(settings: Settings, project: Project) -> dict[str, str]:
    """The links of a config, each with where it leads."""
    modules = [f"{name}.py" for name in (SETTINGS, FILLING, f"{project.server}_switchback")]
    return {
        CODE: posixpath.join("..", settings.code_subdir, project.folder).rstrip("/"),
        **{posixpath.join(MODULES, name): posixpath.join("..", name) for name in modules},
    }


def texts(layout: Layout, project: Project, single: bool = True) -> dict[str, str]:
    """The files of a version's config, each with its text.

    + single: whether the host is the one that has what runs on one of all
    """
    released = {RELEASE: release.text(project.release)} if project.release else {}
    return {
        **released,
        "manage.py": MANAGE,
        f"{SETTINGS}.py": _settings(layout, project),
        f"{FILLING}.py": source_of("agent.project.filling"),
        f"{project.server}_switchback.py": _server(project),
        START: source_of("agent.environment.start"),
        SUPERVISORD: supervisord_conf(layout, project, MADE, single),
    }


def recipe(settings: Settings, single: bool) -> str:
    """A fingerprint of all but the code that a generated config is made of. Pure, the same on controller and host.

    + single: whether the host is the one that has what runs on one of all
    """
    overruled = [settings.project_dir, settings.settings_module, settings.application, bare(settings.processes)]
    programs = programs_of(settings.processes, {})
    project = Project("", "project.settings", "wsgi", "project.wsgi", "application", programs=programs)
    written = texts(Layout(settings, Path("~")), project, single)
    told = json.dumps([overruled, links(settings, project), written, single], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _settings(layout: Layout, project: Project) -> str:
    asked = layout.settings
    visited = urlsplit(asked.website_url).hostname or ""
    # How the proof of health names the host.
    named = [value.partition(":")[0] for key, value in asked.health_headers.items() if key.lower() == "host"]
    return Template(FILLED).substitute(
        settings=project.settings,
        static=json.dumps(asked.static_subdir),
        shared=json.dumps(str(layout.home / "shared")),
        website_url=json.dumps(asked.website_url),
        hosts=json.dumps(list(dict.fromkeys([visited, *named]))),
    )


def _server(project: Project) -> str:
    module = project.module or f"django.core.{project.server}"
    application = f"from {module} import {project.name} as application  # noqa: E402, F401"
    if not project.module:
        get = f"get_{project.server}_application"
        application = f"from {module} import {get}  # noqa: E402\n\napplication = {get}()"
    elif project.name == "application":
        application = f"from {module} import application  # noqa: E402, F401"
    return Template(SERVER).substitute(application=application, module=module)
