"""The engine as a process on real interfaces: who is master, and what happens when an engine dies or stops."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.engine import MASTER_DOWN, PATIENCE, Engine, configuration, eventually, interface

if TYPE_CHECKING:
    from tests.cluster.vrrp.conftest import MakeEngine
    from tests.support.netns import Namespace

pytestmark = pytest.mark.netns
VIRTUAL = "192.168.200.1/24"


@pytest.fixture
def master(engine: MakeEngine, first: Namespace) -> Engine:
    made = engine(first)
    made.becomes("master")
    return made


@pytest.fixture
def backup(engine: MakeEngine, second: Namespace, master: Engine) -> Engine:
    made = engine(second, priority="low")
    made.becomes("backup")
    eventually(lambda: made.status()["interfaces"][0]["adverts_received"])
    return made


def test_a_lone_node_is_master_after_its_master_down_interval(engine: MakeEngine, first: Namespace) -> None:
    alone = engine(first)
    alone.becomes("master")

    began, became = (event["at"] for event in alone.events("role"))
    assert MASTER_DOWN - 0.1 < became - began < MASTER_DOWN + 0.1
    assert VIRTUAL in first.addresses("LAN2")


def test_the_backup_holds_no_virtual_address(backup: Engine, first: Namespace, second: Namespace) -> None:
    assert VIRTUAL in first.addresses("LAN2")
    assert VIRTUAL not in second.addresses("LAN2")


def test_the_backup_takes_over_when_the_master_falls_silent(
    master: Engine, backup: Engine, second: Namespace
) -> None:
    master.kill()
    killed = time.time()

    assert backup.since("master") - killed < MASTER_DOWN + 0.3

    backup.becomes("master")
    assert VIRTUAL in second.addresses("LAN2")
    assert "no advert" in backup.events("role")[-1]["text"]


def test_a_killed_engine_resumes_its_role_and_nobody_notices(
    master: Engine, backup: Engine, first: Namespace
) -> None:
    since = master.status()["since"]
    master.kill()

    master.start()
    eventually(lambda: master.is_("master"))

    assert VIRTUAL in first.addresses("LAN2")
    assert [event["kind"] for event in master.events()] == ["resumed"]
    assert master.status()["since"] == pytest.approx(since, abs=0.001)
    time.sleep(MASTER_DOWN)
    assert [event["role"] for event in backup.events("role")] == ["backup"]


def test_the_events_of_a_resumed_engine_go_on_counting(master: Engine) -> None:
    last = master.events()[-1]["n"]
    master.kill()

    master.start()
    master.becomes("master")

    assert master.events()[0]["n"] == last + 1


def test_an_engine_that_was_away_too_long_starts_as_backup(
    master: Engine, backup: Engine, first: Namespace
) -> None:
    master.kill()
    backup.becomes("master")
    # Else it would be master again, by its priority, as soon as it heard the partner.
    master.configure(configuration(resync=True))

    master.start()
    master.becomes("backup")

    assert VIRTUAL not in first.addresses("LAN2")
    assert [event["role"] for event in master.events("role")] == ["backup"]


def test_the_authentication_survives_a_restart(master: Engine, backup: Engine) -> None:
    master.kill()
    master.start()
    master.becomes("master")
    received = backup.status()["interfaces"][0]["adverts_received"]

    eventually(lambda: backup.status()["interfaces"][0]["adverts_received"] > received + 2)

    assert backup.status()["interfaces"][0]["rejected"] == {}


def test_signatures_go_on_above_what_the_state_page_says_even_if_the_clock_was_set_back(master: Engine) -> None:
    used = eventually(lambda: master.page and master.page.sequence)
    assert abs((used >> 32) - time.time()) < 60
    master.kill()
    an_hour_ahead = used + (3600 << 32)
    page = master.run_dir / "engine.page"
    data = bytearray(page.read_bytes())
    data[64:72] = an_hour_ahead.to_bytes(8, "little")
    page.write_bytes(data)

    master.start()
    master.becomes("master")

    assert master.page is not None
    assert an_hour_ahead < master.page.sequence < an_hour_ahead + 1000


def test_an_orderly_stop_hands_over_and_nobody_waits_for_silence(
    master: Engine, backup: Engine, first: Namespace, second: Namespace
) -> None:
    began = time.time()
    code = master.stop()

    assert code == 0
    assert VIRTUAL not in first.addresses("LAN2")
    # How soon is measured by bench/start_stop.py, on a machine that is not busy.
    assert backup.since("master") - began < MASTER_DOWN - 0.2
    assert "no advert" not in backup.events("role")[-1]["text"]
    assert VIRTUAL in second.addresses("LAN2")


def test_the_backup_answers_the_farewell_of_an_engine_that_nobody_could_succeed(
    master: Engine, engine: MakeEngine, second: Namespace
) -> None:
    spare = engine(second, priority="low", maintenance=True)
    spare.becomes("backup")
    eventually(lambda: spare.status()["interfaces"][0]["partner_priority"] == 254)

    master.stop()
    stopped = time.time()

    assert spare.since("master") - stopped < 0.5


def test_a_switch_moves_the_role_and_says_why(master: Engine, backup: Engine) -> None:
    answer = master.ask("switch")

    assert answer == {"re": "switch"}
    backup.becomes("master")
    master.becomes("backup")
    assert master.events("role")[-1]["text"].startswith("switch to the partner")


def test_a_switch_is_refused_by_a_backup(backup: Engine) -> None:
    answer = backup.ask("switch")

    assert "only the master" in answer["error"]


def test_the_handed_over_role_is_not_taken_back_by_a_restart(master: Engine, backup: Engine) -> None:
    master.ask("switch")
    backup.becomes("master")
    master.becomes("backup")
    master.kill()

    master.start()
    master.becomes("backup")
    time.sleep(MASTER_DOWN + 0.3)

    assert master.is_("backup")
    assert backup.is_("master")


def test_maintenance_follows_a_reload(master: Engine, backup: Engine) -> None:
    master.configure(configuration(maintenance=True))

    assert master.ask("reload") == {"re": "reload"}

    backup.becomes("master")
    assert master.status()["priority"] == 2


def test_a_wrong_configuration_is_refused_and_changes_nothing(master: Engine) -> None:
    master.configure({"version": 1, "interfaces": [{"name": "LAN2", "vrid": 999, "addresses": ["nonsense"]}]})

    answer = master.ask("reload")

    assert answer["error"] == "the engine's configuration is invalid"
    paths = [problem.split()[0] for problem in answer["details"]]
    assert paths == ["interfaces[0].vrid", "interfaces[0].addresses[0]"]
    assert master.status()["interfaces"][0]["vrid"] == 2


def test_a_second_engine_in_the_same_namespace_is_refused(
    master: Engine, engine: MakeEngine, first: Namespace
) -> None:
    intruder = engine(first)

    code = intruder.running.wait(PATIENCE)

    assert code == 3
    assert intruder.running.stderr is not None
    assert "another engine runs in this network namespace" in intruder.running.stderr.read()
    assert master.is_("master")


def test_loss_of_the_link_moves_the_role_after_the_delay(
    engine: MakeEngine, first: Namespace, second: Namespace
) -> None:
    both = (interface("LAN2", 2), interface("LAN1", 1, "192.168.175.101/24"))
    first.run("ip", "link", "add", "LAN1", "type", "veth", "peer", "name", "LAN1", "netns", str(second.pid))
    for node in (first, second):
        node.run("ip", "link", "set", "LAN1", "up")
    one = engine(first, interfaces=both, trigger_delay=0)
    one.becomes("master")
    two = engine(second, interfaces=both, priority="low", trigger_delay=0)
    two.becomes("backup")
    eventually(lambda: two.status()["interfaces"][0]["adverts_received"])

    first.run("ip", "link", "set", "LAN2", "down")
    gone = time.time()

    assert two.since("master") - gone < 0.3
    assert one.status()["interfaces"][0]["usable"] is False
    assert "LAN2" in one.events("link-lost")[0]["text"]
