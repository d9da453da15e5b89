"""The settings of an environment: what group_data/*.yml, an inventory's hosts and --data may say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from agent.versions.layout import AUTO
from agent.words.settings import Settings as HostSettings
from agent.words.settings import site_of
from agent.words.shapes import read
from switchback.settings import values
from switchback.settings.environment import Env, Secrets
from switchback.settings.kinds import (
    Adopted,
    AutoPath,
    Count,
    CountOrZero,
    DatabaseUrl,
    Folder,
    Headers,
    HomePath,
    Hooks,
    HostKeys,
    HostPath,
    LocalKey,
    Names,
    Notify,
    PathInCode,
    Port,
    Requirements,
    Said,
    Schedule,
    Script,
    SharedPaths,
    Statuses,
    Unit,
    UrlPath,
    User,
    WebUrl,
    check_apart,
)
from switchback.settings.source import Source


class Settings(Source):
    """Every setting, in the order of the documentation. A path may begin with `~`, the app user's home on the host."""

    # Before the paths: checking one needs to know whose home `~app` is.
    app_username: User = Field(default="app", description="the user who owns the code and config and runs the app")
    admin_username: User = Field(default="admin", description="the user who connects, and who has sudo")
    ssh_user: Annotated[User | None, Said] = Field(
        default=None, description="the user to connect as, where that is not `admin_username`"
    )
    ssh_port: Annotated[Port | None, Said] = Field(
        default=None, description="the port of the host's SSH server; unless you say so, what ~/.ssh/config says, or 22"
    )
    ssh_key: Annotated[LocalKey | None, Said] = Field(
        default=None,
        description="the file of the private key to connect with, on this machine; unless you say so, those of your "
        "SSH agent and ~/.ssh",
    )
    known_hosts: HostKeys = Field(
        default=(),
        description="host keys of the servers that the repositories are on, as lines of a known_hosts file: provision "
        "pins them for the app user (those of github.com, gitlab.com, bitbucket.org and codeberg.org it knows)",
    )

    code_subdir: Folder = Field(default="code", description="the code's directory in a version")
    config_subdir: Folder = Field(default="config", description="the config's directory in a version")
    venv_subdir: Folder = Field(default="venv", description="the virtual environment's directory in a version")
    static_subdir: Folder = Field(default="static", description="the collected static files' directory in a version")
    versions_dir: HomePath = Field(default="~", description="the directory that the versions are in")
    deployment_dir: HostPath = Field(
        default="~/deployment", description="the directory whose settings, wsgi, manage.py, … link into the live config"
    )
    current_main: HostPath = Field(default="~/django-current", description="the link to the live version")
    previous_main: HostPath = Field(
        default="~/django-previous", description="the link to the version that was live before"
    )
    current_working: HostPath = Field(
        default="~/django-working", description="the link to the last version that proved healthy"
    )
    previous_working: HostPath = Field(
        default="~/django-previous-working", description="the link to the one that proved healthy before that"
    )
    current_venv_dir: HostPath = Field(default="~/venv", description="the link to the live virtual environment")
    current_code: HostPath = Field(default="~/django", description="the link to the live code")
    current_config: HostPath = Field(
        default="~/django-current/config/", description="the live config, by way of current_main"
    )

    python: Annotated[str, AfterValidator(values.check_python)] = Field(
        default="python3",
        description="the interpreter that makes the virtual environment: a command, its path, or a release (`3.13`), "
        "which is the host's own or one that uv brings (see packages.md)",
    )
    requirements: Annotated[PathInCode | None, Said] = Field(
        default=None,
        description="the file inside the code that says which packages the app needs; unless you say so, what is found "
        "in the folder of manage.py or at the top: uv.lock, requirements.txt, … (see packages.md)",
    )
    requirements_extras: Names = Field(default=(), description="extras of the project whose packages are installed too")
    requirements_groups: Names = Field(
        default=(), description="groups of the project, or categories of its Pipfile, whose packages are installed too"
    )
    extra_requirements: Requirements = Field(
        default=(AUTO,),
        description="requirements that are installed too, unless the project names the same packages; `auto` is, where "
        "there is no config repository, `supervisor>=4.3` and the server that Switchback starts then (see packages.md)",
    )
    wheelhouse: Annotated[Annotated[str, AfterValidator(values.check_absolute_path)] | None, Said] = Field(
        default=None,
        description="a directory of wheels on the host (absolute): packages come from there, none from the network",
    )
    reuse_venv: bool = Field(
        default=True,
        description="whether packages are linked from an earlier version with the same requirements, Python and wheels",
    )
    shared_dirs: SharedPaths = Field(default={}, description="directories in the code that outlive versions (media.md)")
    shared_files: SharedPaths = Field(default={}, description="the same of files, as in `[db.sqlite3]`")
    adopt: Adopted = Field(default={}, description="where a host has any of these already: taken over once")
    build_script: Annotated[Script | None, Said] = Field(
        default=None, description="a script to run in the new version's code once its packages are installed"
    )
    install_script: Annotated[Script | None, Said] = Field(
        default=None, description="a script to run once the new version is live, before the restart"
    )
    hooks: Hooks = Field(
        default={},
        description="your own commands at points of a run, as in `after_static: npm run build` (see hooks.md)",
    )
    schedule: Schedule = Field(
        default={},
        description="commands that run at times, as in `clearsessions: {run: manage.py clearsessions, at: daily}` (see "
        "schedule.md)",
    )
    env: Env = Field(default={}, description="the app's environment variables, of a version each (see environment.md)")
    secrets: Secrets = Field(default={}, description="its secret ones, and where each is read (see environment.md)")
    maintenance_start_script: HostPath = Field(
        default="~/scripts/start_maintenance.sh", description="the script that shows visitors the maintenance page"
    )
    maintenance_stop_script: HostPath = Field(
        default="~/scripts/stop_maintenance.sh", description="the script that lets visitors back in"
    )
    backup_script: HostPath = Field(
        default="~/scripts/backup_database.sh", description="the script that backs up the database and prints the path"
    )
    restore_script: Annotated[AutoPath | None, Said] = Field(
        default=AUTO,
        description="the script that restores the backup whose path it is given; `auto`: the one that provision writes "
        "beside `backup_script`, where it is there",
    )
    systemd_service: Unit = Field(
        default="django",
        description="the service that runs the app's processes; on its hosts the site is called after it",
    )

    provision_web: Literal["auto", "nginx", "none"] = Field(
        default="auto",
        description="`auto`: provision sets nginx up where nothing serves yet; `nginx`: for a live site too; "
        "`none`: the web server is left to you",
    )
    provision_database: Literal["none", "postgresql"] = Field(
        default="none", description="`postgresql`: provision makes a role and a database called as the app user"
    )
    static_url: UrlPath = Field(default="/static/", description="where that nginx serves the static files")
    media_url: UrlPath = Field(default="/media/", description="where that nginx serves uploads")
    media_dir: HostPath = Field(default="~/shared/media", description="the directory of the uploads that it serves")

    maintenance: Annotated[Literal["always", "auto"] | None, Said] = Field(
        default=None,
        description="`always` a maintenance window, or `auto`: only where visitors would notice more without one; "
        "unless you say so, `auto` where supervisord's config is Switchback's own, else `always`",
    )
    restart: Annotated[Literal["restart", "rolling"] | None, Said] = Field(
        default=None,
        description="how processes get to a version: all at once (`restart`), or one by one while the others serve "
        "(`rolling`; see zero-downtime.md); unless you say so, `rolling` where supervisord's config is Switchback's "
        "own, else `restart`",
    )
    database_fallback: Literal["reverse", "restore", "keep"] = Field(
        default="reverse",
        description="what a fallback does to the database: `reverse` migrations, `restore` the backup, or `keep` it",
    )

    health_url: WebUrl = Field(
        default="http://127.0.0.1:8000/",
        description="the app's own address on the host, asked before visitors are let in",
    )
    health_headers: Headers = Field(
        default={},
        description="headers to ask health_url with; Host and X-Forwarded-Proto: https are website_url's unless here",
    )
    health_status: Statuses = Field(default=(200,), description="the status that is healthy, or a list of them")
    health_timeout: Count = Field(default=30, description="seconds for the app to become healthy")
    health_stable: CountOrZero = Field(default=3, description="seconds that it must then stay well, visitors served")
    site_status: Statuses = Field(
        default=(200,), description="the status that website_url answers visitors with, or a list of them"
    )
    site_timeout: Count = Field(default=30, description="seconds for website_url to answer so after maintenance")

    notify: Notify = Field(
        default=None,
        description="who is told how a run has ended, as in `{url: {env: NOTIFY_URL}, shape: slack}` (see notify.md)",
    )

    confirm_timeout: Count = Field(
        default=60, description="seconds without word from the controller until the host falls back by itself"
    )
    lock_wait: CountOrZero = Field(default=0, description="seconds to wait for another deploy's end; 0 refuses at once")
    build_timeout: Count = Field(default=900, description="seconds for each step of the build")
    script_timeout: Count = Field(
        default=600, description="seconds for each script on the host, and for reading the backup that one has made"
    )
    migrate_timeout: Count = Field(default=1800, description="seconds for the migrations")
    lock_timeout: Count = Field(default=2, description="seconds that a migration waits for a lock, each time")
    database_direct_url: Annotated[DatabaseUrl | None, Said] = Field(
        default=None,
        description="`postgresql://HOST:PORT` of PostgreSQL itself, if the app goes by a pooler (see databases.md)",
    )
    restart_timeout: Count = Field(
        default=60,
        description="seconds for the service to restart; where processes are replaced one by one, each may take its "
        "own `stopwaitsecs` besides",
    )

    boot_database_wait: CountOrZero = Field(
        default=600,
        description="seconds that a way back waits for the database to come up, where the host was rebooted meanwhile",
    )
    worker_memory: Annotated[int, Field(ge=10, le=100)] = Field(
        default=80, description="percent of the host's memory that one step may take with all that it starts"
    )
    worker_tasks: Annotated[int, Field(ge=64)] = Field(default=4096, description="how many processes one step may have")

    static_keep_days: CountOrZero = Field(
        default=30, description="days that hashed static files of earlier versions stay reachable in later ones"
    )
    keep_versions: Count = Field(
        default=10, description="healthy versions that clean keeps, and never deployed ones that a build keeps"
    )
    keep_failed: CountOrZero = Field(default=3, description="failed versions that clean keeps, and a run that fails")
    keep_backups: Annotated[Count | None, Said] = Field(
        default=None,
        description="backups of deploys that are kept, besides those that a version on the host needs; unless you say "
        "so, 30 of the script that provision writes, and all of a script of your own",
    )
    keep_runs: Count = Field(default=50, description="runs whose journal and output are kept, besides failed versions'")
    keep_history: Count = Field(
        default=1000, description="lines of history kept, besides those of versions on the host"
    )

    @property
    def site(self) -> str:
        """The name of the site, as a host has it."""
        return site_of(self.systemd_service)

    def for_host(self) -> HostSettings:
        """What a host is told of them, and writes down: less the repositories' URLs, which may hold a password."""
        # What a project's own environment would say counts before what stands in its files.
        named = self.settings_module or self.env.get("DJANGO_SETTINGS_MODULE")
        told = {"settings_module": named, "made_config": self.config_repo_url is None}
        return read(HostSettings, {**self.model_dump(mode="json"), **told}, "settings")

    @model_validator(mode="after")
    def _goes_together(self) -> Settings:
        folders = (self.code_subdir, self.config_subdir, self.venv_subdir, self.static_subdir)
        if len(set(folders)) < len(folders):
            raise ValueError("code_subdir, config_subdir, venv_subdir and static_subdir must be four different names")
        check_apart([*self.shared_dirs.items(), *self.shared_files.items()])
        if self.database_fallback == "restore" and self.restore_script is None:
            raise ValueError("database_fallback: restore needs a restore_script")
        return self


REQUIRED = frozenset(key for key, field in Settings.model_fields.items() if field.is_required())
