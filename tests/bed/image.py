"""The host image: a bare host, with the repositories of the sample and of the demo, and their wheels. Built when any
part of it has changed."""

import fcntl
import hashlib
import shutil
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from docker.errors import BuildError, ImageNotFound

from tests.bed import wheels
from tests.bed.base import REPOSITORY as BASE_REPOSITORY
from tests.bed.base import base_image, build_base
from tests.bed.engine import client
from tests.bed.places import BED
from tests.bed.progress import BedError, log_file, step, tail
from tests.bed.suites import chosen
from tests.sample import build as sample

REPOSITORY = "switchback-host"
SNAPSHOTS = "switchback-snapshot"
HERE = Path(__file__).parent
SAMPLE = Path(sample.__file__).parent


def host_image() -> str:
    """The name of the host image, made of what it is made of."""
    made_of = hashlib.sha256(base_image().encode())
    files = [Path(__file__), Path(wheels.__file__), Path(sample.__file__)]
    for directory in (HERE / "host", SAMPLE / "code", SAMPLE / "config", SAMPLE / "project"):
        files += [file for file in directory.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    for file in sorted(files):
        made_of.update(str(file.relative_to(HERE.parent)).encode() + b"\0" + file.read_bytes() + b"\0")
    return f"{REPOSITORY}:{chosen().name}-{made_of.hexdigest()[:12]}"


def exists(image: str) -> bool:
    """Whether the engine has an image."""
    try:
        client().images.get(image)
    except ImageNotFound:
        return False
    return True


def ensure_image() -> str:
    """The host image, built if it isn't there; one process builds, the others wait for it."""
    image = host_image()
    if exists(image):
        return image
    BED.mkdir(exist_ok=True)
    with (BED / "image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not exists(image):
            build_all(image)
    return image


def build_all(image: str) -> None:
    """Bootstrap the base if need be, while the wheels are downloaded, and build the host image on it."""
    with tempfile.TemporaryDirectory() as scratch:
        context = Path(scratch)
        with ThreadPoolExecutor() as pool:
            prepared = pool.submit(prepare, context)
            if not exists(base_image()):
                build_base(base_image())
            prepared.result()
        with step("Building the host image"):
            build(context, image)


def prepare(context: Path) -> None:
    """Gather what the host image is built from."""
    shutil.copytree(HERE / "host", context, dirs_exist_ok=True, symlinks=True)
    sample.build_repositories(context / "git")
    wheels.download_wheels(context / "wheelhouse")
    wheels.extract_uv(context / "wheelhouse", context / "uv")


def build(context: Path, image: str) -> None:
    """Build the host image from a directory."""
    log = log_file("image")
    with tempfile.TemporaryFile() as archive:
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(context, arcname=".", filter=as_root)
        archive.seek(0)
        try:
            _, output = client().images.build(
                fileobj=archive, custom_context=True, tag=image, rm=True, buildargs={"BASE": base_image()}
            )
        except BuildError as error:
            log.write_text("".join(said(line) for line in error.build_log))
            raise BedError(f"The host image can't be built: {error}\n{tail(log)}\n  All of it: {log}") from error
    log.write_text("".join(said(line) for line in output))


def said(line: object) -> str:
    """What a line of the engine's answer says of the build."""
    return str(line.get("stream", "")) if isinstance(line, dict) else ""


def as_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whoever builds the image, its files belong to root."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode |= 0o444 | (0o111 if entry.isdir() else 0)
    return entry


def remove_images() -> None:
    """Remove every image that the bed has made."""
    for repository in (SNAPSHOTS, REPOSITORY, BASE_REPOSITORY):
        for image in client().images.list(name=repository):
            client().images.remove(str(image.id), force=True)
