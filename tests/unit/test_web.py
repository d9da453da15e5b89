"""The web server that provision sets up where there is none, and each that it leaves alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyinfra.context import ctx_host, ctx_state
from pyinfra_testing.util import FakeState, create_host  # type: ignore[import-untyped]

from agent.look.web import LISTENS
from agent.versions.layout import Layout
from agent.words.facts import HostFacts
from agent.words.seen import Web
from operations import servers as operations
from switchback.checks.groundwork import lacking
from switchback.checks.own_texts import is_signed, signed
from switchback.checks.web import WebServer, web_notices, web_server
from switchback.screen.next_steps import Ground, Provisioned, end_lines, next_steps
from tests.unit.healthy import HOME, bare, host, settings, untouched

FILE, PAGE = "/etc/nginx/sites-available/switchback-django.conf", "/var/www/switchback-django/maintenance.html"
NONE = Web(servers=(), listens=(), unused=False, sites=(), texts={}, enabled=False, ipv6=True, shut="")


def seen(facts: HostFacts | None = None, values: dict[str, Any] | None = None, **changes: Any) -> WebServer:
    """What there is to do on a host, untouched unless given, whose web server is so."""
    told = settings(**(values or {}))
    return web_server(
        replace(facts or untouched(), web=replace(NONE, **changes)), told, Layout(told.for_host(), Path(HOME))
    )


def test_a_host_without_a_web_server_gets_nginx_with_a_file_for_the_site() -> None:
    facts = replace(untouched(), web=NONE)
    lacks = lacking(facts, settings(), can_make_venv=True)
    assert lacks.packages == ("nginx",)
    assert (lacks.web.is_ours, lacks.web.links, lacks.web.link) == (
        True,
        True,
        "/etc/nginx/sites-enabled/switchback-django.conf",
    )
    assert (lacks.web.site.path, lacks.web.page.path) == (FILE, PAGE)


@pytest.mark.parametrize(
    ("changes", "values", "why"),
    [
        ({"servers": ("nginx",)}, {}, "nginx is set up by hand"),
        ({"servers": ("apache2",), "listens": (80,)}, {}, "apache2 is installed"),
        ({"servers": ("nginx", "caddy"), "unused": True}, {}, "caddy is installed"),
        ({"listens": (80, 443)}, {}, "something listens at port 80 and 443"),
        ({"texts": {FILE: "server {}\n"}}, {}, "has been changed since"),
        ({"texts": {FILE: ""}}, {}, "has been changed since"),
        ({}, {"health_url": "http://127.0.0.1/"}, "health_url is the web server's own address"),
        ({}, {"media_dir": "/srv/$media"}, "means something to nginx"),
        ({}, {"provision_web": "none"}, "provision_web is none"),
    ],
)
def test_a_web_server_that_somebody_has_set_up_is_left_alone(
    changes: dict[str, Any], values: dict[str, Any], why: str
) -> None:
    found = seen(values=values, **changes)
    assert why in found.why_not
    assert found.theirs is ("provision_web" not in values)
    facts = replace(untouched(), web=replace(NONE, **changes))
    assert lacking(facts, settings(**values), can_make_venv=True).packages == ()


@pytest.mark.parametrize("changes", [{"unused": True}, {"sites": ("switchback-shop.conf",)}])
def test_an_nginx_that_nobody_or_provision_has_set_up_gets_one_more_file(changes: dict[str, Any]) -> None:
    found = seen(servers=("nginx",), listens=(80,), **changes)
    assert (found.is_ours, found.installs, found.links) == (True, False, True)


def test_a_live_site_without_a_web_server_gets_one_only_if_that_is_said() -> None:
    assert "visitors come to the live version already" in seen(host()).why_not
    assert seen(host(), {"provision_web": "nginx"}).is_ours


def test_a_file_of_ours_is_written_anew_while_nobody_has_changed_it() -> None:
    before = seen(values={"health_url": "http://127.0.0.1:9000/"}).site.now
    found = seen(servers=("nginx",), listens=(80,), texts={FILE: before, PAGE: seen().page.now}, enabled=True)
    assert (found.is_ours, found.links) == (True, False)
    assert found.site.was == before != found.site.now
    told = settings()
    facts = replace(bare(), web=replace(NONE, servers=("nginx",), texts={FILE: before}, enabled=True))
    (notice,) = web_notices(facts, told, Layout(told.for_host(), Path(HOME)))
    assert notice.startswith(f"{FILE} is as an earlier provision has written it")
    by_certbot = before.replace("listen 80;", "listen 80;\n    listen 443 ssl; # managed by Certbot")
    assert not seen(servers=("nginx",), texts={FILE: by_certbot}).is_ours


def test_a_text_says_itself_whether_it_was_changed() -> None:
    text = signed("one\ntwo\n")
    assert text.startswith("# Written by Switchback (")
    assert is_signed(text)
    assert is_signed(signed("<p>\n", comment="<!-- {} -->"))
    assert not is_signed(text + "three\n")
    assert not is_signed("one\ntwo\n")
    assert not is_signed("")


@pytest.mark.parametrize(
    ("url", "ipv6", "listens"),
    [
        ("https://www.example.com/", True, ["listen 80;", "listen [::]:80;"]),
        ("https://www.example.com:8443/", False, ["listen 80;"]),
        ("http://www.example.com:8080/", True, ["listen 8080;", "listen [::]:8080;"]),
    ],
)
def test_where_nginx_listens(url: str, ipv6: bool, listens: list[str]) -> None:
    text = seen(values={"website_url": url}, ipv6=ipv6).site.now
    assert [line.strip() for line in text.splitlines() if "listen " in line] == listens
    assert "    server_name www.example.com;\n" in text
    # There may be another site by default, Debian's own welcome say.
    assert "default_server" not in text


def test_what_nginx_is_told_of_the_app() -> None:
    values = {
        "website_url": "http://[::1]:8080/",
        "health_url": "http://127.0.0.1:9001/healthy/",
        "systemd_service": "my-shop",
        "static_url": "/assets/",
        "media_dir": "~/my media",
    }
    text = seen(values=values).site.now
    for line in (
        "map $http_upgrade $connection_my_2d_shop {",
        "    server_name [::1];",
        '    if (-f "/home/app/maintenance") {',
        '        root "/var/www/switchback-my-shop";',
        "    location /assets/ {",
        '        alias "/home/app/django-current/static/";',
        '        alias "/home/app/my media/";',
        "        proxy_pass http://127.0.0.1:9001;",
        "        proxy_set_header X-Forwarded-Proto $scheme;",
    ):
        assert f"\n{line}\n" in text
    assert "$$" not in text


def test_a_listening_socket_is_told_from_others_in_the_kernels_table() -> None:
    table = (
        "  sl  local_address rem_address   st tx_queue\n"
        "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000\n"
        "   1: 0100007F:01BB 0100007F:D431 01 00000000:00000000 00:00000000\n"
    )
    assert LISTENS.findall(table) == ["0050"]
    six = "   0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000\n"
    assert [int(port, 16) for port in LISTENS.findall(six)] == [443]


# The operations, and their shell for real.


@pytest.fixture
def fake() -> Iterator[None]:
    with ctx_state.use(FakeState()), ctx_host.use(create_host(FakeState(), facts={})):
        yield


def test_the_page_and_the_file_are_roots_and_readable_whatever_its_umask(fake: None) -> None:
    folder, page = [str(one) for one in operations.maintenance_page._inner(seen())]
    assert folder == "install -d -m 755 -- /var/www/switchback-django"
    assert page.startswith("sh -c ")
    assert page.endswith(" 644 :")
    (site,) = [str(one) for one in operations.nginx_site._inner(seen())]
    assert f" sh {FILE} /etc/nginx/sites-enabled/switchback-django.conf " in site


def test_nothing_is_done_about_a_web_server_that_is_somebodys_or_as_it_should_be(fake: None) -> None:
    done = seen(servers=("nginx",), texts={FILE: seen().site.now, PAGE: seen().page.now}, enabled=True)
    for server in (seen(servers=("apache2",)), done):
        assert [*operations.maintenance_page._inner(server), *operations.nginx_site._inner(server)] == []


class Nginx:
    """The folders of an nginx, and programs in its place."""

    def __init__(self, folder: Path, refuses: bool, runs: bool = True) -> None:
        self.folder, tools = folder, folder / "bin"
        for name in ("available", "enabled", "bin"):
            (folder / name).mkdir(exist_ok=True)
        self.file, self.link = folder / "available" / "a site.conf", folder / "enabled" / "a site.conf"
        programs = {
            "nginx": f"echo 'emerg: unknown directive' >&2; exit {int(refuses)}",
            "systemctl": f'echo "$*" >>{folder}/asked; [ $1 != is-active ] || exit {0 if runs else 3}',
        }
        for name, does in programs.items():
            (tools / name).write_text(f"#!/bin/sh\n{does}\n")
            (tools / name).chmod(0o755)

    def take(self, now: str, was: str = "") -> subprocess.CompletedProcess[str]:
        """Run the operation's script."""
        argv = ["sh", "-c", "umask 077\n" + operations.SITE, "sh", str(self.file), str(self.link), now, was]
        env = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        return subprocess.run(argv, env=env, capture_output=True, text=True, check=False)

    @property
    def asked(self) -> list[str]:
        """What systemd was asked."""
        file = self.folder / "asked"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def names(self) -> list[str]:
        """All that is in its folders."""
        return [path.name for name in ("available", "enabled") for path in (self.folder / name).iterdir()]


def test_nginx_takes_the_file_over_by_a_reload(tmp_path: Path) -> None:
    nginx = Nginx(tmp_path, refuses=False)
    assert nginx.take("server {}\n").returncode == 0
    assert (nginx.link.read_text(), nginx.file.stat().st_mode & 0o777) == ("server {}\n", 0o644)
    assert nginx.asked[-1] == "reload nginx"
    assert nginx.take("server { }\n", was="server {}\n").returncode == 0
    assert nginx.link.read_text() == "server { }\n"
    assert nginx.names == ["a site.conf"] * 2


def test_an_nginx_that_does_not_run_is_started(tmp_path: Path) -> None:
    nginx = Nginx(tmp_path, refuses=False, runs=False)
    assert nginx.take("server {}\n").returncode == 0
    assert nginx.asked[-1] == "enable --now --quiet nginx"


@pytest.mark.parametrize("was", ["", "as it was\n"])
def test_what_nginx_refuses_is_taken_back(tmp_path: Path, was: str) -> None:
    nginx = Nginx(tmp_path, refuses=True)
    if was:
        nginx.file.write_text(was)
        nginx.link.symlink_to(nginx.file)
    ended = nginx.take("server {}\n", was=was)
    assert ended.returncode != 0
    assert "so that is as it was:\nemerg: unknown directive" in ended.stderr
    assert nginx.asked == []
    assert nginx.names == (["a site.conf"] * 2 if was else [])
    if was:
        assert nginx.link.read_text() == was


@pytest.mark.parametrize("was", ["", "as it was seen\n"])
def test_a_file_that_somebody_writes_meanwhile_stays(tmp_path: Path, was: str) -> None:
    nginx = Nginx(tmp_path, refuses=False)
    nginx.file.write_text("a person's\n")
    assert nginx.take("server {}\n", was=was).returncode != 0
    assert (nginx.file.read_text(), nginx.asked, nginx.names) == ("a person's\n", [], ["a site.conf"])


# The last screen.


def screen(facts: HostFacts, **values: Any) -> list[str]:
    told = settings(**values)
    ground = Ground(told, facts, lacking(facts, told, True), "inventories/prod.py")
    return end_lines({"web1": Provisioned(next_steps(ground, ""))})


def test_a_website_that_is_https_is_left_with_the_two_lines_that_get_a_certificate() -> None:
    shown = screen(replace(untouched(), web=NONE))
    assert "         sudo apt install certbot python3-certbot-nginx" in shown
    assert any(line.startswith("         sudo certbot --nginx -d www.example.com ") for line in shown)
    assert not any("certbot" in line for line in screen(replace(untouched(), web=NONE), website_url="http://a.b/"))
    assert not any("certbot" in line for line in screen(replace(bare(), web=replace(NONE, texts={FILE: "by certbot"}))))


def test_what_a_web_server_of_somebodys_has_to_do_is_said_with_the_command_that_shows_it() -> None:
    shown = screen(replace(untouched(), web=replace(NONE, servers=("apache2",))))
    says = "lead visitors of https://www.example.com/ to http://127.0.0.1:8000/ (apache2 is"
    assert says in " ".join(" ".join(shown).split())
    assert any("deploys/provision.py --dry --diff " in line for line in shown)
    live = replace(host(), web=replace(NONE, servers=("apache2",)))
    assert screen(live)[-1] == "    nothing is left to do"


def test_a_home_that_nginx_can_not_go_into_is_told_with_what_to_do() -> None:
    facts = replace(bare(), web=replace(NONE, servers=("nginx",), unused=True, shut=HOME))
    assert any(f"nginx can't go into {HOME}" in line and f"chmod o+x {HOME}" in line for line in screen(facts))
    told = settings()
    assert "chmod o+x" in web_notices(facts, told, Layout(told.for_host(), Path(HOME)))[0]
