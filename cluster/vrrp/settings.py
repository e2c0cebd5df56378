"""engine.json as typed values: what the engine is configured to do, checked as a whole.

The election takes part of it (`events.Settings`); the rest concerns sockets, addresses and authentication.
Unknown keys are ignored: a newer manager may write them for an engine that still runs older code.
"""

from __future__ import annotations

import json
from _socket import AF_INET, inet_ntop, inet_pton
from typing import TYPE_CHECKING, Any, NamedTuple

from cluster.errors import InvalidConfigurationError
from cluster.units import Centiseconds, Seconds, Vrid
from cluster.vrrp.events import HaInterface, Settings
from cluster.vrrp.packet import max_addresses

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
MAX_INTERFACES = 60
MAX_ADDRESSES = max_addresses(4)
MODES = ("none", "simple", "hmac")
POLICIES = ("enforce", "permissive", "receive-only")


class VirtualAddress(NamedTuple):
    """An address that only the master holds: four bytes and a prefix length."""

    address: bytes
    prefix: int

    def __str__(self) -> str:
        return f"{inet_ntop(AF_INET, self.address)}/{self.prefix}"


class Authentication(NamedTuple):
    """How adverts are authenticated.

    Attributes:
        mode: ``none``, ``simple`` (a VRRPv2 password) or ``hmac``.
        policy: what happens to adverts without a valid signature.
        keys: key id to secret, as configured: ``hex:`` and digits, or a passphrase.
        send_key: id of the key that signs.
        freshness: how old a signature may be; None: any age, only ever newer than the last.
    """

    mode: str = "none"
    policy: str = "enforce"
    keys: tuple[tuple[int, str], ...] = ()
    send_key: int = 1
    freshness: Seconds | None = None

    @property
    def secret(self) -> str:
        """The secret of the key that signs; empty without one."""
        return dict(self.keys).get(self.send_key, "")


class InterfaceSettings(NamedTuple):
    """One HA interface: its virtual router, its virtual addresses, and hosts to watch (four bytes each)."""

    name: str
    vrid: Vrid
    addresses: tuple[VirtualAddress, ...]
    watch: tuple[bytes, ...] = ()


class EngineSettings(NamedTuple):
    """The whole of engine.json.

    Attributes:
        enabled: this node takes part in the cluster.
        high: configured priority.
        maintenance: lowest priority.
        advert_interval: between our adverts.
        trigger_delay: UPDATE_TRIGGER_DELAY.
        resync: somebody tells the engine when connections are resynchronised; else nothing waits for it.
        authentication: of the adverts.
        interfaces: the HA interfaces.
    """

    enabled: bool
    high: bool
    maintenance: bool
    advert_interval: Centiseconds
    trigger_delay: Seconds
    resync: bool
    authentication: Authentication
    interfaces: tuple[InterfaceSettings, ...]

    def for_election(self, sources: Mapping[str, int]) -> Settings:
        """The election's part; `sources` maps interface names to the address our adverts come from."""
        return Settings(
            interfaces=tuple(HaInterface(i.name, i.vrid, sources[i.name]) for i in self.interfaces),
            enabled=self.enabled,
            high=self.high,
            maintenance=self.maintenance,
            advert_interval=self.advert_interval,
            trigger_delay=self.trigger_delay,
        )


def load(path: str) -> EngineSettings:
    """Read engine.json.

    Raises:
        InvalidConfigurationError: it is missing, no JSON, or wrong; `details` names every problem with its path.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs the restart more than the rest of this module
            document = json.loads(file.read())
    except (OSError, ValueError) as problem:
        raise InvalidConfigurationError(f"{path} cannot be read: {problem}") from problem
    return parse(document)


def parse(document: Any) -> EngineSettings:
    """Check a decoded engine.json as a whole.

    Raises:
        InvalidConfigurationError: `details` names every problem with its path.
    """
    reader = _Reader()
    root = reader.mapping(document, "engine.json")
    if root.get("version") != VERSION:
        reader.problem("version", f"is {root.get('version')!r}; this engine reads version {VERSION}")
    settings = EngineSettings(
        enabled=reader.flag(root, "enabled", default=True),
        high=reader.word(root, "priority", ("high", "low")) == "high",
        maintenance=reader.flag(root, "maintenance", default=False),
        advert_interval=Centiseconds(reader.number(root, "advert_interval", (1, 4095), 25)),
        trigger_delay=Seconds(reader.number(root, "trigger_delay", (0, 3600), 2)),
        resync=reader.flag(root, "resync", default=False),
        authentication=_authentication(reader, root.get("authentication", {})),
        interfaces=_interfaces(reader, root.get("interfaces", [])),
    )
    if settings.authentication.mode == "simple" and settings.advert_interval % 100:
        reader.problem("advert_interval", "must be a multiple of 100 in mode simple: VRRPv2 knows whole seconds")
    if reader.problems:
        raise InvalidConfigurationError("the engine's configuration is invalid", tuple(reader.problems))
    return settings


def _authentication(reader: _Reader, value: Any) -> Authentication:
    at = "authentication"
    root = reader.mapping(value, at)
    keys = []
    for number, item in enumerate(reader.sequence(root.get("keys", []), f"{at}.keys")):
        here = f"{at}.keys[{number}]"
        key = reader.mapping(item, here)
        secret = key.get("secret")
        if not isinstance(secret, str) or not secret:
            reader.problem(f"{here}.secret", "must be a text that is not empty")
        keys.append((reader.number(key, "id", (1, 255), None, here), str(secret)))
    freshness = root.get("freshness")
    mode = reader.word(root, "mode", MODES, at)
    send_key = reader.number(root, "send_key", (1, 255), 1, at)
    if len({id_ for id_, _ in keys}) != len(keys):
        reader.problem(f"{at}.keys", "name an id twice")
    if mode != "none" and send_key not in dict(keys):
        reader.problem(f"{at}.send_key", f"is {send_key}, which is none of the keys")
    return Authentication(
        mode=mode,
        policy=reader.word(root, "policy", POLICIES, at),
        keys=tuple(keys),
        send_key=send_key,
        freshness=None if freshness is None else Seconds(reader.number(root, "freshness", (1, 86400), None, at)),
    )


def _interfaces(reader: _Reader, value: Any) -> tuple[InterfaceSettings, ...]:
    found = []
    for number, item in enumerate(reader.sequence(value, "interfaces")):
        at = f"interfaces[{number}]"
        root = reader.mapping(item, at)
        name = root.get("name")
        if not isinstance(name, str) or not 1 <= len(name.encode()) <= 15 or "/" in name or not name.isprintable():
            reader.problem(f"{at}.name", "must be an interface name of 1 to 15 bytes")
        addresses = reader.sequence(root.get("addresses", []), f"{at}.addresses")
        watch = reader.sequence(root.get("watch", []), f"{at}.watch")
        found.append(
            InterfaceSettings(
                name=str(name),
                vrid=Vrid(reader.number(root, "vrid", (1, 255), None, at)),
                addresses=tuple(reader.address(text, f"{at}.addresses[{n}]") for n, text in enumerate(addresses)),
                watch=tuple(reader.host(text, f"{at}.watch[{n}]") for n, text in enumerate(watch)),
            )
        )
        if not 1 <= len(addresses) <= MAX_ADDRESSES:
            reader.problem(f"{at}.addresses", f"are {len(addresses)}; an advert carries 1 to {MAX_ADDRESSES}")
    if len({i.name for i in found}) != len(found):
        reader.problem("interfaces", "name an interface twice")
    if len(found) > MAX_INTERFACES:
        reader.problem("interfaces", f"are {len(found)}; at most {MAX_INTERFACES} are possible")
    return tuple(found)


class _Reader:
    """Takes values out of a decoded document and collects every problem on the way."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def problem(self, path: str, sentence: str) -> None:
        self.problems.append(f"{path} {sentence}")

    def mapping(self, value: Any, path: str) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        self.problem(path, "must be an object")
        return {}

    def sequence(self, value: Any, path: str) -> list[Any]:
        if isinstance(value, list):
            return value
        self.problem(path, "must be a list")
        return []

    def flag(self, root: dict[str, Any], key: str, *, default: bool) -> bool:
        value = root.get(key, default)
        if not isinstance(value, bool):
            self.problem(key, "must be true or false")
        return bool(value)

    def word(self, root: dict[str, Any], key: str, allowed: tuple[str, ...], at: str = "") -> str:
        value = root.get(key, allowed[0])
        if value not in allowed:
            self.problem(f"{at}.{key}" if at else key, f"must be one of {', '.join(allowed)}")
            return allowed[0]
        return str(value)

    def number(
        self, root: dict[str, Any], key: str, bounds: tuple[int, int], default: int | None, at: str = ""
    ) -> int:
        value = root.get(key, default)
        low, high = bounds
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.problem(f"{at}.{key}" if at else key, f"must be a whole number from {low} to {high}")
            return low
        return value

    def host(self, value: Any, path: str) -> bytes:
        try:
            return inet_pton(AF_INET, value)
        except (OSError, TypeError):
            self.problem(path, f"must be an IPv4 address, not {value!r}")
            return bytes(4)

    def address(self, value: Any, path: str) -> VirtualAddress:
        text, _, prefix = value.partition("/") if isinstance(value, str) else ("", "", "")
        if not prefix.isdecimal() or not 1 <= int(prefix) <= 32:
            self.problem(path, f"must be an IPv4 address with a prefix length of 1 to 32, not {value!r}")
            return VirtualAddress(bytes(4), 32)
        return VirtualAddress(self.host(text, path), int(prefix))
