"""Seeded random weights under which a network of any depth keeps its activations near unit size."""

import math

import numpy as np
from numpy.typing import NDArray

from attainable.errors import InvalidQuantity

Weights = NDArray[np.float32]

RELU_GAIN = math.sqrt(2)
"""ReLU halves the second moment of a symmetric input; this gain gives it back.

Source: He et al., Delving Deep into Rectifiers, arXiv:1502.01852, equation 10.
"""


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

    def fan_in(self, shape: tuple[int, ...], *, inputs: int, gain: float) -> Weights:
        """Weights that turn ``inputs`` values of unit second moment into one of second moment ``gain`` squared.

        Args:
            shape: of the weight tensor.
            inputs: how many products are summed into one output.
            gain: standard deviation of that sum; ``RELU_GAIN`` where the inputs come out of a ReLU.

        Source: He et al., arXiv:1502.01852, section 2.2 (normal, standard deviation gain / sqrt(fan in)).
        """
        return self.normal(shape, deviation=gain / math.sqrt(inputs))

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
