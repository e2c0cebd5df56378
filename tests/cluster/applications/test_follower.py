"""Applications follow the role: each change once, failures named, nobody kept waiting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from cluster.applications.follower import Applications
from cluster.errors import ClusterError, NotFoundError, RefusedError
from cluster.model import ClusterOptions, Config

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from pathlib import Path

    from cluster.observed import ApplicationWord

CONFIG = Config(cluster=ClusterOptions(enabled=True, backup_disable_applications=("SSL-VPN", "IPSEC")))


class Played:
    """A driver that writes down what it is asked for.

    Attributes:
        words: how the applications are.
        done: what was asked for, in order.
        failing: applications with which nothing can be done.
        slow: applications with which nothing ever ends.
    """

    def __init__(self) -> None:
        self.words: dict[str, ApplicationWord] = {"openvpn": "DOWN", "ipsec": "DOWN"}
        self.done: list[str] = []
        self.failing: set[str] = set()
        self.slow: set[str] = set()
        self.lost: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        return ()

    async def states(self, names: Iterable[str]) -> dict[str, ApplicationWord]:
        return {name: self.words.get(name, "MISSING") for name in names}

    def adopt(self, _running: Callable[[], Config]) -> tuple[str, ...]:
        return self.lost

    async def start(self, name: str) -> None:
        await self._do("start", name, "UP")

    async def stop(self, name: str) -> None:
        await self._do("stop", name, "DOWN")

    async def restart(self, name: str) -> None:
        await self._do("restart", name, "UP")

    def leave(self) -> None:
        self.done.append("leave")

    async def end(self) -> None:
        self.done.append("end")

    async def _do(self, verb: str, name: str, word: ApplicationWord) -> None:
        self.done.append(f"{verb} {name}")
        if name in self.slow:
            await asyncio.Event().wait()
        if name in self.failing:
            raise ClusterError("it has a cold")
        self.words[name] = word


class Story:
    """Applications that follow, and what came of it."""

    def __init__(self, directory: Path) -> None:
        self.driver = Played()
        self.notes: list[tuple[str, str]] = []
        self.config = CONFIG
        self._record = directory / "applications.json"
        self.applications = self.another()

    def another(self) -> Applications:
        return Applications(self.driver, self._record, lambda kind, text: self.notes.append((kind, text)))

    def tell(self, scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a scenario beside the follower."""

        async def whole() -> None:
            running = asyncio.create_task(self.applications.run())
            self.applications.begin(lambda: self.config, lambda: self.config)
            await scenario()
            running.cancel()
            await asyncio.wait((running,))

        asyncio.run(asyncio.wait_for(whole(), 20))

    async def until(self, *done: str) -> None:
        """Wait for what the driver is asked for since the last time; order within counts for nothing."""
        while sorted(self.driver.done) != sorted(done):  # noqa: ASYNC110 - the driver tells nobody
            await asyncio.sleep(0.001)
        self.driver.done.clear()

    async def settle(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_each_change_of_the_role_is_followed_once(story: Story) -> None:
    async def scenario() -> None:
        await story.applications.become_master()
        await story.until("start openvpn", "start ipsec")
        await story.applications.become_master()
        await story.settle()
        assert story.driver.done == []
        await story.applications.become_backup()
        await story.until("stop openvpn", "stop ipsec")
        await story.applications.become_backup()
        await story.settle()
        assert story.driver.done == []

    story.tell(scenario)
    assert story.notes == []


def test_nothing_is_done_before_the_role_is_known(story: Story) -> None:
    async def scenario() -> None:
        await story.settle()
        assert story.driver.done == []

    story.tell(scenario)


def test_on_a_backup_what_somebody_else_started_is_stopped_with_the_next_update(story: Story) -> None:
    async def scenario() -> None:
        await story.applications.become_backup()
        await story.until("stop openvpn", "stop ipsec")
        story.driver.words["ipsec"] = "UP"
        await story.applications.become_backup()
        await story.until("stop ipsec")

    story.tell(scenario)


def test_a_failure_is_named_keeps_nobody_and_is_tried_again(story: Story) -> None:
    story.driver.failing.add("openvpn")

    async def scenario() -> None:
        await story.applications.become_master()
        await story.until("start openvpn", "start ipsec")
        await story.settle()
        story.driver.failing.clear()
        await story.applications.become_master()
        await story.until("start openvpn")

    story.tell(scenario)
    assert story.notes == [("follower-failed", "the application openvpn could not be started: it has a cold")]


def test_one_that_never_starts_keeps_neither_the_others_nor_the_next_role(story: Story) -> None:
    story.driver.slow.add("openvpn")

    async def scenario() -> None:
        await story.applications.become_master()
        await story.until("start openvpn", "start ipsec")
        story.driver.slow.clear()
        await story.applications.become_backup()
        await story.until("stop openvpn", "stop ipsec")

    story.tell(scenario)


def test_an_application_that_is_installed_later_follows_with_the_next_update(story: Story) -> None:
    del story.driver.words["openvpn"]

    async def scenario() -> None:
        await story.applications.become_master()
        await story.until("start ipsec")
        story.driver.words["openvpn"] = "DOWN"
        await story.applications.become_master()
        await story.until("start openvpn")

    story.tell(scenario)
    assert story.notes == []


def test_a_restarted_clusterd_does_not_do_it_again(story: Story) -> None:
    async def first() -> None:
        await story.applications.become_master()
        await story.until("start openvpn", "start ipsec")
        await story.settle()

    async def second() -> None:
        await story.applications.become_master()
        await story.until("start ipsec")

    story.tell(first)
    assert story.driver.done == ["leave"]
    story.driver.done.clear()
    story.applications = story.another()
    story.driver.lost = ("ipsec",)
    story.tell(second)


def test_a_damaged_record_is_no_record(story: Story, tmp_path: Path) -> None:
    (tmp_path / "applications.json").write_text("[1")

    async def scenario() -> None:
        await story.applications.become_master()
        await story.until("start openvpn", "start ipsec")

    story.tell(scenario)


def test_the_administrator_has_the_last_word_until_the_role_changes(story: Story) -> None:
    async def scenario() -> None:
        await story.applications.become_master()
        await story.until("start openvpn", "start ipsec")
        await story.settle()
        assert await story.applications.control("SSL-VPN", "stop") == "openvpn"
        await story.applications.become_master()
        await story.settle()
        await story.until("stop openvpn")
        await story.applications.become_backup()
        await story.until("stop openvpn", "stop ipsec")
        await story.applications.become_master()
        await story.until("start openvpn", "start ipsec")

    story.tell(scenario)


def test_what_cannot_be_controlled_is_refused_with_a_sentence(story: Story) -> None:
    async def scenario() -> None:
        await story.applications.become_backup()
        await story.until("stop openvpn", "stop ipsec")
        with pytest.raises(NotFoundError, match="there is no application unheard; known are clientless_vpn, dhcpd"):
            await story.applications.control("unheard", "start")
        with pytest.raises(NotFoundError, match="wlan is not installed on this machine"):
            await story.applications.control("WLAN Server", "start")
        for verb in ("start", "restart"):
            with pytest.raises(RefusedError, match="openvpn stays down while this node is not master"):
                await story.applications.control("openvpn", verb)  # type: ignore[arg-type]
        await story.until()

    story.tell(scenario)


def test_an_orderly_end_first_gives_up_what_is_the_masters(story: Story) -> None:
    async def scenario() -> None:
        await story.applications.become_master()
        await story.until("start openvpn", "start ipsec")
        await story.settle()
        await story.applications.become_backup()
        await story.applications.end()
        assert story.driver.done[-1] == "end"
        assert {"stop openvpn", "stop ipsec"} <= set(story.driver.done[:-1])

    story.tell(scenario)
