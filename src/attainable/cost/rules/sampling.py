"""Sampling images at positions that are computed.

::

    y[n, c, o] = sum over t of  weight[n, o, t] * x[n, c, position(n, o) + t]

n image, c channel, o output position, t tap. As in Resize, an output of T taps costs T products and T - 1 additions.
Unlike there, positions are activations: finding the corner below, the fraction and its complement takes 3 operations an
axis, the T weights of r axes (r - 1) T products; all channels of an image share them. Leaving the image is found by two
comparisons an axis.

Source: ONNX operator specification, GridSample 16 to 22, RoiAlign 10 to 22, DeformConv 19, MaxRoiPool 1; function body
of AffineGrid 20; R. Keys, "Cubic convolution interpolation" (1981); K. He et al., "Mask R-CNN" (2017), section 3: four
sampled points in a bin.
"""

from math import prod

from attainable.cost.work import Rule, Rules, Work, contraction, scalar_results
from attainable.workload.graph import Op

_CORNER = 3
"""Operations an axis: round down, subtract, complement."""

_OUTSIDE = 2
"""Operations an axis: compare with both ends of the image."""

_REFLECTION = 5
"""Operations an axis: divide by the extent, round down, multiply, subtract, add."""

_CUBIC_WEIGHTS = 25
"""Operations an axis: the four polynomials of Keys by Horner's rule, 5 and 7 each, and three distances less 1 or 2."""

_POINTS_PER_AXIS = 2
"""Samples of a bin along one axis where a file leaves their number to the size of the region."""


def grid_sample(op: Op) -> Work:
    """Scale each coordinate to pixels (4, aligned corners 3), treat the outside, then interpolate.

    The nearest pixel is one rounding an axis and a selection.
    """
    axes = op.input(0).rank - 2
    positions = op.input(1).elements // axes
    to_pixels = 3 if op.integer("align_corners", 0) else 4
    outside = _OUTSIDE + (_REFLECTION if op.text("padding_mode", "zeros") == "reflection" else 0)
    mode = op.text("mode", "linear")
    if mode == "nearest":
        return scalar_results(op, positions * axes * (to_pixels + outside + 1))
    per_axis = to_pixels + outside + _CORNER
    taps = 2**axes
    if mode in ("cubic", "bicubic"):
        per_axis += _CUBIC_WEIGHTS
        taps = 4**axes
    per_position = axes * per_axis + (axes - 1) * taps
    return scalar_results(op, positions * per_position + (2 * taps - 1) * op.output.elements)


def affine_grid(op: Op) -> Work:
    """The function body: homogeneous coordinates of a volume times 3 rows of 4, also where the image is flat.

    The coordinates before the product are known unless the size is computed at run time: then 4 for each position, and
    for each axis a range, a product and a sum an index, 4 for the range and 3 for start and step, 2 where corners are
    aligned.
    """
    batch, *extents, _ = op.output.dims
    volume = prod(extents)
    operations = 0
    if not op.input(1).is_constant:
        per_axis = 4 + (2 if op.integer("align_corners", 0) else 3)
        operations = 4 * volume + 3 * sum(extents) + per_axis * len(extents)
    return contraction(op, macs=12 * batch * volume, operations=operations)


def region_align(op: Op) -> Work:
    """Interpolate s x s points in each bin and take their mean or maximum: 7 a point and s * s, or one fewer.

    A region is scaled (4), moved by half a pixel (4) or made one pixel large at least (2), measured (2) and cut into
    bins (2) and steps (2). A coordinate takes a product, a sum, the treatment of the outside and of the corner; a point
    4 weights. Channels share all of those. Where the file leaves s to the size of the region, s is 2.
    """
    regions, channels, rows, columns = op.output.dims
    samples = op.integer("sampling_ratio", 0) or _POINTS_PER_AXIS
    default = "half_pixel" if op.opset >= 16 else "output_half_pixel"
    half_pixel = op.text("coordinate_transformation_mode", default) == "half_pixel"
    per_region = 10 + (4 if half_pixel else 2)
    coordinates = (rows + columns) * samples
    per_coordinate = 2 + _OUTSIDE + _CORNER
    points = rows * columns * samples * samples
    pooled = points if op.text("mode", "avg") == "avg" else points - rows * columns
    shared = per_region + per_coordinate * coordinates + 4 * points
    return scalar_results(op, regions * (shared + channels * (7 * points + pooled)))


def region_max_pool(op: Op) -> Work:
    """At most: every region covers its image, whose elements are compared once for each channel."""
    regions, channels, *bins = op.output.dims
    _, _, *extents = op.input(0).dims
    return scalar_results(op, regions * channels * max(prod(extents) - prod(bins), 0))


def deformable_convolution(op: Op) -> Work:
    """A convolution whose taps are interpolated between input elements, at positions moved by an input.

    Each tap of each offset group moves (1 an axis) before corner, outside and weights; each channel's element takes T
    products and T - 1 additions of the T = 2^r corners, and a product with the mask where there is one.
    """
    _, channels_per_group, *kernel = op.input(1).dims
    batch, channels, *extents = op.input(0).dims
    axes = len(extents)
    corners = 2**axes
    taps = op.input(2).elements // axes
    per_tap = axes * (1 + _OUTSIDE + _CORNER) + (axes - 1) * corners
    _, _, *positions = op.output.dims
    sampled = batch * channels * prod(kernel) * prod(positions)
    per_sample = 2 * corners - 1 + (op.optional_input(4) is not None)
    macs = op.output.elements * channels_per_group * prod(kernel)
    return contraction(op, macs=macs, operations=taps * per_tap + sampled * per_sample)


RULES: Rules = {
    "GridSample": Rule(grid_sample, parameters=(0,)),
    "AffineGrid": Rule(affine_grid, parameters=(0,)),
    "RoiAlign": Rule(region_align, parameters=(0,)),
    "MaxRoiPool": Rule(region_max_pool, parameters=(0,)),
    "DeformConv": Rule(deformable_convolution, parameters=(1, 3)),
}
"""Sampling by operator."""
