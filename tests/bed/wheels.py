"""The wheels that a host installs the sample site from, downloaded here: a host may not reach a package index."""

import platform
import sys
import zipfile
from pathlib import Path

from tests.bed.progress import BedError, log_file, run_logged
from tests.sample import build as sample

HOST_PYTHON = "311"  # Debian bookworm's.


def requirement_files() -> list[Path]:
    """The sample's requirements at every tag whose requirements exist."""
    found = sorted(Path(sample.__file__).parent.glob("code/*/requirements.txt"))
    return [file for file in found if file.parent.name != "bad-requirements"]


def download_wheels(target: Path) -> None:
    """Download all wheels of the sample, and uv's own."""
    command = pip_download(target)
    for file in requirement_files():
        command += ["--requirement", str(file)]
    run_logged([*command, "uv"], log_file("wheels"), "Check that pip reaches its package index.")


def pip_download(target: Path) -> list[str]:
    """The command that downloads wheels for a host's Python and this processor; which ones is to be added."""
    machine = platform.machine()
    platforms = [f"manylinux2014_{machine}", f"manylinux_2_17_{machine}", f"manylinux_2_28_{machine}"]
    command = [sys.executable, "-m", "pip", "download", "--dest", str(target), "--only-binary=:all:"]
    command += ["--implementation=cp", f"--python-version={HOST_PYTHON}"]
    command += [f"--abi={abi}" for abi in (f"cp{HOST_PYTHON}", "abi3", "none")]
    return command + [f"--platform={name}" for name in platforms]


def extract_uv(wheels: Path, target: Path) -> None:
    """Take the program out of uv's wheel."""
    wheel = next(wheels.glob("uv-*.whl"), None)
    if wheel is None:
        raise BedError(f"No wheel of uv was downloaded to {wheels}.")
    with zipfile.ZipFile(wheel) as archive:
        program = next(name for name in archive.namelist() if name.endswith(".data/scripts/uv"))
        target.write_bytes(archive.read(program))
    target.chmod(0o755)
    wheel.unlink()
