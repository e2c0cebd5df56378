"""10,000 objects, about 1 MiB, sent over the open hotwire: until they are durable and in force at the partner.

python bench/synchronize.py [RUNS]

Two real clusterds in network namespaces, their stores on the file system of the temporary directory. Each run sends
a configuration in which something differs. Beside it: the longest that the receiver let somebody else wait for an
answer meanwhile, since whoever supervises the engine must not stall, and the durable write that no synchronisation
can do without, measured on the same file system in the same run.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from report import Target, at_most, heading, judge, row

from cluster.config import scope
from cluster.model import SetValue
from cluster.rpc.client import Client
from cluster.rpc.messages import (
    ConfigReply,
    Configs,
    EditConfig,
    GetConfig,
    ListConfigs,
    SaveConfig,
    Synchronize,
)
from tests.support.appliance import ADMIN, until
from tests.support.netns import why_not
from tests.support.pair import Pair

RUNS = 9
OBJECTS = 10_000
LIMIT = 0.3
STALL = 0.1
GLOBALS, VIRTUAL, PER_APPLICATION = 4000, 200, 10


def objects(run: int) -> tuple[SetValue, ...]:
    """A configuration of `OBJECTS` objects, one of which differs from run to run."""
    values = {f"GLOB_{n:05}": [f"host-{n}.example.org", f"192.0.2.{n % 250}", "x" * 60] for n in range(GLOBALS)}
    values["GLOB_00000"] = [f"run {run}"]
    applications = (OBJECTS - GLOBALS - VIRTUAL) // PER_APPLICATION
    variables = {
        f"application{a}": {f"VARIABLE_{v}": f"a value of some length, {a} {v}" for v in range(PER_APPLICATION)}
        for a in range(applications)
    }
    addresses: dict[str, Any] = {
        str(n + 1): {"device": "LAN2", "address": f"10.1.{n // 100}.{n % 100 + 1}/16"} for n in range(VIRTUAL)
    }
    return (
        SetValue(("globals",), values),
        SetValue(("variables",), variables),
        SetValue(("virtual_addresses",), addresses),
    )


async def measure(pair: Pair, runs: int) -> tuple[list[float], list[float], list[float], int]:
    """Seconds and processor seconds of each synchronisation, the longest wait of others in each, and bytes sent."""
    took, worked, waited, size = [], [], [], 0
    async with (
        await Client.connect(pair.master.run / "clusterd.sock") as master,
        await Client.connect(pair.spare.run / "clusterd.sock") as spare,
    ):
        for run in range(runs + 1):
            await master.ask(EditConfig(objects(run)), ADMIN, 60)
            await master.ask(SaveConfig(), ADMIN, 60)
            await asyncio.sleep(0.5)  # what the edit and the save set off has settled
            looking = asyncio.create_task(longest_wait(spare))
            before, began = processor_time(pair), time.perf_counter()
            await master.ask(Synchronize(), ADMIN, 60)
            took.append(time.perf_counter() - began)
            worked.append(processor_time(pair) - before)
            looking.cancel()
            waited.append(await looking)
        sent = await master.ask(GetConfig(secrets=True), ADMIN, 60)
        got = await spare.ask(GetConfig(secrets=True), ADMIN, 60)
        assert isinstance(sent, ConfigReply)
        assert isinstance(got, ConfigReply)
        assert scope.digest(sent.config) == scope.digest(got.config)
        size = len(scope.encoded(sent.config))
    return took[1:], worked[1:], waited[1:], size


def processor_time(pair: Pair) -> float:
    """Seconds that both clusterds kept a processor busy since they began, all their threads."""
    spent = 0
    for node in (pair.master, pair.spare):
        assert node.process is not None
        for thread in Path(f"/proc/{node.process.pid}/task").iterdir():
            spent += int((thread / "schedstat").read_text().split()[0])
    return spent / 1e9


async def longest_wait(node: Client) -> float:
    """Ask again and again, until cancelled; the longest wait, seconds."""
    longest = 0.0
    try:
        while True:
            began = time.perf_counter()
            assert isinstance(await node.ask(ListConfigs(), ADMIN), Configs)
            longest = max(longest, time.perf_counter() - began)
            await asyncio.sleep(0.002)
    except asyncio.CancelledError:
        return longest


def durable_writes(directory: Path, runs: int) -> list[float]:
    """Seconds for a file of 100 KiB to be on the disk: what the commit cannot be faster than."""
    took = []
    for run in range(runs):
        began = time.perf_counter()
        descriptor = os.open(directory / f"probe{run}", os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(descriptor, b"x" * 100 * 1024)
        os.fsync(descriptor)
        os.close(descriptor)
        took.append(time.perf_counter() - began)
    return took


def main() -> None:
    """One table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    if why_not():
        raise SystemExit(why_not())
    with tempfile.TemporaryDirectory(prefix="synchronize") as directory:
        pair = Pair(Path(directory))
        try:
            pair.start()
            until(lambda: (pair.master.role, pair.spare.role) == ("master", "backup"), "roles")
            pair.await_sync("synchronized")
            took, worked, waited, size = asyncio.run(measure(pair, runs))
            assert pair.spare.roles == ["backup"], "no role may move"
        finally:
            pair.close()
        disk = durable_writes(Path(directory), runs)
    heading(f"synchronize {OBJECTS} objects, {size / 1024:.0f} KiB, {runs} runs")
    row("until durable and in force there", "utmcli", took)
    row("processor time of both clusterds", "utmcli", worked)
    row("a durable write of 100 KiB", "the disk", disk)
    judge(
        took, (), Target(f"median at most {LIMIT * 1000:.0f} ms", lambda ours, _: statistics.median(ours) <= LIMIT)
    )
    row("longest wait of others there", "utmcli", waited)
    judge(waited, (), at_most(STALL, f"at most {STALL * 1000:.0f} ms, so that nobody misses the engine"))


main()
