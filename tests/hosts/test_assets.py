"""A page that a visitor has loaded gets all of its files, whatever was deployed or reverted since."""

from __future__ import annotations

import json
import re
import urllib.request

from tests.bed.hosts import Host
from tests.faults.watch import wait_until
from tests.hosts.config_branches import push_config
from tests.invariants import visit
from tests.runs import Runs

# test_deploy has runs of such versions that are.
HELD_TO_PREVIEWS = False
# A commit over good-1 with other static files, as a branch of the code, whose URLs ask for a file's address.
COMMIT = """
set -eu
rm -rf /root/work && git clone --quiet /srv/git/code.git /root/work && cd /root/work
git checkout --quiet good-1
echo "/* $1 */" >>static/css/site.css && echo "// $1" >>static/js/site.js
echo "from django.contrib.staticfiles.storage import staticfiles_storage as s; s.url('css/site.css')" >>urls.py
git -c user.name=Sam -c user.email=sam@example.org commit --quiet --all --message "Paint it $1"
git push --quiet origin HEAD:refs/heads/$1
"""


STATIC_ROOT = """sed -i 's|^STATIC_ROOT = .*|STATIC_ROOT = CODE_DIR / "staticfiles"|' settings.py"""
# Where the web server has nothing.
STATIC_URL = """sed -i 's|^STATIC_URL = .*|STATIC_URL = "/assets/"|' settings.py"""


def assets_of(page: str) -> set[str]:
    """The hashed static files that a page asks for."""
    found = set(re.findall(r"/(static/[^\"' ]+\.[0-9a-f]{12}\.\w+)", page))
    assert any(name.endswith(".css") for name in found), page
    return found


def missing(host: Host, assets: set[str]) -> set[str]:
    """Which of these a visitor doesn't get."""
    return {name for name in assets if not _is_there(host.website_url + name)}


def _is_there(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bool(answer.read())
    except OSError:
        return False


def test_a_page_gets_its_files_over_two_deploys_and_a_revert(host: Host, run: Runs) -> None:
    for colour in ("red", "blue"):
        host.run(["sh", "-c", COMMIT, "sh", colour])
    first = assets_of(visit(host))
    run("deploy", host, data={"code": "red"}).worked()
    second = assets_of(visit(host))
    assert second - first
    assert missing(host, first | second) == set()
    # As most guides have it: a folder of the code.
    push_config(host, STATIC_ROOT, "inside")
    run("deploy", host, data={"code": "blue", "config": "inside"}).worked()
    third = assets_of(visit(host))
    assert missing(host, first | second | third) == set()
    run("revert", host).worked()
    assert assets_of(visit(host)) == second
    assert missing(host, first | second | third) == set()


def test_a_version_whose_static_files_visitors_do_not_get_is_taken_back(host: Host, run: Runs) -> None:
    live = assets_of(visit(host))
    push_config(host, STATIC_URL, "elsewhere")
    result = run("deploy", host, data={"code": "red", "config": "elsewhere"})
    assert result.code == 1
    assert f"visitors get no static files: {host.website_url}assets/" in result.told
    assert "fell back at site" in result.told
    assert assets_of(visit(host)) == live


def test_the_manifest_and_the_plain_names_are_the_versions_own(host: Host) -> None:
    current, previous = (
        host.run(f"cd /home/app/{link}/static && cat css/site.css staticfiles.json").stdout
        for link in ("django-current", "django-previous")
    )
    assert "/* red */" in current
    assert "/* blue */" in previous
    assert current != previous


def test_the_packages_of_the_second_version_are_links_and_nothing_in_it_names_the_first(host: Host) -> None:
    name, before = (version_at(host, link) for link in ("django-current", "django-previous"))
    module = "venv/lib/python3.*/site-packages/django/__init__.py"
    same = host.run(f"stat -c %i /home/app/{name}/{module} /home/app/{before}/{module}").stdout.split()
    assert len(set(same)) == 1
    assert_runs_from_itself(host, name, before)
    assert_runs_from_itself(host, before, name)


def version_at(host: Host, link: str) -> str:
    """The name of the version that a link leads to."""
    return host.read(["readlink", f"/home/app/{link}"]).strip().rsplit("/", 1)[1]


def assert_runs_from_itself(host: Host, name: str, other: str) -> None:
    """The environment of a version names no other one, and runs its own files."""
    assert host.run(["grep", "-rlF", other, f"/home/app/{name}/venv"], check=False).stdout == ""
    where = host.run([f"/home/app/{name}/venv/bin/django-admin", "--version"]).stdout
    assert where.startswith("5.2")
    check = "import django.http as h; print(h.__file__, h.HttpResponse.__init__.__code__.co_filename)"
    for path in host.run([f"/home/app/{name}/venv/bin/python", "-c", check]).stdout.split():
        assert path.startswith(f"/home/app/{name}/venv/")


RECORDS = """
import base64, hashlib, importlib.metadata as m
for one in m.distributions():
    for file in one.files or []:
        if file.hash and file.hash.mode == "sha256":
            digest = base64.urlsafe_b64encode(hashlib.sha256(file.locate().read_bytes()).digest()).rstrip(b"=").decode()
            assert digest == file.hash.value, file
"""


def test_a_record_of_the_linked_environment_matches_its_files(host: Host) -> None:
    host.run(["/home/app/django-current/venv/bin/python", "-c", RECORDS])


def test_the_environment_of_a_deleted_version_becomes_the_next_ones(host: Host, run: Runs) -> None:
    for colour in ("green", "yellow"):
        host.run(["sh", "-c", COMMIT, "sh", colour])
    gone = version_at(host, "django-previous")
    run("deploy", host, data={"code": "green"}).worked()
    folder = host.run(["stat", "-c", "%i", f"/home/app/{gone}/venv/lib"]).stdout
    assert f"deleted: {gone}" in run("clean", host, data={"version": gone}).worked().output
    spare = "/home/app/.switchback/spare"
    # It is ready for the next version, but for what will name that.
    wait_until(host, f"[ -e {spare}/*.json ]")
    ready = host.read(f"cat {spare}/*.json")
    assert json.loads(ready)["like"] == f"/home/app/{version_at(host, 'django-current')}/venv"
    assert json.loads(ready)["lacking"] == ["bin"]
    assert host.run(f"ls {spare}/*/bin/python {spare}/*/bin/django-admin", check=False).stdout.count("\n") == 1
    run("deploy", host, data={"code": "yellow"}).worked()
    name, before = (version_at(host, link) for link in ("django-current", "django-previous"))
    assert host.run(["stat", "-c", "%i", f"/home/app/{name}/venv/lib"]).stdout == folder
    for other in (gone, before):
        assert_runs_from_itself(host, name, other)
    host.run([f"/home/app/{name}/venv/bin/python", "-c", RECORDS])
    # Sealed like any other.
    sealed = ["find", f"/home/app/{name}/venv", "!", "-type", "l", "-perm", "/222"]
    assert host.run(sealed).stdout == ""
