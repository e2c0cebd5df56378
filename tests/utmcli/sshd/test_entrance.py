"""Who may stand at the door unknown."""

from __future__ import annotations

import pytest

from utmcli.sshd.entrance import IN_ALL, OF_A_SOURCE, OF_SUSPECTS, Entrance, source_of


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
    leaving = [entrance.arrive(number, f"192.0.{number % 7}.{number}", float(number)) for number in range(IN_ALL)]
    assert leaving == [None] * IN_ALL


def test_one_source_never_takes_more_than_its_share() -> None:
    entrance = Entrance()
    for number in range(OF_A_SOURCE):
        entrance.arrive(number, "192.0.2.1", float(number))
    assert entrance.arrive(7100, "192.0.2.1", 100.0) == 0, "the one that has stood there longest"
    assert entrance.arrive(7101, "192.0.2.2", 101.0) is None


def full() -> Entrance:
    """Everybody from a source of their own, the lowest number first."""
    entrance = Entrance()
    for number in range(1, IN_ALL + 1):
        entrance.arrive(number, f"192.0.{number % 7}.{number}", float(number))
    return entrance


def test_a_newcomer_is_let_in_and_the_oldest_who_sent_a_password_leaves() -> None:
    entrance = full()
    entrance.guessed(23)
    entrance.guessed(17)
    assert entrance.arrive(7100, "198.51.100.1", 100.0) == 17
    assert entrance.arrive(7101, "198.51.100.2", 101.0) == 23
    assert entrance.arrive(7102, "198.51.100.3", 102.0) == 1, "nobody else sent one"


def test_who_shows_a_key_is_kept_out_by_nobody_who_guesses() -> None:
    entrance = Entrance()
    entrance.arrive(5000, "198.51.100.1", 0.0)
    for number in range(1, 1000):
        assert entrance.arrive(number, f"192.0.{number % 7}.{number % 250}", float(number)) != 5000
        entrance.guessed(number)


def test_sources_of_wrong_passwords_have_a_few_places_among_them_and_are_turned_away_beyond() -> None:
    entrance = Entrance()
    for number in range(1, OF_SUSPECTS + 1):
        assert entrance.arrive(number, f"192.0.{number % 7}.{number}", float(number), suspect=True) is None
    assert entrance.arrive(7100, "192.0.2.100", 100.0, suspect=True) == 7100, "the newcomer itself"
    assert len(entrance) == OF_SUSPECTS
    assert entrance.arrive(7101, "198.51.100.1", 101.0) is None


def test_the_source_with_the_most_makes_room_where_nobody_guesses() -> None:
    entrance = Entrance()
    entrance.arrive(1000, "198.51.100.1", 0.0)
    for number in range(1, IN_ALL):
        entrance.arrive(number, f"192.0.{number % 2}.{number // 4}", 1.0 + number)
    assert entrance.arrive(2000, "198.51.100.2", 100.0) != 1000, "the oldest, but alone from there"


def test_who_is_let_in_or_gone_takes_no_room() -> None:
    entrance = Entrance()
    for number in range(10 * IN_ALL):
        entrance.arrive(number, "192.0.2.1", float(number))
        entrance.leave(number)
        entrance.guessed(number)
    assert len(entrance) == 0
