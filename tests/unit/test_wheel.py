"""What an installation brings: one name besides its own record, and below it all that a checkout runs with."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TREE = ("agent", "deploys", "facts", "inventories", "operations", "switchback")
NAME = "switchback_tree"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of all files in the wheel, which is built of a copy: building leaves things behind."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("made")
    for folder in TREE:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("config.py", "pyproject.toml", "README.md", "setup.py"):
        shutil.copy(ROOT / file, source)
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "-w", made, source], check=True)
    (wheel,) = made.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_nothing_is_installed_but_one_name(names: list[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert [top for top in tops if not top.endswith(".dist-info")] == [NAME]
    assert len(tops) == 2


def test_below_it_is_all_that_a_checkout_runs_with_and_nothing_else(names: list[str]) -> None:
    files = {path for folder in TREE for path in (ROOT / folder).rglob("*") if path.is_file()}
    here = {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    # A person's own inventory is no part of it, and nobody commits it.
    here -= {"inventories/bed.py"}
    installed = {name.removeprefix(f"{NAME}/") for name in names if name.startswith(f"{NAME}/")}
    assert installed - {"inventories/bed.py"} == here | {"config.py", "setup.py"}


def test_its_command_is_found_in_it(names: list[str]) -> None:
    assert f"{NAME}/switchback/cli/start.py" in names
    assert f'switchback = "{NAME}.switchback.cli.start:main"' in (ROOT / "pyproject.toml").read_text()
