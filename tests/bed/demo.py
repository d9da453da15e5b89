"""The demo: one host with an ordinary Django project, provisioned and deployed to as a user does it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.bed import hosts
from tests.bed.engine import answers, ensure_engine
from tests.bed.guest import sign
from tests.bed.hosts import Host, PortTakenError
from tests.bed.image import ensure_image, host_image, remove_images
from tests.bed.legacy import wait_for_site
from tests.bed.places import BED, DEMO, ROOT, RUNS
from tests.bed.progress import BedError, log_file, run_logged, say, step

NAME = "switchback-demo"
PORT = 8800
BOOT_LIMIT = 8.0
PYINFRA = str(Path(sys.executable).with_name("pyinfra"))
INVENTORY = "inventories/demo.py"
# The web server of a host of the bed has the sample's site; the demo's is for provision to set up.
NO_SITE = "rm -f /etc/nginx/sites-enabled/default && systemctl reload nginx"
ON_HOST = f".venv/bin/pyinfra {INVENTORY}"
NEXT = f"""
Try next, from {ROOT}:

  What would a deploy do? Nothing is changed:
    {ON_HOST} deploys/deploy.py --data code=second --dry --diff

  A deploy that fails in its second migration, and falls back:
    {ON_HOST} deploys/deploy.py --data code=bad-migration -y

  A deploy that works, and the way back; the guestbook stays, and keeps all that was written:
    {ON_HOST} deploys/deploy.py --data code=second -y
    {ON_HOST} deploys/revert.py -y

`make demo-down` removes it all.
"""


def demo(port: int) -> None:
    """Start the demo, or what of it isn't running; `port` is the site's, 0 for the usual or the one that it has."""
    ensure_engine()
    host = usable(port)
    fresh = host is None
    if host is None:
        host = start(port or PORT)
    DEMO.write_text(json.dumps({"demo": host.connection}, indent=2))
    if fresh or not serves(host):
        with step("Provisioning it (deploys/provision.py)"):
            host.run(NO_SITE)
            run_logged([PYINFRA, INVENTORY, "deploys/provision.py", "-y"], log_file("provision"), "What it said:")
        run_pyinfra("deploys/deploy.py", "-y")
        sign(host.website_url, "Sam", "I was here before the second version was.")
    else:
        say("  The demo is up already, and left as it is.")
    run_pyinfra("deploys/status.py")
    say(f"\nThe site: {host.website_url}\n{NEXT}")


def usable(port: int) -> Host | None:
    """The demo's host as an earlier run left it, running; None if there is none that can be used."""
    host = hosts.find(NAME)
    if host is None:
        return None
    if host.checkout != ROOT and host.checkout.exists():
        raise BedError(f"The demo of {host.checkout} is up. Run `make demo-down` there first.")
    if host.checkout != ROOT or not host.knows_keys():
        say("  Removing the host of an earlier demo, whose keys are gone.")
        host.remove()
        return None
    if port not in (0, host.http_port):
        raise BedError(f"The demo has port {host.http_port}. Run `make demo-down` first to give it port {port}.")
    if host.image != host_image():
        say("  The host is older than its image would be now: `make demo-down demo` makes a new one.")
    with step(f"Finding the host {NAME}"):
        host.resume()
    return host


def start(port: int) -> Host:
    """Start the demo's host."""
    image = ensure_image()
    with step(f"Starting the host {NAME}"):
        try:
            return hosts.start(NAME, kind="demo", http_port=port, image=image)
        except PortTakenError as error:
            raise BedError(f"Port {port} is taken. Choose another one: make demo DEMO_PORT={port + 1}") from error


def serves(host: Host) -> bool:
    """Whether the host has a site that works, once it has had the time to start."""
    try:
        wait_for_site(host, BOOT_LIMIT)
    except BedError:
        return False
    return True


def run_pyinfra(*arguments: str) -> None:
    """Run pyinfra on the demo's host, its output as a user sees it."""
    say(f"\n$ {ON_HOST} {' '.join(arguments)}")
    if subprocess.run([PYINFRA, INVENTORY, *arguments], cwd=ROOT, check=False).returncode != 0:
        raise BedError(f"`{ON_HOST} {' '.join(arguments)}` failed, see above.")


def demo_down() -> None:
    """Remove the demo's host, and what it was made from unless other hosts need it."""
    if answers():
        host = hosts.find(NAME)
        if host is not None:
            with step(f"Removing the host {NAME}"):
                host.remove()
        if hosts.left():
            say("  The images stay, for there are other hosts.")
        else:
            with step("Removing the images"):
                remove_images()
        if hosts.left(ROOT):
            say("  The keys in .bed stay, for this checkout has other hosts: `make hosts-down` removes those.")
            DEMO.unlink(missing_ok=True)
            return
    for path in BED.glob("*"):
        if path.is_dir() and path != RUNS:
            shutil.rmtree(path, ignore_errors=True)
        elif path != RUNS:
            path.unlink(missing_ok=True)
