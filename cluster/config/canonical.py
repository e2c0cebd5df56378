"""One configuration, one text: the canonical form that is stored and hashed, and the export for people.

The canonical form is compact JSON with sorted keys and without defaults: two configurations are equal exactly
when their canonical forms are.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from cluster.config.migrations import VERSION, VERSION_KEY
from cluster.config.tree import CONFIG, Collection, Document, Group, Leaf, Node
from cluster.model import Config

MASK = "(secret)"
"""What is shown in place of a secret; refused as a secret itself, so that nothing shown is ever put back."""


def document(config: Config) -> Document:
    """The configuration in plain types (dicts, tuples, text, numbers), defaults left out."""
    plain: Document = msgspec.to_builtins(config)
    if _CONFIG_LEFTOVERS is not None:
        _leave_out(plain, _CONFIG_LEFTOVERS)
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


class _Leftovers(NamedTuple):
    """Where in a document a default may have been left in.

    msgspec omits a value that *is* its default; one that was read from a text may equal it and be another object.

    Attributes:
        defaults: of a group, by field.
        parts: of a group, by field.
        each: of a collection: the same of each of its things.
    """

    defaults: tuple[tuple[str, Any], ...] = ()
    parts: tuple[tuple[str, _Leftovers], ...] = ()
    each: _Leftovers | None = None


def _leftovers(node: Node) -> _Leftovers | None:
    """None where there can be none, so that nobody walks through thousands of addresses for nothing."""
    if isinstance(node, Collection):
        inner = _leftovers(node.item)
        return None if inner is None else _Leftovers(each=inner)
    if not isinstance(node, Group):
        return None
    leaves = [(name, about) for name, about in node.fields.items() if isinstance(about.node, Leaf)]
    defaults = tuple(
        (name, about.default) for name, about in leaves if not about.required and not _is_one(about.default)
    )
    found = ((name, _leftovers(about.node)) for name, about in node.fields.items())
    parts = tuple((name, inner) for name, inner in found if inner is not None)
    return _Leftovers(defaults, parts) if defaults or parts else None


def _is_one(default: Any) -> bool:
    """Whether there is only one such object in an interpreter."""
    return default is None or isinstance(default, bool) or default in ("", ())


def _leave_out(plain: Any, where: _Leftovers) -> None:
    if where.each is not None:
        for item in plain.values():
            _leave_out(item, where.each)
        return
    for name, default in where.defaults:
        if name in plain and plain[name] == default:
            del plain[name]
    for name, inner in where.parts:
        if name in plain:
            _leave_out(plain[name], inner)


_CONFIG_LEFTOVERS = _leftovers(CONFIG)


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
