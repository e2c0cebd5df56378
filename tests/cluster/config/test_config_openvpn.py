"""Where OpenVPN may listen: every rule is broken once, and what is allowed stays allowed."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.config import schema, scope
from cluster.errors import InvalidConfigurationError
from tests.cluster.config.config_examples import config, document

V = "192.168.200.1"
"""The virtual address of the example."""


def tunnels(*instances: dict[str, Any]) -> dict[str, Any]:
    names = ("office", "home")
    return {"openvpn": {str(n): {"name": names[n - 1], **each} for n, each in enumerate(instances, 1)}}


BROKEN: list[tuple[dict[str, Any], str]] = [
    (
        tunnels({"local_addr": "192.168.200.9"}),
        "openvpn.1.local_addr: 192.168.200.9 is neither a virtual address nor one of this machine; choose one of ",
    ),
    (tunnels({"local_addr": "192.168.200.1/24"}), "openvpn.1.local_addr: '192.168.200.1/24' is no IP address; "),
    *(
        (tunnels({"local_port": port}), "openvpn.1.local_port: must be a whole number from 1 to 65535 or null")
        for port in (0, 65536, -1)
    ),
    (tunnels({"proto": "sctp"}), "openvpn.1.proto: must be one of tcp, udp or null"),
    (tunnels({"local_port": 22, "proto": "tcp"}), "openvpn.1.local_port: TCP port 22 is the SSH server's; "),
    *(
        (
            tunnels({"local_addr": V, "local_port": 20000, **one}, {"local_addr": V, "local_port": 20000, **other}),
            (
                "openvpn.2.local_port: 192.168.200.1, port 20000 is taken by office, with id 1; "
                "choose another address, port or proto"
            ),
        )
        for one, other in (({}, {}), ({"proto": "udp"}, {"proto": "udp"}), ({"local_addr": ""}, {"proto": "tcp"}))
    ),
    (
        tunnels({"local_port": 20000}, {"local_port": 20000}),
        "openvpn.2.local_port: any address, port 20000 is taken by office, with id 1; ",
    ),
    (
        {"openvpn": {"1": {"name": "office"}, "2": {"name": "office"}}},
        "openvpn.2.name: office is the name of the one with id 1; every name is used once",
    ),
    *(
        ({"openvpn": {"1": {"name": name}}}, f"openvpn.1.name: {name!r} names no file of OpenVPN; letters, digits,")
        for name in ("", "a b", "../up", "-x", ".x", "a/b", "a%i", "a@b", "ä", "x" * 65)
    ),
    ({"openvpn": {"one": {"name": "office"}}}, "openvpn.one: instances are numbered: the key must be a whole "),
    (
        {"openvpn": {str(n): {"name": f"n{n}"} for n in range(1, 66)}},
        "openvpn: there are 65; at most 64 are allowed",
    ),
]


@pytest.mark.parametrize(("changes", "sentence"), BROKEN, ids=[sentence[:60] for _, sentence in BROKEN])
def test_a_broken_rule_is_named_with_its_path_and_what_is_allowed(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidConfigurationError) as caught:
        schema.parse(document(**changes))
    assert any(line.startswith(sentence) for line in caught.value.details), caught.value.details


@pytest.mark.parametrize(
    "changes",
    [
        tunnels({"local_addr": V, "local_port": 20000}, {"local_addr": V, "local_port": 20001}),
        tunnels({"local_port": 20000, "proto": "tcp"}, {"local_port": 20000, "proto": "udp"}),
        tunnels({"local_addr": V, "local_port": 443}, {"local_addr": "192.168.12.141", "local_port": 443}),
        tunnels({}, {}),
        tunnels({"local_port": 22, "proto": "tcp"}) | {"ssh": {"port": 2222}},
    ],
)
def test_what_is_allowed_is_not_refused(changes: dict[str, Any]) -> None:
    schema.parse(document(**changes))


def test_openvpn_on_a_virtual_address_should_be_down_in_backup_and_one_is_told_so() -> None:
    virtual = tunnels({"local_addr": V})
    (warning,) = schema.warnings(config(**virtual))
    assert warning == (
        "openvpn 1 (office) listens on 192.168.200.1, which only the master has: name SSL-VPN in cluster "
        "backup_disable, so that a backup does not try in vain"
    )
    for word in ("openvpn", "SSL-VPN"):
        assert schema.warnings(config(**virtual, cluster__backup_disable_applications=[word])) == ()


def test_openvpn_on_an_address_of_one_node_is_allowed_with_a_warning_and_refused_by_the_partner() -> None:
    own = config(**tunnels({"local_addr": "192.168.12.141"}))
    (warning,) = schema.warnings(own)
    assert "192.168.12.141, which only this node has: the partner refuses it" in warning
    partner = config(addresses__1__address="192.168.12.142/24")
    with pytest.raises(InvalidConfigurationError) as caught:
        scope.merge(scope.decoded(scope.encoded(own)), partner)
    assert caught.value.details[0].startswith("openvpn.1.local_addr: 192.168.12.141 is neither a virtual address")


def test_where_openvpn_listens_is_the_same_on_both_nodes() -> None:
    sent = config(**tunnels({"local_addr": V, "local_port": 20000}))
    arrived = scope.merge(scope.decoded(scope.encoded(sent)), config())
    assert (arrived.openvpn, scope.digest(arrived)) == (sent.openvpn, scope.digest(sent))
    assert scope.digest(sent) != scope.digest(config())
