"""The base image: a Debian with what a host needs, bootstrapped from Debian's archive: no registry is needed."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from tests.bed.engine import client, install
from tests.bed.progress import BedError, log_file, run_logged, step
from tests.bed.suites import chosen

REPOSITORY = "switchback-base"
PACKAGES = (
    "acl",
    "ca-certificates",
    "curl",
    "dbus",
    "git",
    "iproute2",
    "libfaketime",
    "logrotate",
    "nginx-light",
    "openssh-server",
    "postgresql",
    "procps",
    "python3",
    "python3-pip",
    "python3-venv",
    "sudo",
    "systemd",
    "systemd-sysv",
)
MIRROR = os.environ.get("BED_MIRROR", "http://deb.debian.org/debian")
# Documentation, and the compiler that PostgreSQL loads only when it may compile queries: a third of the image.
LEFT_OUT = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/locale/*",
    "/usr/lib/*/libLLVM*",
    "/usr/lib/postgresql/*/lib/bitcode/*",
)


def base_image() -> str:
    """The name of the base image, made of what it is made of."""
    suite = chosen().name
    made_of = hashlib.sha256(Path(__file__).read_bytes() + f"{suite} {MIRROR}".encode())
    return f"{REPOSITORY}:{suite}-{made_of.hexdigest()[:12]}"


def build_base(image: str) -> None:
    """Bootstrap the base image of the chosen suite."""
    if not shutil.which("mmdebstrap"):
        install_mmdebstrap()
    with step(f"Bootstrapping Debian {chosen().name} (mmdebstrap)"), tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "base.tar"
        os.environ["LC_ALL"] = "C.UTF-8"  # The encoding of PostgreSQL's cluster.
        run_logged(
            [
                "mmdebstrap",
                "--variant=minbase",
                "--dpkgopt=force-unsafe-io",
                *(f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT),
                f"--include={','.join(PACKAGES)}",
                chosen().name,
                str(archive),
                MIRROR,
            ],
            log_file("mmdebstrap"),
            f"Check that {MIRROR} can be reached; the variable BED_MIRROR names another mirror.",
        )
        repository, tag = image.split(":")
        client().api.import_image_from_file(str(archive), repository=repository, tag=tag)


def install_mmdebstrap() -> None:
    """Install what bootstraps Debian, where that is allowed."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise BedError("mmdebstrap is missing. Install it: sudo apt-get install mmdebstrap debian-archive-keyring")
    with step("Installing mmdebstrap"):
        install("mmdebstrap", "debian-archive-keyring")
