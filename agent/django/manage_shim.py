"""Started with a version's own Python, to do something of ours inside Django, through that version's own manage.py.

    python manage_shim.py MANAGE_PY VERB [ARGUMENT]
    python manage_shim.py MANAGE_PY VERB [ARGUMENT] then-migrate NUMBER

The latter stays if the verb has found something to migrate, and listens at the socket of that number. The first one who
comes there is told that it stays; the second gets what it writes to, has it apply the migrations, and is answered.

What it does is in the folder `inside` beside this file's own.
"""

import importlib.util
import os
import sys

# No module of an app's has this name.
NAME = "_switchback_inside"


def main() -> None:
    """Have that folder be a package with a name of its own, wherever it lies, and go on there."""
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "inside")
    spec = importlib.util.spec_from_file_location(
        NAME, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    assert spec and spec.loader  # noqa: S101 - such a spec is there for any file
    sys.modules[NAME] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    importlib.import_module(f"{NAME}.start").main(sys.argv[1], sys.argv[2], sys.argv[3:])


if __name__ == "__main__":
    main()
