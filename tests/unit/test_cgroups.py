"""Where cgroups are, of both versions, on hosts and in containers; and what is done with those of ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.loop import cgroups
from agent.loop.cgroups import Cgroup, Cgroups, Limits, own_cgroups

UNIT = "/system.slice/system-switchback.slice/switchback@django.service"
V1_MOUNTS = """\
24 23 0:21 / /sys rw,nosuid - sysfs sysfs rw
30 25 0:26 / /sys/fs/cgroup/systemd rw,nosuid shared:8 - cgroup cgroup rw,xattr,name=systemd
31 25 0:27 / /sys/fs/cgroup/memory rw,nosuid shared:9 master:3 - cgroup cgroup rw,memory
32 25 0:28 / /sys/fs/cgroup/pids rw,nosuid - cgroup cgroup rw,pids
33 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
"""
V1_OWN = f"""\
12:pids:{UNIT}
8:memory:{UNIT}
5:cpu,cpuacct:/
1:name=systemd:{UNIT}
"""
V2_MOUNTS = "30 24 0:26 / /sys/fs/cgroup rw,nosuid,nodev shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V2_OWN = f"0::{UNIT}\n"
HYBRID_MOUNTS = V1_MOUNTS + "34 25 0:30 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw\n"
HYBRID_OWN = V1_OWN + V2_OWN


def below(folder: Path, mounts: str) -> str:
    """The same mounts, in a folder of the test."""
    return mounts.replace(" /sys/fs/cgroup", f" {folder}")


def lay(folder: Path, *names: str) -> None:
    """Make cgroups there."""
    for name in names:
        (folder / name.lstrip("/")).mkdir(parents=True, exist_ok=True)
        (folder / name.lstrip("/") / "cgroup.procs").touch()


def test_of_the_first_version_there_is_a_folder_in_each_tree_and_systemd_s_comes_first(tmp_path: Path) -> None:
    lay(tmp_path, *(f"{tree}{UNIT}" for tree in ("systemd", "memory", "pids")), "cpu,cpuacct")
    first, *others = cgroups._folders(V1_OWN, below(tmp_path, V1_MOUNTS))
    assert first == tmp_path / f"systemd{UNIT}"
    assert sorted(others) == [tmp_path / f"{tree}{UNIT}" for tree in ("memory", "pids")]


def test_of_the_second_version_there_is_one(tmp_path: Path) -> None:
    lay(tmp_path, UNIT)
    assert cgroups._folders(V2_OWN, below(tmp_path, V2_MOUNTS)) == [tmp_path / UNIT.lstrip("/")]


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        (("systemd", "memory", "pids", "unified"), ("systemd", "memory", "pids")),
        # The second version's has what bounds memory.
        (("systemd", "pids", "unified"), ("systemd", "pids", "unified")),
    ],
)
def test_where_both_are_there_systemd_s_tree_is_first_and_none_that_bounds_is_forgotten(
    there: tuple[str, ...], taken: tuple[str, ...], tmp_path: Path
) -> None:
    lay(tmp_path, *(f"{tree}{UNIT}" for tree in there))
    found = cgroups._folders(HYBRID_OWN, below(tmp_path, HYBRID_MOUNTS))
    assert found[0] == tmp_path / f"systemd{UNIT}"
    assert {*found} == {tmp_path / f"{tree}{UNIT}" for tree in taken}


def test_a_tree_that_is_not_mounted_or_has_no_place_for_us_is_left_out(tmp_path: Path) -> None:
    lay(tmp_path, *(f"{tree}{UNIT}" for tree in ("systemd", "memory")))
    mounts = below(tmp_path, "".join(one for one in V1_MOUNTS.splitlines(keepends=True) if "memory" not in one))
    assert cgroups._folders(V1_OWN, mounts) == [tmp_path / f"systemd{UNIT}"]


def test_controllers_that_share_a_tree_are_found_in_it(tmp_path: Path) -> None:
    lay(tmp_path, f"all{UNIT}")
    mounts = f"31 25 0:27 / {tmp_path}/all rw - cgroup cgroup rw,memory,pids\n"
    found = cgroups._folders(f"3:memory,pids:{UNIT}\n", mounts)
    assert {*found} == {tmp_path / f"all{UNIT}"}


def test_in_a_container_with_a_namespace_of_its_own_paths_begin_at_its_top(tmp_path: Path) -> None:
    """Its systemd is at the top, and our unit is below that; what the host calls it is not to be seen."""
    lay(tmp_path, UNIT)
    mounts = below(tmp_path, V2_MOUNTS)
    assert cgroups._folders(V2_OWN, mounts) == [tmp_path / UNIT.lstrip("/")]


def test_in_a_container_that_shares_the_host_s_they_are_below_the_container_s(tmp_path: Path) -> None:
    container = f"/docker/ab12cd{UNIT}"
    lay(tmp_path, *(f"{tree}{container}" for tree in ("systemd", "memory", "pids")))
    own = V1_OWN.replace(UNIT, container)
    assert cgroups._folders(own, below(tmp_path, V1_MOUNTS))[0] == tmp_path / f"systemd{container}"


@pytest.mark.parametrize("own", ["0::/\n", "", "1:name=systemd:/\n"])
def test_who_is_at_the_top_has_no_cgroup_of_its_own(own: str, tmp_path: Path) -> None:
    lay(tmp_path, "systemd", "")
    assert cgroups._folders(own, below(tmp_path, V1_MOUNTS + V2_MOUNTS)) == []


def test_a_path_with_a_colon_in_it_is_read_whole(tmp_path: Path) -> None:
    lay(tmp_path, f"{UNIT}:x")
    assert cgroups._folders(f"0::{UNIT}:x\n", below(tmp_path, V2_MOUNTS)) == [tmp_path / f"{UNIT}:x".lstrip("/")]


def test_of_the_second_version_the_loop_moves_to_a_leaf_and_hands_on_what_the_kernel_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cgroup.subtree_control").touch()
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    (tmp_path / "loop").mkdir()
    monkeypatch.setattr(cgroups, "_folders", lambda *_: [tmp_path])
    own = own_cgroups()
    assert own.folders == (tmp_path,)
    assert (tmp_path / "loop" / "cgroup.procs").read_text() == str(os.getpid())
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory"


def test_where_nobody_has_left_us_one_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "_folders", lambda *_: [])
    with pytest.raises(OSError, match="no cgroup of ours is to be found"):
        own_cgroups()


# --- One of ours


def kernel_s(folder: Path, *files: str) -> None:
    """What the kernel puts into a cgroup as that is made."""
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).touch()


def test_a_worker_s_is_made_in_each_tree_and_bounded_where_the_kernel_can(tmp_path: Path) -> None:
    for tree, files in {
        "systemd": ("cgroup.procs",),
        "memory": ("cgroup.procs", "memory.limit_in_bytes"),
        "pids": ("cgroup.procs", "pids.max"),
        "unified": ("cgroup.procs", "memory.max", "memory.oom.group"),
    }.items():
        kernel_s(tmp_path / tree / "worker-1", *files)
    own = Cgroups(tuple(tmp_path / tree for tree in ("systemd", "memory", "pids", "unified")))
    made = own.make("worker-1", Limits(memory=1000, tasks=7))
    assert made.folders == tuple(tmp_path / tree / "worker-1" for tree in ("systemd", "memory", "pids", "unified"))
    assert (tmp_path / "memory/worker-1/memory.limit_in_bytes").read_text() == "1000"
    assert (tmp_path / "pids/worker-1/pids.max").read_text() == "7"
    assert (tmp_path / "unified/worker-1/memory.max").read_text() == "1000"
    assert (tmp_path / "unified/worker-1/memory.oom.group").read_text() == "1"
    assert [*(tmp_path / "systemd/worker-1").iterdir()] == [tmp_path / "systemd/worker-1/cgroup.procs"]


def test_one_without_limits_is_bounded_by_nothing(tmp_path: Path) -> None:
    kernel_s(tmp_path / "worker-1", "memory.max", "pids.max")
    Cgroups((tmp_path,)).make("worker-1")
    assert (tmp_path / "worker-1/memory.max").read_text() == (tmp_path / "worker-1/pids.max").read_text() == ""


def test_a_process_is_taken_into_each_tree(tmp_path: Path) -> None:
    for tree in ("systemd", "memory"):
        kernel_s(tmp_path / tree, "cgroup.procs")
    one = Cgroup((tmp_path / "systemd", tmp_path / "memory"))
    one.take(4711)
    assert [(tmp_path / tree / "cgroup.procs").read_text() for tree in ("systemd", "memory")] == ["4711", "4711"]
    assert one.pids() == [4711]


def test_who_moves_itself_waits_for_nobody_else_where_the_kernel_can_do_that(tmp_path: Path) -> None:
    kernel_s(tmp_path / "systemd", "cgroup.procs", "tasks")
    kernel_s(tmp_path / "unified", "cgroup.procs", "cgroup.threads")
    Cgroup((tmp_path / "systemd", tmp_path / "unified")).take(0)
    assert [(tmp_path / "systemd" / name).read_text() for name in ("cgroup.procs", "tasks")] == ["", "0"]
    assert [(tmp_path / "unified" / name).read_text() for name in ("cgroup.procs", "cgroup.threads")] == ["0", ""]


def test_all_that_is_in_it_is_killed_and_it_is_gone_once_that_is_dead(tmp_path: Path) -> None:
    folders = [tmp_path / tree for tree in ("systemd", "memory")]
    for folder in folders:
        folder.mkdir()
    one = Cgroup(tuple(folders))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        (folders[0] / "cgroup.procs").write_text(f"{process.pid}\n")
        # The kernel lets nobody take it away while somebody is in it.
        assert one.kill() is False
        assert process.wait(10) == -signal.SIGKILL
    (folders[0] / "cgroup.procs").unlink()
    assert one.kill() is True
    assert not any(folder.exists() for folder in folders)
    # A second time does nothing.
    assert one.kill() is True
    assert one.pids() == []


def test_who_has_ended_by_then_is_in_nobody_s_way(tmp_path: Path) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    (tmp_path / "cgroup.procs").write_text(f"{process.pid}\n")
    assert Cgroup((tmp_path,)).kill() is False


@pytest.mark.parametrize(
    ("name", "text", "has"),
    [
        ("memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\n", True),
        ("memory.events", "low 0\nhigh 0\nmax 12\noom 0\noom_kill 0\n", False),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", True),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n", False),
        ("cgroup.procs", "", False),
    ],
)
def test_it_is_known_whether_the_kernel_has_killed_anything_in_it_for_its_memory(
    tmp_path: Path, name: str, text: str, has: bool
) -> None:
    (tmp_path / "systemd").mkdir()
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / name).write_text(text)
    assert Cgroup((tmp_path / "systemd", tmp_path / "memory")).has_run_out_of_memory() is has
