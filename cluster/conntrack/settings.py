"""What of the configuration concerns conntrackd, and conntrackd's own configuration as text. Pure.

Every option is in conntrackd.conf(5). Those whose value was found the hard way:

``DisableExternalCache``   a takeover then has nothing to commit; committing 100,000 entries stalls everybody for 1.7 s
``StartupResync``          a restarted daemon asks the partner for everything
``Filter From Userspace``  only there `Address Ignore` looks at the real ends of a connection. In the kernel it looks at
                           the address the client spoke to: a port forwarded from a virtual address would be left out
``Scheduler``              conntrackd's default is SCHED_RR 99, above the VRRP engine; the lowest priority is still
                           above everything that is not real-time
"""

from __future__ import annotations

from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import PurePath

    from cluster.model import Config

PORT = 3780
"""UDP, on the hotwire: conntrackd's own."""
RESEND_QUEUE = 262_144
HASH_BUCKETS = 65_536
NETLINK_BUFFER, NETLINK_BUFFER_LIMIT = 2 << 20, 32 << 20
SOCKET_BUFFER = 8 << 20
OVERRUN_RESYNC = 5
"""Seconds after the kernel had to drop events until everything is compared."""
PRIORITY = 1
_LOOPBACK = ("127.0.0.1", "::1")


class Files(NamedTuple):
    """Where conntrackd keeps its things, and where it finds them.

    Attributes:
        config: its configuration.
        lock: exists while it runs, and after it was killed.
        socket: takes commands.
    """

    config: PurePath
    lock: PurePath
    socket: PurePath


class Settings(NamedTuple):
    """What conntrackd has to know.

    Attributes:
        device: the hotwire.
        local: our address there.
        remote: the partner's.
        ignored: our own addresses: connections that end on this node cannot go on without it.
    """

    device: str
    local: str
    remote: str
    ignored: tuple[str, ...]


class Machine(NamedTuple):
    """What this machine allows.

    Attributes:
        most: entries its connection tracking takes (nf_conntrack_max).
        buffers: larger socket buffers may be asked for; an unprivileged user namespace may not, and conntrackd ends then.
        real_time: real-time scheduling may be asked for.
    """

    most: int
    buffers: bool
    real_time: bool


def of(config: Config) -> Settings | str:
    """What conntrackd has to know, or why connections are not synchronised, in a few words.

    Args:
        config: the configuration in force.
    """
    options = config.cluster
    device = next((name for name, interface in config.interfaces.items() if "HOTWIRE" in interface.flags), "")
    if not device:
        return "no interface is the hotwire"
    if not options.hotwire_local:
        return "the hotwire has no local address"
    remote = next((other for other in options.hotwire_remote if _same_family(other, options.hotwire_local)), "")
    if not remote:
        return "the hotwire has no remote address"
    return Settings(device, options.hotwire_local, remote, tuple(_own(config)))


def _same_family(one: str, other: str) -> bool:
    return ip_address(one).version == ip_address(other).version


def _own(config: Config) -> Iterable[str]:
    """Our addresses, virtual ones included, each once and in an order that depends on nothing."""
    placed = (*config.addresses.values(), *config.virtual_addresses.values())
    found = {str(ip_interface(entry.address).ip) for entry in placed}
    found |= {config.cluster.hotwire_local, *_LOOPBACK}
    return sorted(found, key=lambda address: (ip_address(address).version, int(ip_address(address))))


def text(settings: Settings, machine: Machine, files: Files) -> str:
    """conntrackd's configuration.

    Args:
        settings: what it has to know.
        machine: what this machine allows.
        files: where its things are.
    """
    lines = [
        "# Made by clusterd; a change here is lost.",
        *_block("Sync", _synchronising(settings, machine)),
        *_block("General", _general(settings, machine, files)),
    ]
    return "\n".join(lines) + "\n"


def _synchronising(settings: Settings, machine: Machine) -> list[str]:
    family = _family(settings.local)
    return [
        *_block(
            "Mode FTFW",
            [f"ResendQueueSize {RESEND_QUEUE}", "DisableExternalCache yes", "StartupResync yes"],
        ),
        *_block(
            "UDP",
            [
                f"{family}_address {settings.local}",
                f"{family}_Destination_Address {settings.remote}",
                f"Port {PORT}",
                f"Interface {settings.device}",
                *([f"SndSocketBuffer {SOCKET_BUFFER}", f"RcvSocketBuffer {SOCKET_BUFFER}"] if machine.buffers else []),
                "Checksum on",
            ],
        ),
        *_block("Options", ["TCPWindowTracking yes"]),
    ]


def _general(settings: Settings, machine: Machine, files: Files) -> list[str]:
    netlink = [f"NetlinkBufferSize {NETLINK_BUFFER}", f"NetlinkBufferSizeMaxGrowth {NETLINK_BUFFER_LIMIT}"]
    ignored = [f"{_family(address)}_address {address}" for address in settings.ignored]
    return [
        "Systemd no",
        "Syslog no",
        "LogFile no",
        f"HashSize {HASH_BUCKETS}",
        f"HashLimit {2 * machine.most}",
        f"LockFile {files.lock}",
        *_block("UNIX", [f"Path {files.socket}"]),
        *(netlink if machine.buffers else []),
        f"NetlinkOverrunResync {OVERRUN_RESYNC}",
        *(_block("Scheduler", ["Type RR", f"Priority {PRIORITY}"]) if machine.real_time else []),
        *_block(
            "Filter From Userspace",
            [*_block("Protocol Accept", ["TCP", "UDP"]), *_block("Address Ignore", ignored)],
        ),
    ]


def _block(name: str, lines: Iterable[str]) -> list[str]:
    return [f"{name} {{", *(f"\t{line}" for line in lines), "}"]


def _family(address: str) -> str:
    return f"IPv{ip_address(address).version}"
