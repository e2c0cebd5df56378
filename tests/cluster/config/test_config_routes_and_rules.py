"""Static routes and rules belong to the cluster: they travel, are exported, compared, and have to fit."""

from __future__ import annotations

import json

import pytest

from cluster.config import canonical, scope
from cluster.config.diff import diff
from cluster.config.schema import parse_text
from cluster.errors import InvalidConfigurationError
from tests.cluster.config.config_examples import config

ROUTE = {"router": "192.168.12.1", "dst": "0.0.0.0/0"}
RULE = {"pos": 1, "src": "10.0.0.0/8", "flags": ["ACCEPT", "HIDENAT"], "nat_node": "LAN2"}
BOTH = config(routes__1=ROUTE, rules__1=RULE)


def test_they_are_part_of_what_synchronize_sends_and_arrive() -> None:
    shared = json.loads(scope.encoded(BOTH))
    assert (shared["routes"], shared["rules"]) == ({"1": ROUTE}, {"1": RULE})

    arrived = scope.merge(scope.decoded(scope.encoded(BOTH)), config(hostname="spare.cluster.local"))

    assert (arrived.routes, arrived.rules, arrived.hostname) == (BOTH.routes, BOTH.rules, "spare.cluster.local")
    assert scope.digest(arrived) == scope.digest(BOTH)


def test_a_route_by_a_router_that_the_receiver_cannot_reach_is_not_taken_over() -> None:
    elsewhere = config(addresses={"1": {"device": "LAN2", "address": "10.9.0.1/24"}})

    with pytest.raises(InvalidConfigurationError) as refused:
        scope.merge(scope.decoded(scope.encoded(BOTH)), elsewhere)

    (detail,) = refused.value.details
    assert detail.startswith("routes.1.router: 192.168.12.1 is on no network of an interface of this node")


def test_an_export_brings_them_back() -> None:
    text = canonical.export_text(BOTH)
    document = json.loads(text) | {"cluster": {**json.loads(text)["cluster"], "passphrase": "correct horse"}}

    assert parse_text(json.dumps(document)) == BOTH


def test_differences_are_named_path_by_path() -> None:
    other = config(routes__1=ROUTE | {"weight": 2}, rules__1=RULE | {"service": "tcp/443"})

    assert [(each.path, each.left, each.right) for each in diff(BOTH, other)] == [
        ("routes.1.weight", "1", "2"),
        ("rules.1.service", "any", "tcp/443"),
    ]
