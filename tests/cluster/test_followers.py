"""Followers are told in order, of the latest role, and one that fails does not stop the others."""

from __future__ import annotations

import asyncio

from cluster.errors import ClusterError
from cluster.followers import DisabledInterfaces, Followers
from cluster.vrrp.events import Role


class Diary:
    """A follower that writes down what it is told."""

    def __init__(self, name: str, lines: list[str], fault: str = "") -> None:
        self.name, self.lines, self.fault = name, lines, fault

    async def become_master(self) -> None:
        self.lines.append(f"{self.name}: master")
        if self.fault:
            raise ClusterError(self.fault)

    async def become_backup(self) -> None:
        self.lines.append(f"{self.name}: backup")


class PlayedHost:
    """Remembers links."""

    def __init__(self) -> None:
        self.calls: list[tuple[tuple[str, ...], bool]] = []
        self.problems: tuple[str, ...] = ()

    async def set_links(self, names: tuple[str, ...], *, up: bool) -> tuple[str, ...]:
        self.calls.append((names, up))
        return self.problems


def test_they_are_told_in_order_and_a_fault_is_a_complaint() -> None:
    lines: list[str] = []
    complaints: list[str] = []
    followers = Followers(
        (Diary("first", lines, fault="no such interface"), Diary("second", lines)), complaints.append
    )
    followers.role_is(Role.MASTER)

    asyncio.run(followers.tell())

    assert lines == ["first: master", "second: master"]
    assert complaints == ["no such interface"]


def test_a_node_that_is_offline_holds_back_like_a_backup() -> None:
    lines: list[str] = []
    followers = Followers((Diary("one", lines),), print)
    followers.role_is(Role.OFFLINE)
    asyncio.run(followers.tell())
    assert lines == ["one: backup"]


def test_of_several_changes_meanwhile_the_latest_counts() -> None:
    lines: list[str] = []

    async def scenario() -> None:
        followers = Followers((Diary("one", lines),), print)
        running = asyncio.create_task(followers.run())
        for role in (Role.MASTER, Role.BACKUP, Role.MASTER):
            followers.role_is(role)
        await asyncio.sleep(0.01)
        followers.role_is(Role.BACKUP)
        await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(scenario())
    assert lines == ["one: master", "one: backup"]


def test_a_new_configuration_is_followed_once_the_role_is_known_and_not_before() -> None:
    lines: list[str] = []

    async def scenario() -> None:
        followers = Followers((Diary("one", lines),), print)
        running = asyncio.create_task(followers.run())
        followers.configured()
        await asyncio.sleep(0.01)
        lines.append("known")
        followers.role_is(Role.MASTER)
        await asyncio.sleep(0.01)
        followers.configured()
        await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(scenario())
    assert lines == ["known", "one: master", "one: master"]


def test_disabled_interfaces_are_up_on_the_master_only_and_none_means_nothing_is_touched() -> None:
    host = PlayedHost()
    follower = DisabledInterfaces(host)  # type: ignore[arg-type]

    asyncio.run(follower.become_backup())
    follower.names = ("wan0", "wg0")
    asyncio.run(follower.become_master())
    asyncio.run(follower.become_backup())

    assert host.calls == [(("wan0", "wg0"), True), (("wan0", "wg0"), False)]
