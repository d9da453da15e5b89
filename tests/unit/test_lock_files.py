"""A lock is installed as it is: what it asks for, for one Python, next to what its own tool has exported of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import tomllib
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet

from agent.locks import pipfile, poetry, uv
from agent.locks.documents import Unusable
from agent.locks.markers import holds
from agent.locks.pins import HERE, Locked
from agent.locks.releases import fits
from agent.packages.interpreter import Interpreter
from agent.packages.pythons import Python
from agent.packages.wanted import Wanted, wanted
from agent.project.needs import asked_of
from tests.unit.healthy import host_settings
from tests.unit.test_finding import runner

LOCKS = Path(__file__).parent / "lock_files"


def python(release: str, **more: str) -> dict[str, str]:
    """What a Python says of itself."""
    return {
        "implementation_name": "cpython",
        "implementation_version": release,
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "6.1.0",
        "platform_system": "Linux",
        "platform_version": "#1 SMP",
        "python_full_version": release,
        "python_version": ".".join(release.split(".")[:2]),
        "sys_platform": "linux",
        **more,
    }


def pinned(locked: Locked) -> list[str]:
    """The packages of a lock with their releases."""
    return [f"{pin.name}=={pin.release}" for pin in locked.pins]


def of_uv(release: str, folder: str = ".", extras: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> Locked:
    document = tomllib.loads((LOCKS / "uv/uv.lock").read_text())
    return uv.read("uv.lock", document, folder, (extras, groups), python(release))


def of_poetry(which: str, release: str, extras: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> Locked:
    document, project = (
        tomllib.loads((LOCKS / which / name).read_text()) for name in ("poetry.lock", "pyproject.toml")
    )
    return poetry.read("poetry.lock", document, poetry.Asked(project, extras, groups, python(release)))


# --- uv


def test_a_uv_lock_has_other_releases_for_another_python() -> None:
    assert pinned(of_uv("3.9.18")) == [
        "asgiref==3.11.1",
        "django==4.2.30",
        "gunicorn==23.0.0",
        "packaging==26.3",
        "sqlparse==0.5.5",
        "tomli==2.5.0",
        "typing-extensions==4.16.0",
    ]
    assert pinned(of_uv("3.13.0")) == ["asgiref==3.13.0", "django==6.1.3", "gunicorn==27.0.1", "sqlparse==0.6.1"]


def test_extras_and_groups_of_a_uv_lock_are_those_that_are_asked_for() -> None:
    assert pinned(of_uv("3.11.2", extras=("S3",), groups=("prod",))) == [
        "arrow==1.4.0",
        "asgiref==3.13.0",
        "brotli==1.2.1",
        "django==5.2.19",
        "gunicorn==27.0.1",
        "humanize==4.17.0",
        "python-dateutil==4.0.0",
        "sqlparse==0.6.1",
        "tzdata==2026.6",
        "whitenoise==6.12.0",
    ]
    assert "colorama" in {pin.name for pin in _on_windows().pins}


def _on_windows() -> Locked:
    document = tomllib.loads((LOCKS / "uv/uv.lock").read_text())
    return uv.read("uv.lock", document, ".", ((), ()), python("3.11.2", sys_platform="win32"))


def test_each_file_of_a_lock_is_known_by_its_hash() -> None:
    (asgiref, *_) = of_uv("3.13.0").pins
    assert asgiref.line.startswith("asgiref==3.13.0 --hash=sha256:")
    assert len(asgiref.hashes) == 2


WORKSPACE: dict[str, Any] = {
    "version": 1,
    "package": [
        {"name": "top", "source": {"virtual": "."}, "dependencies": [{"name": "six"}]},
        {
            "name": "Back_End",
            "source": {"editable": "backend"},
            "dependencies": [{"name": "lib"}, {"name": "own"}, {"name": "there"}, {"name": "top"}],
        },
        {"name": "lib", "source": {"editable": "libs/lib"}, "dependencies": [{"name": "private"}]},
        {"name": "private", "version": "1", "source": {"registry": "https://pypi.example.com/simple/"}},
        {"name": "own", "source": {"git": "https://git.example.com/own?subdirectory=py&rev=main#0123abc"}},
        {
            "name": "there",
            "version": "2",
            "source": {"url": "https://example.com/t.whl"},
            "wheels": [{"hash": "sha256:a"}],
        },
        {"name": "six", "version": "1", "source": {"registry": "https://pypi.org/simple"}},
    ],
}


def test_of_a_workspace_the_projects_own_folder_counts() -> None:
    locked = uv.read("uv.lock", WORKSPACE, "backend", ((), ()), python("3.11.2"))
    assert [pin.line for pin in locked.pins] == [
        f"lib @ file://{HERE}/libs/lib",
        "own @ git+https://git.example.com/own@0123abc#subdirectory=py",
        "private==1",
        "six==1",
        "there @ https://example.com/t.whl --hash=sha256:a",
    ]
    assert locked.options == ("--extra-index-url https://pypi.example.com/simple",)


CHOICES = {
    "version": 1,
    "conflicts": [[{"package": "site", "extra": "cpu"}, {"package": "site", "extra": "gpu"}]],
    "package": [
        {
            "name": "site",
            "source": {"virtual": "."},
            "optional-dependencies": {
                "cpu": [{"name": "torch", "version": "1+cpu", "marker": "extra == 'extra-4-site-cpu'"}],
                "gpu": [{"name": "torch", "version": "1"}],
            },
        },
        {"name": "torch", "version": "1", "source": {"registry": "https://pypi.org/simple"}},
        {"name": "torch", "version": "1+cpu", "source": {"registry": "https://pypi.org/simple"}},
    ],
}


def test_of_extras_that_exclude_each_other_the_chosen_one_counts() -> None:
    locked = uv.read("uv.lock", CHOICES, ".", (("cpu",), ()), python("3.11.2"))
    assert pinned(locked) == ["torch==1+cpu"]


UNUSABLE: dict[str, tuple[Any, str]] = {
    "of tomorrow": ({"version": 2}, "uv.lock is of version 2 of the format, and version 1 is understood"),
    "without a project": ({"version": 1}, "uv.lock has no project in . (but in none): write requirements: FILE.txt"),
    "with two projects elsewhere": (
        {"version": 1, "package": [{"name": n, "source": {"virtual": n}} for n in ("a", "b")]},
        "uv.lock has no project in . (but in a, b)",
    ),
    "with a gap": (
        {"version": 1, "package": [{"name": "a", "source": {"virtual": "."}, "dependencies": [{"name": "b"}]}]},
        "uv.lock does not say which b is meant: lock it anew",
    ),
    "with a folder for an index": (
        {
            "version": 1,
            "package": [
                {"name": "a", "source": {"virtual": "."}, "dependencies": [{"name": "b"}]},
                {"name": "b", "version": "1", "source": {"registry": "vendor"}},
            ],
        },
        "uv.lock takes packages from vendor, which is no index: set wheelhouse",
    ),
    "with a marker that is none": (
        {
            "version": 1,
            "package": [
                {"name": "a", "source": {"virtual": "."}, "dependencies": [{"name": "b", "marker": "moon == 'full'"}]}
            ],
        },
        "the marker \"moon == 'full'\" can't be understood",
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_uv_lock_that_can_not_be_understood_is_refused(case: str) -> None:
    document, says = UNUSABLE[case]
    with pytest.raises(Unusable) as refused:
        uv.read("uv.lock", document, ".", ((), ()), python("3.11.2"))
    assert str(refused.value).startswith(says)


def test_extras_and_groups_that_a_lock_does_not_know_are_named() -> None:
    with pytest.raises(Unusable, match=r"uv.lock knows no s4 \(it has s3\): change requirements_extras"):
        of_uv("3.11.2", extras=("s4",))
    with pytest.raises(Unusable, match=r"poetry.lock knows no test \(it has dev, prod\): change requirements_groups"):
        of_poetry("poetry", "3.11.2", groups=("test",))
    with pytest.raises(Unusable, match=r"Pipfile.lock knows no test \(it has develop, web\): change"):
        pipfile.read("Pipfile.lock", (LOCKS / "pipenv/Pipfile.lock").read_text(), ["test"], python("3.11.2"))


# --- Poetry

MAIN = ["asgiref==3.11.1", "django==4.2.30", "gunicorn==23.0.0", "packaging==26.3", "sqlparse==0.5.5"]
ALL = [*MAIN[:1], "brotli==1.2.1", *MAIN[1:3], "humanize==4.13.0", *MAIN[3:], "whitenoise==6.11.0"]


@pytest.mark.parametrize("which", ["poetry", "poetry18"])
def test_a_poetry_lock_of_either_kind_has_the_same(which: str) -> None:
    assert pinned(of_poetry(which, "3.11.2")) == MAIN
    # Poetry 2 locks brotli for the group; its own export says so too.
    assert pinned(of_poetry(which, "3.11.2", ("s3",), ("prod",))) == ALL
    assert "typing-extensions==4.16.0" in pinned(of_poetry(which, "3.10.1"))


def test_what_another_python_needs_is_in_a_poetry_lock() -> None:
    assert "tomli==2.5.0" in pinned(of_poetry("poetry18", "3.9.1"))
    assert of_poetry("poetry18", "3.9.1").python == ">=3.9,<4"
    assert of_poetry("poetry", "3.9.1").python == ">=3.9,<4.0"
    # The index that everybody has needs no word.
    assert of_poetry("poetry", "3.9.1").options == ()


def poetry_lock(version: str, *packages: Any) -> Any:
    return {"package": list(packages), "metadata": {"lock-version": version, "python-versions": "*"}}


def test_a_poetry_lock_of_old_is_refused() -> None:
    nothing = poetry.Asked({}, (), (), python("3.11.2"))
    with pytest.raises(
        Unusable, match=r"poetry.lock is of version 1\.1 of the format, and 2\.0 and 2\.1 are understood"
    ):
        poetry.read("poetry.lock", poetry_lock("1.1"), nothing)
    with pytest.raises(Unusable, match="of version unknown of the format"):
        poetry.read("poetry.lock", {}, nothing)


def test_what_poetry_has_from_elsewhere_comes_from_there() -> None:
    def package(name: str, **source: str) -> Any:
        return {"name": name, "version": "1", "groups": ["main"], "source": source}

    document = poetry_lock(
        "2.1",
        package("a", type="git", url="git@git.example.com:x/a.git", resolved_reference="0123", subdirectory="py"),
        package("b", type="directory", url="libs/b"),
        package("c", type="url", url="https://example.com/c.whl"),
        package("d", type="legacy", url="https://pypi.example.com/simple", reference="private"),
        {"name": "e", "version": "1", "groups": ["main"], "markers": {"main": "python_version < '3'"}},
        {"name": "f", "version": "1", "groups": ["main", "dev"], "markers": {"dev": "python_version < '3'"}},
    )
    locked = poetry.read("poetry.lock", document, poetry.Asked({}, (), (), python("3.11.2")))
    assert [pin.line for pin in locked.pins] == [
        "a @ git+ssh://git@git.example.com/x/a.git@0123#subdirectory=py",
        f"b @ file://{HERE}/libs/b",
        "c @ https://example.com/c.whl",
        "d==1",
        "f==1",
    ]
    assert locked.options == ("--extra-index-url https://pypi.example.com/simple",)


def test_where_a_poetry_lock_of_before_does_not_tell_which_release_is_meant_it_is_refused() -> None:
    document = poetry_lock("2.0", {"name": "a", "version": "1"}, {"name": "a", "version": "2"})
    project: Any = {"tool": {"poetry": {"dependencies": {"a": "*", "python": "^3.9"}}}}
    with pytest.raises(Unusable, match="does not say which a is meant: lock it anew with Poetry 2"):
        poetry.read("poetry.lock", document, poetry.Asked(project, (), (), python("3.11.2")))
    document["package"][0]["python-versions"] = "<3.10"
    document["package"][1]["python-versions"] = ">=3.10"
    assert pinned(poetry.read("poetry.lock", document, poetry.Asked(project, (), (), python("3.11.2")))) == ["a==2"]


@pytest.mark.parametrize(
    ("constraint", "release", "allowed"),
    [
        ("*", "3.11.2", True),
        ("^3.9", "4.0.0", False),
        ("^0.2.1", "0.2.9", True),
        ("~3.11", "3.12.0", False),
        (">=3.8,<3.10 || ^3.11", "3.11.2", True),
        ("3.11.*", "3.11.2", True),
        ("!=3.11.2", "3.11.2", False),
    ],
)
def test_poetrys_constraints_on_python_are_understood(constraint: str, release: str, allowed: bool) -> None:
    assert poetry.allows(constraint, python(release)) is allowed


# --- Pipenv


def test_a_pipfile_lock_is_read_with_the_categories_that_are_asked_for() -> None:
    text = (LOCKS / "pipenv/Pipfile.lock").read_text()
    locked = pipfile.read("Pipfile.lock", text, [], python("3.11.2"))
    assert pinned(locked) == ["asgiref==3.13.0", "django==5.2.19", "gunicorn==27.0.1", "sqlparse==0.6.1"]
    assert locked.python == "==3.11.*"
    more = pipfile.read("Pipfile.lock", text, ["dev", "web"], python("3.11.2"))
    assert {"six==1.17.0", "whitenoise==6.12.0", "brotli==1.2.1"} <= set(pinned(more))
    assert pinned(pipfile.read("Pipfile.lock", text, [], python("3.9.1"))) == []


def pipfile_lock(sources: list[str], **default: Any) -> str:
    about = {"pipfile-spec": 6, "requires": {}, "sources": [{"url": one} for one in sources]}
    return json.dumps({"_meta": about, "default": default, "develop": {}})


def test_what_pipenv_has_from_elsewhere_comes_from_there() -> None:
    text = pipfile_lock(
        ["https://${USER}:${WORD}@pypi.example.com/simple"],
        a={"git": "https://git.example.com/a", "ref": "0123"},
        b={"path": "libs/b", "editable": True},
        c={"file": "https://example.com/c.whl"},
    )
    locked = pipfile.read("Pipfile.lock", text, [], python("3.11.2"))
    assert [pin.line for pin in locked.pins] == [
        "a @ git+https://git.example.com/a@0123",
        f"b @ file://{HERE}/libs/b",
        "c @ https://example.com/c.whl",
    ]
    assert locked.options == ("--extra-index-url https://pypi.example.com/simple",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "Pipfile.lock can't be read: "),
        ("[]", "Pipfile.lock is of a format that is not understood"),
        ('{"_meta": {"pipfile-spec": 7}}', "Pipfile.lock is of a format that is not understood"),
        (pipfile_lock([], a={"version": "*"}), "Pipfile.lock does not say which release of a is meant: lock it anew"),
        (pipfile_lock(["https://example.com/$X"]), "Pipfile.lock takes packages from https://example.com/$X, where "),
        (pipfile_lock([], a={"git": "https://x"}), "Pipfile.lock has a package from https://x without its commit"),
    ],
)
def test_a_pipfile_lock_that_can_not_be_understood_is_refused(text: str, says: str) -> None:
    with pytest.raises(Unusable) as refused:
        pipfile.read("Pipfile.lock", text, [], python("3.11.2"))
    assert str(refused.value).startswith(says)


# --- Which of them counts, and what becomes of it


def needs(files: dict[str, str], **settings: Any) -> Wanted:
    """What a project with these files needs."""
    told = host_settings(**{"extra_requirements": ("auto",), **settings})
    asked = asked_of(told, configured=False, uv=True, files=files, read=files.get)
    return wanted(asked, files, files.get, Interpreter(runner(), Python("python3", sys.executable)))


def files_of(which: str, folder: str = "") -> dict[str, str]:
    return {f"{folder}{path.name}": path.read_text() for path in (LOCKS / which).iterdir()}


@pytest.mark.parametrize("which", ["uv", "poetry", "poetry18", "pipenv"])
def test_a_lock_counts_before_what_it_was_made_of_and_is_all_that_is_installed(which: str) -> None:
    told = needs({**files_of(which, "site/"), "site/manage.py": "import django", "requirements.txt": ""})
    assert told.found.path.endswith(".lock")
    assert told.found.others == ()
    assert told.locked and "django" in told.locked and "gunicorn" in told.locked
    assert told.handed == told.loose == ()
    # The lock has gunicorn.
    assert (told.added, told.apart) == (("supervisor>=4.3",), True)
    assert all("--hash=sha256:" in line for line in told.lines)


def test_a_member_of_a_workspace_is_installed_by_the_workspaces_lock() -> None:
    lock = (LOCKS / "uv/uv.lock").read_text().replace('source = { virtual = "." }', 'source = { editable = "backend" }')
    project = {"backend/manage.py": "import django", "backend/pyproject.toml": "[project]\ndependencies = []\n"}
    assert needs({**project, "uv.lock": lock}).found.path == "uv.lock"
    assert needs({**project, "uv.lock": ""}).found.path == "backend/pyproject.toml"


def test_a_lock_that_is_not_for_this_python_is_refused() -> None:
    text = (LOCKS / "uv/uv.lock").read_text().replace('requires-python = ">=3.9"', 'requires-python = ">=4.2"')
    with pytest.raises(
        Unusable, match=r"uv.lock is for Python >=4\.2, and python: python3 is 3\..* \(it has .*\): write another one"
    ):
        needs({"uv.lock": text})


def test_a_lock_that_changes_for_others_alone_asks_for_the_same() -> None:
    files = files_of("uv")
    other = {**files, "uv.lock": files["uv.lock"].replace('version = "1.17.0"', 'version = "1.18.0"')}
    assert needs(files).says_same(needs(other))
    assert not needs(files, requirements_groups=("prod",)).says_same(needs(files))


# --- Markers and releases, next to what everybody else has

RELEASES = st.sampled_from(["2.7.18", "3.9", "3.9.1", "3.10.0", "3.11", "3.11.2", "3.12.0rc1", "4.0"])
SIGNS = st.sampled_from(["==", "!=", "<=", ">=", "<", ">", "~="])
TEXTS = st.sampled_from(["linux", "win32", "darwin", "cpython", ""])
COMPARED = st.one_of(
    st.builds("{} {} '{}'".format, st.sampled_from(["python_version", "python_full_version"]), SIGNS, RELEASES).filter(
        lambda told: "~= '4" not in told or "." in told
    ),
    st.builds("python_full_version {} '{}.*'".format, st.sampled_from(["==", "!="]), st.sampled_from(["3", "3.11"])),
    st.builds('"{}" == sys_platform'.format, TEXTS),
    st.builds("sys_platform in '{} cygwin'".format, TEXTS),
    st.builds("platform_system not in '{}'".format, TEXTS),
    st.builds("extra == '{}'".format, st.sampled_from(["s3", "S_3", "web"])),
)
MARKERS = st.recursive(
    COMPARED,
    lambda inner: st.builds("({}) {} {}".format, inner, st.sampled_from(["and", "or"]), inner),
    max_leaves=6,
)


@given(MARKERS, st.sampled_from(["3.9.1", "3.11.2", "3.13.0"]), st.sampled_from(["s3", "web", ""]))
def test_markers_mean_what_they_mean_to_everybody(marker: str, release: str, extra: str) -> None:
    environment = python(release)
    expected = Marker(marker).evaluate({**environment, "extra": extra})
    assert holds(marker, environment, [extra] if extra else []) is expected


@given(st.sampled_from(["3.9", "3.9.1", "3.10.0", "3.11.2", "4.0"]), SIGNS, RELEASES)
def test_releases_fit_as_they_do_for_everybody(release: str, sign: str, wanted: str) -> None:
    try:
        expected = SpecifierSet(f"{sign}{wanted}").contains(release, prereleases=True)
    except ValueError:
        return
    assert fits(release, f"{sign}{wanted}") is expected


@pytest.mark.parametrize(
    "marker",
    ["and", "python_version", "python_version <", "a == 'b'", "'a' == 'b'", "(os_name == 'x'", "os_name == 'x' 1"],
)
def test_what_is_no_marker_is_refused(marker: str) -> None:
    with pytest.raises(Unusable, match="can't be understood"):
        holds(marker, python("3.11.2"))


def test_a_marker_without_end_is_refused() -> None:
    for marker in ("(" * 5000, "os_name == 'x' and " * 5000):
        with pytest.raises(Unusable):
            holds(marker, python("3.11.2"))


def test_this_python_says_what_markers_ask_for() -> None:
    told = Interpreter(runner(), Python("python3", sys.executable)).environment
    assert told.keys() == python("3").keys()
    assert told["python_version"] == f"{sys.version_info[0]}.{sys.version_info[1]}"
    with pytest.raises(Unusable, match="python: /gone can't be started by"):
        _ = Interpreter(runner(), Python("/gone", "/gone")).environment
