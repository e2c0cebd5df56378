"""`appmgmt`: the documented forms."""

from __future__ import annotations

import asyncio
import json

import pytest

from cluster.model import Application
from cluster.observed import ApplicationState
from cluster.rpc import messages
from tests.support.node import ADMIN, Node
from utmcli import live
from utmcli.live import fetch

OK = "OK\n"
STATES = messages.Applications((
    ApplicationState(name="dhcpd", title="DHCP Server", state="MISSING", flags=()),
    ApplicationState(name="http_proxy", title="HTTP Proxy", state="DOWN", flags=()),
    ApplicationState(name="openvpn", title="SSL-VPN", state="UP", flags=("AUTOSTART",)),
))


@pytest.fixture
def node() -> Node:
    return Node(answers={messages.GetApplications: STATES})


def test_the_status_is_the_documented_table(node: Node) -> None:
    assert node.type("appmgmt status").out == (
        "application|state  |flags\n"
        "-----------+-------+-----\n"
        "dhcpd      |MISSING|\n"
        "http_proxy |DOWN   |\n"
        "openvpn    |UP     |AUTOSTART\n"
    )
    assert json.loads(node.type("appmgmt status | json").out)[2] == {
        "application": "openvpn", "state": "UP", "flags": ["AUTOSTART"],
    }  # fmt: skip


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_an_application_is_controlled_by_the_documented_words(node: Node, verb: str) -> None:
    assert node.type(f'appmgmt {verb} application "openvpn"').out == OK
    assert node.asked == [messages.ControlApplication("openvpn", verb)]  # type: ignore[arg-type]


def test_flags_are_set_as_a_whole_by_name_or_title(node: Node) -> None:
    assert node.type('appmgmt set application "openvpn" flags [ AUTOSTART ]').out == OK
    assert node.type('appmgmt set application "HTTP Proxy" flags [ "AUTOSTART" ]').out == OK
    assert node.type("appmgmt set application openvpn flags [ ]").out == OK
    assert node.config.applications == {
        "openvpn": Application(flags=()),
        "http_proxy": Application(flags=("AUTOSTART",)),
    }


def test_an_unknown_application_gets_no_flags(node: Node) -> None:
    said = node.type("appmgmt set application unheard flags [ AUTOSTART ]")
    assert said.err == "% Error: there is no application unheard; known are dhcpd, http_proxy, openvpn\n"


def test_names_and_titles_are_completed_with_their_state(node: Node) -> None:
    async def ask(wish: messages.Ask) -> messages.AnyAnswer:
        return await node.ask(wish, ADMIN, 1.0)

    names = asyncio.run(fetch(ask, {live.MANAGED, live.APPLICATION_TITLES}))
    own, titles = names.names(live.MANAGED), names.names(live.APPLICATION_TITLES)
    assert ("openvpn", "SSL-VPN, UP") in own
    assert own[-1] == ("SSL-VPN", "openvpn, UP"), "a title is as good as a name, and comes behind them"
    assert titles[0] == ("DHCP Server", "dhcpd, MISSING")
    assert titles[-1] == ("openvpn", "SSL-VPN, UP")
    assert node.asked == [messages.GetApplications()], "nothing else is asked for"
