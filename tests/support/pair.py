"""Two real appliances with a hotwire between them, in namespaces; the keys are made and exchanged beforehand."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from cluster.hotwire.keys import OwnKey
from tests.support.appliance import Appliance, until
from tests.support.netns import Namespace, Network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VIRTUAL = "192.168.200.1/24"
PATIENCE = 30.0


def configuration(last: int, partner: int, key: str, **options: Any) -> dict[str, Any]:
    """One node: LAN2 is the HA interface, LAN3 the hotwire."""
    return {
        "hostname": f"utm{last}.cluster.local",
        "cluster": {
            "enabled": True,
            "priority": "high" if last == 2 else "low",
            "passphrase": "hex:" + "5a" * 32,
            "hotwire_local": f"192.168.180.{last}",
            "hotwire_remote": [f"192.168.180.{partner}"],
            "hotwire_partner_keys": [key] if key else [],
            **options,
        },
        "interfaces": {"LAN2": {"id": 1, "flags": ["HA"], "vrid": 2}, "LAN3": {"id": 2, "flags": ["HOTWIRE"]}},
        "addresses": {
            "1": {"device": "LAN2", "address": f"192.168.12.{140 + last}/24"},
            "2": {"device": "LAN3", "address": f"192.168.180.{last}/24"},
        },
        "virtual_addresses": {"1": {"device": "LAN2", "address": VIRTUAL}},
    }


class Pair:
    """Two appliances, not started yet.

    Args:
        directory: for everything.
        keys: the partner's key as each of them knows it; the right ones where it does not say.
        options: of the cluster, of both nodes.
    """

    def __init__(self, directory: Path, *, keys: dict[int, str] | None = None, **options: Any) -> None:
        self.network = Network()
        self.namespaces: dict[int, Namespace] = {}
        self.hotwire: dict[int, str] = {}
        self.lan: dict[int, str] = {}
        self.nodes: dict[int, Appliance] = {}
        self.own: dict[int, OwnKey] = {}
        for last in (2, 3):
            state = directory / str(last) / "state"
            state.mkdir(parents=True, mode=0o700)
            self.own[last] = OwnKey(state)
        pinned = {2: self.public(3), 3: self.public(2)} | (keys or {})
        for last, partner in ((2, 3), (3, 2)):
            namespace = self.network.node()
            self.namespaces[last] = namespace
            self.lan[last] = self.network.wire(namespace, "LAN2", "lan")
            self.hotwire[last] = self.network.wire(namespace, "LAN3", "wire")
            config = configuration(last, partner, pinned[last], **options)
            self.nodes[last] = Appliance(namespace, directory / str(last), config)

    def public(self, last: int) -> str:
        return self.own[last].public(f"utm{last}").line

    @property
    def master(self) -> Appliance:
        return self.nodes[2]

    @property
    def spare(self) -> Appliance:
        return self.nodes[3]

    def start(self) -> None:
        self.master.start()
        self.spare.start()

    def await_sync(self, state: str, *nodes: Appliance) -> None:
        for node in nodes or (self.master, self.spare):
            seen = partial(lambda node: f"{state}, not {node.info}\n{self.logs}", node)
            until(lambda: node.info.sync_state == state, seen, PATIENCE)  # noqa: B023 - at once

    @property
    def logs(self) -> str:
        return "".join(f"--- utm{last}\n{node.log[-4000:]}" for last, node in self.nodes.items())

    def plug(self, *, plugged: bool) -> None:
        """The hotwire's cable, at both ends."""
        for port in self.hotwire.values():
            self.network.cable(port, plugged=plugged)

    def close(self) -> None:
        for node in self.nodes.values():
            if node.process is not None:
                node.close()
        self.network.close()


@contextmanager
def in_step(directory: Path) -> Iterator[Pair]:
    """Given two nodes at their work, the preferred one master, with the same configuration."""
    made = Pair(directory)
    try:
        made.start()
        until(lambda: (made.master.role, made.spare.role) == ("master", "backup"), "roles")
        made.await_sync("synchronized")
        yield made
    finally:
        made.close()
