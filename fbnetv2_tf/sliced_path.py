"""A weight step's forward pass at the cost of the network that was drawn, not of the largest.

Law 1 holds as for masks: what is computed is the drawn architecture with the supernet's weights.
The graph is one for every draw. Widths are slices of dynamic shape, kernels, activations,
squeeze-and-excite and skipped blocks are branches, and only what was drawn runs; the moving
statistics of channels that did not run stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from .activations import mixed_activation
from .map_mean import with_mean
from .masked_block import MaskedBlock, MaskedConvolution
from .masked_residual import MaskedInvertedResidual, SeparableBranch
from .rounding import hidden_channels, se_channels
from .sliced_layers import (
    Count,
    Moments,
    branch,
    channels_of,
    drawn,
    drawn_activation,
    sliced_batch_norm,
    sliced_convolution,
    sliced_depthwise,
    sliced_inference_norm,
)
from .squeeze_excite import MaskedSqueezeExcite

Places = Mapping[str, Any]
"""Field of a block -> place of the drawn alternative, int32; `input`: the width that it reads."""


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

    def value(self, variable: Any) -> tf.Tensor:
        """The value that a variable had when the pass began."""
        return self.values[id(variable)]

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
        x, moments = self._convolution(layer, x, places)
        self.move(layer.bn, moments)
        return x

    def skip(self, layer: Any, x: tf.Tensor, places: Places) -> tf.Tensor:
        """`sk` as a block of its own."""
        if layer.skip is None:
            return x
        x, moments = self._skipped(layer, x, places)
        self.move(layer.skip.bn, moments)
        return x

    def residual(self, layer: MaskedInvertedResidual, x: tf.Tensor, places: Places) -> tf.Tensor:
        """`ir` and `ds`, which may be skipped."""
        norms = _norms(layer.branch)
        skip_norms = [] if layer.skip is None else [layer.skip.bn]

        def present() -> list[tf.Tensor]:
            y, moments = self._branch(layer.branch, x, places)
            y = _add_where(_same_width(layer, places), y, x)
            return [y, *moments, *_nothing(skip_norms)]

        def absent() -> list[tf.Tensor]:
            y, moments = self._skipped(layer, x, places)
            return [y, *_nothing(norms), *moments]

        functions = [present, absent] if layer.block.skippable else [present]
        y, *moments = branch(functions, places.get("kind", 0))
        for place, norm in enumerate([*norms, *skip_norms]):
            self.move(norm, moments[2 * place : 2 * place + 2])
        return y

    def head(self, layer: Any, x: tf.Tensor, places: Places) -> tf.Tensor:
        """`ip`."""
        names, place = layer.block.activation, places.get("activation", 0)
        hidden = _hidden(layer, places)
        x = sliced_convolution(x, self.value(layer.expand_conv.kernel), hidden)
        x, moments = self._normalized(layer.expand_bn, x)
        self.move(layer.expand_bn, moments)
        x = tf.reduce_mean(drawn_activation(x, names, place), axis=[1, 2], keepdims=True)
        x = sliced_convolution(x, self.value(layer.project_conv.kernel), _output(layer, places))
        return drawn_activation(x, names, place)

    def pool(self, layer: Any, x: tf.Tensor, places: Places) -> tf.Tensor:
        """`pl`."""
        return tf.reduce_mean(x, axis=[1, 2], keepdims=True)

    def classifier(self, layer: Any, x: tf.Tensor, places: Places) -> tf.Tensor:
        """`fc`."""
        x = tf.cast(tf.reduce_mean(x, axis=[1, 2]), tf.float32)
        kernel = self.value(layer.dense.kernel)[: channels_of(x)]
        return tf.matmul(x, kernel) + self.value(layer.dense.bias)

    # Parts of blocks ----------------------------------------------------------------------------

    def _normalized(self, layer: Any, x: tf.Tensor) -> tuple[tf.Tensor, Moments]:
        gamma, beta = self.value(layer.gamma), self.value(layer.beta)
        if self.training:
            return sliced_batch_norm(x, gamma, beta, layer.epsilon)
        moving = self.value(layer.moving_mean), self.value(layer.moving_variance)
        return sliced_inference_norm(x, gamma, beta, *moving, layer.epsilon), _nothing([layer])

    def _convolution(
        self, layer: MaskedConvolution, x: tf.Tensor, places: Places
    ) -> tuple[tf.Tensor, Moments]:
        block = layer.block
        x = sliced_convolution(
            x,
            self.value(layer.conv.kernel),
            _output(layer, places),
            block.stride[0],
            block.kernel,
            places.get("kernel", 0),
        )
        x, moments = self._normalized(layer.bn, x)
        return drawn_activation(x, block.activation, places.get("activation", 0)), moments

    def _skipped(self, layer: Any, x: tf.Tensor, places: Places) -> tuple[tf.Tensor, Moments]:
        """The identity where the width stays, else the convolution of a skip."""
        if layer.skip is None:
            return x, []
        of_skip = {"channels": places.get("channels", 0), "activation": places.get("activation", 0)}
        if layer.block.skippable:
            of_skip["activation"] = 0

        def changed() -> list[tf.Tensor]:
            y, moments = self._convolution(layer.skip, x, of_skip)
            return [y, *moments]

        same = _same_width(layer, places)
        if isinstance(same, bool):
            y, *moments = [x, *_nothing([layer.skip.bn])] if same else changed()
        else:
            unchanged = [x, *_nothing([layer.skip.bn])]
            y, *moments = tf.cond(same, lambda: unchanged, changed)
        return y, moments

    def _branch(
        self, layer: SeparableBranch, x: tf.Tensor, places: Places
    ) -> tuple[tf.Tensor, Moments]:
        names, place = layer.block.activation, places.get("activation", 0)
        found: Moments = []
        if layer.expand_conv is not None:
            x = sliced_convolution(x, self.value(layer.expand_conv.kernel), _hidden(layer, places))
            x, moments = self._normalized(layer.expand_bn, x)
            x = drawn_activation(x, names, place)
            found += moments
        kernel, stride = self.value(layer.depthwise_conv.kernel), layer.block.stride[0]
        x = sliced_depthwise(x, kernel, stride, layer.block.kernel, places.get("kernel", 0))
        x, moments = self._normalized(layer.depthwise_bn, x)
        x = drawn_activation(x, names, place)
        found += moments
        if layer.se is not None:
            x = self._gated(layer, layer.se, x, places)
        x = sliced_convolution(x, self.value(layer.project_conv.kernel), _output(layer, places))
        x, moments = self._normalized(layer.project_bn, x)
        return x, found + moments

    def _gated(
        self, layer: SeparableBranch, se: MaskedSqueezeExcite, x: tf.Tensor, places: Places
    ) -> tf.Tensor:
        """Squeeze-and-excite where it was drawn."""
        ratios = layer.block.se
        names, place = layer.block.activation, places.get("activation", 0)
        squeezed = drawn(
            se_channels(_hidden_table(layer)[..., None], np.array(ratios)),
            places.get("input", 0),
            places.get("expansion", 0),
            places.get("se", 0),
        )
        parts = [se.reduce_kernel, se.reduce_bias, se.expand_kernel, se.expand_bias]
        reduce_kernel, reduce_bias, expand_kernel, expand_bias = map(self.value, parts)

        def gated() -> tf.Tensor:
            map_, z = with_mean(x)
            hidden = channels_of(x)
            z = tf.matmul(z, reduce_kernel[:hidden, :squeezed]) + reduce_bias[:squeezed]
            # A branch costs more than all activations of a vector.
            z = mixed_activation(z, names, tf.one_hot(place, len(names)))
            z = tf.matmul(z, expand_kernel[:squeezed, :hidden]) + expand_bias[:hidden]
            factors = tf.cast(tf.nn.relu6(z + 3) * (1 / 6), x.dtype)
            return tf.ensure_shape(map_ * factors[:, None, None, :], x.shape)

        if 0 not in ratios:
            return gated()
        absent = tf.equal(places["se"], ratios.index(0))
        return tf.ensure_shape(tf.cond(absent, lambda: tf.identity(x), gated), x.shape)


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


def _output(layer: MaskedBlock, places: Places) -> Count:
    return drawn(layer.output_channels, places.get("channels", 0))


def _hidden_table(layer: MaskedBlock) -> np.ndarray:
    """The hidden width by input width and expansion."""
    inputs = np.array(layer.input_channels)[:, None]
    expansions = np.array(layer.block.expansion or (0,))[None, :]
    return hidden_channels(inputs, expansions) if layer.block.expansion else inputs


def _hidden(layer: MaskedBlock, places: Places) -> Count:
    return drawn(_hidden_table(layer), places.get("input", 0), places.get("expansion", 0))


def _same_width(layer: MaskedBlock, places: Places) -> Any:
    """Whether the output has the input's shape: a bool, or a bool scalar tensor."""
    if layer.block.stride[0] > 1:
        return False
    width = drawn(layer.input_channels, places.get("input", 0))
    output = _output(layer, places)
    if isinstance(width, int) and isinstance(output, int):
        return width == output
    return tf.equal(width, output)


def _add_where(same: Any, y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    if isinstance(same, bool):
        return y + x if same else y

    def add() -> tf.Tensor:
        # All of x. From a sum TensorFlow concludes that its terms have one shape, here and also
        # where this branch does not run: the width of y must not come to be that of x.
        return tf.add_n([y, tf.slice(x, [0, 0, 0, 0], tf.shape(y))])

    return tf.ensure_shape(tf.cond(same, add, lambda: tf.identity(y)), y.shape)
