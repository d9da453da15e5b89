"""The servers that provision sets up for an app: nginx in front of it where there was none, PostgreSQL where asked."""

from __future__ import annotations

from pyinfra.api import QuoteString, StringCommand, operation

from operations.announce import announce, announce_file, announce_rewrite, leave, nothing
from operations.steps import Commands
from operations.writing import as_user, rewrite, shell, write
from switchback.checks.postgresql import DatabaseServer
from switchback.checks.web import OwnFile, WebServer

# Makes nginx's file for a site and the link to it, or gives that file another text, and has nginx take it over: where
# nginx refuses the whole of its config with it, all is as it was.
SITE = """\
set -e
new=$(mktemp "$1.XXXXXX") old=
trap 'rm -f -- "$new" "$old"' EXIT
printf %s "$3" >"$new"
chmod 644 "$new"
if [ -n "$4" ]; then
    old=$(mktemp "$1.XXXXXX")
    printf %s "$4" >"$old"
    chmod 644 "$old"
    cmp -s -- "$old" "$1" || { echo "$1 has been changed meanwhile" >&2; exit 1; }
    mv -T -- "$new" "$1"
else
    ln -T -- "$new" "$1"
    ln -s -- "$1" "$2"
fi
if ! said=$(nginx -t 2>&1); then
    if [ -n "$4" ]; then mv -T -- "$old" "$1"; else rm -f -- "$2" "$1"; fi
    echo "nginx refuses its config with $1 in it, so that is as it was:" >&2
    echo "$said" >&2
    exit 1
fi
if systemctl is-active --quiet nginx; then systemctl reload nginx; else systemctl enable --now --quiet nginx; fi
"""


@operation()
def maintenance_page(server: WebServer) -> Commands:
    """
    Write the page that visitors see in maintenance.

    + server: what there is to do about the web server
    """
    if not server.is_ours or not _is_to_write(server.page):
        nothing(server.why_not or "the maintenance page is there")
        return
    _tell(server.page)
    yield StringCommand("install", "-d", "-m", "755", "--", QuoteString(server.page.path.rpartition("/")[0]))
    yield _written(server.page)


@operation()
def nginx_site(server: WebServer) -> Commands:
    """
    Write nginx's file for the site and have it reload. What a person has set up is left alone, and its text is shown.

    + server: what there is to do about the web server
    """
    if not server.is_ours:
        nothing(server.why_not)
        if server.theirs:
            leave(f"the web server to you: {server.why_not}", server.site.was, server.site.now)
        return
    if server.site.was == server.site.now:
        nothing("nginx has its file for the site")
        return
    _tell(server.site)
    yield shell("root", SITE, server.site.path, server.link, server.site.now, server.site.was)


@operation()
def postgresql(server: DatabaseServer) -> Commands:
    """
    Make a role that is called as the app's user, which comes by the host's own socket and without a password, and a
    database that it owns. A role or database of that name which is there stays as it is.

    + server: what there is to do
    """
    if server.why_not or not (server.makes_role or server.makes_database):
        nothing(server.why_not or f"PostgreSQL has a role and a database {server.name}")
        return
    if server.makes_role:
        role = f"Will make the role {server.name} in PostgreSQL, for the user of that name and without a password"
        announce(role, f"role {server.name}")
    if server.makes_database:
        announce(f"Will make the database {server.name}, which is that role's", f"database {server.name}")
    if server.makes_role:
        yield StringCommand(*as_user("postgres"), "createuser", "--", QuoteString(server.name))
    if server.makes_database:
        # From the empty template, which takes text in any language, whatever the host's own locale was.
        how = ["--encoding", "UTF8", "--template", "template0", "--owner", QuoteString(server.name)]
        yield StringCommand(*as_user("postgres"), "createdb", *how, "--", QuoteString(server.name))


def _is_to_write(file: OwnFile) -> bool:
    return file.was != file.now


def _tell(file: OwnFile) -> None:
    if file.was:
        announce_rewrite(file.path, file.was, file.now)
    else:
        announce_file(file.path, file.now)


def _written(file: OwnFile) -> StringCommand:
    if file.was:
        return rewrite(file.path, file.was, file.now, "644")
    return write(file.path, file.now, "644")
