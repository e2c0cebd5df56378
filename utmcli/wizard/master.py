"""The questions for a master, in the documented order."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from utmcli.questions import Question, elements
from utmcli.values import MalformedError
from utmcli.wizard import reading
from utmcli.wizard.block import Block, is_whole, parse
from utmcli.wizard.situation import CARDS, Situation, host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utmcli.wizard.machine import Script

APPLICATIONS = (
    "Clientless VPN", "DHCP Server", "Greylisting Filter", "HTTP Proxy", "IPSEC", "L2TP VPN", "Mailrelay",
    "POP3 Proxy", "Routing Daemon", "SPF Filter", "SSL-VPN", "Spamfilter", "WLAN Server",
)  # fmt: skip
"""Applications that stay down in backup unless something else is said: the documented default."""
EXAMPLE = "192.168.180.2/24"
"""The master's address on the hotwire in the documented example networks."""
_DIALLED = ("WAN", "TUN", "WIREGUARD")


@dataclass(frozen=True, slots=True)
class Master:
    """What makes an appliance the master of a cluster.

    Attributes:
        hotwire: interface.
        local: our address on it, with prefix length.
        remote: the partner's.
        virtual: virtual addresses by HA interface.
        disable_interfaces: down while backup.
        disable_applications: down while backup.
        passphrase: of the cluster.
    """

    hotwire: str
    local: str
    remote: str
    virtual: dict[str, tuple[str, ...]]
    disable_interfaces: tuple[str, ...]
    disable_applications: tuple[str, ...]
    passphrase: str


@dataclass(frozen=True, slots=True)
class Joined:
    """What the master learns from the spare's block."""

    key: str
    remote: str


def questions(situation: Situation, fresh: str) -> Script[Master]:
    """Everything up to the block for the spare.

    Args:
        situation: of this appliance.
        fresh: a passphrase that nobody has used yet.
    """
    hotwire = yield hotwire_question(situation)
    own = own_address(situation, hotwire)
    local = yield local_question(situation, hotwire, own or _free_example(situation, hotwire), settled=bool(own))
    remote = yield remote_question(local, _partner(situation, local), known=_partner_is_set(situation, local))
    virtual: dict[str, tuple[str, ...]] = {}
    while True:
        name = yield _ha_question(situation, hotwire, virtual)
        virtual[name] = yield _virtual_question(situation, name, virtual, local)
        more = _possible(situation, hotwire, virtual)
        if not more or not (yield _another_question(situation, more, len(virtual))):
            break
    interfaces = yield _interfaces_question(situation, (hotwire, *virtual))
    applications = yield _applications_question(situation)
    passphrase = yield _passphrase_question(situation, fresh)
    return Master(hotwire, local, remote, virtual, interfaces, applications, passphrase)


def joining(situation: Situation) -> Script[Joined]:
    """The block of the spare, in exchange for that of the master."""
    block: Block = yield block_question("spare", "Block of the spare", situation)
    return Joined(block.key, host(block.local))


# --- questions that master and spare share ----------------------------------------------------------


def hotwire_question(situation: Situation, settled: str = "") -> Question:
    """Which interface is the hotwire; `settled` where that is decided."""
    free = [name for name in situation.names if not situation.addresses(name)]
    unused = [name for name in free if "HA" not in situation.interface(name).flags]
    cards = [name for name in situation.names if situation.interface(name).type == "ETHERNET"]
    suggestion = next((name for name in unused if name in cards), None)
    return Question(
        key="hotwire_interface",
        text="Hotwire interface",
        about="The Ethernet interface that is cabled to the partner and to nothing else.",
        read=lambda text: reading.hotwire(situation, text),
        default=settled or situation.hotwire or suggestion,
        known=bool(situation.hotwire),
        settled=bool(settled),
        candidates=tuple((name, situation.about(name)) for name in cards),
    )


def own_address(situation: Situation, hotwire: str) -> str:
    """The address that the hotwire has; empty where there is none to choose."""
    addresses = situation.addresses(hotwire)
    present = [address for address in addresses if host(address) == situation.config.cluster.hotwire_local]
    return next(iter((*present, *addresses)), "")


def local_question(
    situation: Situation, hotwire: str, default: str | None, *, known: bool = False, settled: bool = False
) -> Question:
    """Our address on the hotwire; settled where it has one."""
    return Question(
        key="local_addr",
        text=f"Local address on {hotwire}, with prefix length",
        about=f"The address of this appliance on {hotwire}, in a network of its own, e.g. {EXAMPLE}.",
        read=lambda text: reading.local(situation, text, hotwire),
        default=default,
        known=known,
        settled=settled,
        candidates=tuple((address, f"on {hotwire} already") for address in situation.addresses(hotwire)),
    )


def remote_question(local: str, default: str | None, *, known: bool = False) -> Question:
    """The partner's address on the hotwire."""
    network = ipaddress.ip_interface(local).network
    return Question(
        key="remote_addr",
        text="Remote address on the hotwire",
        about=f"The address that the partner has on the hotwire, in {network}.",
        read=lambda text: reading.remote(text, local),
        default=default,
        known=known,
    )


def block_question(role: Any, text: str, situation: Situation) -> Question:
    """The block of the partner."""

    def read(pasted: str) -> Block:
        block = parse(pasted, role)
        if block.key == situation.key:
            raise MalformedError("this block is of this appliance itself; the partner's is expected")
        return block

    return Question(
        key=f"{role}_block",
        text=text,
        hint=f"Paste what the {role} showed, from [{role.capitalize()}] on; an empty line ends it, too.",
        about=f"The text that the assistant shows on the {role}, as it is; what stands around it does not matter.",
        read=read,
        is_whole=lambda pasted: is_whole(pasted, role),
    )


# --- of the master alone --------------------------------------------------------------------------------


def _free_example(situation: Situation, hotwire: str) -> str | None:
    try:
        return reading.local(situation, EXAMPLE, hotwire)
    except MalformedError:
        return None


def _partner_is_set(situation: Situation, local: str) -> bool:
    return any(_is_partner(address, local) for address in situation.config.cluster.hotwire_remote)


def _partner(situation: Situation, local: str) -> str | None:
    """The partner's address as it is set, or else our neighbour's."""
    own = ipaddress.ip_interface(local)
    near = (str(own.ip + step) for step in (1, -1) if 0 < int(own.ip) + step < 2**own.max_prefixlen)
    candidates = (*situation.config.cluster.hotwire_remote, *near)
    return next((address for address in candidates if _is_partner(address, local)), None)


def _is_partner(address: str, local: str) -> bool:
    try:
        reading.remote(address, local)
    except MalformedError:
        return False
    return True


def _possible(situation: Situation, hotwire: str, chosen: Sequence[str] | dict[str, Any]) -> tuple[str, ...]:
    """Interfaces that can be HA and are not chosen: present ones first, then those of internal zones."""
    possible = [
        name
        for name in situation.names
        if name != hotwire and name not in chosen and situation.interface(name).type in CARDS
    ]
    present = situation.flagged("HA")
    internal = {name for name in possible if "internal" in situation.interface(name).zones}
    return tuple(sorted(possible, key=lambda name: (name not in present, name not in internal)))


def _ha_question(situation: Situation, hotwire: str, virtual: dict[str, tuple[str, ...]]) -> Question:
    possible = _possible(situation, hotwire, virtual)
    chosen = tuple(virtual)
    number = f" {len(chosen) + 1}" if chosen else ""
    return Question(
        key=f"ha_interface{number}",
        text="Further HA interface" if chosen else "HA interface",
        about="An interface on which both appliances serve the same network: it carries virtual addresses, and "
        "the appliances watch each other there.",
        read=lambda text: reading.ha_interface(situation, text, hotwire, chosen),
        default=next(iter(possible), None),
        known=bool(possible) and "HA" in situation.interface(possible[0]).flags,
        candidates=tuple((name, situation.about(name)) for name in possible),
    )


def _virtual_question(
    situation: Situation, name: str, chosen: dict[str, tuple[str, ...]], on_hotwire: str
) -> Question:
    present = situation.virtual(name)
    elsewhere = dict(chosen)
    return Question(
        key=f"virtual_addresses {name}",
        text=f"Virtual addresses of {name}, with prefix length",
        about=f"The addresses that whoever is master has on {name}; clients use them as their gateway. "
        "Several are separated by blanks.",
        read=lambda text: reading.virtual(situation, _split(text, " "), elsewhere, on_hotwire),
        default=" ".join(present) or None,
        known=bool(present),
        separator=" ",
    )


def _another_question(situation: Situation, more: Sequence[str], count: int) -> Question:
    present = any("HA" in situation.interface(name).flags for name in more)
    return Question(
        key=f"another {count}",
        text="Another HA interface",
        about=f"Several interfaces can be HA; left are {', '.join(more)}.",
        read=reading.yes,
        default="yes" if present else "no",
        known=True,
        candidates=(("yes", ""), ("no", "")),
    )


def _interfaces_question(situation: Situation, needed: tuple[str, ...]) -> Question:
    carrying = {situation.interface(name).vlan_parent for name in needed}
    possible = [name for name in situation.names if name not in needed and name not in carrying]
    present = [name for name in situation.config.cluster.backup_disable_interfaces if name in possible]
    dialled = [name for name in possible if situation.interface(name).type in _DIALLED]
    return Question(
        key="backup_disable_interfaces",
        text="Interfaces that stay down in backup",
        about="Interfaces that only the master may use, such as a dial-in line (wan0) or a tunnel (wg0). "
        "Several are separated by blanks; none is an answer, too.",
        read=lambda text: reading.down_in_backup(situation, _split(text, " "), needed),
        default=" ".join(present if situation.is_clustered else dialled) or reading.NOTHING,
        known=True,
        candidates=(*((name, situation.about(name)) for name in possible), (reading.NOTHING, "all stay up")),
        separator=" ",
    )


def _applications_question(situation: Situation) -> Question:
    present = situation.config.cluster.backup_disable_applications
    known = tuple(dict.fromkeys((*APPLICATIONS, *present)))
    return Question(
        key="backup_disable_applications",
        text="Applications that stay down in backup",
        about="Applications that only the master may run, separated by commas; none is an answer, too. "
        "The Up key brings the default into the line.",
        read=lambda text: reading.applications(_split(text, ","), known),
        default=", ".join(present if situation.is_clustered else APPLICATIONS) or reading.NOTHING,
        known=True,
        candidates=(*((name, "") for name in known), (reading.NOTHING, "all run")),
        separator=",",
    )


def _passphrase_question(situation: Situation, fresh: str) -> Question:
    present = situation.config.cluster.passphrase
    return Question(
        key="passphrase",
        text="Passphrase",
        about="Signs what the appliances tell each other, so that nobody else can take the addresses over: "
        f"{reading.MIN_PASSPHRASE} characters or more. It travels to the spare in the block.",
        read=reading.passphrase,
        default=present or fresh,
        shown="the present one" if present else "a new random one",
        known=bool(present),
        secret=True,
    )


def _split(text: str, separator: str) -> list[str]:
    unread = Question(key="", text="", about="", read=str, separator=separator)
    return elements(unread, text)
