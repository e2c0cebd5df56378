"""Two links over real TCP and real asyncssh: they find each other, lose each other, and say why."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from cluster.errors import ClusterError, RefusedError, StoreError, UnreachableError
from cluster.hotwire.keys import OwnKey
from cluster.hotwire.protocol import Done, Ping
from cluster.hotwire.state import Code
from tests.support import netns
from tests.support.hotwire import End, both, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator
    from pathlib import Path

    from cluster.hotwire.protocol import HotwireAnswer
    from tests.support.netns import Namespace

pytestmark = [pytest.mark.netns, pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))]


@pytest.fixture
def cable() -> Iterator[Namespace]:
    namespace = netns.Namespace()
    with namespace.inside():
        yield namespace
    namespace.close()


def play(story: Coroutine[object, object, None]) -> None:
    asyncio.run(story)


def test_two_nodes_that_know_each_others_keys_can_ask_each_other(cable: Namespace, tmp_path: Path) -> None:
    async def story() -> None:
        async with both(tmp_path) as (left, right):
            assert await left.link.ask(Ping(), 5) == Done()
            assert await right.link.ask(Ping(), 5) == Done()
            assert left.link.partner is not None
            assert left.link.partner.hostname == right.local
            assert (left.asked, right.asked) == ([Ping()], [Ping()])

    play(story())


def test_an_unplugged_cable_is_noticed_and_found_again_when_it_is_back(cable: Namespace, tmp_path: Path) -> None:
    async def story() -> None:
        async with both(tmp_path) as (left, right):
            cable.run("ip", "link", "set", "lo", "down")
            await until(lambda: not left.link.state.connected, lambda: left.link.state)
            assert left.link.state.code is Code.NO_LINK
            assert left.link.partner is None
            with pytest.raises(UnreachableError, match="lo has no link"):
                await left.link.ask(Ping(), 5)
            cable.run("ip", "link", "set", "lo", "up")
            await until(lambda: left.link.state.connected and right.link.state.connected, lambda: left.link.state)
            assert left.link.losses, "who did not look in between knows it, too"

    play(story())


def test_another_host_name_does_not_cut_the_link(cable: Namespace, tmp_path: Path) -> None:
    async def story() -> None:
        async with both(tmp_path) as (left, right):
            left.link.configure(left.settings(right.public, hostname="renamed.local"))
            await left.link.ask(Ping(), 5)
            assert not left.link.losses

            left.link.configure(left.settings(right.public, hostname="renamed.local", remotes=("127.0.0.3",)))
            assert left.link.losses, "what else changes begins anew"

    play(story())


def test_a_second_key_of_the_partner_cuts_nothing_and_one_that_is_believed_no_longer_ends_what_it_began(
    cable: Namespace, tmp_path: Path
) -> None:
    async def story() -> None:
        async with both(tmp_path) as (left, right):
            other = End(tmp_path / "other", "127.0.0.3", "127.0.0.1").public
            left.link.configure(left.settings(right.public, other))
            await left.link.ask(Ping(), 5)
            assert not left.link.losses
            left.link.configure(left.settings(right.public))
            await left.link.ask(Ping(), 5)
            assert not left.link.losses, "the other key began nothing"

            left.link.configure(left.settings(other))
            assert "is" in await reason(left, Code.HOST_KEY)
            assert left.link.losses

    play(story())


# --- every reason why there is no link -----------------------------------------------------------------


@contextlib.asynccontextmanager
async def ends(directory: Path, **changes: Any) -> AsyncIterator[tuple[End, End]]:
    """Two ends that are not configured yet; `changes` are fields of the right one's hello."""
    left = End(directory / "left", "127.0.0.1", "127.0.0.2")
    right = End(directory / "right", "127.0.0.2", "127.0.0.1", **changes)
    async with left.running(), right.running():
        yield left, right


async def reason(end: End, code: Code) -> str:
    await until(lambda: end.link.state.code is code, lambda: end.link.state)
    return end.link.state.reason


def test_what_is_not_configured_is_named(cable: Namespace, tmp_path: Path) -> None:
    async def story() -> None:
        async with ends(tmp_path) as (left, _right):
            assert "no interface is the hotwire" in await reason(left, Code.NO_INTERFACE)
            left.link.configure(left.settings(local=""))
            assert "no addresses" in await reason(left, Code.NO_ADDRESS)
            left.link.configure(left.settings())
            assert "the partner's key is not known here" in await reason(left, Code.NO_KEYS)

    play(story())


def test_nobody_there_is_unreachable_with_the_address(cable: Namespace, tmp_path: Path) -> None:
    async def story() -> None:
        async with ends(tmp_path) as (left, right):
            left.link.configure(left.settings(right.public))
            await until(lambda: "refused" in left.link.state.reason, lambda: left.link.state)
            assert await reason(left, Code.UNREACHABLE) == (
                "the partner is not reached at 127.0.0.2: connection refused"
            )
            with pytest.raises(UnreachableError, match=r"not reached at 127\.0\.0\.2"):
                await left.link.ask(Ping(), 5)

    play(story())


def test_an_address_of_ours_that_is_not_there_yet_is_named_and_waited_for(cable: Namespace, tmp_path: Path) -> None:
    async def story() -> None:
        left = End(tmp_path / "left", "10.9.8.1", "127.0.0.2")
        right = End(tmp_path / "right", "127.0.0.2", "10.9.8.1")
        left.link.configure(left.settings(right.public))
        right.link.configure(right.settings(left.public))
        async with left.running(), right.running():
            await until(lambda: "has no address 10.9.8.1" in left.link.state.reason, lambda: left.link.state)
            cable.run("ip", "address", "add", "10.9.8.1/32", "dev", "lo")
            await until(lambda: left.link.state.connected and right.link.state.connected, lambda: left.link.state)
            assert await right.link.ask(Ping(), 5) == Done()

    play(story())


def test_a_wrong_key_is_another_host_key_to_the_one_and_refused_by_the_other(
    cable: Namespace, tmp_path: Path
) -> None:
    async def story() -> None:
        async with ends(tmp_path) as (left, right):
            stranger = End(tmp_path / "stranger", "127.0.0.3", "127.0.0.1")
            left.link.configure(left.settings(stranger.public))
            right.link.configure(right.settings(left.public))

            there = await reason(left, Code.HOST_KEY)
            fingerprint = right.key.public("x").fingerprint
            assert there.startswith("the host key at 127.0.0.2 differs from the partner's key known here: it is ")
            assert there.endswith(fingerprint)
            assert await reason(right, Code.KEY_REFUSED) == (
                f"the partner at 127.0.0.1 refuses the key {fingerprint} of this node"
            )

    play(story())


def test_a_wrong_address_is_refused_with_its_own_reason(cable: Namespace, tmp_path: Path) -> None:
    async def story() -> None:
        async with ends(tmp_path) as (left, right):
            right.link.configure(right.settings(left.public, remotes=("127.0.0.7",)))
            left.link.configure(left.settings(right.public))

            assert await reason(left, Code.ADDRESS_REFUSED) == (
                "the partner at 127.0.0.2 refuses the address 127.0.0.1: "
                "it is not among the remote addresses set there"
            )

    play(story())


def test_another_protocol_is_named_on_both_with_the_versions(cable: Namespace, tmp_path: Path) -> None:
    async def story() -> None:
        async with ends(tmp_path, protocol=2, software="2.0") as (left, right):
            left.link.configure(left.settings(right.public))
            right.link.configure(right.settings(left.public))

            assert await reason(left, Code.VERSION) == (
                "the partner runs version 2.0 with hotwire protocol 2, this node version 1.0 with 1"
            )
            assert "the partner runs version 1.0" in await reason(right, Code.VERSION)
            assert left.link.partner is None

    play(story())


def test_the_second_of_two_addresses_is_found(cable: Namespace, tmp_path: Path) -> None:
    async def story() -> None:
        async with ends(tmp_path) as (left, right):
            left.link.configure(left.settings(right.public, remotes=("127.0.0.8", "127.0.0.2")))
            right.link.configure(right.settings(left.public))
            await until(lambda: left.link.state.connected and right.link.state.connected, lambda: left.link.state)

    play(story())


# --- keys change ----------------------------------------------------------------------------------------


def test_a_new_key_of_ours_is_refused_until_the_partner_is_told(cable: Namespace, tmp_path: Path) -> None:
    async def story() -> None:
        async with both(tmp_path) as (left, right):
            before = left.public
            left.key.renew("left")
            left.link.rekeyed()
            await reason(left, Code.KEY_REFUSED)
            await reason(right, Code.HOST_KEY)

            right.link.configure(right.settings(before, left.public))
            await until(lambda: left.link.state.connected and right.link.state.connected, lambda: right.link.state)

    play(story())


def test_the_key_file_is_for_its_owner_alone_and_stays_the_same(cable: Namespace, tmp_path: Path) -> None:
    key = OwnKey(tmp_path)
    first = key.public("utm")
    assert (tmp_path / "hotwire.key").stat().st_mode & 0o777 == 0o600
    assert key.public("utm") == first
    assert first.kind == "ssh-ed25519"
    key.renew("utm")
    assert key.public("utm") != first


def test_a_damaged_key_file_is_said_and_left_as_it_is(cable: Namespace, tmp_path: Path) -> None:
    (tmp_path / "left").mkdir()
    (tmp_path / "left" / "hotwire.key").write_text("nonsense")

    async def story() -> None:
        async with ends(tmp_path) as (left, right):
            left.link.configure(left.settings(right.public))
            assert "cluster key new makes a new one" in await reason(left, Code.FAILED)

    play(story())
    assert (tmp_path / "left" / "hotwire.key").read_text() == "nonsense"


# --- asking ---------------------------------------------------------------------------------------------


def test_what_the_partner_refuses_is_raised_here_as_what_it_is(cable: Namespace, tmp_path: Path) -> None:
    async def refuse(_ask: object) -> HotwireAnswer:
        raise RefusedError("not now", ("because",))

    async def story() -> None:
        async with both(tmp_path) as (left, right):
            right.answer = refuse  # type: ignore[method-assign]
            with pytest.raises(RefusedError, match="not now") as caught:
                await left.link.ask(Ping(), 5)
            assert caught.value.details == ("because",)

    play(story())


def test_a_full_disk_of_the_partner_is_not_taken_for_our_own(cable: Namespace, tmp_path: Path) -> None:
    async def full(_ask: object) -> HotwireAnswer:
        raise StoreError("the store cannot be written: database or disk is full")

    async def story() -> None:
        async with both(tmp_path) as (left, right):
            right.answer = full  # type: ignore[method-assign]
            with pytest.raises(StoreError, match=r"^127\.0\.0\.2 says: the store cannot be written: .* is full$"):
                await left.link.ask(Ping(), 5)

    play(story())


def test_a_defect_of_the_partner_is_told_without_its_traceback(
    cable: Namespace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_ask: object) -> HotwireAnswer:
        raise ZeroDivisionError

    async def story() -> None:
        async with both(tmp_path) as (left, right):
            right.answer = fail  # type: ignore[method-assign]
            with pytest.raises(ClusterError, match="the partner failed at this request; its log says where"):
                await left.link.ask(Ping(), 5)
            assert left.link.state.connected

    play(story())
    assert "ZeroDivisionError" in caplog.text


def test_an_answer_that_does_not_come_is_not_waited_for_longer_than_asked(cable: Namespace, tmp_path: Path) -> None:
    async def never(_ask: object) -> HotwireAnswer:
        await asyncio.Event().wait()
        raise AssertionError

    async def story() -> None:
        async with both(tmp_path) as (left, right):
            right.answer = never  # type: ignore[method-assign]
            with pytest.raises(UnreachableError, match=r"within 0\.2 s"):
                await left.link.ask(Ping(), 0.2)
            cable.run("ip", "link", "set", "lo", "down")
            with pytest.raises(UnreachableError):
                await left.link.ask(Ping(), 60)

    play(story())


def test_a_megabyte_comes_through_whole(cable: Namespace, tmp_path: Path) -> None:
    async def story() -> None:
        async with both(tmp_path) as (left, right):
            text = "x" * 1_000_000

            async def much(_ask: object) -> HotwireAnswer:
                return Done((text,))

            right.answer = much  # type: ignore[method-assign]
            assert await left.link.ask(Ping(), 20) == Done((text,))

    play(story())
