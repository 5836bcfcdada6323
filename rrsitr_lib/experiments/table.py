"""From run folders to the table: collect finished runs, mean and deviation over seeds, the paper's numbers beside."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.published_results import CHANCE, paper_differences
from rrsitr_lib.experiments.run_results import RECALLS, FinishedRun, read_run
from rrsitr_lib.experiments.study_file import STUDY_FILE
from rrsitr_lib.experiments.trials import open_begun, study_folder

METRICS = (*RECALLS, "AUROC")
CELL = ("data", "encoder", "method", "protocol", "noise_rate")
COLUMNS = (*CELL, "realised", "seed", "best_epoch", *METRICS, "before", "chance", "differs", "settings", "path")
MATCH = ["data", "method_key", "protocol", "noise_rate", "metric"]
BESIDE = ["data", "noise", "method", "metric", "encoder", "protocol", "settings", "seeds", "differs"]


class Collected(NamedTuple):
    """``runs``: a row per finished run. ``left_out``: path of every other run -> why it is not in the table."""

    runs: pd.DataFrame
    left_out: dict[str, str]


def collect(folder: str | Path) -> Collected:
    """Every finished run below ``folder``; damaged and unfinished ones are named with the reason, never raised.

    Of a study's folder also the cells that it plans and another study beside it has trained.
    Columns: recalls and ``mR`` of the test set, ``before`` and ``chance`` (mR) in percent, ``AUROC`` in [0, 1],
    ``noise_rate`` and ``realised`` in [0, 1], ``best_epoch`` from 1, ``differs``: number of settings unlike the
    paper's, ``settings``: fingerprint of everything but the seed, ``path`` relative to ``folder`` (of a shared cell: to
    the folder of studies).
    Raises ``InputError`` where ``folder`` is none. Taught in: notebooks/09_reproduction
    """
    folder = study_folder(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of runs")
    rows, left_out = [], {}
    below = {path.parent for name in ("config.yaml", "result.json") for path in folder.rglob(name)}
    for run in sorted(below | _done(folder)):
        path = run.relative_to(folder if run.is_relative_to(folder) else folder.parent).as_posix()
        try:
            rows.append({**_row(read_run(run)), "path": path})
        except (InputError, OSError) as error:
            left_out[path] = str(error).removeprefix(f"{run.name}: ")
    runs = pd.DataFrame(rows, columns=list(COLUMNS))
    return Collected(runs.sort_values([*CELL, "settings", "seed", "path"], ignore_index=True), left_out)


def _done(folder: Path) -> set[Path]:
    """Runs of the study's done cells, wherever they lie; none where the folder is no study's."""
    if not (folder / STUDY_FILE).is_file():
        return set()
    return {place.run for place in open_begun(folder).places.values() if place.state == "done"}


def _row(run: FinishedRun) -> dict[str, Any]:
    config, result = run.config, run.result
    auroc = result["partition"]["auroc"]
    return {
        "data": run.data,
        "encoder": config.encoder,
        "method": run.method,
        "protocol": config.protocol,
        "noise_rate": config.noise_rate,
        "realised": result["realised_noise_rate"],
        "seed": config.seed,
        "best_epoch": result["best_epoch"],
        **{name: float(result["test"][name]) for name in RECALLS},
        "AUROC": np.nan if auroc is None else float(auroc),
        "before": float(result["before"]["mR"]),
        "chance": float(result["chance"]["mR"]),
        "differs": len(paper_differences(config)),
        "settings": run.settings,
    }


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean and sample deviation over the seeds (paper, tables of results), one row a cell and metric.

    A cell holds runs that differ in the seed alone: data, encoder, method, protocol, noise rate and the fingerprint
    ``settings`` are equal. A seed counts once, however many copies of its folder there are. ``std`` divides by n - 1
    and is missing with one seed; ``seeds`` is n, ``low`` and ``high`` the range; all in the unit of the metric.
    Taught in: notebooks/09_reproduction
    """
    cell = [*CELL, "settings", "differs"]
    once = runs.drop_duplicates([*cell, "seed"])
    long = once.melt([*cell, "seed"], list(METRICS), "metric", "value").dropna(subset="value")
    values = long.astype({"value": float}).groupby([*cell, "metric"], sort=False)["value"]
    table = values.agg(mean="mean", std="std", seeds="count", low="min", high="max").reset_index()
    return table.sort_values(cell, kind="stable", ignore_index=True)


def beside_paper(summary: pd.DataFrame, paper: pd.DataFrame) -> pd.DataFrame:
    """Our cells beside the paper's as text, ``46.10 ± 1.08``; empty where one side has no number.

    Cells meet where data, method, noise rate, metric are equal and our noise is the authors' ``shuffle``. ``differs``
    counts our settings unlike the paper's: only at 0 is the comparison one of like with like. Both are the tables of
    ``summarise`` and ``paper_results``, or selections of their rows. Taught in: notebooks/09_reproduction
    """
    ours = summary.assign(method_key=summary["method"].str.casefold(), ours=_texts(summary))
    theirs = paper.assign(method_key=paper["method"].str.casefold(), paper=_texts(paper), protocol="shuffle")
    theirs.loc[theirs["source"] == CHANCE, "protocol"] = ""
    theirs = theirs.rename(columns={"method": "paper_method"}).drop(columns=["mean", "std"])
    both = ours.drop(columns=["mean", "std"]).merge(theirs, how="outer", on=MATCH, sort=False)
    both["method"] = both["method"].fillna(both["paper_method"])
    both["metric"] = pd.Categorical(both["metric"], METRICS, ordered=True)  # or R@10 comes before R@5
    both = both.sort_values(["data", "noise_rate", "metric", "method"], kind="stable", ignore_index=True)
    both["noise"] = [f"{100 * rate:g} %" if pd.notna(rate) else "" for rate in both["noise_rate"]]
    for name in ("seeds", "differs"):
        both[name] = [f"{number:.0f}" if pd.notna(number) else "" for number in both[name]]
    return both[[*BESIDE, "ours", "paper", "source"]].astype(object).fillna("")


def cell_text(mean: float, std: float | None = None) -> str:
    """A cell as the paper prints it.

    >>> cell_text(46.1, 1.08), cell_text(45.58)
    ('46.10 ± 1.08', '45.58')

    Taught in: notebooks/09_reproduction
    """
    return f"{mean:.2f}" if std is None or pd.isna(std) else f"{mean:.2f} ± {std:.2f}"


def _texts(table: pd.DataFrame) -> list[str]:
    return [cell_text(mean, std) for mean, std in zip(table["mean"], table["std"], strict=True)]
