"""The names that exist now, for completion: what to ask clusterd for, and the snapshot it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster.errors import ClusterError
from cluster.model import AD_ACCOUNT, TRIGGER_DELAY
from cluster.rpc import messages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from cluster.model import Address, Config, VirtualAddress

    Names = tuple[tuple[str, str], ...]
    AskFunction = Callable[[messages.Ask], Awaitable[messages.AnyAnswer]]

CONFIGURATIONS = "configurations"
INTERFACES = "interfaces"
HA_INTERFACES = "ha_interfaces"
ADDRESSES = "addresses"
VIRTUAL_ADDRESSES = "virtual_addresses"
APPLICATIONS = "applications"
VARIABLES = "variables"
GLOBALS = "globals"
AUTH_KEYS = "auth_keys"
MANAGED = "managed_applications"
APPLICATION_TITLES = "application_titles"
ROUTES = "routes"
ROUTERS = "routers"
RULES = "rules"
RULE_NETWORKS = "rule_networks"
NAT_NODES = "nat_nodes"
USERS = "users"
USER_GROUPS = "user_groups"
OPENVPN = "openvpn"
LOCAL_ADDRESSES = "local_addresses"
_OF_APPLICATIONS = frozenset({MANAGED, APPLICATION_TITLES})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Names by source, as they were a moment ago."""

    sources: Mapping[str, Names]

    def names(self, source: str) -> Sequence[tuple[str, str]]:
        """Names of one source, each with a description."""
        return self.sources.get(source, ())


async def fetch(ask: AskFunction, sources: Iterable[str]) -> Snapshot:
    """Ask clusterd for the names of some sources.

    Completion is a hint: where clusterd does not answer, there are no names, and the command itself will say why.
    """
    wanted = frozenset(sources)
    found: dict[str, Names] = {}
    try:
        if CONFIGURATIONS in wanted:
            found[CONFIGURATIONS] = _configurations(await ask(messages.ListConfigs()))
        if wanted & _OF_APPLICATIONS:
            found |= _applications(await ask(messages.GetApplications()))
        if wanted - {CONFIGURATIONS} - _OF_APPLICATIONS:
            reply = await ask(messages.GetConfig())
            if isinstance(reply, messages.ConfigReply):
                found |= {source: _OF_CONFIG[source](reply.config) for source in wanted if source in _OF_CONFIG}
    except ClusterError:
        return Snapshot(found)
    return Snapshot(found)


def _configurations(answer: messages.AnyAnswer) -> Names:
    if not isinstance(answer, messages.Configs):
        return ()
    return tuple((config.name, "start configuration" if config.start else "") for config in answer.configs)


def _applications(answer: messages.AnyAnswer) -> dict[str, Names]:
    if not isinstance(answer, messages.Applications):
        return {}
    names = tuple((each.name, f"{each.title}, {each.state}") for each in answer.applications)
    titles = tuple((each.title, f"{each.name}, {each.state}") for each in answer.applications)
    return {MANAGED: _with_others(names, titles), APPLICATION_TITLES: _with_others(titles, names)}


def _with_others(words: Names, others: Names) -> Names:
    """The words, and behind them the other spellings; case makes none."""
    known = {word.casefold() for word, _ in words}
    return (*words, *(other for other in others if other[0].casefold() not in known))


def _interfaces(config: Config) -> Names:
    return tuple((name, _about(config, name)) for name in config.interfaces)


def _ha_interfaces(config: Config) -> Names:
    return tuple((name, _about(config, name)) for name, seen in config.interfaces.items() if "HA" in seen.flags)


def _on_devices(addresses: Mapping[str, Address] | Mapping[str, VirtualAddress]) -> Names:
    return tuple((key, f"{seen.address} on {seen.device}") for key, seen in addresses.items())


def _variables(config: Config) -> Names:
    set_here = {name for values in config.variables.values() for name in values}
    return tuple((name, "") for name in sorted({TRIGGER_DELAY[1], AD_ACCOUNT[1], *set_here}))


def _rule_networks(config: Config) -> Names:
    zones = ((f"{zone}-network", "") for zone in _zones(config))
    return (("any", "everything"), ("internet", "everything"), *zones)


def _routers(config: Config) -> Names:
    """What leads somewhere: the routers known already, then interfaces."""
    known = {seen.router: "a router" for seen in config.routes.values() if seen.router not in config.interfaces}
    leading = [name for name, seen in config.interfaces.items() if "HOTWIRE" not in seen.flags]
    return (*known.items(), *((name, _about(config, name)) for name in leading))


def _local_addresses(config: Config) -> Names:
    """What a service can listen on: virtual addresses first, which whoever is master has."""
    virtual = ((seen.address, f"virtual, on {seen.device}") for seen in config.virtual_addresses.values())
    own = ((seen.address, f"of this node alone, on {seen.device}") for seen in config.addresses.values())
    return tuple((address.partition("/")[0], about) for address, about in (*virtual, *own))


def _zones(config: Config) -> tuple[str, ...]:
    return tuple(dict.fromkeys(zone for seen in config.interfaces.values() for zone in seen.zones))


def _nat_nodes(config: Config) -> Names:
    """HA interfaces that have a virtual address, those addresses, and the interfaces by zone."""
    virtual = [(seen.device, seen.address.partition("/")[0]) for seen in config.virtual_addresses.values()]
    devices = tuple(dict.fromkeys(device for device, _ in virtual if device in config.interfaces))
    zones = dict.fromkeys(zone for device in devices for zone in config.interfaces[device].zones)
    return (
        *((device, _about(config, device)) for device in devices),
        *((address, f"virtual address on {device}") for device, address in virtual),
        *((f"{zone}-interface", f"HA interface of the zone {zone}") for zone in zones),
    )


def _auth_keys(config: Config) -> Names:
    options = config.cluster
    passphrase = (("1", "the passphrase"),) if options.passphrase else ()
    return (*passphrase, *((key_id, "") for key_id in sorted(options.auth_keys, key=int)))


def _about(config: Config, name: str) -> str:
    seen = config.interfaces[name]
    return " ".join((seen.type, *seen.flags))


_OF_CONFIG: Mapping[str, Callable[[Config], Names]] = {
    INTERFACES: _interfaces,
    HA_INTERFACES: _ha_interfaces,
    ADDRESSES: lambda config: _on_devices(config.addresses),
    VIRTUAL_ADDRESSES: lambda config: _on_devices(config.virtual_addresses),
    APPLICATIONS: lambda config: tuple(
        (name, "") for name in sorted({TRIGGER_DELAY[0], AD_ACCOUNT[0], *config.variables})
    ),
    VARIABLES: _variables,
    AUTH_KEYS: _auth_keys,
    ROUTES: lambda config: tuple((key, f"{seen.dst} by {seen.router}") for key, seen in config.routes.items()),
    ROUTERS: _routers,
    RULES: lambda config: tuple(
        (key, f"{seen.src} to {seen.dst} by {seen.nat_node}") for key, seen in config.rules.items()
    ),
    RULE_NETWORKS: _rule_networks,
    NAT_NODES: _nat_nodes,
    USERS: lambda config: tuple((name, account.role) for name, account in config.users.items()),
    USER_GROUPS: lambda config: tuple((name, group.role) for name, group in config.user_groups.items()),
    OPENVPN: lambda config: tuple(
        (key, f"{seen.name} {seen.local_addr}".rstrip()) for key, seen in config.openvpn.items()
    ),
    LOCAL_ADDRESSES: _local_addresses,
    GLOBALS: lambda config: tuple((name, ",".join(values)) for name, values in config.globals.items()),
}
"""The names of each source; only those of a source that is asked for are made."""
