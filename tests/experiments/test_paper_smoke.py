"""Three trials of the preset ``paper``, end to end: ViT-B/32's code path, made small, on the real folder layout."""

import json
import os

import numpy as np
import pytest
from experiments.small_studies import assert_executed
from PIL import Image

from rrsitr_lib.experiments.engine import run_study
from rrsitr_lib.experiments.executors import ExecutorSettings
from rrsitr_lib.experiments.results import read_results
from rrsitr_lib.experiments.study_file import Study, plan
from rrsitr_lib.experiments.summary import comparison, study_table
from rrsitr_lib.training.checkpoint import load_checkpoint

# every process of the study builds a ViT-B/32 of two narrow layers, and knows that this copy of RSITMD is a small one;
# loading, tokenizer, transforms and layout are the real ones
SMALL = {
    "embed_dim": 24, "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}  # fmt: skip
PATCH = """
from dataclasses import replace
from pathlib import Path
import open_clip
from rrsitr_lib.exchange.benchmark_check import benchmark
from rrsitr_lib.registry import DATASETS
open_clip.add_model_config(Path(__file__).with_name("models"))  # a later folder wins
small = replace(benchmark("rsitmd"), images={"train": 9, "val": 1, "test": 4}, captions_sha256={})
DATASETS._entries["rsitmd"] = small
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """``data/rsitmd`` as its archive is laid out, fourteen pictures in it, and the small model for every process."""
    (tmp_path / "data" / "rsitmd" / "images").mkdir(parents=True)
    entries = []
    for number in range(14):
        name = f"lake_{number}.tif"
        pixels = np.random.default_rng(number).integers(0, 255, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "data" / "rsitmd" / "images" / name)
        sentences = [{"raw": f"lake {number}, said {k} ."} for k in range(5)]
        entries.append({"filename": name, "split": "train" if number < 10 else "test", "sentences": sentences})
    (tmp_path / "data" / "rsitmd" / "dataset_RSITMD.json").write_text(json.dumps({"images": entries}))
    (tmp_path / "site" / "models").mkdir(parents=True)
    (tmp_path / "site" / "models" / "ViT-B-32-quickgelu.json").write_text(json.dumps(SMALL))
    (tmp_path / "site" / "sitecustomize.py").write_text(PATCH)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.long
def test_three_trials_of_the_paper_end_to_end(place):
    fields = {"data": "rsitmd", "images": "data/rsitmd", "noise_rate": 0.8, "seed": 3, "weights": "none", "epochs": 2,
              "batch_size": 20, "warmup_steps": 2}  # fmt: skip
    study = Study.read("paper", fields)
    main, ablation = study.runs[:2]
    ablation = ablation.model_copy(update={"variants": {"hard-to-easy": ablation.variants["hard-to-easy"]}})
    study = study.model_copy(update={"runs": [main, ablation]})
    trials = plan(study)
    assert [(trial.config.method, trial.variant) for trial in trials] == [
        ("rrsitr", ""), ("contrastive", ""), ("rrsitr", "hard-to-easy")]  # fmt: skip
    assert all(trial.config.encoder == "vit-b-32" and trial.config.preset == "paper" for trial in trials)
    states = run_study(study, place / "runs", ExecutorSettings(workers=2), progress=False)
    for trial in trials:
        assert states[trial.name].state == "done", states[trial.name].outcome
        assert_executed(states[trial.name].folder)
        tensors, _ = load_checkpoint(states[trial.name].run / "best.safetensors")
        assert sum(tensor.numel() for tensor in tensors.values()) < 5_000_000, "the small model was trained"
    results = read_results(place / "runs" / "paper")
    table = study_table(results).query("metric == 'mR'").set_index("method")
    assert table.loc["rrsitr", "paper"] == 35.93 and table.loc["rrsitr, hard-to-easy", "paper"] == 1.22
    assert np.isnan(table.loc["contrastive", "paper"]) and table["mean"].between(0, 100).all()
    found = comparison(results).set_index("method")
    assert found["seeds"].to_dict() == {"rrsitr": 1, "rrsitr, hard-to-easy": 1}, "a variant has a gain too"
    assert table["gain"].dropna().to_dict() == found["difference"].to_dict()
