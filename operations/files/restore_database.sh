#!/bin/sh
# Restores the app's database from a backup: restore_database.sh PATH
# All or nothing: when it fails, the database is what it was.
set -eu

database=${DATABASE:-$(id -un)}
backup=$1

umask 077
# Beside the backup: all of the database is written out there, and /tmp may be memory.
statements=$(mktemp -p "$(dirname -- "$backup")")
trap 'rm -f -- "$statements"' EXIT
# Other roles' objects (extensions, most of all) stay, so what only their owner may set is left out.
pg_restore --no-owner --no-comments --file="$statements" -- "$backup"

# What came after the backup has to go too, so everything of this role is dropped, whether the backup has it or not:
# relations, functions and types, except what is part of an extension (e) or of a table (i).
psql --quiet --no-psqlrc --output=/dev/null --set=ON_ERROR_STOP=1 --single-transaction --dbname="$database" \
    --file=- --file="$statements" <<'SQL'
SET client_min_messages = warning;
SELECT format('DROP %s IF EXISTS %s CASCADE',
    CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
    oid::regclass)
FROM pg_class
WHERE pg_get_userbyid(relowner) = current_user AND relkind IN ('r', 'p', 'v', 'm', 'S')
    AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
    AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype IN ('e', 'i'))
\gexec
SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', oid::regprocedure)
FROM pg_proc
WHERE pg_get_userbyid(proowner) = current_user
    AND pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
    AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype IN ('e', 'i'))
\gexec
SELECT format('DROP TYPE IF EXISTS %s CASCADE', oid::regtype)
FROM pg_type
WHERE pg_get_userbyid(typowner) = current_user AND typtype IN ('d', 'e')
    AND typnamespace::regnamespace::text !~ '^(pg_|information_schema)'
    AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = 'pg_type'::regclass AND objid = pg_type.oid AND deptype IN ('e', 'i'))
\gexec
SQL
