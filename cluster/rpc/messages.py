"""What may be asked of clusterd, and what it answers: tagged structs, msgpack on the wire.

One connection carries any number of requests, answered in order; those of `STREAMS` turn the connection into a
stream. Each request names whose wish it is (`actor`); clusterd checks the peer's credentials and the actor's
role itself, so the shell host cannot be talked into more than its user may do.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from cluster.model import (
    AuthKeyState,
    Change,
    ClusterEvent,
    ClusterStatus,
    Config,
    Difference,
    InterfaceState,
    NamedConfig,
)

PROTOCOL_VERSION = 1
MAX_FRAME = 16 * 1024 * 1024
"""Longest frame, bytes: a configuration of 100,000 objects stays below."""


class Actor(Struct, frozen=True, kw_only=True):
    """Who asks: account, where from (``console``, ``ssh 192.0.2.7``), and the role clusterd shall enforce."""

    user: str
    source: str
    role: Literal["admin", "readonly"]


class Ask(Struct, frozen=True):
    """Base of all requests; subclasses are tagged with their own name."""


class GetInfo(Ask, frozen=True, tag="info"):
    """`cluster info` -> Info."""


class GetStatus(Ask, frozen=True, tag="status"):
    """`cluster status`, `cluster explain` -> ClusterStatus."""


class GetSystem(Ask, frozen=True, tag="system"):
    """`system info` -> System."""


class GetConfig(Ask, frozen=True, tag="config"):
    """The running configuration, or a named one -> ConfigReply. Secrets are masked unless `secrets`."""

    name: str = ""
    secrets: bool = False


class ListConfigs(Ask, frozen=True, tag="configs"):
    """`system config get` -> Configs."""


class GetInterfaces(Ask, frozen=True, tag="interfaces"):
    """What the kernel has of the configured interfaces -> Interfaces."""


class GetKeys(Ask, frozen=True, tag="keys"):
    """`cluster auth get`: the keys of the running configuration, without their secrets -> Keys."""


class EditConfig(Ask, frozen=True, tag="edit"):
    """Change the running configuration: all changes or none -> Done.

    What would part the nodes of a live cluster, such as another passphrase, is refused unless `force`. Changes that
    follow from what was read (the next free id) name its revision as `base`: a ConflictError tells that somebody
    else changed the configuration meanwhile.
    """

    changes: tuple[Change, ...]
    force: bool = False
    base: int | None = None


class SaveConfig(Ask, frozen=True, tag="save"):
    """`system config save`: keep the running configuration under its current name or a new one -> Done."""

    name: str = ""


class SetStartConfig(Ask, frozen=True, tag="set-start"):
    """`system config set name X`: X is loaded at boot -> Done."""

    name: str


class LoadConfig(Ask, frozen=True, tag="load"):
    """`system config load name X`: X becomes the running configuration -> Done."""

    name: str


class DeleteConfig(Ask, frozen=True, tag="delete"):
    """`system config delete name X` -> Done."""

    name: str


class ImportConfig(Ask, frozen=True, tag="import"):
    """`system config import name X`: keep a configuration file's text under a name -> Done."""

    name: str
    text: str


class ExportConfig(Ask, frozen=True, tag="export"):
    """`system config export name X` -> Text (secrets left out)."""

    name: str


class DiffConfig(Ask, frozen=True, tag="diff"):
    """What turns `left` into `right`; an empty name is the running configuration -> Differences."""

    left: str
    right: str


class Synchronize(Ask, frozen=True, tag="synchronize"):
    """`system config synchronize` -> Done."""

    dry_run: bool = False
    force: bool = False


class UpdateInterface(Ask, frozen=True, tag="update-interface"):
    """Apply addresses, HA, hotwire, cluster on/off and maintenance to the live system -> Done."""


class SetMaintenance(Ask, frozen=True, tag="maintenance"):
    """Persist at once, without `config save`; the role follows with UpdateInterface or at boot -> Done."""

    value: bool


class Switch(Ask, frozen=True, tag="switch"):
    """Hand the role to the partner -> Done."""

    force: bool = False


class GetEvents(Ask, frozen=True, tag="events"):
    """The last role and sync changes -> Events."""

    limit: int = 200


class FollowEvents(Ask, frozen=True, tag="follow-events"):
    """Events as they happen -> a stream of Events, until the client hangs up."""


class FollowAdverts(Ask, frozen=True, tag="follow-adverts"):
    """`cluster capture`: adverts of an HA interface as they pass -> a stream: Done once it is on, then Capture."""

    interface: str


class Reboot(Ask, frozen=True, tag="reboot"):
    """Orderly: hand over, stop, then restart (or power off) the machine -> Done."""

    power_off: bool = False


AnyAsk = (
    GetInfo | GetStatus | GetSystem | GetConfig | ListConfigs | GetInterfaces | GetKeys | EditConfig | SaveConfig
    | SetStartConfig | LoadConfig | DeleteConfig | ImportConfig | ExportConfig | DiffConfig | Synchronize
    | UpdateInterface | SetMaintenance | Switch | GetEvents | FollowEvents | FollowAdverts
    | Reboot
)

STREAMS = (FollowEvents, FollowAdverts)
"""What turns a connection into a stream of answers."""

READ_ONLY: tuple[type[Ask], ...] = (
    GetInfo, GetStatus, GetSystem, GetConfig, ListConfigs, GetInterfaces, ExportConfig, DiffConfig,
    GetKeys, GetEvents, FollowEvents, FollowAdverts,
)
"""What the role `readonly` may ask."""


class Request(Struct, frozen=True):
    """One request on the wire; `deadline` is the client's patience in seconds."""

    id: int
    actor: Actor
    ask: AnyAsk
    deadline: float = 10.0


class Info(Struct, frozen=True, tag="info", kw_only=True):
    """The four documented attributes of `cluster info`, and the host name for the prompt."""

    cluster_state: Literal["master", "backup", "offline"]
    sync_state: Literal["synchronized", "pending", "error"]
    hotwire_dev: str
    maintainance: bool
    hostname: str
    sync_reason: str = ""


class Status(Struct, frozen=True, tag="status"):
    """Answer to GetStatus."""

    status: ClusterStatus


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


class ConfigReply(Struct, frozen=True, tag="config"):
    """Answer to GetConfig."""

    config: Config
    revision: int


class Configs(Struct, frozen=True, tag="configs"):
    """Answer to ListConfigs."""

    configs: tuple[NamedConfig, ...]


class Interfaces(Struct, frozen=True, tag="interfaces"):
    """Answer to GetInterfaces."""

    interfaces: tuple[InterfaceState, ...]


class Keys(Struct, frozen=True, tag="keys"):
    """Answer to GetKeys, in the order of the ids."""

    keys: tuple[AuthKeyState, ...]


class Done(Struct, frozen=True, tag="done"):
    """It is done; `warnings` are sentences for standard error."""

    warnings: tuple[str, ...] = ()


class Text(Struct, frozen=True, tag="text"):
    """Answer to ExportConfig."""

    text: str


class Differences(Struct, frozen=True, tag="differences"):
    """Answer to DiffConfig and to a dry run."""

    differences: tuple[Difference, ...]


class Events(Struct, frozen=True, tag="events"):
    """Answer to GetEvents, and each message of a FollowEvents stream."""

    events: tuple[ClusterEvent, ...]


class Capture(Struct, frozen=True, tag="capture", kw_only=True):
    """Each message of a FollowAdverts stream: one advert.

    `frame` is the whole Ethernet frame in hexadecimal digits. `verdict`, of adverts received and accepted, is
    ``valid``, ``unsigned`` or ``unchecked``; of others the reason, `explained` in a sentence; of adverts sent
    ``signed`` or ``unsigned``. `missed` adverts before it were not shown, since the reader was too slow.
    """

    at: float
    interface: str
    sent: bool
    frame: str
    accepted: bool
    verdict: str
    explained: str = ""
    missed: int = 0


class Failure(Struct, frozen=True, tag="failure"):
    """A ClusterError: its code, sentence and details (see errors.py)."""

    code: str
    message: str
    details: tuple[str, ...] = ()


AnyAnswer = (
    Info | Status | System | ConfigReply | Configs | Interfaces | Keys | Done | Text | Differences | Events
    | Capture | Failure
)


class Reply(Struct, frozen=True):
    """One reply on the wire, with the id of its request."""

    id: int
    answer: AnyAnswer
