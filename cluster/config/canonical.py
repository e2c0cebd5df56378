"""One configuration, one text: the canonical form that is stored and hashed, and the export for people.

The canonical form is compact JSON with sorted keys and without defaults: two configurations are equal exactly
when their canonical forms are.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from cluster.config.migrations import VERSION, VERSION_KEY
from cluster.config.tree import CONFIG, Collection, Document, Group, Node
from cluster.model import Config

MASK = "(secret)"
"""What is shown in place of a secret; refused as a secret itself, so that nothing shown is ever put back."""


def document(config: Config) -> Document:
    """The configuration in plain types (dicts, tuples, text, numbers), defaults left out."""
    plain: Document = msgspec.to_builtins(config)
    return plain


def encode(plain: Document) -> bytes:
    """The canonical bytes of a document, with the version of its schema."""
    return msgspec.json.encode({VERSION_KEY: VERSION, **plain}, order="sorted")


def mask(config: Config) -> Config:
    """The configuration with every secret that is set replaced by ``(secret)``."""
    return msgspec.convert(_without_secrets(document(config), CONFIG, MASK), Config)


def export_text(config: Config) -> str:
    """The configuration as a file for people: indented JSON in a fixed order, secrets left out.

    Fields come in the order of the model, keys of collections in the order a person counts (2 before 10).
    """
    plain = {VERSION_KEY: VERSION, **_ordered(_without_secrets(document(config), CONFIG, None), CONFIG)}
    return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode() + "\n"


def _without_secrets(plain: Any, node: Node, instead: str | None) -> Any:
    if isinstance(node, Collection):
        return {key: _without_secrets(value, node.item, instead) for key, value in plain.items()}
    if not isinstance(node, Group):
        return plain
    kept = {}
    for name, value in plain.items():
        about = node.fields[name]
        if not about.secret:
            kept[name] = _without_secrets(value, about.node, instead)
        elif instead is not None:
            kept[name] = instead
    return kept


def _ordered(plain: Any, node: Node) -> Any:
    if isinstance(node, Collection):
        return {key: _ordered(plain[key], node.item) for key in sorted(plain, key=natural)}
    if isinstance(node, Group):
        return {name: _ordered(value, node.fields[name].node) for name, value in plain.items()}
    return plain


def natural(key: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that puts ``LAN2`` before ``LAN10``."""
    parts = re.findall(r"[0-9]+|[^0-9]+", key)
    return tuple((0, int(part), part) if part[0] in "0123456789" else (1, 0, part) for part in parts)
