"""The steps of script.sh as users of Fabric write them: a command each, all over one SSH connection."""

import os
from datetime import datetime, timezone

from fabric import Connection, task
from paramiko import RejectPolicy

HOME = "/home/app"
CURRENT, PREVIOUS = f"{HOME}/django-current", f"{HOME}/django-previous"
# Versions that stay besides the one before the live one.
KEEP = 1
WAIT = """
for _ in $(seq 300); do
    if curl --silent --fail --output /dev/null http://127.0.0.1:8000/; then exit 0; fi
    sleep 0.1
done
exit 1
"""


@task
def deploy(c: Connection, branch: str) -> None:
    """Deploy a branch."""
    check_host_key(c)
    version = f"{HOME}/fabric-{datetime.now(timezone.utc):%Y%m%d-%H%M%S}"
    python, manage = f"{version}/venv/bin/python", f"{version}/venv/bin/python {version}/config/manage.py"
    as_app(c, f"mkdir {version}")
    as_app(c, f"git clone --quiet /srv/git/code.git {version}/code")
    as_app(c, f"git -C {version}/code checkout --quiet --detach origin/{branch}")
    as_app(c, f"git clone --quiet /srv/git/config.git {version}/config")
    as_app(c, f"uv venv --quiet --python python3 {version}/venv")
    as_app(
        c,
        f"uv pip install --quiet --python {python} --no-index --find-links /srv/wheelhouse "
        f"--requirement {version}/code/requirements.txt",
    )
    # STATIC_ROOT leads into the live version: the new one's files are collected beside it.
    as_app(c, f"cp {version}/config/settings.py {version}/config/collect_settings.py")
    static = f"STATIC_ROOT = '{version}/static'"
    as_app(c, f'sed -i "s|^STATIC_ROOT = .*|{static}|" {version}/config/collect_settings.py')
    as_app(c, f"env DJANGO_SETTINGS_MODULE=collect_settings {manage} collectstatic --noinput --verbosity 0")
    as_app(c, f"{manage} check --deploy --verbosity 0")
    as_app(c, f"{HOME}/scripts/start_maintenance.sh")
    as_app(c, f"{HOME}/scripts/backup_database.sh")
    as_app(c, f"{manage} migrate --noinput --verbosity 0")
    was = target(c, CURRENT)
    link(c, was, PREVIOUS)
    go_to(c, version)
    made = f"find {HOME} -maxdepth 1 -name 'fabric-*' ! -path {was}"
    c.sudo(f'sh -c "{made} | sort -r | tail -n +{KEEP + 1} | xargs -r rm -rf"')


@task
def revert(c: Connection) -> None:
    """Go back to the version before."""
    check_host_key(c)
    as_app(c, f"{HOME}/scripts/start_maintenance.sh")
    was, version = target(c, CURRENT), target(c, PREVIOUS)
    link(c, was, PREVIOUS)
    go_to(c, version)


def go_to(c: Connection, version: str) -> None:
    """Make a version the live one, and let visitors in."""
    link(c, version, CURRENT)
    c.sudo("systemctl restart django")
    c.run(WAIT)
    as_app(c, f"{HOME}/scripts/stop_maintenance.sh")
    c.run("curl --silent --fail --output /dev/null http://127.0.0.1/")


def link(c: Connection, version: str, name: str) -> None:
    """Have a link lead to a version."""
    as_app(c, f"ln -sfn {version} {name}.new")
    as_app(c, f"mv -T {name}.new {name}")


def target(c: Connection, name: str) -> str:
    """Where a link leads."""
    return str(c.run(f"readlink {name}").stdout.strip())


def as_app(c: Connection, command: str) -> None:
    """Run a command as the app's user."""
    c.sudo(command, user="app")


def check_host_key(c: Connection) -> None:
    """Connect to nothing but the host that is known."""
    c.client.load_host_keys(os.environ["KNOWN_HOSTS"])
    c.client.set_missing_host_key_policy(RejectPolicy())
