"""`interface`, its addresses and its virtual addresses; edits pass clusterd's own validation."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from cluster.config import schema
from cluster.errors import ConflictError
from cluster.model import Address, Interface, SetValue, VirtualAddress
from cluster.rpc import messages
from tests.support.node import CONFIG, Node

OK = "OK\n"


def test_interfaces_are_listed_with_their_state() -> None:
    assert Node().type("interface get").out == (
        "id|name|type    |flags  |state  |zones   |options\n"
        "--+----+--------+-------+-------+--------+-------\n"
        "1 |LAN1|ETHERNET|HA     |MISSING|external|vrid=1\n"
        "2 |LAN2|ETHERNET|HA     |UP     |internal|vrid=2,ping_check_host=192.168.12.9\n"
        "3 |LAN3|ETHERNET|HOTWIRE|DOWN   |        |\n"
    )


def test_a_new_interface_gets_the_next_id() -> None:
    node = Node()
    lists = 'flags [ ] options [ "vlan_id=10" "vlan_parent=LAN1" ] zones dmz'
    assert node.type(f'interface new name "LAN1.10" type "VLAN" {lists}').out == OK
    assert node.config.interfaces["LAN1.10"] == Interface(
        id=4, type="VLAN", vlan_id=10, vlan_parent="LAN1", zones=("dmz",)
    )


def test_an_interface_that_is_there_is_not_made_anew() -> None:
    said = Node().type("interface new name LAN1 type ETHERNET")
    assert said.err == "% Error: there is an interface LAN1 already; interface set changes it\n"


def test_a_list_that_is_set_replaces_the_whole_list_and_no_other() -> None:
    node = Node()
    assert node.type('interface set name LAN2 options [ "vrid=7" ]').out == OK
    changed = node.config.interfaces["LAN2"]
    assert (changed.vrid, changed.ping_check_host) == (7, ())
    assert (changed.flags, changed.zones, changed.id) == (("HA",), ("internal",), 2)


def test_several_hosts_to_watch_are_kept_in_their_order() -> None:
    node = Node()
    line = "interface set name LAN2 options [ vrid=2 ping_check_host=192.0.2.2 ping_check_host=192.0.2.1 ]"
    assert node.type(line).out == OK
    assert node.config.interfaces["LAN2"].ping_check_host == ("192.0.2.2", "192.0.2.1")


def test_an_interface_is_made_an_ha_interface_in_one_line() -> None:
    node = Node()
    assert node.type('interface set name LAN3 flags [ "HA" ] options [ "vrid=3" ]').out == OK
    assert node.config.interfaces["LAN3"] == Interface(id=3, flags=("HA",), vrid=3)


def test_lists_can_be_cleared() -> None:
    node = Node()
    assert node.type('interface set name LAN1 flags "" options "" zones [ ]').out == OK
    assert node.config.interfaces["LAN1"] == Interface(id=1)


def test_what_clusterd_finds_wrong_is_named_with_its_path_and_changes_nothing() -> None:
    node = Node()
    said = node.type("interface set name LAN1 options [ ]")
    assert said.code == 1
    assert "interfaces.LAN1" in said.err
    assert node.config is CONFIG


def test_an_interface_that_nothing_refers_to_can_be_deleted() -> None:
    node = Node()
    assert node.type("interface delete name LAN1").out == OK
    assert list(node.config.interfaces) == ["LAN2", "LAN3"]


def test_an_interface_with_addresses_cannot() -> None:
    node = Node()
    said = node.type("interface delete name LAN2")
    assert said.code == 1
    assert said.err.startswith("% Error: LAN2 is in use, delete first what refers to it\n  addresses.1.device\n")
    assert node.config is CONFIG


@pytest.mark.parametrize(
    "line",
    [
        "interface set name X flags [ HA ]",
        "interface delete name X",
        "interface address new device X address 10.0.0.1/8",
        "interface virtual new device X address 10.0.0.1/8",
    ],
)
def test_an_interface_that_is_not_there_is_named_with_those_that_are(line: str) -> None:
    node = Node()
    said = node.type(line)
    assert (said.code, said.err) == (1, "% Error: there is no interface X; known are LAN1, LAN2, LAN3\n")
    assert node.asked == [messages.GetConfig()]


# --- addresses --------------------------------------------------------------------------------------


def test_addresses_are_listed_with_those_that_came_from_elsewhere() -> None:
    assert Node().type("interface address get").out == (
        "id|flags         |device|address\n"
        "--+--------------+------+-------\n"
        "1 |ONLINE        |LAN2  |192.168.12.141/24\n"
        "3 |              |LAN3  |192.168.180.2/24\n"
        "  |ONLINE,VIRTUAL|LAN2  |192.168.200.1/24\n"
        "  |ONLINE,DYNAMIC|LAN2  |10.9.8.7/8\n"
    )


def test_a_new_address_gets_the_next_id() -> None:
    node = Node()
    assert node.type('interface address new device "LAN1" address "10.0.0.1/24"').out == OK
    assert node.config.addresses["4"] == Address(device="LAN1", address="10.0.0.1/24")


def test_the_first_address_of_all_gets_the_id_1() -> None:
    node = Node(config=type(CONFIG)(interfaces={"LAN1": Interface(id=1)}))
    assert node.type("interface address new device LAN1 address 10.0.0.1/24").out == OK
    assert list(node.config.addresses) == ["1"]


def test_an_address_is_deleted_by_id() -> None:
    node = Node()
    assert node.type('interface address delete id "3"').out == OK
    assert list(node.config.addresses) == ["1"]


@pytest.mark.parametrize("kind", ["address", "virtual"])
def test_an_id_that_is_not_there_is_an_error(kind: str) -> None:
    node = Node()
    said = node.type(f"interface {kind} delete id 9")
    assert (said.code, said.err) == (1, "% Error: there is no address with the id 9 in this list\n")
    assert node.config is CONFIG


def test_virtual_addresses_are_online_where_this_node_holds_them() -> None:
    assert Node().type("interface virtual get").out == (
        "id|flags         |device|address\n"
        "--+--------------+------+-------\n"
        "1 |ONLINE,VIRTUAL|LAN2  |192.168.200.1/24\n"
    )


def test_an_ha_interface_can_have_several_virtual_addresses() -> None:
    node = Node()
    assert node.type("interface virtual new device LAN2 address 192.168.201.1/24").out == OK
    assert node.config.virtual_addresses["2"] == VirtualAddress(device="LAN2", address="192.168.201.1/24")


def test_a_virtual_address_is_deleted_by_id() -> None:
    node = Node()
    assert node.type("interface virtual delete id 1").out == OK
    assert node.config.virtual_addresses == {}


def test_ids_are_listed_as_a_person_counts() -> None:
    addresses = {str(number): Address(device="LAN1", address=f"10.0.0.{number}/24") for number in (10, 9, 100)}
    node = Node(config=type(CONFIG)(interfaces={"LAN1": Interface(id=1)}, addresses=addresses))
    ids = [line.split("|")[0].strip() for line in node.type("interface address get").out.splitlines()[2:]]
    assert ids[:3] == ["9", "10", "100"]


@dataclass
class BusyNode(Node):
    """A node on which other administrators add addresses, each just before our edit arrives."""

    others: int = 0

    async def ask(self, ask: messages.Ask, actor: messages.Actor, deadline: float) -> messages.AnyAnswer:
        if isinstance(ask, messages.GetConfig):
            return messages.ConfigReply(self.config, len(self.config.addresses))
        if isinstance(ask, messages.EditConfig) and self.others:
            self.others -= 1
            number = str(max(map(int, self.config.addresses)) + 1)
            theirs = SetValue(("addresses", number), {"device": "LAN3", "address": f"10.0.0.{number}/24"})
            self.config = schema.apply(self.config, (theirs,))
        if isinstance(ask, messages.EditConfig) and ask.base != len(self.config.addresses):
            raise ConflictError("somebody changed the configuration meanwhile")
        return await super().ask(ask, actor, deadline)


def test_an_address_overwrites_none_that_somebody_else_adds_at_the_same_time() -> None:
    busy = BusyNode(others=2)

    said = busy.type("interface address new device LAN3 address 10.9.9.9/24")

    assert said.code == 0, said.err
    added = {key: entry.address for key, entry in busy.config.addresses.items() if int(key) > 3}
    assert added == {"4": "10.0.0.4/24", "5": "10.0.0.5/24", "6": "10.9.9.9/24"}


def test_a_node_that_everybody_changes_all_the_time_is_given_up() -> None:
    busy = BusyNode(others=100)

    said = busy.type("interface new name LAN7 type ETHERNET")

    assert said.code == 1
    assert "meanwhile" in said.err
    assert "LAN7" not in busy.config.interfaces
