"""Bare hosts for trying things by hand, with an inventory of their own."""

from concurrent.futures import ThreadPoolExecutor
from pprint import pformat

from tests.bed import hosts
from tests.bed.engine import answers, ensure_engine
from tests.bed.hosts import Host
from tests.bed.image import ensure_image
from tests.bed.places import ROOT
from tests.bed.progress import say, step

KIND = "hosts"
INVENTORY = ROOT / "inventories" / "bed.py"
SETTINGS = ROOT / "group_data" / "bed.yml"
SSH_OPTIONS = "-o UserKnownHostsFile=.bed/known_hosts"
SETTINGS_TEXT = """\
# Made by `make hosts`. The hosts' addresses are in inventories/bed.py.
code_repo_url: /srv/git/code.git
config_repo_url: /srv/git/config.git
code_branch: good-1
config_branch: main
wheelhouse: /srv/wheelhouse
"""


def hosts_up(number: int) -> None:
    """Start so many bare hosts, reusing those that are there, and say what to type."""
    ensure_engine()
    image = ensure_image()
    names = [f"switchback-bed-{one}" for one in range(1, number + 1)]
    with step(f"Starting {number} hosts"), ThreadPoolExecutor() as pool:
        started = list(pool.map(lambda name: up(name, image), names))
    INVENTORY.write_text(inventory(started))
    SETTINGS.write_text(SETTINGS_TEXT)
    say("\nBare hosts, and the command that logs in:\n")
    for host in started:
        say(f"  {host.website_url}  ssh -p {host.ssh_port} -i .bed/id_ed25519 {SSH_OPTIONS} admin@127.0.0.1")
    say(
        "\nType:\n\n"
        "  .venv/bin/pyinfra inventories/bed.py deploys/provision.py -y\n"
        "  .venv/bin/pyinfra inventories/bed.py deploys/deploy.py -y\n\n"
        "`make hosts-down` removes them."
    )


def up(name: str, image: str) -> Host:
    """The host of that name, started if need be."""
    host = hosts.find(name)
    if host is not None and host.knows_keys():
        host.resume()
        return host
    if host is not None:
        host.remove()
    return hosts.start(name, kind=KIND, image=image)


def inventory(started: list[Host]) -> str:
    """The text of an inventory of these hosts."""
    listed = [(host.name.removeprefix("switchback-"), host.connection) for host in started]
    return (
        '"""Made by `make hosts`; `make hosts-down` removes it."""\n\n'
        "from switchback.hosts.inventory import inventory\n\n"
        f"app = inventory(__file__, hosts={pformat(listed, width=100, sort_dicts=False)})\n"
    )


def hosts_down() -> None:
    """Remove the bare hosts and their inventory."""
    if answers():
        for host in hosts.hosts(KIND):
            with step(f"Removing the host {host.name}"):
                host.remove()
    for file in (INVENTORY, SETTINGS):
        file.unlink(missing_ok=True)
