"""What turns one configuration into another, path by path, for people to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.config.canonical import MASK, document, natural
from cluster.config.tree import CONFIG, Collection, Field, Group, Node, Path, path_text
from cluster.model import Config, Difference

if TYPE_CHECKING:
    from collections.abc import Iterator


def diff(left: Config, right: Config) -> tuple[Difference, ...]:
    """Every path where the two differ, in the order of the model; secrets read ``(secret)``.

    Of a thing that only one of them has (an interface, an address), all that was set is listed. Of one that both
    have, defaults are spelled out, so that both columns say what holds.
    """
    return tuple(_differences(document(left), document(right), CONFIG, ()))


def _differences(left: Any, right: Any, node: Node, path: Path) -> Iterator[Difference]:
    """`left` and `right` are None where there is no such thing."""
    if left == right:
        return
    if isinstance(node, Collection):
        left, right = left or {}, right or {}
        for key in sorted({*left, *right}, key=natural):
            yield from _differences(left.get(key), right.get(key), node.item, (*path, key))
    elif isinstance(node, Group):
        for name, about in node.fields.items():
            yield from _field(_of(left, name, about, right), _of(right, name, about, left), about, (*path, name))
    else:
        yield Difference(path_text(path), _text(left), _text(right))


def _of(group: Any, name: str, about: Field, other: Any) -> Any:
    if group is None:
        return None
    if name in group or other is None:
        return group.get(name)
    return about.default if not isinstance(about.node, Collection | Group) else {}


def _field(left: Any, right: Any, about: Field, path: Path) -> Iterator[Difference]:
    if not about.secret:
        yield from _differences(left, right, about.node, path)
    elif left != right:
        yield Difference(path_text(path), _masked(left), _masked(right))


def _masked(secret: str | None) -> str | None:
    return MASK if secret else secret


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(value)
    return str(value)
