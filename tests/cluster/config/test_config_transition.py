"""Every way to authenticate adverts leads to every other, and the nodes believe each other all the time."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.config import authentication, transition
from cluster.config.transition import Authentication
from cluster.errors import RefusedError
from cluster.model import Config

OLD, NEW = "an old passphrase", "a new passphrase"


@st.composite
def ways(draw: st.DrawFn) -> Authentication:
    secrets = st.sampled_from([OLD, NEW, "a third one"])
    keys = draw(st.dictionaries(st.sampled_from([1, 2, 3, 255]), secrets, max_size=3))
    send = draw(st.sampled_from(sorted(keys))) if keys else 1
    return Authentication(
        keys=keys, send=send, policy=draw(st.sampled_from(["enforce", "permissive", "receive-only"]))
    )


def believe_each_other(left: Authentication, right: Authentication) -> bool:
    return not authentication.outage(transition.put(Config(), left), transition.put(Config(), right))


@given(ways(), ways())
def test_a_node_that_took_a_step_and_one_that_did_not_always_believe_each_other(
    before: Authentication, after: Authentication
) -> None:
    steps = transition.steps(before, after)

    assert steps[-1] == after
    assert all(believe_each_other(earlier, later) for earlier, later in pairwise([before, *steps]))


def test_another_passphrase_is_accepted_before_it_is_sent_and_the_old_one_goes_last() -> None:
    before = Authentication(keys={1: OLD}, send=1, policy="enforce")
    after = Authentication(keys={1: NEW}, send=1, policy="enforce")

    assert [(step.keys, step.send) for step in transition.steps(before, after)] == [
        ({1: OLD, 2: NEW}, 1),
        ({1: OLD, 2: NEW}, 2),
        ({1: NEW, 2: NEW}, 2),
        ({1: NEW, 2: NEW}, 1),
        ({1: NEW}, 1),
    ]


def test_what_is_believed_anyway_takes_one_step() -> None:
    before = Authentication(keys={1: OLD}, send=1, policy="permissive")
    after = Authentication(keys={1: OLD}, send=1, policy="enforce")
    assert transition.steps(before, after) == (after,)


def test_a_configuration_takes_a_way_and_gives_it_back() -> None:
    way = Authentication(keys={1: OLD, 7: NEW}, send=7, policy="permissive")
    config = transition.put(Config(hostname="utm.local"), way)
    assert transition.of(config) == way
    assert config.hostname == "utm.local"
    assert config.cluster.passphrase == OLD


def test_without_a_free_id_there_is_no_way() -> None:
    full = Authentication(keys=dict.fromkeys(range(1, 256), OLD), send=1, policy="enforce")
    with pytest.raises(RefusedError, match="every key id is in use"):
        transition.steps(full, Authentication(keys={1: NEW}, send=1, policy="enforce"))
