"""What a backup reads when: a round of adverts in one go, news at once."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.units import Centiseconds, Nanoseconds, Priority
from cluster.vrrp import clock, listener
from cluster.vrrp.events import Heard
from cluster.vrrp.listener import ADVERTS_PER_TURN, LINGER, Listener
from cluster.vrrp.port import Differing, Dropped
from cluster.vrrp.priority import NEVER
from cluster.vrrp.reject import Reject

SECOND = Centiseconds(100)
MILLISECOND = 1_000_000
HARMLESS = Dropped(Reject.TTL, "10.0.0.9")
SUSPICIOUS = Dropped(next(reason for reason in Reject if reason.suspicious), "10.0.0.9")


class Port:
    """A mailbox with the name of an interface."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.settings = self
        self.mail: list[Any] = []

    def receive(self, _unix: Nanoseconds) -> Any:
        return self.mail.pop(0) if self.mail else None

    def advert(self, priority: int = 254) -> Heard:
        return Heard(self.name, Priority(priority), SECOND, 1)


class Told:
    """Stands for the reporter."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def tell_once(self, _key: object, kind: str, _name: str, _text: str) -> None:
        self.kinds.append(kind)


class Attention:
    """Stands for the watch: it is as narrow as a test says, and something is left when a test says so."""

    def __init__(self) -> None:
        self.narrow = False
        self.left = False
        self.told: list[str] = []

    def anything_left(self) -> bool:
        return self.left

    def whole(self, last: Heard, _ports: object, _now: Nanoseconds) -> None:
        self.told.append(last.interface)

    def broken(self) -> None:
        self.told.append("broken")


class Backup:
    """Three interfaces, a listener, and a clock that moves only when somebody sleeps or a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, interval: Centiseconds = SECOND) -> None:
        self.now = 10**12
        self.lans = [Port(f"LAN{number}") for number in (1, 2, 3)]
        self.slept: list[float] = []
        self.told = Told()
        self.arriving: list[tuple[Port, Heard]] = []
        self.attention = Attention()
        self.listener = Listener(self.lans, self.told, self.attention)  # type: ignore[arg-type]
        self.listener.keep_time(interval, len(self.lans))
        monkeypatch.setattr(clock, "monotonic", lambda: Nanoseconds(self.now))
        monkeypatch.setattr(listener, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += round(seconds * 1_000_000_000)
        for port, advert in self.arriving:
            port.mail.append(advert)
        self.arriving.clear()

    def round(self, until: int = NEVER) -> list[Heard]:
        """The first advert of a round is there, the others come a moment later."""
        first, *rest = self.lans
        first.mail.append(first.advert())
        self.arriving = [(port, port.advert()) for port in rest]
        return self.hear([first], until)

    def hear(self, ready: list[Port], until: int = NEVER) -> list[Heard]:
        return self.listener.hear_round(ready, Nanoseconds(until))  # type: ignore[arg-type]


@pytest.fixture
def backup(monkeypatch: pytest.MonkeyPatch) -> Backup:
    """It has heard its master once."""
    new = Backup(monkeypatch)
    new.round()
    new.slept.clear()
    new.attention.told.clear()
    for port in new.lans:
        port.mail.clear()
    return new


def test_a_round_is_read_in_one_go_in_the_order_of_the_interfaces(backup: Backup) -> None:
    for _ in range(3):
        backup.now += 1000 * MILLISECOND
        assert [one.interface for one in backup.round()] == ["LAN1", "LAN2", "LAN3"]

    assert backup.slept == [LINGER / 1e9] * 3


def test_what_comes_before_the_next_round_is_due_is_decided_on_at_once(backup: Backup) -> None:
    backup.now += 1000 * MILLISECOND
    backup.round()
    backup.now += 700 * MILLISECOND
    for port in backup.lans[1:]:
        port.mail.append(port.advert())

    assert backup.hear([backup.lans[1]]) == [backup.lans[1].advert()]
    assert len(backup.slept) == 1


def test_news_is_decided_on_at_once_also_when_a_round_is_due(backup: Backup) -> None:
    backup.now += 1000 * MILLISECOND
    farewell = backup.lans[0].advert(0)
    backup.lans[0].mail.append(farewell)

    assert backup.hear(backup.lans[:1]) == [farewell]
    assert backup.slept == []


def test_a_whole_round_is_told_with_its_last_advert(backup: Backup) -> None:
    backup.now += 1000 * MILLISECOND
    backup.round()
    assert backup.attention.told == ["LAN3"]


def test_a_round_that_lacks_an_advert_is_not_whole(backup: Backup) -> None:
    backup.now += 1000 * MILLISECOND
    backup.lans[0].mail.append(backup.lans[0].advert())
    backup.arriving = [(backup.lans[2], backup.lans[2].advert())]

    assert len(backup.hear(backup.lans[:1])) == 2
    assert backup.attention.told == ["broken"]


def test_two_adverts_of_one_interface_do_not_make_up_for_a_missing_one(backup: Backup) -> None:
    backup.now += 1000 * MILLISECOND
    backup.lans[0].mail += [backup.lans[0].advert()] * 2
    backup.arriving = [(backup.lans[1], backup.lans[1].advert())]

    assert [one.interface for one in backup.hear(backup.lans[:1])] == ["LAN1", "LAN2"]
    assert backup.attention.told == ["broken"]


def test_what_comes_between_two_rounds_breaks_their_run(backup: Backup) -> None:
    backup.now += 500 * MILLISECOND
    backup.lans[1].mail.append(backup.lans[1].advert())

    backup.hear([backup.lans[1]])

    assert backup.attention.told == ["broken"]


def test_a_narrow_watch_is_woken_by_the_last_advert_and_reads_all_without_a_pause(backup: Backup) -> None:
    backup.attention.narrow = True
    backup.now += 1000 * MILLISECOND
    for port in backup.lans:
        port.mail.append(port.advert())

    assert [one.interface for one in backup.hear(backup.lans[2:])] == ["LAN1", "LAN2", "LAN3"]
    assert (backup.slept, backup.attention.told) == ([], ["LAN3"])


@pytest.mark.parametrize("present", [1, 2])
def test_a_narrow_watch_ends_with_a_round_that_lacks_an_advert(backup: Backup, present: int) -> None:
    backup.attention.narrow = True
    for port in backup.lans[:present]:
        port.mail.append(port.advert())

    assert len(backup.hear(backup.lans[:1])) == present
    assert backup.attention.told == ["broken"]


@pytest.mark.parametrize("narrow", [True, False])
def test_a_round_behind_which_more_is_waiting_is_not_whole(backup: Backup, *, narrow: bool) -> None:
    backup.attention.narrow, backup.attention.left = narrow, True
    backup.now += 1000 * MILLISECOND
    if narrow:
        for port in backup.lans[1:]:
            port.mail.append(port.advert())

    assert len(backup.round()) == 3
    assert backup.attention.told == ["broken"]


def test_the_next_round_is_expected_after_three_quarters_of_the_senders_interval(backup: Backup) -> None:
    began, slowly = backup.now, backup.lans[0].advert()._replace(interval=Centiseconds(200))
    for milliseconds, rounds in ((1000, 1), (2499, 1), (3999, 2)):
        backup.now = began + milliseconds * MILLISECOND
        backup.lans[0].mail.append(slowly)
        backup.hear(backup.lans[:1])
        assert len(backup.slept) == rounds


def test_nobody_waits_when_something_else_is_due_soon(backup: Backup) -> None:
    backup.now += 1000 * MILLISECOND
    assert [one.interface for one in backup.round(until=backup.now + 2 * LINGER)] == ["LAN1"]
    assert backup.slept == []


def test_a_flood_of_what_is_not_believed_never_waits_and_delays_no_round(backup: Backup) -> None:
    backup.now += 1000 * MILLISECOND
    for _ in range(100):
        backup.lans[0].mail.append(HARMLESS)
        assert backup.hear(backup.lans[:1]) == []
    assert backup.slept == []

    backup.round()

    assert len(backup.slept) == 1


@pytest.mark.parametrize(("interval", "pauses"), [(3, False), (4, True), (100, True)])
def test_no_pause_where_it_would_be_too_short_to_be_of_use(
    monkeypatch: pytest.MonkeyPatch, interval: int, *, pauses: bool
) -> None:
    backup = Backup(monkeypatch, Centiseconds(interval))
    for _ in range(2):
        backup.now += 1000 * MILLISECOND
        backup.round()

    assert bool(backup.slept) is pauses


def test_with_one_interface_there_is_nothing_to_wait_for(backup: Backup) -> None:
    backup.listener.keep_time(SECOND, 1)
    backup.now += 1000 * MILLISECOND

    backup.round()

    assert backup.slept == []


def test_an_advert_behind_dropped_ones_is_heard_and_each_suspicious_one_told(backup: Backup) -> None:
    lan = backup.lans[0]
    lan.mail += [SUSPICIOUS, *[HARMLESS] * (ADVERTS_PER_TURN - 3), SUSPICIOUS, lan.advert()]

    assert backup.listener.hear([lan]) == [lan.advert()]  # type: ignore[list-item]
    assert backup.told.kinds == ["advert-dropped", "advert-dropped"]


def test_a_flood_is_left_for_the_next_turn(backup: Backup) -> None:
    lan = backup.lans[0]
    lan.mail += [HARMLESS] * (ADVERTS_PER_TURN + 3) + [lan.advert()]

    assert backup.listener.hear([lan]) == []  # type: ignore[list-item]
    assert len(lan.mail) == 4
    assert backup.listener.hear([lan]) == [lan.advert()]  # type: ignore[list-item]


def test_other_virtual_addresses_are_told_of_and_the_advert_is_believed(backup: Backup) -> None:
    lan = backup.lans[0]
    lan.mail.append(Differing(lan.advert(), "10.0.0.9", frozenset({b"\x0a\0\0\1"})))

    assert backup.listener.hear([lan]) == [lan.advert()]  # type: ignore[list-item]
    assert backup.told.kinds == ["addresses-differ"]


def test_all_that_waits_is_heard_an_advert_of_each_interface_in_turn(backup: Backup) -> None:
    for port in backup.lans[:2]:
        port.mail += [port.advert(254), port.advert(1)]

    heard = backup.listener.hear_out()

    assert [(one.interface, one.priority) for one in heard] == [
        ("LAN1", 254), ("LAN2", 254), ("LAN1", 1), ("LAN2", 1),
    ]
