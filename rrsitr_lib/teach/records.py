"""Finished runs as small records, for lessons: results, metrics, ranks; of some a ledger with fewer pairs.

make records     # trains the study ``lesson`` where it is not done, and writes notebooks/records anew
"""

import argparse
import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from rrsitr_lib.checksums import note_checksums
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.notebook_run import NOTEBOOKS
from rrsitr_lib.experiments.results import read_results
from rrsitr_lib.experiments.run_results import read_run
from rrsitr_lib.files import read_json, sealed, write_json
from rrsitr_lib.training.ledger import Ledger
from rrsitr_lib.training.retrieval_results import FILE, RetrievalResults
from rrsitr_lib.training.run_files import read_metrics

RECORDS = NOTEBOOKS / "records"
FILES = ("config.yaml", "run.json", "metrics.csv", "result.json")
COLUMNS = ("loss", "category", "weight")
PAIRS = 1000
WITH_LEDGER = {"contrastive": (0.0, 0.4, 0.6), "rrsitr": (0.0, 0.4, 0.6), "oracle": (0.6,)}  # at these rates


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


def write_records(study: str | Path, target: str | Path = RECORDS, pairs: int = PAIRS) -> list[Path]:
    """Records of all finished runs of a study, with thin ledgers of the methods and rates in ``WITH_LEDGER``.

    A record is named by its method with the variant, rate and seed: ``rrsitr-after-two-plain-epochs_0.6_3``. Records in
    ``target`` of runs that the study does not have are deleted.

    Raises ``InputError`` where none is finished.
    """
    results = read_results(study)
    if results.done.empty:
        raise InputError(f"{study}: no finished run")
    written = []
    for row in results.done.itertuples():
        name = f"{row.method}_{row.noise_rate}_{row.seed}".replace(" ", "-").replace(",", "")
        with_ledger = row.noise_rate in WITH_LEDGER.get(row.method, ())
        written.append(write_record(results.folders[row.trial], Path(target) / name, pairs if with_ledger else 0))
    for record in {path.parent for path in Path(target).glob("*/run.json")} - set(written):
        shutil.rmtree(record)
    return written


def mean_metrics(records: str | Path, method: str, noise_rate: float) -> pd.DataFrame:
    """``metrics.csv`` of a method, as records are named by it, at a noise rate: the mean over its seeds by epoch.

    Raises ``InputError`` where there is no such record.
    """
    found = sorted(Path(records).glob(f"{method}_{noise_rate}_*"))
    if not found:
        raise InputError(f"{records}: no record of {method} at {noise_rate:.0%} noise")
    return pd.concat([read_metrics(record) for record in found]).groupby("epoch", as_index=False).mean()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", help="folder of the study")
    parser.add_argument("--out", default=str(RECORDS), help="folder of the records")
    arguments = parser.parse_args()
    for record in write_records(arguments.study, arguments.out):
        print(record)
