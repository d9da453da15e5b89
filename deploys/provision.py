"""Make a bare Debian or Ubuntu host fit for deploys, or take over one that a person has laid out.

    pyinfra inventories/prod.py deploys/provision.py

Adds what is missing, and leaves what is there as it is. Only a file that an earlier run has written, and nobody has
changed since, becomes what it would be now. A second run changes nothing.
"""

from pyinfra import config, host, state
from pyinfra.facts.server import Home

from facts.venv import CanMakeVenv
from operations import git_access, housekeeping, provision, servers
from switchback.checks.groundwork import lacking
from switchback.hosts.inventory import command_line, settings_of
from switchback.screen import inspection, next_steps

config.SUDO = True

settings = settings_of(host)
facts = inspection.ground()
lacks = lacking(facts, settings, host.get_fact(CanMakeVenv, python=facts.python or settings.python))

# The ground: what is installed, and whose it is.
provision.packages(lacks.packages, name="Packages: those that are missing")
provision.admin_user(
    settings.admin_username,
    missing=lacks.makes_admin,
    keys=f"{host.get_fact(Home, _sudo=False)}/.ssh/authorized_keys",
    name="User: the one who connects, with sudo",
)
provision.app_user(
    settings.app_username,
    lacks.home,
    missing=lacks.makes_app,
    for_nginx=lacks.web.is_ours,
    name="User: the one who runs the app",
)

# The layout that a deploy fills.
provision.folders(lacks.folders, settings.app_username, lacks.home, name="Directories of the app")
provision.scripts(lacks.scripts, settings.app_username, name="Scripts: backup and maintenance")
provision.manage(*lacks.manage, settings.app_username, name="manage: runs the live version's manage.py")
provision.supervisord(lacks.supervisord, settings.app_username, name="supervisord: a config, where the app brings none")
provision.unit(settings.systemd_service, lacks.unit, name="Service: its unit, enabled and not started")
provision.rotation(lacks.rotation, name="Logs: how they are rotated")
provision.rewrites(lacks.rewrites, name="What an earlier provision has written, as it is written now")
provision.agent(settings.site, facts.agent, name="Agent, with the unit of its runner")

# A database of its own, where that is asked for.
servers.postgresql(lacks.database, name="PostgreSQL: a role and its database")

# How it gets at the repositories.
git_access.deploy_key(lacks.git, settings.app_username, name="Key: the one that reads the repositories")
git_access.known_hosts(lacks.git, settings.app_username, name="Servers: their keys, pinned")

# The web server in front of it, where there is none.
servers.maintenance_page(lacks.web, name="nginx: the page for maintenance")
servers.nginx_site(lacks.web, name="nginx: its file for the site")

# What a person laid out before: completed, and taken over.
provision.links(lacks.links, settings.app_username, name="Links that are missing")
housekeeping.adopt(settings.site, lacks.adopted, name="Take over the versions that work")

next_steps.at_the_end(state, host, next_steps.Ground(settings, facts, lacks, command_line().inventory))
