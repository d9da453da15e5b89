"""Hosts: containers that run systemd, reached by SSH and by HTTP on ports of this machine."""

import io
import os
import secrets
import shlex
import socket
import tarfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import cast

from docker.errors import APIError, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import Mount

from tests.bed.engine import client
from tests.bed.entering import process_of, run_in
from tests.bed.image import SNAPSHOTS, ensure_image
from tests.bed.keys import HOST, KNOWN_HOSTS, LOGIN, ensure_keys, public, remember_host
from tests.bed.places import ROOT
from tests.bed.progress import BedError
from tests.bed.suites import chosen

KIND = "switchback.kind"
LOGIN_ON_HOST = "/etc/ssh/authorized_keys/admin"
CHECKOUT = "switchback.checkout"
SSH_PORT = "switchback.ssh"
HTTP_PORT = "switchback.http"
READY_LIMIT = 60.0
READ_TRIES = 3
STOP_LIMIT = 20
# So often it is tried to stop every process of a host where it is.
FREEZES = 5
PORTS = range(20000, 32000)
PORT_TRIES = 20
# Where the kernel counts what a container uses of the processor, and in which part of a second: its cgroup, of the
# first version of cgroups or of the second, made by the engine or by systemd.
CGROUPS = Path("/sys/fs/cgroup")
NANO, MICRO = 1e-9, 1e-6
USED = {
    "cpuacct/docker/{}/cpuacct.usage": NANO,
    "docker/{}/cpu.stat": MICRO,
    "system.slice/docker-{}.scope/cpu.stat": MICRO,
}
# systemd itself says when the boot is over, once it can be asked. Debian's own pg_isready is a program that looks for
# this one first.
READY = (
    "until [ -S /run/dbus/system_bus_socket ]; do sleep 0.05; done; systemctl is-system-running --wait >/dev/null; "
    "PATH=$(echo /usr/lib/postgresql/*/bin):$PATH; "
    "until systemctl is-active -q nginx ssh && pg_isready -q; do sleep 0.05; done"
)


@dataclass(frozen=True)
class Host:
    """A container that stands for a host. Its site has the same port inside and outside."""

    name: str
    ssh_port: int
    http_port: int

    @property
    def container(self) -> Container:
        """The engine's own view of it, as of now."""
        return client().containers.get(self.name)

    @property
    def website_url(self) -> str:
        """The site's address, on the host and on this machine."""
        return f"http://127.0.0.1:{self.http_port}/"

    @property
    def connection(self) -> dict[str, str | int]:
        """What pyinfra needs to reach it, as host data."""
        return {
            "ssh_hostname": "127.0.0.1",
            "ssh_port": self.ssh_port,
            "ssh_user": "admin",
            "ssh_key": str(LOGIN),
            "ssh_known_hosts_file": str(KNOWN_HOSTS),
            "ssh_strict_host_key_checking": "yes",
            "website_url": self.website_url,
        }

    def run(self, command: str | Sequence[str], *, user: str = "root", check: bool = True) -> CompletedProcess[str]:
        """Run a command on the host, not by SSH: an argv, or a string for its shell."""
        argv = ["sh", "-c", command] if isinstance(command, str) else list(command)
        container = self.container
        process = process_of(container)
        if process:
            ended = run_in(process, argv, user=user)
            done = CompletedProcess(argv, ended.returncode, ended.stdout.decode(), ended.stderr.decode())
        else:
            result = container.exec_run(argv, user=user, demux=True)
            out, error = cast("tuple[bytes | None, bytes | None]", result.output)
            done = CompletedProcess(argv, result.exit_code or 0, (out or b"").decode(), (error or b"").decode())
        if check and done.returncode != 0:
            shown = shlex.join(argv)[:200]
            raise AssertionError(f"{self.name}: {shown} exits with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def read(self, command: str | Sequence[str], *, check: bool = True) -> str:
        """What a command prints that changes nothing and prints something: run again when the engine has lost that.

        On a busy machine an engine sometimes hands no output over, of a command that has ended well.
        """
        for _ in range(READ_TRIES):
            done = self.run(command, check=check)
            if done.stdout or done.returncode != 0:
                return done.stdout
        raise BedError(f"{self.name}: {command} prints nothing, {READ_TRIES} times")

    def write(self, path: str, content: str | bytes, *, mode: int = 0o644, owner: str = "root") -> None:
        """Write a file, anywhere but on a tmpfs (/run, /tmp)."""
        self.unpack(archive((path, content, mode)))
        if owner != "root":
            self.run(["chown", f"{owner}:", path])

    def unpack(self, packed: bytes) -> None:
        """Write files, packed as a tar, anywhere but on a tmpfs."""
        container = self.container
        process = process_of(container)
        if process:
            run_in(process, ["tar", "--extract", "--directory=/"], user="root", given=packed).check_returncode()
        else:
            container.put_archive("/", packed)

    @property
    def image(self) -> str:
        """The image that it was started from."""
        return str(self.container.attrs["Config"]["Image"])

    @property
    def checkout(self) -> Path:
        """The checkout whose bed it belongs to."""
        return Path(self.container.labels[CHECKOUT])

    def knows_keys(self) -> bool:
        """Whether it was made with the keys that this checkout's bed has now."""
        try:
            stream, _ = self.container.get_archive(LOGIN_ON_HOST)
        except NotFound:
            return False
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
            file = tar.extractfile(tar.getmembers()[0])
            return LOGIN.exists() and file is not None and file.read() == public(LOGIN).read_bytes()

    def resume(self) -> None:
        """Make sure that it runs, also after this machine was rebooted."""
        container = self.container
        if container.status == "paused":
            container.unpause()
        elif container.status != "running":
            container.start()
        self.wait()

    def reboot(self) -> None:
        """Shut it down in order, start it again, and wait until it is ready."""
        self.container.restart(timeout=STOP_LIMIT)
        self.wait()

    def pause(self) -> None:
        """Stop every process where it is: for those who talk to the host, its network is gone."""
        for left in reversed(range(FREEZES)):
            try:
                self.container.pause()
                break
            except APIError as problem:
                # The kernel gives up where some of them are at what can't be stopped just then.
                if "unable to freeze" not in str(problem) or not left:
                    raise

    def unpause(self) -> None:
        """Let the processes go on."""
        self.container.unpause()

    def kill_sessions(self) -> bool:
        """Cut every SSH session of the admin, as a lost network does; what they run goes on. Whether there was any."""
        return self.run(["pkill", "-KILL", "-f", "^sshd(-session)?: admin"], check=False).returncode == 0

    def hide_uv(self) -> None:
        """Take uv away, until the next reset, so that pip has to do."""
        self.run(["rm", "/usr/local/bin/uv"])

    def processor_seconds(self) -> float:
        """How long its processes have used the processor since it was started, as this machine's kernel counts it; 0 if
        it is down, or if the kernel's count is nowhere that is known."""
        one = self.container.id
        for pattern, unit in USED.items():
            for file in CGROUPS.glob(pattern.format(one)):
                # A host may just be going down.
                with suppress(OSError, ValueError):
                    return int(file.read_text().split()[0 if unit == NANO else 1]) * unit
        return 0.0

    def snapshot(self, tag: str) -> str:
        """Keep its disk (not /run and /tmp) as an image, and return that image's name."""
        self.container.commit(repository=SNAPSHOTS, tag=tag)
        return f"{SNAPSHOTS}:{tag}"

    def reset(self, image: str = "") -> None:
        """Start again at the same ports from an image: the bare host's, unless told otherwise."""
        kind = self.container.labels[KIND]
        self.remove()
        create(self, kind, image or ensure_image())
        self.wait()

    def remove(self) -> None:
        """Remove it, as it is."""
        self.container.remove(force=True, v=True)

    def wait(self) -> None:
        """Wait until SSH, PostgreSQL and nginx answer and the boot is over."""
        if self.run(["timeout", str(int(READY_LIMIT)), "sh", "-c", READY], check=False).returncode != 0:
            failed = self.run(["systemctl", "--failed", "--plain", "--no-legend"], check=False).stdout
            raise BedError(f"{self.name} isn't up after {READY_LIMIT:.0f} s. Units that failed:\n{failed}")
        limit = time.monotonic() + READY_LIMIT
        while not greets(self.ssh_port):
            if time.monotonic() > limit:
                raise BedError(f"SSH doesn't answer on {self.name} (port {self.ssh_port}).")
            time.sleep(0.02)


class PortTakenError(BedError):
    """Another program has the port."""


def greets(port: int) -> bool:
    """Whether an SSH server says hello on a port: Docker's own proxy takes a connection before that."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def free_port() -> int:
    """A port of this machine that nothing listens on, outside the range that outgoing connections take theirs from."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def archive(*files: tuple[str, str | bytes, int]) -> bytes:
    """Files with their paths and modes, packed for the engine."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, content, mode in files:
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode, entry.mtime = len(data), mode, int(time.time())
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def _cgroups() -> Path:
    """What a host sees of cgroups: what this machine has; or of the second version alone, as its suite has it, or where
    SWITCHBACK_CGROUPS asks for that.

    Where the machine has its controllers in the first version, a host of the second has none.
    """
    second, wanted = CGROUPS / "unified", os.environ.get("SWITCHBACK_CGROUPS") or chosen().cgroups
    return second if wanted == "2" and second.is_dir() else CGROUPS


def create(host: Host, kind: str, image: str, disks: Sequence[str] = ()) -> None:
    """Create and start a host's container, with the bed's keys and its own port in it.

    + disks: directories that lie on the machine's own file system, as on a host that is no container
    """
    ensure_keys()
    container = client().containers.create(
        image,
        name=host.name,
        hostname=host.name,
        labels={KIND: kind, CHECKOUT: str(ROOT), SSH_PORT: str(host.ssh_port), HTTP_PORT: str(host.http_port)},
        ports={
            "22/tcp": ("127.0.0.1", host.ssh_port),
            f"{host.http_port}/tcp": ("127.0.0.1", host.http_port),
        },
        # What systemd needs of a container: less than --privileged, which may be refused.
        cap_add=["SYS_ADMIN"],
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        cgroupns="host",
        volumes={str(_cgroups()): {"bind": "/sys/fs/cgroup", "mode": "rw"}},
        mounts=[Mount(folder, source=None, type="volume") for folder in disks],
        tmpfs={"/run": "mode=755,exec", "/run/lock": "", "/tmp": "mode=1777,exec"},
    )
    try:
        container.put_archive(
            "/",
            archive(
                ("/etc/ssh/ssh_host_ed25519_key", HOST.read_bytes(), 0o600),
                ("/etc/ssh/ssh_host_ed25519_key.pub", public(HOST).read_bytes(), 0o644),
                # Root's file, which sshd accepts as well, so that its owner's id needn't be known.
                (LOGIN_ON_HOST, public(LOGIN).read_bytes(), 0o644),
                ("/etc/nginx/bed-listen.conf", f"listen {host.http_port};\n", 0o644),
            ),
        )
        container.start()
    except APIError:
        container.remove(force=True, v=True)
        raise
    remember_host(host.ssh_port)


def start(
    name: str,
    *,
    kind: str = "test",
    ssh_port: int = 0,
    http_port: int = 0,
    image: str = "",
    disks: Sequence[str] = (),
) -> Host:
    """Start a host from an image (the bare host's unless told otherwise), at free ports unless told otherwise.

    + disks: as `create` has it
    """
    image = image or ensure_image()
    tries = 1 if ssh_port and http_port else PORT_TRIES
    for remaining in reversed(range(tries)):
        host = Host(name, ssh_port or free_port(), http_port or free_port())
        try:
            create(host, kind, image, disks)
        except APIError as error:
            if not taken(error):
                raise
            if not remaining:
                raise PortTakenError(f"{name} can't have port {host.ssh_port} or {host.http_port}.") from error
        else:
            break
    host.wait()
    return host


def taken(error: APIError) -> bool:
    """Whether the engine refused because another program has the port."""
    return "port is already allocated" in str(error) or "address already in use" in str(error)


def find(name: str) -> Host | None:
    """The host of that name, running or stopped."""
    try:
        return known(client().containers.get(name))
    except NotFound:
        return None


def hosts(kind: str) -> list[Host]:
    """All of this checkout's hosts of a kind, running or stopped, by name."""
    containers = labelled(f"{KIND}={kind}", f"{CHECKOUT}={ROOT}")
    return sorted((known(container) for container in containers), key=lambda host: host.name)


def left(checkout: Path | None = None) -> bool:
    """Whether there is a host of any kind, of one checkout or of any."""
    return bool(labelled(KIND, *([f"{CHECKOUT}={checkout}"] if checkout else [])))


def labelled(*labels: str) -> list[Container]:
    """All containers with these labels, running or stopped."""
    # Another one may be removed at this very moment.
    return client().containers.list(all=True, filters={"label": list(labels)}, ignore_removed=True)


def known(container: Container) -> Host:
    """The host that a container is."""
    labels = container.labels
    return Host(str(container.name), int(labels[SSH_PORT]), int(labels[HTTP_PORT]))


def remove_snapshot(image: str) -> None:
    """Forget a snapshot."""
    try:
        client().images.remove(image, force=True)
    except ImageNotFound:
        return
