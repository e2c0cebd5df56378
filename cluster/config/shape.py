"""The shape of a document: every field known, present where it must be, and of the type the model asks for.

msgspec stops at the first problem; an administrator wants to see all of them. So msgspec converts, and only a
document that it refuses is walked, part by part, to say everything that is wrong with it.
"""

from __future__ import annotations

import copy
import json
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import inspect

from cluster.config.tree import CONFIG, Collection, Field, Group, Leaf, Node, Path, path_text
from cluster.model import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_QUOTE = 60


class Problem(NamedTuple):
    """One thing that is wrong: where, and a sentence of what was wrong and what is allowed."""

    path: Path
    text: str

    def __str__(self) -> str:
        return f"{path_text(self.path)}: {self.text}"


def convert(document: Any) -> Config | tuple[Problem, ...]:
    """The typed configuration, or everything that is wrong with the document's shape."""
    try:
        config = msgspec.convert(document, Config)
        msgspec.json.encode(config)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return tuple(_problems(document, CONFIG, ()))
    return config


def sound_part(document: Any, problems: tuple[Problem, ...]) -> tuple[Config, frozenset[str]] | None:
    """What is left of a document without the parts that have the wrong shape.

    Args:
        document: one that `convert` refused; stays as it is.
        problems: what `convert` said of it.

    Returns:
        The rest, and the names of what was left out, of which the rest can tell nothing reliable; None when
        there is no rest, or none that says anything.
    """
    rest, names = copy.deepcopy(document), set[str]()
    while problems:
        for problem in problems:
            if _is_whole_section(problem.path) or not _take_out(rest, problem.path):
                return None
            names.add(problem.path[min(1, len(problem.path) - 1)])
        converted = convert(rest)
        if isinstance(converted, Config):
            return converted, frozenset(names)
        problems = converted
    return None


def _is_whole_section(path: Path) -> bool:
    """Whether nothing can be told of the rest: all the interfaces, say, to which everything else refers."""
    return len(path) == 1 and path[0] in CONFIG.fields and not isinstance(CONFIG.fields[path[0]].node, Leaf)


def _take_out(document: Any, path: Path) -> bool:
    """Remove what is at a path, or what lacks it; False when nothing would be left."""
    if not path:
        return False
    parent = document
    for step in path[:-1]:
        parent = parent.get(step) if isinstance(parent, dict) else None
    if isinstance(parent, dict) and path[-1] in parent:
        del parent[path[-1]]
        return True
    return parent is None or _take_out(document, path[:-1])


def suggest(word: str, known: tuple[str, ...]) -> str:
    """The end of a sentence about an unknown word: the one that was probably meant, or all there are."""
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"


def expected(described: inspect.Type) -> str:
    """What a value of this type is, in words."""
    if isinstance(described, inspect.Metadata):
        return expected(described.type)
    if isinstance(described, inspect.UnionType):
        return " or ".join(expected(each) for each in described.types)
    if isinstance(described, inspect.VarTupleType):
        return f"a list, each member {expected(described.item_type)}"
    if isinstance(described, inspect.LiteralType):
        return f"one of {', '.join(str(each) for each in described.values)}"
    if isinstance(described, inspect.IntType):
        return _whole_number(described)
    return {inspect.BoolType: "true or false", inspect.NoneType: "null", inspect.StrType: "text"}[type(described)]


def _whole_number(described: inspect.IntType) -> str:
    least, most = described.ge, described.le
    if least is not None and most is not None:
        return f"a whole number from {least} to {most}"
    if least is not None:
        return f"a whole number of at least {least}"
    return "a whole number" if most is None else f"a whole number of at most {most}"


def _problems(value: Any, node: Node, path: Path) -> Iterator[Problem]:
    if isinstance(node, Leaf):
        yield from _leaf(value, node, path)
    elif not isinstance(value, dict):
        yield Problem(path, f"must be an object, not {_quoted(value)}")
    elif isinstance(node, Collection):
        for key, item in value.items():
            if not _is_unicode(key):
                yield Problem(path, f"a key must be text, not {_quoted(key)}")
            else:
                yield from _problems(item, node.item, (*path, key))
    else:
        yield from _group(value, node, path)


def _group(value: dict[str, Any], node: Group, path: Path) -> Iterator[Problem]:
    for name, about in node.fields.items():
        if name in value:
            yield from _field(value[name], about, (*path, name))
        elif about.required:
            kind = expected(about.node.type) if isinstance(about.node, Leaf) else "an object"
            yield Problem((*path, name), f"is missing; it must be {kind}")
    for name in value:
        if name not in node.fields:
            yield Problem((*path, str(name)), f"there is no such field; {suggest(str(name), tuple(node.fields))}")


def _field(value: Any, about: Field, path: Path) -> Iterator[Problem]:
    if about.secret and isinstance(about.node, Leaf):
        if not _converts(value, about.node):
            yield Problem(path, f"must be {expected(about.node.type)}")
    else:
        yield from _problems(value, about.node, path)


def _leaf(value: Any, leaf: Leaf, path: Path) -> Iterator[Problem]:
    if _converts(value, leaf):
        return
    if leaf.item is None or not isinstance(value, list | tuple):
        yield Problem(path, f"must be {expected(leaf.type)}, not {_quoted(value)}")
        return
    for item in value:
        if not _converts(item, leaf.item):
            yield Problem(path, f"each member must be {expected(leaf.item.type)}, not {_quoted(item)}")


def _converts(value: Any, leaf: Leaf) -> bool:
    try:
        msgspec.json.encode(msgspec.convert(value, leaf.annotation))
    except (msgspec.ValidationError, UnicodeEncodeError):
        return False
    return True


def _is_unicode(value: Any) -> bool:
    """JSON can spell half of a surrogate pair, and a terminal can send one: no text that could be stored."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _quoted(value: Any) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 3] + "..."
