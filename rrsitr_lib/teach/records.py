"""The records that lessons read: finished runs of a study, of some a ledger with fewer pairs.

make records     # trains the study ``lesson`` where it is not done, and writes notebooks/records anew
"""

import argparse
import shutil
from pathlib import Path

import pandas as pd

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.notebook_run import NOTEBOOKS
from rrsitr_lib.experiments.records import write_record
from rrsitr_lib.experiments.results import read_results
from rrsitr_lib.training.run_files import read_metrics

RECORDS = NOTEBOOKS / "records"
PAIRS = 1000
WITH_LEDGER = {"contrastive": (0.0, 0.4, 0.6), "rrsitr": (0.0, 0.4, 0.6), "oracle": (0.6,)}  # at these rates


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
