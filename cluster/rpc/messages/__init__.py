"""What may be asked of clusterd, and what it answers: tagged structs, msgpack on the wire.

One connection carries any number of requests, answered in order; those of `STREAMS` turn the connection into a
stream. Each request names whose wish it is (`actor`); clusterd checks the peer's credentials and the actor's
role itself, so the shell host cannot be talked into more than its user may do.

One file a topic, asks and answers together; the unions here are what may travel.
"""

from __future__ import annotations

from msgspec import Struct

from cluster.rpc.messages.accounts import (
    ChangePassword,
    CheckPassword,
    GetLogin,
    Login,
    Verdict,
)
from cluster.rpc.messages.applications import (
    Applications,
    ApplicationVerb,
    ControlApplication,
    GetApplications,
)
from cluster.rpc.messages.audit import (
    Audit,
    Audited,
    GetAudit,
    GetLastLogin,
    NoteCommands,
)
from cluster.rpc.messages.base import (
    Actor,
    Ask,
    Done,
    Failure,
)
from cluster.rpc.messages.checking import (
    Checked,
    CheckPoint,
    GetCheck,
)
from cluster.rpc.messages.config_life import (
    LONGEST_ACTIVATION,
    SHORTEST_ACTIVATION,
    Activate,
    ConfirmActivation,
    GetHistory,
    History,
    RevisionLine,
    RollBack,
    RollBackBoth,
)
from cluster.rpc.messages.configurations import (
    Configs,
    DeleteConfig,
    DiffConfig,
    Differences,
    EditConfig,
    ExportConfig,
    ImportConfig,
    ListConfigs,
    LoadConfig,
    SaveConfig,
    SetStartConfig,
    Synchronize,
    Text,
)
from cluster.rpc.messages.duty import (
    Reboot,
    SetMaintenance,
    Switch,
    UpdateInterface,
    UpdateRule,
)
from cluster.rpc.messages.happening import (
    Capture,
    Events,
    FollowAdverts,
    FollowEvents,
    GetEvents,
)
from cluster.rpc.messages.hotwire import GetHotwireKeys, HotwireKeys, RenewHotwireKey, SshKey
from cluster.rpc.messages.looking import (
    ConfigReply,
    GetConfig,
    GetInfo,
    GetInterfaces,
    GetKeys,
    GetStatus,
    GetSystem,
    Info,
    Interfaces,
    Keys,
    Status,
    System,
)
from cluster.rpc.messages.routes import GetRoutes, Routes

__all__ = [
    "LONGEST_ACTIVATION",
    "MAX_FRAME",
    "OF_THE_SHELL",
    "PROTOCOL_VERSION",
    "READ_ONLY",
    "SHORTEST_ACTIVATION",
    "STREAMS",
    "Activate",
    "Actor",
    "AnyAnswer",
    "AnyAsk",
    "ApplicationVerb",
    "Applications",
    "Ask",
    "Audit",
    "Audited",
    "Capture",
    "ChangePassword",
    "CheckPassword",
    "CheckPoint",
    "Checked",
    "ConfigReply",
    "Configs",
    "ConfirmActivation",
    "ControlApplication",
    "DeleteConfig",
    "DiffConfig",
    "Differences",
    "Done",
    "EditConfig",
    "Events",
    "ExportConfig",
    "Failure",
    "FollowAdverts",
    "FollowEvents",
    "GetApplications",
    "GetAudit",
    "GetCheck",
    "GetConfig",
    "GetEvents",
    "GetHistory",
    "GetHotwireKeys",
    "GetInfo",
    "GetInterfaces",
    "GetKeys",
    "GetLastLogin",
    "GetLogin",
    "GetRoutes",
    "GetStatus",
    "GetSystem",
    "History",
    "HotwireKeys",
    "ImportConfig",
    "Info",
    "Interfaces",
    "Keys",
    "ListConfigs",
    "LoadConfig",
    "Login",
    "NoteCommands",
    "Reboot",
    "RenewHotwireKey",
    "Reply",
    "Request",
    "RevisionLine",
    "RollBack",
    "RollBackBoth",
    "Routes",
    "SaveConfig",
    "SetMaintenance",
    "SetStartConfig",
    "SshKey",
    "Status",
    "Switch",
    "Synchronize",
    "System",
    "Text",
    "UpdateInterface",
    "UpdateRule",
    "Verdict",
]

PROTOCOL_VERSION = 1
MAX_FRAME = 16 * 1024 * 1024
"""Longest frame, bytes: a configuration of 100,000 objects stays below."""

AnyAsk = (
    GetInfo | GetStatus | GetSystem | GetConfig | ListConfigs | GetInterfaces | GetKeys | EditConfig | SaveConfig
    | SetStartConfig | LoadConfig | DeleteConfig | ImportConfig | ExportConfig | DiffConfig | Synchronize
    | UpdateInterface | UpdateRule | SetMaintenance | Switch | GetEvents | FollowEvents | FollowAdverts
    | Reboot | GetHotwireKeys | RenewHotwireKey | GetCheck
    | GetLogin | CheckPassword | ChangePassword | NoteCommands | GetAudit | GetLastLogin
    | GetHistory | RollBack | RollBackBoth | Activate | ConfirmActivation
    | GetApplications | ControlApplication | GetRoutes
)

STREAMS = (FollowEvents, FollowAdverts)
"""What turns a connection into a stream of answers."""

READ_ONLY: tuple[type[Ask], ...] = (
    GetInfo, GetStatus, GetSystem, GetConfig, ListConfigs, GetInterfaces, ExportConfig, DiffConfig,
    GetKeys, GetEvents, FollowEvents, FollowAdverts, GetHotwireKeys, GetCheck,
    GetHistory, GetApplications, GetRoutes,
)
"""What the role `readonly` may ask."""

OF_THE_SHELL: tuple[type[Ask], ...] = (GetLogin, CheckPassword, ChangePassword, NoteCommands, GetLastLogin)
"""What the shell host asks on its own account, or for whoever is about to log in: no matter of roles.

`ChangePassword` changes the password of its own account only, for whoever knows the old one.
"""

AnyAnswer = (
    Info | Status | System | ConfigReply | Configs | Interfaces | Keys | Done | Text | Differences | Events
    | Capture | Checked | Failure | HotwireKeys | Login | Verdict | Audit | History
    | Applications | Routes
)


class Request(Struct, frozen=True):
    """One request on the wire; `deadline` is the client's patience in seconds."""

    id: int
    actor: Actor
    ask: AnyAsk
    deadline: float = 10.0


class Reply(Struct, frozen=True):
    """One reply on the wire, with the id of its request."""

    id: int
    answer: AnyAnswer
