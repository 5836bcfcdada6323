"""The tables of a study: every planned cell with mean, deviation, intervals, and the paper's number beside it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.bootstrap import Hits, hits, mean_hits, paired, resampling_interval
from rrsitr_lib.experiments.plan import Cell
from rrsitr_lib.experiments.published_results import CHANCE, paper_differences, paper_results
from rrsitr_lib.experiments.run_results import RECALLS, FinishedRun, read_run
from rrsitr_lib.experiments.study_file import Study
from rrsitr_lib.experiments.trials import Place, open_begun
from rrsitr_lib.training.retrieval_results import RetrievalResults

ROW = ["data", "encoder", "protocol", "noise_rate", "method", "alike"]
SUBJECT = ["data", "encoder", "protocol", "noise_rate"]


class StudyRuns(NamedTuple):
    """``runs``: a row a planned cell, numbers missing where it is not done; by cell, ``hits``: what the done ones
    answered, ``folders``: their run folders, ``left_out``: why one that has ended is not in the table."""

    study: Study
    runs: pd.DataFrame
    hits: dict[str, Hits]
    folders: dict[str, Path]
    left_out: dict[str, str]


def open_study(folder: str | Path) -> StudyRuns:
    """Read a study's folder: its plan, and the results of all cells that are done, wherever they were trained.

    Columns of ``runs``: cell, data, encoder, protocol, noise_rate, noise_seed, seed, method (with its variant),
    ``kind`` (method without it), state, ``differs`` (settings unlike the paper's), the recalls and mR, ``before`` and
    ``chance`` in percent, ``AUROC`` in [0, 1], seconds. Fingerprints of everything but the seed (``alike``), but both
    seeds (``setting``), but the method (``pair``), but method and seed (``pairs``).
    Raises ``InputError`` where there is no study. Taught in: notebooks/09_reproduction
    """
    folder = Path(folder)
    study, cells, places = open_begun(folder)
    rows, counted, left_out = [], {}, {}
    for cell in cells.values():
        row = _planned(cell, places[cell.name])
        if row["state"] == "failed":
            left_out[cell.name] = str(places[cell.name].outcome.get("reason", "failed"))
        elif row["state"] == "done":
            try:
                row |= _numbers(places[cell.name])
                counted[cell.name] = _hits(places[cell.name])
            except (InputError, OSError) as error:
                row["state"], left_out[cell.name] = "damaged", str(error)
        rows.append(row)
    numbers = [*RECALLS, "AUROC", "before", "chance", "seconds"]
    runs = pd.DataFrame(rows).reindex(columns=[*rows[0], *(name for name in numbers if name not in rows[0])])
    folders = {name: places[name].run for name in counted}
    return StudyRuns(study, runs.astype(dict.fromkeys(numbers, float)), counted, folders, left_out)


def _planned(cell: Cell, place: Place) -> dict[str, Any]:
    config = cell.config
    run = FinishedRun(config, {}, {})
    method = run.method if not cell.variant or cell.variant in run.method else f"{run.method}, {cell.variant}"
    without = {
        "alike": {"seed": 0}, "setting": {"seed": 0, "noise_seed": 0}, "pair": {"method": "", "settings": {}},
        "pairs": {"method": "", "settings": {}, "seed": 0},
    }  # fmt: skip
    prints = {name: config.model_copy(update=changed).fingerprint[:12] for name, changed in without.items()}
    shown = {name: getattr(config, name) for name in ("encoder", "protocol", "noise_rate", "noise_seed", "seed")}
    own = {"cell": cell.name, "data": run.data, "method": method, "kind": config.method, "state": place.state}
    return {**own, **shown, **prints, "differs": len(paper_differences(config))}


def _numbers(place: Place) -> dict[str, float]:
    result = read_run(place.run).result
    auroc = result["partition"]["auroc"]
    recalls = {name: float(result["test"][name]) for name in RECALLS}
    sides = {"before": float(result["before"]["mR"]), "chance": float(result["chance"]["mR"])}
    return {**recalls, **sides, "AUROC": np.nan if auroc is None else float(auroc), "seconds": float(result["seconds"])}


def _hits(place: Place) -> Hits:
    results = RetrievalResults.open(place.run)
    if results is None:
        raise InputError(f"{place.run}: no retrieval.npz, so no interval can be computed")
    return hits(results)


def main_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Rows of one draw of the noise, as the paper has it: the authors' seed 42 where it is there, else the lowest."""
    seeds = set(runs["noise_seed"])
    chosen = RunConfig.model_fields["noise_seed"].default
    return runs[runs["noise_seed"] == (chosen if chosen in seeds else min(seeds))]


def study_table(opened: StudyRuns) -> pd.DataFrame:
    """One row a cell of the paper's table and metric, planned cells without a number included.

    ``mean`` and ``std`` (n - 1) over ``seeds`` training seeds; ``low``, ``high``: 95 % interval of the mean over
    resampled test images; ``planned``: seeds that the study plans; ``paper``, ``paper_std``, ``source``: the published
    number where data, noise, method and metric meet and the noise is the authors' ``shuffle``; ``gain``, ``gain_low``,
    ``gain_high`` in points, at mR of RRSITR: what ``comparison`` finds against plain training. Percent.
    Taught in: notebooks/09_reproduction
    """
    rows = []
    for key, part in main_runs(opened.runs).groupby(ROW, sort=False, dropna=False):
        own = dict(zip(ROW, key, strict=True)) | {"planned": len(part), "differs": int(part["differs"].iloc[0])}
        done = [opened.hits[cell] for cell in part["cell"] if cell in opened.hits]
        interval = resampling_interval(mean_hits(done)) if done else {}
        for metric in RECALLS:
            values = part[metric].dropna()
            low, high = interval.get(metric, (np.nan, np.nan))
            number = {"mean": values.mean(), "std": values.std(), "seeds": len(values), "low": low, "high": high}
            rows.append({**own, "metric": metric, **number})
    return _with_gain(_with_paper(pd.DataFrame(rows)), comparison(opened))


def _with_gain(table: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    gains = {"difference": "gain", "low": "gain_low", "high": "gain_high"}
    return table.merge(found[["alike", *gains]].rename(columns=gains).assign(metric="mR"), "left", ["alike", "metric"])


def _with_paper(table: pd.DataFrame) -> pd.DataFrame:
    paper = paper_results().assign(protocol="shuffle")
    paper = paper[paper["source"] != CHANCE].rename(columns={"mean": "paper", "std": "paper_std"})
    paper = paper.assign(key=paper["method"].str.casefold()).drop(columns="method")
    keys = ["data", "protocol", "noise_rate", "key", "metric"]
    return table.assign(key=table["method"].str.casefold()).merge(paper, how="left", on=keys).drop(columns="key")


def comparison(
    opened: StudyRuns, first: str = "rrsitr", second: str = "contrastive", metric: str = "mR"
) -> pd.DataFrame:
    """Two methods at every noise rate, by the seeds that both have finished: mean difference and its interval.

    Columns: data, encoder, protocol, noise_rate, ``alike`` of the first, ``seeds`` compared, ``difference``, ``low``,
    ``high`` in points, ``wins``: at how many seeds the first is ahead, ``by_seed``. A pair has the same noise.
    Taught in: notebooks/09_reproduction
    """
    rows = []
    runs = main_runs(opened.runs)
    done = runs[runs["cell"].isin(opened.hits)]
    one, other = (done[done["kind"] == method] for method in (first, second))
    other = other.drop_duplicates("pair")  # of several settings of the second method the study's first
    both = one.merge(other[["pair", "cell"]], on="pair", suffixes=("", "_other")).sort_values("seed", kind="stable")
    for _, part in both.groupby(["pairs", "alike"], sort=False):
        sides = [[opened.hits[cell] for cell in part[name]] for name in ("cell", "cell_other")]
        found = paired(*sides, metric=metric)
        own = {**part.iloc[0][[*SUBJECT, "alike"]], "first": part["method"].iloc[0], "second": second}
        own |= {"seeds": len(part)}
        rows.append({**own, **found._asdict(), "wins": sum(value > 0 for value in found.by_seed)})
    columns = [*SUBJECT, "alike", "first", "second", "seeds", "difference", "low", "high", "wins", "by_seed"]
    return pd.DataFrame(rows, columns=columns).sort_values(SUBJECT, kind="stable", ignore_index=True)


def variance(opened: StudyRuns, metric: str = "mR") -> pd.DataFrame:
    """How much a result moves with the training seed and with the draw of the noise, each with the other held fixed.

    One row a method, noise rate and source of variation with two runs or more: ``what`` (training seed, noise seed),
    ``runs``, ``mean``, ``std`` (n - 1), ``values``. The paper has one draw of the noise only.
    Taught in: notebooks/09_reproduction
    """
    done, rows = opened.runs.dropna(subset=metric), []
    for what, moves, fixed in (("training seed", "seed", "noise_seed"), ("noise seed", "noise_seed", "seed")):
        for key, part in done.groupby([*SUBJECT, "method", "setting", fixed], sort=False):
            if part[moves].nunique() > 1:
                values = part.drop_duplicates(moves)[metric]
                rows.append({**dict(zip([*SUBJECT, "method"], key[:-2], strict=True)), "what": what,
                             "runs": len(values), "mean": values.mean(), "std": values.std(),
                             "values": tuple(values.round(2))})  # fmt: skip
    return pd.DataFrame(rows, columns=[*SUBJECT, "method", "what", "runs", "mean", "std", "values"])


def missing(opened: StudyRuns) -> Sequence[str]:
    """Cells that the study plans and that are not in its tables. Taught in: notebooks/09_reproduction"""
    return opened.runs.loc[~opened.runs["cell"].isin(opened.hits), "cell"].tolist()
