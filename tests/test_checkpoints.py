"""PyTorch networks with published names against their imports, number by number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fbnetv2_tf.architecture import Architecture, parse_architecture  # noqa: E402
from fbnetv2_tf.builders.checkpoint_names import NAMINGS  # noqa: E402
from fbnetv2_tf.builders.checkpoints import export_state, find_naming, import_state  # noqa: E402
from fbnetv2_tf.builders.model import build_model  # noqa: E402
from fbnetv2_tf.builders.zoo import zoo  # noqa: E402
from fbnetv2_tf.errors import CheckpointError  # noqa: E402
from tests.torch_network import (  # noqa: E402
    STAGES,
    WITH_BIASES,
    MobileVision,
    Timm,
    arrays,
    largest_difference,
    randomize,
)

DATA = Path(__file__).parent / "data"

TESTED = ("fbnetv2_f1", "fbnetv2_f4", "fbnet_c", "mobilenet_v3_large")
"""At a side of 64; `benchmarks/checkpoints.py` compares every network at its own."""

TIMM = {
    "mobilenet_v3_large": ("mobilenetv3_large_100", (1, 2, 3, 4, 2, 3, 1), 1e-5),
    "fbnetc_100": ("fbnetc_100", (1, 3, 4, 4, 4, 4, 1), 1e-3),
}

SMALL = "in_hw16_c3 cn_k3_s2_c8_nhs ds_k3_s1_c8_nre ir_k5_s2_e2_c16_se0.25_nhs ip_e2_c24_nhs fc_c5"
SMALL_STAGES = (1, 1, 1, 1)


def shrunk(name: str) -> Architecture:
    """A network of the zoo at 64 pixels, which its weights do not depend on."""
    text = str(zoo[name].architecture)
    return parse_architecture("in_hw64" + text[text.index("_c") :])


@pytest.mark.parametrize("name", TESTED)
def test_an_imported_network_computes_the_same(name: str) -> None:
    architecture = shrunk(name)
    network = MobileVision(architecture, STAGES[name], bias=name in WITH_BIASES)
    randomize(network)
    model = import_state(architecture, arrays(network))
    assert largest_difference(network, model, 64) < 1e-4


@pytest.mark.parametrize("name", TIMM)
def test_timms_networks_both_ways(name: str) -> None:
    architecture = shrunk(name)
    published, stages, epsilon = TIMM[name]
    network = Timm(architecture, stages, epsilon)
    randomize(network)
    model = import_state(architecture, arrays(network), bn_epsilon=epsilon)
    assert largest_difference(network, model, 64) < 1e-4
    # And back, into a network whose BatchNorms have timm's own epsilon.
    again = Timm(architecture, stages)
    state = {k: torch.from_numpy(v.copy()) for k, v in export_state(model, architecture).items()}
    in_order = (DATA / f"state_dict_timm_{published}.txt").read_text().split()[::2]
    assert list(state) == in_order
    again.load_state_dict(state)
    again.eval()
    assert largest_difference(again, model, 64) < 1e-4


@pytest.mark.parametrize(
    ("name", "file", "naming"),
    [
        ("fbnetv2_f1", "state_dict_fbnetv2_f1.txt", "mobile-vision"),
        ("mobilenet_v3_large", "state_dict_timm_mobilenetv3_large_100.txt", "timm"),
        ("fbnetc_100", "state_dict_timm_fbnetc_100.txt", "timm"),
    ],
)
def test_names_and_shapes_are_the_published_ones(name: str, file: str, naming: str) -> None:
    published = dict(line.split() for line in (DATA / file).read_text().splitlines())
    architecture = zoo[name].architecture
    if naming == "timm":
        network: Any = Timm(architecture, TIMM[name][1])
    else:
        network = MobileVision(architecture, STAGES[name], bias=False)
    shapes = {k: "x".join(map(str, v.shape)) or "scalar" for k, v in network.state_dict().items()}
    assert shapes == published
    names = {row.prefix for row in NAMINGS[naming](architecture)}
    assert names == {k.rsplit(".", 1)[0] for k in published if not is_norm(k, published)}


def is_norm(name: str, state: dict[str, str]) -> bool:
    return f"{name.rsplit('.', 1)[0]}.running_var" in state


def small_state() -> dict[str, np.ndarray]:
    network = MobileVision(parse_architecture(SMALL), SMALL_STAGES, bias=False)
    randomize(network)
    return arrays(network)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda state: state.pop("backbone.xif2_0.pw.bn.running_mean"),
            r"1 missing \(backbone.xif2_0.pw.bn.running_mean\); 0 unused",
        ),
        (
            lambda state: state.update({"backbone.xif9_0.pw.conv.weight": np.zeros(1)}),
            r"0 missing; 1 unused \(backbone.xif9_0.pw.conv.weight\)",
        ),
        (
            lambda state: [state.pop(k) for k in list(state) if ".bn.w" in k or ".bn.b" in k],
            r"\d+ missing \(.* and \d+ more\); 0 unused",
        ),
        (
            lambda state: state.update({"head.conv.weight": np.zeros((5, 9, 1, 1))}),
            r"'head.conv' must have the shapes \[\(24, 5\), \(5,\)\] of layer 'b05_dense'",
        ),
        (
            lambda state: state.update({"head.conv.weight": np.zeros((5, 24, 3, 3))}),
            r"'head.conv' must have the shapes",
        ),
        (
            lambda state: state.update({"backbone.xif0_0.bn.weight": np.zeros(9)}),
            r"'backbone.xif0_0.bn' must have the shapes .* of layer 'b01_bn'",
        ),
    ],
    ids=["missing", "unused", "many", "shape", "rank", "norm"],
)
def test_every_tensor_is_accounted_for(change: Any, message: str) -> None:
    state = small_state()
    change(state)
    with pytest.raises(CheckpointError, match=message):
        import_state(parse_architecture(SMALL), state)


def test_weights_of_another_network_are_refused() -> None:
    other = parse_architecture(SMALL.replace("ir_k5", "sk_s1_c16_nre ir_k5"))
    with pytest.raises(CheckpointError, match=r"missing .*; .* unused"):
        import_state(other, small_state())


def test_a_head_with_a_bias_keeps_it() -> None:
    state = small_state()
    bias = np.linspace(-1, 1, 24).astype("float32")
    state["backbone.xif3_0.pwl.conv.bias"] = bias
    model = import_state(parse_architecture(SMALL), state)
    np.testing.assert_array_equal(model.get_layer("b04_project_conv").bias, bias)


def test_naming_is_found_by_the_names() -> None:
    assert find_naming(small_state()) == "mobile-vision"
    assert find_naming({"conv_stem.weight": np.zeros(1)}) == "timm"
    with pytest.raises(CheckpointError, match=r"Received: features.0.weight"):
        find_naming({"features.0.weight": np.zeros(1)})


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (SMALL, {"padding": "same"}, "built with padding='symmetric'.*'same' in block 1"),
        (SMALL, {}, "must use relu, as timm's does. Received: 'hard_silu' in layer 'b03_se_act'"),
        (SMALL.replace("ip_e2_c24_nhs", "pl"), {}, "must end with an 'ip' or a 1x1 'cn'"),
        (SMALL.replace("cn_k3_s2", "cn_k5_s2"), {}, "must begin with a 3x3 convolution"),
        (SMALL.replace("ip_e2", "sk_s1_c24_nre ip_e2"), {}, "no name for block 4"),
        (SMALL.replace("ip_e2_c24", "cn_k1_s1_c24"), {}, "squeeze-and-excite must be that of Mob"),
    ],
)
def test_what_timm_would_compute_otherwise_is_refused(
    text: str, options: dict[str, str], message: str
) -> None:
    model = build_model(text, **{"padding": "symmetric", **options})  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match=message):
        export_state(model, parse_architecture(text))
