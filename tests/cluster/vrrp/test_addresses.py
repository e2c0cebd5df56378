"""Held addresses are renewed on the other thread: while they are held, and while the loop's heart beats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cluster.vrrp.addresses import LIFETIME, LOOK_AGAIN, RENEW_EVERY, VirtualAddresses
from cluster.vrrp.aside import FOREVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PUT = b"put"


class Kernel:
    """Carries requests out, or fails."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.problem: OSError | None = None

    def send(self, requests: Iterable[bytes]) -> list[int]:
        if self.problem is not None:
            raise self.problem
        self.asked += requests
        return []


class Thread:
    """Runs what was begun when it is told to."""

    def __init__(self) -> None:
        self.begun: list[Callable[[], float]] = []

    def begin(self, routine: Callable[[], float]) -> None:
        self.begun.append(routine)

    def run(self) -> float:
        return self.begun[-1]()


class Node:
    def __init__(self) -> None:
        self.kernel, self.thread, self.beats = Kernel(), Thread(), True
        parts: Any = (self.kernel, self.thread, lambda: self.beats)
        self.addresses = VirtualAddresses(*parts)
        self.addresses._puts = [PUT]

    def renewals(self) -> list[bytes]:
        asked, self.kernel.asked = self.kernel.asked, []
        return asked


@pytest.fixture
def master() -> Node:
    node = Node()
    node.addresses.take()
    node.addresses.keep()
    node.renewals()
    return node


def test_one_renewal_may_be_lost_and_the_next_one_late() -> None:
    assert 2 * RENEW_EVERY < LIFETIME - 0.5


def test_they_are_renewed_again_and_again(master: Node) -> None:
    for _ in range(3):
        assert master.thread.run() == RENEW_EVERY
        assert master.renewals() == [PUT]


def test_to_keep_what_is_kept_or_not_held_wakes_nobody(master: Node) -> None:
    backup = Node()
    for node in (master, backup):
        node.addresses.keep()
        node.addresses.keep()

    assert len(master.thread.begun) == 1
    assert backup.thread.begun == []


def test_a_loop_whose_heart_stands_still_has_nothing_renewed_until_it_beats_again(master: Node) -> None:
    master.beats = False
    assert master.thread.run() == LOOK_AGAIN
    assert master.renewals() == []

    master.beats = True
    assert master.thread.run() == RENEW_EVERY
    assert master.renewals() == [PUT]


def test_after_they_were_dropped_nothing_is_renewed_until_they_are_taken_and_kept_again(master: Node) -> None:
    master.addresses.drop(())
    assert master.thread.run() == FOREVER
    assert master.renewals() == []

    master.addresses.take()
    master.addresses.keep()
    assert len(master.thread.begun) == 2
    master.renewals()

    assert master.thread.run() == RENEW_EVERY
    assert master.renewals() == [PUT]


def test_a_kernel_that_refuses_is_counted_and_asked_again_at_the_usual_time(master: Node) -> None:
    master.kernel.problem = OSError(105, "no buffer space")

    assert master.thread.run() == RENEW_EVERY
    assert master.addresses.errors == {"ENOBUFS": 1}
