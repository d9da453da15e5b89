"""The web server in front of the app: what provision makes where there is none, and why it leaves one alone. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Template
from urllib.parse import urlsplit

from agent.versions.layout import NGINX, Layout, maintenance_page, nginx_site
from agent.words.facts import HostFacts
from agent.words.seen import Web
from switchback.checks.links import PROVISION
from switchback.checks.own_texts import FILES, is_signed, signed
from switchback.settings.model import Settings

# What would end a quoted word of nginx's, or begin a variable in it.
UNSAYABLE = re.compile(r'["$\\;{}\n]')
UNSEEN = Web(servers=(), listens=(), unused=False, sites=(), texts={}, enabled=False, ipv6=False, shut="")


@dataclass(frozen=True)
class OwnFile:
    """A file of ours.

    + was: its text, empty where there is none; now: what it is to be
    """

    path: str
    was: str
    now: str


@dataclass(frozen=True)
class WebServer:
    """What provision does about the web server.

    + why_not: why it does nothing, where that is so; theirs: whether that is since somebody has set one up by hand
    + installs: whether nginx itself is missing
    + site: its file for this site; link: by which nginx finds it; links: whether that is missing
    + page: what visitors see in maintenance
    + shut: the folder that it can't go into, so that it reads no static file
    + needs_certificate: whether the website is https, and nothing answers to that yet
    """

    why_not: str
    theirs: bool
    installs: bool
    site: OwnFile
    link: str
    links: bool
    page: OwnFile
    shut: str
    needs_certificate: bool

    @property
    def is_ours(self) -> bool:
        """Whether the web server is set up by provision."""
        return not self.why_not

    @property
    def packages(self) -> tuple[str, ...]:
        """What is to be installed."""
        return ("nginx",) if self.is_ours and self.installs else ()


def web_server(facts: HostFacts, settings: Settings, layout: Layout) -> WebServer:
    """Find what there is to do about the web server."""
    seen = facts.web or UNSEEN
    file, page = nginx_site(settings.site), maintenance_page(settings.site)
    text = site_text(settings, layout, seen.ipv6)
    why_not = _why_not(facts, settings)
    return WebServer(
        why_not=why_not,
        theirs=bool(why_not) and facts.web is not None and settings.provision_web != "none",
        installs="nginx" not in seen.servers,
        site=OwnFile(str(file), seen.texts.get(str(file), ""), text),
        link=str(NGINX / "sites-enabled" / file.name),
        links=str(file) not in seen.texts and not seen.enabled,
        page=OwnFile(str(page), seen.texts.get(str(page), ""), page_text()),
        shut=seen.shut,
        needs_certificate=settings.website_url.startswith("https:") and 443 not in seen.listens,
    )


def _why_not(facts: HostFacts, settings: Settings) -> str:
    """Why nginx is not ours to set up; empty where it is."""
    own, seen = str(nginx_site(settings.site)), facts.web
    if seen is None or settings.provision_web == "none":
        return "provision_web is none" if seen else "nobody has looked at it"
    if UNSAYABLE.search(f"{settings.website_url}{settings.health_url}{settings.media_dir}{settings.current_main}"):
        return "a path or an address has a character that means something to nginx"
    if own in seen.texts:
        theirs = not is_signed(seen.texts[own])
        return f"{own} has been changed since, by hand or by certbot: it is yours" if theirs else ""
    if urlsplit(settings.health_url).port in (None, 80, 443):
        return "health_url is the web server's own address"
    live = facts.site is not None and not facts.site.is_bare and settings.provision_web == "auto"
    return _whose(seen) or ("visitors come to the live version already" if live else "")


def _whose(seen: Web) -> str:
    """Whose doing the host's web server is, where it is somebody else's."""
    others = [name for name in seen.servers if name != "nginx"]
    if others:
        return f"{' and '.join(others)} is installed"
    if "nginx" in seen.servers:
        return "" if seen.unused or seen.sites else "nginx is set up by hand"
    return f"something listens at port {' and '.join(map(str, seen.listens))}" if seen.listens else ""


def site_text(settings: Settings, layout: Layout, ipv6: bool) -> str:
    """nginx's file for the site."""
    website, app = urlsplit(settings.website_url), urlsplit(settings.health_url)
    port = (website.port if website.scheme == "http" else None) or 80
    listens = [f"    listen {port};", *([f"    listen [::]:{port};"] if ipv6 else [])]
    name = website.hostname or "_"
    values = {
        "site": settings.site,
        "variable": "connection_" + re.sub(r"\W", lambda found: f"_{ord(found[0]):x}_", settings.site, flags=re.ASCII),
        "listen": "\n".join(listens),
        "name": f"[{name}]" if ":" in name else name,
        "home": str(layout.home),
        "pages": str(maintenance_page(settings.site).parent),
        "static_url": settings.static_url,
        "static": str(layout.path("current_main") / settings.static_subdir),
        "media_url": settings.media_url,
        "media": str(layout.expand(settings.media_dir)),
        "app": f"{app.scheme}://{app.netloc}",
    }
    return signed(Template((FILES / "nginx-site.conf").read_text()).substitute(values))


def page_text() -> str:
    """The page that visitors see in maintenance."""
    return signed((FILES / "maintenance.html").read_text(), comment="<!-- {} -->")


def web_notices(facts: HostFacts, settings: Settings, layout: Layout) -> list[str]:
    """What is worth knowing of a web server that provision has set up, or would."""
    found = web_server(facts, settings, layout)
    notices = []
    if found.is_ours and found.site.was and (found.site.was, found.page.was) != (found.site.now, found.page.now):
        what = f"{found.site.path} is as an earlier provision has written it"
        notices.append(f"{what}: {PROVISION} (--dry --diff shows what changes)")
    if found.is_ours and found.shut:
        notices.append(shut_line(found.shut))
    return notices


def shut_line(folder: str) -> str:
    """What to do where the web server can't go into a folder."""
    return f"nginx can't go into {folder}, so that it reads no static file: chmod o+x {folder}, or say so by an ACL"
