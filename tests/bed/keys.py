"""The bed's SSH keys: one that the admin of every host lets in, and the one that every host is known by."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.bed.places import BED

LOGIN = BED / "id_ed25519"
HOST = BED / "host_ed25519"
KNOWN_HOSTS = BED / "known_hosts"


def ensure_keys() -> None:
    """Make the keys that are missing."""
    BED.mkdir(exist_ok=True)
    for key in (LOGIN, HOST):
        if key.exists() and public(key).exists():
            continue
        made = Ed25519PrivateKey.generate()
        public(key).write_bytes(made.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b"\n")
        key.touch(mode=0o600)
        key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))


def public(key: Path) -> Path:
    """A key's public half."""
    return key.with_name(f"{key.name}.pub")


def remember_host(port: int) -> None:
    """Make the host at a port of this machine a known one."""
    line = f"[127.0.0.1]:{port} {public(HOST).read_text()}"
    with KNOWN_HOSTS.open("a+") as file:
        file.seek(0)
        if line not in file.readlines():
            file.write(line)
