"""All commands, one file per noun; a new file here is found by itself.

A file declares ``COMMANDS``, a tuple of `Command` in the order help shows them, and may declare ``GROUPS`` (help of
words that lead on to others, by path) and ``ALIASES`` (other spellings of command words).
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from utmcli.commands._asking import with_force
from utmcli.grammar import Command, Grammar


def _gather() -> Grammar:
    commands: list[Command] = []
    groups: dict[tuple[str, ...], str] = {}
    aliases: dict[str, str] = {}
    for found in pkgutil.iter_modules(__path__):
        noun: Any = importlib.import_module(f"{__name__}.{found.name}")
        commands += map(with_force, getattr(noun, "COMMANDS", ()))
        groups |= getattr(noun, "GROUPS", {})
        aliases |= getattr(noun, "ALIASES", {})
    return Grammar(commands, groups, aliases)


GRAMMAR = _gather()
"""The one grammar of this program; immutable after import."""
