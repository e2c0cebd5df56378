"""The documented story: two unconfigured appliances become a cluster, and stay in step.

Once by people at two terminals, who copy text from one screen to the other, and once by a script.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.lab import APPLIANCES, Lab, eventually, lab_name, other
from tests.support.shell import Person

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.netns, pytest.mark.xdist_group("lab")]

ENTER, TAB = "\r", "\t"
PASSPHRASE = "correct horse battery"
HASTE = 20.0
"""Seconds for a state to follow on a busy machine; two are promised, and bench/hotwire.py takes the time."""


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Given two appliances as they come out of the box."""
    lab = Lab(lab_name("story"))
    lab.run("up", "--blank")
    yield lab
    lab.down()


def states(lab: Lab) -> dict[str, tuple[str, str]]:
    seen = {node: lab.info(node) for node in APPLIANCES}
    return {node: (info["cluster_state"], info["sync_state"]) for node, info in seen.items()}


def await_states(lab: Lab, master: tuple[str, str], spare: tuple[str, str], patience: float = HASTE) -> None:
    wanted = {"master": master, "spare": spare}
    eventually(lambda: states(lab) == wanted, patience, lambda: f"{states(lab)}\n{reasons(lab)}")


def reasons(lab: Lab) -> str:
    return "\n".join(lab.cli(node, "cluster status") for node in APPLIANCES)


def shown(lab: Lab, node: str, line: str) -> Any:
    return json.loads(lab.exec(node, "utmcli", "--json", *line.split()))


def type_in(lab: Lab, node: str, *lines: str) -> None:
    """Several lines of one script."""
    lab.exec(node, "utmcli", *(word for line in lines for word in ("-c", line)))


def keep(lab: Lab, *nodes: str) -> None:
    """What the assistant says to type next."""
    for node in nodes:
        type_in(lab, node, "system update interface", "system config save")


# --- by people at two terminals -----------------------------------------------------------------------


def sits_at(lab: Lab, node: str) -> Person:
    command = lab.command("exec", node, "--", "utmcli")
    person = Person(Path(command[0]), command[1:], {**os.environ, "TERM": "xterm"}, (60, 80), tells_size=True)
    person.sees_prompt(f"{node}.cluster.local> ")
    return person


def answers(person: Person, *exchanges: tuple[str, str]) -> None:
    """See a question, type an answer; several times."""
    for question, answer in exchanges:
        person.sees_line(question)
        person.types(answer + ENTER)


def copied(person: Person, header: str) -> str:
    """What a person marks with the mouse: rows of the screen, so that long lines are broken."""
    lines = person.look().split("\n")
    begin = max(place for place, line in enumerate(lines) if line.strip() == header)
    end = next(place for place in range(begin, len(lines)) if not lines[place].strip())
    return "\n".join(lines[begin:end])


def walk_through(lab: Lab) -> None:
    master, spare = sits_at(lab, "master"), sits_at(lab, "spare")
    try:
        master.types(f"cluster wizard role master{ENTER}")
        answers(
            master,
            ("Hotwire interface [LAN3]: ", "LAN9"),
            ("Hotwire interface [LAN3]: ", ""),
            ("Local address on LAN3, with prefix length [192.168.180.2/24]: ", "10.0.0.1/24"),
            ("Remote address on the hotwire [10.0.0.2]: ", "back"),
            ("Local address on LAN3, with prefix length [10.0.0.1/24]: ", "192.168.180.2/24"),
            ("Remote address on the hotwire [192.168.180.3]: ", ""),
            ("HA interface [LAN2]: ", "LAN1"),
            ("Virtual addresses of LAN1, with prefix length: ", "192.168.175.101/24"),
            ("Another HA interface [no]: ", "yes"),
        )
        master.sees_line("Further HA interface [LAN2]: ")
        master.types(f"L{TAB}")
        master.sees_line("Further HA interface [LAN2]: LAN2")
        answers(
            master,
            ("Further HA interface [LAN2]: LAN2", ""),
            ("Virtual addresses of LAN2, with prefix length: ", "192.168.200.1/24"),
            ("Interfaces that stay down in backup [none]: ", ""),
            ("Applications that stay down in backup [as above]: ", ""),
            ("Passphrase [a new random one]: ", PASSPHRASE),
        )
        assert states(lab)["master"] == ("offline", "error"), "nothing is written before the yes"
        assert lab.info("master")["hotwire_dev"] == ""
        answers(master, ("Write this, yes or no: ", "yes"))
        master.sees_line("Block of the spare: ")
        assert "(secret)" not in copied(master, "[Master]")

        spare.types(f"cluster wizard role spare{ENTER}")
        spare.sees_line("Block of the master: ")
        spare.types(copied(master, "[Master]").replace("\n", ENTER) + ENTER)
        answers(
            spare,
            ("Local address on LAN3, with prefix length [192.168.180.3/24]: ", ""),
            ("Remote address on the hotwire [192.168.180.2]: ", ""),
            ("Passphrase [from the block]: ", ""),
            ("SSH key of the master [from the block]: ", ""),
            ("Write this, yes or no: ", "yes"),
        )
        spare.sees_prompt("spare.cluster.local> ")

        master.types(copied(spare, "[Spare]").replace("\n", ENTER) + ENTER)
        master.sees_prompt("master.cluster.local> ")
        assert "system config synchronize" in master.look()
    finally:
        master.gone()
        spare.gone()


# --- by a script ------------------------------------------------------------------------------------------


def run(lab: Lab, node: str, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = lab.command("exec", node, "--", "utmcli", "cluster", "wizard", *words)
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)


def script(lab: Lab) -> None:
    of_master = run(
        lab, "master", "role", "master", "hotwire_interface", "LAN3", "local_addr", "192.168.180.2/24",
        "remote_addr", "192.168.180.3", "ha_interface", "[", "LAN1", "LAN2", "]", "virtual_addresses",
        "[", "LAN1=192.168.175.101/24", "LAN2=192.168.200.1/24", "]", "backup_disable_interfaces", "[", "]",
        "backup_disable_applications", "[", "HTTP Proxy", "]", "passphrase", PASSPHRASE,
    )  # fmt: skip
    assert (of_master.returncode, of_master.stderr) == (0, "")

    of_spare = run(lab, "spare", "role", "spare", "local_addr", "192.168.180.3/24", stdin=of_master.stdout)
    assert (of_spare.returncode, of_spare.stderr) == (0, "")
    assert PASSPHRASE not in of_spare.stdout

    last = run(lab, "master", "role", "master", "spare_block", of_spare.stdout)
    assert (last.returncode, last.stdout, last.stderr) == (0, "OK\n", "")


def make_a_cluster(lab: Lab, assistant: Any) -> None:
    """From two blank appliances to master and backup, and what is seen on the way."""
    assert states(lab) == {"master": ("offline", "error"), "spare": ("offline", "error")}

    assistant(lab)
    keep(lab, "master", "spare")
    await_states(lab, ("offline", "pending"), ("offline", "pending"))

    lab.cli("master", "system config synchronize")
    await_states(lab, ("offline", "synchronized"), ("offline", "synchronized"))

    for node in APPLIANCES:
        type_in(lab, node, "cluster set enabled 1", "system update interface", "system config save")
    await_states(lab, ("master", "synchronized"), ("backup", "synchronized"), patience=20.0)


@pytest.mark.parametrize("assistant", [walk_through, script], ids=["by people", "by a script"])
def test_two_appliances_become_a_cluster_and_stay_in_step(lab: Lab, assistant: Any) -> None:
    make_a_cluster(lab, assistant)
    lab.exec("client", "ping", "-c", "1", "-W", "2", "192.168.200.1")
    assert shown(lab, "master", "cluster get")["priority"] == "high"
    assert shown(lab, "spare", "cluster get")["priority"] == "low"

    change_everything(lab)
    await_states(lab, ("master", "pending"), ("backup", "pending"))
    before = facts_of_the_spare(lab)
    lab.cli("master", "system config synchronize")
    await_states(lab, ("master", "synchronized"), ("backup", "synchronized"))

    assert facts_of_the_spare(lab) == before | {"priority": "low"}
    virtual = {(row["device"], row["address"]) for row in shown(lab, "spare", "interface virtual get")}
    assert virtual == {("LAN1", "192.168.175.101/24"), ("LAN2", "192.168.200.2/24")}, "a deletion arrived"
    interfaces = {row["name"] for row in shown(lab, "spare", "interface get")}
    assert interfaces == {"LAN1", "LAN2", "LAN3", "LAN2.10"}, "a new interface arrived"
    assert "LAN2.10" not in {row["device"] for row in shown(lab, "spare", "interface address get") if row["id"]}
    assert states(lab) == {"master": ("master", "synchronized"), "spare": ("backup", "synchronized")}


@pytest.mark.parametrize("broken", APPLIANCES)
def test_a_replaced_unit_joins_by_the_assistant_while_the_other_one_serves(lab: Lab, broken: str) -> None:
    left = other(broken)
    make_a_cluster(lab, script)
    old_key = shown(lab, broken, "cluster key get")[0]["key"]
    lab.kill(broken)
    shutil.rmtree(lab.home.of(broken) / "state")
    lab.start(broken)
    eventually(lambda: lab.role(broken) == "offline")
    eventually(lambda: lab.role(left) == "master")
    assert lab.info(broken)["hotwire_dev"] == "", "a new unit knows nothing of the cluster"

    with lab.probe() as client:
        of_left = run(lab, left, "role", "master")
        of_new = run(lab, broken, "role", "spare", stdin=of_left.stdout)
        assert (of_new.returncode, of_new.stderr) == (0, "")
        assert run(lab, left, "role", "master", stdin=of_new.stdout).returncode == 0
        keep(lab, left, broken)
        eventually(lambda: states(lab) == {left: ("master", "pending"), broken: ("offline", "pending")}, HASTE)
        lab.cli(left, "system config synchronize")
        type_in(lab, broken, "cluster set enabled 1", "system update interface", "system config save")
        wanted = {left: ("master", "synchronized"), broken: ("backup", "synchronized")}
        eventually(lambda: states(lab) == wanted, 20.0, lambda: f"{states(lab)}\n{reasons(lab)}")
    assert client.lost == []
    assert old_key not in {row["key"] for row in shown(lab, left, "cluster key get")}, "it went with the old unit"
    assert lab.cli(broken, "interface virtual get").count("VIRTUAL") == 2


def test_the_first_example_network_needs_few_answers(lab: Lab) -> None:
    lab.down()
    lab.run("up", "--blank", "--example", "1")
    of_master = run(
        lab, "master", "role", "master", "hotwire_interface", "LAN3", "local_addr", "192.168.180.2/24",
        "remote_addr", "192.168.180.3", "ha_interface", "LAN2", "virtual_addresses", "192.168.200.1/24",
        "passphrase", PASSPHRASE,
    )  # fmt: skip
    of_spare = run(lab, "spare", "role", "spare", stdin=of_master.stdout)
    assert run(lab, "master", "role", "master", stdin=of_spare.stdout).returncode == 0

    keep(lab, "master", "spare")
    await_states(lab, ("offline", "pending"), ("offline", "pending"))
    lab.cli("master", "system config synchronize")
    for node in APPLIANCES:
        type_in(lab, node, "cluster set enabled 1", "system update interface", "system config save")

    await_states(lab, ("master", "synchronized"), ("backup", "synchronized"), patience=20.0)
    assert shown(lab, "spare", "cluster backup_disable get")["interfaces"] == ["wan0"], "the line the master dials"
    assert " UP " in lab.exec("master", "ip", "-brief", "link", "show", "wan0")
    assert " DOWN " in lab.exec("spare", "ip", "-brief", "link", "show", "wan0")


def change_everything(lab: Lab) -> None:
    """On the master a new interface, a new virtual address and a deletion; on the spare, its own facts."""
    type_in(lab, "spare", "cluster set priority high", "system config save", "cluster maintainance set value 1")
    gone = next(row["id"] for row in shown(lab, "master", "interface virtual get") if "200.1/" in row["address"])
    type_in(
        lab,
        "master",
        'interface new name LAN2.10 type VLAN options [ "vlan_id=10" "vlan_parent=LAN2" ]',
        "interface address new device LAN2.10 address 10.10.0.1/24",
        "interface virtual new device LAN2 address 192.168.200.2/24",
        f"interface virtual delete id {gone}",
        "system update interface",
        "system config save",
    )


def facts_of_the_spare(lab: Lab) -> dict[str, Any]:
    return {
        "hostname": shown(lab, "spare", "system info")["hostname"],
        "priority": shown(lab, "spare", "cluster get")["priority"],
        "addresses": [row for row in shown(lab, "spare", "interface address get") if row["id"]],
        "hotwire": shown(lab, "spare", "cluster hotwire get"),
        "keys": shown(lab, "spare", "cluster key get"),
        "maintenance": shown(lab, "spare", "cluster maintainance get"),
    }
