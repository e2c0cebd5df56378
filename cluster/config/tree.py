"""The model as a tree: what each part of a configuration may hold, whose it is, and whether it is secret.

Everything generic about configurations (validation, edits, scope, difference, masking) walks this tree beside the
plain document, so a new field of the model needs no code here. A document is a configuration in plain
types, as `msgspec.to_builtins` makes them: what equals its default is absent.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

from msgspec import NODEFAULT, Struct, inspect

from cluster.model import Config, Scope

Path = tuple[str, ...]
Document = dict[str, Any]

_PLAIN_KEY = re.compile(r"[\w:-]+")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value that is set and compared as a whole; `item` describes the members of a list.

    Attributes:
        annotation: the annotation of the model, which msgspec converts to.
        type: the same as msgspec describes it, for words about what is allowed.
        item: for a list, what each member must be.
    """

    annotation: Any
    type: inspect.Type
    item: Leaf | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """Things of one kind by key: interfaces by name, addresses by id."""

    item: Node


@dataclass(frozen=True, slots=True)
class Group:
    """A struct of the model: named fields."""

    fields: dict[str, Field]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a group.

    Attributes:
        node: what it holds.
        scope: whom it belongs to, or None where its parts say so themselves.
        secret: never shown, exported or compared in clear.
        required: has no default.
        default: its default as in a document, where `required` is False.
    """

    node: Node
    scope: Scope | None
    secret: bool
    required: bool
    default: Any


Node = Leaf | Collection | Group


def path_text(path: Path) -> str:
    """A path for people, such as ``interfaces.LAN2.vrid``; a key that would blur the path is quoted."""
    if not path:
        return "the configuration"
    return ".".join(part if _PLAIN_KEY.fullmatch(part) else json.dumps(part) for part in path)


def _node(annotation: Any, described: inspect.Type) -> Node:
    if isinstance(described, inspect.Metadata):
        return _node(annotation, described.type)
    if isinstance(described, inspect.StructType):
        return _group(described.cls)
    if isinstance(described, inspect.DictType):
        return Collection(_node(get_args(_plain(annotation))[1], described.value_type))
    if isinstance(described, inspect.VarTupleType):
        member = get_args(_plain(annotation))[0]
        return Leaf(annotation, described, Leaf(member, described.item_type))
    return Leaf(annotation, described)


def _plain(annotation: Any) -> Any:
    return annotation.__origin__ if hasattr(annotation, "__metadata__") else annotation


def _group(struct: type[Struct]) -> Group:
    annotations = get_type_hints(struct, include_extras=True)
    described = inspect.type_info(struct)
    assert isinstance(described, inspect.StructType)
    return Group({each.name: _field(annotations[each.name], each) for each in described.fields})


def _field(annotation: Any, described: inspect.Field) -> Field:
    about: dict[str, Any] = {}
    if isinstance(described.type, inspect.Metadata):
        about = described.type.extra or {}
    default = described.default
    if described.default_factory is not NODEFAULT:
        default = described.default_factory()
    return Field(
        node=_node(annotation, described.type),
        scope=about.get("scope"),
        secret=bool(about.get("secret", False)),
        required=described.required,
        default=default,
    )


CONFIG = _group(Config)
"""The tree of a whole configuration."""
