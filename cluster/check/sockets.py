"""Who listens, from the text of /proc/net/tcp, tcp6, udp and udp6 (proc(5)). Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

Transport = Literal["tcp", "udp"]
_LISTENING = {"tcp": "0A", "udp": "07"}
"""TCP_LISTEN; of UDP what is connected to nobody shows as TCP_CLOSE."""


class Open(NamedTuple):
    """A socket that takes what anybody sends to it.

    Attributes:
        transport: tcp or udp.
        address: it is bound to; ``0.0.0.0`` and ``::`` are all.
        port: it is bound to.
        inode: by which its process is found.
    """

    transport: Transport
    address: str
    port: int
    inode: int


def listening(transport: Transport, text: str) -> Iterator[Open]:
    """The open sockets in one of the files.

    Args:
        transport: of the file.
        text: its content; lines that are not of the documented form are left out.
    """
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) < 10 or words[3] != _LISTENING[transport]:
            continue
        address, _, port = words[1].partition(":")
        yield Open(transport, _address(address), int(port, 16), int(words[9]))


def _address(digits: str) -> str:
    """The kernel prints each 32 bits as a number in the machine's byte order: little-endian wherever we run."""
    raw = b"".join(bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8))
    return str(IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw).ipv4_mapped or IPv6Address(raw))
