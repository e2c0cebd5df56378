"""Questions that change nothing."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from cluster.model import Config
from cluster.observed import AuthKeyState, ClusterStatus, InterfaceState
from cluster.rpc.messages.base import Ask


class GetInfo(Ask, frozen=True, tag="info"):
    """`cluster info` -> Info."""


class Info(Struct, frozen=True, tag="info", kw_only=True):
    """The four documented attributes of `cluster info`, and the host name for the prompt."""

    cluster_state: Literal["master", "backup", "offline"]
    sync_state: Literal["synchronized", "pending", "error"]
    hotwire_dev: str
    maintainance: bool
    hostname: str
    sync_reason: str = ""


class GetStatus(Ask, frozen=True, tag="status"):
    """`cluster status`, `cluster explain` -> ClusterStatus."""


class Status(Struct, frozen=True, tag="status"):
    """Answer to GetStatus."""

    status: ClusterStatus


class GetSystem(Ask, frozen=True, tag="system"):
    """`system info` -> System."""


class System(Struct, frozen=True, tag="system", kw_only=True):
    """Answer to GetSystem; uptime in seconds."""

    hostname: str
    version: str
    uptime: float
    loadavg: tuple[float, float, float]
    kernel: str
    memory_total: int
    memory_available: int
    config_name: str


class GetConfig(Ask, frozen=True, tag="config"):
    """The running configuration, or a named one -> ConfigReply. Secrets are masked unless `secrets`."""

    name: str = ""
    secrets: bool = False


class ConfigReply(Struct, frozen=True, tag="config"):
    """Answer to GetConfig."""

    config: Config
    revision: int


class GetInterfaces(Ask, frozen=True, tag="interfaces"):
    """What the kernel has of the configured interfaces -> Interfaces."""


class Interfaces(Struct, frozen=True, tag="interfaces"):
    """Answer to GetInterfaces."""

    interfaces: tuple[InterfaceState, ...]


class GetKeys(Ask, frozen=True, tag="keys"):
    """`cluster auth get`: the keys of the running configuration, without their secrets -> Keys."""


class Keys(Struct, frozen=True, tag="keys"):
    """Answer to GetKeys, in the order of the ids."""

    keys: tuple[AuthKeyState, ...]
