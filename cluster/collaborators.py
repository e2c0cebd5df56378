"""What the manager needs of the engine's supervisor and of the host's network: the two that tests play."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from cluster.engine.settings import Document
    from cluster.model import Config
    from cluster.observed import ConnectionStatus, InterfaceState
    from cluster.rpc.messages import Capture, Done
    from cluster.vrrp.events import Role


class Engine(Protocol):
    """What the manager needs of the engine's supervisor."""

    @property
    def role(self) -> Role:
        """Of this node."""

    @property
    def pid(self) -> int | None:
        """Of the running engine."""

    @property
    def restarts(self) -> int:
        """How often it was started again."""

    @property
    def sequence(self) -> int | None:
        """The last number it signed an advert with."""

    def settings(self) -> Document | None:
        """What it was last told."""

    async def configure(self, settings: Document) -> None:
        """Let it run with these settings."""

    async def stop(self, settings: Document) -> None:
        """Orderly stop; a later start finds these settings."""

    async def ask(self, do: str, **fields: object) -> Document:
        """One request."""

    def capture(self, interface: str) -> AsyncGenerator[Done | Capture, None]:
        """Adverts as they pass."""


class Part(Protocol):
    """Something else on this machine that follows the configuration in force, such as the packet filter.

    A new part is one line of wiring.py.
    """

    async def apply(self, config: Config) -> tuple[str, ...]:
        """Follow this configuration; what is as it should be is not touched. Returns problems, raises none.

        Told after the engine, with every update, at boot, and after a restart of clusterd.
        """


class Connections(Protocol):
    """What requests need of the synchronisation of connections."""

    async def status(self) -> ConnectionStatus:
        """How it is."""


class Network(Protocol):
    """What the manager needs of the host's network."""

    async def apply(self, config: Config, *, leave_down: frozenset[str]) -> tuple[str, ...]:
        """Put addresses and links; returns problems."""

    async def states(self, names: tuple[str, ...]) -> tuple[InterfaceState, ...]:
        """Interfaces as the kernel has them."""
