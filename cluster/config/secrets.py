"""Secrets that a text leaves out, as every export does, taken over from another configuration. Pure.

Without them an exported configuration that is imported again would silently switch authentication off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.config.tree import CONFIG, Collection, Group, path_text

if TYPE_CHECKING:
    from cluster.config.tree import Document, Node, Path


def completed(incoming: Any, own: Document) -> tuple[Any, tuple[str, ...]]:
    """A document with the secrets that it left out.

    A secret that is there stays, an empty one too: that is how a text says that there shall be none.

    Args:
        incoming: of any shape; what does not fit the model is left for the schema to name.
        own: where the secrets are taken from.

    Returns:
        The document, and the paths of what was taken over.
    """
    taken: list[Path] = []
    whole = _completed(incoming, own, CONFIG, (), taken)
    return whole, tuple(path_text(path) for path in taken)


def _completed(incoming: Any, own: Any, node: Node, path: Path, taken: list[Path]) -> Any:
    if not isinstance(incoming, dict):
        return incoming
    if isinstance(node, Collection):
        return {
            key: _completed(item, own.get(key, {}), node.item, (*path, key), taken)
            for key, item in incoming.items()
        }
    whole = dict(incoming)
    for name, about in node.fields.items() if isinstance(node, Group) else ():
        if about.secret:
            if name not in incoming and name in own:
                whole[name] = own[name]
                taken.append((*path, name))
        elif name in incoming or isinstance(about.node, Group):
            part = _completed(incoming.get(name, {}), own.get(name, {}), about.node, (*path, name), taken)
            if name in incoming or part:
                whole[name] = part
    return whole
