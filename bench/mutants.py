"""The mutants of a module: each is the module's source with one small change in a place that decides something."""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Mutant(NamedTuple):
    """One change.

    Attributes:
        module: name below cluster.vrrp.
        line: of the change.
        text: that line.
        change: what was changed, as source.
        source: the whole changed module.
    """

    module: str
    line: int
    text: str
    change: str
    source: str


COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}
NAMES = {
    "min": "max",
    "max": "min",
    "any": "all",
    "LEAVING": "FAREWELL",
    "RANK_LOW": "RANK_HIGH",
    "RANK_HIGH": "RANK_LOW",
    "RANK_HANDED_OVER": "RANK_LOW",
    "MAINTENANCE_HIGH": "MAINTENANCE_LOW",
    "MAINTENANCE_LOW": "MAINTENANCE_HIGH",
}
ATTRIBUTES = {
    "MASTER": ("BACKUP", "OFFLINE"),
    "BACKUP": ("MASTER", "OFFLINE"),
    "OFFLINE": ("BACKUP",),
    "SWITCH": ("FORCED", "STOP"),
    "FORCED": ("SWITCH", "OFF"),
    "STOP": ("OFF",),
    "OFF": ("STOP",),
}


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """Changed copies of one node."""
    if isinstance(node, ast.stmt):
        yield from _of_statement(node)
    elif isinstance(node, ast.Constant):
        yield from _of_constant(node)
    elif isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.IfExp):
        yield from _of_condition(node)
    else:
        yield from _of_value(node)


def _of_statement(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.If():
            yield _changed(node, test=ast.Constant(value=True))
            yield _changed(node, test=ast.Constant(value=False))
        case ast.Expr(value=ast.Call()) | ast.Assign() | ast.AugAssign() | ast.Delete():
            yield ast.Pass()
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) not in ("None", "False"):
            yield ast.Return(value=ast.Constant(value=None))


def _of_constant(node: ast.Constant) -> Iterator[ast.AST]:
    match node.value:
        case bool() as value:
            yield ast.Constant(value=not value)
        case int() as value:
            yield ast.Constant(value=value + 1)
            if value > 1:
                yield ast.Constant(value=value - 1)


def _of_condition(node: ast.Compare | ast.BoolOp | ast.UnaryOp | ast.IfExp) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[operator]):
            for other in COMPARISONS.get(type(operator), ()):
                yield _changed(node, ops=[other()])
        case ast.BoolOp(op=operator, values=values):
            yield _changed(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
            for leave_out in range(len(values)):
                rest = values[:leave_out] + values[leave_out + 1 :]
                yield rest[0] if len(rest) == 1 else _changed(node, values=rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.IfExp(body=body, orelse=orelse):
            yield body
            yield orelse


def _of_value(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.BinOp(op=operator) if type(operator) in ARITHMETIC:
            yield _changed(node, op=ARITHMETIC[type(operator)]())
        case ast.Name(id=name, ctx=ast.Load()) if name in NAMES:
            yield _changed(node, id=NAMES[name])
        case ast.Attribute(value=ast.Name(id="Role" | "Errand"), attr=attr) if attr in ATTRIBUTES:
            for other in ATTRIBUTES[attr]:
                yield _changed(node, attr=other)
        case ast.List(elts=elements) if len(elements) > 1:
            yield _changed(node, elts=elements[::-1])
            for leave_out in range(len(elements)):
                yield _changed(node, elts=elements[:leave_out] + elements[leave_out + 1 :])


def _changed(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


class _Swap(ast.NodeTransformer):
    """Puts another node in the place of one."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old = old
        self._new = new

    def visit(self, node: ast.AST) -> ast.AST:
        return self._new if node is self._old else self.generic_visit(node)


def _rules(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes that decide something: no annotations, imports, texts, slots."""
    for node in ast.iter_child_nodes(tree):
        yield from _below(node)


def _below(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.JoinedStr() | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return
        case ast.Assign(targets=[ast.Name(id="__slots__")]):
            return
        case ast.AnnAssign(value=value):
            if value is not None:
                yield from _below(value)
            return
        case ast.FunctionDef(body=body):
            for statement in body:
                yield from _below(statement)
            return
        case _:
            yield node
    for child in ast.iter_child_nodes(node):
        yield from _below(child)


def mutants(tree_root: Path, module: str) -> Iterator[Mutant]:
    """All mutants of a module, in the order of its lines."""
    source = (tree_root / "cluster/vrrp" / f"{module}.py").read_text()
    lines = source.splitlines()
    tree = ast.parse(source)
    for place, node in enumerate(list(_rules(tree))):
        for number in range(len(list(variants(node)))):
            fresh = ast.parse(source)
            old = list(_rules(fresh))[place]
            before = _line(old)
            new = list(variants(old))[number]
            after = "left out" if isinstance(new, ast.Pass) else _line(new)
            changed = ast.fix_missing_locations(_Swap(old, new).visit(fresh))
            line = getattr(old, "lineno", 0)
            text = lines[line - 1].strip()
            yield Mutant(module, line, text, f"{before}  ->  {after}", ast.unparse(changed))


def _line(node: ast.AST) -> str:
    return ast.unparse(node).split("\n")[0]
