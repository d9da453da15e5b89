"""From an empty folder to the demo's site, for somebody who has no clone: pipx, init, setup, and a word a day."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bed.demo import NO_SITE
from tests.bed.guest import sign
from tests.bed.hosts import Host
from tests.bed.keys import HOST, LOGIN, public
from tests.bed.places import ROOT
from tests.invariants import visit

# An installation fetches packages, and a deploy may wait for other tests.
LIMIT = 400
SSH_CONFIG = """\
Host web1
    HostName 127.0.0.1
    Port {port}
    IdentityFile {key}
"""


@dataclass(frozen=True)
class Typed:
    """How a command that a person has typed has ended, and what they have read."""

    code: int
    output: str


Type = Callable[..., Typed]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, bare_host: Host) -> Path:
    """Somebody's home: with a way to the host by ssh, and a project that is only just on its way to be one."""
    bare_host.run(NO_SITE)
    home = tmp_path_factory.mktemp("home")
    (home / ".ssh").mkdir(mode=0o700)
    (home / ".ssh" / "config").write_text(SSH_CONFIG.format(port=bare_host.ssh_port, key=LOGIN))
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{bare_host.ssh_port} {public(HOST).read_text()}")
    shutil.copytree(ROOT / "tests" / "sample" / "project" / "first", home / "site")
    for words in (["init", "-q", "-b", "main"], ["remote", "add", "origin", "/srv/git/site.git"], ["add", "."]):
        subprocess.run(["git", "-C", home / "site", *words], check=True)
    return home


@pytest.fixture(scope="module")
def typed(home: Path) -> Type:
    """Types a line in a folder of that home, and waits."""
    own = {"HOME": str(home), "PATH": f"{home / '.local' / 'bin'}:{os.environ['PATH']}", "PYINFRA_PROGRESS": "off"}
    # Of this session's own environment nothing is to be taken for theirs.
    environ = {**{key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}, **own}

    def typed(line: str, folder: str = "site") -> Typed:
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=home / folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        return Typed(done.returncode, done.stdout)

    return typed


def test_pipx_installs_one_name_besides_what_it_needs(home: Path, typed: Type) -> None:
    done = typed(f"{sys.executable} -m pipx install {ROOT}", ".")
    assert done.code == 0, done.output
    assert typed("switchback --version").output.startswith("switchback 0.")
    (record,) = (home / ".local").rglob("venvs/switchback/lib/*/site-packages/switchback-*.dist-info/RECORD")
    tops = {line.partition("/")[0] for line in record.read_text().splitlines() if not line.startswith("../")}
    assert tops == {"switchback_tree", record.parent.name}


def test_init_reads_the_project_and_setup_brings_it_to_the_host(bare_host: Host, home: Path, typed: Type) -> None:
    begun = typed(f"switchback init --host web1 --website-url {bare_host.website_url}")
    assert begun.code == 0, begun.output
    assert "found: settings mysite.settings, which manage.py names" in begun.output
    with (home / "site" / "deploy" / "prod.yml").open("a") as file:
        # The bed's host has its packages in a folder.
        file.write("wheelhouse: /srv/wheelhouse\n")
    done = typed("switchback setup -y")
    assert done.code == 0, done.output
    # Provision, check and the deploy, each as it can be typed.
    assert len(re.findall(r"^\$ .*/pyinfra ", done.output, re.MULTILINE)) == 3
    assert "guestbook" in visit(bare_host).lower()


def test_what_is_printed_can_be_typed_from_anywhere(typed: Type) -> None:
    told = typed("switchback status", "site/mysite")
    assert "is live and healthy" in told.output
    line = re.search(r"^\$ (cd .*)$", told.output, re.MULTILINE)
    assert line
    assert "is live and healthy" in typed(line[1], ".").output


def test_a_deploy_that_fails_falls_back_and_says_so_by_its_exit_code(bare_host: Host, typed: Type) -> None:
    assert typed("switchback deploy second -y").code == 0
    assert "Place" in visit(bare_host)
    # What the migration trips over: a guest without a surname.
    sign(bare_host.website_url, "Sam", "I was here.")
    assert typed("switchback deploy bad-migration -y").code == 20
    assert typed("switchback deploy nowhere -y").code == 10
    assert typed("switchback revert -y").code == 0
