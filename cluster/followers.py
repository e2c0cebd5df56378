"""Who follows the role of this node: an ordered list with a two-method interface, told of every change.

Adding a follower touches one line of wiring.py. Followers are told one after the other, the
latest role wins when they are slower than the election, and one that fails does not keep the next from being told.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from cluster.errors import ClusterError
from cluster.vrrp.events import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cluster.net.host import Host

_LOG = logging.getLogger("clusterd")


class Follower(Protocol):
    """Something that behaves differently on the master."""

    async def become_master(self) -> None:
        """This node is master now; may be told more than once.

        Raises:
            ClusterError: it could not follow, and why.
        """

    async def become_backup(self) -> None:
        """This node is not master any more; may be told more than once.

        Raises:
            ClusterError: it could not follow, and why.
        """


class DisabledInterfaces:
    """`cluster backup_disable`: interfaces whose links are up on the master only.

    Args:
        host: sets the links.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self.names: tuple[str, ...] = ()

    async def become_master(self) -> None:
        """Links up."""
        await self._set(up=True)

    async def become_backup(self) -> None:
        """Links down."""
        await self._set(up=False)

    async def _set(self, *, up: bool) -> None:
        problems = await self._host.set_links(self.names, up=up) if self.names else ()
        if problems:
            raise ClusterError("; ".join(problems))


class Followers:
    """Tells the followers, in order.

    Args:
        followers: in the order in which they are told.
        complain: takes a sentence when one of them could not follow.
    """

    def __init__(self, followers: Sequence[Follower], complain: Callable[[str], None]) -> None:
        self._followers = followers
        self._complain = complain
        self._role: Role | None = None
        self._changed = asyncio.Event()

    def role_is(self, role: Role) -> None:
        """The role of this node is known, or changed."""
        self._role = role
        self._changed.set()

    def configured(self) -> None:
        """What the followers have to do was configured anew."""
        if self._role is not None:
            self._changed.set()

    async def run(self) -> None:
        """Tell them of changes, until cancelled."""
        while True:
            await self._changed.wait()
            await self.tell()

    async def tell(self) -> None:
        """Tell them of the present role."""
        self._changed.clear()
        for follower in self._followers:
            try:
                if self._role is Role.MASTER:
                    await follower.become_master()
                else:
                    await follower.become_backup()
            except ClusterError as error:
                self._complain(error.message)
