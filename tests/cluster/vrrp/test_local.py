"""Which valid adverts are meant for our virtual router, and which are not."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.units import Centiseconds, Priority, Vrid
from cluster.vrrp.local import Local, check_local, foreign_addresses, simple_password
from cluster.vrrp.packet import AUTH_NONE, AUTH_SIMPLE, GROUP_IPV4, Advert, Received, decode_ipv4, encode_ipv4
from cluster.vrrp.reject import Reject
from tests.support.vectors import adverts

OURS, PARTNER, VIRTUAL = (bytes((192, 168, last, host)) for last, host in ((12, 141), (12, 142), (200, 1)))
OUR_MAC, PARTNER_MAC = b"\2\0\0\0\0\1", b"\2\0\0\0\0\2"
VERSION_3 = Local(Vrid(2), 3, OURS, OUR_MAC, Centiseconds(25))
VERSION_2 = Local(Vrid(2), 2, OURS, OUR_MAC, Centiseconds(100), AUTH_SIMPLE, simple_password("insecure"))
ADVERT_3 = Advert(3, Vrid(2), Priority(254), Centiseconds(25), (VIRTUAL,))
ADVERT_2 = Advert(2, Vrid(2), Priority(254), Centiseconds(100), (VIRTUAL,), AUTH_SIMPLE, b"insecure")


def heard(advert: Advert, source: bytes = PARTNER, destination: bytes = GROUP_IPV4, **changes: Any) -> Received:
    return decode_ipv4(encode_ipv4(advert._replace(**changes), source, destination))


def test_the_partners_adverts_are_ours_to_hear_in_both_versions() -> None:
    assert check_local(heard(ADVERT_3), VERSION_3, PARTNER_MAC) is None
    assert check_local(heard(ADVERT_3), VERSION_3) is None
    assert check_local(heard(ADVERT_2), VERSION_2, PARTNER_MAC) is None


@pytest.mark.parametrize(
    ("received", "reason"),
    [
        (heard(ADVERT_3, vrid=Vrid(3)), Reject.UNKNOWN_VRID),
        (heard(ADVERT_2), Reject.VERSION_MISMATCH),
        (heard(ADVERT_3, destination=bytes((192, 168, 12, 150))), Reject.DESTINATION),
        (heard(ADVERT_3, source=OURS), Reject.REFLECTED),
    ],
)
def test_in_version_3_what_is_not_for_us_is_dropped(received: Received, reason: Reject) -> None:
    assert check_local(received, VERSION_3, PARTNER_MAC) is reason


@pytest.mark.parametrize(
    ("received", "reason"),
    [
        (heard(ADVERT_3), Reject.VERSION_MISMATCH),
        (heard(ADVERT_2, interval=Centiseconds(200)), Reject.INTERVAL_MISMATCH),
        (heard(ADVERT_2, auth_data=b"Insecure"), Reject.PASSWORD),
        (heard(ADVERT_2, auth_type=AUTH_NONE), Reject.AUTH_MISMATCH),
    ],
)
def test_in_version_2_interval_and_password_have_to_agree(received: Received, reason: Reject) -> None:
    assert check_local(received, VERSION_2, PARTNER_MAC) is reason


def test_in_version_2_without_authentication_the_data_is_ignored() -> None:
    open_local = VERSION_2._replace(auth_type=AUTH_NONE, auth_data=bytes(8))
    assert check_local(heard(ADVERT_2, auth_type=AUTH_NONE), open_local, PARTNER_MAC) is None
    assert check_local(heard(ADVERT_2), open_local, PARTNER_MAC) is Reject.AUTH_MISMATCH


def test_in_version_3_the_masters_interval_is_adopted_and_never_compared() -> None:
    assert check_local(heard(ADVERT_3, interval=Centiseconds(4095)), VERSION_3, PARTNER_MAC) is None


def test_our_own_adverts_are_known_by_their_mac_whatever_they_say() -> None:
    assert check_local(heard(ADVERT_3, source=OURS), VERSION_3, OUR_MAC) is Reject.OWN_PACKET
    assert check_local(heard(ADVERT_3, source=VIRTUAL, vrid=Vrid(9)), VERSION_3, OUR_MAC) is Reject.OWN_PACKET


def test_where_no_mac_is_known_our_source_address_tells() -> None:
    assert check_local(heard(ADVERT_3, source=OURS), VERSION_3) is Reject.OWN_PACKET
    assert check_local(heard(ADVERT_3), VERSION_3._replace(mac=b"")) is None


def test_without_an_address_of_our_own_the_partner_may_send_from_the_same_one() -> None:
    nameless = VERSION_3._replace(source=None)
    assert check_local(heard(ADVERT_3, source=VIRTUAL), nameless, PARTNER_MAC) is None
    assert check_local(heard(ADVERT_3, source=VIRTUAL), nameless, OUR_MAC) is Reject.OWN_PACKET


def test_unicast_to_our_own_address_is_accepted() -> None:
    assert check_local(heard(ADVERT_3, destination=OURS), VERSION_3, PARTNER_MAC) is None


def test_a_different_list_of_addresses_is_told_but_no_reason_to_drop() -> None:
    received = heard(ADVERT_3, addresses=(VIRTUAL, bytes((10, 0, 0, 9))))
    assert check_local(received, VERSION_3, PARTNER_MAC) is None
    assert foreign_addresses(received, frozenset({VIRTUAL, bytes((10, 0, 0, 8))})) == {
        bytes((10, 0, 0, 9)), bytes((10, 0, 0, 8)),
    }
    assert foreign_addresses(heard(ADVERT_3), frozenset({VIRTUAL})) == frozenset()


@pytest.mark.parametrize(("name", "password"), [("ka_v2_pass", "insecure"), ("ka_v2_pass_short", "abc")])
def test_the_password_keepalived_sent_is_the_one_we_would_send(name: str, password: str) -> None:
    received = decode_ipv4(adverts(name)[0].packet)
    local = Local(Vrid(51), 2, OURS, OUR_MAC, Centiseconds(100), AUTH_SIMPLE, simple_password(password))
    assert check_local(received, local, PARTNER_MAC) is None
    wrong = local._replace(auth_data=simple_password("wrong"))
    assert check_local(received, wrong, PARTNER_MAC) is Reject.PASSWORD
