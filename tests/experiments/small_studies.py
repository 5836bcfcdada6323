"""Studies whose runs take seconds, and what their trials must be, to the bit."""

from pathlib import Path

import torch
from small_runs import SMALL, assert_same_run

from rrsitr_lib.experiments.study_file import Grid, Study, plan
from rrsitr_lib.experiments.study_folder import NOTEBOOK
from rrsitr_lib.training.run import train

FIX = SMALL | {"warmup_fraction": 0.34, "seed": 3}


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
    """The same run with the same answers to every query; what a killed process was writing may lie beside."""
    for cut in run.rglob("*.tmp"):
        cut.unlink()
    assert_same_run(run, expected)
    assert (run / "retrieval.npz").read_bytes() == (expected / "retrieval.npz").read_bytes()


def assert_executed(folder):
    """The trial's notebook ran to its end, without an error."""
    import nbformat

    notebook = nbformat.read(folder / NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code if cell.source)
    text = "".join(str(output.get("text", "")) for output in code[-1].outputs)
    assert "all assertions hold" in text
