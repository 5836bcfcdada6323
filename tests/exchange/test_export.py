"""A run handed on: plain open_clip gives the same features, arrays and tables hold them, TensorBoard the metrics."""

import sys

import numpy as np
import open_clip
import pandas as pd
import pytest
import torch
from PIL import Image
from small_runs import SMALL
from test_cli import rrsitr

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.exchange.export import write_features, write_weights
from rrsitr_lib.exchange.tensorboard import push_tensorboard
from rrsitr_lib.scenes.world import draw_scenes
from rrsitr_lib.training.run import train
from rrsitr_lib.training.run_folder import open_run


@pytest.fixture(scope="module")
def run(tmp_path_factory, few_scenes):
    folder = tmp_path_factory.mktemp("share") / "run"
    train(RunConfig.build(**SMALL), folder, progress=False)
    return folder


def test_plain_open_clip_loads_the_weights_and_gives_equal_features(run, tmp_path, capsys):
    assert rrsitr("weights", run, "--out", tmp_path / "tuned.safetensors") == 0
    assert 'open_clip.create_model_and_transforms("rrsitr_tiny", pretrained=' in capsys.readouterr().out
    loaded, _, transform = open_clip.create_model_and_transforms(
        "rrsitr_tiny", pretrained=str(tmp_path / "tuned.safetensors")
    )
    ours, _, _ = open_run(run)
    pixels = torch.stack([transform(Image.fromarray(picture)) for picture in draw_scenes(3, seed=4, size=64).images])
    tokens = ours.tokenize(["a lake", "two roads and a farm"])
    with torch.no_grad():
        assert torch.allclose(loaded.eval().encode_image(pixels), ours.eval().image(pixels).pooled, atol=1e-5)
        assert torch.allclose(loaded.encode_text(tokens), ours.text(tokens).pooled, atol=1e-5)


def test_heads_are_no_model_of_open_clip(few_scenes, cache, tmp_path):
    train(RunConfig.build(**SMALL | {"train": "heads", "epochs": 1}), tmp_path / "heads", progress=False)
    with pytest.raises(InputError, match="train heads: open_clip has no such model"):
        write_weights(tmp_path / "heads", tmp_path / "w.safetensors")


def test_features_as_arrays_and_tables(run, tmp_path, capsys):
    assert rrsitr("features", run, "--out", tmp_path, "--split", "val") == 0
    assert len(capsys.readouterr().out.split()) == 4
    image, text = np.load(tmp_path / "image.npy"), np.load(tmp_path / "text.npy")
    assert image.shape == (30, 128) and text.shape == (150, 128) and image.dtype == np.float32
    assert image.flags["C_CONTIGUOUS"] and np.allclose(np.linalg.norm(text, axis=1), 1, atol=1e-5)
    table = pd.read_parquet(tmp_path / "text.parquet")
    assert table.columns.tolist() == ["image", "caption", "feature"]
    assert np.allclose(np.stack(table["feature"]), text)
    with pytest.raises(InputError, match="split is 'all': allowed are train, val, test"):
        write_features(run, tmp_path, "all")


def test_tensorboard_holds_what_the_table_holds(run, tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for _ in range(2):  # a second push replaces the first
        assert rrsitr("push", run, "--tensorboard", tmp_path) == 0
    events = reader.EventAccumulator(str(tmp_path / run.name)).Reload()
    read, metrics = events.Scalars("epoch/val_mR"), pd.read_csv(run / "metrics.csv")
    assert [event.step for event in read] == metrics["epoch"].tolist()
    assert np.allclose([event.value for event in read], metrics["val_mR"], rtol=1e-5)
    with pytest.raises(InputError, match="not a run folder"):
        push_tensorboard(tmp_path, tmp_path)


def test_without_tensorboard_one_line_says_what_to_install(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match="TensorBoard is not installed: pip install"):
        push_tensorboard(run, tmp_path)
