"""`rule`: what the master hides behind a virtual address, the part of Securepoint's rules that a cluster needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from cluster.errors import NotFoundError
from cluster.model import RemoveValue, RuleFlag, SetValue
from utmcli import live
from utmcli.commands._asking import revise, running
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Table
from utmcli.values import Choice, ListOf, MalformedError, Name, Number, ValueType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cluster.model import Change, Config, Rule

COLUMNS = ("id", "group", "pos", "src", "dst", "service", "flags", "nat_node")
_FIELDS = ("group", "src", "dst", "service", "flags", "nat_node")
_NOT_OURS = frozenset({
    "REJECT", "DROP", "LOG", "LOG_ALL", "STATELESS", "RELATED", "QOS", "DESTNAT", "NETMAP", "FULLCONENAT", "TRACE",
})  # fmt: skip
"""Flags of Securepoint's rules that make a packet filter."""


async def get(call: Call) -> Table:
    """`rule get`: in the order in which they are asked."""
    rules = (await running(call)).rules
    return Table(
        COLUMNS,
        tuple(
            (int(key), rule.group, rule.pos, rule.src, rule.dst, rule.service, rule.flags, rule.nat_node)
            for key, rule in sorted(rules.items(), key=lambda item: item[1].pos)
        ),
    )


async def new(call: Call) -> Done:
    """`rule new`: with the next free id, behind all others."""

    def changes(config: Config) -> tuple[Change, ...]:
        key = max(map(int, config.rules), default=0) + 1
        last = max((rule.pos for rule in config.rules.values()), default=0)
        return (SetValue(("rules", str(key)), {"pos": last + 1, **_fields(call)}),)

    return await revise(call, changes)


async def set_rule(call: Call) -> Done:
    """`rule set`, `rule move`: what is not given stays."""

    def changes(config: Config) -> tuple[Change, ...]:
        key = _known(config, call)
        order = _order(config.rules)
        if "pos" in call.values:
            order.remove(key)
            order.insert(call.values["pos"] - 1, key)
        fields = _fields(call)
        given = tuple(SetValue(("rules", key, field), value) for field, value in fields.items())
        return (*_numbered(order, config), *given)

    return await revise(call, changes)


async def delete(call: Call) -> Done:
    """`rule delete`: those behind it move up."""

    def changes(config: Config) -> tuple[Change, ...]:
        key = _known(config, call)
        order = [other for other in _order(config.rules) if other != key]
        return (RemoveValue(("rules", key)), *_numbered(order, config))

    return await revise(call, changes)


def _order(rules: dict[str, Rule]) -> list[str]:
    return sorted(rules, key=lambda key: rules[key].pos)


def _numbered(order: Sequence[str], config: Config) -> tuple[Change, ...]:
    return tuple(
        SetValue(("rules", key, "pos"), pos)
        for pos, key in enumerate(order, 1)
        if config.rules[key].pos != pos
    )


def _known(config: Config, call: Call) -> str:
    key = str(call.values["id"])
    if key not in config.rules:
        raise NotFoundError(f"there is no rule with the id {key}; known are {', '.join(config.rules) or 'none'}")
    return key


def _fields(call: Call) -> dict[str, Any]:
    fields = {name: call.values[name] for name in _FIELDS if name in call.values}
    return fields | ({"flags": list(fields["flags"])} if "flags" in fields else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Choice):
    """A flag that has an effect here; the others of Securepoint's rules are refused by name."""

    metavar: str = "FLAG"

    def parse(self, text: str) -> str:
        """Read one of the flags."""
        if text.upper() in _NOT_OURS:
            raise MalformedError(
                f"{text.upper()} has no effect here: a rule hides packets behind a virtual address, and the packet "
                "filter is not this appliance's"
            )
        return Choice.parse(self, text)


FLAG_HELP = {
    "ACCEPT": "always there; it opens no packet filter",
    "HIDENAT": "their source becomes the virtual address, on the master",
    "HIDENAT_EXCLUDE": "they keep their source; no later rule is asked",
    "DISABLED": "the rule has no effect for now",
}
FLAGS = ListOf(
    item=Flag(options=tuple((flag, FLAG_HELP[flag]) for flag in get_args(RuleFlag))), metavar="FLAG"
)
ID = Key("id", Number(low=1, high=999_999, metavar="ID", live=live.RULES), "number of the rule", required=True)
POS = "place among the rules, from 1; the others make room"


def _keys(*, required: bool) -> tuple[Key, ...]:
    network = ValueType(metavar="NETWORK", live=live.RULE_NETWORKS)
    service = ValueType(metavar="SERVICE")
    node = ValueType(metavar="ADDRESS|INTERFACE", live=live.NAT_NODES)
    return (
        Key("src", network, "from where: any, an address or a network, ZONE-network", required=required),
        Key("dst", network, "to where: any, internet, an address or a network, ZONE-network", required=required),
        Key("service", service, "any, icmp, tcp, udp, or ports: tcp/443, udp/5000-5010", required=required),
        Key("flags", FLAGS, "ACCEPT with HIDENAT or HIDENAT_EXCLUDE, the whole list", required=required),
        Key("nat_node", node, "a virtual address, its HA interface, or ZONE-interface", required=required),
    )


GROUP = Key("group", Name(blanks=True), "a heading for people")
_NOTE = "Effective with system update rule. Part of what system config synchronize sends."

COMMANDS = (
    Command(
        ("rule", "get"),
        "what the master hides behind a virtual address",
        get,
        documented=True,
        note="In the order in which the rules are asked: the first that fits decides.",
    ),
    Command(
        ("rule", "new"),
        "add a rule, behind the others",
        new,
        (GROUP, *_keys(required=True)),
        documented=True,
        note=f"{_NOTE} Packets that leave by the interface of nat_node get its virtual address as their source on "
        "the master, so that replies and connections follow the role. Rules of a packet filter are refused.",
        edits=True,
    ),
    Command(
        ("rule", "set"),
        "change a rule; what is not given stays",
        set_rule,
        (ID, Key("pos", Number(low=1, high=999_999, metavar="POS"), POS), GROUP, *_keys(required=False)),
        documented=True,
        needs_one=True,
        note=_NOTE,
        edits=True,
    ),
    Command(
        ("rule", "move"),
        "give a rule another place",
        set_rule,
        (ID, Key("pos", Number(low=1, high=999_999, metavar="POS"), POS, required=True), GROUP),
        documented=True,
        note=_NOTE,
        edits=True,
    ),
    Command(("rule", "delete"), "remove a rule", delete, (ID,), documented=True, note=_NOTE, edits=True),
)

GROUPS = {("rule",): "what the master hides behind virtual addresses"}
