"""Static files: collected into a version's own folder, and what they would be."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from typing import TYPE_CHECKING

from django.apps import apps
from django.conf import settings

from .protocol import Collected, StaticPlace

if TYPE_CHECKING:
    from django.utils.functional import LazyObject

# How long reading them may take, seconds: somebody waits for it.
STATIC_LIMIT = 8.0


def lead_static_files_to(root: str) -> str:
    """Have static files be in a version's own folder, before anything of the app's asks where they are and keeps it.

    Returns where the app's settings have them.
    """
    configured, settings.STATIC_ROOT = getattr(settings, "STATIC_ROOT", None), root
    # What manage.py or the settings themselves have asked for already.
    storages = getattr(sys.modules.get("django.core.files.storage"), "storages", None)
    getattr(storages, "_storages", {}).clear()
    kept_by = getattr(sys.modules.get("django.contrib.staticfiles.storage"), "staticfiles_storage", None)
    if kept_by is not None:
        from django.utils.functional import empty

        kept_by._wrapped = empty
    return os.path.abspath(configured) if configured else ""


def static(root: str, configured: str) -> Collected:
    """Collect the static files into a version, whatever the settings say; and do what `checks` does.

    All in one start of Django: to start it takes longer than any of this.

    + configured: where the settings have them
    """
    from .checks import checks

    # They come first: the app's URLs may ask for a file's address.
    if not apps.is_installed("django.contrib.staticfiles"):
        return Collected(0, False, None, checks())
    place = _collect(root, configured)
    from django.contrib.staticfiles.finders import get_finders

    files = sum(len(files) for _, _, files in os.walk(root))
    return Collected(files, any(True for finder in get_finders() for _ in finder.list([])), place, checks())


def _collect(root: str, configured: str) -> StaticPlace:
    from django.contrib.staticfiles.storage import staticfiles_storage
    from django.core.files.storage import FileSystemStorage
    from django.core.management import call_command

    on_disk = isinstance(staticfiles_storage, FileSystemStorage)
    storage = staticfiles_storage._wrapped
    if on_disk and os.path.realpath(storage.location) != os.path.realpath(root):
        # One that was told a place of its own.
        configured = storage.location
        storage._location = storage.base_location = storage.location = root
    call_command("collectstatic", interactive=False, verbosity=1, skip_checks=True)
    return _place(staticfiles_storage, configured)


def static_place() -> StaticPlace | None:
    """Where the app looks for its static files, as `static` tells it; none where it has none, or can't say."""
    if not apps.is_installed("django.contrib.staticfiles"):
        return None
    from django.contrib.staticfiles.storage import staticfiles_storage
    from django.core.exceptions import ImproperlyConfigured

    place = getattr(settings, "STATIC_ROOT", None)
    try:
        return _place(staticfiles_storage, os.path.abspath(place) if place else "")
    except ImproperlyConfigured:
        # A storage that needs to be told, and is not.
        return StaticPlace(True, settings.STATIC_URL)


def _place(staticfiles_storage: LazyObject, looked_for_in: str) -> StaticPlace:
    """How an app keeps its static files."""
    from django.core.files.storage import FileSystemStorage

    on_disk = isinstance(staticfiles_storage, FileSystemStorage)
    storage = staticfiles_storage._wrapped
    serving = [name for name in settings.MIDDLEWARE if "whitenoise" in name.lower()]
    return StaticPlace(
        # Whether the app itself needs them there: to know their names, or to serve them.
        read=bool(serving) or hasattr(storage, "hashed_files"),
        url=settings.STATIC_URL,
        kept_by="" if on_disk else f"{type(storage).__module__}.{type(storage).__name__}",
        looked_for_in=looked_for_in,
    )


def listed_static_files() -> dict[str, str] | None:
    """What collectstatic would collect: each name with its content's hash. None when reading it takes too long."""
    if not apps.is_installed("django.contrib.staticfiles"):
        return {}
    from django.contrib.staticfiles.finders import get_finders

    ignored = apps.get_app_config("staticfiles").ignore_patterns
    found: dict[str, str] = {}
    end = time.monotonic() + STATIC_LIMIT
    for finder in get_finders():
        for path, storage in finder.list(ignored):
            prefix = getattr(storage, "prefix", None)
            name = os.path.join(prefix, path) if prefix else path
            if name not in found:
                digest = hashlib.sha256()
                with storage.open(path) as file:
                    while chunk := file.read(1024 * 1024):
                        digest.update(chunk)
                        if time.monotonic() > end:
                            return None
                found[name] = digest.hexdigest()
            if time.monotonic() > end:
                return None
    return found
