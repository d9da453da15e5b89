"""An inventory in a line: the command line and the settings are read and checked before any host is connected to."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

from pyinfra.api.connectors import get_all_connectors
from pyinfra.api.host import Host
from pyinfra.api.state import State
from pyinfra.context import ctx_config, ctx_state

from agent.text.masking import MASK, masked_urls
from switchback.hosts.pyinfra_words import lose_hosts_in_words
from switchback.settings.environment import read_address, read_secrets
from switchback.settings.errors import Problems, Refused
from switchback.settings.files import SettingFiles
from switchback.settings.given import Given, checked, unknown
from switchback.settings.model import REQUIRED, Settings
from switchback.settings.options import CommandLine, Options, read_command_line

Data = dict[str, object]
# Settings that pyinfra's connector reads by the same names.
CONNECTION = ("ssh_user", "ssh_port", "ssh_key")
GivenByHost = dict[str, dict[str, Given]]

_NO_FLAGS = {
    "no_wait": "--no-wait: a host that fails would go unnoticed, and hosts must wait for each other to commit together",
    "serial": "--serial: hosts must go step by step together, so that all of them go on or all fall back",
}
# The runs that bring the secrets to the hosts: where one is missing, no host is connected to.
NEED_SECRETS = {"deploy", "build"}


class _Run:
    """What the loaded inventory said, for the deploys of the same run."""

    def __init__(self) -> None:
        self.settings: dict[str, Settings] = {}
        self.options = Options()
        self.command_line = CommandLine()


_run = _Run()


def inventory(file: str, hosts: Sequence[str | tuple[str, Data]] | None = None) -> list[tuple[str, Data]]:
    """The hosts of an environment with their data, for pyinfra. Raises Refused with everything that is wrong.

    + file: the inventory's __file__; its name is the environment: inventories/prod.py reads group_data/prod.yml
    + hosts: the hosts, by name or as (name, data); without them, the setting `host` names them

    An inventory is `app = inventory(__file__)`.
    """
    problems = Problems()
    line = read_command_line()
    problems.add(*(reason for flag, reason in _NO_FLAGS.items() if getattr(line, flag)))
    known = {*Options.model_fields, *_known()}
    problems.add(*(unknown("--data", key, known) for key in _unknown((key for key, _ in line.data), known)))
    if line.json_output and len(line.operations) > 1:
        problems.add("--json speaks of one run: name one deploy file")
    chosen, settings = Options(), dict[str, Settings]()
    with problems.gather():
        chosen = Options.of(dict(line.data))
    if chosen.detailed_exitcode and not line.dry:
        problems.add("--data detailed_exitcode=true: it says how a look has ended, and goes with --dry")
    if chosen.report and line.dry and "why" not in {Path(one).stem for one in line.operations}:
        problems.add("--data report: it is the page of a run that has ended, and --dry ends before that")
    own, connection = _own_data(file, hosts or (), problems)
    with problems.gather():
        settings = _settings(file, line, own if hosts is not None else None, problems)
    problems.add(*_unmatched(file, line, tuple(own or settings)))
    # What `auto` stands for is known once the host is.
    if chosen.database == "restore" and any(one.restore_script is None for one in settings.values()):
        problems.add("--data database=restore: the settings have no restore_script")
    operations = {Path(one).stem for one in line.operations}
    if operations & NEED_SECRETS:
        for one in settings.values():
            with problems.gather():
                read_secrets(one.secrets)
            if "deploy" in operations and one.notify and one.notify.url:
                with problems.gather():
                    read_address(one.notify.url)
    problems.refuse_if_any()
    _run.settings, _run.options, _run.command_line = settings, chosen, line
    _go_on_without_failed_hosts()
    return [(name, {**_plain(one), **connection.get(name, {})}) for name, one in settings.items()]


def _go_on_without_failed_hosts() -> None:
    """Have pyinfra neither stop nor ask when a host fails: the others have to fall back, and nobody may be there."""
    if ctx_state.isset():
        ctx_state.get().should_raise_failed_hosts = None
        lose_hosts_in_words(ctx_state.get())
    if ctx_config.isset():
        ctx_config.get().FAIL_PERCENT = None


def settings_of(host: Host) -> Settings:
    """The settings of a host of this run. Raises Refused for one that came with no inventory of ours."""
    if host.name not in _run.settings:
        raise Refused(
            f"{host.name} has no settings: name it in group_data/ENVIRONMENT.yml or in the inventory, and run "
            "`pyinfra inventories/ENVIRONMENT.py …`"
        )
    return _run.settings[host.name]


def options() -> Options:
    """What --data said for this run besides settings."""
    return _run.options


def command_line() -> CommandLine:
    """The flags that pyinfra was started with."""
    return _run.command_line


def _known() -> set[str]:
    """What a host's data may have: settings, and what pyinfra's connectors read."""
    return {*Settings.model_fields, *(key for one in get_all_connectors().values() for key in one.data_meta)}


def _unknown(keys: Iterable[str], known: Collection[str]) -> list[str]:
    # Those that begin with _ are pyinfra's global arguments.
    return [key for key in keys if key not in known and not key.startswith("_")]


def _own_data(
    file: str, hosts: Iterable[str | tuple[str, Data]], problems: Problems
) -> tuple[GivenByHost, dict[str, Data]]:
    """The hosts' own data in the inventory: settings, and how to connect."""
    settings: GivenByHost = {}
    connection: dict[str, Data] = {}
    known = _known()
    for host in hosts:
        name, data = (host, {}) if isinstance(host, str) else host
        where = f"{file}: {name}"
        problems.add(*(unknown(where, key, known) for key in _unknown(data, known)))
        settings[name] = {key: Given(value, where) for key, value in data.items() if key in Settings.model_fields}
        connection[name] = {key: value for key, value in data.items() if key not in Settings.model_fields}
    return settings, connection


def _settings(file: str, line: CommandLine, own: GivenByHost | None, problems: Problems) -> dict[str, Settings]:
    """Every host's settings: all.yml, the environment's file, the host's own data, --data; the last one counts.

    + own: the own data of the hosts that the inventory names; None when the setting `host` names them
    """
    files = SettingFiles(file, line.group_data)
    shared = files.read(problems)
    overrides = {key: Given(text, "--data") for key, text in line.data if key in Settings.model_fields}
    if own is None:
        shared.update(overrides)
        one = _checked(shared, files, REQUIRED | {"host"})
        if not one.host:
            raise Refused(f"{shared['host'].where}: host names no host")
        return dict.fromkeys(one.host, one)
    if not own:
        raise Refused(f"{file}: names no hosts")
    found = {}
    for name, data in own.items():
        with problems.gather():
            found[name] = _checked({**shared, **data, **overrides}, files, REQUIRED)
    return found


def _checked(given: Mapping[str, Given], files: SettingFiles, required: Collection[str]) -> Settings:
    missing = [key for key in Settings.model_fields if key in required and key not in given]
    if missing and files.missing:
        raise Refused(
            f'no settings for "{files.environment}": write {files.home} (start from group_data/prod.yml.example)'
        )
    return checked(Settings, given, files.home, missing)


def _unmatched(file: str, line: CommandLine, names: Collection[str]) -> list[str]:
    """What is wrong with --limit and --exclude: with no host left, pyinfra would do nothing and call it a success."""
    if not names or not (line.limit or line.exclude):
        return []
    whole = {"all", Path(file).stem} | ({"app"} & _groups(file))
    groups = whole | _groups(file)

    def matching(pattern: str) -> set[str]:
        return set(names) if pattern in whole else {name for name in names if fnmatch(name, pattern)}

    patterns = [("--limit", one) for one in line.limit] + [("--exclude", one) for one in line.exclude]
    typos = [
        f"{flag} {pattern}: no such host or group; the hosts are {', '.join(names)}"
        for flag, pattern in patterns
        if pattern not in groups and not matching(pattern)
    ]
    # Who is in another group only pyinfra knows, once it has read the inventory: it counts as everybody or nobody.
    limited = set[str]().union(*(matching(one) or set(names) for one in line.limit or ("all",)))
    left = limited.difference(*(matching(one) for one in line.exclude))
    return typos if typos or left else ["--exclude: no host is left"]


def _groups(file: str) -> set[str]:
    """The names that the inventory's file assigns, which pyinfra makes groups of."""
    assigned = [node.targets for node in ast.parse(Path(file).read_bytes()).body if isinstance(node, ast.Assign)]
    names = {target.id for targets in assigned for target in targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_")}


def _plain(settings: Settings) -> Data:
    """A host's data as pyinfra shows it: without the passwords in URLs, and the texts of variables, which only
    `settings_of` has."""
    values = {**settings.model_dump(mode="json"), "env": dict.fromkeys(settings.env, MASK)}
    shown = {key: masked_urls(value) if isinstance(value, str) else value for key, value in values.items()}
    # What nobody has said of the connection, pyinfra and ~/.ssh/config know better than nothing at all.
    unsaid = [key for key in CONNECTION if shown[key] is None]
    told = {key: value for key, value in shown.items() if key not in unsaid}
    return {"ssh_user": settings.admin_username, **told}


def primary_of(state: State, hosts: Sequence[Host]) -> str:
    """The host that migrates and backs up: the first of the group `primary` that takes part, else the first of all."""
    first = {host.name for host in state.inventory.groups.get("primary", [])}
    return next((host.name for host in hosts if host.name in first), hosts[0].name)
