#!/bin/bash
# What many sites deploy with: a script that runs on the host, over one SSH connection. It does what a deploy of ours
# does, as plainly as that can be done: a directory for each version, links that are renamed into place, a backup, the
# maintenance page, a restart, and a look whether the site answers. What goes wrong ends it where it is.
#
#     script.sh deploy REF | script.sh revert
set -euo pipefail

home=/home/app
# Versions that stay besides the one before the live one.
keep=1

as_app() { runuser -u app -- env HOME="$home" PATH=/usr/local/bin:/usr/bin:/bin "$@"; }

link() {
    as_app ln -sfn "$1" "$2.new"
    as_app mv -T "$2.new" "$2"
}

wait_until_up() {
    for _ in $(seq 300); do
        if curl --silent --fail --output /dev/null http://127.0.0.1:8000/; then return; fi
        sleep 0.1
    done
    echo "the app does not answer" >&2
    exit 1
}

go_to() {
    link "$1" "$home/django-current"
    systemctl restart django
    wait_until_up
    as_app "$home/scripts/stop_maintenance.sh"
    curl --silent --fail --output /dev/null http://127.0.0.1/
}

case $1 in
deploy)
    version=$home/script-$(date -u +%Y%m%d-%H%M%S)
    as_app mkdir "$version"
    as_app git clone --quiet /srv/git/code.git "$version/code"
    as_app git -C "$version/code" checkout --quiet --detach "origin/$2"
    as_app git clone --quiet /srv/git/config.git "$version/config"
    as_app uv venv --quiet --python python3 "$version/venv"
    as_app uv pip install --quiet --python "$version/venv/bin/python" --no-index --find-links /srv/wheelhouse \
        --requirement "$version/code/requirements.txt"
    cd "$version/config"
    # STATIC_ROOT leads into the live version: the new one's files are collected beside it.
    as_app sed "s|^STATIC_ROOT = .*|STATIC_ROOT = '$version/static'|" settings.py >/tmp/collect.py
    as_app cp /tmp/collect.py "$version/config/collect_settings.py"
    as_app env DJANGO_SETTINGS_MODULE=collect_settings "$version/venv/bin/python" manage.py collectstatic --noinput --verbosity 0
    as_app "$version/venv/bin/python" manage.py check --deploy --verbosity 0 2>/dev/null
    as_app "$home/scripts/start_maintenance.sh"
    as_app "$home/scripts/backup_database.sh" >/dev/null
    as_app "$version/venv/bin/python" manage.py migrate --noinput --verbosity 0
    was=$(readlink "$home/django-current")
    link "$was" "$home/django-previous"
    go_to "$version"
    find "$home" -maxdepth 1 -name 'script-*' ! -path "$was" | sort -r | tail -n +$((keep + 1)) | xargs -r rm -rf
    ;;
revert)
    as_app "$home/scripts/start_maintenance.sh"
    was=$(readlink "$home/django-current")
    version=$(readlink "$home/django-previous")
    link "$was" "$home/django-previous"
    go_to "$version"
    ;;
esac
