"""The translation table of a cluster, as text for nft(8), from the configuration and the role alone. Pure.

    master   what a rule names leaves with the virtual address as its source, so that replies come to whoever is
             master; what this machine says for itself keeps its own address
    backup   the same packets are not forwarded when they begin a connection: between taking the addresses over and
             this table's turn some may come by, and one that left untranslated would stay so for good. The chain
             of translations is there and empty, since the kernel translates entries of connections that the partner
             told (conntrackd) only where there is one.

A table of its own, so that a change of the role leaves the packet filter (ruleset.py) alone. It is asked before the
translations of others (priority srcnat - 10), whose accept is none of its business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster import translation
from cluster.net.ruleset import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.model import Config, Rule

TABLE = "utmcli_hidenat"


def table(config: Config, *, master: bool) -> str:
    """The table for a configuration.

    Args:
        config: the configuration in force.
        master: whether this node is.

    Returns:
        Text for ``nft -f``; empty where there shall be no table.

    Raises:
        InvalidConfigurationError: an interface has a name that nft cannot read.
    """
    rules = active(config)
    if not rules:
        return ""
    lines = [_line(config, key, rule, master=master) for key, rule in rules]
    hide = _chain("hide", "type nat hook postrouting priority srcnat - 10", lines if master else [])
    wait = [] if master else [_chain("wait", "type filter hook forward priority filter - 10", lines)]
    return "\n".join([f"table inet {TABLE} {{", hide, *wait, "}", ""])


def active(config: Config) -> list[tuple[str, Rule]]:
    """The rules that have an effect, with their ids, in their order."""
    rules = [(key, rule) for key, rule in config.rules.items() if "DISABLED" not in rule.flags]
    return sorted(rules, key=lambda item: item[1].pos) if config.cluster.enabled else []


def _chain(name: str, base: str, lines: list[str]) -> str:
    return f"\tchain {name} {{\n\t\t{base}; policy accept;\n" + "".join(f"\t\t{line}\n" for line in lines) + "\t}"


def _line(config: Config, key: str, rule: Rule, *, master: bool) -> str:
    hider = translation.hider(config, rule.nat_node)
    words = [f"oifname {quoted(hider.device)}", "meta nfproto ipv4", *_packets(config, rule)]
    if "HIDENAT_EXCLUDE" in rule.flags:
        words.append("accept")
    elif master:
        words.append(f"fib saddr type != local counter snat ip to {hider.address}")
    else:
        words.append("ct state new counter drop")
    return " ".join([*words, f'comment "rule {key}"'])


def _packets(config: Config, rule: Rule) -> Iterator[str]:
    for side, word in (("saddr", rule.src), ("daddr", rule.dst)):
        networks = translation.networks(config, word)
        if networks:
            yield f"ip {side} {{ {', '.join(str(network) for network in networks)} }}"
    protocol, ports = translation.service(rule.service)
    if ports:
        first, last = ports
        yield f"{protocol} dport {first}" if first == last else f"{protocol} dport {first}-{last}"
    elif protocol:
        yield f"meta l4proto {protocol}"
