"""The packet filter in a real network namespace: the partner passes, forgeries do not, nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import subprocess
from contextlib import closing, suppress
from queue import Empty, Queue
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from cluster.config import schema
from cluster.net.filter import Filter
from tests.support.appliance import until
from tests.support.netns import Network, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster.model import Config
    from tests.support.netns import Namespace

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

HOTWIRE, PARTNER, STRANGER = "192.168.180.2", "192.168.180.3", "192.168.180.9"
OUTSIDE = "192.168.12.99"
OWN = "192.168.12.141/24"
RESTORED = ("filter-restored", "somebody else changed the packet filter table utmcli_cluster; put back")
NFT_LIST = ("nft", "list", "table", "inet", "utmcli_cluster")


def configuration(*, enabled: bool = True, hotwire: str = "LAN3") -> Config:
    return schema.parse(
        {
            "cluster": {"enabled": enabled, "hotwire_local": HOTWIRE, "hotwire_remote": [PARTNER]},
            "interfaces": {
                "LAN2": {"id": 1, "flags": ["HA"], "vrid": 2},
                "LAN3": {"id": 2, "flags": ["HOTWIRE"] if hotwire == "LAN3" else []},
                "LAN9": {"id": 3, "flags": ["HOTWIRE"] if hotwire == "LAN9" else []},
            },
        }
    )


class Site:
    """One node with an HA interface, a hotwire and another one; a partner, and an attacker on both other LANs."""

    def __init__(self, directory: Path) -> None:
        self.network = Network()
        self.record = directory / "filter.json"
        self.events: list[tuple[str, str]] = []
        self.node, self.partner, self.attacker = (self.network.node() for _ in range(3))
        for interface, address in (("LAN2", OWN), ("LAN3", f"{HOTWIRE}/24"), ("LAN9", "10.9.0.1/24")):
            self.network.wire(self.node, interface, interface, address)
        self.network.wire(self.partner, "LAN3", "LAN3", f"{PARTNER}/24")
        self.partner.run("ip", "address", "add", f"{STRANGER}/24", "dev", "LAN3")
        self.network.wire(self.attacker, "LAN2", "LAN2", f"{OUTSIDE}/24")
        self.network.wire(self.attacker, "LAN9", "LAN9", "10.9.0.99/24")
        # The attacker reaches the hotwire address through the node, which is a router; and nothing but our table
        # shall be what stops the forged packets.
        self.attacker.run("ip", "route", "add", "192.168.180.0/24", "via", "192.168.12.141")
        self.partner.run("ip", "route", "add", "192.168.12.0/24", "via", HOTWIRE)
        for name in ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"):
            self.node.run("sysctl", "-qw", name)
        for name in ("LAN2", "LAN3", "LAN9"):
            self.node.run("sysctl", "-qw", f"net.ipv4.conf.{name}.rp_filter=0")

    def apply(self, config: Config) -> tuple[str, ...]:
        """With a new `Filter`, as after a restart of clusterd."""

        async def scenario() -> tuple[str, ...]:
            return await Filter(self.record, lambda *event: self.events.append(event)).apply(config)

        with self.node.inside():
            return asyncio.run(scenario())

    @property
    def table(self) -> str:
        return self.node.run(*NFT_LIST, check=False)

    def dropped(self, why: str) -> int:
        """Packets dropped by the rule whose comment begins so."""
        rules = json.loads(self.node.run("nft", "-j", *NFT_LIST[1:]))["nftables"]
        return sum(
            expression["counter"]["packets"]
            for rule in rules
            if rule.get("rule", {}).get("comment", "").startswith(why)
            for expression in rule["rule"]["expr"]
            if "counter" in expression
        )

    def handle(self) -> int:
        """The kernel's number of the table: another one when it was put anew."""
        rules = json.loads(self.node.run("nft", "-j", *NFT_LIST[1:]))["nftables"]
        return next(entry["table"]["handle"] for entry in rules if "table" in entry)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.network.close()


def listening(namespace: Namespace, kind: int, port: int) -> socket.socket:
    """A socket of the node that takes whatever reaches a port, or, without one, VRRP from everywhere."""
    with namespace.inside():
        found = socket.socket(socket.AF_INET, kind, 112 if kind == socket.SOCK_RAW else 0)
    found.bind(("0.0.0.0", port))
    if kind == socket.SOCK_STREAM:
        found.listen()
    found.settimeout(5)
    return found


def send(namespace: Namespace, source: str, target: str, protocol: int, payload: bytes) -> None:
    """One packet with whatever source address, from the interface that routes lead to."""
    with namespace.inside(), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as line:
        header = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 255, protocol, 0,
            socket.inet_aton(source), socket.inet_aton(target),
        )  # fmt: skip
        line.sendto(header + payload, (target, 0))


def datagram(port: int, text: bytes) -> bytes:
    return struct.pack("!HHHH", 40000, port, 8 + len(text), 0) + text


def silent(line: socket.socket) -> bool:
    line.setblocking(False)
    try:
        line.recv(2048)
    except BlockingIOError:
        return True
    return False


def connects(namespace: Namespace, source: str, target: str, port: int) -> bool:
    with namespace.inside(), socket.socket() as line:
        line.bind((source, 0))
        line.settimeout(0.7)
        try:
            line.connect((target, port))
        except TimeoutError:
            return False
        return True


# --- what passes ---------------------------------------------------------------------------------------------


def test_connection_news_of_the_partner_pass_also_in_fragments_and_so_does_its_link(site: Site) -> None:
    assert site.apply(configuration()) == ()
    news, link = listening(site.node, socket.SOCK_DGRAM, 3780), listening(site.node, socket.SOCK_STREAM, 22)

    with site.partner.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind((PARTNER, 0))
        line.sendto(b"x" * 5000, (HOTWIRE, 3780))

    assert news.recv(8192) == b"x" * 5000
    assert connects(site.partner, PARTNER, HOTWIRE, 22)
    link.close()
    news.close()


def test_replies_to_connections_of_this_node_pass(site: Site) -> None:
    site.apply(configuration())
    far = listening(site.partner, socket.SOCK_STREAM, 2222)

    assert connects(site.node, HOTWIRE, PARTNER, 2222)
    far.close()


def test_ipv6_works_on_the_hotwire_neighbour_discovery_included(site: Site) -> None:
    for node, address in ((site.node, "fd00::2"), (site.partner, "fd00::3")):
        node.run("ip", "address", "add", f"{address}/64", "dev", "LAN3", "nodad")
    site.apply(
        schema.parse(
            {
                "cluster": {"enabled": True, "hotwire_local": "fd00::2", "hotwire_remote": ["fd00::3"]},
                "interfaces": {"LAN3": {"id": 2, "flags": ["HOTWIRE"]}},
            }
        )
    )
    with site.node.inside():
        news = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    news.bind(("::", 3780))
    news.settimeout(5)

    with site.partner.inside(), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as line:
        line.sendto(b"told", ("fd00::2", 3780))

    assert news.recv(100) == b"told"
    news.close()


# --- what does not -------------------------------------------------------------------------------------------

FORGERIES = {
    "another address on the hotwire": ("partner", STRANGER, HOTWIRE, "nothing else"),
    "the partner's address from an HA interface": ("attacker", PARTNER, HOTWIRE, "connections"),
    "an HA interface to its own address": ("attacker", OUTSIDE, "192.168.12.141", "connections"),
    "another interface": ("attacker", "10.9.0.99", "10.9.0.1", "connections"),
    "a process of this machine": ("node", HOTWIRE, HOTWIRE, "connections"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_connection_news_from_elsewhere_do_not_arrive(site: Site, forgery: str) -> None:
    who, source, target, why = FORGERIES[forgery]
    news = listening(site.node, socket.SOCK_DGRAM, 3780)
    packet = datagram(3780, b"forged")
    send(getattr(site, who), source, target, 17, packet)
    assert news.recv(100) == b"forged", "without the table it arrives: the attack is real"
    site.apply(configuration())

    send(getattr(site, who), source, target, 17, packet)

    until(lambda: site.dropped(why) == 1, "the packet was dropped")
    assert silent(news)
    news.close()


@pytest.mark.parametrize(
    ("who", "source"),
    [("partner", STRANGER), ("attacker", OUTSIDE)],
    ids=["on the hotwire", "through an HA interface"],
)
def test_nobody_else_reaches_the_hotwires_port(site: Site, who: str, source: str) -> None:
    link = listening(site.node, socket.SOCK_STREAM, 22)
    assert connects(getattr(site, who), source, HOTWIRE, 22), "without the table it does"
    site.apply(configuration())

    assert not connects(getattr(site, who), source, HOTWIRE, 22)
    assert connects(site.attacker, OUTSIDE, "192.168.12.141", 22), "the node's other addresses stay served"
    link.close()


def test_no_other_port_is_open_on_the_hotwire_not_even_for_the_partner(site: Site) -> None:
    service = listening(site.node, socket.SOCK_STREAM, 80)
    assert connects(site.partner, PARTNER, HOTWIRE, 80)
    site.apply(configuration())

    assert not connects(site.partner, PARTNER, HOTWIRE, 80)
    assert connects(site.attacker, OUTSIDE, "192.168.12.141", 80)
    service.close()


def test_a_connection_that_a_stranger_had_before_is_cut_though_the_kernel_knows_it(site: Site) -> None:
    chain = "add table ip t; add chain ip t c { type filter hook input priority 0; }"
    site.node.run("nft", f"{chain}; add rule ip t c ct state new")
    service = listening(site.node, socket.SOCK_STREAM, 80)
    with site.partner.inside():
        line = socket.create_connection((HOTWIRE, 80), timeout=5)
    accepted, _ = service.accept()
    site.apply(configuration())

    line.send(b"more")

    until(lambda: site.dropped("nothing else") >= 1, "the packet was dropped")
    assert silent(accepted)
    for each in (line, accepted, service):
        each.close()


def test_nothing_is_forwarded_to_or_from_the_hotwire(site: Site) -> None:
    far = listening(site.partner, socket.SOCK_STREAM, 80)
    near = listening(site.attacker, socket.SOCK_STREAM, 80)
    assert connects(site.attacker, OUTSIDE, PARTNER, 80)
    assert connects(site.partner, PARTNER, OUTSIDE, 80)
    site.apply(configuration())

    assert not connects(site.attacker, OUTSIDE, PARTNER, 80)
    assert not connects(site.partner, PARTNER, OUTSIDE, 80)
    far.close()
    near.close()


@pytest.mark.parametrize("way", ["to", "from"])
def test_not_even_what_needs_no_answer_is_forwarded(site: Site, way: str) -> None:
    ends = [(site.attacker, OUTSIDE), (site.partner, PARTNER)]
    (sender, source), (receiver, target) = ends if way == "to" else reversed(ends)
    far = listening(receiver, socket.SOCK_DGRAM, 5000)
    send(sender, source, target, 17, datagram(5000, b"before"))
    assert far.recv(100) == b"before"
    site.apply(configuration())

    send(sender, source, target, 17, datagram(5000, b"after"))

    until(lambda: site.dropped("the hotwire leads nowhere") == 1, "the packet was dropped")
    assert silent(far)
    far.close()


def test_vrrp_passes_on_ha_interfaces_only(site: Site) -> None:
    vrrp = listening(site.node, socket.SOCK_RAW, 0)
    site.apply(configuration())

    send(site.attacker, "10.9.0.99", "10.9.0.1", 112, b"forged by LAN9")
    until(lambda: site.dropped("VRRP") == 1, "dropped on LAN9")
    send(site.partner, PARTNER, HOTWIRE, 112, b"forged by LAN3")
    until(lambda: site.dropped("nothing else") == 1, "dropped on the hotwire")
    send(site.attacker, OUTSIDE, "192.168.12.141", 112, b"genuine")

    assert vrrp.recv(100)[20:] == b"genuine"
    vrrp.close()


# --- beside others, and over time ----------------------------------------------------------------------------


def test_tables_of_others_are_left_alone_and_still_count(site: Site) -> None:
    site.node.run("nft", "add table inet theirs; add chain inet theirs in { type filter hook input priority 0; }")
    site.node.run("nft", "add rule inet theirs in udp dport 3780 counter drop")
    site.apply(configuration())
    with site.partner.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.sendto(b"told", (HOTWIRE, 3780))
    until(lambda: "packets 1" in site.node.run("nft", "list", "table", "inet", "theirs"), "their rule saw it")

    site.apply(configuration(enabled=False))

    assert site.node.run("nft", "list", "tables") == "table inet theirs\n"


def test_switched_off_nothing_is_left_also_when_the_record_is_lost(site: Site) -> None:
    site.apply(configuration())
    assert site.table
    site.record.unlink()

    assert site.apply(configuration(enabled=False)) == ()

    assert site.node.run("nft", "list", "ruleset") == ""
    assert not site.record.exists()


def test_a_second_time_nothing_is_touched(site: Site) -> None:
    site.apply(configuration())
    before = site.handle(), site.record.stat().st_mtime_ns

    site.apply(configuration())

    assert (site.handle(), site.record.stat().st_mtime_ns) == before


@pytest.mark.parametrize(
    "damage",
    [
        "flush ruleset",
        "flush chain inet utmcli_cluster hotwire",
        "insert rule inet utmcli_cluster input udp dport 3780 accept",
    ],
)
def test_what_somebody_else_changed_is_put_back(site: Site, damage: str) -> None:
    site.apply(configuration())
    before = site.node.run("nft", "--stateless", "list", "ruleset")
    site.node.run("nft", damage)
    assert site.node.run("nft", "--stateless", "list", "ruleset") != before

    assert site.apply(configuration()) == ()

    assert site.node.run("nft", "--stateless", "list", "ruleset") == before
    assert site.events == [RESTORED]


def flushed(site: Site, times: int) -> None:
    """Somebody flushes all rules, and again once ours are back."""

    async def scenario() -> None:
        noted: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        guarding = Filter(site.record, lambda *event: noted.put_nowait(event))
        await guarding.apply(configuration())
        keeping = asyncio.create_task(guarding.keep())
        await asyncio.sleep(0)  # it listens before the next line
        for _ in range(times):
            site.node.run("nft", "flush", "ruleset")
            async with asyncio.timeout(10):
                assert await noted.get() == RESTORED
        keeping.cancel()

    with site.node.inside():
        asyncio.run(scenario())


def test_what_somebody_else_changed_is_put_back_by_itself_and_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.net.changes.SETTLE", 20)

    flushed(site, 1)

    assert "goto hotwire" in site.table


def test_what_is_changed_again_and_again_is_put_back_each_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.net.changes.SETTLE", 0.05)

    flushed(site, 3)

    assert "goto hotwire" in site.table


def test_a_table_that_was_flushed_before_it_could_be_looked_at_is_put_again(site: Site) -> None:
    site.apply(configuration())
    text, _shown = json.loads(site.record.read_bytes())
    site.record.write_text(json.dumps([text, ""]))
    site.node.run("nft", "flush", "ruleset")

    assert site.apply(configuration()) == ()

    assert "goto hotwire" in site.table


def test_a_table_whose_record_is_damaged_is_put_anew(site: Site) -> None:
    site.apply(configuration())
    before = site.handle()
    site.record.write_text("[1")

    assert site.apply(configuration()) == ()

    assert site.handle() != before


class Monitor:
    """`nft monitor` of a node, which is known to listen."""

    def __init__(self, node: Namespace) -> None:
        self._process = subprocess.Popen(node.command("nft", "monitor"), stdout=subprocess.PIPE, text=True)
        self._lines: Queue[str] = Queue()
        self._reader = Thread(target=self._read)
        self._reader.start()
        for attempt in range(60):
            node.run("nft", f"add table inet ready{attempt}")
            with suppress(Empty):
                self.until(f"ready{attempt}", patience=0.5)
                break
        else:
            raise AssertionError("nft monitor says nothing")
        self.until("new generation")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def until(self, wanted: str, patience: float = 30.0) -> list[str]:
        """The lines up to the one that says this."""
        lines = [self._lines.get(timeout=patience)]
        while wanted not in lines[-1]:
            lines.append(self._lines.get(timeout=patience))
        return lines

    def close(self) -> None:
        self._process.kill()
        self._reader.join()
        self._process.communicate()


def test_another_hotwire_takes_the_place_of_the_old_one_in_one_transaction(site: Site) -> None:
    site.apply(configuration())
    with closing(Monitor(site.node)) as monitor:
        site.apply(configuration(hotwire="LAN9"))
        lines = monitor.until("add rule inet utmcli_cluster")

    assert not any("new generation" in line for line in lines), "there was a moment without rules"
    assert 'iifname "LAN9" goto hotwire' in site.table
    assert '"LAN3"' not in site.table


def test_without_nft_a_clustered_node_says_so_and_one_that_is_off_needs_none(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.net.filter.NFT", "no-such-nft")

    (problem,) = site.apply(configuration())

    assert problem == (
        "the packet filter of the cluster is not as it should be: nft is not installed (Debian package nftables)"
    )
    assert site.apply(configuration(enabled=False)) == ()


def test_a_refusal_of_nft_is_told_and_changes_nothing(site: Site, tmp_path: Path, monkeypatch: Any) -> None:
    site.apply(configuration())
    before = site.table
    refusing = tmp_path / "nft"
    refusing.write_text("#!/bin/sh\necho 'Error: no room' >&2\necho more >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr("cluster.net.filter.NFT", str(refusing))

    (problem,) = site.apply(configuration(enabled=False))

    assert problem.endswith("nft cannot list the table: Error: no room")
    assert site.table == before
