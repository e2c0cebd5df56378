"""The rules that no single field can tell: what must fit together for a configuration to make sense.

Each rule is one small generator of problems; `check` runs them all, so that everything wrong is said at once.
Intermediate states that an administrator passes through (an HA interface without virtual addresses yet, a hotwire
without addresses) are allowed: they do no harm, they only do nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from cluster.config import account_rules, authentication, hotwire_rules, nat_rules, openvpn_rules, route_rules
from cluster.config.addresses import IP, read_interface
from cluster.config.canonical import MASK
from cluster.config.hotwire_rules import plain_address
from cluster.config.shape import Problem, suggest
from cluster.model import TRIGGER_DELAY, TRIGGER_DELAY_DEFAULT, Config, Interface

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.config.tree import Path

MAX_HA_INTERFACES = 60
"""The effective priority, 254 - 3 x lost - rank, must stay above 0 with every interface lost."""
MAX_VIRTUAL_ADDRESSES = 255
"""Per interface: an advert counts its addresses in one byte (RFC 9568 section 5.2.5)."""
MAX_ALL_VIRTUAL_ADDRESSES = 4096
"""Of a node: the engine puts and announces all of them in one go, and is taken for hung if that lasts."""
MAX_TRIGGER_DELAY = 3600
SAFE_TRIGGER_DELAY = 2
MAX_NAME_BYTES = 15
"""IFNAMSIZ of Linux without its terminating zero."""
MIN_PASSPHRASE = 8
MAX_PASSPHRASE = 256
AUTH_KEY_IDS = range(2, 256)
"""Of the keys beside the passphrase, which has id 1."""
KEY_BYTES = range(32, 65)
"""A key given directly: draft-cassen-vrrp-auth-hmac."""
GLOBAL_PREFIX = "GLOB_"

_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
_ID = re.compile(r"[1-9][0-9]{0,9}")
_WORD = re.compile(r"[A-Za-z0-9_.-]+")
_WITHOUT_BROADCAST = ("WAN", "TUN", "WIREGUARD")


def check(config: Config) -> list[Problem]:
    """Every rule that the configuration breaks; empty when it is valid.

    Args:
        config: of the right shape (see shape.py).
    """
    rules = (
        _hostname, _interface_names, _interface_ids, _flags, *hotwire_rules.RULES, _ha_interfaces,
        _vrids, _watched_hosts, _vlans, _machine_addresses, _virtual_addresses, route_rules.check, nat_rules.check,
        _passphrase, _auth_keys, _auth_send, _disabled_in_backup, _variables, _globals, _applications,
        account_rules.check, openvpn_rules.check,
    )
    return [problem for rule in rules for problem in rule(config)]


def warnings(config: Config) -> tuple[str, ...]:
    """What is allowed and still deserves a word to the administrator, as sentences."""
    application, variable = TRIGGER_DELAY
    delay = config.variables.get(application, {}).get(variable, TRIGGER_DELAY_DEFAULT)
    if int(delay) >= SAFE_TRIGGER_DELAY:
        return openvpn_rules.warnings(config)
    short = f"{variable} {delay} is below {SAFE_TRIGGER_DELAY} seconds"
    moving = f"{short}: a short loss of link, such as a switch that restarts, can move the master role"
    return (moving, *openvpn_rules.warnings(config))


def ha_interfaces(config: Config) -> dict[str, Interface]:
    """The interfaces flagged HA, in configured order."""
    return {name: each for name, each in config.interfaces.items() if "HA" in each.flags}


# --- the host ------------------------------------------------------------------------------------------


def _hostname(config: Config) -> Iterator[Problem]:
    name = config.hostname
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        yield Problem(
            ("hostname",),
            f"{name!r} is no host name; labels of letters, digits and hyphens, joined by dots, are allowed",
        )


# --- interfaces ----------------------------------------------------------------------------------------


def _interface_names(config: Config) -> Iterator[Problem]:
    for name in config.interfaces:
        fault = _name_fault(name)
        if fault:
            yield Problem(
                ("interfaces", name),
                f'{fault}; 1 to {MAX_NAME_BYTES} printable bytes without blank, / : " and \\ are allowed',
            )


def _name_fault(name: str) -> str:
    if not name:
        return "an interface needs a name"
    if name in {".", ".."}:
        return "is no interface name"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"is a name of {len(name.encode())} bytes"
    if not name.isprintable() or any(character in " /:" for character in name):
        return "is a name with a character that Linux does not allow"
    if any(character in '"\\' for character in name):
        return "is a name with a character that nftables cannot write"
    return ""


def _interface_ids(config: Config) -> Iterator[Problem]:
    owners: dict[int, str] = {}
    for name, interface in config.interfaces.items():
        owner = owners.setdefault(interface.id, name)
        if owner != name:
            yield Problem(("interfaces", name, "id"), f"{interface.id} is taken by {owner}; every id is used once")


def _flags(config: Config) -> Iterator[Problem]:
    for name, interface in config.interfaces.items():
        path = ("interfaces", name, "flags")
        yield from (
            Problem(path, f"{flag} is there {count} times; once is enough")
            for flag, count in Counter(interface.flags).items()
            if count > 1
        )
        if "HA" in interface.flags and "HOTWIRE" in interface.flags:
            yield Problem(path, "HA and HOTWIRE exclude each other: the hotwire is for the two nodes alone")


def _ha_interfaces(config: Config) -> Iterator[Problem]:
    names = ha_interfaces(config)
    if len(names) > MAX_HA_INTERFACES:
        yield Problem(
            ("interfaces",), f"{len(names)} interfaces are flagged HA; at most {MAX_HA_INTERFACES} are allowed"
        )
    for name, interface in names.items():
        if interface.type in _WITHOUT_BROADCAST:
            yield Problem(
                ("interfaces", name, "flags"),
                f"a {interface.type} interface cannot be HA; ETHERNET, VLAN and BRIDGE interfaces can",
            )


def _vrids(config: Config) -> Iterator[Problem]:
    owners: dict[int, str] = {}
    for name, interface in ha_interfaces(config).items():
        path = ("interfaces", name, "vrid")
        if interface.vrid is None:
            yield Problem(path, "an HA interface needs a virtual router id, a whole number from 1 to 255")
            continue
        owner = owners.setdefault(interface.vrid, name)
        if owner != name:
            yield Problem(path, f"{interface.vrid} is taken by {owner}; every HA interface needs its own")


def _watched_hosts(config: Config) -> Iterator[Problem]:
    for name, interface in config.interfaces.items():
        for host in interface.ping_check_host:
            yield from plain_address(("interfaces", name, "ping_check_host"), host)


def _vlans(config: Config) -> Iterator[Problem]:
    for name, interface in config.interfaces.items():
        path = ("interfaces", name)
        if interface.type != "VLAN":
            if interface.vlan_id is not None or interface.vlan_parent:
                yield Problem(path, f"only a VLAN has vlan_id and vlan_parent; {name} is of type {interface.type}")
            continue
        if interface.vlan_id is None:
            yield Problem((*path, "vlan_id"), "a VLAN needs its tag, a whole number from 1 to 4094")
        yield from _vlan_parent(config, name, interface)


def _vlan_parent(config: Config, name: str, interface: Interface) -> Iterator[Problem]:
    path = ("interfaces", name, "vlan_parent")
    parent = config.interfaces.get(interface.vlan_parent)
    if not interface.vlan_parent:
        yield Problem(path, "a VLAN needs the name of the interface that carries it")
    elif parent is None:
        yield _no_interface(path, config, interface.vlan_parent)
    elif parent.type == "VLAN":
        yield Problem(path, f"{interface.vlan_parent} is a VLAN itself and cannot carry another one")
    elif interface.vlan_id is not None and name != f"{interface.vlan_parent}.{interface.vlan_id}":
        yield Problem(
            ("interfaces", name),
            f"VLAN {interface.vlan_id} of {interface.vlan_parent} must be named "
            f"{interface.vlan_parent}.{interface.vlan_id}",
        )


# --- addresses -----------------------------------------------------------------------------------------


def _machine_addresses(config: Config) -> Iterator[Problem]:
    owners: dict[tuple[str, IP], str] = {}
    for key, address in config.addresses.items():
        path = ("addresses", key)
        yield from _address_id(path)
        if address.device not in config.interfaces:
            yield _no_interface((*path, "device"), config, address.device)
        try:
            ip = read_interface(address.address).ip
        except ValueError as error:
            yield Problem((*path, "address"), f"{address.address!r} {error}")
            continue
        owner = owners.setdefault((address.device, ip), key)
        if owner != key:
            yield Problem((*path, "address"), f"{address.device} has {ip} already, with id {owner}")


def _virtual_addresses(config: Config) -> Iterator[Problem]:
    machine = _readable_addresses(config)
    owners: dict[IP, str] = {}
    for key, address in config.virtual_addresses.items():
        path = ("virtual_addresses", key)
        yield from _address_id(path)
        yield from _virtual_device((*path, "device"), config, address.device)
        try:
            ip = read_interface(address.address).ip
        except ValueError as error:
            yield Problem((*path, "address"), f"{address.address!r} {error}")
            continue
        owner = owners.setdefault(ip, key)
        if owner != key:
            yield Problem((*path, "address"), f"{ip} is a virtual address already, with id {owner}")
        if ip in machine:
            where = f"{ip} is an address of this machine, on {machine[ip]}"
            yield Problem((*path, "address"), f"{where}; a virtual address must be nobody's own")
        if ip.version == 6:
            yield Problem((*path, "address"), f"{ip} is IPv6; the virtual routers of this version serve IPv4")
    yield from _advert_size(config)


def _virtual_device(path: Path, config: Config, device: str) -> Iterator[Problem]:
    interface = config.interfaces.get(device)
    if interface is None:
        yield _no_interface(path, config, device)
    elif "HA" not in interface.flags:
        yield Problem(path, f"{device} is no HA interface; only those have virtual addresses")


def _advert_size(config: Config) -> Iterator[Problem]:
    if len(config.virtual_addresses) > MAX_ALL_VIRTUAL_ADDRESSES:
        yield Problem(
            ("virtual_addresses",),
            f"there are {len(config.virtual_addresses)}; at most {MAX_ALL_VIRTUAL_ADDRESSES} are allowed",
        )
    for device, count in Counter(address.device for address in config.virtual_addresses.values()).items():
        if count > MAX_VIRTUAL_ADDRESSES:
            yield Problem(
                ("virtual_addresses",),
                f"{device} has {count} virtual addresses; an advert holds at most {MAX_VIRTUAL_ADDRESSES}",
            )


def _readable_addresses(config: Config) -> dict[IP, str]:
    readable = {}
    for address in config.addresses.values():
        try:
            readable[read_interface(address.address).ip] = address.device
        except ValueError:
            continue  # named by the rule of machine addresses
    return readable


def _address_id(path: Path) -> Iterator[Problem]:
    if not _ID.fullmatch(path[-1]):
        yield Problem(path, "addresses are numbered: the key must be a whole number of at least 1")


def _no_interface(path: Path, config: Config, name: str) -> Problem:
    if not config.interfaces:
        return Problem(path, f"there is no interface {name!r}; none is configured")
    return Problem(path, f"there is no interface {name!r}; {suggest(name, tuple(config.interfaces))}")


# --- options and variables -----------------------------------------------------------------------------


def _passphrase(config: Config) -> Iterator[Problem]:
    if config.cluster.passphrase:
        yield from _secret(("cluster", "passphrase"), config.cluster.passphrase)


def _secret(path: Path, secret: str) -> Iterator[Problem]:
    if secret == MASK:
        yield Problem(path, f"{MASK} stands in for a passphrase that is not shown and cannot be one")
    elif secret.startswith("hex:"):
        digits = secret.removeprefix("hex:")
        if not re.fullmatch(r"([0-9A-Fa-f]{2})*", digits) or len(digits) // 2 not in KEY_BYTES:
            yield Problem(path, "hex: must be followed by a key of 32 to 64 bytes, two hexadecimal digits each")
    elif len(secret) < MIN_PASSPHRASE:
        yield Problem(path, f"is too short; at least {MIN_PASSPHRASE} characters, or hex: and a key, are allowed")
    elif len(secret) > MAX_PASSPHRASE:
        yield Problem(path, f"is too long; at most {MAX_PASSPHRASE} characters, or hex: and a key, are allowed")


def _auth_keys(config: Config) -> Iterator[Problem]:
    for number, key in config.cluster.auth_keys.items():
        path = ("cluster", "auth_keys", number)
        if number == str(authentication.PASSPHRASE_ID):
            yield Problem(path, "the key with id 1 is cluster.passphrase; further keys have an id from 2 to 255")
        elif not (_ID.fullmatch(number) and int(number) in AUTH_KEY_IDS):
            yield Problem(path, "is no id of a key; a whole number from 2 to 255 is allowed")
        yield from _secret((*path, "secret"), key.secret)


def _auth_send(config: Config) -> Iterator[Problem]:
    options = config.cluster
    ids = [*(("1",) if options.passphrase else ()), *options.auth_keys]
    if ids and str(options.auth_send) not in ids:
        yield Problem(
            ("cluster", "auth_send"),
            f"key {options.auth_send} signs our adverts and must be there; the keys are {', '.join(ids)}",
        )


def _disabled_in_backup(config: Config) -> Iterator[Problem]:
    """An interface that hears the partner must stay up while backup: both nodes would be master."""
    path = ("cluster", "backup_disable_interfaces")
    hearing = {
        needed
        for name, interface in config.interfaces.items()
        if "HA" in interface.flags or "HOTWIRE" in interface.flags
        for needed in (name, interface.vlan_parent)
    }
    for name in config.cluster.backup_disable_interfaces:
        if name not in config.interfaces:
            yield _no_interface(path, config, name)
        elif name in hearing:
            yield Problem(path, f"{name} connects the nodes of the cluster and must stay up while backup")


def _variables(config: Config) -> Iterator[Problem]:
    for application, variables in config.variables.items():
        path = ("variables", application)
        if not variables:
            yield Problem(path, "holds no variable; remove it")
        yield from _word(path)
        for name in variables:
            yield from _word((*path, name))
    application, variable = TRIGGER_DELAY
    delay = config.variables.get(application, {}).get(variable, TRIGGER_DELAY_DEFAULT)
    if not (re.fullmatch(r"0|[1-9][0-9]{0,3}", delay) and int(delay) <= MAX_TRIGGER_DELAY):
        yield Problem(
            ("variables", *TRIGGER_DELAY),
            f"{delay!r} is no delay; whole seconds from 0 to {MAX_TRIGGER_DELAY} are allowed",
        )


def _globals(config: Config) -> Iterator[Problem]:
    for name in config.globals:
        yield from _word(("globals", name))
        if not name.startswith(GLOBAL_PREFIX):
            yield Problem(("globals", name), f"names of global variables begin with {GLOBAL_PREFIX}")


def _applications(config: Config) -> Iterator[Problem]:
    for name in config.applications:
        yield from _word(("applications", name))


def _word(path: Path) -> Iterator[Problem]:
    if not _WORD.fullmatch(path[-1]):
        yield Problem(path, "a name consists of letters, digits, underscore, dot and hyphen")
