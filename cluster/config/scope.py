"""What belongs to the cluster and what to the machine: the shared part, its digest, and taking it over.

The shared part is the same on both nodes and travels with `system config synchronize`. Machine facts never do:
host name, priority, hotwire addresses and keys, the account in the Active Directory, and the addresses of Ethernet
and VLAN interfaces. Addresses of other interfaces (a dial-in line, a tunnel) are the cluster's. They travel without
their ids, which each machine gives out itself; otherwise a node with one more address of its own would never be in
step.
"""

from __future__ import annotations

import hashlib
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec

from cluster.config import canonical, schema
from cluster.config.migrations import migrate
from cluster.config.tree import CONFIG, Collection, Document, Group, Leaf, Node, Path, path_text
from cluster.errors import InvalidConfigurationError
from cluster.model import (
    MACHINE_VARIABLES,
    TRIGGER_DELAY,
    TRIGGER_DELAY_DEFAULT,
    Address,
    Config,
    Interface,
    Scope,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_MACHINE_ADDRESSED = ("ETHERNET", "VLAN")
_Variables = dict[str, dict[str, str]]


def shared(config: Config) -> Document:
    """The part of a configuration that both nodes have in common, in canonical form and plain types.

    Defaults are left out, also the documented one of UPDATE_TRIGGER_DELAY: saying a default makes no difference.
    Secrets of the cluster are in it.
    """
    document: Document = _part(canonical.document(_with_cluster_variables(config)), CONFIG, "cluster")
    addresses = sorted(
        (address.device, address.address)
        for address in config.addresses.values()
        if not _is_machine_addressed(config.interfaces, address.device)
    )
    document["addresses"] = [{"device": device, "address": address} for device, address in addresses]
    return document


def cluster_part(config: Config) -> Config:
    """A configuration without its machine facts, for comparing what two have in common; not a valid one."""
    document = _part(canonical.document(_with_cluster_variables(config)), CONFIG, "cluster")
    kept = {
        key: address
        for key, address in config.addresses.items()
        if not _is_machine_addressed(config.interfaces, address.device)
    }
    return msgspec.structs.replace(msgspec.convert(document, Config), addresses=kept)


def digest(config: Config) -> str:
    """SHA-256 of the shared part, in hexadecimal: equal on both nodes when they are synchronized."""
    return digest_of(encoded(config))


def encoded(config: Config) -> bytes:
    """The shared part in its canonical bytes: what travels, and what `digest` is of."""
    return canonical.encode(shared(config))


def digest_of(content: bytes) -> str:
    """SHA-256 of what `encoded` gave, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def decoded(content: bytes) -> Document:
    """The shared part in canonical bytes, for `merge`.

    Raises:
        InvalidConfigurationError: it is no JSON object, or of another schema.
    """
    try:
        document = migrate(msgspec.json.decode(content))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidConfigurationError(f"the partner's configuration is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidConfigurationError("the partner's configuration is no JSON object")
    return document


def merge(incoming: Document, own: Config) -> Config:
    """Our configuration after taking over the partner's shared part.

    Our machine facts stay. A new interface arrives without addresses; addresses of one that is gone go with it.

    Args:
        incoming: what `shared` gave at the partner.
        own: our configuration.

    Raises:
        InvalidConfigurationError: it brings machine facts, or does not fit the schema or our machine facts.
    """
    cluster_part = {name: value for name, value in incoming.items() if name != "addresses"}
    document = _joined(_part(canonical.document(own), CONFIG, "machine"), cluster_part, CONFIG, ())
    document.pop("addresses", None)
    shaped = schema.shaped(document)
    addresses = _merged_addresses(shaped.interfaces, own, _travelled(incoming.get("addresses", [])))
    variables = _with_machine_variables(shaped.variables, own.variables)
    return schema.checked(msgspec.structs.replace(shaped, addresses=addresses, variables=variables))


def _with_cluster_variables(config: Config) -> Config:
    """Without the variables that are machine facts, and without the default that says nothing."""
    variables = config.variables
    application, variable = TRIGGER_DELAY
    if variables.get(application, {}).get(variable) == TRIGGER_DELAY_DEFAULT:
        variables = _without(variables, TRIGGER_DELAY)
    for path in MACHINE_VARIABLES:
        variables = _without(variables, path)
    return config if variables is config.variables else msgspec.structs.replace(config, variables=variables)


def _without(variables: _Variables, path: tuple[str, str]) -> _Variables:
    application, variable = path
    if variable not in variables.get(application, {}):
        return variables
    left = {name: value for name, value in variables[application].items() if name != variable}
    others = {name: values for name, values in variables.items() if name != application}
    return {**others, application: left} if left else others


def _with_machine_variables(variables: _Variables, own: _Variables) -> _Variables:
    """The incoming variables and our own machine facts among them."""
    for application, variable in MACHINE_VARIABLES:
        if variable in variables.get(application, {}):
            raise _machine_fact(path_text(("variables", application, variable)))
        if variable in own.get(application, {}):
            ours = {**variables.get(application, {}), variable: own[application][variable]}
            variables = {**variables, application: ours}
    return variables


def _part(plain: Any, node: Node, scope: Scope) -> Any:
    """What of a document carries this scope."""
    if isinstance(node, Collection):
        return {key: _part(value, node.item, scope) for key, value in plain.items()}
    assert isinstance(node, Group), "every leaf of the model has a scope, its own or from above"
    kept = {}
    for name, value in plain.items():
        about = node.fields[name]
        if about.scope is None:
            kept[name] = _part(value, about.node, scope)
        elif about.scope == scope:
            kept[name] = value
    return kept


def _joined(own: Document, incoming: Any, node: Node, path: Path) -> Any:
    """The incoming document with our machine facts put in; what is no object is left for the schema to name."""
    if isinstance(node, Leaf) or not isinstance(incoming, dict):
        return incoming
    if isinstance(node, Collection):
        return {key: _joined(own.get(key, {}), value, node.item, (*path, key)) for key, value in incoming.items()}
    joined = {**own, **incoming}
    for name, about in node.fields.items():
        if about.scope == "machine" and name in incoming:
            raise _machine_fact(path_text((*path, name)))
        if about.scope is None:
            joined[name] = _joined(own.get(name, {}), incoming.get(name, {}), about.node, (*path, name))
    return joined


def _travelled(plain: Any) -> list[Address]:
    try:
        return msgspec.convert(plain, list[Address])
    except msgspec.ValidationError as error:
        raise InvalidConfigurationError(f"the addresses of the cluster cannot be read: {error}") from error


def _merged_addresses(
    interfaces: Mapping[str, Interface], own: Config, travelled: list[Address]
) -> dict[str, Address]:
    """Ours on the interfaces that are still there, and the cluster's; one that we knew keeps its id."""
    merged = {key: each for key, each in own.addresses.items() if _is_machine_addressed(interfaces, each.device)}
    known = {(each.device, each.address): key for key, each in own.addresses.items()}
    free = (str(number) for number in count(1) if str(number) not in own.addresses)
    for address in travelled:
        if _is_machine_addressed(interfaces, address.device):
            raise _machine_fact(f"the address {address.address} of {address.device}")
        merged[known.get((address.device, address.address)) or next(free)] = address
    return merged


def _machine_fact(what: str) -> InvalidConfigurationError:
    return InvalidConfigurationError(f"{what} belongs to one machine and must not travel to the other")


def _is_machine_addressed(interfaces: Mapping[str, Interface], device: str) -> bool:
    return device in interfaces and interfaces[device].type in _MACHINE_ADDRESSED
