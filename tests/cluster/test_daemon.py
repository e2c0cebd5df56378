"""The real clusterd with its real engine: what must survive the death of either, and what must not."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster.engine.supervisor import STOP_PATIENCE
from cluster.errors import RefusedError, UnreachableError
from cluster.model import SetValue
from cluster.rpc.messages import (
    ConfigReply,
    Done,
    EditConfig,
    GetConfig,
    GetInterfaces,
    GetStatus,
    Interfaces,
    Reboot,
    SetMaintenance,
    Status,
    Switch,
    Synchronize,
)
from tests.support.appliance import until
from tests.support.daemons import VIRTUAL, Pair, status_of, two_daemons
from tests.support.netns import why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.appliance import Appliance

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]


@pytest.fixture
def pair() -> Iterator[Pair]:
    with two_daemons() as made:
        yield made


@pytest.fixture
def node(pair: Pair) -> Appliance:
    return pair.alone()


# --- start ------------------------------------------------------------------------------------------


def test_a_lone_node_becomes_master_with_addresses_links_and_no_interface_touched_that_is_not_named(
    node: Appliance,
) -> None:
    assert node.namespace.addresses("LAN2") == {"192.168.12.141/24", VIRTUAL}
    assert node.info.hostname == "utm141.cluster.local"
    assert (node.info.sync_state, node.info.hotwire_dev) == ("error", "LAN3")
    assert node.namespace.addresses("LAN9") == set()
    (interface,) = node.ask(GetStatus(), Status).status.interfaces
    assert (interface.name, interface.usable, interface.virtual_addresses) == ("LAN2", True, (VIRTUAL,))
    assert interface.adverts_sent > 0


def test_a_missing_interface_is_reported_and_the_rest_runs(pair: Pair) -> None:
    pair.master.namespace.run("ip", "link", "delete", "LAN3")

    pair.master.start()

    until(lambda: pair.master.role == "master", "the node becomes master all the same")
    assert [event.text for event in pair.master.events if event.kind == "problem"] == [
        "LAN3: this machine has no such interface"
    ]
    states = {state.name: state for state in pair.master.ask(GetInterfaces(), Interfaces).interfaces}
    assert (states["LAN2"].present, states["LAN2"].carrier, states["LAN3"].present) == (True, True, False)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (json.dumps({"hostname": "-", "cluster": {"priority": "highest"}}).encode(), "cluster.priority"),
        (b"\xff", "cannot be read"),
    ],
)
def test_a_factory_configuration_with_problems_is_refused_with_all_of_them(
    pair: Pair, content: bytes, complaint: str
) -> None:
    pair.master._factory.write_bytes(content)

    with pytest.raises(AssertionError) as caught:
        pair.master.start()

    assert pair.master.process is not None
    assert pair.master.process.returncode == 1
    assert complaint in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_the_engine_keeps_four_capabilities_for_good(node: Appliance) -> None:
    status, ours = status_of(node.engine), status_of(os.getpid())

    raw, admin, lock, nice = (1 << number for number in (13, 12, 14, 23))
    # Whoever runs this may lack some of them, as in a container.
    assert int(status["CapBnd"], 16) == (raw | admin | lock | nice) & int(ours["CapBnd"], 16)
    assert status["NoNewPrivs"] == "1"


# --- death of the engine ----------------------------------------------------------------------------


def test_a_killed_engine_is_back_before_anybody_notices_again_and_again(pair: Pair) -> None:
    pair.start()
    for _kill in range(3):
        before = pair.master.engine
        assert before is not None

        os.kill(before, signal.SIGKILL)

        until(lambda gone=before: pair.master.engine not in {None, gone}, "another engine listens")
    pair.assert_undisturbed()
    assert pair.master.ask(GetStatus(), Status).status.engine_restarts == 3


def test_a_stopped_engine_is_killed_and_back_inside_the_partners_patience(pair: Pair) -> None:
    pair.start()
    before = pair.master.engine
    assert before is not None

    os.kill(before, signal.SIGSTOP)

    until(lambda: pair.master.has("engine-hung"), "the lost heartbeat is noticed")
    until(lambda: pair.master.engine not in {None, before}, "another engine listens")
    pair.assert_undisturbed()


def test_an_engine_that_cannot_read_its_settings_serves_again_after_an_update(node: Appliance) -> None:
    (node.run / "engine.json").write_text("{")
    assert node.engine is not None

    os.kill(node.engine, signal.SIGKILL)

    said = "exited with status 1 and was started again; its log says why it ended"
    until(lambda: any(said in event.text for event in node.events), "it is said where the cause is found")
    assert "engine.json cannot be read: Expecting" in node.log
    node.update()
    until(lambda: node.role == "master", "it serves again")
    assert node.holds(VIRTUAL)


# --- death of clusterd ------------------------------------------------------------------------------


def test_a_killed_clusterd_leaves_the_engine_alone_and_the_next_one_adopts_it(pair: Pair) -> None:
    pair.start()
    engine, numbers = pair.master.engine, [event.number for event in pair.master.events]

    pair.master.kill()
    time.sleep(0.8)
    pair.master.start()

    assert pair.master.engine == engine
    assert pair.master.ask(GetStatus(), Status).status.engine_pid == engine
    assert [event.number for event in pair.master.events] == numbers, "no event is told twice"
    pair.assert_undisturbed()


def test_an_adopted_engine_is_restarted_when_it_dies(pair: Pair) -> None:
    pair.start()
    pair.master.kill()
    pair.master.start()
    before = pair.master.engine
    assert before is not None

    os.kill(before, signal.SIGKILL)

    until(lambda: pair.master.engine not in {None, before}, "another engine listens")
    pair.assert_undisturbed()


def test_when_both_die_the_engine_comes_first_and_is_supervised_as_any_other(node: Appliance) -> None:
    first = node.engine
    assert first is not None
    node.kill()
    os.kill(first, signal.SIGKILL)

    node.start()

    until(lambda: node.ask(GetStatus(), Status).status.engine_pid == node.engine, "clusterd supervises it")
    second = node.engine
    assert second not in {None, first}
    assert "adopted the running engine" not in node.log, "it is its own child"
    os.kill(second, signal.SIGKILL)  # type: ignore[arg-type]
    until(lambda: node.engine not in {None, first, second}, "another engine listens")
    assert node.ask(GetStatus(), Status).status.engine_restarts == 1
    until(lambda: node.role == "master", "it is master again")


def test_an_engine_that_did_not_listen_yet_when_clusterd_looked_for_one_is_adopted_when_it_does(pair: Pair) -> None:
    pair.start()
    engine = pair.master.engine
    pair.master.kill()
    listens, not_yet = pair.master.run / "engine.sock", pair.master.run / "not-yet.sock"
    listens.rename(not_yet)

    pair.master.start()
    not_yet.rename(listens)

    until(lambda: pair.master.ask(GetStatus(), Status).status.engine_pid == engine, "it is supervised")
    pair.assert_undisturbed()


def test_an_adopted_engine_whose_settings_were_tampered_with_is_told_the_right_ones(node: Appliance) -> None:
    engine = node.engine
    node.kill()
    settings = json.loads((node.run / "engine.json").read_text())
    (node.run / "engine.json").write_text(json.dumps(settings | {"priority": "low"}))

    node.start()

    assert json.loads((node.run / "engine.json").read_text()) == settings
    assert node.engine == engine


def test_settings_that_a_killed_clusterd_wrote_but_did_not_tell_reach_the_engine(pair: Pair) -> None:
    pair.start()
    settings = json.loads((pair.master.run / "engine.json").read_text())
    pair.master.ask(SetMaintenance(value=True))
    pair.master.kill()
    (pair.master.run / "engine.json").write_text(json.dumps(settings | {"maintenance": True}))

    pair.master.start()

    until(lambda: (pair.master.role, pair.spare.role) == ("backup", "master"), "maintenance is in force")


def test_a_hangup_restarts_clusterd_itself_and_nothing_else(pair: Pair) -> None:
    pair.start()
    assert pair.master.process is not None
    engine = pair.master.engine

    os.kill(pair.master.process.pid, signal.SIGHUP)

    until(lambda: pair.master.log.count("adopted the running engine") == 1, "the new program adopts the engine")
    until(pair.master._answers, "and answers")
    assert pair.master.engine == engine
    pair.assert_undisturbed()


def test_unapplied_edits_and_unapplied_maintenance_survive_a_restart_without_taking_effect(node: Appliance) -> None:
    node.set(addresses__2={"device": "LAN2", "address": "192.168.12.200/24"})
    node.ask(SetMaintenance(value=True))
    node.kill()

    node.start()

    assert "2" in node.ask(GetConfig(), ConfigReply).config.addresses
    assert not node.holds("192.168.12.200/24")
    assert node.info.maintainance
    assert json.loads((node.run / "engine.json").read_text())["maintenance"] is False
    node.update()
    assert node.holds("192.168.12.200/24")
    assert json.loads((node.run / "engine.json").read_text())["maintenance"] is True


# --- the shell host and other users ------------------------------------------------------------------


def test_the_shell_host_is_restarted_when_it_dies_and_survives_clusterd(pair: Pair) -> None:
    node = pair.master
    node.start(shell=True)
    until(lambda: node.shell, "the shell host listens")
    first = node.shell
    assert first is not None
    assert b"utmcli\0serve" in Path(f"/proc/{first}/cmdline").read_bytes()

    os.kill(first, signal.SIGKILL)
    until(lambda: node.shell not in {None, first}, "another shell host listens")
    second = node.shell
    node.kill()
    node.start(shell=True)

    assert node.shell == second, node.log
    assert node.stop() == 0
    assert node.shell is None


STRANGER = """
import asyncio, sys
from cluster.rpc.client import Client
from cluster.rpc.messages import Actor, GetInfo
async def ask():
    async with await Client.connect(sys.argv[1]) as client:
        await client.ask(GetInfo(), Actor(user="admin", source="console", role="admin"))
asyncio.run(ask())
"""


@pytest.mark.parametrize(
    ("group", "complaint"), [("nogroup", "may not speak to clusterd"), ("daemon", "Permission denied")]
)
def test_other_users_get_no_answer_even_where_they_may_open_the_socket(
    node: Appliance, group: str, complaint: str
) -> None:
    stranger = ("setpriv", "--reuid", "nobody", "--regid", group, "--clear-groups", "--")
    command = (*stranger, sys.executable, "-c", STRANGER, str(node.run / "clusterd.sock"))

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode
    assert complaint in done.stderr


def test_a_second_clusterd_on_the_same_directories_is_refused_and_the_first_undisturbed(node: Appliance) -> None:
    engine = node.engine
    command = node.process.args if node.process else ()

    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)  # type: ignore[arg-type]

    assert second.returncode == 1
    assert "CRITICAL clusterd[" in second.stderr
    assert "Traceback" not in second.stderr
    assert node.role == "master"
    assert node.engine == engine


def test_a_second_clusterd_on_the_run_directory_takes_neither_its_socket_nor_its_engine(
    node: Appliance, tmp_path: Path
) -> None:
    engine = node.engine
    directories = ("--state-dir", str(tmp_path / "other"), "--run-dir", str(node.run), "--no-shell")
    command = node.namespace.command(sys.executable, "-m", "cluster.daemon", *directories)

    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)

    assert second.returncode == 1
    assert second.stderr.endswith(f"another clusterd runs in {node.run}\n")
    assert second.stderr.count("\n") == 1
    assert (node.role, node.engine) == ("master", engine)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda node: (node.run / "clusterd.lock").mkdir(parents=True), "cannot be used: Is a directory"),
        (lambda node: (node.run / "clusterd.sock").mkdir(parents=True), "nothing can listen in"),
        (lambda node: (node.run / "addresses.json.new").mkdir(parents=True), "addresses.json cannot be written"),
        (lambda node: (node.run / "booted.new").mkdir(parents=True), "booted cannot be written"),
        (lambda node: (node.state / "events").mkdir(parents=True), "events cannot be read"),
        (lambda node: setattr(node, "run", node.run / ("x" * 100)), "nothing can listen in"),
    ],
)
def test_a_directory_that_cannot_be_used_is_complained_of_in_a_sentence(
    pair: Pair, spoil: Callable[[Appliance], None], complaint: str
) -> None:
    spoil(pair.master)

    with contextlib.suppress(AssertionError):
        pair.master.start()

    assert complaint in pair.master.log
    assert "Traceback" not in pair.master.log


# --- orderly ends -----------------------------------------------------------------------------------


def test_an_orderly_stop_hands_over_and_leaves_no_engine_and_no_virtual_address(pair: Pair) -> None:
    pair.start()

    assert pair.master.stop() == 0

    assert pair.master.engine is None
    assert not pair.master.holds(VIRTUAL)
    pair.assert_handed_over()


def test_a_lone_node_stops_without_waiting_for_anybody(node: Appliance) -> None:
    before = time.monotonic()

    assert node.stop() == 0

    # How soon is measured by bench/start_stop.py, on a machine that is not busy.
    assert time.monotonic() - before < STOP_PATIENCE / 2
    assert "did not stop" not in node.log


def test_a_boot_loads_the_start_configuration_and_forgets_unsaved_edits(node: Appliance) -> None:
    node.set(hostname="renamed.local")
    node.stop()
    (node.run / "booted").unlink()

    node.start()

    assert node.info.hostname == "utm141.cluster.local"


INIT = """
import os, signal, subprocess, sys
seen = [signal.SIGINT, signal.SIGRTMIN + 4, signal.SIGCHLD]
signal.pthread_sigmask(signal.SIG_BLOCK, seen)
os.posix_spawn(sys.executable, [sys.executable, *sys.argv[2:]], os.environ, setsigmask=())
while (number := signal.sigwait(seen)) == signal.SIGCHLD:
    os.waitpid(-1, os.WNOHANG)
open(sys.argv[1], 'w').write('off' if number > 34 else 'again')
"""


@pytest.mark.parametrize(("power_off", "word"), [(False, "again"), (True, "off")])
def test_a_restart_of_the_machine_hands_over_first_and_is_then_left_to_process_1(
    pair: Pair, power_off: bool, word: str
) -> None:
    heard = pair.master.run.parent / "heard"
    pair.spare.start()
    until(lambda: pair.spare.role == "master", "the spare is alone")
    pair.master.start_under("unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", INIT, str(heard))
    until(lambda: pair.master.role == "master", "the preferred master took over")

    assert pair.master.ask(Reboot(power_off=power_off)) == Done()

    until(heard.exists, "process 1 is told")
    until(lambda: heard.read_text() == word, f"to do it: {word}")
    assert not pair.master.holds(VIRTUAL), "the role was given up before"
    pair.assert_handed_over()


# --- what is asked of it ----------------------------------------------------------------------------


def test_a_second_update_changes_nothing(node: Appliance) -> None:
    node.set(addresses__2={"device": "LAN2", "address": "192.168.12.200/24"})
    node.update()
    before = {name: (node.run / name).stat().st_mtime_ns for name in ("engine.json", "addresses.json")}
    events, seen = len(node.events), node.namespace.run("ip", "-o", "address", "show", "dev", "LAN2").count("inet")

    node.update()

    after = {name: (node.run / name).stat().st_mtime_ns for name in ("engine.json", "addresses.json")}
    assert after == before
    assert len(node.events) == events
    assert node.namespace.run("ip", "-o", "address", "show", "dev", "LAN2").count("inet") == seen


def test_a_deleted_address_is_removed_and_foreign_ones_stay(node: Appliance) -> None:
    node.namespace.run("ip", "address", "add", "192.168.12.77/24", "dev", "LAN2")
    node.set(addresses={"1": {"device": "LAN2", "address": "192.168.12.150/24"}})

    node.update()

    assert node.namespace.addresses("LAN2") >= {"192.168.12.150/24", "192.168.12.77/24", VIRTUAL}
    assert not node.holds("192.168.12.141/24")


def test_the_trigger_delay_is_effective_at_once(node: Appliance) -> None:
    warnings = node.ask(
        EditConfig((SetValue(("variables", "securepoint_firewall"), {"UPDATE_TRIGGER_DELAY": "0"}),))
    ).warnings

    assert any("UPDATE_TRIGGER_DELAY" in warning for warning in warnings)
    assert json.loads((node.run / "engine.json").read_text())["trigger_delay"] == 0


def test_maintenance_shows_at_once_and_moves_the_role_with_the_update(pair: Pair) -> None:
    pair.start()

    pair.master.ask(SetMaintenance(value=True))

    assert pair.master.info.maintainance
    time.sleep(0.3)
    assert pair.master.role == "master"
    pair.master.update()
    until(lambda: (pair.master.role, pair.spare.role) == ("backup", "master"), "the roles are swapped")
    pair.master.ask(SetMaintenance(value=False))
    pair.master.update()
    until(lambda: (pair.master.role, pair.spare.role) == ("master", "backup"), "and swapped back")


def test_switching_the_cluster_off_hands_over_and_switching_it_on_comes_back(pair: Pair) -> None:
    pair.start()

    pair.master.set(cluster__enabled=False)
    pair.master.update()

    until(lambda: (pair.master.role, pair.spare.role) == ("offline", "master"), "the partner took over")
    assert pair.master.engine is None
    assert not pair.master.holds(VIRTUAL)
    with pytest.raises(RefusedError, match="switched off"):
        pair.master.ask(Switch())
    pair.master.set(cluster__enabled=True)
    pair.master.update()
    until(lambda: (pair.master.role, pair.spare.role) == ("master", "backup"), "the preferred master is back")


def test_switch_hands_the_role_over_and_is_refused_where_there_is_none(pair: Pair) -> None:
    pair.start()

    pair.master.ask(Switch())

    until(lambda: (pair.master.role, pair.spare.role) == ("backup", "master"), "the roles are swapped")
    with pytest.raises(RefusedError, match="only the master"):
        pair.master.ask(Switch())


@pytest.fixture
def dialling(pair: Pair) -> Pair:
    """Two appliances of which only the master shall have wan0 up."""
    for appliance in (pair.master, pair.spare):
        pair.network.wire(appliance.namespace, "wan0", "WAN")
        config = json.loads(appliance._factory.read_text())
        config["interfaces"]["wan0"] = {"id": 3, "type": "WAN"}
        config["cluster"]["backup_disable_interfaces"] = ["wan0"]
        appliance._factory.write_text(json.dumps(config))
    pair.start()
    until(lambda: (dialled(pair.master), dialled(pair.spare)) == (True, False), "the master dials")
    return pair


def dialled(appliance: Appliance) -> bool:
    states = appliance.ask(GetInterfaces(), Interfaces).interfaces
    return next(state.up for state in states if state.name == "wan0")


def test_interfaces_disabled_in_backup_follow_the_role(dialling: Pair) -> None:
    dialling.master.ask(Switch())

    until(lambda: (dialled(dialling.master), dialled(dialling.spare)) == (False, True), "the other one dials")


@pytest.mark.parametrize("engine_dies_too", [False, True])
def test_a_restart_of_clusterd_does_not_touch_what_follows_the_role(
    dialling: Pair, tmp_path: Path, engine_dies_too: bool
) -> None:
    node = dialling.master
    with (tmp_path / "links").open("wb") as links:
        monitor = subprocess.Popen(node.namespace.command("ip", "monitor", "link"), stdout=links)
        engine = node.engine
        assert engine is not None

        node.kill()
        if engine_dies_too:
            os.kill(engine, signal.SIGKILL)
        node.start()

        until(lambda: node.role == "master", "it is master again")
        time.sleep(0.3)
        monitor.kill()
        monitor.wait()
    assert "wan0" not in (tmp_path / "links").read_text()
    assert dialled(node)


def test_without_a_hotwire_nothing_is_synchronized_and_why_is_said(node: Appliance) -> None:
    with pytest.raises(UnreachableError, match="nothing was synchronized: the hotwire has no addresses"):
        node.ask(Synchronize())
