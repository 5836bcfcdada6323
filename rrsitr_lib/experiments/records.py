"""Finished runs as small records: results, metrics, ranks, and where asked a ledger with fewer pairs.

A study of records is one small archive: its tables, comparisons and rankings follow from it, and once unpacked below a
folder of runs, ``rrsitr study run`` goes on with what it lacks.
"""

import dataclasses
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from rrsitr_lib.checksums import note_checksums
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.engine import write_trials
from rrsitr_lib.experiments.linear_probe import PROBES
from rrsitr_lib.experiments.run_results import read_run
from rrsitr_lib.experiments.study_folder import RUN, STUDY_FILE, TRIALS_FILE
from rrsitr_lib.experiments.trials import open_study, write_outcome
from rrsitr_lib.files import read_json, sealed, write_atomically, write_json
from rrsitr_lib.training.ledger import Ledger
from rrsitr_lib.training.retrieval_results import FILE, RetrievalResults

FILES = ("config.yaml", "run.json", "metrics.csv", "result.json")
COLUMNS = ("loss", "category", "weight")


def pack_records(folder: str | Path, out: str | Path) -> Path:
    """Write the records of all finished trials of a study into ``out``, a zip of one folder named as the study.

    The same trials give the same bytes. Paths of data in configurations stay as they are. Raises ``InputError`` where
    no trial is done.
    """
    study, folder, trials, states = open_study(folder)
    done = {name: state for name, state in states.items() if state.state == "done"}
    if not done:
        raise InputError(f"{folder}: no trial is done, so there is nothing to pack")
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / study.name
        study.save(target)
        write_trials(trials.values(), target / TRIALS_FILE)
        note_checksums(target, STUDY_FILE, TRIALS_FILE)
        if (folder / PROBES).is_file():
            shutil.copyfile(folder / PROBES, target / PROBES)
        for name, state in done.items():
            try:
                write_record(state.run, target / name / RUN)
            except InputError as error:
                raise InputError(f"{name}: {error}") from None
            write_outcome(target / name, "done", state.outcome["seconds"])
        return write_atomically(out, lambda temporary: _zip(Path(scratch), temporary))


def _zip(folder: Path, out: Path) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = zipfile.ZipInfo(path.relative_to(folder).as_posix())  # of 1980, so that bytes follow from content
            archive.writestr(name, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def write_record(run: str | Path, target: str | Path, pairs: int = 0) -> Path:
    """The small files of a finished run, the ranks of its test, and a ledger of so many pairs where ``pairs`` is given.

    The ledger has loss, category and weight; its pairs are spread evenly over the table, in its order. What lay in
    ``target`` is replaced. Raises ``InputError`` for a run that is not finished or damaged, and for more pairs than it
    has.
    """
    run, target = Path(run), Path(target)
    read_run(run)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in FILES:
        shutil.copyfile(run / name, target / name)
    facts = {name: value for name, value in read_json(run / "run.json").items() if name != "places"}
    write_json(target / "run.json", sealed(facts))
    if ranked := RetrievalResults.open(run):
        thin_results(ranked).save(target)
    note_checksums(target, *FILES, *([FILE] if ranked else []))
    if pairs:
        thin_ledger(Ledger.open(run), target / "ledger", pairs)
    return target


def thin_results(results: RetrievalResults) -> RetrievalResults:
    """The ranks of the true candidates only: enough to compare recalls on resampled test images."""
    of_candidates = [field.name for field in dataclasses.fields(results) if getattr(results, field.name).ndim == 2]
    empty = {name: getattr(results, name)[:, :0] for name in of_candidates}
    return dataclasses.replace(results, **empty, texts=results.texts[:0])


def thin_ledger(ledger: Ledger, folder: Path, pairs: int) -> Ledger:
    """A ledger of ``pairs`` pairs of another one, spread evenly, with fewer columns."""
    if not 1 <= pairs <= ledger.pairs:
        raise InputError(f"pairs is {pairs}: allowed are 1 to {ledger.pairs}, as many as the ledger has")
    rows = kept_rows(ledger.pairs, pairs)
    kinds = {name: ledger.column(name).dtype.str for name in COLUMNS}
    thin = Ledger.create(folder, ledger.column("mismatched")[rows], ledger.config, kinds)
    columns = {name: ledger.column(name) for name in COLUMNS}
    for epoch in range(ledger.epochs):
        thin.append({name: column[epoch, rows] for name, column in columns.items()})
    return thin


def kept_rows(whole: int, kept: int) -> np.ndarray:
    """Which of ``whole`` training pairs a thin ledger of ``kept`` pairs holds, in its order. **Shape** (kept,).

    >>> kept_rows(9, 3).tolist()
    [0, 4, 8]
    """
    return np.linspace(0, whole - 1, kept).round().astype(int)
