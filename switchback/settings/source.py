"""What is deployed, and for whom: the first of the settings, which a person writes for every site."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from switchback.settings.kinds import Application, Hosts, Module, PathInCode, Processes, Ref, Repository, Said, WebUrl

# As git calls what a repository's default branch leads to.
DEFAULT_BRANCH = "HEAD"


class Source(BaseModel):
    """The hosts, the website, the repositories, and what of a project is not to be found in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Hosts = Field(
        default=(),
        description="the host's name, or several (with commas, or a list); required unless the inventory names hosts",
        examples=["www.example.com"],
    )
    website_url: WebUrl = Field(
        description="the site's address, as a visitor writes it", examples=["https://www.example.com/"]
    )
    code_repo_url: Repository = Field(
        description="the repository of the app's code, as the host reaches it",
        examples=["git@git.example.com:site/code.git"],
    )
    code_branch: Ref = Field(
        default=DEFAULT_BRANCH,
        description="what is deployed of the code unless `--data code=` says otherwise: a branch, tag or SHA; `HEAD`: "
        "the repository's default branch",
    )
    config_repo_url: Annotated[Repository | None, Said] = Field(
        default=None,
        description="the repository of the app's config, as the host reaches it; `none`: each version's config is made "
        "of the code and these settings (see your-project.md)",
    )
    config_branch: Ref = Field(
        default=DEFAULT_BRANCH,
        description="what is deployed of the config unless `--data config=` says otherwise: a branch, tag or SHA; "
        "`HEAD`: the repository's default branch",
    )
    project_dir: Annotated[PathInCode | None, Said] = Field(
        default=None,
        description="without a config repository: the folder of manage.py, from the code's top (`.` for that itself); "
        "found unless you say so",
    )
    settings_module: Annotated[Module | None, Said] = Field(
        default=None,
        description="without a config repository: the project's own settings, as in `mysite.settings.production`; "
        "found unless you say so",
    )
    application: Annotated[Application | None, Said] = Field(
        default=None,
        description="without a config repository: what serves the project, as in `mysite.asgi:application`; found "
        "unless you say so",
    )
    processes: Processes = Field(
        default={},
        description="without a config repository: what runs besides the server, or how that is started, as in `worker: "
        "celery -A mysite worker` (see processes.md)",
    )

    @property
    def repositories(self) -> dict[str, str]:
        """The URL of each repository, by the part of a version that comes from it: code, and config if it has one."""
        config = {"config": self.config_repo_url} if self.config_repo_url else {}
        return {"code": self.code_repo_url, **config}

    @model_validator(mode="after")
    def _branch_has_its_repository(self) -> Source:
        if self.config_repo_url is None and self.config_branch != DEFAULT_BRANCH:
            raise ValueError("config_branch is a branch of config_repo_url: write that, too, or take config_branch out")
        return self

    @model_validator(mode="after")
    def _processes_are_said_once(self) -> Source:
        if self.processes and self.config_repo_url is not None:
            raise ValueError(
                "processes: the config repository's supervisord.conf says which programs run: write them there, and "
                "take processes out"
            )
        return self
