"""The configurations that the lab's appliances start with."""

from __future__ import annotations

import msgspec

from cluster.lab.plan import DIAL_IN, HOTWIRE, VIRTUAL_INSIDE
from cluster.model import Account, Address, ClusterOptions, Config, Interface, PriorityWord, VirtualAddress
from cluster.passwords import hashed

ADMIN = "admin"
"""The account that an appliance comes with."""
_HOST_PART = {"master": (102, 141, 2), "spare": (103, 142, 3)}
"""Last byte of each node's addresses on LAN1, LAN2 and the hotwire."""


def blank(example: int, node: str) -> Config:
    """The configuration of an appliance that is to become part of a cluster: interfaces and own addresses.

    The hotwire has no address yet, and only the master a dial-in line: whoever dials in gets the same address.

    Args:
        example: number of the example network.
        node: ``master`` or ``spare``.
    """
    whole = factory(example, node, "")
    bare = {"flags": (), "vrid": None}
    without = {HOTWIRE} if node == "master" else {HOTWIRE, DIAL_IN}
    own = [each for each in whole.addresses.values() if each.device not in without]
    return Config(
        hostname=whole.hostname,
        interfaces={name: msgspec.structs.replace(each, **bare) for name, each in whole.interfaces.items()},
        addresses={str(number): each for number, each in enumerate(own, 1)},
    )


def administrator(password: str, salt: bytes) -> Account:
    """The account that an appliance comes with.

    Args:
        password: the initial one, which is to be changed.
        salt: random bytes for its hash.
    """
    return Account(role="admin", password=hashed(password, salt), must_change=True)


def factory(example: int, node: str, passphrase: str) -> Config:
    """The configuration an appliance starts with.

    Args:
        example: number of the example network.
        node: ``master`` or ``spare``.
        passphrase: the same on both, so that their adverts are signed.
    """
    outside, inside, hotwire = _HOST_PART[node]
    priority: PriorityWord = "high" if node == "master" else "low"
    partner = _HOST_PART["spare" if node == "master" else "master"][2]
    interfaces = {
        "LAN1": Interface(id=1, zones=("external",)),
        "LAN2": Interface(id=2, flags=("HA",), zones=("internal",), vrid=2),
        HOTWIRE: Interface(id=3, flags=("HOTWIRE",)),
    }
    addresses = [("LAN2", f"192.168.12.{inside}/24"), (HOTWIRE, f"192.168.180.{hotwire}/24")]
    virtual = [("LAN2", f"{VIRTUAL_INSIDE}/24")]
    if example == 1:
        interfaces[DIAL_IN] = Interface(id=4, type="WAN", zones=("external",))
        # The provider gives the same address to whoever dials in.
        addresses.append((DIAL_IN, "203.0.113.2/24"))
    else:
        interfaces["LAN1"] = Interface(id=1, flags=("HA",), zones=("external",), vrid=1)
        addresses.insert(0, ("LAN1", f"192.168.175.{outside}/24"))
        virtual.insert(0, ("LAN1", "192.168.175.101/24"))
    return Config(
        hostname=f"{node}.cluster.local",
        cluster=ClusterOptions(
            enabled=True,
            priority=priority,
            passphrase=passphrase,
            hotwire_local=f"192.168.180.{hotwire}",
            hotwire_remote=(f"192.168.180.{partner}",),
            backup_disable_interfaces=(DIAL_IN,) if example == 1 else (),
        ),
        interfaces=interfaces,
        addresses={
            str(number): Address(device=device, address=address)
            for number, (device, address) in enumerate(addresses, 1)
        },
        virtual_addresses={
            str(number): VirtualAddress(device=device, address=address)
            for number, (device, address) in enumerate(virtual, 1)
        },
    )
