#!/bin/sh
# Backs the app's database up and prints the path of the backup as the last line.
# Run by a deploy as the app's user; to be changed as the site needs it, as long as it fails when there is no backup.
set -eu

database=${DATABASE:-$(id -un)}
backups=${BACKUPS:-$HOME/backups}

umask 077
mkdir -p -- "$backups"
backup=$backups/$database-$(date -u +%Y%m%d-%H%M%S).dump

# What a backup that was killed has left is named after a process that is gone.
for left in "$backups"/.unfinished-*; do
    process=${left##*/.unfinished-}
    [ -e "/proc/${process%%-*}" ] || rm -f -- "$left"
done

# Under another name until it is whole, so that half a backup is never taken for one.
unfinished=$(mktemp "$backups/.unfinished-$$-XXXXXX")
trap 'rm -f -- "$unfinished"' EXIT
pg_dump --format=custom --file="$unfinished" --dbname="$database"
sync -- "$unfinished"
# A second backup within the second gets a name of its own.
while ! ln -T -- "$unfinished" "$backup" 2>/dev/null; do
    [ -e "$backup" ]
    backup=${backup%.dump}-2.dump
done

echo "$backup"
