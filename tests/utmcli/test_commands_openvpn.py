"""`openvpn`: the documented forms, and what a person sees of them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from cluster.model import ClusterOptions, OpenvpnInstance
from tests.support.node import ADMIN, CONFIG, Node
from utmcli import live
from utmcli.live import fetch

if TYPE_CHECKING:
    from cluster.rpc import messages

OK = "OK\n"
VIRTUAL = "192.168.200.1"


@pytest.fixture
def node() -> Node:
    """One that has 192.168.200.1 now, and nothing of OpenVPN yet."""
    down = msgspec.structs.replace(CONFIG.cluster, backup_disable_applications=("SSL-VPN",))
    assert isinstance(down, ClusterOptions)
    return Node(config=msgspec.structs.replace(CONFIG, cluster=down, openvpn={}))


def test_an_instance_is_bound_to_the_virtual_address_by_the_documented_words(node: Node) -> None:
    assert node.type("openvpn new name office").out == OK
    said = node.type(f"openvpn set id 1 local_addr {VIRTUAL} local_port 20000")
    assert (said.out, said.err) == (OK, "")
    assert node.config.openvpn == {"1": OpenvpnInstance(name="office", local_addr=VIRTUAL, local_port=20000)}
    assert node.type("openvpn get").out == (
        "id|name  |flags         |local_addr   |local_port|proto\n"
        "--+------+--------------+-------------+----------+-----\n"
        "1 |office|ONLINE,VIRTUAL|192.168.200.1|20000     |\n"
    )


def test_what_is_not_set_is_shown_empty_and_what_was_set_can_be_cleared(node: Node) -> None:
    node.type(f"openvpn new name office local_addr {VIRTUAL} local_port 20000 proto tcp")
    node.type("openvpn new name home")
    assert node.type('openvpn set id 1 local_addr "" local_port "" proto ""').out == OK
    assert json.loads(node.type("openvpn get | json").out) == [
        {"id": 1, "name": "office", "flags": [], "local_addr": "", "local_port": None, "proto": None},
        {"id": 2, "name": "home", "flags": [], "local_addr": "", "local_port": None, "proto": None},
    ]


def test_an_instance_is_renamed_and_deleted_by_its_id(node: Node) -> None:
    node.type("openvpn new name office")
    assert node.type("openvpn set id 1 name branch").out == OK
    assert node.config.openvpn["1"].name == "branch"
    assert node.type("openvpn delete id 1").out == OK
    assert node.config.openvpn == {}
    for line in ("openvpn delete id 1", "openvpn set id 1 local_port 1"):
        assert node.type(line).err == "% Error: there is no openvpn with the id 1; known are none\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("local_addr 192.168.200.9", "192.168.200.9 is neither a virtual address nor one of this machine"),
        ("local_port 65536", "a whole number from 1 to 65535 is allowed"),
        ("local_port 0", "a whole number from 1 to 65535 is allowed"),
        ("proto sctp", "allowed are udp, tcp"),
        (f"local_addr {VIRTUAL}/24", "an IP address without prefix length is allowed"),
        ("local_port 20000", "any address, port 20000 is taken by office, with id 1"),
    ],
)
def test_what_cannot_work_is_refused_with_one_sentence(node: Node, words: str, sentence: str) -> None:
    node.type("openvpn new name office local_port 20000")
    node.type("openvpn new name home")
    said = node.type(f"openvpn set id 2 {words}")
    assert (said.out, said.code != 0) == ("", True)
    assert sentence in said.err
    assert node.config.openvpn["2"] == OpenvpnInstance(name="home")


def test_ids_and_addresses_are_completed_with_what_they_are(node: Node) -> None:
    node.type(f"openvpn new name office local_addr {VIRTUAL}")

    async def ask(wish: messages.Ask) -> messages.AnyAnswer:
        return await node.ask(wish, ADMIN, 1.0)

    names = asyncio.run(fetch(ask, {live.OPENVPN, live.LOCAL_ADDRESSES}))
    assert names.names(live.OPENVPN) == (("1", "office 192.168.200.1"),)
    assert names.names(live.LOCAL_ADDRESSES)[0] == ("192.168.200.1", "virtual, on LAN2")
    assert ("192.168.12.141", "of this node alone, on LAN2") in names.names(live.LOCAL_ADDRESSES)
