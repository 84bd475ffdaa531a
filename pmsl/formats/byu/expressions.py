"""``${…}`` in the texts of a print file: a name of its variables, or arithmetic over them; nothing else is evaluated."""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pmsl.errors import JobError

PLACE = re.compile(r"\$\{([^}]+)\}")
LONGEST, LARGEST, HIGHEST_POWER, DEEPEST = 200, 1e12, 64, 16  # characters, magnitude of any value, exponent, variables in each other
LONGEST_TEXT, MOST_TEXT = 10_000, 10_000_000  # characters of a text with values in it, and of all of them
Number = int | float

OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
SIGNS: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}


class Variables:
    """Variables of a print file, and what texts are with their values put in.

    Parameters
    ----------
    values : mapping
        Name → number, text or truth value; texts may hold expressions themselves.
    where : str
        File, for messages.

    Attributes
    ----------
    nested : set of str
        Variables that were used and are expressions themselves, which the group's own host does not follow.
    """

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values, self._where = dict(values), where
        self._known: dict[str, Any] = {}
        self._open: list[str] = []
        self._made = 0
        self.nested: set[str] = set()

    def filled(self, text: str) -> Any:
        """Return a text with its expressions' values: of one that is nothing but an expression the value, a number or truth value too.

        Raises
        ------
        JobError
            Not arithmetic over the variables, an unknown variable, or a value out of bounds.
        """
        whole = PLACE.fullmatch(text)
        if whole is not None:
            return self._value_of(whole[1])
        pieces = [str(self._value_of(piece)) if i % 2 else piece for i, piece in enumerate(PLACE.split(text))]
        length = sum(map(len, pieces))
        self._made += length
        if length > LONGEST_TEXT or self._made > MOST_TEXT:
            most = f"at most {LONGEST_TEXT}, and {MOST_TEXT} in all, are read"
            raise JobError(f"{self._where}: a text has {length} characters with its values; {most}; the file was tampered with")
        return "".join(pieces)

    def without_value(self) -> Iterator[str]:
        """Yield what is wrong with variables that are expressions, used or not."""
        for text in self._values.values():
            if isinstance(text, str) and "${" in text:
                try:
                    self.filled(text)
                except JobError as err:
                    yield str(err)

    def _value_of(self, expression: str) -> Any:
        name = expression.strip()
        if name in self._values and name.isidentifier():
            return self._variable(name)
        if len(expression) > LONGEST:
            raise JobError(f"{self._where}: an expression of {len(expression)} characters; at most {LONGEST} are read")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of odd literals, which are refused
                tree = ast.parse(name, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as err:
            raise self._refusal(expression, "is no arithmetic") from err
        try:
            return self._number(tree.body, expression)
        except (ZeroDivisionError, OverflowError) as err:
            raise self._refusal(expression, f"has no value ({err})") from err

    def _number(self, node: ast.expr, expression: str) -> Number:
        value: Any = None
        if isinstance(node, ast.Constant):
            value = node.value
        elif isinstance(node, ast.Name):
            value = self._variable(node.id)
        elif isinstance(node, ast.UnaryOp) and type(node.op) in SIGNS:
            value = SIGNS[type(node.op)](self._number(node.operand, expression))
        elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            left, right = self._number(node.left, expression), self._number(node.right, expression)
            if isinstance(node.op, ast.Pow) and abs(right) > HIGHEST_POWER:
                raise self._refusal(expression, f"has an exponent of {right:g}; at most {HIGHEST_POWER} is read")
            value = OPERATORS[type(node.op)](left, right)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._refusal(expression, "is not arithmetic over numbers and the file's variables")
        if not abs(value) <= LARGEST:
            raise self._refusal(expression, f"has values beyond {LARGEST:g}")
        return value

    def _variable(self, name: str) -> Any:
        if name in self._known:
            return self._known[name]
        if name not in self._values:
            raise JobError(f"{self._where}: {name[:80]!r} is an unknown variable; known: {', '.join(map(str, self._values)) or 'none'}")
        value = self._values[name]
        if isinstance(value, str) and "${" in value:
            if name in self._open or len(self._open) >= DEEPEST:
                raise JobError(
                    f"{self._where}: variable {name[:80]!r} is given by itself, or by too many others; write its value in its place"
                )
            self.nested.add(name)
            self._open.append(name)
            value = self.filled(value)
            self._open.pop()
        self._known[name] = value
        return value

    def _refusal(self, expression: str, why: str) -> JobError:
        return JobError(f"{self._where}: '${{{expression[:80]}}}' {why}; write its value in its place")


def put_in(item: Any, variables: Variables, where: str, depth: int = 0) -> Any:
    """Return a table's item with the values of all expressions in it; raises `JobError` as `Variables.filled`."""
    if depth > DEEPEST:
        raise JobError(f"{where}: tables lie more than {DEEPEST} deep; not a print file")
    if isinstance(item, dict):
        return {key: put_in(value, variables, where, depth + 1) for key, value in item.items()}
    if isinstance(item, list):
        return [put_in(value, variables, where, depth + 1) for value in item]
    return variables.filled(item) if isinstance(item, str) and "${" in item else item
