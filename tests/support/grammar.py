"""A line for every command of the grammar, with a value of the right kind for every key it cannot do without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from utmcli.commands import GRAMMAR
from utmcli.parser import Invocation, parse
from utmcli.tokens import quote

if TYPE_CHECKING:
    from utmcli.grammar import Command, Key

CANDIDATES = (
    "1", "0", "LAN2", "LAN9", "192.168.12.9", "10.9.8.7/24", "10.9.8.0/24", "x", "name=x", "vlan_id=7", "admin",
    "high", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILzDi2Misass/h4aqyMCJV1h3CerDwc5IEYWz/euyUp3", "hello world",
    "100",
)  # fmt: skip


def sample(command: Command) -> str:
    """A line that means this command.

    Raises:
        ValueError: none of the candidates is a value of one of its keys.
    """
    wanted = [key for key in command.keys if key.required]
    if command.needs_one and not any(not key.manner for key in wanted):
        wanted += [key for key in command.keys if not key.manner and not key.required][:1]
    optional = [key for key in command.keys if not key.required and not key.manner and not key.positional]
    for keys in (wanted, *([*wanted, key] for key in optional)):
        line = " ".join([command.name, *(_given(key) for key in keys)])
        if isinstance(parse(GRAMMAR, line), Invocation):
            return line
    raise ValueError(f"no line was found for {command.name}: {parse(GRAMMAR, line)}")


def _given(key: Key) -> str:
    words = [word for word, _ in key.type.words()]
    for text in (*words, *CANDIDATES):
        value = quote(text)
        line = value if key.positional else f"{key.name} {value}"
        try:
            key.type.parse(text)
        except Exception:  # noqa: BLE001 - any refusal: the next candidate
            continue
        return line
    raise ValueError(f"no candidate is a value of {key.name}")
