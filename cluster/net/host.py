"""Links and addresses of this machine, as far as the configuration names them, through pyroute2.

It never touches an interface that the configuration does not name, nor an address that neither stands in the
configuration nor was put there by us: what we put is recorded in the run directory, which ends with the boot
as the addresses do. Everything runs in one thread of its own; pyroute2, slow to import, is imported there.
"""

from __future__ import annotations

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_interface
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from cluster import files
from cluster.observed import InterfaceState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cluster.model import Config

_LOG = logging.getLogger("clusterd")
_Answer = TypeVar("_Answer")

_IFF_UP = 0x1
_IFF_LOWER_UP = 0x10000


class Placed(NamedTuple):
    """An address on an interface, in its canonical form (``10.0.0.1/24``)."""

    device: str
    address: str


class Host:
    """This machine's network.

    Args:
        record: file that remembers which addresses we put.
    """

    def __init__(self, record: Path) -> None:
        self._record = record
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="network")
        self._netlink: Any = None

    async def apply(self, config: Config, *, leave_down: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """Put the configured addresses, remove ours that are no longer configured, set links up.

        What is as it should be already is not touched.

        Args:
            config: the configuration.
            leave_down: names of interfaces whose links are somebody else's business.

        Returns:
            What could not be done, one sentence each.
        """
        return await self._run(lambda: self._apply(config, leave_down))

    async def set_links(self, names: Iterable[str], *, up: bool) -> tuple[str, ...]:
        """Set links up or down; returns what could not be done."""
        wanted = tuple(names)
        return await self._run(lambda: self._set_links(wanted, up=up))

    async def states(self, names: Iterable[str]) -> tuple[InterfaceState, ...]:
        """The named interfaces as the kernel has them."""
        wanted = tuple(names)
        return await self._run(lambda: self._states(wanted))

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(cancel_futures=True)
        if self._netlink is not None:
            self._netlink.close()

    async def _run(self, work: Callable[[], _Answer]) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # --- in the thread ------------------------------------------------------------------------------

    def _open(self) -> Any:
        if self._netlink is None:
            from pyroute2 import IPRoute  # noqa: PLC0415 - 150 ms, which nothing else shall wait for

            self._netlink = IPRoute()
        return self._netlink

    def _links(self) -> dict[str, Any]:
        return {link.get("ifname"): link for link in self._open().get_links()}

    def _placed(self, links: dict[str, Any]) -> list[Placed]:
        names = {link["index"]: name for name, link in links.items()}
        return [
            Placed(names[entry["index"]], f"{entry.get('local') or entry.get('address')}/{entry['prefixlen']}")
            for entry in self._open().get_addr()
            if entry["index"] in names
        ]

    def _states(self, names: tuple[str, ...]) -> tuple[InterfaceState, ...]:
        links = self._links()
        placed = self._placed(links)
        return tuple(
            InterfaceState(
                name=name,
                present=name in links,
                up=name in links and bool(links[name]["flags"] & _IFF_UP),
                carrier=name in links and bool(links[name]["flags"] & _IFF_LOWER_UP),
                addresses=tuple(entry.address for entry in placed if entry.device == name),
            )
            for name in names
        )

    def _apply(self, config: Config, leave_down: frozenset[str]) -> tuple[str, ...]:
        problems = [*self._set_links(tuple(name for name in config.interfaces if name not in leave_down), up=True)]
        links = self._links()
        there = set(self._placed(links))
        wanted = {_canonical(entry.device, entry.address) for entry in config.addresses.values()}
        put = self._recorded()
        self._remember(put | wanted)  # before the first change: a crash in between forgets nothing
        for entry in sorted(wanted - there):
            problems += self._address("add", entry, links)
        for entry in sorted((put - wanted) & there):
            _keep_secondaries(entry.device)
            problems += self._address("del", entry, links)
        self._remember(wanted)
        return tuple(problems)

    def _address(self, verb: str, entry: Placed, links: dict[str, Any]) -> list[str]:
        if entry.device not in links:
            return []  # said by _set_links already
        interface = ip_interface(entry.address)
        try:
            self._open().addr(
                verb,
                index=links[entry.device]["index"],
                address=str(interface.ip),
                prefixlen=interface.network.prefixlen,
            )
        except self._error() as error:
            return [f"{entry.device}: cannot {verb} {entry.address}: {_reason(error)}"]
        _LOG.info("%s: %s %s", entry.device, "put" if verb == "add" else "removed", entry.address)
        return []

    def _set_links(self, names: tuple[str, ...], *, up: bool) -> tuple[str, ...]:
        links = self._links()
        problems = []
        for name in names:
            if name not in links:
                problems.append(f"{name}: this machine has no such interface")
                continue
            if bool(links[name]["flags"] & _IFF_UP) == up:
                continue
            try:
                self._open().link("set", index=links[name]["index"], state="up" if up else "down")
            except self._error() as error:
                problems.append(f"{name}: cannot set the link {'up' if up else 'down'}: {_reason(error)}")
            else:
                _LOG.info("%s: link set %s", name, "up" if up else "down")
        return tuple(problems)

    def _error(self) -> type[Exception]:
        from pyroute2.netlink.exceptions import NetlinkError  # noqa: PLC0415 - as in _open

        error: type[Exception] = NetlinkError
        return error

    # --- what we put --------------------------------------------------------------------------------

    def _recorded(self) -> set[Placed]:
        try:
            return {Placed(device, address) for device, address in json.loads(self._record.read_bytes())}
        except FileNotFoundError:
            return set()
        except (ValueError, TypeError) as error:
            _LOG.warning("%s is damaged, addresses put earlier stay: %s", self._record, error)
            return set()

    def _remember(self, put: set[Placed]) -> None:
        if put == self._recorded():
            return
        files.replace(self._record, json.dumps(sorted(put)).encode())


def _canonical(device: str, address: str) -> Placed:
    return Placed(device, str(ip_interface(address)))


def _reason(error: Exception) -> str:
    return str(error.args[-1])


def _keep_secondaries(device: str) -> None:
    """Removing the first address of a network shall not take the virtual ones in it along (ip-sysctl)."""
    try:
        Path(f"/proc/sys/net/ipv4/conf/{device}/promote_secondaries").write_text("1")
    except OSError as error:
        _LOG.warning("%s: virtual addresses may flicker when the own one changes: %s", device, error.strerror)
