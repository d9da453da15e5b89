"""docs/first-vps.md, done as it says, on a host that lets root in and has nothing of the app's: with the settings and
the commands of the page itself. certbot's part is the test's, for nobody signs for its name."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.bed.hosts import Host
from tests.bed.keys import HOST, LOGIN, public
from tests.bed.places import ROOT
from tests.projects.project import Project
from tests.projects.tools import DJANGO, startproject
from tests.runs import SETTINGS, Result, Runs

PAGE = (ROOT / "docs" / "first-vps.md").read_text()
NAME = "www.example.com"
# The page's reader has a package index instead, and the time to wait for a longer watch.
BESIDES = ("wheelhouse", "health_stable")
# Nothing of the bed's own: no admin, no database, no site of nginx's. The names of the page lead to the host itself.
AS_HANDED_OUT = f"""\
userdel --remove admin 2>&1
rm -f /etc/sudoers.d/admin /etc/ssh/authorized_keys/admin
runuser -u postgres -- sh -c 'dropdb app && dropuser app'
rm /etc/nginx/sites-enabled/default && systemctl reload nginx
echo '127.0.0.1 github.com {NAME}' >>/etc/hosts
"""
# The server of the repository, whose users come by their keys.
FORGE = """\
useradd --create-home --password '*' git
install -d -o git -m 700 /home/git/.ssh /home/git/me
mv /srv/git/code.git /home/git/me/site.git
chown -R git: /home/git
"""
SITE = "/etc/nginx/sites-available/switchback-django.conf"
CERTIFICATE = f"""\
set -e
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={NAME} -addext subjectAltName=DNS:{NAME} \
    -keyout /etc/ssl/private/site.key -out /etc/ssl/certs/site.pem
cp /etc/ssl/certs/site.pem /usr/local/share/ca-certificates/site.crt
update-ca-certificates
"""
# As certbot does it: the server answers with the certificate, and another one sends visitors there.
WITH_CERTIFICATE = """\
    listen 443 ssl;
    ssl_certificate /etc/ssl/certs/site.pem;
    ssl_certificate_key /etc/ssl/private/site.key;
"""
REDIRECTS = f"""
server {{
    if ($host = {NAME}) {{
        return 301 https://$host$request_uri;
    }}
    listen 80;
    server_name {NAME};
    return 404;
}}
"""
# The server in front says how a visitor has come, and gunicorn believes that of its own host.
SETTINGS_TOO = """\
import dj_database_url

SECURE_SSL_REDIRECT = True

DATABASES = {"default": dj_database_url.config()}
"""
URLS = """\
from django.contrib import admin
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse("%s")), path("admin/", admin.site.urls)]
"""


def told_settings() -> dict[str, Any]:
    """The settings that the page has its reader write."""
    (block,) = re.findall(r"^( +host: .*\n(?: +\S.*\n)+)", PAGE, re.MULTILINE)
    told: dict[str, Any] = yaml.safe_load(textwrap.dedent(block))
    return told


def told_commands() -> Iterator[tuple[str, ...]]:
    """The runs that the page has its reader type, each with its arguments."""
    for deploy, arguments in re.findall(r"^ +pyinfra inventories/prod.py deploys/(\w+).py *(.*)$", PAGE, re.MULTILINE):
        yield deploy, *arguments.split()


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """The page's, and what the test has for the internet. Where the host is, the test says for each run."""
    told = {key: value for key, value in told_settings().items() if key != "host"}
    forge = f"github.com {' '.join(public(HOST).read_text().split()[:2])}"
    return {**{key: SETTINGS[key] for key in BESIDES}, **told, "known_hosts": [forge]}


@pytest.fixture(scope="module")
def server(bare_host: Host, tmp_path_factory: pytest.TempPathFactory) -> Host:
    """A server as its provider hands it out, and a repository at the address that the page has."""
    made = Project(tmp_path_factory.mktemp("first-vps"), DJANGO, "dj-database-url", "psycopg[binary]")
    code = made.code
    startproject(code.folder)
    code.append("mysite/settings.py", SETTINGS_TOO)
    code.write("mysite/urls.py", URLS % "a first page")
    made.require()
    code.commit("first")
    made.place(bare_host)
    bare_host.run(AS_HANDED_OUT)
    bare_host.run(FORGE)
    bare_host.write("/root/.ssh/authorized_keys", public(LOGIN).read_text(), mode=0o600)
    return bare_host


def asked(host: Host, address: str) -> tuple[int, str, str]:
    """What a visitor gets who asks the host: the status, where it leads, and the text."""
    told = host.read(["curl", "-s", "-w", "\n%{http_code} %{redirect_url}", address])
    text, _, last = told.rpartition("\n")
    status, _, leads = last.partition(" ")
    return int(status), leads, text


def get_certificate(host: Host) -> None:
    """Do what certbot does."""
    host.run(CERTIFICATE)
    text = host.read(["cat", SITE])
    secured = re.sub(r"^    listen 80;\n", WITH_CERTIFICATE, text, flags=re.MULTILINE)
    secured = re.sub(r"^    listen \[::\]:80;\n", "", secured, flags=re.MULTILINE)
    assert secured.count("443 ssl") == 1
    host.write(SITE, secured + REDIRECTS)
    host.run("nginx -t && systemctl reload nginx")


def test_its_eight_steps_lead_to_the_site_with_https(server: Host, run: Runs) -> None:
    look, provision, check, deploy = told_commands()
    shown = typed(run, server, *look)
    assert "Will make the user admin" in shown.output
    assert server.run(["id", "admin"], check=False).returncode != 0

    provisioned = typed(run, server, *provision)
    assert f"let the host read {told_settings()['code_repo_url']}: add this key there" in provisioned.output
    assert f"sudo certbot --nginx -d {NAME}" in PAGE
    assert f"sudo certbot --nginx -d {NAME}    changes {SITE}" in provisioned.output
    key = re.search(r"ssh-ed25519 \S+ app@\S+", provisioned.output)
    assert key
    server.write("/home/git/.ssh/authorized_keys", key[0], mode=0o600, owner="git")
    get_certificate(server)

    assert "ready for its first deploy" in typed(run, server, *check).output
    first = typed(run, server, *deploy)
    assert "backup: of PostgreSQL (app)" in first.output
    assert asked(server, f"https://{NAME}/") == (200, "", "a first page")
    assert asked(server, f"http://{NAME}/admin/")[:2] == (301, f"https://{NAME}/admin/")
    assert asked(server, f"https://{NAME}/admin/login/")[0] == 200


def test_whatever_is_pushed_from_then_on_goes_live_by_the_last_line_and_back_by_a_revert(
    server: Host, run: Runs
) -> None:
    push(server, "mysite/urls.py", URLS % "a second page")
    *_, deploy = told_commands()
    second = typed(run, server, *deploy)
    assert "visitors noticed nothing" in second.told
    assert asked(server, f"https://{NAME}/")[2] == "a second page"
    typed(run, server, "revert")
    assert asked(server, f"https://{NAME}/")[2] == "a first page"
    assert "is live and healthy" in typed(run, server, "status").output


def test_what_certbot_has_changed_stays_the_readers(server: Host, run: Runs) -> None:
    before = server.read(["cat", SITE])
    typed(run, server, "provision")
    assert server.read(["cat", SITE]) == before


def typed(run: Runs, server: Host, deploy: str, *arguments: str) -> Result:
    """Run what the page has its reader type, which has to end well."""
    at_home = {server.name: {"website_url": told_settings()["website_url"]}}
    return run(deploy, server, args=arguments, own=at_home).worked()


def push(server: Host, path: str, text: str) -> None:
    """Commit a file, and push that."""
    server.write("/home/git/pushed", text, owner="git")
    as_git = "cd && rm -rf work && git clone -q me/site.git work && cd work && mv ~/pushed {} && git add --all"
    who = "git -c user.name=Sam -c user.email=sam@example.org"
    server.run(["su", "-", "git", "-c", f"{as_git.format(path)} && {who} commit -qm next && git push -q origin HEAD"])
