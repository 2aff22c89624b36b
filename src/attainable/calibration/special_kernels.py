"""Special functions over an array in the first-level cache, as a good vector library computes them.

One operation is one result. float32, no branches, no tables; an error below 4e-7, relative, over the whole range:

* ``exp``: limited from below where the result would be denormal; x = n ln 2 + r with ln 2 in two parts; a polynomial of
  degree 6 in r; n goes straight into the exponent. Arguments up to 88, as in a softmax, where none is above 0.
* ``tanh``, ``erf``: limited to +-8 and +-4, beyond which they are 1; an odd polynomial over an even one, one division.
* ``divide``: the instruction.

Source: method after W. J. Cody, W. Waite, "Software Manual for the Elementary Functions", 1980, chapters 6 and 13. The
coefficients are fits of our own: of (exp r - 1 - r) / r^2 at Chebyshev nodes, and least squares of numerator less
function times denominator, reweighted by the error until it is even.
"""

import struct
from collections.abc import Callable

from attainable.calibration.kernels import KernelSource, assemble

BLOCK = 256
"""Bytes that the loop body takes from each array."""

FUNCTIONS = ("exp", "tanh", "erf", "divide")

_EXP = (0.5, 0.16666576, 0.041666556, 0.0083631789, 0.0013926184)
"""(exp r - 1 - r) / r^2 for abs(r) <= ln(2)/2, ascending; relative error of exp 1.1e-8."""

_TANH = (
    (1.0, 0.12979282438755035, 0.0029859263449907303, 9.879253411781974e-06, -1.4706046158607933e-08,
     2.3513514052497797e-11),
    (1.0, 0.463126003742218, 0.02402818761765957, 0.00023721215256955475),
)  # fmt: skip
"""tanh(x)/x as a quotient of polynomials in x^2, ascending, for abs(x) <= 8; relative error 1.9e-8."""

_ERF = (
    (1.1283791065216064, 0.20706084370613098, 0.051516093313694, 0.003987784963101149, 0.00014721746265422553,
     -1.942022208822891e-06, 1.9111947580086053e-08),
    (1.0, 0.5168341398239136, 0.1179438903927803, 0.014952428638935089, 0.0010204307036474347),
)  # fmt: skip
"""erf(x)/x as a quotient of polynomials in x^2, ascending, for abs(x) <= 4; relative error 6.5e-8."""

_LOWEST = -87.3
"""exp of it is just above the smallest normal float32, 2^-126."""
_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440054690583e-4
"""Their sum is ln 2; the first has few bits, so that its product with n is exact."""
_MAGIC = 12582912.0
"""1.5 * 2^23: a number added to it is rounded to an integer, which stands in its lowest bits."""


class _Body:
    """The lines of a loop body, with a name for every value."""

    def __init__(self, width: int, prefix: str) -> None:
        self.width, self.vector, self.prefix, self.lines = width, f"<{width} x float>", prefix, list[str]()

    def name(self, text: str) -> str:
        """Add a line that computes ``text``; its name."""
        result = f"%{self.prefix}_{len(self.lines)}"
        self.lines.append(f"  {result} = {text}")
        return result

    def constant(self, value: float) -> str:
        """``value`` in every lane, rounded to float32, as LLVM writes it: the bits of the equal double."""
        single = struct.unpack("f", struct.pack("f", value))[0]
        return f"splat (float 0x{struct.unpack('Q', struct.pack('d', single))[0]:016X})"

    def fused(self, x: str, y: str, addend: str) -> str:
        """x * y + addend; a multiplication and an addition where there is no fused one."""
        of = self.vector
        return self.name(f"call {of} @llvm.fmuladd.v{self.width}f32({of} {x}, {of} {y}, {of} {addend})")

    def apply(self, operation: str, x: str, y: str) -> str:
        """An instruction of two vectors."""
        return self.name(f"{operation} {self.vector} {x}, {y}")

    def limited(self, x: str, bound: float, *, above: bool) -> str:
        """x, but not above or not below a bound."""
        limit = self.constant(bound)
        test = self.name(f"fcmp nnan {'olt' if above else 'ogt'} {self.vector} {x}, {limit}")
        return self.name(
            f"select nnan nsz <{self.width} x i1> {test}, {self.vector} {x}, {self.vector} {limit}"
        )  # fmt: skip

    def polynomial(self, x: str, coefficients: tuple[float, ...]) -> str:
        """Ascending coefficients, by Horner's rule."""
        value = self.constant(coefficients[-1])
        for coefficient in coefficients[-2::-1]:
            value = self.fused(value, x, self.constant(coefficient))
        return value


def _exp(body: _Body, x: str) -> str:
    integers = f"<{body.width} x i32>"
    x = body.limited(x, _LOWEST, above=False)
    shifted = body.fused(x, body.constant(_LOG2_E), body.constant(_MAGIC))
    n = body.apply("fsub", shifted, body.constant(_MAGIC))
    r = body.fused(n, body.constant(-_LN2_LOW), body.fused(n, body.constant(-_LN2_HIGH), x))
    value = body.polynomial(r, (1.0, 1.0, *_EXP))
    exponent = body.name(f"bitcast {body.vector} {shifted} to {integers}")
    exponent = body.name(f"shl {integers} {exponent}, splat (i32 23)")
    bits = body.name(f"bitcast {body.vector} {value} to {integers}")
    return body.name(f"bitcast {integers} {body.name(f'add {integers} {bits}, {exponent}')} to {body.vector}")


def _quotient(body: _Body, x: str, polynomials: tuple[tuple[float, ...], tuple[float, ...]], bound: float) -> str:
    x = body.limited(body.limited(x, bound, above=True), -bound, above=False)
    square = body.apply("fmul", x, x)
    above, below = (body.polynomial(square, coefficients) for coefficients in polynomials)
    return body.apply("fdiv", body.apply("fmul", x, above), below)


_BODIES: dict[str, Callable[[_Body, str], str]] = {
    "exp": _exp,
    "tanh": lambda body, x: _quotient(body, x, _TANH, 8.0),
    "erf": lambda body, x: _quotient(body, x, _ERF, 4.0),
    "divide": lambda body, x: body.apply("fdiv", body.constant(1.0), x),
}


def special(function: str, *, width: int, abreast: int) -> KernelSource:
    """A function of every float32 of an array: ``count`` blocks of ``BLOCK`` bytes, ``repeats`` times.

    ``memory`` holds the arguments, and behind them, as many bytes on, the results. ``divide`` computes 1/x. The result
    is ``count``.

    Args:
        function: one of ``FUNCTIONS``.
        width: lanes of a vector.
        abreast: vectors computed side by side, step by step: a core looks only so far ahead for work that can start.
    """
    bodies = [_vector(function, width, offset) for offset in range(0, BLOCK, 4 * width)]
    steps: list[str] = []
    for first in range(0, len(bodies), abreast):
        for line in zip(*bodies[first : first + abreast], strict=True):
            steps += line
    vector = f"<{width} x float>"
    lines = [
        f"  %bytes = mul i64 %count, {BLOCK}",
        "  br label %pass",
        "pass:",
        "  %r = phi i64 [ 0, %work ], [ %r_next, %pass_end ]",
        "  br label %loop",
        "loop:",
        "  %i = phi i64 [ 0, %pass ], [ %i_next, %loop ]",
        "  %source = getelementptr i8, ptr %memory, i64 %i",
        "  %target = getelementptr i8, ptr %source, i64 %bytes",
        *steps,
        f"  %i_next = add i64 %i, {BLOCK}",
        "  %more = icmp slt i64 %i_next, %bytes",
        "  br i1 %more, label %loop, label %pass_end",
        "pass_end:",
        "  %r_next = add i64 %r, 1",
        "  %again = icmp slt i64 %r_next, %repeats",
        "  br i1 %again, label %pass, label %done",
        "done:",
        "  %result = add i64 %count, 0",
    ]
    declared = f"declare {vector} @llvm.fmuladd.v{width}f32({vector}, {vector}, {vector})"
    name = f"{function}_{width}x{abreast}"
    return KernelSource(name, assemble(name, lines, (declared,)), BLOCK // 4)


def _vector(function: str, width: int, offset: int) -> list[str]:
    """The lines for one vector of the block."""
    body = _Body(width, f"v{offset}")
    place = body.name(f"getelementptr i8, ptr %source, i64 {offset}")
    value = _BODIES[function](body, body.name(f"load {body.vector}, ptr {place}, align {4 * width}"))
    place = body.name(f"getelementptr i8, ptr %target, i64 {offset}")
    body.lines.append(f"  store {body.vector} {value}, ptr {place}, align {4 * width}")
    return body.lines
