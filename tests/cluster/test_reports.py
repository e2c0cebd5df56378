"""What `cluster explain` adds to the engine's own account."""

from __future__ import annotations

import pytest

from cluster.health import PartnerHealth
from cluster.reports import doubts
from cluster.vrrp.events import Role
from cluster.vrrp.reject import Reject

LAN2 = {
    "name": "LAN2",
    "rejected": {"own-packet": 3, "bad-tag": 25},
    "explained": {"own-packet": Reject.OWN_PACKET.explanation, "bad-tag": "the signature is wrong"},
}


def partner(role: str) -> PartnerHealth:
    return PartnerHealth(hostname="utm", software="1", schema=1, role=role)  # type: ignore[arg-type]


def test_two_masters_are_told_that_they_are_two_and_why_they_may_not_believe_each_other() -> None:
    assert list(doubts(Role.MASTER, partner("master"), [LAN2])) == [
        "the partner says over the hotwire that it is master as well",
        "adverts dropped on LAN2 since the engine started: 25, the signature is wrong",
    ]


@pytest.mark.parametrize(
    ("role", "other"),
    [(Role.MASTER, partner("backup")), (Role.BACKUP, partner("master")), (Role.MASTER, None)],
)
def test_nothing_is_doubted_where_one_node_is_master(role: Role, other: PartnerHealth | None) -> None:
    assert list(doubts(role, other, [LAN2])) == []
