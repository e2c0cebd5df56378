"""Who may stand at the door unknown."""

from __future__ import annotations

import pytest

from utmcli.sshd.entrance import IN_ALL, OF_A_SOURCE, Entrance, source_of


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%LAN2", "fe80::/64"),
    ],
)
def test_a_source_is_an_address_or_the_network_in_which_all_hosts_are_ones_own(address: str, source: str) -> None:
    assert source_of(address) == source


def test_there_is_room_for_some() -> None:
    entrance = Entrance()
    leaving = [entrance.arrive(number, f"192.0.2.{number}", float(number)) for number in range(IN_ALL)]
    assert leaving == [None] * IN_ALL


def test_one_source_never_takes_more_than_its_share() -> None:
    entrance = Entrance()
    for number in range(OF_A_SOURCE):
        entrance.arrive(number, "192.0.2.1", float(number))
    assert entrance.arrive(100, "192.0.2.1", 100.0) == 0, "the one that has stood there longest"
    assert entrance.arrive(101, "192.0.2.2", 101.0) is None


def test_a_newcomer_is_let_in_and_who_tried_a_wrong_password_leaves() -> None:
    entrance = Entrance()
    for number in range(IN_ALL):
        entrance.arrive(number, f"192.0.2.{number}", float(number))
    entrance.failed(17)
    assert entrance.arrive(100, "198.51.100.1", 100.0) == 17
    assert entrance.arrive(101, "198.51.100.2", 101.0) == 0, "nobody else tried one"


def test_the_source_with_the_most_makes_room() -> None:
    entrance = Entrance()
    entrance.arrive(1000, "198.51.100.1", 0.0)
    for number in range(IN_ALL - 1):
        entrance.arrive(number, f"192.0.2.{number // 2}", 1.0 + number)
    assert entrance.arrive(2000, "198.51.100.2", 100.0) != 1000, "the oldest, but alone from there"


def test_who_is_let_in_or_gone_takes_no_room() -> None:
    entrance = Entrance()
    for number in range(10 * IN_ALL):
        entrance.arrive(number, "192.0.2.1", float(number))
        entrance.leave(number)
        entrance.failed(number)
    assert len(entrance) == 0
