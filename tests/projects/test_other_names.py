"""A project on a host whose users have other names and another home, whose service is called otherwise, and where what
anybody makes is closed to all others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bed.hosts import Host
from tests.bed.keys import LOGIN, public
from tests.projects.notes import Notes
from tests.projects.project import Project
from tests.projects.story import Story
from tests.runs import Result, Runs

STORY = Story(
    "other users, another home, umask 077, on PostgreSQL",
    {
        "app_username": "notes",
        "admin_username": "ops",
        "systemd_service": "notes",
        "provision_database": "postgresql",
        "health_url": "http://127.0.0.1:8100/health/",
    },
)
SETTINGS = """

DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "notes"}}
"""
# For whoever logs in, by SSH, sudo, cron or runuser; and for what useradd makes, as it has made one user already.
CLOSED = """
for service in common-session common-session-noninteractive; do
    echo session optional pam_umask.so umask=0077 >>/etc/pam.d/$service
done
sed -i 's/^UMASK.*/UMASK 077/; s/^#*HOME_MODE.*/HOME_MODE 0700/' /etc/login.defs
install -d -m 755 /srv/people
useradd --create-home --home-dir /srv/people/notes --shell /bin/bash notes
"""


class Other(Host):
    """A host that nobody is told whom to connect to as."""

    @property
    def connection(self) -> dict[str, str | int]:
        return {key: value for key, value in super().connection.items() if key != "ssh_user"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project."""
    made = Notes(tmp_path_factory.mktemp("other-names"), "psycopg[binary]")
    made.append("mysite/settings.py", SETTINGS)
    made.require()
    made.commit_three()
    return made


@pytest.fixture(scope="module")
def bare_host(bare_host: Host, run: Runs) -> Host:
    """The host, whose first provision was let in as somebody else, and has said what keeps its web server out."""
    bare_host.run(CLOSED)
    bare_host.write("/home/admin/.ssh/authorized_keys", public(LOGIN).read_text(), mode=0o600, owner="admin")
    bare_host.run("rm /etc/nginx/sites-enabled/default && systemctl reload nginx")
    other = Other(**vars(bare_host))
    told = run("provision", other, data={"ssh_user": "admin"}).worked()
    assert "nginx can't go into /srv/people/notes" in told.flowing
    assert "chmod o+x /srv/people/notes" in told.flowing
    other.run(["chmod", "o+x", "/srv/people/notes"])
    return other


@pytest.fixture(scope="module")
def site(project: Project, bare_host: Host) -> Host:
    """The host, with the project's repository."""
    project.place(bare_host)
    return bare_host


def test_it_lives_where_its_users_are_and_others_are_let_in_nowhere(
    site: Host, run: Runs, plays: Callable[[], dict[str, Result]]
) -> None:
    plays()
    run("check", site).worked()
    assert site.read(["stat", "-c", "%a %U %G", "/srv/people/notes"]) == "701 notes notes\n"
    open_to_all = ["find", "/srv/people/notes/shared", "-maxdepth", "1", "-name", "secret_key", "-perm", "/077"]
    assert site.run(open_to_all).stdout == ""
    assert site.run(["find", "/home", "-user", "notes"]).stdout == ""
