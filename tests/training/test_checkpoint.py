"""Checkpoints: training goes on to the same bits, nothing is half-written, nothing is unpickled."""

import pytest
import torch
from safetensors import SafetensorError

from rrsitr_lib import files
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.training import checkpoint
from rrsitr_lib.training.checkpoint import load_checkpoint, restore_training, save_checkpoint
from rrsitr_lib.training.checkpoint import training_tensors as tensors_of


def build(seed, width=8):
    """A small model with parameters that get no gradient and a buffer, and AdamW in two groups as training has it."""
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(4, width), torch.nn.BatchNorm1d(width), torch.nn.Linear(width, 3))
    model.register_parameter("unused", torch.nn.Parameter(torch.randn(2)))
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.7},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return model, torch.optim.AdamW(groups, lr=0.01)


def build_as_on_a_gpu(seed):
    """What a GPU has, on a CPU: convolutions in channels_last, and the fused kernel of AdamW."""
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3), torch.nn.Flatten(), torch.nn.Linear(180, 3))
    model = model.to(memory_format=torch.channels_last)
    return model, torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)


def train(model, optimizer, first, last, shape=(16, 4)):
    for step in range(first, last):
        batch = torch.randn(shape, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad(set_to_none=True)
        model(batch).square().mean().backward()
        optimizer.step()


def assert_same_bits(tensors, expected):
    assert tensors.keys() == expected.keys()
    for name, tensor in expected.items():
        assert tensor.dtype == tensors[name].dtype and torch.equal(tensors[name], tensor), name


@pytest.mark.parametrize(("made", "shape"), [(build, (16, 4)), (build_as_on_a_gpu, (4, 3, 8, 8))])
def test_training_goes_on_to_the_same_bits(tmp_path, made, shape):
    whole, first, other = made(0), made(0), made(1)
    train(*whole, 0, 6, shape)
    train(*first, 0, 3, shape)
    path = save_checkpoint(tmp_path / "last.safetensors", tensors_of(*first), {"epoch": 3})
    tensors, state = load_checkpoint(path)
    assert state == {"epoch": 3}
    restore_training(*other, tensors)
    assert_same_bits(tensors_of(*other), tensors_of(*first))
    weight = other[0][0].weight
    assert other[1].state[weight]["exp_avg"].stride() == weight.stride()
    train(*other, 3, 6, shape)
    assert_same_bits(tensors_of(*other), tensors_of(*whole))


@pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter")
@pytest.mark.parametrize("fused", [True, False])
def test_the_count_of_steps_lies_where_the_optimizer_wants_it(fused):
    """A fused kernel wants it beside the parameter, the others on the CPU; ``meta`` stands in for a GPU."""
    model = torch.nn.Linear(2, 2)
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"optimizer.{key}.weight": torch.ones(2, 2) for key in ("exp_avg", "exp_avg_sq")}
    tensors |= {"optimizer.step.weight": torch.tensor(3.0)}
    model = model.to("meta")
    optimizer = torch.optim.AdamW(model.parameters(), foreach=False)
    optimizer.param_groups[0]["fused"] = fused
    restore_training(model, optimizer, tensors)
    assert optimizer.state[model.weight]["step"].device.type == ("meta" if fused else "cpu")


def test_restored_tensors_are_copies(tmp_path):
    first, other = build(0), build(1)
    train(*first, 0, 2)
    saved = tensors_of(*first)
    before = {name: tensor.clone() for name, tensor in saved.items()}
    restore_training(*other, saved)
    train(*other, 2, 4)
    assert_same_bits(saved, before)


def test_state_is_any_json_and_tensors_keep_their_type(tmp_path):
    state = {"metrics": [{"mR": 46.1, "epoch": 1}], "text": "飛機 \n", "none": None, "deep": {"a": [1, 2.5, True]}}
    tensors = {
        "half": torch.randn(3, 2).half(), "bf16": torch.randn(3).bfloat16(), "long": torch.tensor(7), "empty":
        torch.zeros(0, 3), "strided": torch.arange(6.0).reshape(2, 3).T, "bool": torch.tensor([True, False]),
    }  # fmt: skip
    read, read_state = load_checkpoint(save_checkpoint(tmp_path / "a.safetensors", tensors, state))
    assert read_state == state
    assert_same_bits(read, tensors)


FULL = OSError(28, "No space left on device")
WRAPPED = SafetensorError("I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize(
    ("place", "error"),
    [("save_file", FULL), ("save_file", WRAPPED), ("fsync", FULL), ("replace", FULL), ("save_file", KeyboardInterrupt)],
)
def test_an_end_while_writing_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, place, error):
    path = save_checkpoint(tmp_path / "a.safetensors", {"w": torch.ones(100)}, {"epoch": 1})
    before = path.read_bytes()

    def fail(_, target=None, metadata=None):
        if place == "save_file":
            target.write_bytes(b"half")
        raise error

    monkeypatch.setattr(checkpoint if place == "save_file" else files.os, place, fail)
    with pytest.raises((RunError, KeyboardInterrupt), match=r"^(cannot write .*a\.safetensors: .*No space left.*)?$"):
        save_checkpoint(path, {"w": torch.zeros(100)}, {"epoch": 2})
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("change", ["width", "missing", "extra"])
def test_another_model_s_checkpoint_is_refused(change):
    tensors = tensors_of(*build(0, width=9 if change == "width" else 8))
    if change == "missing":
        del tensors["model.0.weight"]
    if change == "extra":
        tensors["model.more"] = torch.ones(1)
    model, optimizer = build(1)
    with pytest.raises(InputError, match="the checkpoint is another model's: ") as caught:
        restore_training(model, optimizer, tensors)
    assert "\n" not in str(caught.value) and not optimizer.state
