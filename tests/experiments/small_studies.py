"""Studies whose runs take seconds, and what their trials must be, to the bit."""

from pathlib import Path

import torch

from rrsitr_lib.experiments.study_file import Grid, Study, plan
from rrsitr_lib.experiments.study_folder import NOTEBOOK
from rrsitr_lib.training.checkpoint import load_checkpoint
from rrsitr_lib.training.ledger import Ledger
from rrsitr_lib.training.run import train

FIX = {"encoder": "tiny", "weights": "none", "scenes": 41, "batch_size": 40, "epochs": 3, "warmup_fraction": 0.34,
       "noise_rate": 0.4, "seed": 3}  # fmt: skip


def small_study(name="small", axes=None, limit_minutes=None, **fix):
    return Study(name=name, runs=[Grid(fix=FIX | fix, axes=axes or {})], limit_minutes=limit_minutes)


def undisturbed(study, folder):
    """Every trial of a study trained without interruption, by one thread as a study does it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for trial in plan(study):
            train(trial.config, Path(folder) / trial.name, progress=False)
    finally:
        torch.set_num_threads(threads)
    return Path(folder)


def assert_same(run, expected):
    """Weights, every pair in every epoch and retrieval results are equal to the bit."""
    for name in ("last.safetensors", "best.safetensors"):
        (tensors, _), (wanted, _) = load_checkpoint(run / name), load_checkpoint(expected / name)
        assert tensors.keys() == wanted.keys() and all(torch.equal(tensors[key], wanted[key]) for key in wanted)
    ledger, wanted = Ledger.open(run), Ledger.open(expected)
    assert ledger.epochs == wanted.epochs
    for column in wanted.columns:
        assert (ledger.column(column) == wanted.column(column)).all(), column
    assert (run / "retrieval.npz").read_bytes() == (expected / "retrieval.npz").read_bytes()


def assert_executed(folder):
    """The trial's notebook ran to its end, without an error."""
    import nbformat

    notebook = nbformat.read(folder / NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code if cell.source)
    text = "".join(str(output.get("text", "")) for output in code[-1].outputs)
    assert "all assertions hold" in text
