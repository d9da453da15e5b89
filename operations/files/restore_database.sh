#!/bin/sh
# Restores the app's database from a backup: restore_database.sh PATH
# Several databases come from one backup, one after the other. PostgreSQL and SQLite: each is restored whole or not at all.
set -eu

# Which databases there are, a version's own settings say: of the one that a deploy is about, else of the live one.
version=$(readlink -f -- "${SWITCHBACK_VERSION:-$HOME/django-current}")
python=${SWITCHBACK_PYTHON:-$version/venv/bin/python}
manage=${SWITCHBACK_MANAGE:-$version/config/manage.py}

# What does it, for each kind of database, is beside this file.
set -- "$python" "$(dirname -- "$0")/databases.py" "$manage" restore "$1"
if [ -x "$version/run" ]; then set -- "$version/run" "$@"; fi
exec "$@"
