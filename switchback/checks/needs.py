"""What check says of a deploy's needs beyond the host's layout: a pure function of what the agent has tried there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from agent.service.in_the_way import log_problem
from agent.words.facts import FoundRef, HostFacts, Site
from agent.words.needs import BackupScript, Database, Databases, Heads, InTheWay, Module, Needs, StaticFound, Stops
from agent.words.seen import Foreign
from facts.survey import Surveyed
from switchback.checks.git_access import unresolved
from switchback.checks.layout import places_without_problem
from switchback.checks.links import PROVISION
from switchback.checks.own_texts import MARGIN, stop_limit
from switchback.checks.unable import unable
from switchback.settings.model import Settings

# Debian's packages of what databases are backed up with.
PACKAGES = {"pg_dump": "postgresql-client", "mariadb-dump": "mariadb-client"}
# What a web server says before there is an app behind it.
NO_APP_YET = ("502", "503")
UNSEEN = (
    "what only a build can see: whether the packages install and the settings load, Django's own checks, the "
    "migrations; a build that fails touches nothing"
)


def need_problems(site: Site, settings: Settings) -> list[str]:
    """All that would keep a deploy from going well, each with what to do; empty where nothing was tried."""
    return [problem for problems in found(site, settings).values() for problem in problems]


def found(site: Site, settings: Settings) -> dict[str, list[str]]:
    """What was tried, and what is wrong with each."""
    needs = site.needs
    if needs is None:
        return {}
    told = {f"{part} repository": list(_repository(part, ref, site, settings)) for part, ref in site.refs.items()}
    told |= {name: list(problems) for name, problems in _commits(needs, site.refs, settings)}
    told["database"] = list(_database(_askable(site, needs), settings))
    if site.shared:
        told["shared"] = [one.problem for one in site.shared if one.problem]
    static = _static(site)
    if static:
        told["STATIC_ROOT"] = [static.problem] if static.problem else []
    expected = _expected_before(site, needs.website)
    word = f"website ({expected}, as before a first deploy)" if expected else "website"
    told[word] = list(_website(site, needs.website, settings)) if needs.website and not expected else []
    told |= {name: list(problems) for name, problems in _in_the_way(needs.in_the_way, settings)}
    if site.timers or any(one.schedule for one in site.versions if one.name == site.linked.current):
        told["timers"] = [_timer(name, says, site) for name, says in site.timers.items()]
    return told


def as_follower(facts: Surveyed) -> Surveyed:
    """What was tried on a host that is not the primary one, less what only that does: to back the database up."""
    if not isinstance(facts, HostFacts) or not facts.site or not facts.site.needs:
        return facts
    needs = facts.site.needs
    needs = replace(needs, database=replace(needs.database, script=None, backup=None))
    return replace(facts, site=replace(facts.site, needs=needs, timers=facts.site.others_timers))


def need_notices(site: Site) -> list[str]:
    """What is worth knowing of what was tried, though nothing is wrong with it."""
    app = _askable(site, site.needs).app if site.needs else None
    others = [one.notice for one in site.shared if one.notice]
    others += [f"{unit} has failed when it ran last: journalctl -u {unit} says why" for unit in site.failed_at_times]
    if app is None:
        return others
    stays = app.unknown
    by_hand = [f"applied, and in no version on this host, so that it stays: {stays}"] if stays else []
    return [*by_hand, *app.static.notices, *others]


def start_problems(site: Site, settings: Settings) -> list[str]:
    """What would keep a service that serves from starting again, where a restart has asked for it."""
    return _unwritable(site, settings) if site.health.healthy else []


def start_notices(site: Site, settings: Settings) -> list[str]:
    """The same of one that is not well, which loses nothing by a try."""
    return [] if site.health.healthy else _unwritable(site, settings)


def _unwritable(site: Site, settings: Settings) -> list[str]:
    return [log_problem(log, settings.app_username) for log in site.logs]


def _static(site: Site) -> StaticFound | None:
    app = _askable(site, site.needs).app if site.needs else None
    return app.static if app else None


def looked_at(facts: HostFacts, settings: Settings) -> list[str]:
    """What was looked at, and what can't be before a build, as lines: only so can "ready" be believed."""
    if not facts.site or not facts.site.needs:
        return []
    tried = {name: not problems for name, problems in found(facts.site, settings).items()}
    told = {**places_without_problem(facts, settings), **tried}
    return ["looked at: " + " ".join(f"{name} {'✓' if well else '✗'}" for name, well in told.items()), UNSEEN]


def _repository(part: str, ref: FoundRef, site: Site, settings: Settings) -> Iterator[str]:
    if ref.sha is None:
        yield unresolved(part, ref, settings, site.home)


def _commits(needs: Needs, refs: Mapping[str, FoundRef], settings: Settings) -> Iterator[tuple[str, Iterator[str]]]:
    if needs.unread:
        yield "commits", iter([f"the commits to come can't be read: {needs.unread}"])
    heads = needs.heads
    if heads is None:
        return
    at = {part: f"{one.ref} ({one.sha[:7]})" for part, one in refs.items() if one.sha}
    if heads.elsewhere:
        yield "files", (f"{one}, and git-lfs is not on this host: apt install git-lfs" for one in heads.elsewhere)
    yield "requirements", _requirements(heads, settings, at["code"])
    if "config" not in at:
        yield f"project ({'; '.join(heads.found)})" if heads.found else "project", iter(heads.missing)
        return
    yield "manage.py", _manage(heads, at["config"])
    if heads.settings:
        yield "settings", _module(heads.settings, "manage.py names", "DJANGO_SETTINGS_MODULE in manage.py", at)
    for one in heads.servers:
        if one.app:
            where = "the host's supervisord.conf" if heads.own_supervisord else "supervisord.conf"
            says = f"{one.program} starts {one.package} with"
            yield one.app.name, _module(one.app, says, f"{one.program} in {where}", at)


def _in_the_way(seen: InTheWay, settings: Settings) -> Iterator[tuple[str, Iterator[str]]]:
    yield "logs", (log_problem(log, settings.app_username) for log in seen.logs)
    yield "owners", _owners(seen.foreign, settings)
    yield "unit's limits", _limits(seen.stops, settings)


def _timer(name: str, says: str, site: Site) -> str:
    return (
        f"schedule: {name} {says}: deploys/deploy.py --data version={site.linked.current} --data force=true brings "
        "all of it to what the live version runs at times"
    )


def _owners(foreign: Foreign | None, settings: Settings) -> Iterator[str]:
    if foreign:
        app, many = settings.app_username, foreign.count > 1
        others = f"{foreign.count} files and folders" if many else "a file"
        yield (
            f"{others} in the live version {'are' if many else 'is'} not {app}'s, {foreign.path} of "
            f"{foreign.owner}'s for one: what is can't be linked into the next version, nor deleted with this one: "
            f"delete it, or chown -h {app}: it, and run manage.py as {app}"
        )


def _limits(stops: Stops, settings: Settings) -> Iterator[str]:
    needs, unit = stops.needs, settings.systemd_service
    says = f"its programs may take {needs} s to end ({stops.slowest})"
    if stops.limit is not None and stops.limit <= needs:
        yield (
            f"{unit} is killed after {stops.limit:.0f} s when it is stopped, and {says}: write "
            f"TimeoutStopSec={stop_limit(needs)} below [Service] with systemctl edit {unit} (or {PROVISION}, where "
            "that has written the unit)"
        )
    if settings.for_host().restart_limit <= needs:
        yield (
            f"restart_timeout is {settings.restart_timeout} s, and {says}: write restart_timeout: {needs + MARGIN} in "
            "the settings"
        )


def _requirements(heads: Heads, settings: Settings, at: str) -> Iterator[str]:
    told = heads.requirements
    if told.problem:
        yield f"code at {at}: {told.problem}"
        return
    starts = {one.package: one.program for one in heads.servers}
    if heads.starts_supervisord:
        starts["supervisor"] = f"the service {settings.systemd_service}"
    for package, starter in starts.items():
        if told.all_named and package not in told.names and package not in heads.live:
            yield f"{told.path} at {at} does not name {package}, which {starter} starts: add it"


def _manage(heads: Heads, at: str) -> Iterator[str]:
    if not heads.manage:
        yield f"manage.py is not at the top of the config at {at}: a deploy runs it there; add it, or a link to it"


def _module(module: Module, says: str, where: str, at: dict[str, str]) -> Iterator[str]:
    if module.found is not False:
        return
    other = f", or write {' or '.join(module.instead)} for it: {where}" if module.instead else f", or mend {where}"
    path = module.name.replace(".", "/") + ".py"
    missing = f"{path} is neither in the config at {at['config']} nor in the code"
    yield f"{says} {module.name}, and {missing}: add it{other}"


def _database(told: Databases, settings: Settings) -> Iterator[str]:
    script, app = told.script, told.app
    if script and script.problem:
        what = f"the database {script.name} that backup_script backs up"
        yield f"{settings.app_username} can't reach {what}: {script.problem}"
    if told.unasked:
        yield f"the live version can't be asked for its databases: {told.unasked}"
    if not app:
        return
    for alias, one in app.databases.items():
        if one.problem:
            yield f'the app does not reach its database "{alias}" ({one.vendor} {one.name}): {one.problem}'
        if one.inside:
            path = f"~{settings.app_username}/data"
            what = f'DATABASES["{alias}"] is a file inside the live version, {one.name}'
            yield f"{what}: name it in shared_files (docs/media.md), or keep it elsewhere, in {path} say"
    for alias, tool in told.tools.items():
        install = f"apt install {PACKAGES.get(tool, tool)}"
        yield f'backing up the database "{alias}" takes {tool}, which is not on the host: {install}'
    if app.uploads_inside:
        where, path = ", ".join(app.uploads_inside), f"~{settings.app_username}/media"
        what = f"uploads go to {where}, inside the live version"
        yield f"{what}: name that in shared_dirs (docs/media.md), or have MEDIA_ROOT lead elsewhere, to {path} say"
    default = app.databases.get("default")
    if told.backup:
        # What a file tells is certain, where the script's own words are only read.
        yield f"the last backup is of no use to the app: {told.backup}: change backup_script"
    elif script and default:
        yield from _other_database(script, default)


def _askable(site: Site, needs: Needs) -> Databases:
    """What the agent has found of the databases; what a version that can't be started says of them is no word of it."""
    return replace(needs.database, app=None, unasked="") if unable(site) else needs.database


def _other_database(script: BackupScript, default: Database) -> Iterator[str]:
    """Where the script backs up another database than the app's."""
    if default.vendor != "postgresql":
        other = f"{default.vendor} {default.name}"
        yield f"backup_script backs up PostgreSQL, and the app's database is {other}: change the script"
    elif script.name and (script.name != default.name or default.elsewhere):
        yield (
            f"backup_script backs up the database {script.name} of this host, and the app's is {default.name}"
            + (f" on {default.host}" if default.elsewhere else "")
            + ": change `database=` or the command in it"
        )


def _expected_before(site: Site, problem: str | None) -> str:
    """What a website answers that has nothing behind it before a first deploy; empty where that is not it."""
    answer = (problem or "").rpartition(" answers ")[2].partition(",")[0]
    return answer if site.is_bare and answer in NO_APP_YET else ""


def _is_https(settings: Settings) -> bool:
    return settings.website_url.startswith("https:")


def _website(site: Site, problem: str, settings: Settings) -> Iterator[str]:
    if site.is_bare:
        certified = ", with a certificate (the end of deploys/provision.py says how)" if _is_https(settings) else ""
        yield f"{problem}: a web server has to lead visitors of website_url to {settings.health_url}{certified}"
    elif site.health.healthy:
        # What is wrong with an app that is not well is said of the app.
        yield f"{problem}, though the app itself is well: look at the web server, or at website_url and site_status"
