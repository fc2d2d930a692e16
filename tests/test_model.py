"""`build_model` against a NumPy network, against `count`, and option by option."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fbnetv2_tf.architecture import Architecture, parse_architecture
from fbnetv2_tf.builders.model import build_model
from fbnetv2_tf.builders.weights import copy_weights
from fbnetv2_tf.counting import count
from fbnetv2_tf.errors import ArchitectureError, InputError
from fbnetv2_tf.features import feature_maps
from tests.keras_counting import count_layers
from tests.numpy_network import forward, randomize
from tests.strategies import architectures

SMALL = (
    "in_hw9_c3 cn_k3_s2_c8_nhs ds_k5_s1_c8_se0.5_nsw ir_k3_s2_e1.7712_c16_se0.25_nre "
    "ir_k5_s1_e2_c16_nr6 sk_s1_c16_nre sk_s1_c24_nre ip_e2_c32_nhs fc_c5"
)


@pytest.fixture(scope="module")
def small() -> keras.Model:
    model = build_model(SMALL, zero_init_residual=False)
    randomize(model)
    return model


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(3, 9, 9, 3)).astype("float32")


def relative(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference, over the largest value."""
    return float(np.abs(np.asarray(a) - np.asarray(b)).max() / np.abs(np.asarray(b)).max())


def test_layers_are_named_and_ordered_like_the_text() -> None:
    model = build_model(
        "in_hw8_c3 cn_k3_s2_c8_nhs ds_k5_s1_c8_nre ir_k3_s1_e2_c16_se0.25_nre sk_s1_c16_nre "
        "sk_s1_c24_nre ip_e2_c32_nhs fc_c5"
    )
    assert " ".join(layer.name for layer in model.layers) == (
        "b00_image b01_conv b01_bn b01_act "
        "b02_depthwise_conv b02_depthwise_bn b02_depthwise_act b02_project_conv b02_project_bn "
        "b02_add "
        "b03_expand_conv b03_expand_bn b03_expand_act b03_depthwise_conv b03_depthwise_bn "
        "b03_depthwise_act b03_se_pool b03_se_reduce b03_se_act b03_se_expand b03_se_gate "
        "b03_se_scale b03_project_conv b03_project_bn "
        "b05_conv b05_bn b05_act "
        "b06_expand_conv b06_expand_bn b06_expand_act b06_pool b06_project_conv b06_project_act "
        "b07_pool b07_dense"
    )


@settings(max_examples=12)
@given(architectures(max_blocks=3), st.sampled_from(["same", "symmetric"]))
def test_any_network_computes_what_the_rules_say(architecture: Architecture, padding: str) -> None:
    model = build_model(architecture, padding=padding)
    randomize(model)
    shape = (2, architecture.side, architecture.side, architecture.input_channels)
    images = np.random.default_rng(2).normal(size=shape)
    logits, _ = forward(architecture, model, images, padding)
    assert relative(model(images.astype("float32")), logits) < 1e-5


@settings(max_examples=12)
@given(architectures())
def test_the_cost_of_any_network_is_its_layers(architecture: Architecture) -> None:
    model = build_model(architecture)
    cost = count(architecture)
    counted = count_layers(model)
    assert counted == {resource: getattr(cost, resource) for resource in counted}
    shapes = {layer.name: layer.output.shape for layer in model.layers}
    # The rows of the table are the layers of those names, in the order of the model.
    names = [row.name for row in cost.layers]
    assert [name for name in shapes if name in set(names)] == names
    for row in cost.layers:
        height, width, channels = row.output_shape
        assert shapes[row.name] in ((None, height, width, channels), (None, channels))


def test_residuals_start_as_identities_unless_told_otherwise() -> None:
    text = "in_hw8_c3 cn_k3_s1_c8_nre ir_k3_s1_e2_c8_nre ir_k3_s1_e2_c16_nre fc_c2"
    gammas = {
        zero: [
            float(np.unique(build_model(text, zero_init_residual=zero).get_layer(n).gamma)[0])
            for n in ("b02_project_bn", "b03_project_bn", "b02_expand_bn")
        ]
        for zero in (True, False)
    }
    assert gammas == {True: [0, 1, 1], False: [1, 1, 1]}


def test_kernels_start_he_normal_by_fan_out() -> None:
    keras.utils.set_random_seed(3)
    model = build_model("in_hw8_c3 ds_k5_s1_c512_nre ir_k3_s1_e2_c512_nre fc_c2")
    deviations = {
        "b01_project_conv": (2 / 512) ** 0.5,
        "b02_expand_conv": (2 / 1024) ** 0.5,
        "b02_depthwise_conv": (2 / 9) ** 0.5,
    }
    for name, expected in deviations.items():
        kernel = np.asarray(model.get_layer(name).kernel)
        assert np.std(kernel) == pytest.approx(expected, rel=0.06), name


def test_classes_and_top(small: keras.Model, images: np.ndarray) -> None:
    assert build_model(SMALL, classes=7).output_shape == (None, 7)
    headless = build_model(SMALL, include_top=False)
    assert headless.output_shape == (None, 1, 1, 32)
    copy_weights(small, headless)
    _, maps = forward(parse_architecture(SMALL), small, images)
    assert relative(headless(images), maps[-1]) < 1e-5


def test_features_are_the_last_maps_at_each_stride(small: keras.Model, images: np.ndarray) -> None:
    architecture = parse_architecture(SMALL)
    model = build_model(architecture, features=True)
    copy_weights(small, model)
    _, maps = forward(architecture, small, images)
    for feature, output in zip(feature_maps(architecture), model(images), strict=True):
        assert output.shape == (3, feature.side, feature.side, feature.channels)
        assert relative(output, maps[feature.block]) < 1e-5


def test_a_feature_pyramid_on_any_image_size() -> None:
    """A detector's neck by the data of `feature_maps` alone, trained for a step."""
    text = (
        "in_hw32_c3 cn_k3_s2_c8_nhs ir_k3_s2_e2_c8_nre ir_k3_s2_e2_c16_nre ir_k3_s2_e2_c16_nhs "
        "ir_k3_s2_e2_c24_nhs ip_e2_c32_nhs fc_c5"
    )
    backbone = build_model(text, features=True, input_size=(None, None))
    features = feature_maps(parse_architecture(text))
    assert [f.stride for f in features] == [2, 4, 8, 16, 32]
    assert [f.channels for f in features] == [8, 8, 16, 16, 24]
    pyramid = [keras.layers.Conv2D(8, 1)(x) for x in backbone.outputs]
    for level in reversed(range(len(pyramid) - 1)):
        above = keras.layers.UpSampling2D()(pyramid[level + 1])
        pyramid[level] = keras.layers.Add()([pyramid[level], above])
    detector = keras.Model(backbone.input, pyramid)
    images = np.ones((2, 64, 96, 3), "float32")
    targets = [np.zeros((2, 64 // f.stride, 96 // f.stride, 8), "float32") for f in features]
    detector.compile("sgd", loss=["mse"] * len(features), run_eagerly=True)
    losses = detector.train_on_batch(images, targets)
    assert np.all(np.isfinite(losses))


def test_no_stride_no_features() -> None:
    with pytest.raises(ArchitectureError, match="must come from blocks of stride 2"):
        build_model("in_hw8_c3 cn_k3_s1_c8_nre fc_c2", features=True)


@pytest.mark.parametrize(
    ("normalize", "scale", "offset"),
    [
        ("unit", 1 / 255, 0),
        ("signed", 1 / 127.5, -1),
        ((0.5, [1, 2, 3]), 0.5, np.array([1, 2, 3])),
        (
            "imagenet",
            1 / 255 / np.array([0.229, 0.224, 0.225]),
            -np.array([0.485, 0.456, 0.406]) / np.array([0.229, 0.224, 0.225]),
        ),
    ],
    ids=["unit", "signed", "numbers", "imagenet"],
)
def test_normalization_is_inside_the_graph(
    normalize: object, scale: object, offset: object, small: keras.Model
) -> None:
    model = build_model(SMALL, normalize=normalize)  # type: ignore[arg-type]
    copy_weights(small, model)
    pixels = np.random.default_rng(3).integers(0, 256, (2, 9, 9, 3)).astype("float32")
    outside = small((pixels * scale + offset).astype("float32"))
    assert relative(model(pixels), outside) < 1e-4


def test_dropout_stands_before_the_classifier() -> None:
    model = build_model(SMALL, dropout=0.4)
    names = [layer.name for layer in model.layers]
    assert names[-3:] == ["b08_pool", "b08_dropout", "b08_dense"]
    assert model.get_layer("b08_dropout").rate == 0.4


def test_stochastic_depth_leaves_out_whole_branches() -> None:
    text = "in_hw4_c1 cn_k1_s1_c8_nre ir_k3_s1_e2_c8_nre ir_k3_s1_e2_c8_nre sk_s1_c8_nre fc_c2"
    model = build_model(text, stochastic_depth=0.8, zero_init_residual=False)
    rates = [model.get_layer(f"b0{i}_drop_path").rate for i in (2, 3)]
    assert rates == pytest.approx([0.8 * 2 / 4, 0.8 * 3 / 4])
    branch = keras.Model(model.input, model.get_layer("b03_drop_path").output)
    kept = keras.Model(model.input, model.get_layer("b03_project_bn").output)
    images = np.random.default_rng(4).normal(size=(64, 4, 4, 1)).astype("float32")
    assert relative(branch(images), kept(images)) == 0
    dropped = np.asarray(branch(images, training=True))
    is_zero = (dropped == 0).all(axis=(1, 2, 3))
    assert 20 < is_zero.sum() < 55  # 38 expected; the others are there, and larger
    assert (np.abs(dropped[~is_zero]).max(axis=(1, 2, 3)) > 0).all()


def test_symmetric_padding_differs_on_even_sides_only(small: keras.Model) -> None:
    model = build_model(SMALL, padding="symmetric", input_size=(None, None))
    same = build_model(SMALL, input_size=(None, None))
    assert "b01_padding" in [layer.name for layer in model.layers]
    copy_weights(small, model)
    copy_weights(small, same)
    for side, is_equal in ((9, True), (10, False)):
        images = np.random.default_rng(5).normal(size=(2, side, side, 3)).astype("float32")
        assert (relative(model(images), same(images)) < 1e-5) is is_equal


def test_an_image_size_that_is_not_the_texts(small: keras.Model) -> None:
    fixed = build_model(SMALL, input_size=(13, 20))
    assert fixed.input_shape == (None, 13, 20, 3)
    dynamic = build_model(SMALL, input_size=(None, None))
    copy_weights(small, fixed)
    copy_weights(small, dynamic)
    images = np.random.default_rng(6).normal(size=(2, 13, 20, 3)).astype("float32")
    assert relative(dynamic(images), fixed(images)) < 1e-6


def test_a_decomposed_hard_swish_computes_the_same(small: keras.Model, images: np.ndarray) -> None:
    model = build_model(SMALL, hard_swish="decomposed")
    copy_weights(small, model)
    assert relative(model(images), small(images)) < 1e-6
    kinds = {type(layer).__name__ for layer in model.layers if "b01_act" in layer.name}
    assert kinds == {"Rescaling", "Activation", "Multiply"}


def test_batch_norm_and_dtype_options(small: keras.Model, images: np.ndarray) -> None:
    model = build_model(SMALL, bn_epsilon=0.01, bn_momentum=0.5, dtype="mixed_bfloat16")
    norm = model.get_layer("b01_bn")
    assert (norm.epsilon, norm.momentum, norm.compute_dtype) == (0.01, 0.5, "bfloat16")
    assert model.output.dtype == "float32"
    assert {v.dtype for v in model.weights} == {"float32"}
    mixed = build_model(SMALL, dtype="mixed_bfloat16")
    copy_weights(small, mixed)
    assert relative(mixed(images), small(images)) < 0.1


def test_the_global_policy_is_the_default() -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = build_model(SMALL)
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("b01_conv").compute_dtype == "float16"
    assert model.output.dtype == "float32"


def test_a_map_of_one_pixel_is_flattened_not_averaged() -> None:
    kinds = {
        text: type(build_model(text).layers[-2]).__name__
        for text in ("in_hw1_c3 fc_c2", "in_hw2_c3 fc_c2", "in_hw2_c3 cn_k3_s2_c8_nre fc_c2")
    }
    assert list(kinds.values()) == ["Flatten", "GlobalAveragePooling2D", "Flatten"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"padding": "valid"}, "`padding` must be one of same, symmetric. Received: 'valid'"),
        ({"hard_swish": "slow"}, "`hard_swish` must be one of fused, decomposed"),
        ({"normalize": "torch"}, "`normalize` must be one of unit, signed, imagenet"),
        ({"normalize": ([1, 2], 0)}, "each of the 3 channels of the input. Received: 2"),
        ({"normalize": 1 / 255}, r"`normalize` must be .*\(scale, offset\). Received: 0.0039"),
        ({"dropout": 1.0}, "`dropout` must be a rate from 0 to below 1. Received: 1.0"),
        ({"stochastic_depth": -0.1}, "`stochastic_depth` must be a rate"),
        ({"classes": 0}, "`classes` must be a positive integer. Received: 0"),
        ({"input_size": 32}, r"`input_size` must be \(height, width\).*Received: 32"),
        ({"input_size": (0, 8)}, r"`input_size` must be \(height, width\)"),
    ],
)
def test_an_option_that_cannot_be_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_model(SMALL, **options)  # type: ignore[arg-type]


def test_absurdly_large_networks_are_refused_before_anything_is_built() -> None:
    with pytest.raises(ArchitectureError, match=r"at most 1,000,000,000 parameters.*34,373,4"):
        build_model("in_hw8_c16384 ir_k3_s1_e64_c16384_nre fc_c2")


def test_names() -> None:
    assert build_model(SMALL).name == "network"
    assert build_model(SMALL, name="mine").name == "mine"
    assert build_model("MobileNet_V2", include_top=False).name == "mobilenet_v2"
