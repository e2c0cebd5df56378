"""Edits by path, on a plain document: what a path names, and what becomes of the document.

A path leads through groups (fields of the model) and collections (keys). Setting a key of a collection adds or
replaces it; a field is set by its name. What is missing on the way is made where it is a mere collection,
such as the variables of an application; anything else must exist.
"""

from __future__ import annotations

from typing import Any

from cluster.config.shape import suggest
from cluster.config.tree import CONFIG, Collection, Document, Group, Leaf, Node, Path, path_text
from cluster.errors import NotFoundError
from cluster.model import Change, SetValue


def edited(document: Document, change: Change) -> Document:
    """The document with one change made; the given one stays as it is.

    Raises:
        NotFoundError: the path leads nowhere, or nothing is there to remove.
    """
    if not change.path:
        raise NotFoundError("the path of a change is empty; it must name a field or a key")
    if isinstance(change, SetValue):
        return _set(document, CONFIG, change.path, 0, change.value)
    return _remove(document, CONFIG, change.path, 0)


def _set(value: Document, node: Node, path: Path, depth: int, new: Any) -> Document:
    below = _step(node, path, depth)
    part = path[depth]
    if depth == len(path) - 1:
        return {**value, part: new}
    if part not in value:
        _require_optional(below, node, path, depth)
    return {**value, part: _set(value.get(part, {}), below, path, depth + 1, new)}


def _remove(value: Document, node: Node, path: Path, depth: int) -> Document:
    below = _step(node, path, depth)
    part = path[depth]
    if part not in value:
        raise NotFoundError(f"there is no {path_text(path[: depth + 1])} to remove")
    rest = {key: item for key, item in value.items() if key != part}
    if depth == len(path) - 1:
        return rest
    left = _remove(value[part], below, path, depth + 1)
    # An application whose last variable went is gone itself; a group stays, it has defaults.
    return rest if isinstance(below, Collection) and not left else {**rest, part: left}


def _step(node: Node, path: Path, depth: int) -> Node:
    """What the path's part at `depth` names below `node`."""
    part = path[depth]
    if isinstance(node, Collection):
        return node.item
    if isinstance(node, Leaf):
        raise NotFoundError(f"{path_text(path[:depth])} is a value: there is no {part} below it")
    if part not in node.fields:
        raise NotFoundError(f"{path_text(path[:depth])} has no field {part!r}; {suggest(part, tuple(node.fields))}")
    return node.fields[part].node


def _require_optional(below: Node, node: Node, path: Path, depth: int) -> None:
    if isinstance(below, Group) and isinstance(node, Collection):
        raise NotFoundError(f"there is no {path_text(path[: depth + 1])}; set it as a whole first")
