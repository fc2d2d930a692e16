"""`fbnetv2-import` on files that PyTorch wrote: what it makes of them, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fbnetv2_tf.architecture import parse_architecture  # noqa: E402
from fbnetv2_tf.builders.checkpoint_files import read_checkpoint  # noqa: E402
from fbnetv2_tf.errors import CheckpointError  # noqa: E402
from fbnetv2_tf.flags.import_checkpoint import DRIVER  # noqa: E402
from tests.torch_network import (  # noqa: E402
    MobileVision,
    Timm,
    largest_difference,
    randomize,
)

TEXT = "in_hw16_c3 cn_k3_s2_c8_nhs ds_k3_s1_c8_nre ir_k5_s2_e2_c16_se0.25_nre ip_e2_c24_nhs fc_c5"


def mobile_vision(seed: int = 0) -> MobileVision:
    network = MobileVision(parse_architecture(TEXT), (1, 1, 1, 1), bias=False)
    randomize(network, seed)
    return network


def run(path: Path, *arguments: str, to: str = "model.keras") -> int:
    output = path.parent / to
    return DRIVER.run(
        [f"--checkpoint={path}", f"--architecture={TEXT}", f"--output={output}", *arguments]
    )


@pytest.mark.parametrize("form", ["plain", "state_dict", "model_ema", "empty_ema", "parallel"])
def test_every_form_of_file_is_read(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network, other = mobile_vision(), mobile_vision(seed=9)
    content: dict[str, Any] = {
        "plain": network.state_dict(),
        "state_dict": {"state_dict": network.state_dict(), "epoch": 3},
        "model_ema": {"state_dict": other.state_dict(), "model_ema": network.state_dict()},
        "empty_ema": {"state_dict": network.state_dict(), "model_ema": None},
        "parallel": {f"module.{k}": v for k, v in network.state_dict().items()},
    }[form]
    torch.save(content, tmp_path / "model.pth")
    assert run(tmp_path / "model.pth") == 0
    origin = {"plain": "file", "parallel": "file", "empty_ema": "state_dict"}.get(form, form)
    assert f"tensors of '{origin}'" in capsys.readouterr().out
    model = keras.models.load_model(tmp_path / "model.keras")
    assert largest_difference(network, model, 16) < 1e-5


def test_halves_become_floats(tmp_path: Path) -> None:
    state = {k: v.bfloat16() for k, v in mobile_vision().state_dict().items() if v.ndim}
    torch.save(state, tmp_path / "half.pth")
    assert {v.dtype for v in read_checkpoint(tmp_path / "half.pth").state.values()} == {
        np.dtype("float32")
    }


def test_there_and_back_by_timms_names(tmp_path: Path) -> None:
    network = Timm(parse_architecture(TEXT), (1, 1, 1), epsilon=1e-3)
    randomize(network)
    torch.save(network.state_dict(), tmp_path / "in.pth")
    assert run(tmp_path / "in.pth", "--bn_epsilon=0.001") == 0
    assert run(tmp_path / "model.keras", "--to=timm", to="out.pth") == 0
    again = Timm(parse_architecture(TEXT), (1, 1, 1))
    again.load_state_dict(torch.load(tmp_path / "out.pth", weights_only=True))
    again.eval()
    model = keras.models.load_model(tmp_path / "model.keras")
    assert largest_difference(again, model, 16) < 1e-5


def test_normalization_goes_into_the_model(tmp_path: Path) -> None:
    torch.save(mobile_vision().state_dict(), tmp_path / "model.pth")
    assert run(tmp_path / "model.pth", "--normalize=imagenet") == 0
    model = keras.models.load_model(tmp_path / "model.keras")
    assert [layer.name for layer in model.layers][:2] == ["b00_image", "b00_normalize"]


class Pickled:
    """An object that a file for `weights_only` may not hold."""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"weights": 3}, "or have one as 'state_dict' or 'model_ema'. Received: a dictionary with"),
        ([1, 2], "Received: list."),
        ({}, "a dictionary with nothing in it"),
        (Pickled(), "must be a PyTorch file that holds tensors alone. Received:"),
        ({"features.0": torch.zeros(1)}, "must have the names of mobile-vision"),
        ({"backbone.xif0_0.conv.weight": torch.zeros(1)}, "missing (backbone.xif0_0.bn.bias,"),
    ],
    ids=["dictionary", "list", "empty", "object", "names", "missing"],
)
def test_what_is_no_checkpoint_is_one_line(
    content: Any, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(content, tmp_path / "model.pth")
    assert run(tmp_path / "model.pth") == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "model.keras").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--architecture=fbnet_c", "--output=a.keras"], "--checkpoint must be given"),
        (["--checkpoint=a.pth", "--architecture=fbnet_c"], "--output must be given"),
        (
            ["--checkpoint=a.pth", "--architecture=fbnet_c", "--output=a.h5"],
            "--output must end with .keras for --to=keras. Received: 'a.h5'",
        ),
        (
            ["--checkpoint=no.pth", "--architecture=fbnet_c", "--output=a.keras"],
            "The checkpoint must be a file. Received: 'no.pth'",
        ),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert DRIVER.run(arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"\x80\x02garbage", b"\x80\x04garbage", b"PK\x03\x04"])
def test_garbage_is_refused_and_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "garbage.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"garbage.pth' must be a PyTorch file"):
        read_checkpoint(path)


def test_without_pytorch_the_extra_is_named(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from pathlib import Path\n"
        "from fbnetv2_tf.builders.checkpoint_files import read_checkpoint\n"
        "try: read_checkpoint(Path('x.pth'))\n"
        "except ValueError as error: print(error)"
    )
    root = Path(__file__).parent.parent
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert "install 'fbnetv2-tf[torch]'" in result.stdout
