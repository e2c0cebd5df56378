"""The rules for rules: what the master can hide, and behind which virtual address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cluster import translation
from cluster.config.shape import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster.config.tree import Path
    from cluster.model import Config, Rule

_ID = re.compile(r"[1-9][0-9]{0,5}")
MAX_RULES = 1000
_KINDS = frozenset({"HIDENAT", "HIDENAT_EXCLUDE"})
_LONGEST_GROUP = 64


def check(config: Config) -> Iterator[Problem]:
    """Every rule about rules that the configuration breaks."""
    if len(config.rules) > MAX_RULES:
        yield Problem(("rules",), f"there are {len(config.rules)}; at most {MAX_RULES} are allowed")
    owners: dict[int, str] = {}
    for key, rule in config.rules.items():
        path = ("rules", key)
        if not _ID.fullmatch(key):
            yield Problem(path, "rules are numbered: the key must be a whole number from 1 to 999999")
        owner = owners.setdefault(rule.pos, key)
        if owner != key:
            yield Problem((*path, "pos"), f"{rule.pos} is taken by rule {owner}; every position is used once")
        yield from _flags((*path, "flags"), rule)
        yield from _words(path, config, rule)


def _flags(path: Path, rule: Rule) -> Iterator[Problem]:
    flags = set(rule.flags)
    if len(flags) < len(rule.flags):
        yield Problem(path, "a flag is there twice; once is enough")
    if "ACCEPT" not in flags or len(flags & _KINDS) != 1:
        yield Problem(path, "must hold ACCEPT and one of HIDENAT and HIDENAT_EXCLUDE; no other has an effect here")


def _words(path: Path, config: Config, rule: Rule) -> Iterator[Problem]:
    if not (rule.group and rule.group.isprintable() and len(rule.group) <= _LONGEST_GROUP):
        yield Problem((*path, "group"), f"must be 1 to {_LONGEST_GROUP} printable characters")
    meanings: tuple[tuple[str, Callable[[str], object]], ...] = (
        ("src", lambda word: translation.networks(config, word)),
        ("dst", lambda word: translation.networks(config, word)),
        ("service", translation.service),
        ("nat_node", lambda word: translation.hider(config, word)),
    )
    for name, meaning in meanings:
        word = getattr(rule, name)
        try:
            meaning(word)
        except ValueError as error:
            yield Problem((*path, name), f"{word!r} {error}")
