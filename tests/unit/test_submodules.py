"""What of a repository lies elsewhere is fetched from where the repository itself is, or the build is refused."""

from __future__ import annotations

import os
import subprocess
from contextlib import nullcontext
from pathlib import Path

import pytest

from agent.host.command import CommandFailed, Runner
from agent.repository import git, lfs, submodules
from agent.versions import hotfixes
from agent.versions.layout import Layout
from tests.unit.healthy import host_settings

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12345\n"
VERSION = "django-20261102-100000-bbbbbbb-fffffff"
# Does what is asked of it without a server.
GIT_LFS = """\
#!/bin/sh
echo "$@" >>"$LOG"
[ "$1" != pull ] || echo picture >static/photo.png
"""


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runner:
    """Runs git as whoever runs the tests, without that person's configuration."""
    monkeypatch.setattr("agent.host.command.run_as", lambda _: {})
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": "/nonexistent", "GIT_CONFIG_GLOBAL": "/dev/null"}
    monkeypatch.setattr("agent.host.command.user_env", lambda _: {**env, "LOG": str(tmp_path / "log")})
    for module in (git, lfs):
        monkeypatch.setattr(module, "acting_as", lambda _: nullcontext())
    monkeypatch.setattr(lfs, "PATH", str(tmp_path))
    return Runner(user=None, log=None, until=float("inf"))


def run(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always"]
    argv = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def repository(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    run(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, **files)
    return folder


def commit(folder: Path, **files: str) -> str:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    run(folder, "add", "--all")
    run(folder, "commit", "--quiet", "--allow-empty", "--message", "x")
    return run(folder, "rev-parse", "HEAD")


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A repository with a submodule at a relative URL, which has one as well."""
    inner = repository(tmp_path / "git" / "inner", inner_py="1\n")
    lib = repository(tmp_path / "git" / "lib", lib_py="1\n")
    run(lib, "submodule", "--quiet", "add", "../inner")
    commit(lib)
    code = repository(tmp_path / "git" / "code", a_py="1\n")
    run(code, "submodule", "--quiet", "add", "../lib", "vendor/lib")
    commit(code)
    assert inner
    return code


def check_out(runner: Runner, repository: Path, folder: Path, url: str = "") -> Path:
    """A checkout as the build makes it."""
    url, sha, mirror = url or str(repository), run(repository, "rev-parse", "HEAD"), folder.parent / "mirror.git"
    git.update_mirror(runner, mirror, str(repository), sha)
    git.check_out(runner, mirror, folder, sha)
    submodules.check_out(runner, folder, sha, url)
    for path in ("", *submodules.paths(runner, folder)):
        lfs.fetch(runner, folder / path, "HEAD", url if not path else submodules.url_of(runner, folder / path))
    return folder


def test_a_submodule_with_a_relative_url_comes_from_beside_the_repository(
    runner: Runner, code: Path, tmp_path: Path
) -> None:
    folder = check_out(runner, code, tmp_path / "version" / "code")
    assert (folder / "vendor/lib/lib.py").read_text() == "1\n"
    assert (folder / "vendor/lib/inner/inner.py").read_text() == "1\n"
    assert submodules.paths(runner, folder) == ["vendor/lib", "vendor/lib/inner"]


def test_the_login_of_the_repository_is_not_written_into_the_version(
    runner: Runner, code: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "version" / "code"
    with pytest.raises(CommandFailed) as failed:
        check_out(runner, code, folder, "https://me:s3cret@127.0.0.1:9/site/code.git")
    assert "s3cret" not in str(failed.value)
    written = (folder / ".git" / "config").read_text()
    assert "https://127.0.0.1:9/site/lib" in written
    assert "s3cret" not in written


def test_a_submodule_that_comes_from_nowhere_is_refused(runner: Runner, tmp_path: Path) -> None:
    code = repository(tmp_path / "git" / "code", a_py="1\n")
    repository(code / "lib", lib_py="1\n")
    commit(code)
    with pytest.raises(CommandFailed, match=r"lib is a submodule, but .gitmodules does not say where from"):
        check_out(runner, code, tmp_path / "version" / "code")


# --- Changes on the host


@pytest.fixture
def layout(runner: Runner, code: Path, tmp_path: Path) -> Layout:
    (tmp_path / VERSION).mkdir()
    check_out(runner, code, tmp_path / VERSION / "code")
    return Layout(host_settings(versions_dir=str(tmp_path)), tmp_path)


def test_our_own_bytecode_in_a_submodule_is_no_change(runner: Runner, layout: Layout) -> None:
    for folder in ("vendor/lib", "vendor/lib/inner"):
        cache = layout.part(VERSION, "code") / folder / "__pycache__"
        cache.mkdir()
        (cache / "lib.cpython-311.pyc").touch()
    assert hotfixes.find(runner, layout, VERSION) == {}
    assert hotfixes.patch(runner, layout, VERSION, "code") == ""


def test_what_somebody_has_changed_in_a_submodule_is_found_and_kept(
    runner: Runner, layout: Layout, code: Path, tmp_path: Path
) -> None:
    lib = layout.part(VERSION, "code") / "vendor" / "lib"
    (lib / "lib.py").write_text("2\n")
    (lib / "inner" / "new.py").write_text("3\n")
    assert hotfixes.find(runner, layout, VERSION) == {
        "code": ["changed: vendor/lib/lib.py", "untracked: vendor/lib/inner/new.py"]
    }
    patch = tmp_path / "patch"
    patch.write_text(hotfixes.patch(runner, layout, VERSION, "code"))
    run(code, "submodule", "--quiet", "update", "--init", "--recursive")
    subprocess.run(["patch", "-p1", "--input", str(patch)], cwd=code, check=True, capture_output=True)
    assert (code / "vendor/lib/lib.py").read_text() == "2\n"
    assert (code / "vendor/lib/inner/new.py").read_text() == "3\n"


# --- Git LFS


@pytest.fixture
def pointed(tmp_path: Path) -> Path:
    """A repository with a pointer."""
    attributes = "*.png filter=lfs diff=lfs merge=lfs -text\n"
    return repository(tmp_path / "git" / "site", _gitattributes=attributes, static__photo_png=POINTER, a_py="1\n")


def test_a_pointer_is_refused_where_what_it_stands_for_can_not_be_fetched(
    runner: Runner, pointed: Path, tmp_path: Path
) -> None:
    with pytest.raises(CommandFailed, match=r"static/photo.png is a Git LFS pointer and no file, and git-lfs is not"):
        check_out(runner, pointed, tmp_path / "version" / "code")


def test_a_pointer_in_a_submodule_is_refused_as_well(runner: Runner, code: Path, tmp_path: Path) -> None:
    lib = code.parent / "lib"
    commit(lib, photo_png=POINTER)
    run(code, "submodule", "--quiet", "update", "--remote")
    commit(code)
    with pytest.raises(CommandFailed, match=r"photo.png is a Git LFS pointer"):
        check_out(runner, code, tmp_path / "version" / "code")


def test_what_a_pointer_stands_for_is_fetched_by_git_lfs(runner: Runner, pointed: Path, tmp_path: Path) -> None:
    (tmp_path / "git-lfs").write_text(GIT_LFS)
    (tmp_path / "git-lfs").chmod(0o755)
    folder = check_out(runner, pointed, tmp_path / "version" / "code")
    assert (folder / "static/photo.png").read_text() == "picture\n"
    assert (tmp_path / "log").read_text() == "install --local --skip-repo\npull\n"


def test_a_pointer_that_git_lfs_leaves_is_refused(runner: Runner, pointed: Path, tmp_path: Path) -> None:
    (tmp_path / "git-lfs").write_text("#!/bin/sh\n")
    (tmp_path / "git-lfs").chmod(0o755)
    with pytest.raises(CommandFailed, match=r"photo.png is a Git LFS pointer and no file, and git-lfs has not fetched"):
        check_out(runner, pointed, tmp_path / "version" / "code")
