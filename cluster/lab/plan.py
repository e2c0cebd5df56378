"""What a lab consists of: the two documented example networks, as data (their configurations: factory.py).

Example 1: a modem. Only the master dials (wan0); LAN2 is the one HA interface.
Example 2: a router. LAN1 and LAN2 are HA interfaces.
"""

from __future__ import annotations

from dataclasses import dataclass, field

APPLIANCES = ("master", "spare")
SWITCH = "switch"
NODES = (*APPLIANCES, "client", "router")
"""What `lab exec` documents; the switch can be entered too, to drop frames while the carrier stays."""

HOTWIRE = "LAN3"
DIAL_IN = "wan0"
CLIENT_ADDRESS = "192.168.200.10"
VIRTUAL_INSIDE = "192.168.200.1"
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
