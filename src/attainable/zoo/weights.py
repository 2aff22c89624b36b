"""Seeded random weights under which a network of any depth keeps its activations near unit size."""

import math

import numpy as np
from numpy.typing import NDArray

from attainable.errors import InvalidQuantity

Weights = NDArray[np.float32]

RELU_SECOND_MOMENT = 1 / 2
"""Mean of max(x, 0) squared for x from the standard normal distribution."""

RELU_VARIANCE = (1 - 1 / math.pi) / 2
"""Variance of max(x, 0) for x from the standard normal distribution, whose mean is 1 / sqrt(2 pi)."""


class RandomWeights:
    """Draws the weights of one network, in order, from one seed.

    The same seed gives the same bytes with the same numpy release; numpy does not promise its normal
    distribution across releases.

    Args:
        seed: zero or more.

    Raises:
        InvalidQuantity: the seed is negative.
    """

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise InvalidQuantity(f"the seed is {seed}", where="seed", help="give a whole number from 0 up")
        # SFC64 draws normals twice as fast as the default PCG64: 1.7 s for the 138 million of VGG-16.
        self._generator = np.random.Generator(np.random.SFC64(seed))

    def dense(self, shape: tuple[int, ...], *, inputs: tuple[int, ...], after_relu: bool) -> Weights:
        """Weights of a layer that sums over many inputs, scaled by the fan-in, and of zero sum for each output.

        The zero sum makes a unit blind to the mean that a ReLU leaves. Without it the mean swamps the rest layer by
        layer: the logits of ResNet-50 then differ by 3 % of their spread between two inputs, and no change to the
        network could be judged by them.

        Args:
            shape: of the weight tensor.
            inputs: the axes that one output sums over.
            after_relu: whether the layer reads what a ReLU or the like made; else unit variance is assumed.

        Source: He et al., Delving Deep into Rectifiers, arXiv:1502.01852, equation 10 (standard deviation by
        fan-in); Brock et al., Characterizing signal propagation, arXiv:2101.08692, Scaled Weight Standardization
        (zero sum, and the variance of ReLU in place of its second moment).
        """
        weights = self._scaled(shape, inputs=inputs, moment=RELU_VARIANCE if after_relu else 1.0)
        weights -= weights.mean(axis=inputs, keepdims=True)
        return weights

    def depthwise(self, shape: tuple[int, ...], *, inputs: tuple[int, ...], after_relu: bool) -> Weights:
        """Weights of a layer that filters each channel by itself: as ``dense``, but of any sum.

        A 3x3 filter of zero sum would be deaf to all that is smooth.

        Source: He et al., arXiv:1502.01852, equation 10.
        """
        return self._scaled(shape, inputs=inputs, moment=RELU_SECOND_MOMENT if after_relu else 1.0)

    def _scaled(self, shape: tuple[int, ...], *, inputs: tuple[int, ...], moment: float) -> Weights:
        count = math.prod(shape[axis] for axis in inputs)
        return self.normal(shape, deviation=1 / math.sqrt(count * moment))

    def normal(self, shape: tuple[int, ...], *, deviation: float, mean: float = 0.0) -> Weights:
        """Normally distributed float32 values."""
        values = self._generator.standard_normal(shape, dtype=np.float32)
        values *= np.float32(deviation)
        if mean:
            values += np.float32(mean)
        return values

    def uniform(self, shape: tuple[int, ...], *, low: float, high: float) -> Weights:
        """Uniformly distributed float32 values; for variances, which must stay positive."""
        values = self._generator.random(shape, dtype=np.float32)
        values *= np.float32(high - low)
        values += np.float32(low)
        return values


class AbsentWeights(RandomWeights):
    """Draws nothing: arrays that have a shape and no memory, for networks that are counted and not run."""

    def __init__(self) -> None:
        super().__init__(0)

    def dense(self, shape: tuple[int, ...], *, inputs: tuple[int, ...], after_relu: bool) -> Weights:
        """The shape alone."""
        return _without_memory(shape)

    def depthwise(self, shape: tuple[int, ...], *, inputs: tuple[int, ...], after_relu: bool) -> Weights:
        """The shape alone."""
        return _without_memory(shape)

    def normal(self, shape: tuple[int, ...], *, deviation: float, mean: float = 0.0) -> Weights:
        """The shape alone."""
        return _without_memory(shape)

    def uniform(self, shape: tuple[int, ...], *, low: float, high: float) -> Weights:
        """The shape alone."""
        return _without_memory(shape)


def _without_memory(shape: tuple[int, ...]) -> Weights:
    # One element seen everywhere, with strides of zero.
    return np.broadcast_to(np.float32(0), shape)
