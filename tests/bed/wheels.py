"""The wheels that a host installs the sample site from, downloaded here: a host may not reach a package index."""

import platform
import re
import sys
import zipfile
from pathlib import Path

from tests.bed.progress import BedError, log_file, run_logged
from tests.bed.suites import chosen
from tests.sample import build as sample

# Of Django, what the sample has no use for: translations, and apps that it doesn't have. These are two of three files,
# and each version that a test builds has them all.
LEFT_OUT = re.compile(
    r"django/(?:.*/)?locale/(?!en/)[^/]+/|django/contrib/.*/locale/|"
    r"django/contrib/(?:admindocs|flatpages|gis|humanize|postgres|redirects|sitemaps|syndication)/|"
    r"django/contrib/admin/static/admin/js/vendor/select2/i18n/"
)


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
    for wheel in target.glob("django-*.whl"):
        leave_out(wheel, LEFT_OUT)


def leave_out(wheel: Path, what: re.Pattern[str]) -> None:
    """Take files out of a wheel, and out of its own list of them."""
    smaller = wheel.with_suffix(".smaller")
    with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(smaller, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in whole.infolist():
            content = whole.read(entry)
            if entry.filename.endswith(".dist-info/RECORD"):
                content = b"".join(line for line in content.splitlines(keepends=True) if not what.match(line.decode()))
            if not what.match(entry.filename):
                archive.writestr(entry, content)
    smaller.rename(wheel)


def pip_download(target: Path) -> list[str]:
    """The command that downloads wheels for a host's Python and this processor; which ones is to be added."""
    machine, python = platform.machine(), chosen().python
    platforms = [f"manylinux2014_{machine}", f"manylinux_2_17_{machine}", f"manylinux_2_28_{machine}"]
    command = [sys.executable, "-m", "pip", "download", "--dest", str(target), "--only-binary=:all:"]
    command += ["--implementation=cp", f"--python-version={python}"]
    command += [f"--abi={abi}" for abi in (f"cp{python}", "abi3", "none")]
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
