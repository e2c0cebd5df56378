"""What of the configuration concerns conntrackd, and conntrackd's own configuration as text. Pure.

Every option is in conntrackd.conf(5). Those whose value was found the hard way:

``DisableExternalCache``   a takeover then has nothing to commit: 100,000 entries stalled everybody for 1.7 s
``StartupResync``          a restarted daemon asks the partner for everything
``TCPWindowTracking``      a node that takes over saw no window. Told to track all the same, it begins with the
                           first segment it sees; if that repeats what the other end has already, the answer is
                           beyond what it knows, is dropped, and the transfer never moves again. With 20 bulk
                           transfers that befell some in 4 of 6 failbacks with ``yes``, in none of 6 with ``no``
``NetlinkBufferSize``      a thousand entries put into the kernel at once make more events than 2 MiB hold; an
                           overrun on a backup would have it send the master's own connections back to it
``Filter From Userspace``  only there `Address Ignore` looks at the real ends of a connection; in the kernel it
                           looks at the address the client spoke to, and leaves out what a virtual address forwards

There is no option against real-time scheduling, so conntrackd is not allowed it (supervisor.py), and says so in its
log whenever it starts.
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
NETLINK_BUFFER, NETLINK_BUFFER_LIMIT = 32 << 20, 128 << 20
SOCKET_BUFFER = 8 << 20
OVERRUN_RESYNC = 5
"""Seconds after the kernel had to drop events until everything is compared."""
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
        buffers: larger socket buffers may be asked for; where they may not, conntrackd ends if it has to.
    """

    most: int
    buffers: bool


def of(config: Config) -> Settings | str:
    """What conntrackd has to know, or why connections are not synchronised, in a few words.

    Args:
        config: the configuration in force.
    """
    device = next((name for name, interface in config.interfaces.items() if "HOTWIRE" in interface.flags), "")
    if not device:
        return "no interface is the hotwire"
    here = [config.cluster.hotwire_local] if config.cluster.hotwire_local else _addresses_of(config, device)
    if not here:
        return f"the hotwire {device} has no local address"
    for local in here:
        for remote in config.cluster.hotwire_remote:
            if _family(local) == _family(remote):
                return Settings(device, local, remote, tuple(_own(config)))
    return f"the hotwire {device} has no remote address of the same family"


def _addresses_of(config: Config, device: str) -> list[str]:
    return [str(ip_interface(entry.address).ip) for entry in config.addresses.values() if entry.device == device]


def _own(config: Config) -> Iterable[str]:
    """Our addresses, virtual ones included, each once and in an order that depends on nothing."""
    placed = [entry.address for entry in config.addresses.values()]
    placed += [entry.address for entry in config.virtual_addresses.values()]
    found = {str(ip_interface(address).ip) for address in placed}
    found |= {*_LOOPBACK, *filter(None, (config.cluster.hotwire_local,))}
    return sorted(found, key=lambda address: (ip_address(address).version, int(ip_address(address))))


def text(settings: Settings, machine: Machine, files: Files) -> str:
    """The configuration conntrackd runs with.

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
    buffers = [f"SndSocketBuffer {SOCKET_BUFFER}", f"RcvSocketBuffer {SOCKET_BUFFER}"] if machine.buffers else []
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
                *buffers,
                "Checksum on",
            ],
        ),
        *_block("Options", ["TCPWindowTracking no"]),
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
        *_block(
            "Filter From Userspace",
            [*_block("Protocol Accept", ["TCP", "UDP"]), *_block("Address Ignore", ignored)],
        ),
    ]


def _block(name: str, lines: Iterable[str]) -> list[str]:
    return [f"{name} {{", *(f"\t{line}" for line in lines), "}"]


def _family(address: str) -> str:
    return f"IPv{ip_address(address).version}"
