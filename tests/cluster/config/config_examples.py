"""Configurations for the tests of this directory: one documented example, and a generator of valid ones."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import strategies as st

from cluster.config import schema

if TYPE_CHECKING:
    from cluster.model import Config

MASTER: dict[str, Any] = {
    "schema": 1,
    "hostname": "master.cluster.local",
    "cluster": {
        "enabled": True,
        "passphrase": "correct horse",
        "hotwire_local": "192.168.180.2",
        "hotwire_remote": ["192.168.180.3"],
        "backup_disable_interfaces": ["wan0"],
    },
    "interfaces": {
        "LAN1": {"id": 1, "zones": ["external"]},
        "LAN2": {"id": 2, "flags": ["HA"], "vrid": 2},
        "LAN3": {"id": 3, "flags": ["HOTWIRE"]},
        "wan0": {"id": 4, "type": "WAN"},
    },
    "addresses": {
        "1": {"device": "LAN2", "address": "192.168.12.141/24"},
        "2": {"device": "LAN3", "address": "192.168.180.2/24"},
    },
    "virtual_addresses": {"1": {"device": "LAN2", "address": "192.168.200.1/24"}},
    "variables": {"securepoint_firewall": {"UPDATE_TRIGGER_DELAY": "5"}},
    "globals": {"GLOB_DNS": ["192.0.2.53"]},
}
"""Example 2 of the documentation, spoken as JSON."""


def document(**changes: Any) -> dict[str, Any]:
    """The example, with the values at ``dotted__path`` keywords replaced; `None` removes."""
    changed = copy.deepcopy(MASTER)
    for path, value in changes.items():
        *way, last = path.split("__")
        place = changed
        for part in way:
            place = place.setdefault(part, {})
        if value is None:
            place.pop(last)
        else:
            place[last] = value
    return changed


def config(**changes: Any) -> Config:
    return schema.parse(document(**changes))


def spelled_out(example: Config) -> dict[str, Any]:
    """The configuration with every default written down."""
    return _spelled_out(example)


def _spelled_out(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {name: _spelled_out(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {key: _spelled_out(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


# --- any valid configuration ---------------------------------------------------------------------------

_WORDS = st.text("abcxyz019-", min_size=1, max_size=8)


@st.composite
def configs(draw: st.DrawFn) -> Config:
    ethernets = draw(st.lists(st.sampled_from([f"LAN{n}" for n in range(1, 13)]), unique=True, max_size=5))
    others = draw(st.lists(st.sampled_from(["wan0", "wg0", "tun0", "a.b"]), unique=True, max_size=3))
    names = [*ethernets, *others]
    ha = draw(st.sets(st.sampled_from(ethernets))) if ethernets else set()
    free = [name for name in ethernets if name not in ha]
    hotwire = draw(st.none() | st.sampled_from(free)) if free else None
    interfaces = {
        name: {
            "id": number,
            "type": "ETHERNET"
            if name in ethernets
            else draw(st.sampled_from(["WAN", "TUN", "WIREGUARD", "BRIDGE"])),
            "flags": ["HA"] if name in ha else ["HOTWIRE"] if name == hotwire else [],
            "zones": draw(st.lists(_WORDS, max_size=2)),
            "vrid": number if name in ha else None,
        }
        for number, name in enumerate(names, 1)
    }
    return schema.parse(
        {
            "hostname": draw(st.sampled_from(["utm.local", "master.cluster.local", "a"])),
            "cluster": draw(_options(names, ha, hotwire)),
            "interfaces": interfaces,
            "addresses": draw(_addresses(names, 1)),
            "virtual_addresses": draw(_addresses(sorted(ha), 2)),
            "routes": draw(_routes([name for name in names if name != hotwire])),
            "variables": draw(st.dictionaries(_WORDS, st.dictionaries(_WORDS, st.text(max_size=5), min_size=1))),
            "globals": draw(
                st.dictionaries(_WORDS.map("GLOB_{}".format), st.lists(_WORDS, max_size=3), max_size=3)
            ),
        }
    )


def _options(names: list[str], ha: set[str], hotwire: str | None) -> st.SearchStrategy[dict[str, Any]]:
    stay_down = [name for name in names if name not in ha and name != hotwire]
    return st.fixed_dictionaries(
        {
            "enabled": st.booleans(),
            "priority": st.sampled_from(["high", "low"]),
            "passphrase": st.sampled_from(["", "correct horse", "battery staple", "hex:" + "ab" * 32]),
            "advert_interval": st.integers(1, 4095),
            "hotwire_local": st.sampled_from(["", "10.3.0.1", "fd00::1"]),
            "hotwire_remote": st.lists(st.sampled_from(["10.3.0.2", "10.3.0.3"]), unique=True),
            "backup_disable_interfaces": st.lists(st.sampled_from(stay_down), unique=True)
            if stay_down
            else st.just([]),
        }
    )


@st.composite
def _routes(draw: st.DrawFn, devices: list[str]) -> dict[str, dict[str, Any]]:
    if not devices:
        return {}
    numbers = draw(st.lists(st.integers(1, 30), unique=True, max_size=5))
    return {
        str(number): {
            "router": draw(st.sampled_from(devices)),
            "dst": f"10.{100 + number}.0.0/16",
            "src": draw(st.sampled_from(["", "10.7.0.0/24"])),
            "weight": draw(st.integers(1, 256)),
            "flags": draw(st.sampled_from([[], ["BLACKHOLE_IF_OFFLINE"]])),
        }
        for number in numbers
    }


@st.composite
def _addresses(draw: st.DrawFn, devices: list[str], network: int) -> dict[str, dict[str, str]]:
    """Machine addresses and virtual ones come from different networks, as in life."""
    if not devices:
        return {}
    numbers = draw(st.lists(st.integers(1, 30), unique=True, max_size=5))
    hosts = draw(st.lists(st.integers(1, 200), unique=True, min_size=len(numbers), max_size=len(numbers)))
    return {
        str(number): {"device": draw(st.sampled_from(devices)), "address": f"10.{network}.0.{host}/24"}
        for number, host in zip(numbers, hosts, strict=True)
    }
