"""What a lab consists of: the two documented example networks, as data.

Example 1: a modem. Only the master dials (wan0); LAN2 is the one HA interface.
Example 2: a router. LAN1 and LAN2 are HA interfaces.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cluster.model import Address, ClusterOptions, Config, Interface, PriorityWord, VirtualAddress

APPLIANCES = ("master", "spare")
SWITCH = "switch"
NODES = (*APPLIANCES, "client", "router")
"""What `lab exec` documents; the switch can be entered too, to drop frames while the carrier stays."""

HOTWIRE = "LAN3"
DIAL_IN = "wan0"
CLIENT_ADDRESS = "192.168.200.10"
VIRTUAL_INSIDE = "192.168.200.1"
_HOST_PART = {"master": (102, 141, 2), "spare": (103, 142, 3)}
_HARDWARE_VENDOR = "52:54:00"


@dataclass(frozen=True, slots=True)
class Port:
    """A cable from a node's interface to a segment.

    Attributes:
        node: whose interface.
        interface: its name on the node.
        segment: the network it is plugged into; in the switch a bridge of that name.
        hardware: the interface's Ethernet address, which survives a reboot as that of a real card does.
    """

    node: str
    interface: str
    segment: str
    hardware: str

    @property
    def name(self) -> str:
        """The cable's end in the switch."""
        return f"{self.node}-{self.interface}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A lab.

    Attributes:
        example: number of the documented example network.
        segments: networks, in order.
        ports: cables.
        setup: per node that is no appliance, lines for ip(8) that give it its addresses.
    """

    example: int
    segments: tuple[str, ...]
    ports: tuple[Port, ...]
    setup: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, node: str) -> tuple[Port, ...]:
        """The cables of one node."""
        return tuple(port for port in self.ports if port.node == node)

    def find(self, node: str, interface: str) -> Port | None:
        """The cable at an interface, if there is one."""
        return next((port for port in self.of(node) if port.interface == interface), None)

    def partner(self, port: Port) -> Port | None:
        """The other end of a direct cable; None where a switch is in between."""
        if port.segment != HOTWIRE:
            return None
        return next((other for other in self.ports if other.segment == HOTWIRE and other != port), None)


def plan(example: int) -> Plan:
    """The documented example network of this number, 1 or 2."""
    cables = {
        "master": [("LAN1", "LAN1"), ("LAN2", "LAN2"), (HOTWIRE, HOTWIRE)],
        "spare": [("LAN1", "LAN1"), ("LAN2", "LAN2"), (HOTWIRE, HOTWIRE)],
        "client": [("LAN2", "LAN2")],
        "router": [("LAN1", "LAN1")],
    }
    if example == 1:
        for node in APPLIANCES:
            cables[node].append((DIAL_IN, "LAN1"))
    ports = tuple(
        Port(node, interface, segment, f"{_HARDWARE_VENDOR}:00:{number:02x}:{place:02x}")
        for number, (node, ends) in enumerate(cables.items(), 1)
        for place, (interface, segment) in enumerate(ends, 1)
    )
    outside = "203.0.113.1/24" if example == 1 else "192.168.175.1/24"
    way_back = "203.0.113.2" if example == 1 else "192.168.175.101"
    setup: dict[str, tuple[str, ...]] = {
        "client": (
            f"address add {CLIENT_ADDRESS}/24 dev LAN2",
            "link set LAN2 up",
            f"route add default via {VIRTUAL_INSIDE}",
        ),
        "router": (
            f"address add {outside} dev LAN1",
            "link set LAN1 up",
            f"route add 192.168.200.0/24 via {way_back}",
        ),
    }
    return Plan(example, ("LAN1", "LAN2", HOTWIRE), ports, setup)


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
