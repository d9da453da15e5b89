"""Faults at exact moments, from outside of what is tested: on a host whose programs are stood in for, see `on_host`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.bed.hosts import Host
from tests.bed.legacy import wait_for_site
from tests.faults.watch import STATE, journal
from tests.invariants import Seen

# How long anything is waited for, seconds; on a machine that does other things too, a run can take a minute.
LIMIT = 180
HERE = Path(__file__).parent / "on_host"
FAULTS = "/var/lib/faults"
PROGRAMS = ("git", "systemctl", "du", "chmod", "sync", "journalctl")
# A project's own scripts, which a deploy runs where its settings name them.
OWN_SCRIPTS = {"build_script": "/home/app/scripts/build.sh", "install_script": "/home/app/scripts/install.sh"}
SCRIPTS = (
    "backup_database.sh",
    "start_maintenance.sh",
    "stop_maintenance.sh",
    "restore_database.sh",
    *(Path(path).name for path in OWN_SCRIPTS.values()),
)
INSTALL = f"""
set -eu
mkdir -p /var/lib/stood-in
for name in {" ".join(PROGRAMS)}; do
    ln -s /usr/bin/$name /var/lib/stood-in/$name
    cp /root/stand_in.sh /usr/local/sbin/$name
done
mv /usr/local/bin/uv /var/lib/stood-in/uv
cp /root/stand_in.sh /usr/local/bin/uv
for name in {" ".join(SCRIPTS)}; do
    [ -e /home/app/scripts/$name ] || continue
    mv /home/app/scripts/$name /var/lib/stood-in/$name
    cp /root/stand_in.sh /home/app/scripts/$name
    chown app: /home/app/scripts/$name
done
# What the scripts for databases start, beside them.
ln -s /home/app/scripts/*.py /var/lib/stood-in/
"""
# A small file system with what is in some folders, and some room left.
SMALL = """
set -eu
systemctl stop django
small=$1
shift
mkdir -p $small
size=$(du --summarize --block-size=1M --total "$@" | tail -1 | cut -f1)
files=$(find "$@" | wc -l)
mount -t tmpfs -o mode=755,size=$((size + 400))M,nr_inodes=$((files + 30000)) tmpfs $small
for folder; do
    mkdir -p $small$(dirname $folder)
    cp -a $folder $small$folder
    mount --bind $small$folder $folder
done
systemctl start django
"""
HOME, OWN, TMP = "/home/app", "/var/lib/switchback", "/tmp"
# Written to the last byte, and once more for what was given back meanwhile: the kernel at times
# counts a little more as free than it lets be reserved in one piece.
FILL = """
size() { stat --file-system --format='%a * %S' $1; }
mkdir $1/fill
number=0
while [ $(($(size $1))) != 0 ] && [ $number -lt 100 ]; do
    number=$((number + 1))
    cat /dev/zero >$1/fill/$number 2>/dev/null || true
done
[ $(($(size $1))) = 0 ]
"""
USE_INODES = "seq -f $1/inodes/%.0f 40000 | (mkdir $1/inodes; xargs touch 2>/dev/null; true)"
# On top of what is mounted there, so that files which are open for writing don't keep it from being done.
READ_ONLY = """
set -eu
for folder in /home/app /var/lib/switchback; do
    mount --bind $folder $folder
    mount -o remount,bind,ro $folder
done
"""


def sabotage(host: Host) -> None:
    """Have a host's programs and scripts, its own ones too, and its Pythons follow the rules that are laid there."""
    for script in OWN_SCRIPTS.values():
        host.write(script, "#!/bin/sh\n", mode=0o755, owner="app")
    host.write("/root/stand_in.sh", (HERE / "stand_in.sh").read_bytes(), mode=0o755)
    host.run(INSTALL)
    watch_pythons(host)


def watch_pythons(host: Host) -> None:
    """Have every Python that starts on a host follow the rules that are laid there."""
    host.run(["mkdir", "-p", "-m", "1777", FAULTS])
    customize = host.run("python3 -c 'import sysconfig; print(sysconfig.get_path(\"stdlib\"))'").stdout.strip()
    host.run(["rm", "-f", f"{customize}/sitecustomize.py"])
    host.write(f"{customize}/sitecustomize.py", (HERE / "sitecustomize.py").read_bytes())


def version_of(seen: Seen, code: str) -> str:
    """The name of the newest version on a host that is of a tag or branch of the code."""
    short = seen.commits["code"][code][:7]
    return max(name for name in seen.versions if name.split("-")[3] == short)


@dataclass(frozen=True)
class InCommand:
    """A moment: a command of a step has just been started.

    + line: a pattern for the command's line, its name without a path
    + passed: how often it is let pass first
    """

    line: str
    passed: int = 0

    def rule(self, do: str) -> tuple[str, str]:
        """The rule that does something at this moment: its kind, and its text."""
        return "command", f"{do}\n{self.passed}\n{self.line}\n"


@dataclass(frozen=True)
class InAgent:
    """A moment: the agent has written a line to the journal, and goes on to do something.

    + event, name: of the line; says: what is in it besides; process: a pattern for what the agent's process is called
    + audit, path, writing: what it is about to do, where that matters
    """

    event: str
    name: str | None = None
    process: str = "*"
    audit: tuple[str, ...] = ()
    path: str = ""
    writing: bool = False
    says: str = ""

    def rule(self, do: str) -> tuple[str, str]:
        """The rule that does something at this moment: its kind, and its text."""
        rule = {
            "process": self.process,
            "event": self.event,
            "audit": self.audit,
            "path": self.path,
            "writing": self.writing,
            "says": self.says,
            "interruptible": self.event == "step started",
            "do": do,
        }
        return "agent", json.dumps({**rule, **({"name": self.name} if self.name is not None else {})})


Moment = InCommand | InAgent


@dataclass(frozen=True)
class Rule:
    """A rule that is laid on a host."""

    host: Host
    path: str

    def wait_until_hit(self) -> None:
        """Wait until the moment has come."""
        wait_for_file(self.host, f"{self.path}.hit")

    def go(self) -> None:
        """Let what is held go on."""
        self.host.run(["touch", f"{self.path}.go"])


def wait_for_file(host: Host, path: str, there: bool = True) -> None:
    """Wait until there is a file on a host, or until there is none. Raises AssertionError if that takes too long."""
    # One process that looks often, for a shell's loop starts one each time.
    loop = f"import os, time\nwhile os.path.lexists({path!r}) is not {there}: time.sleep(0.02)"
    done = host.run(["timeout", str(LIMIT), "python3", "-ISc", loop], check=False)
    assert done.returncode == 0, f"{path} is {'not there' if there else 'still there'} after {LIMIT} s\n{journal(host)}"


def wait_until_ended(host: Host) -> None:
    """Wait until no deploy holds a host."""
    wait_for_file(host, f"{STATE}/lock", there=False)


def lay(host: Host, moment: Moment, do: str, name: str = "rule") -> Rule:
    """Have a host do something at a moment: `hold`, `fail`, `kill` (the runner), or fail `always` (a command).

    In the agent also `kill-worker`, `stop` (the runner), `stop-worker`, and `eat` (more memory than a worker may have).
    """
    kind, text = moment.rule(do)
    path = f"{FAULTS}/{name}.{kind}"
    host.write(path, text)
    return Rule(host, path)


def lift_all(host: Host) -> None:
    """Take all rules away; what is held goes on."""
    host.run(f"cd {FAULTS} && for rule in *.command *.agent; do touch $rule.go; done; rm -f *.command *.agent *.passed")


@dataclass(frozen=True)
class Disk:
    """A small file system on a host.

    + path: where it is; holds: the folders that are moved there
    """

    path: str
    holds: tuple[str, ...]

    def lay(self, host: Host) -> None:
        """Move the folders there."""
        host.run(["sh", "-ec", SMALL, "-", self.path, *self.holds])
        wait_for_site(host)

    def fill(self, host: Host) -> None:
        """Leave it without a block."""
        host.run(["sh", "-ec", FILL, "-", self.path])

    def use_inodes(self, host: Host) -> None:
        """Leave it without an inode."""
        host.run(["sh", "-c", USE_INODES, "-", self.path])
        assert host.run(["stat", "--file-system", "--format=%d", self.path]).stdout.strip() == "0"

    def make_room(self, host: Host) -> None:
        """Delete what filled it."""
        host.run(["rm", "-rf", f"{self.path}/fill", f"{self.path}/inodes"])


# One for all that a deploy writes to, as a small host has it; or one for what is the app's and one for what is
# Switchback's own: what is set aside on one of them is of no use to the other.
ONE_DISK = Disk("/small", (HOME, OWN, TMP))
HOME_DISK, OWN_DISK = Disk("/small-home", (HOME,)), Disk("/small-own", (OWN,))


def make_read_only(host: Host) -> None:
    """Let nothing be written any more where a deploy writes."""
    host.run(["sh", "-c", READ_ONLY])


def make_writable(host: Host) -> None:
    """Let it be written again; what has been started meanwhile may still look at it the old way."""
    host.run(["umount", "--lazy", "/home/app", "/var/lib/switchback"])
