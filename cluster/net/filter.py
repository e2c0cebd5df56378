"""The packet filter table of the cluster (ruleset.py), put into the kernel by nft(8).

A change is one transaction: there is no moment without rules, and a clusterd that dies leaves the old table or the
new one. What we put is recorded in the run directory together with what the kernel then showed of it; as long as
both are as they were, nothing is touched, and a table that somebody else changed or removed is put anew: with the
next update, or, since the kernel tells of every change, a moment later (`nft flush ruleset` is how many a firewall
script begins).
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, NamedTuple

from cluster import files
from cluster.errors import ClusterError
from cluster.net import changes
from cluster.net.ruleset import TABLE, ruleset

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster.model import Config

_LOG = logging.getLogger("clusterd")
NFT = "nft"
PATIENCE = 10.0
"""Seconds for one run of nft."""

# linux/netlink.h and linux/netfilter/nfnetlink.h; the mask counts groups from 1.
_NETLINK_NETFILTER = 12
_GROUP_NFTABLES = 1 << (7 - 1)


class Answered(NamedTuple):
    """What nft said."""

    code: int
    out: str
    err: str



class Put(NamedTuple):
    """What was put last.

    Attributes:
        text: as we wrote it; empty: no table.
        shown: as the kernel showed it right after.
    """

    text: str
    shown: str


class Filter:
    """A table of this network namespace.

    Args:
        record: file in the run directory that remembers what was put.
        note: takes kind and sentence of an event.
        table: its name, of the family inet.
    """

    def __init__(self, record: Path, note: Callable[[str, str], None], table: str = TABLE) -> None:
        self._name = table
        self._record = record
        self._note = note
        self._one = asyncio.Lock()
        self._wanted: str | None = None

    async def apply(self, config: Config) -> tuple[str, ...]:
        """Put the table that a configuration asks for, or remove it; what is as it should be is not touched.

        Args:
            config: the configuration in force.

        Returns:
            What could not be done, one sentence each; the table is as it was then.
        """
        try:
            text = ruleset(config)
        except ClusterError as error:
            return (_sentence(error),)
        return await self.put(text)

    async def put(self, text: str) -> tuple[str, ...]:
        """Put the table as it is written, or, where nothing is, remove it; returns problems as `apply` does."""
        self._wanted = text
        try:
            await self._bring(text)
        except ClusterError as error:
            return (_sentence(error),)
        return ()

    async def keep(self) -> None:
        """Put the table back when somebody else changes it, until cancelled."""
        unnoticed = "changes of the packet filter by others stay unnoticed"
        await changes.follow(_NETLINK_NETFILTER, _GROUP_NFTABLES, self._look_again, unnoticed)

    async def _look_again(self) -> None:
        if not self._wanted:
            return
        try:
            await self._bring(self._wanted)
        except ClusterError as error:
            self._note("filter-failed", _sentence(error))

    async def _bring(self, text: str) -> None:
        async with self._one:
            await self._bring_alone(text)

    async def _bring_alone(self, text: str) -> None:
        before = self._recorded()
        shown = await _shown(self._name, required=bool(text))
        if text and shown and before == Put(text, shown):  # removed as soon as it was put, it was recorded as empty
            return
        if text or shown:
            # Removed also where there is none: the first line makes it then.
            await _load(f"table inet {self._name}\ndelete table inet {self._name}\n{text}")
            if text and before.text == text:
                what = f"the packet filter table {self._name}"
                self._note("filter-restored", f"somebody else changed {what}; put back")
            else:
                _LOG.info("the packet filter table %s is %s", self._name, "put" if text else "removed")
        if text:
            shown = await _shown(self._name, required=True)
            files.replace(self._record, json.dumps(Put(text, shown)).encode())
        else:
            self._record.unlink(missing_ok=True)

    def _recorded(self) -> Put:
        try:
            return Put(*json.loads(self._record.read_bytes()))
        except FileNotFoundError:
            return Put("", "")
        except (ValueError, TypeError, OSError) as error:
            _LOG.warning("%s is damaged, the packet filter table is put anew: %s", self._record, error)
            return Put("", "")


def _sentence(error: ClusterError) -> str:
    return f"the packet filter of the cluster is not as it should be: {error.message}"


async def _shown(table: str, *, required: bool) -> str:
    """A table as the kernel has it, without counters; empty when there is none.

    Args:
        table: its name.
        required: whether nft must be there; without it there can be no table of ours.

    Raises:
        ClusterError: nft cannot say.
    """
    try:
        said = await run(("--stateless", "list", "table", "inet", table))
    except FileNotFoundError as error:
        if required:
            raise ClusterError("nft is not installed (Debian package nftables)") from error
        return ""
    if said.code == 0:
        return said.out
    if "No such file or directory" in said.err:
        return ""
    raise ClusterError(f"nft cannot list the table: {_first_line(said.err)}")


async def _load(text: str) -> None:
    said = await run(("--file", "-"), text)
    if said.code:
        raise ClusterError(f"nft refuses the rules: {_first_line(said.err)}")


async def run(words: tuple[str, ...], text: str = "") -> Answered:
    """Run nft.

    Args:
        words: its arguments.
        text: its standard input.

    Raises:
        FileNotFoundError: it is not installed.
        ClusterError: it does not end.
    """
    process = await asyncio.create_subprocess_exec(
        NFT,
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate(text.encode())
    except TimeoutError as error:
        raise ClusterError(f"nft does not end within {PATIENCE:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Answered(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "without a word")
