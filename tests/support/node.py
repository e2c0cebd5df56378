"""A node for tests of the command line: real sessions, real validation, no processes and no sockets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cluster.accounts import refuse_lockout
from cluster.config import canonical, schema
from cluster.model import (
    Account,
    Address,
    ClusterOptions,
    Config,
    Difference,
    Interface,
    OpenvpnInstance,
    UserGroup,
    VirtualAddress,
)
from cluster.observed import (
    ApplicationState,
    ClusterEvent,
    ConnectionCounters,
    ConnectionStatus,
    HaInterfaceStatus,
    InterfaceState,
    NamedConfig,
)
from cluster.observed import ClusterStatus as Status
from cluster.requests.accounts import with_hashes
from cluster.rpc import messages
from utmcli.session import Session
from utmcli.turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ADMIN = messages.Actor(user="admin", source="console", role="admin")

HASH = "$scrypt$ln=10,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""The form of a hash; no password has it."""

CONFIG = Config(
    hostname="master.cluster.local",
    cluster=ClusterOptions(
        enabled=True,
        passphrase="correct horse battery",
        hotwire_local="192.168.180.2",
        hotwire_remote=("192.168.180.3",),
    ),
    interfaces={
        "LAN1": Interface(id=1, flags=("HA",), zones=("external",), vrid=1),
        "LAN2": Interface(id=2, flags=("HA",), zones=("internal",), vrid=2, ping_check_host=("192.168.12.9",)),
        "LAN3": Interface(id=3, flags=("HOTWIRE",)),
    },
    addresses={
        "1": Address(device="LAN2", address="192.168.12.141/24"),
        "3": Address(device="LAN3", address="192.168.180.2/24"),
    },
    virtual_addresses={"1": VirtualAddress(device="LAN2", address="192.168.200.1/24")},
    globals={"GLOB_NAMES": ("a", "b")},
    openvpn={"1": OpenvpnInstance(name="office")},
    users={"admin": Account(role="admin", password=HASH), "viewer": Account(groups=("lookers",))},
    user_groups={"lookers": UserGroup(role="readonly")},
)

STATUS = Status(
    role="master",
    since=1_795_000_000.5,
    cause="no valid advert of the partner was heard",
    priority=254,
    handing_over=False,
    engine="running",
    engine_pid=812,
    engine_restarts=1,
    real_time="SCHED_RR priority 50, memory locked",
    sync_state="error",
    sync_reason="the hotwire link is not part of this version",
    hotwire_dev="LAN3",
    maintainance=False,
    interfaces=(
        HaInterfaceStatus(
            name="LAN2",
            vrid=2,
            usable=True,
            pending=True,
            virtual_addresses=("192.168.200.1/24",),
            partner_heard_age=0.128,
            partner_priority=253,
            partner_address="192.168.12.142",
            adverts_sent=1200,
            adverts_received=4,
            adverts_unsigned=2,
            rejected={"ttl": 1, "bad-tag": 3, "length": 0},
        ),
    ),
    connections=ConnectionStatus(
        state="running",
        pid=815,
        counters=ConnectionCounters(
            entries=210,
            injected=3,
            inject_failed=0,
            bytes_sent=42_224,
            bytes_received=84_216,
            packets_sent=44,
            packets_received=75,
            send_errors=0,
            receive_errors=0,
            malformed=0,
            lost=0,
            waiting=0,
            unconfirmed=1,
            queue_errors=0,
            overruns=0,
        ),
    ),
    explanation=("it hears no better node", "it would yield to a higher priority"),
)


def event(number: int) -> ClusterEvent:
    """An event whose text tells its number."""
    at, text = 1_795_000_000.25 + number, f"event {number}"
    return ClusterEvent(number=number, at=at, kind="role", interface="LAN2", text=text, role="master")


@dataclass
class Screen:
    """What a session wrote."""

    out: str = ""
    err: str = ""

    async def write(self, text: str) -> None:
        self.out += text

    async def write_error(self, text: str) -> None:
        self.err += text


@dataclass(frozen=True)
class Said:
    """What came of one line."""

    code: int
    out: str
    err: str


@dataclass
class Node:
    """The far end of a session: remembers what it was asked, edits its configuration as clusterd would.

    Attributes:
        asked: every question, in order.
        answers: given instead of the usual answer, by type of question; an exception is raised.
        happening: batches of events that a follower sees.
        passing: adverts that a capture sees.
    """

    config: Config = CONFIG
    asked: list[messages.Ask] = field(default_factory=list)
    answers: dict[type[messages.Ask], Any] = field(default_factory=dict)
    past: tuple[ClusterEvent, ...] = (event(1), event(2))
    happening: tuple[tuple[ClusterEvent, ...], ...] = ()
    passing: tuple[messages.Capture, ...] = ()
    session: Session = field(init=False)

    def __post_init__(self) -> None:
        self.lines = Turns(1)
        self.session = Session(ADMIN, self)  # type: ignore[arg-type]

    def type(self, line: str, stdin: str | None = None) -> Said:
        """Carry out one line, with something on standard input if given."""
        screen = Screen()

        async def read_input() -> str:
            return stdin or ""

        code = asyncio.run(self.session.run(line, screen, None if stdin is None else read_input))
        return Said(code, screen.out, screen.err)

    async def ask(self, ask: messages.Ask, actor: messages.Actor, deadline: float) -> messages.AnyAnswer:
        assert actor is ADMIN
        assert deadline > 0
        self.asked.append(ask)
        if type(ask) in self.answers:
            answer = self.answers[type(ask)]
            if isinstance(answer, Exception):
                raise answer
            return answer
        if isinstance(ask, messages.EditConfig):
            before = self.config
            after = schema.apply(before, await with_hashes(ask.changes))
            refuse_lockout(before, after)
            self.config = after
            return messages.Done(schema.new_warnings(before, self.config))
        return self._usual(ask)

    async def follow(self, ask: messages.Ask, _actor: messages.Actor) -> AsyncIterator[messages.AnyAnswer]:
        self.asked.append(ask)
        if isinstance(ask, messages.FollowAdverts):
            yield messages.Done()
            for advert in self.passing:
                yield advert
            return
        for batch in self.happening:
            yield messages.Events(batch)

    def _usual(self, ask: messages.Ask) -> messages.AnyAnswer:
        match ask:
            case messages.GetInfo():
                return messages.Info(
                    cluster_state="master",
                    sync_state="synchronized",
                    hotwire_dev="LAN3",
                    maintainance=False,
                    hostname="master.cluster.local",
                )
            case messages.GetStatus():
                return messages.Status(STATUS)
            case messages.GetSystem():
                return messages.System(
                    hostname="master.cluster.local",
                    version="0.1.0",
                    uptime=93784.9,
                    loadavg=(0.0, 0.125, 1.5),
                    kernel="6.1.0",
                    memory_total=4096,
                    memory_available=1024,
                    config_name="start",
                )
            case messages.GetConfig():
                return messages.ConfigReply(canonical.mask(self.config), 1)
            case messages.ListConfigs():
                return messages.Configs((
                    NamedConfig(name="start", current=False, start=True, unsaved=False),
                    NamedConfig(name="work", current=True, start=False, unsaved=True),
                ))
            case messages.GetInterfaces():
                return messages.Interfaces((
                    InterfaceState(
                        name="LAN2", present=True, up=True, carrier=True,
                        addresses=("192.168.12.141/24", "192.168.200.1/24", "10.9.8.7/8"),
                    ),
                    InterfaceState(name="LAN3", present=True, up=True, carrier=False),
                ))  # fmt: skip
            case messages.GetRoutes():
                return messages.Routes(tuple(self.config.routes)[:1])
            case messages.GetApplications():
                return messages.Applications((
                    ApplicationState(name="openvpn", title="SSL-VPN", state="UP", flags=("AUTOSTART",)),
                ))
            case messages.ExportConfig():
                return messages.Text('{\n  "schema": 1\n}\n')
            case messages.DiffConfig():
                return messages.Differences((Difference("cluster.priority", "high", None),))
            case messages.GetEvents(limit):
                return messages.Events(self.past[-limit:])
            case _:
                return messages.Done()
