"""With which numbers a run computes: half precision as the card has it, float32 as it is, float16 with a scaler."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_runs import SMALL, assert_goes_on

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import open_data
from rrsitr_lib.errors import InputError
from rrsitr_lib.frozen_towers import heads_on_tokens
from rrsitr_lib.training import build, evaluate
from rrsitr_lib.training.batches import ImageFiles, Loader, RowBatches
from rrsitr_lib.training.build import build_model
from rrsitr_lib.training.checkpoint import load_checkpoint
from rrsitr_lib.training.device import device_of, float32_products, half_type
from rrsitr_lib.training.run import train
from rrsitr_lib.training.trainer import Trainer

CPU, GPU = torch.device("cpu"), torch.device("cuda")
pytestmark = pytest.mark.usefixtures("few_scenes")


FLOAT, HALF, BRAIN = None, torch.float16, torch.bfloat16


@pytest.mark.parametrize(
    ("precision", "has_it", "on_cpu", "on_gpu"),
    [
        ("auto", True, FLOAT, BRAIN), ("auto", False, FLOAT, HALF), ("float32", True, FLOAT, FLOAT),
        ("bfloat16", False, BRAIN, BRAIN), ("float16", True, HALF, HALF),
    ],
)  # fmt: skip
def test_precision_is_what_is_asked_for_or_what_the_card_has(monkeypatch, precision, has_it, on_cpu, on_gpu):
    """T4 and V100 say that they support bfloat16, by emulation."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: has_it or including_emulation)
    config = RunConfig.build(precision=precision)
    assert (half_type(config, CPU), half_type(config, GPU)) == (on_cpu, on_gpu)


def test_an_absent_gpu_is_said():
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(InputError, match="device is 'cuda', but torch sees no GPU"):
        device_of(RunConfig.build(device="cuda"))


@pytest.mark.parametrize(("precision", "expected"), [("float32", "highest"), ("bfloat16", "high")])
def test_float32_is_rounded_to_tf32_in_mixed_precision_only_and_never_in_evaluation(
    monkeypatch, tmp_path, precision, expected
):
    seen = {"step": set(), "recall": set()}

    def noted(name, real):
        def call(*arguments, **options):
            seen[name].add(torch.get_float32_matmul_precision())
            return real(*arguments, **options)

        return call

    monkeypatch.setattr(Trainer, "step", noted("step", Trainer.step))
    monkeypatch.setattr(evaluate, "recall", noted("recall", evaluate.recall))
    train(RunConfig.build(**SMALL | {"epochs": 1, "precision": precision}), tmp_path / "run", progress=False)
    assert seen == {"step": {expected}, "recall": {"highest"}}
    assert torch.get_float32_matmul_precision() == "highest", "nothing is left to the process"


def test_products_return_to_what_they_were_after_an_error():
    with pytest.raises(KeyboardInterrupt), float32_products(rounded=True):
        raise KeyboardInterrupt
    assert torch.get_float32_matmul_precision() == "highest"


SCALED = RunConfig.build(
    **SMALL | {"precision": "float16", "train": "heads", "feature_width": 8}
)  # float16 is slow on a CPU


def test_float16_scales_its_gradients_and_goes_on_with_the_scale(tmp_path, cache):
    assert_goes_on(SCALED, tmp_path)
    _, state = load_checkpoint(tmp_path / "whole" / "last.safetensors")
    assert state["scaler"]["scale"] > 1 and state["scaler"]["_growth_tracker"] > 0


def test_a_gradient_that_overflows_is_left_out_and_the_scale_made_smaller(tmp_path, cache, monkeypatch):
    real = torch.amp.GradScaler
    monkeypatch.setattr(
        torch.amp, "GradScaler", lambda device, enabled: real(device, init_scale=2.0**40, enabled=enabled)
    )
    train(SCALED.model_copy(update={"epochs": 1}), tmp_path, progress=False)
    tensors, state = load_checkpoint(tmp_path / "last.safetensors")
    assert state["scaler"]["scale"] < 2.0**40 and all(tensor.isfinite().all() for tensor in tensors.values())


# --- a GPU that does not wait for images ---


def test_on_a_gpu_images_are_stored_or_decoded_by_several_processes(monkeypatch):
    config = RunConfig.build(**SMALL | {"augment": True})
    data, made = open_data(config), []
    stand_in = SimpleNamespace(StoredImages=lambda images, *_: ImageFiles(images, None, None, 0))
    monkeypatch.setattr(build, "extension", lambda name: made.append(name) or stand_in)
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, *arguments, **options: self)
    for device, store, expected in ((CPU, "auto", 0), (GPU, "auto", 1), (GPU, False, 0), (CPU, True, 1)):
        made.clear()
        build_model(config.model_copy(update={"store": store}), data, device)
        assert made == ["speed.stored_images"] * expected, (device, store)


@pytest.mark.parametrize(
    ("given", "device", "decodes", "expected"),
    [
        ("auto", CPU, True, 0), ("auto", GPU, True, "several"), (3, CPU, True, 3), ("auto", GPU, False, 0),
        (3, GPU, False, 0),
    ],
)  # fmt: skip
def test_workers_where_a_gpu_would_wait(monkeypatch, given, device, decodes, expected):
    asked = []
    monkeypatch.setattr(
        "rrsitr_lib.training.batches.DataLoader", lambda dataset, **options: asked.append(options) or []
    )
    config = RunConfig.build(**SMALL | {"workers": given, "augment": decodes})
    _, inputs = build_model(config, open_data(config))
    Loader(RowBatches(inputs["train"], np.arange(205)), config, device)
    (options,) = asked
    several = 1 <= options["num_workers"] <= 8 if expected == "several" else options["num_workers"] == expected
    assert several and options["pin_memory"] == (decodes and device == GPU)
    assert options["persistent_workers"] == (options["num_workers"] > 0), "kept from epoch to epoch"


def test_workers_are_kept_and_give_the_batches_that_none_give():
    """An epoch that is left in the middle, as by an error, leaves nothing to the next."""
    config = RunConfig.build(**SMALL | {"workers": 2, "augment": True})
    inputs = build_model(config, open_data(config))[1]["train"]
    batches, rows = RowBatches(inputs, np.arange(205)), np.split(np.arange(48), 12)
    loader, before = Loader(batches, config, CPU), torch.get_rng_state()
    next(loader.epoch(0, rows))
    seen = []
    for epoch in (0, 1):
        found = list(loader.epoch(epoch, rows))
        seen.append([worker.pid for worker in loader._loader._iterator._workers])
        for batch, expected in zip(found, (batches[epoch, part] for part in rows), strict=True):
            assert all(torch.equal(one, other) for one, other in zip(batch, expected, strict=True))
    assert seen[0] == seen[1] and len(seen[0]) == 2
    assert torch.equal(before, torch.get_rng_state()), "nothing is drawn from the run's numbers"


def test_tokens_of_frozen_towers_are_computed_where_the_heads_train(monkeypatch):
    where = []

    def tokens(towers, items, what, numbers=None):
        where.append(next(towers.parameters()).device.type)
        found = np.zeros((len(items), 2, 8), np.float16), np.full(len(items), 2)
        return found if numbers is None else (*found, np.arange(len(items)))

    monkeypatch.setattr(heads_on_tokens, "image_tokens", tokens)
    monkeypatch.setattr(heads_on_tokens, "caption_tokens", tokens)
    config = RunConfig.build(**SMALL | {"train": "heads", "feature_width": 0})
    build_model(config, open_data(config), torch.device("meta"))
    assert where == ["meta"] * 6
