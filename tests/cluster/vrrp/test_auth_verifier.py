"""Forged, altered and replayed adverts are dropped; keys and policies change without an outage."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.errors import StoreError
from cluster.units import NANOSECONDS_PER_SECOND, Centiseconds, Nanoseconds, Priority, Seconds, Vrid
from cluster.vrrp.auth import Key, Policy, Verdict, Verifier, sign
from cluster.vrrp.packet import GROUP_IPV4, Advert, Received, decode_ipv4, encode_ipv4
from cluster.vrrp.reject import Reject

OLD, NEW, STRANGE = Key(1, bytes(32)), Key(2, b"n" * 32), Key(1, b"s" * 32)
PARTNER, OTHER = bytes((192, 168, 12, 142)), bytes((192, 168, 12, 143))
ADVERT = Advert(3, Vrid(2), Priority(254), Centiseconds(25), (bytes((192, 168, 200, 1)),))
NOW = Nanoseconds(1_800_000_000 * NANOSECONDS_PER_SECOND)
GENUINE = Verdict(accepted=True, reason=None)


def heard(sequence: int, key: Key = OLD, source: bytes = PARTNER, advert: Advert = ADVERT) -> Received:
    return decode_ipv4(encode_ipv4(sign(advert, source, GROUP_IPV4, key, sequence), source))


UNSIGNED = decode_ipv4(encode_ipv4(ADVERT, PARTNER))


def reason(verifier: Verifier, received: Received) -> Reject | None:
    verdict = verifier.verify(received, NOW)
    assert verdict.accepted is (verdict.reason is None)
    return verdict.reason


@pytest.mark.parametrize("policy", list(Policy))
def test_under_every_policy_a_signature_that_is_there_has_to_be_right(policy: Policy) -> None:
    verifier = Verifier([OLD], policy)
    assert reason(verifier, heard(5)) is None
    assert reason(verifier, heard(6, STRANGE)) is Reject.BAD_TAG
    assert reason(verifier, heard(6, NEW)) is Reject.UNKNOWN_KEY
    assert reason(verifier, heard(5)) is Reject.REPLAYED


@pytest.mark.parametrize(
    ("policy", "accepted", "signs"),
    [(Policy.RECEIVE_ONLY, True, False), (Policy.PERMISSIVE, True, True), (Policy.ENFORCE, False, True)],
)
def test_policies_differ_in_unsigned_adverts_and_in_signing(policy: Policy, accepted: bool, signs: bool) -> None:
    assert Verifier([OLD], policy).verify(UNSIGNED, NOW) == Verdict(accepted, Reject.NO_TRAILER)
    assert policy.signs is signs


def test_a_passphrase_is_introduced_on_a_live_pair_without_an_advert_lost() -> None:
    steps = [None, Policy.RECEIVE_ONLY, Policy.PERMISSIVE, Policy.ENFORCE]
    for ours, theirs in [(a, b) for n, a in enumerate(steps) for b in steps[max(0, n - 1) : n + 2]]:
        sent = heard(7) if theirs is not None and theirs.signs else UNSIGNED
        if ours is not None:
            assert Verifier([OLD], ours).verify(sent, NOW).accepted, (ours, theirs)


@given(st.lists(st.integers(0, 50), max_size=40))
def test_exactly_the_adverts_that_are_newer_than_all_before_are_believed(sequences: list[int]) -> None:
    verifier, highest = Verifier([OLD]), -1
    for sequence in sequences:
        assert (reason(verifier, heard(sequence)) is None) is (sequence > highest)
        highest = max(highest, sequence)


def test_each_source_and_each_virtual_router_has_a_sequence_of_its_own() -> None:
    verifier = Verifier([OLD])
    assert reason(verifier, heard(9)) is None
    assert reason(verifier, heard(3, source=OTHER)) is None
    assert reason(verifier, heard(3, advert=ADVERT._replace(vrid=Vrid(3)))) is None
    assert reason(verifier, heard(4)) is Reject.REPLAYED


def test_a_forged_advert_leaves_no_trace() -> None:
    verifier = Verifier([OLD])
    for forged in (heard(99, STRANGE), heard(99, NEW), heard(99, STRANGE, OTHER), UNSIGNED):
        assert reason(verifier, forged) is not None
    assert verifier.export() == {}
    assert reason(verifier, heard(1)) is None


@pytest.mark.parametrize("start", [b"\0\1\0\0", b"\2\1\0\0", b"\1\1\0\1", b"\1\1\1\0"])
def test_a_trailer_of_another_type_or_with_reserved_bits_is_none_of_ours(start: bytes) -> None:
    received = heard(1)
    advert = received.advert._replace(trailer=start + received.advert.trailer[4:])
    assert reason(Verifier([OLD]), received._replace(advert=advert)) is Reject.TRAILER


def test_no_clock_is_needed_by_default() -> None:
    verifier = Verifier([OLD])
    for moment in (0, NOW, 2 * NOW):
        assert verifier.verify(heard(moment + 1), Nanoseconds(0)) == GENUINE


def test_a_stale_advert_does_not_move_the_sequence() -> None:
    verifier = Verifier([OLD], freshness=Seconds(30))
    this_second = (NOW // NANOSECONDS_PER_SECOND) << 32
    assert reason(verifier, heard(this_second + (31 << 32))) is Reject.STALE
    assert reason(verifier, heard(this_second - (31 << 32))) is Reject.STALE
    assert reason(verifier, heard(this_second)) is None


def test_keys_are_exchanged_one_node_at_a_time_while_both_are_accepted() -> None:
    verifier = Verifier([OLD])
    assert reason(verifier, heard(1)) is None
    verifier.configure([OLD, NEW], Policy.ENFORCE, None)
    assert reason(verifier, heard(2)) is None
    assert reason(verifier, heard(3, NEW)) is None
    verifier.configure([NEW], Policy.ENFORCE, None)
    assert reason(verifier, heard(4, NEW)) is None
    assert reason(verifier, heard(5, OLD)) is Reject.UNKNOWN_KEY


def test_a_new_key_frees_a_sender_whose_clock_was_ahead() -> None:
    verifier = Verifier([OLD, NEW])
    assert reason(verifier, heard(1000)) is None
    assert reason(verifier, heard(5)) is Reject.REPLAYED
    assert reason(verifier, heard(5, NEW)) is None
    assert reason(verifier, heard(6, NEW)) is None
    assert reason(verifier, heard(6, NEW)) is Reject.REPLAYED


def test_recordings_under_the_old_key_are_worthless_after_the_change() -> None:
    verifier = Verifier([OLD, NEW])
    assert reason(verifier, heard(1000, OLD)) is None
    assert reason(verifier, heard(1005, NEW)) is None
    # Sent under the old key while our link was down, so we have not heard it yet.
    assert reason(verifier, heard(1003, OLD)) is Reject.REPLAYED
    assert reason(verifier, heard(1006, NEW)) is None


def test_a_sender_may_return_to_an_earlier_key_with_a_newer_sequence_only() -> None:
    verifier = Verifier([OLD, NEW])
    assert reason(verifier, heard(1000, OLD)) is None
    assert reason(verifier, heard(5, NEW)) is None
    assert reason(verifier, heard(1000, OLD)) is Reject.REPLAYED
    assert reason(verifier, heard(1001, OLD)) is None
    assert reason(verifier, heard(6, NEW)) is Reject.REPLAYED
    assert reason(verifier, heard(1002, NEW)) is None


def test_the_same_secret_under_another_id_is_no_new_key() -> None:
    verifier = Verifier([OLD, Key(9, OLD.secret)])
    assert reason(verifier, heard(10)) is None
    assert reason(verifier, heard(4, Key(9, OLD.secret))) is Reject.REPLAYED


def test_a_key_that_was_removed_and_comes_back_is_no_new_key() -> None:
    verifier = Verifier([OLD])
    assert reason(verifier, heard(10)) is None
    verifier.configure([NEW], Policy.ENFORCE, None)
    verifier.configure([OLD], Policy.ENFORCE, None)
    assert reason(verifier, heard(10)) is Reject.REPLAYED


def test_the_hotwire_says_where_a_sender_stands_for_all_its_virtual_routers() -> None:
    third = ADVERT._replace(vrid=Vrid(3))
    verifier = Verifier([OLD, NEW])
    for sent in (heard(1000), heard(1000, advert=third), heard(1000, source=OTHER), heard(1001, NEW)):
        assert reason(verifier, sent) is None
    verifier.reset(PARTNER, 500)
    assert reason(verifier, heard(500)) is Reject.REPLAYED
    assert reason(verifier, heard(500, NEW)) is Reject.REPLAYED
    assert reason(verifier, heard(501, NEW)) is None
    assert reason(verifier, heard(501, advert=third)) is None
    assert reason(verifier, heard(1000, source=OTHER)) is Reject.REPLAYED


def test_a_restarted_node_still_knows_what_it_has_heard() -> None:
    before = Verifier([OLD, NEW])
    for sent in (heard(1000), heard(7, NEW), heard(3, source=OTHER)):
        assert reason(before, sent) is None
    after = Verifier([OLD, NEW], marks=json.loads(json.dumps(before.export())))
    assert after.export() == before.export()
    assert reason(after, heard(7, NEW)) is Reject.REPLAYED
    assert reason(after, heard(3, source=OTHER)) is Reject.REPLAYED
    assert reason(after, heard(8, NEW)) is None
    assert reason(after, heard(1000)) is Reject.REPLAYED


def test_what_is_remembered_names_no_secret() -> None:
    verifier = Verifier([NEW])
    assert reason(verifier, heard(1, NEW)) is None
    assert verifier.export() == {"4/2/c0a80c8e": {NEW.fingerprint: 1}}


@pytest.mark.parametrize(
    "damaged",
    [{name: {}} for name in ("", "4", "4/2", "x/2/c0a80c8e", "4/x/c0a80c8e", "4/2/c0a8xc8e", "4/2/c0a80c8e/1")]
    + [[], "text", 7, {"4/2/c0a80c8e": 7}, {"4/2/c0a80c8e": {"a": "b"}}, {"4/2/c0a80c8e": {"a": None}}],
)
def test_damaged_memory_is_an_error_of_the_store(damaged: object) -> None:
    with pytest.raises(StoreError, match="family/vrid/source"):
        Verifier([OLD], marks=damaged)
