"""A backup listens before it lets its time run out, however late it was allowed to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster.units import Centiseconds, Nanoseconds, Priority, Vrid
from cluster.vrrp.driver import GRACE, OVERSLEPT, Driver
from cluster.vrrp.election import Election
from cluster.vrrp.events import (
    Effect,
    HaInterface,
    Heard,
    Resynchronised,
    Role,
    RoleChanged,
    Settings,
    Started,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ADVERT = Heard("LAN2", Priority(254), Centiseconds(1), 0x0A4D0101)
WORSE = ADVERT._replace(priority=Priority(1))
MOMENT = Nanoseconds(100_000)


class Node:
    """A backup with a mailbox instead of sockets and a clock that is set by hand."""

    def __init__(self, *, resume: bool = False) -> None:
        self.now = Nanoseconds(1_000_000_000)
        self.mail: list[Heard] = []
        self.told: list[Effect] = []
        self.driver = Driver(Election(), self.act, self.read_mail, lambda: self.now)
        lan = HaInterface("LAN2", Vrid(2), 0x0A4D0102)
        settings = Settings((lan,), high=False, advert_interval=Centiseconds(1))
        self.driver.feed(Started(settings, frozenset({"LAN2"}), resume=resume))
        if not resume:
            self.driver.hear([ADVERT])
        self.told.clear()

    def act(self, effects: list[Effect]) -> None:
        self.told += effects
        if self.roles:
            self.driver.backup = self.roles[-1] is Role.BACKUP

    def read_mail(self) -> list[Heard]:
        mail, self.mail = self.mail, []
        return mail

    def sleep_until_due(self, late: Nanoseconds = MOMENT) -> None:
        self.now = Nanoseconds(self.driver.due + late)

    def turn(self) -> None:
        assert self.driver.due <= self.now
        self.driver.tick(self.now)

    @property
    def roles(self) -> list[Role]:
        return [effect.new for effect in self.told if isinstance(effect, RoleChanged)]


@pytest.fixture
def node() -> Iterator[Node]:
    return Node()


def test_a_backup_that_heard_nobody_takes_over_at_once(node: Node) -> None:
    node.sleep_until_due()

    node.turn()

    assert node.roles == [Role.MASTER]


def test_an_advert_that_came_between_waking_up_and_the_timer_counts(node: Node) -> None:
    node.sleep_until_due()
    node.mail = [ADVERT]

    node.turn()

    assert node.roles == []
    assert node.driver.due > node.now


def test_an_advert_counts_before_any_other_event_that_lets_the_time_run_out(node: Node) -> None:
    node.sleep_until_due()
    node.mail = [ADVERT]

    node.driver.feed(Resynchronised())

    assert node.roles == []


def test_who_overslept_waits_a_moment_for_what_the_kernel_still_holds(node: Node) -> None:
    node.sleep_until_due(Nanoseconds(OVERSLEPT + 1))
    node.turn()
    assert node.roles == []
    assert node.driver.due == node.now + GRACE

    node.sleep_until_due()
    node.mail = [ADVERT]
    node.turn()

    assert node.roles == []


def test_who_overslept_takes_over_after_that_moment_even_if_it_oversleeps_again(node: Node) -> None:
    node.sleep_until_due(Nanoseconds(OVERSLEPT + 1))
    node.turn()

    node.sleep_until_due(Nanoseconds(OVERSLEPT + 1))
    node.turn()

    assert node.roles == [Role.MASTER]


def test_every_silence_has_its_own_moment(node: Node) -> None:
    for _ in range(2):
        node.sleep_until_due(Nanoseconds(OVERSLEPT + 1))
        node.turn()
        node.driver.hear([ADVERT])
        assert node.roles == []


def test_an_old_advert_does_not_let_the_time_run_out_while_a_newer_one_waits(node: Node) -> None:
    node.driver.hear([WORSE])
    node.driver.feed(Resynchronised())
    node.sleep_until_due()
    node.mail = [WORSE, ADVERT]

    node.driver.hear([WORSE])

    assert node.roles == []
    assert node.mail == []


def test_an_old_advert_does_not_cut_short_the_moment_of_who_overslept(node: Node) -> None:
    node.driver.hear([WORSE])
    node.driver.feed(Resynchronised())
    node.sleep_until_due(Nanoseconds(OVERSLEPT + 1))
    node.turn()
    node.mail = [ADVERT]

    node.driver.hear([WORSE])

    assert node.roles == []


def test_an_advert_in_time_is_decided_on_by_itself(node: Node) -> None:
    node.mail = [ADVERT]

    node.driver.hear([WORSE])

    assert node.mail == [ADVERT]


def test_a_late_master_advertises_at_once_and_listens_afterwards() -> None:
    master = Node(resume=True)
    master.sleep_until_due(Nanoseconds(OVERSLEPT + 1))
    master.mail = [ADVERT]

    master.turn()

    assert [type(effect).__name__ for effect in master.told] == ["AdvertiseEverywhere"]
    assert master.mail == [ADVERT]
