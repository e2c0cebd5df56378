"""Signed adverts of keepalived 2.4.3, as captured: believed, followed, and believed only once."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from tests.support import vectors
from tests.support.engine import Engine, eventually, interface

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.interop.conftest import MakeEngine
    from tests.support.netns import Network

pytestmark = pytest.mark.netns

SECRET = f"hex:{vectors.SIGNING_SECRET.hex()}"
ADVERTS = [frame for frame in vectors.frames("ka243_v3_hmac_ipv4") if frame[12:14] == b"\x08\x00"]


def signed(secret: str) -> dict[str, object]:
    return {"mode": "hmac", "policy": "enforce", "keys": [{"id": 1, "secret": secret}], "send_key": 1}


@pytest.fixture
def keepalived(network: Network) -> Iterator[socket.socket]:
    """A socket on the LAN; what is sent on it arrives as keepalived once sent it."""
    node = network.node()
    port = network.wire(node, "LAN2", "lan2")
    eventually(lambda: network.forwards(port))
    with node.inside():
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind(("LAN2", 0))
    yield raw
    raw.close()


@pytest.fixture
def spare(ours: MakeEngine) -> Engine:
    """Waits as backup for longer than the test takes, unless it hears something."""
    lan2 = interface("LAN2", 51, "10.77.0.1/24")
    node = ours(advert_interval=1000, maintenance=True, authentication=signed(SECRET), interfaces=(lan2,))
    node.start()
    node.becomes("backup")
    return node


def heard(node: Engine) -> dict[str, object]:
    path: dict[str, object] = node.status()["interfaces"][0]
    return path


def counted(node: Engine) -> tuple[object, object]:
    """How many adverts were believed, and how many were not, by reason."""
    path = heard(node)
    return path["adverts_received"], path["rejected"]


def say(keepalived: socket.socket, adverts: Sequence[bytes], spare: Engine) -> None:
    """Send adverts that are believed, each only when the one before was: on a busy machine two frames may swap."""
    for number, advert in enumerate(adverts, 1):
        keepalived.send(advert)
        eventually(lambda number=number: counted(spare) == (number, {}))


def test_a_signed_master_is_followed_and_its_farewell_believed(spare: Engine, keepalived: socket.socket) -> None:
    say(keepalived, ADVERTS[:-1], spare)
    assert (heard(spare)["partner_priority"], heard(spare)["partner_address"]) == (200, "10.77.0.11")
    assert spare.is_("backup")

    keepalived.send(ADVERTS[-1])
    sent = time.time()

    # Without it the spare waits for four of the second of its master.
    assert spare.since("master") - sent < 2.5
    assert heard(spare)["rejected"] == {}


def test_the_same_adverts_are_not_believed_a_second_time(spare: Engine, keepalived: socket.socket) -> None:
    say(keepalived, ADVERTS, spare)

    for advert in ADVERTS:
        keepalived.send(advert)

    eventually(lambda: counted(spare) == (len(ADVERTS), {"replayed": len(ADVERTS)}))


def test_with_another_key_none_of_them_is_believed(spare: Engine, keepalived: socket.socket) -> None:
    lan2 = interface("LAN2", 51, "10.77.0.1/24")
    spare.configure({"version": 1, "authentication": signed("hex:" + "77" * 32), "interfaces": [lan2]})
    spare.ask("reload")

    for advert in ADVERTS:
        keepalived.send(advert)

    eventually(lambda: heard(spare)["rejected"] == {"bad-tag": len(ADVERTS)})
