"""What a project's own settings leave open, filled in. A copy of this is in the config of each version that has no
config repository, beside the settings module that calls it: it runs in the app's own Python."""

from __future__ import annotations

import os

# What Django's startproject begins a key with that is in the repository.
INSECURE = "django-insecure-"
# How it is said that a host has a key of its own.
OF_THIS_HOST = "SECRET_KEY, made on this host"
# With DEBUG off, Django itself shows nobody why a view has failed.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}


def fill(
    settings: dict[str, object],
    *,
    version: str,
    project: str,
    static: str,
    shared: str,
    website_url: str,
    hosts: list[str],
) -> tuple[str, ...]:
    """Fill in what is left open, and say what was set. What the project says itself stays, but where it can't work.

    + settings: the names of the settings module
    + version, project, static: where this version is, its code's folder, and its static files
    + shared: the folder of what outlives a version
    + website_url: where visitors come; hosts: the names by which the app is asked
    """
    said = []

    def let(name: str, value: object, words: str = "") -> None:
        settings[name] = value
        said.append(words or f"{name} = {value!r}")

    def inside(path: object) -> bool:
        found = os.path.realpath(os.path.join(project, str(path)))
        return f"{found}/".startswith(os.path.realpath(version) + "/")

    if settings.get("DEBUG"):
        let("DEBUG", False)
    if not settings.get("ALLOWED_HOSTS"):
        let("ALLOWED_HOSTS", hosts)
    if website_url.startswith("https://") and not settings.get("CSRF_TRUSTED_ORIGINS"):
        let("CSRF_TRUSTED_ORIGINS", ["/".join(website_url.split("/")[:3])])
    if str(settings.get("SECRET_KEY") or INSECURE).startswith(INSECURE):
        let("SECRET_KEY", *_secret_key(os.path.join(shared, "secret_key")))
    if not settings.get("STATIC_ROOT") or inside(settings["STATIC_ROOT"]):
        let("STATIC_ROOT", static, f"STATIC_ROOT = the version's own {os.path.basename(static)}")
    if not settings.get("MEDIA_ROOT") and not settings.get("MEDIA_URL"):
        let("MEDIA_URL", "/media/")
    if not settings.get("MEDIA_ROOT") or inside(settings["MEDIA_ROOT"]):
        let("MEDIA_ROOT", os.path.join(shared, "media"))
    told = settings.get("DATABASES")
    databases = dict(told) if isinstance(told, dict) else {}
    for alias, one in databases.items():
        name = str(one.get("NAME") or "")
        is_file = str(one.get("ENGINE")).endswith("sqlite3") and name and not name.startswith((":", "file:"))
        if is_file and inside(name):
            path = os.path.join(shared, os.path.basename(name))
            databases[alias] = {**one, "NAME": path}
            let("DATABASES", databases, f'DATABASES["{alias}"]["NAME"] = {path!r}')
    if not settings.get("LOGGING"):
        let("LOGGING", LOGGING, "LOGGING: warnings and errors, to the log of the process")
    return tuple(said)


def _secret_key(path: str) -> tuple[str, str]:
    """The key, and what to say of it: from the environment, or as it was made on this host."""
    given = os.environ.get("SECRET_KEY")
    if given:
        return given, "SECRET_KEY, from the environment"
    with open(path, encoding="ascii") as file:
        return file.read(), f"{OF_THIS_HOST} and kept in {path}"
