"""What of the configuration the engine is told: `engine.json`, as cluster/vrrp/control.py documents it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.config.rules import ha_interfaces
from cluster.config.transition import Authentication
from cluster.model import TRIGGER_DELAY, TRIGGER_DELAY_DEFAULT

if TYPE_CHECKING:
    from cluster.model import Config, Interface

TRANSITION = "transition"
"""Beside what the engine reads: adverts are authenticated in a way that both nodes only pass through."""
Document = dict[str, Any]
"""The content of `engine.json`: plain builtins, since the engine does without msgspec."""


def document(
    config: Config, *, maintenance: bool, delay: int, secrets: dict[int, str], resync: bool = False
) -> Document:
    """The engine's settings for a configuration.

    An HA interface without a virtual address runs no virtual router (RFC 9568 section 5.2.9 wants at least one
    address in an advert), so the engine is not told of it.

    Args:
        config: the configuration in force.
        maintenance: whether this node stands back.
        delay: UPDATE_TRIGGER_DELAY in whole seconds; a variable that is effective before the rest is.
        secrets: the keys by id, ready for use (``hex:...``); none: adverts are not authenticated.
        resync: a preemption waits for the word that connections are resynchronised.
    """
    return {
        "version": 1,
        "enabled": config.cluster.enabled,
        "priority": config.cluster.priority,
        "maintenance": maintenance,
        "advert_interval": config.cluster.advert_interval,
        "trigger_delay": delay,
        "resync": resync,
        "authentication": {
            "mode": "hmac" if secrets else "none",
            "policy": config.cluster.auth_policy,
            "keys": [{"id": key_id, "secret": secret} for key_id, secret in secrets.items()],
            "send_key": config.cluster.auth_send,
            "freshness": None,
        },
        "interfaces": [
            {
                "name": name,
                "vrid": interface.vrid,
                "addresses": addresses,
                "watch": list(interface.ping_check_host),
            }
            for name, interface in by_number(ha_interfaces(config))
            if (addresses := virtual_addresses(config, name))
        ],
    }


def authentication_of(settings: Document) -> Authentication:
    """How adverts are authenticated under these settings; the keys are the derived ones."""
    told = settings["authentication"]
    return Authentication(
        keys={key["id"]: key["secret"] for key in told["keys"]}, send=told["send_key"], policy=told["policy"]
    )


def by_number(interfaces: dict[str, Interface]) -> list[tuple[str, Interface]]:
    """Names and interfaces in the order of their numbers."""
    return sorted(interfaces.items(), key=lambda item: item[1].id)


def virtual_addresses(config: Config, device: str) -> list[str]:
    """The virtual addresses of an interface, in the order of their numbers."""
    held = [(int(number), entry) for number, entry in config.virtual_addresses.items() if entry.device == device]
    return [entry.address for _number, entry in sorted(held, key=lambda item: item[0])]


def trigger_delay(config: Config) -> int:
    """UPDATE_TRIGGER_DELAY in whole seconds."""
    application, variable = TRIGGER_DELAY
    return int(config.variables.get(application, {}).get(variable, TRIGGER_DELAY_DEFAULT))
