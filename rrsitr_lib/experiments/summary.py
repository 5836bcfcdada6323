"""Cells of a table from many runs: mean, deviation and intervals, the paper's number beside, method against method.

A cell holds runs that differ in the seed alone.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from rrsitr_lib.experiments.published_results import paper_results
from rrsitr_lib.experiments.references import PROBE, reference_cells
from rrsitr_lib.experiments.results import CONTROL, METRICS, Results
from rrsitr_lib.experiments.run_results import SUBJECT, draw_order
from rrsitr_lib.experiments.uncertainty import HitCounts, mean_hits, paired, resampling_interval

CELL = [*SUBJECT, "kind", "method", "settings"]


def main_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Rows of one draw of the noise a rate, as the paper has it: the first by ``draw_order``."""
    return runs[runs["noise_seed"] == runs.groupby(SUBJECT)["noise_seed"].transform(min, key=draw_order)]


def summarise(runs: pd.DataFrame, hits: Mapping[str, HitCounts] | None = None) -> pd.DataFrame:
    """Mean and sample deviation over the seeds (paper, tables of results), one row a cell and metric.

    A seed counts once, however many copies of its folder there are. ``std`` divides by n - 1 and is missing with one
    seed; ``seeds`` is n of ``planned``, ``least`` and ``most`` the range; ``low``, ``high``: where ``hits`` has all of
    them, 95 % interval of the mean over resampled test images; all in the unit of the metric.
    """
    hits, rows = hits or {}, []
    for key, part in runs.groupby(CELL, sort=False):
        once = part.drop_duplicates("seed")
        own = dict(zip(CELL, key, strict=True)) | {"differs": int(part["differs"].iloc[0]), "planned": len(once)}
        done = once.loc[once["mR"].notna(), "trial"].tolist()
        known = bool(done) and hits.keys() >= set(done)
        interval = resampling_interval(mean_hits([hits[name] for name in done])) if known else {}
        for metric in METRICS:
            values = once[metric].dropna()
            low, high = interval.get(metric, (np.nan, np.nan))
            moments = {"mean": values.mean(), "std": values.std(), "seeds": len(values), "low": low, "high": high}
            rows.append({**own, "metric": metric, **moments, "least": values.min(), "most": values.max()})
    columns = [*CELL, "differs", "planned", "metric", "mean", "std", "seeds", "low", "high", "least", "most"]
    return pd.DataFrame(rows, columns=columns)


def beside_paper(table: pd.DataFrame, paper: pd.DataFrame | None = None, how: str = "left") -> pd.DataFrame:
    """A table of cells with the paper's numbers beside: ``paper``, ``paper_std``, ``source``.

    Cells meet where data, method, noise rate, metric are equal and our noise is the authors' ``shuffle``. ``how``
    "outer" also keeps the paper's cells that are not ours. ``paper``: ``paper_results``, or rows of it.
    """
    theirs = (paper_results() if paper is None else paper).assign(protocol="shuffle")
    theirs = theirs.rename(columns={"mean": "paper", "std": "paper_std", "method": "theirs"})
    theirs = theirs.assign(key=theirs["theirs"].str.casefold())
    keys = ["data", "protocol", "noise_rate", "key", "metric"]
    both = table.assign(key=table["method"].str.casefold()).merge(theirs, how=how, on=keys)
    both["method"] = both["method"].fillna(both["theirs"])
    return both.drop(columns=["key", "theirs"])


def study_table(results: Results) -> pd.DataFrame:
    """The cells of a study and the paper's beside, planned ones without a number included; last ``reference_cells``.

    Columns as ``summarise``, ``beside_paper`` and ``costs``; ``gain``, ``gain_low``, ``gain_high`` in points, at mR:
    what ``comparison`` finds against contrastive training.
    """
    found = comparison(results).rename(columns={"difference": "gain", "low": "gain_low", "high": "gain_high"})
    gains = found[["settings", "gain", "gain_low", "gain_high"]].assign(metric="mR")
    table = summarise(main_runs(results.runs), results.hits)
    ours = (
        beside_paper(table).merge(gains, "left", ["settings", "metric"]).merge(costs(results.runs), "left", "settings")
    )
    aside = reference_cells(results)
    return pd.concat([ours, aside], ignore_index=True) if len(aside) else ours


def costs(runs: pd.DataFrame) -> pd.DataFrame:
    """What a cell costs, by ``settings``: ``networks``, ``seconds_a_step`` (of its quickest run), ``cost``.

    Seconds are those of training and validation together, divided by the steps; ``cost`` is their multiple of plain
    training's on the same data with the same noise rate. It means what it says where one machine trained both, and had
    for one run of each nothing else to do.
    """
    by_cell = runs.groupby([*SUBJECT, "method", "settings"], sort=False)
    table = by_cell.agg(networks=("networks", "first"), seconds_a_step=("seconds_a_step", "min")).reset_index()
    plain = table[table["method"] == CONTROL].drop_duplicates(SUBJECT)
    both = table.merge(plain[[*SUBJECT, "seconds_a_step"]], "left", SUBJECT, suffixes=("", "_plain"))
    both["cost"] = both["seconds_a_step"] / both["seconds_a_step_plain"]
    return both[["settings", "networks", "seconds_a_step", "cost"]]


def comparison(results: Results, control: str = CONTROL) -> pd.DataFrame:
    """Every method and variant against contrastive training, by the seeds that both have finished, at every noise rate.

    Columns: data, encoder, protocol, noise_rate, ``settings`` and ``method``, ``control``, ``seeds`` compared,
    ``difference`` of mR (method minus control) with its interval ``low``, ``high`` in points, ``wins``: at how many
    seeds the method is ahead, ``by_seed``. A pair has the same data, noise and seed; of several variants of the control
    its plain form, or else its first, is taken, at all seeds the same. A linear probe is the same fit at every
    seed, and has no ``settings``.
    """
    runs = main_runs(results.runs)
    done = runs[runs["trial"].isin(results.hits)]
    plain_first = done[done["kind"] == control].sort_values("method", key=lambda names: names != control, kind="stable")
    first_form = plain_first.drop_duplicates("setup")[["setup", "form"]]
    controls = plain_first.merge(first_form, on=["setup", "form"]).drop_duplicates("pair")
    others = done[~done["form"].isin(first_form["form"])].drop_duplicates(["settings", "seed"])
    both = others.merge(controls[["pair", "trial"]], on="pair", suffixes=("", "_control"))
    compared: list[tuple[dict[str, Any], list[HitCounts], pd.Series]] = []
    for _, part in both.sort_values("seed", kind="stable").groupby("settings", sort=False):
        own = part.iloc[0][[*SUBJECT, "settings", "method"]].to_dict()
        compared.append((own, [results.hits[name] for name in part["trial"]], part["trial_control"]))
    for cell, counts in results.probes.items():
        against = controls.loc[(controls[SUBJECT] == list(cell)).all(axis=1), "trial"]
        compared.append(({**dict(zip(SUBJECT, cell, strict=True)), "method": PROBE}, [counts] * len(against), against))
    rows = []
    for own, first, against in compared:
        if first:
            found = paired(first, [results.hits[name] for name in against])
            wins = sum(value > 0 for value in found.by_seed)
            rows.append({**own, "control": control, "seeds": len(first), **found._asdict(), "wins": wins})
    columns = [*SUBJECT, "settings", "method", "control", "seeds", "difference", "low", "high", "wins", "by_seed"]
    return pd.DataFrame(rows, columns=columns).sort_values(SUBJECT, kind="stable", ignore_index=True)


def variance(results: Results) -> pd.DataFrame:
    """How much mR moves with the training seed and with the draw of the noise, each with the other held fixed.

    One row a method, noise rate and source of variation with two runs or more: ``what`` (training seed, noise seed),
    ``runs``, ``mean``, ``std`` (n - 1), ``values``. The paper has one draw of the noise only.
    """
    rows, keys = [], [*SUBJECT, "method", "form"]
    for what, moves, fixed in (("training seed", "seed", "noise_seed"), ("noise seed", "noise_seed", "seed")):
        for key, part in results.done.groupby([*keys, fixed], sort=False):
            values = part.drop_duplicates(moves)["mR"]
            if len(values) > 1:
                rows.append({**dict(zip(keys, key, strict=False)), "what": what, "runs": len(values),
                             "mean": values.mean(), "std": values.std(), "values": (*values.round(2),)})  # fmt: skip
    return pd.DataFrame(rows, columns=[*SUBJECT, "method", "what", "runs", "mean", "std", "values"])


def missing(results: Results) -> list[str]:
    """Trials that a study plans and that have no number yet."""
    return results.runs.loc[results.runs["mR"].isna(), "trial"].tolist()
