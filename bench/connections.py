"""Connections over power loss of the master and its return, in the lab: the whole appliance with real conntrackd.

    python bench/connections.py [CENTISECONDS [ECHO [BULK [ENTRIES [ROUNDS]]]]]

ECHO connections (default 1,000) wait for the answer to each message before the next, BULK (20) carry a stream;
both go through the master, which drops what belongs to no connection it knows (nf_conntrack_tcp_loose=0). A stall
is the longest time that any of them stood still. It is made of the time until the spare has the role (given beside
it) and of TCP, which sends again after 200 ms at the earliest, then after 400, 800 ms: short stalls need a role
that moves within 200 ms, adverts of 30 ms (the default here). Shorter ones gain nothing, and on one kernel for both
nodes they lose: see "How often to advertise" in docs/OPERATIONS.md.

Without conntrackd the same kills every connection: tests/scenarios/test_connections.py shows it.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from report import heading, verdict

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.conftest import why_no_namespaces  # noqa: E402
from tests.support.lab import HERE, Lab, eventually, lab_name  # noqa: E402

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

FLOWS = str(Path(__file__).with_name("flows.py"))
TALK = str(HERE / "talk.py")
ROUTER, ROUTER_TOO, PORT = "192.168.175.1", "192.168.175.2", "5000"
COUNT = "/proc/sys/net/netfilter/nf_conntrack_count"
FIRST_PORT = 10_000
STALL, FLOOD, LATENCY = 0.3, 5.0, 0.010


class Bench:
    """A lab whose nodes have this advert interval, in centiseconds."""

    def __init__(self, lab: Lab, advert: int) -> None:
        self.lab = lab
        for node in ("master", "spare"):
            lab.cli(node, f"cluster set advert_interval {advert}")
            lab.cli(node, "system update interface")
            lab.cli(node, "system config save")
        lab.exec("router", "ip", "address", "add", f"{ROUTER_TOO}/24", "dev", "LAN1")
        # Nobody answers the flows: what is measured is the way of an entry, not of an ICMP error.
        drop = "add table inet t; add chain inet t in { type filter hook prerouting priority -300; }"
        lab.exec("router", "nft", f"{drop}; add rule inet t in udp dport {FIRST_PORT}-65535 drop")
        self.in_order()

    def in_order(self) -> None:
        self.lab.await_roles("master", "backup", 60)
        eventually(lambda: all(self.state(node) == "running" for node in ("master", "spare")), 60)

    def state(self, node: str) -> str:
        told = self.lab.exec(node, "utmcli", "--json", "cluster", "status", check=False)
        return json.loads(told)["connections"]["state"] if told else ""

    def entries(self, node: str) -> int:
        return int(self.lab.exec(node, "cat", COUNT))

    @contextmanager
    def process(self, node: str, *words: str) -> Iterator[subprocess.Popen[str]]:
        """A script of ours inside a node, from when it says that it runs until its input ends."""
        process = self.lab.popen(node, sys.executable, *words)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            process.stdin.close()
            process.wait(30)

    def send(self, address: str, count: int, rate: float) -> list[tuple[int, float]]:
        """New flows from the client: destination port, and when it was begun."""
        words = (sys.executable, FLOWS, "send", address, str(FIRST_PORT), str(count), str(rate))
        return _times(self.lab.exec("client", *words))

    @contextmanager
    def arrivals(self) -> Iterator[list[tuple[int, float]]]:
        """New entries in the spare's kernel while the block runs; filled when it ends."""
        seen: list[tuple[int, float]] = []
        with self.process("spare", FLOWS, "watch") as watcher:
            yield seen
            assert watcher.stdin is not None
            assert watcher.stdout is not None
            watcher.stdin.close()
            seen += _times(watcher.stdout.read())


def _times(text: str) -> list[tuple[int, float]]:
    rows = [line.split() for line in text.splitlines()]
    return [(int(row[0]), float(row[1])) for row in rows if len(row) == 2]


def flood(bench: Bench, entries: int) -> None:
    """So many flows at once: how long after the last of them the partner's kernel has all."""
    bench.lab.exec("master", "sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=86400")
    half = entries // 2
    with bench.arrivals() as seen:
        sent = [at for address in (ROUTER, ROUTER_TOO) for _, at in bench.send(address, half, 0)]
        eventually(lambda: bench.entries("spare") >= len(sent), 60, lambda: f"{bench.entries('spare')} came")
        time.sleep(1)
    there = sorted(at for _, at in seen)[:len(sent)]
    after_last, after_first = there[-1] - sent[-1], there[-1] - sent[0]
    print(
        f"  {len(sent)} flows begun within {sent[-1] - sent[0]:.2f} s; {len(there)} are on the partner "
        f"{after_last:.2f} s after the last and {after_first:.2f} s after the first"
    )
    # After the last one: how fast they begin is the speed of the client and of this machine.
    verdict(f"all within {FLOOD:g} s of the last", met=after_last <= FLOOD and len(there) == len(sent))


def latency(bench: Bench, flows: int, rate: int) -> None:
    """Flows at a steady rate: from the packet at the client to the entry in the partner's kernel."""
    with bench.arrivals() as arrived:
        sent = bench.send(ROUTER, flows, rate)
        time.sleep(1)
    seen = dict(arrived)
    took = sorted(seen[port] - at for port, at in sent if port in seen)
    if not took:
        verdict("no flow reached the partner", met=False)
        return
    p99 = took[int(len(took) * 0.99)]
    middle, most = statistics.median(took) * 1000, took[-1] * 1000
    figures = f"median {middle:.2f} ms, p99 {p99 * 1000:.2f} ms, max {most:.2f} ms"
    print(f"  {flows} new flows, {rate} a second: {figures}; {flows - len(took)} did not arrive")
    verdict(f"all arrive, p99 below {LATENCY * 1000:g} ms", met=p99 < LATENCY and len(took) == flows)


def power_loss(bench: Bench, echo: int, bulk: int, rounds: int) -> None:
    """Survivors and stalls over power loss and return."""
    stalls: list[float] = []
    survived = True
    many = ("talk", ROUTER, PORT, str(echo), str(bulk), str(max(0.2, echo / 2000)))
    with bench.process("router", TALK, "serve", PORT), bench.process("client", TALK, *many) as talk:
        call(talk)
        for _ in range(rounds):
            for what in ("power loss", "return"):
                taken = lose(bench) if what == "power loss" else come_back(bench)
                roll = call(talk)
                survived &= (roll["echo"], roll["bulk"]) == (echo, bulk)
                stalls += [roll["stall"], roll["bulk_stall"]]
                alive = f"{roll['echo']} of {echo} echo and {roll['bulk']} of {bulk} bulk alive"
                longest = f"longest stall {roll['stall']:.3f} s, of a stream {roll['bulk_stall']:.3f} s"
                print(f"  {what:10} {alive}; {longest}; {taken}", flush=True)
    verdict("every connection survived", met=survived)
    verdict(f"longest stall at most {STALL:g} s: {max(stalls):.3f} s", met=max(stalls) <= STALL)


def call(talk: subprocess.Popen[str]) -> dict[str, Any]:
    """A roll call."""
    assert talk.stdin is not None
    assert talk.stdout is not None
    talk.stdin.write("\n")
    talk.stdin.flush()
    told = json.loads(talk.stdout.readline())
    assert isinstance(told, dict)
    return told


def lose(bench: Bench) -> str:
    """The master is gone; says how long its virtual address did not answer."""
    with bench.lab.probe(500) as outcome:
        bench.lab.kill("master")
        bench.lab.await_roles("", "master")
        time.sleep(1)
    return f"the virtual address was silent for {outcome.outage * 1000:.0f} ms"


def come_back(bench: Bench) -> str:
    """The master is back and master again; says how long it took."""
    began = time.monotonic()
    bench.lab.start("master")
    bench.lab.await_roles("master", "backup", 60)
    taken = time.monotonic() - began
    bench.in_order()
    return f"master again {taken:.1f} s after power on"


def main() -> None:
    """One report."""
    given = [int(word) for word in sys.argv[1:]]
    advert, echo, bulk, entries, rounds = given + [3, 1000, 20, 100_000, 2][len(given) :]
    if reason := why_no_namespaces():
        sys.exit(f"this benchmark cannot run: {reason}")
    lab = Lab(lab_name("bench-connections"))
    lab.up()
    try:
        bench = Bench(lab, advert)
        heading(f"connections, adverts {advert * 10} ms; {os.cpu_count()} cores", "")
        latency(bench, 2000, 500)
        power_loss(bench, echo, bulk, rounds)
        flood(bench, entries)
        print(f"  the same beside {entries} other entries")
        power_loss(bench, echo, bulk, rounds)
    finally:
        lab.down()


main()
