"""A network on paper: the extent and channels of its image, and what its layers add up to."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Totals:
    """What the layers so far cost."""

    macs: int = 0
    parameters: int = 0


@dataclass(slots=True)
class Walk:
    """Goes through the layers of a network for one square image; a fork goes its own way and adds to the same totals.

    Attributes:
        channels: of the image now.
        extent: height and width of the image now.
        totals: of this walk and all its forks.
    """

    channels: int
    extent: int
    totals: Totals = field(default_factory=Totals)

    def fork(self, channels: int | None = None) -> "Walk":
        """Another walk from here, perhaps with part of the channels."""
        return Walk(self.channels if channels is None else channels, self.extent, self.totals)

    def conv(
        self,
        channels: int,
        kernel: int | tuple[int, int] = 1,
        stride: int = 1,
        *,
        padding: int | None = None,
        groups: int = 1,
        bias: bool = False,
        norm: bool = True,
    ) -> "Walk":
        """A convolution, which keeps the extent at stride 1 unless the padding is given, and its normalisation."""
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        if padding is None:
            self.extent = (self.extent - 1) // stride + 1
        else:
            self.extent = (self.extent + 2 * padding - height) // stride + 1
        weights = self.channels // groups * channels * height * width
        self.totals.macs += weights * self.extent**2
        self.totals.parameters += weights + channels * bias + 2 * channels * norm
        self.channels = channels
        return self

    def depthwise(self, kernel: int, stride: int = 1, *, norm: bool = True) -> "Walk":
        """One filter a channel."""
        return self.conv(self.channels, kernel, stride, groups=self.channels, norm=norm)

    def norm(self) -> "Walk":
        """A normalisation by itself."""
        self.totals.parameters += 2 * self.channels
        return self

    def pool(self, stride: int = 2) -> "Walk":
        """A pool with padding, or whose windows hang over the edge."""
        self.extent = (self.extent - 1) // stride + 1
        return self

    def gate(self, squeezed: int) -> "Walk":
        """Squeeze and excite: two 1x1 convolutions with bias on one pixel."""
        aside = Walk(self.channels, 1, self.totals)
        aside.conv(squeezed, bias=True, norm=False).conv(self.channels, bias=True, norm=False)
        return self

    def linear(self, features: int) -> "Walk":
        """A linear layer with bias on one pixel, after the mean of each channel."""
        self.extent = 1
        return self.conv(features, bias=True, norm=False)
