"""A bastion: a host that has this checkout and what that needs, and a user who deploys from there."""

import io
import tarfile
from collections.abc import Mapping
from importlib.metadata import requires
from pathlib import Path
from pprint import pformat

from tests.bed.hosts import Host
from tests.bed.image import as_root, ensure_image
from tests.bed.keys import HOST, LOGIN, public
from tests.bed.more import made_of
from tests.bed.places import ROOT
from tests.bed.progress import log_file, run_logged
from tests.bed.wheels import pip_download

OWNER = "ann"
HOME = f"/home/{OWNER}"
CHECKOUT = f"{HOME}/switchback"
TREE = ("agent", "config.py", "deploys", "facts", "inventories", "operations", "switchback")
# The owner may become root, as somebody may who sets a machine up.
RECIPE = """\
FROM {image}
COPY wheels/ /tmp/wheels/
RUN python3 -m venv /opt/switchback \
    && /opt/switchback/bin/pip install --quiet --no-index --find-links /tmp/wheels {needs} && rm -r /tmp/wheels
RUN useradd --create-home --shell /bin/bash --password '*' {owner} \
    && echo '{owner} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{owner} && chmod 440 /etc/sudoers.d/{owner}
"""


def needs() -> list[str]:
    """What a checkout needs to deploy from it."""
    return [one for one in requires("switchback") or () if "extra ==" not in one]


def bastion_image() -> str:
    """The image of a bastion, made if it isn't there."""
    quoted = " ".join(f"'{one}'" for one in needs())
    recipe = RECIPE.format(image=ensure_image(), needs=quoted, owner=OWNER)
    return made_of(recipe, "Building a bastion's image", _gather)


def _gather(context: Path) -> None:
    argv = [*pip_download(context / "wheels"), *needs()]
    run_logged(argv, log_file("bastion-wheels"), "Check that pip reaches its package index.")


def lay_checkout(bastion: Host, target: Host, files: Mapping[str, str]) -> None:
    """Put the checkout on it, and the key that its owner has for the host that is deployed to.

    + files: what is in the checkout besides, by its path in that: settings, gateway.yml
    """
    address = target.container.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    host_key = public(HOST).read_text()
    connection = {"ssh_hostname": address, "ssh_user": "admin", "website_url": target.website_url}
    inventory = (
        "from switchback.hosts.inventory import inventory\n\n"
        f"app = inventory(__file__, hosts={pformat([(target.name, connection)])})\n"
    )
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in TREE:
            tar.add(ROOT / name, arcname=f"{CHECKOUT}/{name}", filter=_source)
        texts = {f"{CHECKOUT}/inventories/prod.py": inventory, f"{HOME}/.ssh/known_hosts": f"{address} {host_key}"}
        texts |= {f"{CHECKOUT}/{path}": text for path, text in files.items()}
        texts |= {f"{HOME}/.ssh/id_ed25519": LOGIN.read_text()}
        for path, text in texts.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text.encode()), 0o600 if "/.ssh/" in path else 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
    bastion.unpack(packed.getvalue())
    bastion.run(["ln", "-s", "/opt/switchback", f"{CHECKOUT}/.venv"])
    bastion.run(["chown", "-R", "-h", f"{OWNER}:", HOME])
    bastion.run(["chmod", "700", f"{HOME}/.ssh"])


def _source(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in entry.name else as_root(entry)
