"""Process 1 of a lab node: the least that a machine needs from its init.

Started by node.py in fresh namespaces as ``python -m cluster.lab.init NODE DIRECTORY LINE``. It mounts what a
freshly booted machine would have, names the host, starts the node's service (clusterd on an appliance), starts it
again whenever it dies, and reaps orphans: the engine becomes one when clusterd is killed. LINE is a socket to the
warden: we say ``r`` when mounted and named; it says ``g`` when the cables are plugged.

Signals are those of sysvinit and systemd, so that the product needs to know nothing of labs: SIGINT is an
orderly reboot (as Ctrl-Alt-Del is), SIGRTMIN+4 and SIGTERM are an orderly power off. The exit code tells
the warden which of the two it was. Power loss is SIGKILL: the kernel then kills everything on the node.

Only light imports: five of these start whenever a lab does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

EXIT_POWER_OFF = 0
EXIT_REBOOT = 10
POWER_OFF = signal.SIGRTMIN + 4
WATCHED = frozenset({signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, POWER_OFF})
FIRST_DELAY, LONGEST_DELAY = 0.05, 2.0
STEADY_AFTER = 5.0
"""Seconds after which a service counts as healthy, and its next restart is quick again."""
STOP_PATIENCE, LEFTOVER_PATIENCE = 10.0, 2.0

NETWORK = {
    "net/ipv4/ip_forward": "1",
    # An address is answered for on its own interface only, as on separate cards.
    "net/ipv4/conf/all/arp_ignore": "1",
    "net/ipv4/conf/default/arp_ignore": "1",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    # No duplicate address detection and no autoconfiguration: the lab's traffic is what its nodes say.
    "net/ipv6/conf/all/accept_dad": "0",
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv6/conf/default/accept_ra": "0",
    "net/ipv6/conf/default/router_solicitations": "0",
}


FIREWALL = """\
table inet lab {
    chain forward {
        type filter hook forward priority filter; policy accept;
        ct state invalid counter drop comment "what belongs to no connection that this node knows"
    }
}
"""
"""What a stateful firewall does: an appliance that does not know a connection does not forward it."""
STRICT = Path("/proc/sys/net/netfilter/nf_conntrack_tcp_loose")
"""By default the kernel takes any TCP segment for the beginning of a connection; 0: only a SYN."""


def main() -> NoReturn:
    """Boot, serve until told to stop, and leave with the code that says why."""
    node, directory, line = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    # Blocked, not handled: a blocked signal waits even for process 1, which otherwise ignores what it does
    # not handle, and the loop below takes them one at a time.
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    settings = json.loads((directory / "node.json").read_text(encoding="utf-8"))
    mount(directory)
    name_host(settings["hostname"] or node)
    if settings["firewall"]:
        protect(directory)
    os.write(line, b"r")
    if os.read(line, 1) != b"g":
        sys.exit("the warden has gone before the cables were plugged")
    os.close(line)
    sys.exit(Service(settings["service"], settings["environment"], directory / "log").attend())


def mount(directory: Path) -> None:
    """An empty /run, as after every boot, in which only the node's own directory is kept."""
    kept = os.open(directory, os.O_PATH)
    call("mount", "-n", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    Path("/run/lock").mkdir(mode=0o1777)
    if directory.parts[:2] == ("/", "run"):
        directory.mkdir(parents=True)
        call("mount", "-n", "--no-canonicalize", "--bind", f"/proc/{os.getpid()}/fd/{kept}", str(directory))
    os.close(kept)


def name_host(name: str) -> None:
    """Host name, loopback, and the kernel's settings of a firewall's network."""
    import _socket  # noqa: PLC0415 - all of socket takes as long to import as the rest of a boot

    _socket.sethostname(name)
    for key, value in NETWORK.items():
        Path("/proc/sys", key).write_text(value, encoding="ascii")
    call("ip", "link", "set", "lo", "up")


def protect(directory: Path) -> None:
    """Be a stateful firewall, where this machine has nft(8) and a kernel that tracks connections."""
    rules = directory / "firewall.nft"
    rules.write_text(FIREWALL, encoding="ascii")
    try:
        status = run("nft", "-f", str(rules))
    except FileNotFoundError:
        status = None
    if status == 0 and STRICT.exists():
        STRICT.write_text("0\n", encoding="ascii")
    else:
        print("connections are not tracked here: every packet is forwarded", file=sys.stderr)


def call(*command: str) -> None:
    """Run a command to its end; a boot without it would be no boot."""
    status = run(*command)
    if status:
        sys.exit(f"{' '.join(command)}: exit code {status}")


def run(*command: str) -> int:
    """Run a command to its end; its exit code."""
    # os.posix_spawn, since importing subprocess costs more than the command takes.
    pid = os.posix_spawnp(command[0], command, os.environ, setsigmask=())
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Service:
    """The one service of a node, and the signals that end the node.

    Args:
        command: what to run; empty for a node without service.
        environment: its environment.
        log: file for its output.
    """

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.command = command
        self.environment = environment
        self.log = log
        self.pid = 0
        self.started = 0.0
        self.delay = FIRST_DELAY
        self.due: float | None = time.monotonic() if command else None

    def attend(self) -> int:
        """Keep the service running until a signal ends the node; the exit code says which."""
        while True:
            if self.due is not None and time.monotonic() >= self.due:
                self.start()
            # A bounded wait even without anything due: the argument must be a number.
            wait = 3600.0 if self.due is None else max(0.0, self.due - time.monotonic())
            seen = signal.sigtimedwait(WATCHED, wait)
            if seen is None:
                continue
            if seen.si_signo == signal.SIGCHLD:
                self.reap()
            else:
                self.stop()
                return EXIT_REBOOT if seen.si_signo == signal.SIGINT else EXIT_POWER_OFF

    def start(self) -> None:
        """Start the service in a session of its own, its output going to the log."""
        appending = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.pid = os.posix_spawn(
            self.command[0],
            self.command,
            self.environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self.log), appending, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=(),
        )
        self.started, self.due = time.monotonic(), None

    def reap(self) -> None:
        """Collect what has died; plan the service's restart if it was among it."""
        while (died := collect()) > 0:
            if died == self.pid:
                now = time.monotonic()
                if now - self.started >= STEADY_AFTER:
                    self.delay = FIRST_DELAY
                self.pid, self.due = 0, now + self.delay
                self.delay = min(self.delay * 2, LONGEST_DELAY)

    def stop(self) -> None:
        """End the service in order, then whatever it left behind (an engine whose clusterd was killed)."""
        self.due = None
        if self.pid:
            os.kill(self.pid, signal.SIGTERM)
            wait_for(self.pid, STOP_PATIENCE)
        try:
            os.kill(-1, signal.SIGTERM)
        except ProcessLookupError:
            return
        wait_for(0, LEFTOVER_PATIENCE)


def collect() -> int:
    """Reap one dead child: its pid, 0 if none has died, -1 if there are none at all."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0]
    except ChildProcessError:
        return -1


def wait_for(pid: int, patience: float) -> None:
    """Reap until this child has died (0: until none is left), for so many seconds at most."""
    deadline = time.monotonic() + patience
    while True:
        died = collect()
        if died == -1 or (died == pid and pid):
            return
        if died == 0:
            left = deadline - time.monotonic()
            if left <= 0 or signal.sigtimedwait({signal.SIGCHLD}, left) is None:
                return


if __name__ == "__main__":
    main()
