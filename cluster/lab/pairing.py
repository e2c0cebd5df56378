"""The appliances of a lab know each other from the start: each has a key, and the other's in its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from cluster.hotwire.keys import OwnKey
from cluster.lab.plan import APPLIANCES
from cluster.model import Config

if TYPE_CHECKING:
    from cluster.lab.home import Home


def pair(home: Home) -> None:
    """Make the keys of both, and enter them into the factory configurations that are written already."""
    for node, partner in (APPLIANCES, APPLIANCES[::-1]):
        path = home.of(node) / "factory.json"
        config = msgspec.json.decode(path.read_bytes(), type=Config)
        keys = (_public(home, partner),)
        options = msgspec.structs.replace(config.cluster, hotwire_partner_keys=keys)
        path.write_bytes(msgspec.json.encode(msgspec.structs.replace(config, cluster=options)))


def _public(home: Home, node: str) -> str:
    state = home.of(node) / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    return OwnKey(state).public(f"{node}.cluster.local").line
