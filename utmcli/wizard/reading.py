"""What a person types, as the value it means; or one clear sentence why it means none."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from utmcli.values import IpAddress, IpInterface, MalformedError
from utmcli.wizard.situation import CARDS, Situation, host

if TYPE_CHECKING:
    from collections.abc import Sequence

    IP = ipaddress.IPv4Address | ipaddress.IPv6Address
    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MIN_PASSPHRASE, MAX_PASSPHRASE = 8, 256
KEY_BYTES = range(32, 65)
NOTHING = "none"
"""The answer that means an empty list."""


def one_of(names: Sequence[str], text: str, what: str) -> str:
    """One of some names; upper and lower case are the same where that is enough to tell."""
    alike = [name for name in names if name.casefold() == text.casefold()]
    if text in names:
        return text
    if len(alike) == 1:
        return alike[0]
    raise MalformedError(f"there is no {what} {text!r}; there are {', '.join(names) or 'none'}")


def hotwire(situation: Situation, text: str) -> str:
    """An interface that can be the hotwire."""
    name = one_of(situation.names, text, "interface")
    kind = situation.interface(name).type
    if kind != "ETHERNET":
        raise MalformedError(f"{name} is of type {kind}; the hotwire is an Ethernet interface of its own")
    return name


def ha_interface(situation: Situation, text: str, hotwire_name: str, chosen: Sequence[str]) -> str:
    """An interface that can be HA, beside the hotwire and those chosen before."""
    name = one_of(situation.names, text, "interface")
    kind = situation.interface(name).type
    if name == hotwire_name:
        raise MalformedError(f"{name} is the hotwire, which is for the two appliances alone; take another one")
    if kind not in CARDS:
        raise MalformedError(f"{name} is of type {kind}; an HA interface is one of {', '.join(CARDS)}")
    if name in chosen:
        raise MalformedError(f"{name} is chosen already")
    return name


def local(situation: Situation, text: str, name: str) -> str:
    """Our address on the hotwire: one that it has, or a new one with prefix length in a network of its own."""
    for address in situation.addresses(name):
        if text in (address, host(address)):
            return address
    address = IpInterface().parse(text)
    interface = ipaddress.ip_interface(address)
    _require_host(interface.ip, interface.network)
    for other, network in situation.networks(besides=name):
        if network.version == interface.version and network.overlaps(interface.network):
            raise MalformedError(
                f"{interface.network} overlaps with {network}, the network of {other}; "
                "the hotwire needs one of its own"
            )
    return address


def remote(text: str, own: str) -> str:
    """The partner's address on the hotwire: a different one of our network there."""
    address = ipaddress.ip_address(IpAddress().parse(host(text)))
    interface = ipaddress.ip_interface(own)
    if address == interface.ip:
        raise MalformedError(f"{address} is the address of this appliance; the partner's differs")
    if address not in interface.network:
        raise MalformedError(f"{address} is not in {interface.network}, the network of the hotwire")
    _require_host(address, interface.network)
    return str(address)


def _require_host(address: IP, network: Network) -> None:
    special = address.is_loopback or address.is_multicast or address.is_unspecified or address.is_reserved
    if special or (network.num_addresses > 2 and address in (network.network_address, network.broadcast_address)):
        raise MalformedError(f"{address} is no address of a host in {network}")


def virtual(
    situation: Situation, texts: Sequence[str], elsewhere: dict[str, tuple[str, ...]], on_hotwire: str
) -> tuple[str, ...]:
    """Virtual addresses of one HA interface.

    Args:
        situation: of this appliance.
        texts: the addresses, with prefix length.
        elsewhere: those chosen for other HA interfaces.
        on_hotwire: our address there, with prefix length; its network is for the two appliances alone.
    """
    hotwire_network = ipaddress.ip_interface(on_hotwire).network
    if not texts:
        raise MalformedError("an HA interface needs a virtual address, with prefix length, e.g. 192.168.200.1/24")
    own = {host(each.address): each.device for each in situation.config.addresses.values()}
    used = {host(address): name for name, addresses in elsewhere.items() for address in addresses}
    found: list[str] = []
    for text in texts:
        address = IpInterface().parse(text)
        plain = host(address)
        if ":" in plain:
            raise MalformedError(f"{plain} is IPv6; the virtual routers of this version serve IPv4")
        interface = ipaddress.ip_interface(address)
        _require_host(interface.ip, interface.network)
        if interface.ip in hotwire_network:
            raise MalformedError(f"{plain} is in {hotwire_network}, the network of the hotwire, where no client is")
        if plain in own:
            raise MalformedError(f"{plain} is an address of this appliance, on {own[plain]}; a virtual one is not")
        if plain in used or plain in map(host, found):
            raise MalformedError(f"{plain} is a virtual address of {used.get(plain, 'this interface')} already")
        found.append(address)
    return tuple(found)


def down_in_backup(situation: Situation, texts: Sequence[str], needed: Sequence[str]) -> tuple[str, ...]:
    """Interfaces that may stay down while backup: none over which the appliances hear each other."""
    if [text.casefold() for text in texts] == [NOTHING]:
        return ()
    carrying = {situation.interface(name).vlan_parent for name in needed} - {""}
    found: list[str] = []
    for text in texts:
        name = one_of(situation.names, text, "interface")
        if name in needed or name in carrying:
            raise MalformedError(f"{name} connects the appliances and has to stay up while backup")
        found.append(name)
    return tuple(dict.fromkeys(found))


def applications(texts: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Applications by name; those that are known in their spelling."""
    if [text.casefold() for text in texts] == [NOTHING]:
        return ()
    spelled = {name.casefold(): name for name in known}
    return tuple(dict.fromkeys(spelled.get(text.casefold(), text) for text in texts))


def passphrase(text: str) -> str:
    """A passphrase, or ``hex:`` and a key."""
    if text.startswith("hex:"):
        digits = text.removeprefix("hex:")
        if len(digits) % 2 or len(digits) // 2 not in KEY_BYTES or set(digits) - set("0123456789abcdefABCDEF"):
            raise MalformedError("hex: has to be followed by a key of 32 to 64 bytes, two hexadecimal digits each")
    elif not MIN_PASSPHRASE <= len(text) <= MAX_PASSPHRASE:
        raise MalformedError(f"a passphrase has {MIN_PASSPHRASE} to {MAX_PASSPHRASE} characters")
    return text


def yes(text: str) -> bool:
    """Yes or no."""
    word = text.casefold()
    if word and "yes".startswith(word):
        return True
    if word and "no".startswith(word):
        return False
    raise MalformedError("yes or no is allowed")
