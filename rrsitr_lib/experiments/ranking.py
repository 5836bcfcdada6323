"""Which methods the test set can tell apart: all of a study ranked by mR, with letters for those it cannot.

The unit that is drawn again is the test image with its captions, not the cell (noise rate, seed) that a Friedman or a
Wilcoxon-Holm test would rank. All cells are tested on the same images, so that they are no independent blocks: such a
test would count the same images again in every cell, and call differences real that another test set may turn round. It
would also keep ranks alone, of which more rates and more weak methods make larger distances. Every draw hits all
methods alike, so what makes an image hard for all cancels, as in ``uncertainty.paired``; since every method is compared
with every other, a difference must pass the bound that the largest of all of them keeps to (max-t; Westfall and
Young 1993). What another seed would change, this does not say.
"""

import string
from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from rrsitr_lib.experiments.report_tables import as_markdown, markdown
from rrsitr_lib.experiments.results import CONTROL, Results
from rrsitr_lib.experiments.run_results import PLACE, SUBJECT
from rrsitr_lib.experiments.summary import main_runs
from rrsitr_lib.experiments.uncertainty import ENDS, HitCounts, mean_hits, resampled

LETTERS = [*string.ascii_letters, *map(chr, range(0x400, 0x500))]  # one a group
RANKED = """\
Methods that share a letter are not told apart at 95 %, all pairs compared at once, over resampled test images; training
seeds and draws of the noise are not in it. mean_place: a method's place among all of them, mean over its runs.
"""
COLUMNS = [*SUBJECT, "place", "method", "mR", "letters", "mean_place", "cells"]


def ranking(results: Results) -> pd.DataFrame:
    """Methods and variants by mR, best first: at every noise rate, then over all rates (``noise_rate`` missing).

    Compared are those that have every cell, noise rate and seed, that contrastive training has finished; the oracle,
    which is not run without noise, drops out of the last. ``mR``: mean over the cells, percent; ``letters``: two
    methods that share one are not told apart, at 95 % for all pairs together; ``mean_place``: over the ``cells``, 1 is
    the best.
    """
    runs = main_runs(results.runs)
    done = runs[runs["trial"].isin(results.hits)].drop_duplicates(["setup", "form", "noise_rate", "seed"])
    done = done.merge(done.drop_duplicates(["setup", "method"])[["setup", "method", "form"]])  # of one name the first
    tables = []
    for (*place, _), part in done.groupby([*PLACE, "setup"], sort=False):
        rates = sorted(part["noise_rate"].unique())
        for chosen in [[rate] for rate in rates] + ([rates] if len(rates) > 1 else []):
            table = _ranked(part[part["noise_rate"].isin(chosen)], results.hits)
            own = dict(zip(PLACE, place, strict=True)) | {"noise_rate": chosen[0] if len(chosen) == 1 else np.nan}
            tables += [table.assign(**own)] if len(table) else []
    return pd.concat(tables, ignore_index=True)[COLUMNS] if tables else pd.DataFrame(columns=COLUMNS)


def _ranked(runs: pd.DataFrame, hits: Mapping[str, HitCounts]) -> pd.DataFrame:
    """One ranking, best first; empty where contrastive training or all others are missing."""
    trials = runs.pivot(index=["noise_rate", "seed"], columns="method", values="trial")
    if CONTROL not in trials:
        return pd.DataFrame()
    trials = trials[trials[CONTROL].notna()].dropna(axis=1)
    means = [mean_hits([hits[trial] for trial in trials[method]]) for method in trials]
    places = trials.map(lambda trial: hits[trial].mean_recall()).rank(axis=1, ascending=False).mean()
    table = pd.DataFrame({
        "method": trials.columns, "mR": [one.mean_recall() for one in means],
        "mean_place": places.to_numpy(), "cells": len(trials), "number": range(len(means)),
    }).sort_values("mR", ascending=False, kind="stable")  # fmt: skip
    if len(table) < 2:
        return pd.DataFrame()
    draws = np.stack([resampled(means[number])[:, -1] for number in table["number"]], axis=1)
    apart = told_apart(draws, table["mR"].to_numpy())
    return table.assign(place=range(1, 1 + len(table)), letters=letters(apart))


def told_apart(draws: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Which methods differ by more than resampling moves the most moved difference of all pairs, in 95 of 100 draws.

    **Shape** ``draws`` (draws, M) mR of resampled test sets, ``values`` (M,) of the whole one -> (M, M) bool,
    symmetric. Methods whose difference no draw moves are apart where it is not 0.
    """
    one, other = np.triu_indices(len(values), k=1)
    difference = values[one] - values[other]
    moved = draws[:, one] - draws[:, other] - difference
    spread = moved.std(axis=0)
    scaled = np.abs(np.divide(moved, spread, out=np.zeros_like(moved), where=spread > 1e-9))
    bound = np.quantile(scaled.max(axis=1), ENDS[1] - ENDS[0])
    apart = np.zeros((len(values), len(values)), dtype=bool)
    apart[one, other] = np.abs(difference) > np.maximum(bound * spread, 1e-9)
    return apart | apart.T


def letters(apart: np.ndarray) -> list[str]:
    """Letters of methods, best first: two share one exactly where they are not told apart.

    Every pair that is apart splits the groups that hold both; a group within another goes (insert and absorb,
    Piepho, Journal of Computational and Graphical Statistics 2004). **Shape** (M, M) bool -> M texts.

    >>> letters(np.array([[False, False, True], [False, False, False], [True, False, False]]))
    ['a', 'ab', 'b']
    """
    groups = {frozenset(range(len(apart)))}
    for one, other in combinations(range(len(apart)), 2):
        if apart[one, other]:
            both = {group for group in groups if {one, other} <= group}
            split = groups - both | {group - {gone} for group in both for gone in (one, other)}
            groups = {group for group in split if not any(group < larger for larger in split)}
    named = list(zip(LETTERS, sorted(map(sorted, groups)), strict=False))
    return ["".join(letter for letter, group in named if method in group) for method in range(len(apart))]


def ranking_text(table: pd.DataFrame) -> str:
    """Rankings as Markdown, one after another, with what their columns mean. Empty if there is none."""
    parts = []
    for (data, encoder, protocol, rate), part in table.groupby(SUBJECT, sort=False, dropna=False):
        where = "over all rates" if np.isnan(rate) else f"{100 * rate:g} % noise"
        shown = part[["place", "method", "mR", "letters", "mean_place"]].assign(
            method=part["method"].map(as_markdown), mR=part["mR"].map("{:.2f}".format),
            mean_place=part["mean_place"].map("{:.1f}".format))  # fmt: skip
        title = f"{data}, {encoder}, {protocol}, {where}: mean of {part['cells'].iloc[0]} runs a method"
        parts.append(f"{title}\n\n{markdown(shown)}")
    return "\n".join([*parts, RANKED]) if parts else ""
