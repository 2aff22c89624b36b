"""Expressions over dimensions: evaluated without running anything."""

import pytest

from attainable.workload.torch.expressions import MalformedExpression, UnknownSymbol, parse_expression

S = "Symbol('s0', positive=True, integer=True)"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (S, 7),
        ("s0", 7),
        ("2*s0 + 1", 15),
        (f"Add(Mul(Integer(2), {S}), Integer(1))", 15),
        (f"FloorDiv(Add({S}, Integer(-1)), Integer(4))", 1),
        (f"Mod({S}, Integer(4))", 3),
        (f"Max(Integer(1), Min({S}, Integer(5)))", 5),
        (f"Pow({S}, Integer(2))", 49),
        (f"Mul(Rational(1, 7), {S})", 1),
        (f"TruncToInt(FloatTrueDiv({S}, Integer(2)))", 3),
        (f"CeilToInt(IntTrueDiv({S}, Integer(2)))", 4),
        ("(s0 - 1) // 2 % 2", 1),
        ("-s0 + 9", 2),
    ],
)
def test_expression_has_its_value_at_seven(text: str, value: int) -> None:
    expression = parse_expression(text)
    assert expression.symbols == ("s0",)
    assert expression.evaluate({"s0": 7}) == value


def test_symbol_alone_is_told_from_a_formula() -> None:
    assert parse_expression(S).symbol == "s0"
    assert parse_expression("s0 + 1").symbol == ""


def test_missing_symbol_is_named() -> None:
    with pytest.raises(UnknownSymbol, match="u3"):
        parse_expression("u3 * 2").evaluate({"s0": 1})


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "open('x')",
        "[].append(1)",
        "(lambda: 1)()",
        "s0.__class__",
        "'a' * 9",
        "1.5",
        "Pow(Integer(9), Integer(99999))",
        "Pow(Integer(9), Integer(60))",
        "Add(" * 70 + "Integer(1)" + ")" * 70,
        "(" * 3000,
        "-" * 3000 + "1",
        "1+" * 5000 + "1",
        "Mod(Integer(1), Integer(0))",
        "FloorDiv(Integer(1))",
        "Max()",
        "Min()",
        "Pow(Integer(2))",
        "Pow(Integer(2), Integer(2), Integer(2))",
        "Rational(1, 2)",
        "Integer(" + "9" * 300 + ")",
        "",
        "s0 +",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(MalformedExpression):
        parse_expression(text).evaluate({"s0": 1})
