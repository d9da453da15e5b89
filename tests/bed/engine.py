"""The Docker engine: the one that is there, else, as root on Debian, one that is installed and started here."""

import functools
import os
import shutil
import subprocess
import time
from pathlib import Path

import docker
import requests
from docker.errors import DockerException

from tests.bed.progress import BedError, log_file, run_logged, say, step, tail

ENGINE_LOG = Path("/var/log/dockerd.log")
START_LIMIT = 60.0
# What a killed engine leaves behind: a new one refuses to start when another program has got the same process id since.
PID_FILES = {"/var/run/docker.pid": "dockerd", "/var/run/docker/containerd/containerd.pid": "containerd"}


@functools.cache
def client() -> docker.DockerClient:
    """A client of the engine; a silent command in a container may take as long as its time limit."""
    return docker.DockerClient.from_env(timeout=600)


def answers() -> bool:
    """Whether an engine answers, one that is meant by DOCKER_HOST or on the usual socket."""
    try:
        client().ping()
    except (DockerException, requests.RequestException):
        client.cache_clear()
        return False
    return True


def ensure_engine() -> None:
    """Make sure that an engine answers."""
    if answers():
        return
    if os.environ.get("DOCKER_HOST"):
        raise BedError(f"No Docker engine answers at DOCKER_HOST={os.environ['DOCKER_HOST']}. Start it, or unset it.")
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise BedError(
            "No Docker engine answers. Start Docker (and join the group docker), "
            "or run this as root on Debian, where it is installed and started for you."
        )
    if not shutil.which("dockerd"):
        with step("Installing the Docker engine (docker.io)"):
            install("docker.io")
    if not answers():
        with step("Starting the Docker engine"):
            start()


def install(*packages: str) -> None:
    """Install Debian packages on this machine."""
    log = log_file("apt")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    hint = "Check this machine's package sources and its network."
    run_logged(["apt-get", "update", "-q"], log, hint)
    run_logged(["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages], log, hint)


def start() -> None:
    """Start the engine and wait until it answers."""
    if Path("/run/systemd/system").is_dir():
        run_logged(["systemctl", "start", "docker"], log_file("docker"), "See `journalctl -u docker`.")
        engine = None
    else:
        drop_stale_pid_files()
        with ENGINE_LOG.open("w") as log:
            engine = subprocess.Popen(
                ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        say(f"  dockerd runs as process {engine.pid}, its log is {ENGINE_LOG}. It stays when this is over.")
    limit = time.monotonic() + START_LIMIT
    while not answers():
        if time.monotonic() > limit or (engine and engine.poll() not in (None, 0)):
            said = tail(ENGINE_LOG) if engine else "    See `journalctl -u docker`."
            raise BedError(f"The Docker engine doesn't start. What it said:\n{said}")
        time.sleep(0.2)


def drop_stale_pid_files() -> None:
    """Remove the process ids of engines that are gone."""
    for name, program in PID_FILES.items():
        file = Path(name)
        if not file.exists():
            continue
        command = Path("/proc", file.read_text().strip(), "comm")
        if not command.exists() or command.read_text().strip() != program:
            file.unlink()
