"""A living keepalived that signs as we do: which keys count, and what a wrong one does to neither side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.interop.peers import SignedKeepalived
from tests.support.engine import SECRET, Engine, configuration, eventually

if TYPE_CHECKING:
    from tests.interop.conftest import MakeEngine, MakePeer

pytestmark = pytest.mark.netns

WRONG = "hex:" + "77" * 32
BETTER, WORSE = 254, 100


def two_keys(send: int) -> dict[str, object]:
    keys = [{"id": 1, "secret": SECRET}, {"id": 2, "secret": WRONG}]
    return {"mode": "hmac", "policy": "enforce", "keys": keys, "send_key": send}


def rejected(engine: Engine) -> dict[str, int]:
    found: dict[str, int] = engine.status()["interfaces"][0]["rejected"]
    return found


def adverts_leave(engine: Engine, many: int = 8) -> None:
    """Wait for so many of ours: more than any Master_Down_Interval of theirs."""

    def sent() -> int:
        count: int = engine.status()["interfaces"][0]["adverts_sent"]
        return count

    before = sent()
    eventually(lambda: sent() > before + many)


@pytest.fixture
def peer(theirs: MakePeer) -> SignedKeepalived:
    made = theirs(SignedKeepalived)
    assert isinstance(made, SignedKeepalived)
    return made


def test_a_better_peer_with_another_key_is_not_believed(
    ours: MakeEngine, peer: SignedKeepalived
) -> None:
    engine = ours(priority="low", mode="hmac")
    engine.start()
    engine.becomes("master")
    peer.keys = {1: WRONG}

    peer.start(BETTER)

    peer.becomes(master=True)
    # Few come: each advert that keepalived 2.4.3 rejects makes it wait anew with its own.
    eventually(lambda: rejected(engine).get("bad-tag"))
    adverts_leave(engine)
    assert set(rejected(engine)) == {"bad-tag"}
    assert engine.is_("master")


def test_a_peer_with_another_key_does_not_yield_to_our_better_priority(
    ours: MakeEngine, peer: SignedKeepalived
) -> None:
    peer.keys = {1: WRONG}
    peer.start(WORSE)
    peer.becomes(master=True)
    engine = ours(priority="high", mode="hmac")

    engine.start()

    engine.becomes("master")
    adverts_leave(engine)
    assert peer.holds()
    assert set(rejected(engine)) == {"bad-tag"}


def test_a_peer_that_does_not_sign_is_not_believed(ours: MakeEngine, peer: SignedKeepalived) -> None:
    engine = ours(priority="low", mode="hmac")
    engine.start()
    engine.becomes("master")
    peer.signs = False

    peer.start(BETTER)

    peer.becomes(master=True)
    eventually(lambda: rejected(engine).get("no-trailer"))
    adverts_leave(engine)
    assert set(rejected(engine)) == {"no-trailer"}
    assert engine.is_("master")


def test_our_key_changes_under_a_peer_that_accepts_both_and_nothing_moves(
    ours: MakeEngine, peer: SignedKeepalived
) -> None:
    engine = ours(authentication=two_keys(send=1))
    engine.start()
    engine.becomes("master")
    peer.keys = {1: SECRET, 2: WRONG}
    peer.start(WORSE)
    adverts_leave(engine)
    assert not peer.holds()

    engine.configure(configuration(authentication=two_keys(send=2)))
    assert "error" not in engine.ask("reload")

    adverts_leave(engine)
    assert not peer.holds()
    assert engine.is_("master")
