"""A machine that systemd runs: its own process 1, files, mounts, control groups, in a network namespace of a test.

Its files are those of this machine, with whatever is written (in /tmp, too) kept in memory. Nothing starts but what
a test enables: units that set up hardware, the kernel or temporary files would reach beyond the namespaces.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.appliance import until

if TYPE_CHECKING:
    from tests.support.netns import Namespace

SYSTEMD = Path("/lib/systemd/systemd")
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
"""Seconds for whatever systemd does: generous, on a busy machine."""

BEGIN = r"""
set -eu
group=$1 files=$2 repository=$3
# A control group of its own, before the namespace that hides all others.
tree=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)
mkdir "$tree/$group"
echo $$ >"$tree/$group/cgroup.procs"
echo "$tree/$group" >"$files/group"
exec unshare --fork --kill-child --pid --mount --cgroup --uts --ipc --propagation private sh -c '
set -eu
files=$1 repository=$2
mount -t tmpfs tmpfs "$files"
mkdir "$files/upper" "$files/work" "$files/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$files/upper,workdir=$files/work" "$files/root"
cd "$files/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mkdir -p ".$repository"
mount --rbind "$repository" ".$repository"
rm -rf etc/systemd/system/*.wants lib/systemd/system/*.wants usr/lib/systemd/system/*.wants
rm -rf var/lib/utmcli var/log/journal etc/systemd/system/clusterd*
mkdir -p etc/systemd/system/sysinit.target.wants old
ln -s /lib/systemd/system/systemd-journald.service etc/systemd/system/sysinit.target.wants/
ln -s /dev/null etc/systemd/system/systemd-journald-audit.socket
: >etc/fstab
pivot_root . old
umount -l old
exec env -i container=test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    /lib/systemd/systemd --system --unit=multi-user.target
' sh "$files" "$repository"
"""


class Machine:
    """One, booted.

    Args:
        namespace: its network.
        directory: an empty one, of which it keeps its files in memory.
    """

    def __init__(self, namespace: Namespace, directory: Path) -> None:
        self._group_file = directory / "group"
        group = f"utmcli-test-{os.getpid()}-{namespace.pid}"
        command = namespace.command("sh", "-c", BEGIN, "sh", group, str(directory), str(ROOT))
        self._log = (directory / "log").open("w+b")
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        self._first = 0
        self._hangs = ""
        try:
            until(self._has_booted, "systemd runs", PATIENCE)
        except AssertionError as problem:
            self._hangs = str(problem)

    def why_not(self) -> str:
        """What it said when it did not boot; empty when it did."""
        if self._hangs or self._process.poll() is None:
            return self._hangs
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip() or f"it ended with {self._process.returncode}"

    def run(self, *words: str, check: bool = True) -> str:
        """Run a command in the machine; what it printed."""
        command = ["nsenter", f"--target={self._first}", "--all", "--root", "--wd", "--", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=2 * PATIENCE)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(words)}: {done.stdout}{done.stderr}\n{self.journal}")
        return done.stdout

    @property
    def journal(self) -> str:
        return self.run("journalctl", "--no-pager", "--output=short-monotonic", "--lines=200", check=False)

    def write(self, path: str, text: str) -> None:
        """Make a file in the machine."""
        file = Path(f"/proc/{self._first}/root{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def property(self, name: str, unit: str = "clusterd.service") -> str:
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def processes(self) -> dict[int, str]:
        """Command lines of clusterd's service, by their number in the machine."""
        group = self.property("ControlGroup")
        listed = self.run("cat", f"/sys/fs/cgroup{group}/cgroup.procs", check=False) if group else ""
        found = {}
        for pid in listed.split():
            found[int(pid)] = self.run("cat", f"/proc/{pid}/cmdline", check=False).replace("\0", " ").strip()
        return found

    def one(self, containing: str) -> int:
        """The only process of the service with these words in its command line; 0 when there is none."""
        found = [pid for pid, line in self.processes().items() if containing in line]
        assert len(found) < 2, found
        return found[0] if found else 0

    def close(self) -> None:
        """Power off, the hard way."""
        group = Path(self._group_file.read_text().strip()) if self._group_file.exists() else None
        if self._first:
            with suppress(ProcessLookupError):
                os.kill(self._first, signal.SIGKILL)
        self._process.kill()
        self._process.wait(PATIENCE)
        self._log.close()
        if group is not None and group.is_dir():
            until(lambda: _removed(group), "its control groups are empty", PATIENCE)

    def _has_booted(self) -> bool:
        if self._process.poll() is not None:
            return True
        try:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        except OSError:  # it has just ended, or this kernel does not tell
            return False
        if not children:
            return False
        self._first = int(children[0])
        state = self.run("systemctl", "is-system-running", check=False).strip()
        return state in {"running", "degraded"}


def _removed(group: Path) -> bool:
    try:
        for directory, _, _ in os.walk(group, topdown=False):
            os.rmdir(directory)  # noqa: PTH106 - os.walk gives strings
    except OSError:
        return False
    return True


def why_no_systemd() -> str | None:
    """Why there can be no such machine here, or None."""
    if os.geteuid() != 0 or not SYSTEMD.exists():
        return "needs root and systemd"
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return "needs util-linux"
    if " cgroup2 " not in Path("/proc/self/mounts").read_text():
        return "needs control groups of version 2"
    return None
