"""A version as a build makes it of a project without a config repository, as far as its config goes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.project.found import find
from agent.project.texts import links, texts
from agent.versions.layout import Layout
from tests.unit import healthy


@pytest.fixture
def version(tmp_path: Path) -> Path:
    """A version whose project is as `startproject` makes it, in a folder, with a config of ours."""
    code = tmp_path / "code" / "src"
    code.mkdir(parents=True)
    # As some have it: the link to this folder is called `django`, and is not to be taken for that.
    (code / "__init__.py").touch()
    django(code, "-m", "django", "startproject", "mysite", ".")
    files = {str(path.relative_to(code.parent)): path.read_text() for path in code.rglob("*.py")}
    at = Layout(healthy.host_settings(), tmp_path)
    project = find(files, files.get, at.settings)
    config = tmp_path / "config"
    config.mkdir()
    (config / "modules").mkdir()
    for name, leads in links(at.settings, project).items():
        (config / name).symlink_to(leads)
    for name, text in texts(at, project).items():
        (config / name).write_text(text)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "secret_key").write_text("made here")
    return tmp_path


def django(folder: Path, *argv: str, **environment: str) -> str:
    """What a Python says in a folder."""
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}
    argv = (sys.executable, *argv)
    done = subprocess.run(argv, check=False, cwd=folder, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
