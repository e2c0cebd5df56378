"""What foreign nftables rules do with a packet, from the JSON of ``nft -j`` (libnftables-json(5)). Pure.

A rule set may ask for more than is known of a packet beforehand: its sender, a rate, a set filled at run time. So
a match is true, false or open, and only what is certain is told: a drop that no open rule before it could have
prevented. Rules that iptables-nft keeps as extensions count as open.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_DEPTH = 16
"""Chains that may call each other; the kernel itself allows 16 (NFT_JUMP_STACK_SIZE)."""
_NEUTRAL = frozenset({"counter", "log", "comment", "mangle", "set", "notrack", "ct helper", "ct count"})
"""Statements that decide nothing."""
_WORDS: dict[str, int] = {
    "icmp": 1, "igmp": 2, "ipencap": 4, "tcp": 6, "udp": 17, "dccp": 33, "gre": 47, "esp": 50, "ah": 51,
    "ipv6-icmp": 58, "icmpv6": 58, "ospf": 89, "pim": 103, "comp": 108, "vrrp": 112, "l2tp": 115,
    "sctp": 132, "udplite": 136,
}  # fmt: skip
"""Transport protocols by the names nft shows."""
_FAMILIES: dict[int, tuple[str, ...]] = {4: ("inet", "ip"), 6: ("inet", "ip6")}


class Packet(NamedTuple):
    """A packet as it will come or go; None is not known beforehand.

    Attributes:
        version: 4 or 6.
        protocol: number of the transport protocol.
        iifname: interface it comes in by; empty for an outgoing one.
        oifname: interface it leaves by; empty for an incoming one.
        source: address.
        destination: address.
        port: destination port.
    """

    version: int
    protocol: int
    iifname: str = ""
    oifname: str = ""
    source: str | None = None
    destination: str | None = None
    port: int | None = None


class _Chain(NamedTuple):
    family: str
    table: str
    name: str
    hook: str
    priority: int
    policy: str
    device: str
    rules: list[list[dict[str, Any]]]


class _Outcome(NamedTuple):
    """Of a chain: `verdict` is accept, drop, or empty for neither; `sure` unless an open rule came before."""

    verdict: str
    sure: bool
    cause: str = ""


class Rules:
    """A rule set.

    Args:
        listed: of the whole rule set, as decoded from JSON; what has an unexpected form counts as open.
        ours: names of tables that are left out.
    """

    def __init__(self, listed: dict[str, Any], *ours: str) -> None:
        self._chains: dict[tuple[str, str, str], _Chain] = {}
        self._sets: dict[tuple[str, str, str], Any] = {}
        for entry in listed.get("nftables", []):
            for kind, about in entry.items():
                if isinstance(about, dict) and about.get("table") not in {None, *ours}:
                    self._take(kind, about)

    def _take(self, kind: str, about: dict[str, Any]) -> None:
        key = (str(about.get("family")), str(about["table"]), str(about.get("name")))
        if kind == "chain":
            self._chains[key] = _Chain(
                *key,
                hook=about.get("hook", ""),
                priority=about.get("prio", 0),
                policy=about.get("policy", "accept"),
                device=about.get("dev", "") if isinstance(about.get("dev", ""), str) else "",
                rules=[],
            )
        elif kind == "set":
            # A set whose elements come and go by themselves says nothing of the next packet.
            self._sets[key] = None if "timeout" in about.get("flags", []) else about.get("elem", [])
        elif kind == "rule":
            chain = self._chains.get((key[0], key[1], str(about.get("chain"))))
            if chain is not None:
                chain.rules.append(about.get("expr", []))

    def causes(self, packet: Packet) -> Iterator[str]:
        """Every chain that certainly drops the packet, in words."""
        hooks = {"output", "postrouting"} if packet.oifname else {"ingress", "prerouting", "input"}
        for chain in sorted(self._chains.values(), key=lambda chain: chain.priority):
            if chain.hook not in hooks or not _sees(chain, packet):
                continue
            outcome = self._walk(chain, packet, _DEPTH)
            if outcome.verdict == "drop" and outcome.sure:
                yield outcome.cause
            elif not outcome.verdict and outcome.sure and chain.policy == "drop":
                yield f"the chain {_named(chain)} drops what no rule accepts"

    def sources(self, device: str) -> Iterator[tuple[str, str]]:
        """Every rule that may give IPv4 packets that leave by an interface another source.

        Yields:
            The rule, in words, and the address; empty: one that the interface has.
        """
        leaving = Packet(4, 0, oifname=device)
        for chain in (each for each in self._chains.values() if each.family in _FAMILIES[leaving.version]):
            for number, statements in enumerate(chain.rules, 1):
                source = next((found for each in statements if (found := _source(each)) is not None), None)
                elsewhere = any(self._is_for_others(chain, each.get("match"), leaving) for each in statements)
                if source is not None and not elsewhere:
                    yield f"rule {number} of the chain {_named(chain)}", source

    def _is_for_others(self, chain: _Chain, about: Any, packet: Packet) -> bool:
        """Whether a match wants another interface to leave by."""
        key = about.get("left", {}).get("meta", {}).get("key") if isinstance(about, dict) else None
        return key in {"oif", "oifname"} and self._holds(chain, about, packet) is False

    # --- walking ------------------------------------------------------------------------------------

    def _walk(self, chain: _Chain, packet: Packet, depth: int) -> _Outcome:
        sure = True
        for number, statements in enumerate(chain.rules, 1):
            outcome = self._rule(chain, number, statements, packet, depth)
            if outcome.verdict == "return":
                return _Outcome("", sure and outcome.sure)
            if outcome.verdict and outcome.sure:
                return outcome._replace(sure=sure)
            sure = sure and outcome.sure
        return _Outcome("", sure)

    def _rule(
        self, chain: _Chain, number: int, statements: Sequence[dict[str, Any]], packet: Packet, depth: int
    ) -> _Outcome:
        """What one rule does; an open one that could let the packet through is not sure, one that could drop is."""
        certain = True
        for statement in statements:
            ((kind, about),) = statement.items() if len(statement) == 1 else (("", None),)
            if kind == "match":
                holds = self._holds(chain, about, packet)
                if holds is False:
                    return _Outcome("", True)
                certain = certain and holds is True
            elif kind == "vmap":
                picked = self._picked(chain, about, packet)
                if picked is None:
                    return _Outcome("", False)
                if picked:
                    return self._verdict(chain, number, picked, packet, depth, certain=certain)
            elif kind in _VERDICTS:
                return self._verdict(chain, number, statement, packet, depth, certain=certain)
            elif kind not in _NEUTRAL:
                certain = False
        return _Outcome("", True)

    def _verdict(
        self, chain: _Chain, number: int, statement: dict[str, Any], packet: Packet, depth: int, *, certain: bool
    ) -> _Outcome:
        ((kind, about),) = statement.items()
        if kind in {"drop", "reject"}:
            # Whether an open rule drops or not: what comes after it decides the rest alone.
            cause = f"rule {number} of the chain {_named(chain)} drops it"
            return _Outcome("drop", True, cause) if certain else _Outcome("", True)
        if kind in {"jump", "goto"}:
            target = self._chains.get((chain.family, chain.table, str((about or {}).get("target"))))
            if target is None or not depth:
                return _Outcome("", False)
            outcome = self._walk(target, packet, depth - 1)
            if not certain:
                # It may come back or not be entered at all; only an accept in there could save the packet.
                return _Outcome("", outcome.sure and outcome.verdict != "accept" and kind == "jump")
            if kind == "goto" and not outcome.verdict:
                return _Outcome("return", outcome.sure)
            return outcome
        if kind == "continue":
            return _Outcome("", True)
        if kind in {"accept", "return"} and certain:
            return _Outcome(kind, True)
        return _Outcome("", False)

    # --- matching -----------------------------------------------------------------------------------

    def _picked(self, chain: _Chain, about: Any, packet: Packet) -> dict[str, Any] | None:
        """The verdict of a map for the packet, empty where it has none, None where that is open."""
        known, value = _value(about.get("key"), packet) if isinstance(about, dict) else (False, None)
        elements = about.get("data") if known else None
        pairs = elements.get("set") if isinstance(elements, dict) else None
        if not isinstance(pairs, list):
            return None
        for key, verdict in pairs:
            among = self._among(chain, value, key)
            if among is None:
                return None
            if among:
                return verdict if isinstance(verdict, dict) else None
        return {}

    def _holds(self, chain: _Chain, about: Any, packet: Packet) -> bool | None:
        if not isinstance(about, dict):
            return None
        left, right, relation = about.get("left"), about.get("right"), about.get("op")
        if _elsewhere(left, packet):
            return False
        known, value = _value(left, packet)
        if not known or relation not in {"==", "!=", "in"}:
            return None
        among = self._among(chain, value, right)
        return among if among is None or relation != "!=" else not among

    def _among(self, chain: _Chain, value: Any, right: Any) -> bool | None:
        """Whether a value is the one, or one of those, that a rule names."""
        if isinstance(right, str) and right.startswith("@"):
            right = self._sets.get((chain.family, chain.table, right[1:]))
        elif isinstance(right, dict) and "set" in right:
            right = right["set"]
        if isinstance(right, list):
            found = [self._among(chain, value, element) for element in right]
            return True if True in found else None if None in found else False
        return _within(value, right) if isinstance(right, dict) else _equal(value, right)


_VERDICTS = frozenset({"accept", "drop", "reject", "jump", "goto", "return", "continue", "queue"})


def _source(statement: dict[str, Any]) -> str | None:
    """The source that a statement gives a packet; iptables-nft keeps MASQUERADE as an extension."""
    extension = statement.get("xt")
    if "masquerade" in statement or (isinstance(extension, dict) and extension.get("name") == "MASQUERADE"):
        return ""
    about = statement.get("snat")
    address = about.get("addr") if isinstance(about, dict) else None
    return address if isinstance(address, str) else None


def _sees(chain: _Chain, packet: Packet) -> bool:
    if chain.hook == "ingress":
        return bool(chain.device) and chain.device == packet.iifname
    return chain.family in _FAMILIES[packet.version]


def _named(chain: _Chain) -> str:
    return f"{chain.family} {chain.table} {chain.name}"


def _elsewhere(left: Any, packet: Packet) -> bool:
    """Whether a match looks at a header that the packet does not have."""
    header = left.get("payload", {}).get("protocol") if isinstance(left, dict) else None
    if header in {"ip", "ip6", "icmp", "icmpv6"}:
        return not (header == "ip" and packet.version == 4) and not (header == "ip6" and packet.version == 6)
    return header in {"tcp", "udp", "udplite", "sctp", "dccp"} and _WORDS.get(header) != packet.protocol


def _value(left: Any, packet: Packet) -> tuple[bool, Any]:
    """What the packet has where a match looks, and whether that is known."""
    if not isinstance(left, dict):
        return False, None
    for kind, about in left.items():
        if isinstance(about, dict):
            where = (about.get("protocol"), about.get("field")) if kind == "payload" else (kind, about.get("key"))
            reader = _VALUES.get(where)
            value = reader(packet) if reader else None
            return value is not None, value
    return False, None


_VALUES: dict[tuple[Any, Any], Callable[[Packet], str | int | None]] = {
    ("meta", "iifname"): lambda packet: packet.iifname,
    ("meta", "iif"): lambda packet: packet.iifname,
    ("meta", "oifname"): lambda packet: packet.oifname,
    ("meta", "oif"): lambda packet: packet.oifname,
    ("meta", "l4proto"): lambda packet: packet.protocol,
    ("meta", "nfproto"): lambda packet: f"ipv{packet.version}",
    ("meta", "protocol"): lambda packet: "ip" if packet.version == 4 else "ip6",
    ("ip", "protocol"): lambda packet: packet.protocol,
    ("ip6", "nexthdr"): lambda packet: packet.protocol,
    ("ip", "saddr"): lambda packet: packet.source,
    ("ip6", "saddr"): lambda packet: packet.source,
    ("ip", "daddr"): lambda packet: packet.destination,
    ("ip6", "daddr"): lambda packet: packet.destination,
    ("tcp", "dport"): lambda packet: packet.port,
    ("udp", "dport"): lambda packet: packet.port,
    ("th", "dport"): lambda packet: packet.port,
    # Of a connection that begins: what is established was let through before.
    ("ct", "state"): lambda _packet: "new",
}


def _within(value: Any, right: dict[str, Any]) -> bool | None:
    if "elem" in right and isinstance(right["elem"], dict):
        plain = right["elem"].get("val")
        return _within(value, plain) if isinstance(plain, dict) else _equal(value, plain)
    if "range" in right:
        low, high = right["range"]
        if isinstance(value, int) and isinstance(low, int) and isinstance(high, int):
            return low <= value <= high
        if isinstance(value, str) and isinstance(low, str) and isinstance(high, str):
            return _between(value, low, high)
        return None
    if "prefix" in right:
        network = f"{right['prefix'].get('addr')}/{right['prefix'].get('len')}"
        try:
            return ip_address(value) in ip_network(network, strict=False)
        except ValueError:
            return None
    return None


def _equal(value: Any, right: Any) -> bool | None:
    if isinstance(right, str):
        if isinstance(value, str):
            return _same(value, right)
        return _WORDS[right] == value if right in _WORDS else None
    return value == right if isinstance(value, int) and type(right) is int else None


def _same(value: str, right: str) -> bool:
    """Names, where a star at the end stands for any ending, and addresses, which may be spelled in several ways."""
    if right.endswith("*"):
        return value.startswith(right[:-1])
    try:
        return ip_address(value) == ip_address(right)
    except ValueError:
        return value == right


def _between(value: str, low: str, high: str) -> bool | None:
    try:
        number, first, last = (ip_address(text) for text in (value, low, high))
    except ValueError:
        return None
    return int(first) <= int(number) <= int(last) if number.version == first.version else False
