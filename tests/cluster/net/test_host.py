"""Links and addresses in a real network namespace: what is configured is put, what is foreign is left alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from cluster.config import schema
from cluster.net.host import Host
from tests.support.netns import Network, why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    from cluster.model import Config
    from tests.support.netns import Namespace

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]
_Answer = TypeVar("_Answer")


@pytest.fixture
def node() -> Iterator[Namespace]:
    network = Network()
    made = network.node()
    for name in ("LAN1", "LAN2", "LAN9"):
        network.wire(made, name, name)
        made.run("ip", "link", "set", name, "down")
    yield made
    network.close()


@pytest.fixture
def on(node: Namespace, tmp_path: Path) -> Callable[[Callable[[Host], Coroutine[None, None, _Answer]]], _Answer]:
    """Do something with a new `Host` (as after a restart of clusterd) inside the namespace."""

    def do(what: Callable[[Host], Coroutine[None, None, _Answer]]) -> _Answer:
        async def scenario() -> _Answer:
            host = Host(tmp_path / "addresses.json")
            try:
                return await what(host)
            finally:
                host.close()

        with node.inside():
            return asyncio.run(scenario())

    return do


def config(*addresses: tuple[str, str], interfaces: tuple[str, ...] = ("LAN1", "LAN2")) -> Config:
    return schema.parse(
        {
            "interfaces": {name: {"id": number} for number, name in enumerate(interfaces, 1)},
            "addresses": {
                str(number): {"device": device, "address": address}
                for number, (device, address) in enumerate(addresses, 1)
            },
        }
    )


BEFORE = config(("LAN1", "10.1.0.1/24"), ("LAN2", "10.2.0.1/24"), ("LAN2", "2001:db8::1/64"))


def up(node: Namespace, name: str) -> bool:
    return "UP" in node.run("ip", "-o", "link", "show", name).split("<")[1].split(">")[0].split(",")


def test_configured_addresses_are_put_links_set_up_and_nothing_else_is_touched(node: Namespace, on: Any) -> None:
    assert on(lambda host: host.apply(BEFORE)) == ()

    assert node.addresses("LAN1") == {"10.1.0.1/24"}
    assert node.addresses("LAN2") == {"10.2.0.1/24"}
    assert "2001:db8::1/64" in node.run("ip", "-6", "address", "show", "LAN2")
    assert (up(node, "LAN1"), up(node, "LAN2"), up(node, "LAN9")) == (True, True, False)


def test_a_second_time_nothing_happens(node: Namespace, on: Any, tmp_path: Path) -> None:
    on(lambda host: host.apply(BEFORE))
    record = (tmp_path / "addresses.json").stat().st_mtime_ns
    before = node.run("ip", "address")

    assert on(lambda host: host.apply(BEFORE)) == ()

    assert node.run("ip", "address") == before
    assert (tmp_path / "addresses.json").stat().st_mtime_ns == record


def test_what_is_no_longer_configured_goes_even_after_a_restart_and_what_others_put_stays(
    node: Namespace, on: Any
) -> None:
    on(lambda host: host.apply(BEFORE))
    node.run("ip", "address", "add", "10.1.0.77/24", "dev", "LAN1")
    node.run("ip", "address", "add", "10.9.0.1/24", "dev", "LAN9")

    assert on(lambda host: host.apply(config(("LAN1", "10.1.0.2/24")))) == ()

    assert node.addresses("LAN1") == {"10.1.0.2/24", "10.1.0.77/24"}
    assert node.addresses("LAN2") == set()
    assert node.addresses("LAN9") == {"10.9.0.1/24"}


def test_an_address_that_somebody_removed_is_put_back(node: Namespace, on: Any) -> None:
    on(lambda host: host.apply(BEFORE))
    node.run("ip", "address", "flush", "dev", "LAN1")

    on(lambda host: host.apply(BEFORE))

    assert node.addresses("LAN1") == {"10.1.0.1/24"}


def test_changing_the_own_address_leaves_a_virtual_one_of_its_network_in_place(node: Namespace, on: Any) -> None:
    on(lambda host: host.apply(BEFORE))
    node.run("ip", "address", "add", "10.1.0.100/24", "dev", "LAN1", "valid_lft", "5", "preferred_lft", "5")

    on(lambda host: host.apply(config(("LAN1", "10.1.0.3/24"))))

    assert node.addresses("LAN1") == {"10.1.0.3/24", "10.1.0.100/24"}


def test_a_missing_interface_is_a_sentence_and_the_others_are_done(node: Namespace, on: Any) -> None:
    wanted = config(("LAN7", "10.7.0.1/24"), ("LAN2", "10.2.0.1/24"), interfaces=("LAN7", "LAN2"))

    assert on(lambda host: host.apply(wanted)) == ("LAN7: this machine has no such interface",)

    assert node.addresses("LAN2") == {"10.2.0.1/24"}


def test_links_that_are_somebody_elses_business_are_left_alone(node: Namespace, on: Any) -> None:
    on(lambda host: host.apply(BEFORE, leave_down=frozenset({"LAN2"})))

    assert (up(node, "LAN1"), up(node, "LAN2")) == (True, False)


def test_links_are_set_up_and_down(node: Namespace, on: Any) -> None:
    assert on(lambda host: host.set_links(("LAN1", "LAN2"), up=True)) == ()
    problems = on(lambda host: host.set_links(("LAN1", "gone"), up=False))

    assert problems == ("gone: this machine has no such interface",)
    assert (up(node, "LAN1"), up(node, "LAN2")) == (False, True)


def test_states_tell_presence_link_carrier_and_addresses(node: Namespace, on: Any) -> None:
    on(lambda host: host.apply(config(("LAN1", "10.1.0.1/24"), interfaces=("LAN1",))))

    lan1, lan2, gone = on(lambda host: host.states(("LAN1", "LAN2", "gone")))

    assert (lan1.present, lan1.up, lan1.carrier) == (True, True, True)
    assert "10.1.0.1/24" in lan1.addresses
    assert (lan2.present, lan2.up, lan2.carrier, lan2.addresses) == (True, False, False, ())
    assert (gone.name, gone.present, gone.up) == ("gone", False, False)


def test_a_damaged_record_removes_nothing(
    node: Namespace, on: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    on(lambda host: host.apply(BEFORE))
    (tmp_path / "addresses.json").write_text("{")

    on(lambda host: host.apply(config(interfaces=("LAN1",))))

    assert node.addresses("LAN1") == {"10.1.0.1/24"}
    assert "damaged" in caplog.text
