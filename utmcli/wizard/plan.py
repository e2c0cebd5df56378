"""Answers as changes to the configuration, all of them one edit; their summary; and what to do afterwards."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from cluster.model import RemoveValue, SetValue
from utmcli.wizard.block import Block
from utmcli.wizard.keys import fingerprint
from utmcli.wizard.situation import Situation, host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cluster.model import Change, Config
    from utmcli.results import Cell
    from utmcli.wizard.master import Joined, Master
    from utmcli.wizard.spare import Spare

    Options = dict[str, str | tuple[str, ...]]

ON_THE_SPARE = "cluster wizard role spare"
ON_THE_MASTER = 'cluster wizard role master spare_block "..."'
AFTERWARDS = (
    ("on both", "system update interface"),
    ("on both", "system config save"),
    ("on the master", "system config synchronize"),
    ("on both", "cluster set enabled 1"),
    ("on both", "system update interface"),
    ("on both", "system config save"),
)
"""What makes a cluster of two appliances that know each other, in this order."""
BEFORE_THE_SPARE = (
    ("on the spare", f'{ON_THE_SPARE} master_block "..."'),
    ("on the master", ON_THE_MASTER),
    *AFTERWARDS,
)
"""What follows the master's block."""
BEFORE_THE_KEY = (("on the master", ON_THE_MASTER), *AFTERWARDS)
"""What follows the spare's block."""
_WIDEST = 48
"""Columns of a list in the summary."""
_VRIDS = range(1, 256)


# --- changes ------------------------------------------------------------------------------------------


def master_changes(config: Config, master: Master) -> tuple[Change, ...]:
    """What makes this configuration that of a master; empty where it is one already.

    Args:
        config: the running one.
        master: the answers.
    """
    options: Options = {
        "priority": "high",
        "hotwire_local": host(master.local),
        "hotwire_remote": _remote(config, master.remote),
        "passphrase": master.passphrase,
        "backup_disable_interfaces": master.disable_interfaces,
        "backup_disable_applications": master.disable_applications,
    }
    return (
        *_flags(config, master.hotwire, tuple(master.virtual)),
        *_virtual(config, master),
        *_local(config, master.hotwire, master.local),
        *_options(config, options),
    )


def spare_changes(config: Config, spare: Spare) -> tuple[Change, ...]:
    """What makes this configuration that of a spare; all that both share arrives with the first synchronize."""
    flags = _flags(config, spare.hotwire, tuple(name for name in Situation(config, "").flagged("HA")))
    options: Options = {
        "priority": "low",
        "hotwire_local": host(spare.local),
        "hotwire_remote": _remote(config, spare.remote),
        "hotwire_partner_keys": (spare.key,),
        "passphrase": spare.passphrase,
    }
    return (*flags, *_local(config, spare.hotwire, spare.local), *_options(config, options))


def joined_changes(config: Config, joined: Joined) -> tuple[Change, ...]:
    """What lets the spare in: its key in the place of any other, and its address if it says another one."""
    remote = _remote(config, joined.remote)
    return tuple(_options(config, {"hotwire_partner_keys": (joined.key,), "hotwire_remote": remote}))


def _remote(config: Config, address: str) -> tuple[str, ...]:
    """The partner's addresses: those that are set, if this one is among them or none is said."""
    present = config.cluster.hotwire_remote
    return present if not address or address in present else (address,)


def _flags(config: Config, hotwire: str, ha: tuple[str, ...]) -> Iterator[Change]:
    """HA and HOTWIRE where they belong and nowhere else, and a virtual router id for every HA interface."""
    vrids = vrids_of(config, tuple(name for name in ha if name != hotwire))
    for name, interface in config.interfaces.items():
        others = [flag for flag in interface.flags if flag not in ("HA", "HOTWIRE")]
        wanted = [*(["HA"] if name in vrids else []), *(["HOTWIRE"] if name == hotwire else []), *others]
        if sorted(wanted) != sorted(interface.flags):
            yield SetValue(("interfaces", name, "flags"), wanted)
        if name in vrids and interface.vrid != vrids[name]:
            yield SetValue(("interfaces", name, "vrid"), vrids[name])


def vrids_of(config: Config, ha: tuple[str, ...]) -> dict[str, int]:
    """A virtual router id for each HA interface: the one it has, else its number, else the first free one."""
    vrids: dict[str, int] = {}
    for name in ha:
        present = config.interfaces[name].vrid
        if present is not None and present not in vrids.values():
            vrids[name] = present
    for name in ha:
        if name not in vrids:
            taken = set(vrids.values())
            candidates = (config.interfaces[name].id, *_VRIDS)
            vrids[name] = next(each for each in candidates if each in _VRIDS and each not in taken)
    return vrids


def _virtual(config: Config, master: Master) -> Iterator[Change]:
    wanted = [(name, address) for name, addresses in master.virtual.items() for address in addresses]
    present = {key: (each.device, each.address) for key, each in config.virtual_addresses.items()}
    for key, known in present.items():
        if known not in wanted:
            yield RemoveValue(("virtual_addresses", key))
    free = _free_keys(present)
    for device, address in wanted:
        if (device, address) not in present.values():
            yield SetValue(("virtual_addresses", next(free)), {"device": device, "address": address})


def _local(config: Config, hotwire: str, address: str) -> Iterator[Change]:
    if address not in Situation(config, "").addresses(hotwire):
        key = next(_free_keys(config.addresses))
        yield SetValue(("addresses", key), {"device": hotwire, "address": address})


def _free_keys(present: Iterable[str]) -> Iterator[str]:
    """Numbers that nothing has, above all that are."""
    return map(str, count(max(map(int, present), default=0) + 1))


def _options(config: Config, wanted: Options) -> Iterator[Change]:
    for name, value in wanted.items():
        if getattr(config.cluster, name) != value:
            yield SetValue(("cluster", name), list(value) if isinstance(value, tuple) else value)


# --- for people -----------------------------------------------------------------------------------------


def master_summary(situation: Situation, master: Master) -> tuple[tuple[str, Cell], ...]:
    """What a master's answers come to, before anything is written."""
    vrids = vrids_of(situation.config, tuple(master.virtual))
    return (
        ("role", "master, priority high"),
        ("hotwire", f"{master.hotwire}, {master.local}, partner {master.remote}"),
        *(
            (f"HA interface {name}", f"virtual router {vrids[name]}, {', '.join(addresses)}")
            for name, addresses in master.virtual.items()
        ),
        ("interfaces down in backup", master.disable_interfaces or "none"),
        ("applications down in backup", _few(master.disable_applications)),
        ("passphrase", _passphrase(situation, master.passphrase)),
    )


def spare_summary(situation: Situation, spare: Spare) -> tuple[tuple[str, Cell], ...]:
    """What a spare's answers come to, before anything is written."""
    return (
        ("role", "spare, priority low"),
        ("hotwire", f"{spare.hotwire}, {spare.local}, partner {spare.remote}"),
        ("passphrase", _passphrase(situation, spare.passphrase)),
        ("key of the master", fingerprint(spare.key)),
    )


def _few(names: tuple[str, ...]) -> str:
    """Names as one cell that fits a terminal."""
    text = ", ".join(names)
    return (text if len(text) <= _WIDEST else f"{len(names)}, from {names[0]} to {names[-1]}") or "none"


def _passphrase(situation: Situation, chosen: str) -> str:
    return "the present one" if situation.config.cluster.passphrase == chosen else "a new one"


def master_block(situation: Situation, master: Master) -> Block:
    """What the spare has to be told."""
    return Block("master", master.hotwire, master.local, master.remote, master.passphrase, situation.key)


def spare_block(situation: Situation, spare: Spare) -> Block:
    """What the master has to be told."""
    return Block("spare", spare.hotwire, spare.local, spare.remote, "", situation.key)


def steps(rows: Iterable[tuple[str, str]]) -> str:
    """What to type next, and where, as lines."""
    rows = tuple(rows)
    width = max(len(where) for where, _ in rows)
    return "".join(f"  {where:{width}}  {command}\n" for where, command in rows)
