"""Rules for the hotwire: its interface, its addresses, and the partner's keys. See rules.py."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cluster import publickey
from cluster.config.addresses import read_host
from cluster.config.shape import Problem
from cluster.errors import InvalidConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.config.tree import Path
    from cluster.model import Config

MAX_PARTNER_KEYS = 2


def _hotwire_interface(config: Config) -> Iterator[Problem]:
    hotwires = [name for name, interface in config.interfaces.items() if "HOTWIRE" in interface.flags]
    for name in hotwires[1:]:
        yield Problem(
            ("interfaces", name, "flags"), f"HOTWIRE is already {hotwires[0]}; only one interface can be it"
        )


def _hotwire_addresses(config: Config) -> Iterator[Problem]:
    local, remote = config.cluster.hotwire_local, config.cluster.hotwire_remote
    if local:
        yield from plain_address(("cluster", "hotwire_local"), local)
    for address in remote:
        yield from plain_address(("cluster", "hotwire_remote"), address)
    if local in remote:
        yield Problem(("cluster", "hotwire_remote"), f"{local} is our own address; the partner's must differ")
    for address, count in Counter(remote).items():
        if count > 1:
            yield Problem(("cluster", "hotwire_remote"), f"{address} is there {count} times; once is enough")


def _hotwire_keys(config: Config) -> Iterator[Problem]:
    path = ("cluster", "hotwire_partner_keys")
    keys = config.cluster.hotwire_partner_keys
    if len(keys) > MAX_PARTNER_KEYS:
        yield Problem(path, f"{len(keys)} keys are too many; two are allowed, while one replaces the other")
    for key in keys:
        try:
            publickey.parse(key)
        except InvalidConfigurationError as error:
            yield Problem(path, error.message)


def plain_address(path: Path, text: str) -> Iterator[Problem]:
    """An address without a prefix length."""
    try:
        read_host(text)
    except ValueError as error:
        yield Problem(path, f"{text!r} {error}")


RULES = (_hotwire_interface, _hotwire_addresses, _hotwire_keys)
