"""Host images with more on them, for what few tests need: made when one asks, on the host image, and kept until that or
what is on them changes."""

import fcntl
import hashlib
import io
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from docker.errors import BuildError

from tests.bed.engine import client
from tests.bed.image import REPOSITORY, as_root, ensure_image, exists, said
from tests.bed.places import BED
from tests.bed.progress import BedError, log_file, step, tail

RECIPE = """\
FROM {image}
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends {packages} \
    && apt-get clean && rm -rf /var/lib/apt/lists/*
RUN {then}
"""

# Debian shuts redis in by what a container may not do.
REDIS_UNIT = "/etc/systemd/system/redis-server.service.d"
FREED = "[Service]\\nPrivateUsers=no\\nPrivateDevices=no\\nProtectKernelTunables=no\\nProtectKernelModules=no\\n"


def image_with_redis() -> str:
    """The host image with redis, which answers at its usual port."""
    return image_with("redis-server", then=f"mkdir -p {REDIS_UNIT} && printf '{FREED}' >{REDIS_UNIT}/bed.conf")


def image_with(*packages: str, then: str = "true") -> str:
    """The host image with these packages, made if it isn't there.

    + then: a command of the shell that is run once they are installed
    """
    recipe = RECIPE.format(image=ensure_image(), packages=" ".join(packages), then=then)
    return made_of(recipe, f"Building a host image with {', '.join(packages)}")


def made_of(recipe: str, what: str, gather: Callable[[Path], None] = lambda context: None) -> str:
    """The image that a recipe makes, made if it isn't there; one process does, the others wait for it.

    + what: as it is said meanwhile; gather: puts what is copied into the image into a folder
    """
    image = f"{REPOSITORY}:with-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    BED.mkdir(exist_ok=True)
    with (BED / "more.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not exists(image):
            with step(what), tempfile.TemporaryDirectory() as scratch:
                (Path(scratch) / "Dockerfile").write_text(recipe)
                gather(Path(scratch))
                _build(Path(scratch), image)
    return image


def _build(context: Path, image: str) -> None:
    log = log_file("image-with-more")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(context, arcname=".", filter=as_root)
    packed.seek(0)
    try:
        _, output = client().images.build(fileobj=packed, custom_context=True, tag=image, rm=True)
    except BuildError as error:
        log.write_text("".join(said(line) for line in error.build_log))
        raise BedError(f"The image can't be built: {error}\n{tail(log)}\n  All of it: {log}") from error
    log.write_text("".join(said(line) for line in output))
