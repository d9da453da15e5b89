"""The part that runs inside Django: started with a version's own Python, through that version's own manage.py.

    python manage_shim.py MANAGE_PY VERB [ARGUMENT]
    python manage_shim.py MANAGE_PY VERB [ARGUMENT] then-migrate NUMBER

The latter stays if the verb has found something to migrate, and listens at the socket of that number. The first one who
comes there is told that it stays; the second gets what it writes to, has it apply the migrations, and is answered.

It imports nothing of the agent, since the version's Python knows nothing of it. What it finds goes to standard output
as one marked line of JSON, whatever else the app prints.
"""

import array
import json
import os
import runpy
import socket
import sys
import traceback

MARK = "switchback-result: "
# Has it stay; what it then says, what it is told, and with what its answer ends.
THEN_MIGRATE, STAYS, NOW, END = "then-migrate", b"stays", b"now", b"\n"
# How long it stays, seconds. Nobody who still wants something of it takes as long, apart from a very large backup.
PATIENCE = 6 * 3600
DEFAULT = "default"
# What must leave the database as it is, also while the app starts for it.
ONLY_LOOK = ("foresee", "about")
# What opens no way to write, and has to work where a transaction has failed.
SAVEPOINTS = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")
# How each kind of database says which one it is.
ASKS_ITS_NAME = {"postgresql": "select current_database()", "mysql": "select database()"}
# How long reading the static files may take, seconds: somebody waits for it.
STATIC_LIMIT = 8.0
# A line for each time that a migration has got no lock, and was tried again.
WAITED = []  # type: ignore[var-annotated]


def main() -> None:
    """Let manage.py set everything up as it always does, then do our work in the place of its own."""
    manage, verb, arguments = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3:]
    # Python put this file's folder first; names of ours must not shadow the app's.
    sys.path[0] = os.path.dirname(manage)
    from django.core import management  # noqa: PLC0415

    def ours(argv=None):  # type: ignore[no-untyped-def]
        import django  # noqa: PLC0415

        if verb in ONLY_LOOK:
            _have_postgresql_refuse_to_write()
        door = None
        if arguments[-2:-1] == [THEN_MIGRATE]:
            door = int(arguments[-1])
            del arguments[-2:]
            # What the app starts is not to hold the door open when we are gone.
            os.set_inheritable(door, False)
        if verb == "static":
            arguments.append(_lead_static_files_to(arguments[0]))
        django.setup()
        _wait_for_no_lock()
        found = _unless_locked(VERBS[verb], *arguments)
        print(MARK + json.dumps(found), flush=True)
        if door is not None and _has_to_migrate(found.get("checks", found)):
            stay(door)

    management.execute_from_command_line = ours
    sys.argv = [manage, verb]
    runpy.run_path(manage, run_name="__main__")


def _locks():  # type: ignore[no-untyped-def]
    """What is in the file beside this one, whose folder is not where the app's Python looks."""
    import importlib.util  # noqa: PLC0415

    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shim_locks.py")
    spec = importlib.util.spec_from_file_location("switchback_shim_locks", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def _wait_for_no_lock():  # type: ignore[no-untyped-def]
    """Have what works for a deploy say so to the database, and let no visitor wait while it waits for a lock."""
    if "SWITCHBACK_LOCKS" not in os.environ:
        return
    locks = _locks()
    told = locks.asked()
    if locks.name_sessions(told["name"]):
        _let_go_of_databases()
    locks.be_patient(told["timeout"], told["until"], WAITED)


def _unless_locked(verb, *arguments):  # type: ignore[no-untyped-def]
    """What a verb finds; that no lock was to be had is something to be found, too."""
    try:
        return verb(*arguments)
    except SystemExit as problem:
        if not getattr(problem, "no_lock", False):
            raise
        return {"no_lock": str(problem)}


def end_sessions():  # type: ignore[no-untyped-def]
    """End what this deploy has left in the databases, of processes that were killed."""
    locks = _locks()
    return locks.end_sessions(locks.asked()["name"])


def _has_to_migrate(found):  # type: ignore[no-untyped-def]
    return found["pending"] and not found["errors"] and not found["conflicts"]


def stay(number):  # type: ignore[no-untyped-def]
    """Wait to be told to migrate, and answer; whoever is not told ends."""
    try:
        caller = _asked(number)
    except Exception:  # noqa: BLE001 - what was to be found is found: another Django will migrate
        traceback.print_exc()
        return
    with caller:
        # Whoever has started this is gone, and with it what it says: the caller gets that from us.
        caller.sendmsg([b" "], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [1, 2]))])
        if caller.recv(len(NOW)) != NOW:
            raise SystemExit("not told to go on")
        caller.sendall(json.dumps(_unless_locked(migrate)).encode() + END)


def _asked(number):  # type: ignore[no-untyped-def]
    """Say that it stays, and wait for whoever asks."""
    # A backup comes first, and nothing of ours is to be in its way.
    _let_go_of_databases()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, number) as door:
        with door.accept()[0] as first:
            first.sendall(STAYS)
        door.settimeout(PATIENCE)
        caller = door.accept()[0]
    caller.settimeout(None)
    return caller


def _let_go_of_databases():  # type: ignore[no-untyped-def]
    import django  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    connections.close_all()
    if django.VERSION >= (5, 1):
        # Closed, a connection may have gone back to a pool that keeps it.
        for connection in connections.all(initialized_only=True):
            getattr(connection, "close_pool", lambda: None)()


def _lead_static_files_to(root):  # type: ignore[no-untyped-def]
    """Have static files be in a version's own folder, before anything of the app's asks where they are and keeps it.

    Returns where the app's settings have them.
    """
    from django.conf import settings  # noqa: PLC0415

    configured, settings.STATIC_ROOT = getattr(settings, "STATIC_ROOT", None), root
    # What manage.py or the settings themselves have asked for already.
    storages = getattr(sys.modules.get("django.core.files.storage"), "storages", None)
    getattr(storages, "_storages", {}).clear()
    kept = getattr(sys.modules.get("django.contrib.staticfiles.storage"), "staticfiles_storage", None)
    if kept is not None:
        from django.utils.functional import empty  # noqa: PLC0415

        kept._wrapped = empty
    return os.path.abspath(configured) if configured else ""


def static(root, configured):  # type: ignore[no-untyped-def]
    """Collect the static files into a version, whatever the settings say; and do what `checks` does.

    All in one start of Django: to start it takes longer than any of this.

    + configured: where the settings have them
    """
    from django.apps import apps  # noqa: PLC0415

    # They come first: the app's URLs may ask for a file's address.
    installed = apps.is_installed("django.contrib.staticfiles")
    found = _collect(root, configured) if installed else {"files": 0, "listed": False}
    return {**found, "checks": checks()}


def _collect(root, configured):  # type: ignore[no-untyped-def]
    from django.contrib.staticfiles.finders import get_finders  # noqa: PLC0415
    from django.contrib.staticfiles.storage import staticfiles_storage  # noqa: PLC0415
    from django.core.files.storage import FileSystemStorage  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    on_disk = isinstance(staticfiles_storage, FileSystemStorage)
    storage = staticfiles_storage._wrapped
    if on_disk and os.path.realpath(storage.location) != os.path.realpath(root):
        # One that was told a place of its own.
        configured = storage.location
        storage._location = storage.base_location = storage.location = root
    call_command("collectstatic", interactive=False, verbosity=1, skip_checks=True)
    return {
        "files": sum(len(files) for _, _, files in os.walk(root)),
        "listed": any(True for finder in get_finders() for _ in finder.list([])),
        "looked_for_in": configured,
        **_kept(staticfiles_storage),
    }


def checks():  # type: ignore[no-untyped-def]
    """Run the system checks and read the migrations."""
    from django.core.checks import ERROR, run_checks  # noqa: PLC0415

    def texts(messages):  # type: ignore[no-untyped-def]
        return [str(message) for message in messages if not message.is_silenced()]

    # Those for a deployment come with all others.
    found = run_checks(include_deployment_checks=True)
    return {
        "errors": texts(message for message in found if message.level >= ERROR),
        "warnings": texts(message for message in found if message.level < ERROR),
        "writes": {"uploads": _uploads(), "sqlite": _sqlite_files()},
        "unwritten": _unwritten(),
        **migrations(),
    }


def _unwritten():  # type: ignore[no-untyped-def]
    """What the models of the project's own apps have that no migration makes, as `makemigrations --check` finds it."""
    from django.apps import apps  # noqa: PLC0415
    from django.db.migrations.autodetector import MigrationAutodetector  # noqa: PLC0415
    from django.db.migrations.state import ProjectState  # noqa: PLC0415

    own = {config.label for config in apps.get_app_configs() if "/site-packages/" not in os.path.realpath(config.path)}
    loader = _executor(DEFAULT).loader
    own &= loader.migrated_apps
    try:
        changes = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(loader.graph)
    except Exception as problem:  # noqa: BLE001 - whatever keeps it from being told, it is no more than a hint
        return [f"can't be told: {type(problem).__name__}"]
    return [
        f"{app}: {operation.describe()}"
        for app in sorted(own & set(changes))
        for migration in changes[app]
        for operation in migration.operations
    ]


def _uploads():  # type: ignore[no-untyped-def]
    """Where each field that takes files puts them, of those that go into a folder."""
    from django.apps import apps  # noqa: PLC0415
    from django.db.models import FileField  # noqa: PLC0415

    found = {}
    for model in apps.get_models():
        for field in model._meta.local_fields:
            location = getattr(field.storage, "location", None) if isinstance(field, FileField) else None
            if isinstance(location, (str, os.PathLike)) and os.path.isabs(location):
                found[f"{model._meta.label}.{field.name}"] = os.fspath(location)
    return found


def _sqlite_files():  # type: ignore[no-untyped-def]
    """The files of those databases that are files."""
    from django.db import connections  # noqa: PLC0415

    names = {alias: str(connections.databases[alias].get("NAME", "")) for alias in connections}
    return {
        alias: name for alias, name in names.items() if connections[alias].vendor == "sqlite" and os.path.isabs(name)
    }


def about():  # type: ignore[no-untyped-def]
    """Say which databases the app has, why one can't be reached, and what is applied there that this code lacks; where
    it puts uploads, and looks for static files. Only reads."""
    from django.db import connections  # noqa: PLC0415

    found = {}
    for alias in connections:
        one = connections[alias]
        told = {key.lower(): str(one.settings_dict.get(key) or "") for key in ("NAME", "HOST")}
        found[alias] = {"vendor": one.vendor, **told, "problem": ""}
        try:
            # To connect to a file would make it.
            if one.vendor != "sqlite":
                one.ensure_connection()
        except Exception as problem:  # noqa: BLE001 - whatever keeps it from its database is the answer
            found[alias]["problem"] = str(problem)
    return {"databases": found, "uploads": _uploads(), "static": _static_place(), "unknown": _unknown_in(found)}


def _static_place():  # type: ignore[no-untyped-def]
    """Where the app looks for its static files, as `static` tells it; none where it has none, or can't say."""
    from django.apps import apps  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415

    if not apps.is_installed("django.contrib.staticfiles"):
        return None
    from django.contrib.staticfiles.storage import staticfiles_storage  # noqa: PLC0415
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415

    place = getattr(settings, "STATIC_ROOT", None)
    try:
        return {**_kept(staticfiles_storage), "looked_for_in": os.path.abspath(place) if place else ""}
    except ImproperlyConfigured:
        # A storage that needs to be told, and is not.
        return {"read": True, "url": settings.STATIC_URL, "kept_by": "", "looked_for_in": ""}


def _kept(staticfiles_storage):  # type: ignore[no-untyped-def]
    """How an app keeps its static files."""
    from django.conf import settings  # noqa: PLC0415
    from django.core.files.storage import FileSystemStorage  # noqa: PLC0415

    on_disk = isinstance(staticfiles_storage, FileSystemStorage)
    storage = staticfiles_storage._wrapped
    serving = [name for name in settings.MIDDLEWARE if "whitenoise" in name.lower()]
    return {
        # Whether the app itself needs them there: to know their names, or to serve them.
        "read": bool(serving) or hasattr(storage, "hashed_files"),
        "url": settings.STATIC_URL,
        "kept_by": "" if on_disk else f"{type(storage).__module__}.{type(storage).__name__}",
    }


def _unknown_in(databases):  # type: ignore[no-untyped-def]
    """What is applied and not in this code, of the databases that can be asked."""
    found = []
    try:
        for alias in _aliases():
            told = databases[alias]
            if not told["problem"] and (told["vendor"] != "sqlite" or os.path.exists(told["name"])):
                found += _unknown(alias, _executor(alias).loader)
    except Exception:  # noqa: BLE001 - what is wrong with the migrations, a build says
        return []
    return found


def _unknown(alias, loader):  # type: ignore[no-untyped-def]
    return _named(alias, set(loader.applied_migrations) - _with_squashed(loader, loader.disk_migrations))


def migrations():  # type: ignore[no-untyped-def]
    """Read what is applied, what the code has, and what it would apply, in order; of each database that it migrates.

    A migration is [app, name], and in another database than the default one [app, name, alias].
    """
    found = {"databases": [_database(alias) for alias in _aliases()], "applied": [], "unknown": [], "pending": []}
    found["inconsistent"] = []
    for alias in _aliases():
        executor = _executor(alias)
        loader = executor.loader
        conflicts = loader.detect_conflicts()
        found["inconsistent"] += _inconsistent(loader, alias)
        plan = [] if conflicts else executor.migration_plan(loader.graph.leaf_nodes())
        found["applied"] += _named(alias, loader.applied_migrations)
        found["unknown"] += _unknown(alias, loader)
        found["pending"] += _described(executor, [migration for migration, _ in plan])
    return {
        **found,
        "code": _code_folder(loader),
        "known": sorted(map(list, loader.disk_migrations)),
        "replaced": sorted(list(pair) for one in loader.disk_migrations.values() for pair in one.replaces),
        "conflicts": {app: sorted(names) for app, names in conflicts.items()},
    }


def _aliases():  # type: ignore[no-untyped-def]
    """The databases that the project migrates: the default one, and those that its routers write something to."""
    from django.apps import apps  # noqa: PLC0415
    from django.db import connections, router  # noqa: PLC0415

    def has_its_own(alias):  # type: ignore[no-untyped-def]
        return any(
            router.allow_migrate_model(alias, model)
            and (router.db_for_write(model) == alias or not router.allow_migrate_model(DEFAULT, model))
            for model in apps.get_models(include_auto_created=True)
        )

    def is_real(alias):  # type: ignore[no-untyped-def]
        # A mirror gets its tables from what it mirrors.
        told = connections.settings[alias]
        return not told["ENGINE"].endswith(".dummy") and not (told.get("TEST") or {}).get("MIRROR")

    return [alias for alias in connections if is_real(alias) and (alias == DEFAULT or has_its_own(alias))]


def _inconsistent(loader, alias):  # type: ignore[no-untyped-def]
    """Why a database's history does not fit the migrations, so that nothing could be migrated."""
    from django.db import connections  # noqa: PLC0415
    from django.db.migrations.exceptions import InconsistentMigrationHistory  # noqa: PLC0415

    try:
        loader.check_consistent_history(connections[alias])
    except InconsistentMigrationHistory as problem:
        return [str(problem)]
    return []


def _named(alias, pairs):  # type: ignore[no-untyped-def]
    """Migrations of a database, sorted, as they are told."""
    return sorted([*pair] if alias == DEFAULT else [*pair, alias] for pair in pairs)


def _of(alias, names):  # type: ignore[no-untyped-def]
    """Those of told migrations that are of a database."""
    return {(one[0], one[1]) for one in names if (one[2] if len(one) > 2 else DEFAULT) == alias}


def _database(alias):  # type: ignore[no-untyped-def]
    """Which database the app uses, as that says itself, and whether there is nothing in it yet."""
    from django.db import connections  # noqa: PLC0415

    connection = connections[alias]
    name = configured = str(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        if connection.vendor in ASKS_ITS_NAME:
            cursor.execute(ASKS_ITS_NAME[connection.vendor])
            name = str(cursor.fetchone()[0])
    found = {"alias": alias, "vendor": connection.vendor, "name": name, "configured": configured}
    return {**found, "empty": not _tables(connection)}


def _tables(connection):  # type: ignore[no-untyped-def]
    """The tables of a database, but for Django's own list of migrations, and one that PostGIS brings."""
    return sorted(set(connection.introspection.table_names()) - {"django_migrations", "spatial_ref_sys"})


def migrate():  # type: ignore[no-untyped-def]
    """Apply what is pending, and read the migrations again."""
    from django.core.management import call_command  # noqa: PLC0415

    for alias in _aliases():
        executor = _executor(alias)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", database=alias, interactive=False, verbosity=1)
    return {**migrations(), "waited": WAITED}


def unapply(wanted, emptied=""):  # type: ignore[no-untyped-def]
    """Go back until nothing is applied but what was.

    + wanted: what is to stay applied, a JSON list as `migrations` has it
    + emptied: whether there was no table before: then nothing is lost with what has no way back
    """
    _render_all_models_before_code_goes_back()
    found = {"unapplied": [], "wrong": [], "tables": []}  # type: ignore[var-annotated]
    for alias in reversed(_aliases()):
        _unapply_in(alias, _of(alias, json.loads(wanted)), emptied, found)
    return {**found, "databases": _aliases(), "waited": WAITED}


def _unapply_in(alias, wanted, emptied, found):  # type: ignore[no-untyped-def]
    loader = _executor(alias).loader
    keep = _with_squashed(loader, wanted)
    extra = _with_squashed(loader, loader.applied_migrations) - keep
    executor, plan, unknown = _way_back(loader, keep)
    if unknown:
        raise SystemExit(f"this code does not have, and so can't take back: {_named(alias, unknown)}")
    for migration in plan if emptied else ():
        migration.operations = [_with_a_way_back(one) for one in migration.operations]
    if plan:
        executor.migrate([], plan=[(migration, True) for migration in plan])
    # A squashed migration has a line of its own beside those of what it replaces, which may have gone one by one.
    for key in extra & _squashed(loader):
        executor.recorder.record_unapplied(*key)
    after = _executor(alias).loader
    left = _with_squashed(after, after.applied_migrations)
    found["unapplied"] += _named(alias, extra - left)
    found["wrong"] += _named(alias, left ^ keep)
    found["tables"] += _tables(executor.connection) if emptied else []


def _render_all_models_before_code_goes_back():  # type: ignore[no-untyped-def]
    """Have a migration's own code find models that know each other, backward as well as forward.

    Django leaves models unrendered while it computes states. On the way forward it renders them before it runs such
    code, on the way back it does not: there a query from one model to another can fail, 'Must be "X" instance'.
    """
    from django.db.migrations import RunPython  # noqa: PLC0415

    goes_back = RunPython.database_backwards

    def rendered(self, app_label, schema_editor, from_state, to_state):  # type: ignore[no-untyped-def]
        from_state.clear_delayed_apps_cache()
        goes_back(self, app_label, schema_editor, from_state, to_state)

    RunPython.database_backwards = rendered


def _with_a_way_back(operation):  # type: ignore[no-untyped-def]
    """An operation that can be reversed: one of the project's own code that can't has nothing to undo in what goes."""
    from django.db import migrations as kinds  # noqa: PLC0415

    if isinstance(operation, kinds.SeparateDatabaseAndState):
        operation.database_operations = [_with_a_way_back(one) for one in operation.database_operations]
    elif isinstance(operation, kinds.RunPython) and not operation.reversible:
        operation.reverse_code = kinds.RunPython.noop
    elif isinstance(operation, kinds.RunSQL) and not operation.reversible:
        operation.reverse_sql = kinds.RunSQL.noop
    return operation


def reapply(wanted):  # type: ignore[no-untyped-def]
    """Apply again what was taken back, and nothing else.

    + wanted: what is to be applied, a JSON list as `migrations` has it; null for all that this code has
    """
    told = json.loads(wanted)
    found = {"applied": [], "wrong": [], "waited": WAITED}
    for alias in _aliases():
        executor = _executor(alias)
        loader = executor.loader
        everything = {*loader.applied_migrations, *loader.disk_migrations}
        wanted = _with_squashed(loader, everything if told is None else _of(alias, told))
        plan = [step for step in executor.migration_plan(loader.graph.leaf_nodes()) if _key(step[0]) in wanted]
        executor.migrate([], plan=plan)
        after = _executor(alias).loader
        found["applied"] += _named(alias, [_key(migration) for migration, _ in plan])
        found["wrong"] += _named(alias, _with_squashed(after, after.applied_migrations) ^ wanted)
    return found


def _key(migration):  # type: ignore[no-untyped-def]
    return migration.app_label, migration.name


def _squashed(loader):  # type: ignore[no-untyped-def]
    return {key for key, migration in loader.disk_migrations.items() if migration.replaces}


def _with_squashed(loader, names):  # type: ignore[no-untyped-def]
    """Names of applied migrations, where a squashed one stands for those that it replaces, and all of those for it."""
    found, before = {tuple(pair) for pair in names}, None
    while found != before:
        before = set(found)
        for key, migration in loader.disk_migrations.items():
            replaced = {tuple(pair) for pair in migration.replaces}
            if replaced and key in found:
                found |= replaced
            elif replaced and replaced <= found:
                found.add(key)
    return found


def _way_back(loader, keep):  # type: ignore[no-untyped-def]
    """How to go back to what is to stay applied.

    Returns the executor, the migrations to be taken back, dependents first, and what is applied that this code lacks.
    The order is that of Django's own plan from nothing to everything, backwards: so each migration's own code finds the
    tables of all models that its state has.
    """
    applied = _with_squashed(loader, loader.applied_migrations)
    extra = applied - keep
    executor = _executor_where_only(loader.connection.alias, keep)
    # In the graph of where it goes, a squashed migration is one only where all that it replaces goes, or stays.
    graph = executor.loader.graph
    executor.loader.applied_migrations = dict.fromkeys(applied)
    forwards = executor.migration_plan(graph.leaf_nodes(), clean_start=True)
    plan = [_key(migration) for migration, _ in reversed(forwards) if _key(migration) in extra]
    # A squashed one that is none there goes with its parts.
    gone = _with_squashed(loader, [*keep, *plan]) | (_squashed(loader) - set(graph.nodes))
    return executor, [graph.nodes[key] for key in plan], extra - gone


def _executor_where_only(alias, keep):  # type: ignore[no-untyped-def]
    """An executor for a database in which nothing would be applied but this."""
    from django.db.migrations.recorder import MigrationRecorder  # noqa: PLC0415

    recorded = MigrationRecorder.applied_migrations
    MigrationRecorder.applied_migrations = lambda recorder: {
        key: value for key, value in recorded(recorder).items() if key in keep
    }
    try:
        return _executor(alias)
    finally:
        MigrationRecorder.applied_migrations = recorded


def _executor(alias):  # type: ignore[no-untyped-def]
    from django.db import connections  # noqa: PLC0415
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    return MigrationExecutor(connections[alias])


def _describe(migration):  # type: ignore[no-untyped-def]
    return {
        "app": migration.app_label,
        "name": migration.name,
        "reversible": all(map(_reversible, migration.operations)),
        "atomic": migration.atomic,
    }


def _reversible(operation):  # type: ignore[no-untyped-def]
    inside = getattr(operation, "database_operations", ())
    return bool(operation.reversible) and all(map(_reversible, inside))


def _described(executor, plan):  # type: ignore[no-untyped-def]
    """The migrations of a plan, each with its operations as migration_risk has them."""
    state = executor._create_project_state(with_applied_migrations=True)
    found = []
    for migration in plan:
        told = _with_operations(migration, state, executor.connection)
        steps = len(told["operations"])
        halfway = not migration.atomic or (steps > 1 and not executor.connection.features.can_rollback_ddl)
        found.append({**told, "halfway": halfway and steps > 0})
    return found


def _with_operations(migration, state, connection):  # type: ignore[no-untyped-def]
    """A migration with those of its operations that do something in a database.

    + state: the models before it, moved on to after it; None where they don't matter
    """
    operations, loses, alias = [], False, connection.alias
    for operation in migration.operations:
        if _is_for(alias, operation, migration.app_label):
            operations.append(_operation(operation, migration.app_label, state))
            loses = loses or (state is not None and _loses(operation, operations[-1], state, connection))
        if state is not None:
            operation.state_forwards(migration.app_label, state)
    idle = not operations
    return {**_describe(migration), "database": alias, "operations": operations, "idle": idle, "loses": loses}


def _loses(operation, told, state, connection):  # type: ignore[no-untyped-def]
    """Whether an operation discards something that is stored now, which reversing it does not bring back."""
    kind, app = told["kind"], told["app"]
    if kind == "SeparateDatabaseAndState":
        pairs = zip(operation.database_operations, told["inside"])
        return any(_loses(one, inside, state, connection) for one, inside in pairs)
    if kind not in ("RemoveField", "DeleteModel") and not (kind == "AlterField" and narrows(told)):
        return False
    model = state.apps.get_model(app, told["model"])
    stored = model
    if kind == "RemoveField":
        field = model._meta.get_field(told["name"])
        stored = field.remote_field.through if field.many_to_many else model
    if stored._meta.db_table not in connection.introspection.table_names():
        return False
    rows = stored._base_manager.using(connection.alias)
    if kind == "RemoveField" and stored is model and field.null:
        rows = rows.exclude(**{field.attname: None})
    return rows.exists()


def narrows(told):  # type: ignore[no-untyped-def]
    """Whether a column takes less than before, or is filled where it was empty."""
    was, now = told.get("was") or {}, told.get("field") or {}
    if was.get("class") != now.get("class") or (was.get("null") and not now.get("null")):
        return True
    sizes = [(was.get(key), now.get(key)) for key in ("max_length", "max_digits", "decimal_places")]
    return any(after is not None and (before is None or after < before) for before, after in sizes)


def _is_for(alias, operation, app):  # type: ignore[no-untyped-def]
    """Whether an operation does something in a database, as the project's routers have it."""
    from django.apps import apps  # noqa: PLC0415
    from django.db import router  # noqa: PLC0415
    from django.db.migrations.operations.base import Operation  # noqa: PLC0415
    from django.db.migrations.operations.models import ModelOperation  # noqa: PLC0415

    if type(operation).__name__ == "SeparateDatabaseAndState":
        return any(_is_for(alias, one, app) for one in operation.database_operations)
    options = getattr(operation, "options", None) or {}
    if type(operation).__name__ == "CreateModel" and (options.get("proxy") or not options.get("managed", True)):
        return False
    name = getattr(operation, "model_name", None) or getattr(operation, "new_name", None)
    if name is None and isinstance(operation, ModelOperation):
        name = operation.name
    if name is None or not isinstance(operation, Operation):
        return router.allow_migrate(alias, app, **(getattr(operation, "hints", None) or {}))
    try:
        return router.allow_migrate_model(alias, apps.get_model(app, name))
    except LookupError:
        return router.allow_migrate(alias, app, model_name=name.lower())


def foresee(asked):  # type: ignore[no-untyped-def]
    """Say what this code would do to the database and the static files. Only reads.

    + asked: JSON: `sql`, whether to write out each migration's SQL; `static`, whether to list the static files; `keep`,
      which of the applied migrations another version has, a list of [app, name], or null
    """
    wanted = json.loads(asked)
    found = migrations()
    for one in found["pending"]:
        one["sql"] = _sql(one) if wanted["sql"] and not one["idle"] else None
    known = None if wanted["keep"] is None else json.dumps(wanted["keep"])
    left = leaving(known) if known else {"leaving": [], "unknown": []}
    return {**found, **left, "static": _static_files() if wanted["static"] else None}


def _have_postgresql_refuse_to_write():  # type: ignore[no-untyped-def]
    """Have whatever this process asks PostgreSQL be asked in a transaction that only reads.

    The session itself is left as it was: a pooler hands it to a visitor next, and one that only reads is none to
    `target_session_attrs=read-write`.
    """
    from django.db.backends.signals import connection_created  # noqa: PLC0415
    from django.db.transaction import atomic  # noqa: PLC0415

    def only_read(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        connection = context["connection"]
        if str(sql).startswith(SAVEPOINTS):
            return execute(sql, params, many, context)
        with atomic(using=connection.alias, savepoint=False):
            with connection.connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            return execute(sql, params, many, context)

    def watch(connection, **others):  # type: ignore[no-untyped-def]
        if connection.vendor == "postgresql" and only_read not in connection.execute_wrappers:
            connection.execute_wrappers.append(only_read)

    connection_created.connect(watch, weak=False)


def _code_folder(loader):  # type: ignore[no-untyped-def]
    """Where the project's own migrations were imported from: the folders that are not of installed packages."""
    folders = set()
    for migration in loader.disk_migrations.values():
        file = os.path.realpath(str(sys.modules[type(migration).__module__].__file__))
        if "/site-packages/" not in file:
            folders.add(os.path.dirname(os.path.dirname(file)))
    return sorted(folders)


def leaving(known):  # type: ignore[no-untyped-def]
    """Say what is applied that another version does not know, and what of it this code can take back.

    + known: the migrations of that version, a JSON list of [app, name]

    Returns what would be taken back, dependents first, and what stays (`unknown`).
    """
    pairs = {tuple(pair) for pair in json.loads(known)}
    found = {"databases": [], "applied": [], "leaving": [], "unknown": []}  # type: ignore[var-annotated]
    for alias in _aliases():
        loader = _executor(alias).loader
        applied = _with_squashed(loader, loader.applied_migrations)
        _, plan, unknown = _way_back(loader, applied & _with_squashed(loader, pairs))
        found["databases"].append(_database(alias))
        found["applied"] += _named(alias, loader.applied_migrations)
        found["leaving"] += [{**_with_operations(one, None, loader.connection), "sql": None} for one in plan]
        found["unknown"] += _named(alias, unknown)
    return found


def _sql(migration):  # type: ignore[no-untyped-def]
    """The SQL of a migration, or why there is none: some is only known when what comes before has been applied."""
    loader = _executor(migration["database"]).loader
    try:
        return loader.collect_sql([(loader.graph.nodes[migration["app"], migration["name"]], False)])
    except Exception as problem:  # noqa: BLE001 - whatever it is, the rest can be told
        return [f"-- not known before it is run: {type(problem).__name__}"]


def _operation(operation, app, state):  # type: ignore[no-untyped-def]
    """An operation as migration_risk describes it."""
    kind = type(operation).__name__
    name = getattr(operation, "name", None) or getattr(operation, "old_name", None) or ""
    found = {
        "app": app,
        "kind": kind,
        "says": operation.describe(),
        "model": str(getattr(operation, "model_name", None) or name),
        "name": str(name),
        "reversible": _reversible(operation),
    }
    if getattr(operation, "field", None) is not None:
        found["field"] = _field(operation.field)
    if kind == "AlterField" and state is not None:
        models = state.models.get((app, operation.model_name.lower()))
        was = models and dict(models.fields).get(operation.name)
        found["was"] = _field(was) if was is not None else None
    if kind in ("AlterUniqueTogether", "AlterIndexTogether"):
        found["adds"] = bool(getattr(operation, operation.option_name, True))
    if kind == "RunPython":
        found["does_nothing"] = operation.code is type(operation).noop
    if kind == "RunSQL":
        found["does_nothing"] = not operation.sql
    if kind == "SeparateDatabaseAndState":
        found["inside"] = [_operation(one, app, state) for one in operation.database_operations]
    return found


def _field(field):  # type: ignore[no-untyped-def]
    """A field's class, and those of its arguments that are plain."""
    _, path, _, arguments = field.deconstruct()
    plain = {key: value for key, value in arguments.items() if isinstance(value, (bool, int, str, type(None)))}
    others = {key: True for key in arguments if key not in plain}
    return {**others, **plain, "class": path.rsplit(".", 1)[-1]}


def _static_files():  # type: ignore[no-untyped-def]
    """What collectstatic would collect: each name with its content's hash. None when reading it takes too long."""
    import hashlib  # noqa: PLC0415
    import time  # noqa: PLC0415

    from django.apps import apps  # noqa: PLC0415

    if not apps.is_installed("django.contrib.staticfiles"):
        return {}
    from django.contrib.staticfiles.finders import get_finders  # noqa: PLC0415

    ignored = apps.get_app_config("staticfiles").ignore_patterns
    found = {}
    end = time.monotonic() + STATIC_LIMIT
    for finder in get_finders():
        for path, storage in finder.list(ignored):
            prefix = getattr(storage, "prefix", None)
            name = os.path.join(prefix, path) if prefix else path
            if name not in found:
                digest = hashlib.sha256()
                with storage.open(path) as file:
                    for chunk in iter(lambda file=file: file.read(1024 * 1024), b""):  # type: ignore[misc]
                        digest.update(chunk)
                        if time.monotonic() > end:
                            return None
                found[name] = digest.hexdigest()
            if time.monotonic() > end:
                return None
    return found


VERBS = {
    "static": static,
    "checks": checks,
    "migrations": migrations,
    "migrate": migrate,
    "unapply": unapply,
    "leaving": leaving,
    "about": about,
    "reapply": reapply,
    "foresee": foresee,
    "end_sessions": end_sessions,
}

if __name__ == "__main__":
    main()
