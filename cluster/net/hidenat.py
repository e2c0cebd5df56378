"""Source NAT to virtual addresses on the master (hiding.py says which), put into the kernel by nft(8).

It follows the configuration and the role. Until the role is known, after a restart of clusterd, the table stays as
the last clusterd left it: a master must not forget for a moment whom it hides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.errors import ClusterError
from cluster.net.filter import Filter
from cluster.net.hiding import TABLE, table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster.model import Config


class HideNat:
    """The translation table of this network namespace.

    Args:
        record: file in the run directory that remembers what was put.
        note: takes kind and sentence of an event.
    """

    def __init__(self, record: Path, note: Callable[[str, str], None]) -> None:
        self._table = Filter(record, note, TABLE)
        self._config: Config | None = None
        self._master: bool | None = None

    async def apply(self, config: Config) -> tuple[str, ...]:
        """Put the table that a configuration asks for, or remove it; what is as it should be is not touched.

        Args:
            config: the configuration in force.

        Returns:
            What could not be done, one sentence each; the table is as it was then.
        """
        self._config = config
        return await self._bring(config)

    async def become_master(self) -> None:
        """Hide what the rules name.

        Raises:
            ClusterError: the table could not be put.
        """
        await self._follow(master=True)

    async def become_backup(self) -> None:
        """Leave hiding to the master.

        Raises:
            ClusterError: the table could not be put.
        """
        await self._follow(master=False)

    async def keep(self) -> None:
        """Put the table back when somebody else changes it, until cancelled."""
        await self._table.keep()

    async def _follow(self, *, master: bool) -> None:
        self._master = master
        if self._config is not None and (problems := await self._bring(self._config)):
            raise ClusterError("; ".join(problems))

    async def _bring(self, config: Config) -> tuple[str, ...]:
        try:
            text = table(config, master=bool(self._master))
        except ClusterError as error:
            return (error.message,)
        if text and self._master is None:
            return ()
        return await self._table.put(text)
