"""A weight step's forward pass at the cost of the network that was drawn, not of the largest.

Law 1 holds as for masks: what is computed is the drawn architecture with the supernet's weights.
The graph is one for every draw. Widths are slices of dynamic shape, kernels, activations,
squeeze-and-excite and skipped blocks are branches, and only what was drawn runs; the moving
statistics of channels that did not run stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf

from .drawn import (
    Count,
    Places,
    channels_of,
    hidden_count,
    input_count,
    output_count,
    prefix,
    same_width,
    squeezed_count,
)
from .excitation import Choices, Layers, excited
from .masked_block import MaskedBlock, MaskedConvolution
from .masked_residual import MaskedInvertedResidual, SeparableBranch
from .sliced_layers import (
    Moments,
    branch,
    drawn_activation,
    own,
    sliced_batch_norm,
    sliced_convolution,
    sliced_depthwise,
    sliced_inference_norm,
    sliced_pointwise,
    sum_where,
)
from .squeeze_excite import MaskedSqueezeExcite

Normalized = Callable[[tf.Tensor], tuple[tf.Tensor, Moments]]
"""A part of a block: the map that it reads -> what it writes, and its BatchNorms' moments."""


class SlicedPath:
    """The blocks of a supernet on the channels that were drawn.

    Args:
        blocks: the masked layers that own the variables.
        momentum: of BatchNorm's moving statistics.
        training: whether BatchNorm uses the batch's statistics and moves the moving ones.
    """

    def __init__(self, blocks: Iterable[MaskedBlock], momentum: Any, training: bool = True) -> None:
        self.blocks = list(blocks)
        self.momentum = momentum
        self.training = training
        # Read here rather than in a branch, where the tape would not see it.
        self.values = {
            id(variable): tf.convert_to_tensor(variable)
            for block in self.blocks
            for variable in block.variables
        }

    def __call__(self, images: tf.Tensor, places: Iterable[Places]) -> tf.Tensor:
        """The logits (batch, classes), float32.

        Args:
            images: (batch, side, side, channels).
            places: of each block.
        """
        x = tf.cast(images, self.blocks[0].compute_dtype)
        for layer, of_block in zip(self.blocks, places, strict=True):
            x = _FORWARD[layer.block.kind](self, layer, x, of_block)
        return x

    def value(self, variable: Any, *counts: Count) -> tf.Tensor:
        """The value that a variable had when the pass began, so many of its first entries."""
        return prefix(self.values[id(variable)], *counts)

    def matrix(self, kernel: Any, inputs: Count, outputs: Count) -> tf.Tensor:
        """A 1x1 kernel as a matrix (inputs, outputs)."""
        return prefix(tf.reshape(self.value(kernel), kernel.shape[2:]), inputs, outputs)

    def move(self, layer: Any, moments: Moments) -> None:
        """Moves the statistics of the channels that ran."""
        if not self.training:
            return
        channels = tf.range(tf.size(moments[0]))
        for moving, batch in zip((layer.moving_mean, layer.moving_variance), moments, strict=True):
            before = moving.value.sparse_read(channels)
            step = (tf.stop_gradient(batch) - before) * (1.0 - self.momentum)
            moving.value.scatter_add(tf.IndexedSlices(step, channels))

    # Blocks -------------------------------------------------------------------------------------

    def convolution(self, layer: MaskedConvolution, x: tf.Tensor, places: Places) -> tf.Tensor:
        """`cn`."""
        x, moments = self._convolution(layer, places, channels_of(x))(x)
        self.move(layer.bn, moments)
        return x

    def skip(self, layer: Any, x: tf.Tensor, places: Places) -> tf.Tensor:
        """`sk` as a block of its own."""
        if layer.skip is None:
            return x
        x, moments = self._skipped(layer, places)(x)
        self.move(layer.skip.bn, moments)
        return x

    def residual(self, layer: MaskedInvertedResidual, x: tf.Tensor, places: Places) -> tf.Tensor:
        """`ir` and `ds`, which may be skipped."""
        norms = _norms(layer.branch)
        skip_norms = [] if layer.skip is None else [layer.skip.bn]
        same = same_width(layer, places)
        compute, skipped = self._branch(layer.branch, places), self._skipped(layer, places)

        def present() -> list[tf.Tensor]:
            y, moments = compute(x)
            return [sum_where(same, y, x), *moments, *_nothing(skip_norms)]

        def absent() -> list[tf.Tensor]:
            y, moments = skipped(x)
            return [y, *_nothing(norms), *moments]

        functions = [present, absent] if layer.block.skippable else [present]
        y, *moments = branch(functions, places.get("kind", 0))
        for place, norm in enumerate([*norms, *skip_norms]):
            self.move(norm, moments[2 * place : 2 * place + 2])
        return y

    def head(self, layer: Any, x: tf.Tensor, places: Places) -> tf.Tensor:
        """`ip`."""
        names, place = layer.block.activation, places.get("activation", 0)
        hidden = hidden_count(layer, places)
        x = sliced_pointwise(x, self.matrix(layer.expand_conv.kernel, channels_of(x), hidden))
        x, moments = self._normalization(layer.expand_bn, hidden)(x)
        self.move(layer.expand_bn, moments)
        x = tf.reduce_mean(drawn_activation(x, names, place), axis=[1, 2], keepdims=True)
        projection = self.matrix(layer.project_conv.kernel, hidden, output_count(layer, places))
        return drawn_activation(sliced_pointwise(x, projection), names, place)

    def pool(self, layer: Any, x: tf.Tensor, places: Places) -> tf.Tensor:
        """`pl`."""
        return tf.reduce_mean(x, axis=[1, 2], keepdims=True)

    def classifier(self, layer: Any, x: tf.Tensor, places: Places) -> tf.Tensor:
        """`fc`."""
        x = tf.cast(tf.reduce_mean(x, axis=[1, 2]), tf.float32)
        kernel = self.value(layer.dense.kernel, channels_of(x))
        return tf.matmul(x, kernel) + self.value(layer.dense.bias)

    # Parts of blocks: slices are made when a part is, maps when it is called ----------------------

    def _normalization(self, layer: Any, channels: Count) -> Normalized:
        gamma, beta = self.value(layer.gamma, channels), self.value(layer.beta, channels)
        if self.training:
            return lambda x: sliced_batch_norm(x, gamma, beta, layer.epsilon)
        mean = self.value(layer.moving_mean, channels)
        variance = self.value(layer.moving_variance, channels)
        return lambda x: (
            sliced_inference_norm(x, gamma, beta, mean, variance, layer.epsilon),
            _nothing([layer]),
        )

    def _convolution(self, layer: MaskedConvolution, places: Places, inputs: Count) -> Normalized:
        block, kernel = layer.block, layer.conv.kernel
        filters = output_count(layer, places)
        normalize = self._normalization(layer.bn, filters)
        is_pointwise = max(block.kernel) == 1
        if is_pointwise:
            taps = self.matrix(kernel, inputs, filters)
        else:
            taps = prefix(self.value(kernel), *kernel.shape[:2], inputs, filters)

        def compute(x: tf.Tensor) -> tuple[tf.Tensor, Moments]:
            if is_pointwise:
                x = sliced_pointwise(x, taps, block.stride[0])
            else:
                place = places.get("kernel", 0)
                x = sliced_convolution(x, taps, block.stride[0], block.kernel, place)
            x, moments = normalize(x)
            return drawn_activation(x, block.activation, places.get("activation", 0)), moments

        return compute

    def _skipped(self, layer: Any, places: Places) -> Normalized:
        """The identity where the width stays, else the convolution of a skip."""
        if layer.skip is None:
            return lambda x: (x, [])
        of_skip = {"channels": places.get("channels", 0), "activation": places.get("activation", 0)}
        if layer.block.skippable:
            of_skip["activation"] = 0
        same, nothing = same_width(layer, places), _nothing([layer.skip.bn])
        if same is True:
            return lambda x: (x, nothing)
        convolve = self._convolution(layer.skip, of_skip, input_count(layer, places))
        if same is False:
            return convolve

        def compute(x: tf.Tensor) -> tuple[tf.Tensor, Moments]:
            def changed() -> list[tf.Tensor]:
                y, moments = convolve(x)
                return [y, *moments]

            y, *moments = tf.cond(same, lambda: [x, *nothing], changed)
            return y, moments

        return compute

    def _branch(self, layer: SeparableBranch, places: Places) -> Normalized:
        block, names, place = layer.block, layer.block.activation, places.get("activation", 0)
        hidden, output = hidden_count(layer, places), output_count(layer, places)
        expand = None
        if layer.expand_conv is not None:
            inputs = input_count(layer, places)
            expansion = self.matrix(layer.expand_conv.kernel, inputs, hidden)
            expand = self._normalization(layer.expand_bn, hidden)
        depthwise = self.value(layer.depthwise_conv.kernel)
        depthwise = prefix(depthwise, *depthwise.shape[:2], hidden)
        normalize = self._normalization(layer.depthwise_bn, hidden)
        gate = None if layer.se is None else self._gate(layer, layer.se, places, hidden)
        projection = self.matrix(layer.project_conv.kernel, hidden, output)
        finish = self._normalization(layer.project_bn, output)

        def compute(x: tf.Tensor) -> tuple[tf.Tensor, Moments]:
            found: Moments = []
            if expand is not None:
                x, found = expand(sliced_pointwise(x, expansion))
                x = drawn_activation(x, names, place)
            kernels = block.stride[0], block.kernel, places.get("kernel", 0)
            x, moments = normalize(sliced_depthwise(x, depthwise, *kernels))
            x = drawn_activation(x, names, place)
            x = x if gate is None else gate(x)
            y, last = finish(sliced_pointwise(x, projection))
            return y, [*found, *moments, *last]

        return compute

    def _gate(
        self, layer: SeparableBranch, se: MaskedSqueezeExcite, places: Places, hidden: Count
    ) -> Callable[[tf.Tensor], tf.Tensor]:
        """Squeeze-and-excite where it was drawn."""
        ratios, names = layer.block.se, layer.block.activation
        squeezed = squeezed_count(layer, places)
        dense = [
            self.value(se.reduce_kernel, hidden, squeezed),
            self.value(se.reduce_bias, squeezed),
            self.value(se.expand_kernel, squeezed, hidden),
            self.value(se.expand_bias, hidden),
        ]
        # A branch costs more than all activations of a vector.
        weights = tf.one_hot(places["activation"], len(names)) if len(names) > 1 else None
        absent = tf.equal(places["se"], ratios.index(0)) if 0 in ratios else None

        def compute(x: tf.Tensor) -> tf.Tensor:
            def gated() -> tf.Tensor:
                map_, *layers = own(x, *dense)
                chosen = Choices(None if weights is None else tf.identity(weights))
                return excited(map_, Layers(*layers), names, chosen, fixed=True)

            y = gated() if absent is None else tf.cond(absent, lambda: tf.identity(x), gated)
            y.set_shape(x.shape)
            return y

        return compute


_FORWARD: dict[str, Any] = {
    "cn": SlicedPath.convolution,
    "ds": SlicedPath.residual,
    "ir": SlicedPath.residual,
    "sk": SlicedPath.skip,
    "ip": SlicedPath.head,
    "pl": SlicedPath.pool,
    "fc": SlicedPath.classifier,
}


def _norms(layer: SeparableBranch) -> list[Any]:
    """The BatchNorms of a branch in the order in which they run."""
    first = [] if layer.expand_conv is None else [layer.expand_bn]
    return [*first, layer.depthwise_bn, layer.project_bn]


def _nothing(norms: list[Any]) -> Moments:
    """The moments of BatchNorms that did not run."""
    return [tf.zeros([0]) for _ in range(2 * len(norms))]
