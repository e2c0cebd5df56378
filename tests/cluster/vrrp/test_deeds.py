"""What the election asks for is done on the interfaces there are."""

from __future__ import annotations

from typing import Any, cast

import pytest

from cluster.units import Priority
from cluster.vrrp.deeds import Deeds
from cluster.vrrp.events import Advertise, AdvertiseEverywhere, Announce


class Shell:
    """Stands for ports, ledger and page at once, and notes what is done."""

    def __init__(self, *names: str) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.by_name = {name: Port(name, self.done) for name in names}

    def numbers(self, count: int, _unix: int) -> int:
        self.done.append(("numbers", count))
        return 100

    def advertised(self) -> None:
        self.done.append(("advertised",))


class Port:
    """An interface that sends, or whose cable is out."""

    def __init__(self, name: str, done: list[tuple[Any, ...]]) -> None:
        self.name, self.done, self.sends = name, done, True

    def advertise(self, priority: int, number: int, _unix: int) -> bool:
        self.done.append((self.name, priority, number))
        return self.sends

    def announce(self) -> None:
        self.done.append((self.name, "announced"))


def deeds(shell: Shell) -> Deeds:
    anything = cast("Any", shell)
    return Deeds(anything, anything, anything, anything, anything)


def test_adverts_everywhere_get_numbers_in_a_row() -> None:
    shell = Shell("LAN1", "LAN2", "LAN3")

    deeds(shell).carry_out([AdvertiseEverywhere(Priority(254))])

    assert shell.done == [
        ("numbers", 3), ("LAN1", 254, 100), ("LAN2", 254, 101), ("LAN3", 254, 102), ("advertised",)
    ]


@pytest.mark.parametrize(("priority", "sends", "told"), [(254, True, True), (254, False, False), (0, True, False)])
def test_an_advert_of_a_master_that_left_is_kept_on_the_page(priority: int, *, sends: bool, told: bool) -> None:
    shell = Shell("LAN1")
    shell.by_name["LAN1"].sends = sends

    deeds(shell).carry_out([Advertise("LAN1", Priority(priority))])

    assert (("advertised",) in shell.done) is told


def test_nothing_is_done_on_an_interface_that_was_just_removed() -> None:
    shell = Shell("LAN1")

    deeds(shell).carry_out([Announce("LAN2"), Advertise("LAN2", Priority(254)), Announce("LAN1")])

    assert shell.done == [("LAN1", "announced")]
