"""Every request, against a real store and played engine and network."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, get_args

import pytest

from cluster.audit_log import AuditLog
from cluster.config import schema
from cluster.config.store import Store
from cluster.errors import (
    ConflictError,
    InvalidConfigurationError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)
from cluster.events_log import EventLog
from cluster.followers import DisabledInterfaces, Followers
from cluster.hotwire.keys import OwnKey
from cluster.inforce import InForce
from cluster.lease import EditLease
from cluster.manager import Manager
from cluster.model import RemoveValue, SetValue
from cluster.observed import ConnectionStatus, InterfaceState
from cluster.partnership import Partnership
from cluster.requests import desks
from cluster.requests.config_life import ConfigLife
from cluster.rpc import messages as m
from cluster.vrrp.events import Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster.model import Config

ADMIN = m.Actor(user="admin", source="ssh 192.0.2.7", role="admin")
FACTORY = {
    "hostname": "master.cluster.local",
    "cluster": {"enabled": True, "passphrase": "hex:" + "ab" * 32},
    "interfaces": {"LAN2": {"id": 1, "flags": ["HA"], "vrid": 2}, "LAN3": {"id": 2, "flags": ["HOTWIRE"]}},
    "addresses": {"1": {"device": "LAN2", "address": "192.168.12.141/24"}},
    "virtual_addresses": {"1": {"device": "LAN2", "address": "192.168.200.1/24"}},
}


class PlayedEngine:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.role = Role.MASTER
        self.pid: int | None = 42
        self.restarts = 3
        self.sequence: int | None = 7
        self.told: dict[str, Any] | None = None
        self.calls: list[tuple[str, Any]] = []
        self.refusal: Exception | None = None
        self.status: dict[str, Any] = {"role": "master", "since": 5.0, "cause": "alone", "priority": 254}

    def settings(self) -> dict[str, Any] | None:
        return self.told

    async def configure(self, settings: dict[str, Any]) -> None:
        if settings != self.told:
            self.calls.append(("configure", settings))
        self.told = settings
        if self.refusal:
            raise self.refusal

    async def stop(self, settings: dict[str, Any]) -> None:
        self.told = settings
        self.calls.append(("stop", settings))

    async def ask(self, do: str, **fields: object) -> dict[str, Any]:
        self.calls.append((do, fields))
        if self.refusal:
            raise self.refusal
        return {"re": do, "status": self.status}


class PlayedNetwork:
    """Remembers what was put."""

    def __init__(self) -> None:
        self.applied: list[tuple[Config, frozenset[str]]] = []
        self.problems: tuple[str, ...] = ()

    async def apply(self, config: Config, *, leave_down: frozenset[str]) -> tuple[str, ...]:
        self.applied.append((config, leave_down))
        return self.problems

    async def states(self, names: tuple[str, ...]) -> tuple[InterfaceState, ...]:
        return tuple(InterfaceState(name=name, present=True, up=True, carrier=False) for name in names)

    async def set_links(self, _names: tuple[str, ...], *, up: bool) -> tuple[str, ...]:
        return ()


class PlayedConnections:
    """Their synchronisation, in good order."""

    async def status(self) -> ConnectionStatus:
        return ConnectionStatus(state="running", pid=7)


class Node:
    """A manager and all that is around it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.engine, self.network = PlayedEngine(), PlayedNetwork()
        self.left: list[bool] = []
        self._open()

    def _open(self) -> None:
        self.store = Store.open(self.directory / "state")
        if self.store.is_empty:
            self.store.initialise(schema.parse(FACTORY), 1.0)
        self.events = EventLog(self.directory / "events")
        self.disabled = DisabledInterfaces(self.network)  # type: ignore[arg-type]
        lease = EditLease()
        partnership = Partnership(
            store=self.store,
            engine=self.engine,
            events=self.events,
            lease=lease,
            own_key=OwnKey(self.directory / "state"),
        )
        self.inforce = InForce(
            store=self.store,
            engine=self.engine,
            network=self.network,
            events=self.events,
            followers=Followers((self.disabled,), lambda text: self.events.note("follower-failed", text)),
            disabled=self.disabled,
            parts=(partnership,),
            resynchronises=lambda config: bool(config.cluster.hotwire_local),
        )
        self.turn = turn = asyncio.Lock()
        self.life = ConfigLife(
            self.store,
            self.inforce,
            self.events,
            lease=lease,
            turn=turn,
            record=self.directory / "activation.json",
            boot="this",
            changed=partnership.changed,
        )
        answering = desks(
            store=self.store,
            inforce=self.inforce,
            engine=self.engine,
            network=self.network,
            events=self.events,
            lease=lease,
            partnership=partnership,
            turn=turn,
            audit=AuditLog(self.directory / "audit", str(self.directory / "no-syslog")),
            life=self.life,
            leave=self.left.append,
            connections=PlayedConnections(),
            applications=SimpleNamespace(),  # type: ignore[arg-type]
            routes=SimpleNamespace(),  # type: ignore[arg-type]
        )
        self.manager = Manager(
            answering,
            inforce=self.inforce,
            engine=self.engine,
            events=self.events,
            changed=partnership.changed,
            turn=turn,
        )

    def boot(self) -> bool:
        return asyncio.run(self.inforce.boot())

    def refuse_writes(self) -> None:
        """The disk is full from now on."""
        self.store._connection.execute("PRAGMA query_only = ON")

    def restart(self) -> None:
        """Clusterd is started again; the engine went on."""
        self.store.close()
        self._open()
        asyncio.run(self.inforce.resume())

    def ask(self, ask: Any) -> Any:
        return asyncio.run(self.manager.answer(ask, ADMIN))

    def set(self, *path: str, value: Any) -> m.Done:
        return self.ask(m.EditConfig((SetValue(path, value),)))

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events.last(100)]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    made.boot()
    yield made
    made.store.close()


def test_every_request_of_the_contract_but_the_streams_is_known(node: Node) -> None:
    asked = set(get_args(m.AnyAsk)) - set(m.STREAMS)
    assert node.manager.answered == asked


# --- boot and restart -------------------------------------------------------------------------------


def test_boot_puts_the_start_configuration_into_force(node: Node) -> None:
    ((config, left_down),) = node.network.applied
    assert (config.hostname, left_down) == ("master.cluster.local", frozenset())
    assert node.engine.told is not None
    assert node.engine.told["authentication"]["keys"] == [{"id": 1, "secret": "hex:" + "ab" * 32}]
    assert node.store.applied == node.store.running


def test_boot_forgets_unsaved_edits_and_obeys_persisted_maintenance(node: Node) -> None:
    node.set("hostname", value="other.local")
    node.ask(m.SetMaintenance(value=True))
    node.boot()
    assert node.ask(m.GetInfo()).hostname == "master.cluster.local"
    assert node.engine.told is not None
    assert node.engine.told["maintenance"] is True


def test_a_full_disk_keeps_no_node_out_of_the_cluster_and_the_boot_is_not_over(node: Node) -> None:
    node.set("hostname", value="edited.local")
    node.refuse_writes()

    assert not node.boot()

    assert node.engine.calls[-1][0] == "configure"
    assert node.network.applied[-1][0].hostname == "master.cluster.local"
    assert node.ask(m.GetInfo()).hostname == "master.cluster.local", "the start configuration runs"
    assert "cannot be written" in node.events.last(1)[0].text


def test_an_update_reaches_the_engine_though_the_store_cannot_note_it(node: Node) -> None:
    node.set("cluster", "priority", value="low")
    node.refuse_writes()

    (warning,) = node.ask(m.UpdateInterface()).warnings

    assert "brings back what was in force before" in warning
    assert node.engine.told is not None
    assert node.engine.told["priority"] == "low"


def test_boot_goes_on_though_the_engine_does_not_come_up_and_an_interface_is_missing(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.engine.refusal = UnreachableError("the engine did not come up within 3 s")
    node.network.problems = ("LAN3: this machine has no such interface",)

    node.boot()

    assert node.kinds == ["engine-failed"]
    assert node.store.applied == node.store.running
    node.store.close()


def test_a_restart_changes_nothing_that_is_in_force(node: Node) -> None:
    node.set("cluster", "priority", value="low")
    node.ask(m.SetMaintenance(value=True))
    told, applied, calls = node.engine.told, len(node.network.applied), len(node.engine.calls)

    node.restart()

    assert node.engine.told == told
    assert (len(node.network.applied), len(node.engine.calls)) == (applied, calls)
    assert node.ask(m.GetConfig()).config.cluster.priority == "low"


def test_a_restart_tells_the_engine_when_its_settings_are_wrong(node: Node) -> None:
    told = node.engine.told
    assert told is not None
    node.engine.told = told | {"priority": "low"}

    node.restart()

    assert node.engine.told == told


# --- looking ----------------------------------------------------------------------------------------


def test_info_has_the_documented_attributes(node: Node) -> None:
    assert node.ask(m.GetInfo()) == m.Info(
        cluster_state="master",
        sync_state="error",
        hotwire_dev="LAN3",
        maintainance=False,
        hostname="master.cluster.local",
        sync_reason="the hotwire has no addresses; cluster hotwire set local_addr and remote_addr gives them",
    )


def test_info_says_why_there_is_no_synchronization_without_a_hotwire(node: Node) -> None:
    node.set("interfaces", "LAN3", "flags", value=[])
    node.ask(m.UpdateInterface())
    info = node.ask(m.GetInfo())
    assert (info.hotwire_dev, info.sync_reason) == (
        "",
        "no interface is the hotwire; cluster hotwire set interface chooses one",
    )


def test_status_is_the_engines_account_beside_ours(node: Node) -> None:
    node.engine.status["interfaces"] = [
        {"name": "LAN2", "usable": True, "partner_heard_age": 0.1, "adverts_sent": 9, "rejected": {"bad-tag": 1}}
        | {"adverts_received": 8, "adverts_unsigned": 7}
    ]
    status = node.ask(m.GetStatus()).status
    assert (status.role, status.priority, status.cause, status.engine_restarts) == ("master", 254, "alone", 3)
    (interface,) = status.interfaces
    assert (interface.vrid, interface.adverts_sent, interface.rejected) == (2, 9, {"bad-tag": 1})
    assert (interface.adverts_received, interface.adverts_unsigned) == (8, 7)
    assert interface.virtual_addresses == ("192.168.200.1/24",)


def test_status_tells_how_the_synchronisation_of_connections_is(node: Node) -> None:
    assert node.ask(m.GetStatus()).status.connections == ConnectionStatus(state="running", pid=7)


def test_the_engine_waits_for_connections_only_where_somebody_will_tell_it(node: Node) -> None:
    assert node.engine.told is not None
    assert node.engine.told["resync"] is False
    node.set("cluster", "hotwire_local", value="192.168.180.2")
    node.ask(m.UpdateInterface())
    assert node.engine.told["resync"] is True


def test_status_says_so_when_the_engine_does_not_answer(node: Node) -> None:
    node.engine.refusal, node.engine.role = UnreachableError("the engine does not run"), Role.OFFLINE
    status = node.ask(m.GetStatus()).status
    assert (status.role, status.engine, status.cause) == ("offline", "not answering", "the engine does not run")
    assert status.explanation == ("the engine does not run",)


def test_system_shows_machine_and_configuration(node: Node) -> None:
    system = node.ask(m.GetSystem())
    assert (system.hostname, system.config_name) == ("master.cluster.local", "default")
    assert system.uptime > 0
    assert system.memory_total > system.memory_available > 0


def test_secrets_are_masked_unless_asked_for_and_never_exported(node: Node) -> None:
    assert node.ask(m.GetConfig()).config.cluster.passphrase == "(secret)"
    assert node.ask(m.GetConfig(secrets=True)).config.cluster.passphrase.startswith("hex:")
    assert "abab" not in node.ask(m.ExportConfig("default")).text


def test_interfaces_are_those_of_the_running_configuration(node: Node) -> None:
    assert [state.name for state in node.ask(m.GetInterfaces()).interfaces] == ["LAN2", "LAN3"]


# --- editing ----------------------------------------------------------------------------------------


def test_edits_change_the_running_configuration_and_nothing_in_force(node: Node) -> None:
    told, applied = node.engine.told, len(node.network.applied)

    assert node.set("cluster", "priority", value="low") == m.Done()

    assert node.ask(m.GetConfig()).config.cluster.priority == "low"
    assert (node.engine.told, len(node.network.applied)) == (told, applied)
    (line,) = node.ask(m.ListConfigs()).configs
    assert line.unsaved


def test_all_changes_of_an_edit_are_made_or_none(node: Node) -> None:
    before = node.ask(m.GetConfig())
    with pytest.raises(InvalidConfigurationError):
        node.ask(
            m.EditConfig((SetValue(("hostname",), "x.local"), SetValue(("cluster", "advert_interval"), 0)))
        )
    with pytest.raises(NotFoundError):
        node.ask(m.EditConfig((SetValue(("hostname",), "x.local"), RemoveValue(("addresses", "9")))))
    assert node.ask(m.GetConfig()) == before


def test_the_trigger_delay_is_effective_at_once_with_nothing_else_that_waits(node: Node) -> None:
    node.set("cluster", "priority", value="low")

    done = node.set("variables", "securepoint_firewall", value={"UPDATE_TRIGGER_DELAY": "1"})

    assert any("UPDATE_TRIGGER_DELAY" in warning for warning in done.warnings)
    assert node.engine.told is not None
    assert (node.engine.told["trigger_delay"], node.engine.told["priority"]) == (1, "high")


def test_named_configurations_live_through_save_load_start_and_delete(node: Node) -> None:
    node.set("hostname", value="second.local")
    node.ask(m.SaveConfig("second"))
    node.ask(m.LoadConfig("default"))
    assert node.ask(m.GetInfo()).hostname == "master.cluster.local"
    node.ask(m.SetStartConfig("second"))
    flags = {line.name: (line.current, line.start) for line in node.ask(m.ListConfigs()).configs}
    assert flags == {"default": (True, False), "second": (False, True)}
    with pytest.raises(ConflictError):
        node.ask(m.DeleteConfig("second"))
    node.ask(m.SetStartConfig("default"))
    node.ask(m.DeleteConfig("second"))
    with pytest.raises(NotFoundError):
        node.ask(m.GetConfig("second"))
    assert node.kinds == [
        "config-saved", "config-loaded", "config-start", "config-start", "config-deleted",
    ]  # fmt: skip
    assert "admin (ssh 192.0.2.7)" in node.events.last(1)[0].text


def test_an_import_names_every_problem_and_changes_nothing(node: Node) -> None:
    bad = {"hostname": "-", "cluster": {"priority": "highest"}, "colour": "blue"}
    with pytest.raises(InvalidConfigurationError) as caught:
        node.ask(m.ImportConfig("bad", json.dumps(bad)))
    assert len(caught.value.details) >= 2
    assert [line.name for line in node.ask(m.ListConfigs()).configs] == ["default"]


def test_an_export_can_be_imported_and_compared(node: Node) -> None:
    text = node.ask(m.ExportConfig("default")).text.replace("master.cluster.local", "other.local")
    node.ask(m.ImportConfig("copy", text))
    paths = [difference.path for difference in node.ask(m.DiffConfig("default", "copy")).differences]
    assert paths == ["hostname"]
    node.set("hostname", value="other.local")
    (difference,) = node.ask(m.DiffConfig("default", "")).differences
    assert (difference.path, difference.right) == ("hostname", "other.local")


# --- putting into force -----------------------------------------------------------------------------


def test_an_update_puts_the_running_configuration_into_force_and_a_second_one_changes_nothing(node: Node) -> None:
    node.set("cluster", "priority", value="low")
    node.ask(m.UpdateInterface())
    assert node.engine.told is not None
    assert node.engine.told["priority"] == "low"
    calls, applied = len(node.engine.calls), node.store.applied

    node.ask(m.UpdateInterface())

    assert (len(node.engine.calls), node.store.applied) == (calls, applied)


def test_an_update_says_what_could_not_be_done(node: Node) -> None:
    node.network.problems = ("LAN3: this machine has no such interface",)
    assert node.ask(m.UpdateInterface()).warnings == ("LAN3: this machine has no such interface",)


def test_maintenance_persists_and_shows_at_once_and_is_in_force_with_the_update(node: Node) -> None:
    told = node.ask(m.SetMaintenance(value=True))
    assert told.warnings[0].startswith("connections through this node will drop when the partner takes over: ")
    assert node.ask(m.GetInfo()).maintainance
    assert node.engine.told is not None
    assert node.engine.told["maintenance"] is False
    node.ask(m.UpdateInterface())
    assert node.engine.told["maintenance"] is True
    node.ask(m.SetMaintenance(value=True))
    assert node.kinds == ["maintenance"], "saying it again is no event"


def test_switching_the_cluster_off_stops_the_engine_and_says_so(node: Node) -> None:
    node.set("cluster", "enabled", value=False)
    node.ask(m.UpdateInterface())
    assert node.engine.calls[-1][0] == "stop"
    assert node.engine.calls[-1][1]["enabled"] is False
    assert node.kinds == ["cluster-off"]
    assert node.ask(m.GetStatus()).status.cause == "the cluster is switched off on this node"


def test_interfaces_disabled_in_backup_are_left_to_the_follower(node: Node) -> None:
    node.set("interfaces", "wan0", value={"id": 3, "type": "WAN"})
    node.set("cluster", "backup_disable_interfaces", value=["wan0"])
    node.ask(m.UpdateInterface())
    assert node.network.applied[-1][1] == {"wan0"}
    assert node.disabled.names == ("wan0",)


# --- the cluster ------------------------------------------------------------------------------------


def test_switch_asks_the_engine_whose_refusal_reaches_the_administrator(node: Node) -> None:
    node.engine.refusal = RefusedError("this node is backup: only the master can hand over")
    with pytest.raises(RefusedError, match="only the master"):
        node.ask(m.Switch(force=True))
    assert ("switch", {"force": True}) in node.engine.calls
    assert node.kinds == []


def test_a_switch_is_done_once_the_role_is_given_up_and_holds_nobody_up_until_then(node: Node) -> None:
    async def scenario() -> list[bool]:
        switch = asyncio.create_task(node.manager.answer(m.Switch(), ADMIN))
        await asyncio.sleep(0.01)
        node.events.add("handover-started", "our priority falls", at=1.0, role="master")
        await node.manager.answer(m.EditConfig((SetValue(("hostname",), "x.local"),)), ADMIN)
        was_done = switch.done()
        node.events.add("role", "the partner took over", at=2.0, role="backup")
        (warning,) = (await switch).warnings
        assert "connections through this node will drop" in warning, "there is no hotwire here"
        return [was_done, node.store.running.config.hostname == "x.local"]

    assert asyncio.run(scenario()) == [False, True]


def test_a_switch_to_nobody_is_no_success(node: Node) -> None:
    async def scenario() -> None:
        switch = asyncio.create_task(node.manager.answer(m.Switch(), ADMIN))
        await asyncio.sleep(0.01)
        node.events.add("handover-failed", "nobody took over, this node stays master", at=1.0, role="master")
        await switch

    with pytest.raises(RefusedError, match=r"stays master; force 1 gives the role up anyway"):
        asyncio.run(scenario())


def test_synchronize_says_what_is_missing(node: Node) -> None:
    with pytest.raises(UnreachableError, match="nothing was synchronized: the hotwire has no addresses"):
        node.ask(m.Synchronize())


def test_a_restart_of_the_machine_is_noted_and_left_to_who_can_do_it(node: Node) -> None:
    assert node.ask(m.Reboot(power_off=True)) == m.Done()
    assert node.left == [True]
    assert "powered off" in node.events.last(1)[0].text


def test_changes_wait_for_each_other_while_looking_does_not(node: Node) -> None:
    async def scenario() -> list[str]:
        order: list[str] = []
        begun, release = asyncio.Event(), asyncio.Event()

        async def slow(config: Config, *, leave_down: frozenset[str]) -> tuple[str, ...]:
            order.append("update begins")
            begun.set()
            await release.wait()
            order.append("update ends")
            return ()

        node.network.apply = slow  # type: ignore[method-assign]
        update = asyncio.create_task(node.manager.answer(m.UpdateInterface(), ADMIN))
        await begun.wait()
        edit = asyncio.create_task(
            node.manager.answer(m.EditConfig((SetValue(("hostname",), "x.local"),)), ADMIN)
        )
        await asyncio.sleep(0.01)
        await node.manager.answer(m.GetInfo(), ADMIN)
        order.append(f"looked at {node.store.running.config.hostname}")
        release.set()
        await asyncio.gather(update, edit)
        return [*order, f"edited to {node.store.running.config.hostname}"]

    assert asyncio.run(scenario()) == [
        "update begins",
        "looked at master.cluster.local",
        "update ends",
        "edited to x.local",
    ]


def test_events_are_followed(node: Node) -> None:
    async def scenario() -> str:
        stream = node.manager.follow(m.FollowEvents(), ADMIN)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        node.events.note("note", "something happened")
        return (await waiting).events[0].text

    assert asyncio.run(scenario()) == "something happened"


# --- keys -------------------------------------------------------------------------------------------


def test_a_change_that_would_part_the_nodes_of_a_live_cluster_is_refused_with_the_way_around(node: Node) -> None:
    with pytest.raises(RefusedError) as caught:
        node.set("cluster", "passphrase", value="battery staple")
    assert "cluster auth new id 2 secret .., then cluster auth set send 2" in caught.value.message
    assert caught.value.message.endswith("force 1 changes this node all the same")
    assert node.store.running.config.cluster.passphrase == FACTORY["cluster"]["passphrase"]


def test_force_parts_them_and_further_edits_are_not_asked_about_it(node: Node) -> None:
    change = SetValue(("cluster", "passphrase"), "battery staple")
    node.ask(m.EditConfig((change,), force=True))
    node.set("hostname", value="other.local")
    assert node.store.running.config.cluster.passphrase == "battery staple"


def test_a_key_is_rotated_in_steps_each_of_them_put_into_force(node: Node) -> None:
    node.set("cluster", "auth_keys", "2", value={"secret": "hex:" + "cd" * 32})
    with pytest.raises(RefusedError):
        node.set("cluster", "auth_send", value=2)  # the partner cannot know the key before we accept it ourselves
    node.ask(m.UpdateInterface())
    node.set("cluster", "auth_send", value=2)
    node.ask(m.UpdateInterface())

    assert node.engine.told is not None
    authentication = node.engine.told["authentication"]
    assert [key["id"] for key in authentication["keys"]] == [1, 2]
    assert authentication["send_key"] == 2
    node.set("cluster", "passphrase", value="")
    assert [(key.id, key.state) for key in node.ask(m.GetKeys()).keys] == [(2, "SENDING")]


def test_without_a_live_cluster_the_passphrase_is_simply_changed(node: Node) -> None:
    node.set("cluster", "enabled", value=False)
    node.ask(m.UpdateInterface())
    node.set("cluster", "passphrase", value="battery staple")
    assert node.store.running.config.cluster.passphrase == "battery staple"


def test_keys_are_told_by_fingerprint_and_an_equal_secret_has_an_equal_one(node: Node) -> None:
    node.set("cluster", "auth_keys", value={"2": {"secret": "battery staple"}, "3": {"secret": "battery staple"}})
    first, second, third = node.ask(m.GetKeys()).keys
    assert (first.state, second.state, third.state) == ("SENDING", "ACCEPTED", "ACCEPTED")
    assert first.fingerprint != second.fingerprint == third.fingerprint
    assert "battery" not in repr(second)
    node.ask(m.EditConfig((SetValue(("cluster", "auth_policy"), "receive-only"),), force=True))
    assert {key.state for key in node.ask(m.GetKeys()).keys} == {"ACCEPTED"}


def test_an_import_without_secrets_takes_over_the_running_ones_and_says_so(node: Node) -> None:
    node.ask(m.SaveConfig("work"))
    text = node.ask(m.ExportConfig("work")).text
    assert "passphrase" not in text

    done = node.ask(m.ImportConfig("copy", text))

    assert done.warnings == ("cluster.passphrase is not in the text: the running configuration's was taken over",)
    assert node.store.get("copy").cluster.passphrase == FACTORY["cluster"]["passphrase"]


def test_loading_a_configuration_never_takes_the_last_administrator_away(node: Node) -> None:
    key = {"key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43, "enabled": True}
    node.set("users", "anna", value={"role": "admin", "keys": {"1": key}})

    with pytest.raises(RefusedError, match="anna is the last account that can log in as admin"):
        node.ask(m.LoadConfig("default", force=True))

    assert "anna" in node.store.running.config.users


def test_loading_a_configuration_that_would_switch_authentication_off_is_warned_about(node: Node) -> None:
    node.ask(m.ImportConfig("open", json.dumps(FACTORY | {"cluster": {"enabled": True, "passphrase": ""}})))
    assert node.ask(m.LoadConfig("open")).warnings == (
        "open has no passphrase: with system update interface adverts are authenticated no longer",
    )


def test_loading_a_configuration_with_another_passphrase_is_warned_about_on_a_live_cluster(node: Node) -> None:
    other = {"cluster": {"enabled": True, "passphrase": "battery staple"}}
    node.ask(m.ImportConfig("other", json.dumps(FACTORY | other)))
    node.ask(m.ImportConfig("same", json.dumps(FACTORY)))

    (warning,) = node.ask(m.LoadConfig("other")).warnings

    assert warning.startswith("other authenticates adverts in another way; until the partner has the same")
    assert node.ask(m.LoadConfig("same")).warnings == ()


def test_a_low_trigger_delay_is_warned_about_when_it_is_set_and_not_at_every_edit_after(node: Node) -> None:
    variables = ("variables", "securepoint_firewall", "UPDATE_TRIGGER_DELAY")
    assert len(node.set(*variables, value="0").warnings) == 1
    assert node.set("hostname", value="other.local").warnings == ()


# --- adverts as they pass ---------------------------------------------------------------------------


def test_adverts_are_passed_on_as_the_engine_shows_them_and_it_is_let_go(node: Node) -> None:
    shown = m.Capture(at=1.0, interface="LAN2", sent=True, frame="00", accepted=True, verdict="signed")
    let_go = []

    async def capture(interface: str) -> Any:
        try:
            while True:
                yield shown if interface == "LAN2" else None
        finally:
            let_go.append(interface)

    async def first_two() -> list[Any]:
        found: list[Any] = []
        async with aclosing(node.manager.follow(m.FollowAdverts("LAN2"), ADMIN)) as stream:
            async for advert in stream:
                found.append(advert)
                if len(found) == 2:
                    break
        return found

    node.engine.capture = capture  # type: ignore[attr-defined]
    assert asyncio.run(first_two()) == [shown, shown]
    assert let_go == ["LAN2"]


def test_without_a_cluster_there_is_nothing_to_capture(node: Node) -> None:
    node.set("cluster", "enabled", value=False)
    node.ask(m.UpdateInterface())

    async def look() -> None:
        async for _ in node.manager.follow(m.FollowAdverts("LAN2"), ADMIN):
            pytest.fail("nothing passes")

    with pytest.raises(RefusedError, match="switched off on this node"):
        asyncio.run(look())


def test_an_edit_that_follows_from_what_was_read_is_refused_when_somebody_else_was_faster(node: Node) -> None:
    read = node.ask(m.GetConfig()).revision
    node.set("hostname", value="faster.local")
    slow = m.EditConfig((SetValue(("hostname",), "slower.local"),), base=read)

    with pytest.raises(ConflictError, match="admin changed the configuration meanwhile"):
        node.ask(slow)

    assert node.ask(m.GetConfig()).config.hostname == "faster.local"
    node.ask(m.EditConfig(slow.changes, base=node.ask(m.GetConfig()).revision))
    assert node.ask(m.GetConfig()).config.hostname == "slower.local"
