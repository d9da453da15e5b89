"""From what was asked for to the commits that are deployed: each on a branch that the key may deploy, and signed where
its rule says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from switchback.gateway.commits.mirror import HEADS, Mirror, alone, opened
from switchback.gateway.owned import check_owned
from switchback.gateway.rules import Rule
from switchback.gateway.words import NotAsked
from switchback.settings.errors import Problems, Refused
from switchback.settings.files import SettingFiles
from switchback.settings.given import checked
from switchback.settings.kinds import Ref, Repository
from switchback.settings.source import DEFAULT_BRANCH


@dataclass(frozen=True)
class Commits:
    """What is deployed, in full.

    + config: empty where there is no config repository
    """

    code: str
    config: str = ""


class Places(BaseModel):
    """What the settings say of the repositories."""

    model_config = ConfigDict(frozen=True)

    code_repo_url: Repository | None = None
    code_branch: Ref = DEFAULT_BRANCH
    config_repo_url: Repository | None = None
    config_branch: Ref = DEFAULT_BRANCH


def places(environment: str) -> Places:
    """The repositories of an environment, of which only these settings are looked at. Raises Refused."""
    files = SettingFiles(f"inventories/{environment}.py", ())
    problems = Problems()
    given = files.read(problems)
    problems.refuse_if_any()
    return checked(Places, {key: given[key] for key in Places.model_fields if key in given}, files.home)


class Chooser:
    """Finds the commits for one key.

    + rules: the folder of gateway.yml; copies: where the copies of repositories are
    """

    def __init__(self, rule: Rule, rules: Path, copies: Path) -> None:
        self._rule = rule
        self._copies = copies
        self._places = places(rule.environment)
        self._signers = rules / rule.signed_by if rule.signed_by else None
        if self._signers:
            check_owned(self._signers)

    def chosen(self, code: str, config: str) -> Commits:
        """The commits that refs stand for; an empty one is that of the settings.

        Raises NotAsked where one may not be deployed, Refused where that can't be found out, Unreached where a
        repository does not answer.
        """
        rule, own = self._rule, self._places
        code_url, config_url = rule.code_repo_url or own.code_repo_url, rule.config_repo_url or own.config_repo_url
        if code_url is None:
            raise Refused("code_repo_url is neither in the settings nor in gateway.yml")
        if config and own.config_repo_url is None:
            raise NotAsked("there is no config repository: CODE is all that can be named")
        found = Commits(self._commit(code_url, code or own.code_branch, rule.branches or (own.code_branch,)))
        if own.config_repo_url is None or config_url is None:
            return found
        branches = rule.config_branches or (own.config_branch,)
        return Commits(found.code, self._commit(config_url, config or own.config_branch, branches))

    def _commit(self, url: str, ref: str, branches: tuple[str, ...]) -> str:
        with alone(self._copies):
            mirror = opened(self._copies, url)
            return allowed(mirror, ref, branches, self._signers)


def allowed(mirror: Mirror, ref: str, branches: tuple[str, ...], signers: Path | None) -> str:
    """The commit that a ref stands for. Raises NotAsked where it may not be deployed.

    + branches: those whose commits may be; signers: the file of those who must have signed it, if any
    """
    found = mirror.named(ref)
    if len(found) > 1:
        raise NotAsked(f"{ref} is the name of a branch and of a tag: write refs/heads/{ref} or refs/tags/{ref}")
    sha = next(iter(found), "")
    # Whether there is such a commit elsewhere is nobody's business.
    if not sha or not mirror.is_on(sha, branches):
        raise NotAsked(f"{ref} is no commit on {' or '.join(_called(one) for one in branches)}")
    if signers and not mirror.is_signed(sha, signers):
        raise NotAsked(f"{ref} ({sha[:7]}) is not signed by anybody who may sign what is deployed")
    return sha


def _called(branch: str) -> str:
    return "the default branch" if branch == DEFAULT_BRANCH else f"the branch {branch.removeprefix(HEADS)}"
