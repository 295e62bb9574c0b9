"""Formulas over series, such as `100 * A / B`.

Python's own parser reads them, a closed set of what a formula may hold checks them; nothing is run as code.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType

from shared.refusals import Refusal, Rejected

Value = float | int | None

MOST_CHARACTERS = 200
_DEEPEST = 50
_BOTH: Mapping[type[ast.operator], Callable[[float, float], float]] = MappingProxyType(
    {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
)
_ALONE: Mapping[type[ast.unaryop], Callable[[float], float]] = MappingProxyType(
    {ast.UAdd: operator.pos, ast.USub: operator.neg}
)


class Formula:
    """A formula over named series; raises Rejected (BAD_REQUEST) for all but `+ - * / ( )`, numbers and `names`."""

    def __init__(self, text: str, names: frozenset[str]) -> None:
        self._text = text
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            raise self._refused("cannot be read") from error
        self.uses = frozenset(self._check(self._tree, names, 0))
        if not self.uses:
            raise self._refused("names no series")

    def __call__(self, values: Mapping[str, Value]) -> Value:
        """The value; None where a series has none, where something is divided by zero, or it is too large."""
        try:
            found = self._value(self._tree, values)
        except (ZeroDivisionError, OverflowError):
            return None
        return found if found is not None and math.isfinite(found) else None

    def _check(self, node: ast.expr, names: frozenset[str], depth: int) -> list[str]:
        if depth > _DEEPEST:
            raise self._refused("is nested too deeply")
        if isinstance(node, ast.BinOp) and type(node.op) in _BOTH:
            return [*self._check(node.left, names, depth + 1), *self._check(node.right, names, depth + 1)]
        if isinstance(node, ast.UnaryOp) and type(node.op) in _ALONE:
            return self._check(node.operand, names, depth + 1)
        if isinstance(node, ast.Constant) and _is_number(node.value):
            return []
        if isinstance(node, ast.Name):
            if node.id in names:
                return [node.id]
            raise self._refused(f"names {node.id!r}; the series are {', '.join(sorted(names))}")
        raise self._refused(f"holds {ast.unparse(node)!r}: it takes numbers, names of series, + - * / and brackets")

    def _value(self, node: ast.expr, values: Mapping[str, Value]) -> Value:
        if isinstance(node, ast.BinOp):
            left, right = self._value(node.left, values), self._value(node.right, values)
            return None if left is None or right is None else _BOTH[type(node.op)](left, right)
        if isinstance(node, ast.UnaryOp):
            inner = self._value(node.operand, values)
            return None if inner is None else _ALONE[type(node.op)](inner)
        if isinstance(node, ast.Name):
            return values[node.id]
        return float(ast.literal_eval(node))

    def _refused(self, why: str) -> Rejected:
        return Rejected(Refusal.BAD_REQUEST, f"the formula {self._text!r} {why}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
