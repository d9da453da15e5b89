"""What is read from a project that has no config repository: where it is, its settings, and what serves it."""

from __future__ import annotations

import pytest

from agent.project.found import NotFound, Project, find, folders_of
from tests.unit import healthy

MANAGE = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{}")\nfrom django.core.management import x\n'
WSGI = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{}")\napplication = get_wsgi_application()\n'
STARTPROJECT = {
    "manage.py": MANAGE.format("mysite.settings"),
    "mysite/__init__.py": "",
    "mysite/settings.py": 'DEBUG = True\nWSGI_APPLICATION = "mysite.wsgi.application"\n',
    "mysite/urls.py": "",
    "mysite/wsgi.py": WSGI.format("mysite.settings"),
    "mysite/asgi.py": WSGI.format("mysite.settings"),
}
WAGTAIL = {
    "manage.py": MANAGE.format("mysite.settings.dev"),
    "mysite/settings/__init__.py": "",
    "mysite/settings/base.py": 'WSGI_APPLICATION = "mysite.wsgi.application"\n',
    "mysite/settings/dev.py": "from .base import *\n",
    "mysite/settings/production.py": "from .base import *\n",
    "mysite/wsgi.py": WSGI.format("mysite.settings.production"),
}
# As cookiecutter-django has it.
CONFIG = {
    "manage.py": MANAGE.format("config.settings.local"),
    "config/settings/base.py": 'WSGI_APPLICATION = "config.wsgi.application"\n',
    "config/settings/local.py": "from .base import *\n",
    "config/settings/production.py": "from .base import *\n",
    "config/wsgi.py": WSGI.format("config.settings.production"),
    "shop/models.py": "",
}

# As a manage.py has it that makes the name up.
UNNAMED = {
    **STARTPROJECT,
    "manage.py": 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "%s.settings" % name)\nimport django\n',
    "mysite/wsgi.py": "",
    "mysite/asgi.py": "",
}


def found(files: dict[str, str], **asked: str) -> Project:
    """What is found in a commit with these files."""
    return find(files, files.get, healthy.host_settings(**asked))


def problem(files: dict[str, str], **asked: str) -> str:
    """What is not, and what to write."""
    with pytest.raises(NotFound) as missing:
        found(files, **asked)
    return str(missing.value)


def below(folder: str, files: dict[str, str]) -> dict[str, str]:
    """The same files in a folder."""
    return {f"{folder}/{path}": text for path, text in files.items()}


def without(files: dict[str, str], *paths: str) -> dict[str, str]:
    """Files, less some of them."""
    return {path: text for path, text in files.items() if path not in paths}


@pytest.mark.parametrize(
    ("files", "folder", "settings", "server", "module"),
    [
        (STARTPROJECT, "", "mysite.settings", "wsgi", "mysite.wsgi"),
        (below("backend", STARTPROJECT), "backend", "mysite.settings", "wsgi", "mysite.wsgi"),
        (WAGTAIL, "", "mysite.settings.production", "wsgi", "mysite.wsgi"),
        (CONFIG, "", "config.settings.production", "wsgi", "config.wsgi"),
    ],
)
def test_a_project_as_it_was_generated_tells_all_of_itself(
    files: dict[str, str], folder: str, settings: str, server: str, module: str
) -> None:
    told = found(files)
    assert (told.folder, told.settings, told.server) == (folder, settings, server)
    assert (told.module, told.name) == (module, "application")
    assert len(told.found) == 3


def test_what_was_found_is_said_with_where_it_stands() -> None:
    assert found(below("backend", WAGTAIL)).found == (
        "manage.py in backend",
        "settings mysite.settings.production, which wsgi.py names",
        "wsgi mysite.wsgi:application, which the settings name",
    )


@pytest.mark.parametrize("name", ["production", "prod"])
def test_the_settings_of_production_count_though_nothing_names_them(name: str) -> None:
    files = {**WAGTAIL, "mysite/wsgi.py": WSGI.format("mysite.settings.dev"), f"mysite/settings/{name}.py": ""}
    files = files if name == "production" else without(files, "mysite/settings/production.py")
    told = found(files)
    assert told.settings == f"mysite.settings.{name}"
    assert f"settings mysite.settings.{name}, beside mysite.settings.dev, which manage.py names" in told.found


def test_settings_in_a_package_have_their_production_inside() -> None:
    files = {**without(STARTPROJECT, "mysite/settings.py"), "mysite/settings/__init__.py": ""}
    assert found(files).settings == "mysite.settings"
    assert found({**files, "mysite/settings/prod.py": ""}).settings == "mysite.settings.prod"


def test_a_module_of_that_name_that_is_no_settings_is_left_alone() -> None:
    assert found({**STARTPROJECT, "mysite/production.py": ""}).settings == "mysite.settings"


def test_the_manage_py_that_is_nearest_to_the_top_counts() -> None:
    assert found({**STARTPROJECT, **below("docs/example", STARTPROJECT)}).folder == ""


@pytest.mark.parametrize(
    ("files", "folders"),
    [
        (["manage.py"], [""]),
        (["backend/manage.py", "backend/site/wsgi.py"], ["backend"]),
        (["src/site/manage.py", "docs/examples/one/manage.py"], ["src/site"]),
        (["b/manage.py", "a/manage.py"], ["a", "b"]),
        (["nothing.py"], []),
    ],
)
def test_the_projects_folder_is_that_of_manage_py(files: list[str], folders: list[str]) -> None:
    assert folders_of(files, lambda path: "import django") == folders


def test_another_manage_py_that_has_nothing_to_do_with_django_is_passed_over() -> None:
    assert found({**below("site", STARTPROJECT), "scripts/manage.py": "import flask_script\n"}).folder == "site"


def test_settings_that_ask_for_asgi_are_served_so() -> None:
    files = {**STARTPROJECT, "mysite/settings.py": 'ASGI_APPLICATION = "mysite.asgi.application"\n'}
    told = found(files)
    assert (told.server, told.module) == ("asgi", "mysite.asgi")


def test_what_serves_is_found_where_no_settings_name_it() -> None:
    assert found({**STARTPROJECT, "mysite/settings.py": ""}).module == "mysite.wsgi"
    only_asgi = found(without({**STARTPROJECT, "mysite/settings.py": ""}, "mysite/wsgi.py"))
    assert (only_asgi.server, only_asgi.module) == ("asgi", "mysite.asgi")


def test_a_project_with_nothing_that_serves_it_gets_django_s_own() -> None:
    told = found(without(STARTPROJECT, "mysite/wsgi.py", "mysite/asgi.py"))
    assert (told.server, told.module) == ("wsgi", "")


def test_each_setting_overrules_what_is_found_and_is_not_told_as_found() -> None:
    files = {**below("one", STARTPROJECT), **below("two", WAGTAIL)}
    asked = {"project_dir": "two", "settings_module": "mysite.settings.dev", "application": "mysite.wsgi:app"}
    assert found(files, **asked) == Project("two", "mysite.settings.dev", "wsgi", "mysite.wsgi", "app")
    assert found(STARTPROJECT, project_dir=".").folder == ""
    assert found(STARTPROJECT, application="mysite.asgi:application").server == "asgi"


def test_the_only_settings_there_are_count_though_nothing_names_them() -> None:
    told = found(UNNAMED)
    assert told.settings == "mysite.settings"
    assert "settings mysite.settings, the only ones there are" in told.found


@pytest.mark.parametrize(
    ("files", "asked", "words"),
    [
        ({"app.py": ""}, {}, "the code has no manage.py: write project_dir: PATH"),
        (
            {**below("a", STARTPROJECT), **below("b", STARTPROJECT)},
            {},
            "several manage.py, in a, b: write project_dir: a",
        ),
        (STARTPROJECT, {"project_dir": "src"}, "project_dir is src, and the code has no manage.py there"),
        ({**STARTPROJECT, "manage.py": "django"}, {}, ""),
        (
            {**UNNAMED, "shop/settings.py": ""},
            {},
            "in words (there are mysite.settings, shop.settings): write settings_module: mysite.settings in",
        ),
        (without(UNNAMED, "mysite/settings.py"), {}, "in words: write settings_module: PACKAGE.settings in"),
        (without(STARTPROJECT, "mysite/settings.py"), {}, "settings mysite.settings, which the code does not have"),
        (STARTPROJECT, {"settings_module": "mysite.setings"}, "settings_module is mysite.setings, and the code has no"),
        (STARTPROJECT, {"application": "mysite.wsgy:application"}, "application is mysite.wsgy:application, and"),
    ],
)
def test_what_is_not_to_be_found_is_asked_for_with_the_setting_to_write(
    files: dict[str, str], asked: dict[str, str], words: str
) -> None:
    if not words:
        # What wsgi.py says is as good as what manage.py does.
        assert found(files, **asked).settings == "mysite.settings"
        return
    assert words in problem(files, **asked)


FORCED = MANAGE.replace('.setdefault("DJANGO_SETTINGS_MODULE", "{}")', '["DJANGO_SETTINGS_MODULE"] = "{}"')
IN_MAIN = """\
import os, django

def main():
    os.environ['DJANGO_SETTINGS_MODULE'] = 'mysite.settings'

if __name__ == '__main__':
    main()
"""
# As a manage.py has it that has other settings for its tests, or none where somebody has said which.
ON_CONDITION = """\
import os, sys, django

if sys.argv[1:2] == ["test"]:
    os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings_test"
if "DJANGO_SETTINGS_MODULE" not in os.environ:
    os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
os.environ["DJANGO_SETTINGS_MODULE"] = os.environ.get("DJANGO_SETTINGS_MODULE", "mysite.settings")
os.environ["OTHER"] = "mysite.settings"
"""


@pytest.mark.parametrize(("manage", "line"), [(FORCED.format("mysite.settings"), 1), (IN_MAIN, 4)])
def test_a_manage_py_that_overrules_the_settings_of_the_host_is_refused_with_what_to_write_there(
    manage: str, line: int
) -> None:
    told = (
        f"sets DJANGO_SETTINGS_MODULE whatever it was (line {line}), so that the settings made for the host would not "
        'be used: write os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings") there'
    )
    files = {**STARTPROJECT, "manage.py": manage}
    assert problem(files) == f"manage.py {told}"
    assert problem(below("backend", files)) == f"backend/manage.py {told}"


def test_so_is_what_serves_the_project_and_all_that_does_is_told_at_once() -> None:
    server = FORCED.format("mysite.settings")
    files = {**STARTPROJECT, "manage.py": FORCED.format("mysite.settings"), "mysite/wsgi.py": server}
    assert [one.split(" ")[0] for one in problem(files).splitlines()] == ["manage.py", "mysite/wsgi.py"]
    # Nothing starts that one.
    assert found({**STARTPROJECT, "mysite/asgi.py": server}).module == "mysite.wsgi"


@pytest.mark.parametrize("manage", [ON_CONDITION, "print 'django'\n" + FORCED.format("mysite.settings")])
def test_what_does_so_on_a_condition_or_can_not_be_read_is_left_alone(manage: str) -> None:
    assert found({**STARTPROJECT, "manage.py": manage}).settings.startswith("mysite.settings")
