"""Values that name a network, shared by the commands that route and translate."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from utmcli.values import MalformedError, Name, ValueType


@dataclass(frozen=True, slots=True, kw_only=True)
class IpNetwork(ValueType):
    """A network with its prefix length, in canonical spelling."""

    metavar: str = "NETWORK/LENGTH"

    def parse(self, text: str) -> str:
        """Read a network; an address within it is a mistake that is named, never corrected in silence."""
        _, _, length = text.partition("/")
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            network = None
        # "10.0.0.0" means a host route and "10.0.0.0/255.0.0.0" a mask to ipaddress; here both are mistakes.
        if network is None or not (length.isascii() and length.isdecimal()):
            raise MalformedError("a network with its prefix length is allowed, e.g. 10.8.0.0/24")
        if network.network_address != ipaddress.ip_interface(text).ip:
            raise MalformedError(f"{text} is an address within a network; the network itself is {network}")
        return str(network)


@dataclass(frozen=True, slots=True, kw_only=True)
class Router(Name):
    """The address of a router, in canonical spelling, or the name of an interface."""

    metavar: str = "ADDRESS|INTERFACE"

    def parse(self, text: str) -> str:
        """Read either of them."""
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            pass
        try:
            return Name.parse(self, text)
        except MalformedError:
            raise MalformedError("the address of a router or the name of an interface is allowed") from None
