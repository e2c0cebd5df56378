"""What conntrackd prints, as numbers."""

from __future__ import annotations

import pytest

from cluster.conntrack.counters import Counters, Queues, counters, overruns, queues
from cluster.errors import ProtocolError
from tests.cluster.conntrack import recorded


def test_every_number_finds_its_name() -> None:
    assert counters(recorded.COUNTERS) == Counters(
        entries=210,
        injected=840 + 645 + 7,
        inject_failed=1 + 2 + 3,
        bytes_sent=126_664,
        bytes_received=143_676,
        packets_sent=134,
        packets_received=741,
        send_errors=4,
        receive_errors=5,
        malformed=6,
        lost=8,
    )


def test_queues_tell_what_waits_what_is_unconfirmed_and_what_found_no_room() -> None:
    assert queues(recorded.QUEUES) == Queues(waiting=9, unconfirmed=11, errors=7)


def test_overruns_are_found_among_the_counters_of_the_run() -> None:
    assert overruns(recorded.RUNTIME) == 12


@pytest.mark.parametrize("text", ["", "cache internal:\n", recorded.QUEUES, recorded.EXTERNAL_CACHE])
def test_other_output_is_no_counters(text: str) -> None:
    with pytest.raises(ProtocolError, match="unknown form"):
        counters(text)


@pytest.mark.parametrize("text", ["", recorded.COUNTERS, "queue txqueue:\n"])
def test_other_output_is_no_queues_and_no_overruns(text: str) -> None:
    with pytest.raises(ProtocolError, match="unknown form"):
        queues(text)
    with pytest.raises(ProtocolError, match="unknown form"):
        overruns(text)
