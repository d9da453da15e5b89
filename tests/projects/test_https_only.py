"""A project that answers by https alone, and whose front page leads to its login."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bed.hosts import Host
from tests.projects.notes import FRONT, Notes
from tests.projects.project import Project
from tests.projects.story import Story
from tests.runs import Result, Runs

STORY = Story(
    "https only, with a login for a front page",
    {"health_url": "http://127.0.0.1:8000/health/"},
    pages=("/notes/", "/admin/login/"),
    front=302,
)
SETTINGS = """

LOGIN_URL = "/admin/login/"
SECURE_SSL_REDIRECT = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
"""
# What certbot does to nginx's file, and how a browser, or this host itself, trusts who has signed.
NGINX = "/etc/nginx/sites-available/switchback-django.conf"
TRUSTED = "/usr/local/share/ca-certificates/site.crt"
CERTIFY = f"""
chmod 600 /etc/ssl/private/site.key
update-ca-certificates >/dev/null
sed -i 's|^    listen 80;|&\\n    listen PORT ssl;\\n    ssl_certificate {TRUSTED};\\n\
    ssl_certificate_key /etc/ssl/private/site.key;|' {NGINX}
nginx -t && systemctl reload nginx
"""


class Secure(Host):
    """A host whose site is asked for by https, and by its name."""

    @property
    def website_url(self) -> str:
        return f"https://localhost:{self.http_port}/"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project."""
    made = Notes(tmp_path_factory.mktemp("https-only"))
    made.append("mysite/settings.py", SETTINGS)
    made.change("mysite/urls.py", FRONT, 'path("", login_required(views.index))')
    imported = "from django.contrib.auth.decorators import login_required\n"
    made.change("mysite/urls.py", "from django.urls", f"{imported}from django.urls")
    made.require()
    made.commit_three()
    return made


@pytest.fixture(scope="module")
def bare_host(bare_host: Host) -> Host:
    """The host, with a name."""
    return Secure(**vars(bare_host))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A certificate and its key, and whoever asks from here trusts it."""
    folder = tmp_path_factory.mktemp("certificate")
    made, key = folder / "site.crt", folder / "site.key"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    argv += [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        str(key),
        "-out",
        str(made),
    ]
    subprocess.run(argv, check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(made))
        yield made, key


@pytest.fixture(scope="module")
def site(site: Host, certificate: tuple[Path, Path]) -> Host:
    """The host, with its certificate."""
    made, key = certificate
    site.write(TRUSTED, made.read_text())
    site.write("/etc/ssl/private/site.key", key.read_text(), mode=0o600)
    site.run(CERTIFY.replace("PORT", str(site.http_port)))
    return site


def test_it_is_asked_for_by_https_and_what_leads_to_its_login_is_well(
    site: Host, run: Runs, plays: Callable[[], dict[str, Result]]
) -> None:
    told = plays()
    assert f"set: CSRF_TRUSTED_ORIGINS = ['https://localhost:{site.http_port}']" in told["first"].output
    assert "nobody has tried this page" in told["late"].told
    page = site.read(["curl", "-si", "-H", "Host: localhost", "http://127.0.0.1:8000/"])
    assert "301 Moved Permanently" in page
    assert "location: https://localhost/" in page.lower()
    assert "is yours" in run("provision", site, args=["--dry"]).worked().flowing
