"""Integers that an exported program computes from the symbols of its dimensions, e.g. ``2 * s0 + 1``.

PyTorch writes them as nested calls, ``Add(Mul(Integer(2), Symbol('s0', positive=True)), Integer(1))``, and wrote them
as formulas before. Neither is executed: the text is parsed, and a table says what the names mean that may occur.

Source: PyTorch 2.13, ``torch/utils/_sympy/functions.py``; SymPy, ``srepr``.
"""

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, reduce

LONGEST_TEXT = 4000
DEEPEST_NESTING = 60
LARGEST_NUMBER = 2**63
LARGEST_EXPONENT = 64


class MalformedExpression(Exception):
    """The text is no expression that the table knows."""


class UnknownSymbol(Exception):
    """A symbol has no number."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression.

    Attributes:
        text: as PyTorch wrote it.
        root: its syntax tree, made of nothing but names, numbers and calls.
        symbols: the names in it, sorted.
    """

    text: str
    root: ast.expr
    symbols: tuple[str, ...]

    @property
    def symbol(self) -> str:
        """The name, where the expression is nothing but one symbol; empty otherwise."""
        return self.symbols[0] if self.symbols and _symbol_of(self.root) == self.symbols[0] else ""

    def evaluate(self, numbers: Mapping[str, int]) -> int:
        """The integer that the expression stands for.

        Raises:
            UnknownSymbol: a symbol has no number.
            MalformedExpression: the result is no integer, or beyond 63 bits, or a call has the wrong arguments.
        """
        try:
            result = _value(self.root, numbers, 0)
        except (ZeroDivisionError, TypeError, IndexError, ValueError, OverflowError):
            raise MalformedExpression(self.text) from None
        if result.denominator != 1:
            raise MalformedExpression(self.text)
        return result.numerator


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> Expression:
    """Parse an expression; nothing in it is executed.

    Raises:
        MalformedExpression: too long, or no expression.
    """
    if len(text) > LONGEST_TEXT:
        raise MalformedExpression(f"{text[:60]}...")
    try:
        root = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise MalformedExpression(text) from None
    symbols = {name for node in ast.walk(root) if isinstance(node, ast.expr) and (name := _symbol_of(node))}
    return Expression(text, root, tuple(sorted(symbols)))


def _symbol_of(node: ast.expr) -> str:
    """The name of ``s0`` or ``Symbol('s0', ...)``; empty for anything else."""
    match node:
        case ast.Name(name):
            return "" if name in _FUNCTIONS or name in _ATOMS else name
        case ast.Call(ast.Name("Symbol"), [ast.Constant(str(name)), *_]):
            return name
        case _:
            return ""


def _value(node: ast.expr, numbers: Mapping[str, int], depth: int) -> Fraction:
    if depth > DEEPEST_NESTING:
        raise MalformedExpression("nested too deeply")
    if name := _symbol_of(node):
        if name not in numbers:
            raise UnknownSymbol(name)
        return Fraction(numbers[name])
    match node:
        case ast.Constant(int(number)):
            return _bounded(Fraction(number))
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand, numbers, depth + 1)
        case ast.BinOp(left, operator, right) if type(operator) in _OPERATORS:
            values = (_value(left, numbers, depth + 1), _value(right, numbers, depth + 1))
            return _bounded(_FUNCTIONS[_OPERATORS[type(operator)]](values))
        case ast.Call(ast.Name(name), arguments) if name in _FUNCTIONS:
            return _bounded(_FUNCTIONS[name]([_value(argument, numbers, depth + 1) for argument in arguments]))
        case _:
            raise MalformedExpression(ast.dump(node)[:60])


def _bounded(number: Fraction) -> Fraction:
    if abs(number.numerator) > LARGEST_NUMBER or number.denominator > LARGEST_NUMBER:
        raise MalformedExpression("a number exceeds 63 bits")
    return number


def _power(arguments: Sequence[Fraction]) -> Fraction:
    base, exponent = arguments
    if exponent.denominator != 1 or abs(exponent.numerator) > LARGEST_EXPONENT:
        raise MalformedExpression("an exponent is no small integer")
    return base**exponent.numerator


def _product(arguments: Sequence[Fraction]) -> Fraction:
    return reduce(lambda left, right: _bounded(left * right), arguments, Fraction(1))


_ATOMS = frozenset({"Symbol", "Integer", "Rational"})

_FUNCTIONS: dict[str, Callable[[Sequence[Fraction]], Fraction]] = {
    "Integer": lambda arguments: arguments[0],
    "Rational": lambda arguments: arguments[0] / arguments[1],
    "Add": lambda arguments: sum(arguments, Fraction(0)),
    "Sub": lambda arguments: arguments[0] - arguments[1],
    "Mul": _product,
    "Pow": _power,
    "PowByNatural": _power,
    "Max": max,
    "Min": min,
    "FloorDiv": lambda arguments: Fraction(arguments[0] // arguments[1]),
    "CleanDiv": lambda arguments: Fraction(arguments[0] // arguments[1]),
    "CeilDiv": lambda arguments: Fraction(-(-arguments[0] // arguments[1])),
    "IntTrueDiv": lambda arguments: arguments[0] / arguments[1],
    "FloatTrueDiv": lambda arguments: arguments[0] / arguments[1],
    "Mod": lambda arguments: arguments[0] % arguments[1],
    "PythonMod": lambda arguments: arguments[0] % arguments[1],
    "ModularIndexing": lambda arguments: arguments[0] // arguments[1] % arguments[2],
    "ToFloat": lambda arguments: arguments[0],
    "CeilToInt": lambda arguments: Fraction(math.ceil(arguments[0])),
    "FloorToInt": lambda arguments: Fraction(math.floor(arguments[0])),
    "TruncToInt": lambda arguments: Fraction(math.trunc(arguments[0])),
    "floor": lambda arguments: Fraction(math.floor(arguments[0])),
    "ceiling": lambda arguments: Fraction(math.ceil(arguments[0])),
    "Abs": lambda arguments: abs(arguments[0]),
}
"""What a name means in an expression, with its arguments' values."""

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "Add",
    ast.Sub: "Sub",
    ast.Mult: "Mul",
    ast.Div: "IntTrueDiv",
    ast.FloorDiv: "FloorDiv",
    ast.Mod: "Mod",
    ast.Pow: "Pow",
}
