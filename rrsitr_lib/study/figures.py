"""Figures of the study, pure functions from tables to a matplotlib figure, readable in grey."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rrsitr_lib.show.style import COLOURS, DASHES, MARKERS, closed
from rrsitr_lib.study.paper import CHANCE, TABLE


def recall_over_noise(
    paper: pd.DataFrame, data: str = "rsitmd", methods: tuple[str, ...] = ("RRSITR", "CUP")
) -> Figure:
    """The paper's mR over noise rates, a line a method, and chance; a deviation only where the paper states one.

    Filled markers come from the paper's own table, hollow ones from a secondary source. ``paper`` is the table of
    ``paper_results``. Taught in: notebooks/09_reproduction
    """
    figure, axis = plt.subplots(figsize=(7, 3.4))
    rows = paper[(paper["data"] == data) & (paper["metric"] == "mR")].sort_values("noise_rate")
    for method, colour, dash, marker in zip(methods, COLOURS, DASHES, MARKERS, strict=False):
        line = rows[rows["method"] == method]
        axis.plot(100 * line["noise_rate"], line["mean"], dash, color=colour, label=method)
        for face, part in ((colour, line[line["source"] == TABLE]), ("white", line[line["source"] != TABLE])):
            axis.errorbar(
                100 * part["noise_rate"], part["mean"], part["std"], fmt=marker, color=colour, mfc=face, capsize=4, ms=7
            )
    for level in rows.loc[rows["source"] == CHANCE, "mean"]:
        axis.axhline(level, color="black", ls=":", label=f"chance, {level:.2f}")
    axis.set(xlabel="nominal noise rate (%)", ylabel="mR (%)", ylim=(0, None), xticks=range(0, 81, 20))
    axis.grid(alpha=0.3)
    sources = "filled: the paper's table, ± over five seeds; hollow: a secondary source"
    axis.legend(loc="center left", bbox_to_anchor=(0.02, 0.3), ncol=3, title=sources, alignment="left")
    figure.tight_layout()
    return closed(figure)


def methods_over_noise(runs: pd.DataFrame, levels: pd.Series, probe: pd.Series) -> Figure:
    """Our mR over the noise rate: mean and deviation over the seeds of each method, each seed a dot, levels beside.

    ``runs``: a row a run, columns noise [0, 1], method, seed, mR (percent); ``levels``: mR by name, drawn as lines over
    all rates (chance, before training); ``probe``: mR of the linear probe by noise rate.
    """
    figure, axis = plt.subplots(figsize=(7.5, 3.8))
    for (method, part), colour, dash, marker in zip(runs.groupby("method"), COLOURS, DASHES, MARKERS, strict=False):
        by_rate = part.groupby("noise")["mR"]
        mean, deviation = by_rate.mean(), by_rate.std().fillna(0)
        axis.errorbar(100 * mean.index, mean, deviation, fmt=marker + dash, color=colour, capsize=4, label=method)
        axis.plot(100 * part["noise"], part["mR"], ".", color=colour, ms=4, alpha=0.6)
    axis.plot(100 * probe.index, probe, "x--", color="#777777", label="linear probe")
    for (name, level), dash, shade in zip(levels.items(), (":", "-."), ("black", "#555555"), strict=False):
        axis.axhline(level, color=shade, ls=dash, lw=1.2, label=f"{name}, {level:.1f}")
    axis.set(xlabel="nominal noise rate (%)", ylabel="test mR (%)", ylim=(0, None), xlim=(-3, 83))
    axis.grid(alpha=0.3)
    axis.legend(frameon=False, ncol=2, loc="center left", bbox_to_anchor=(0.02, 0.38))
    figure.tight_layout()
    return closed(figure)


def two_spreads(resampled: np.ndarray, mean: float, over_seeds: float, over_tests: float) -> Figure:
    """Recalls of resampled test sets as a histogram; above it the deviation over seeds and the test set's error.

    **Shape** resampled (draws,), percent; the other three in percent and percentage points.
    Taught in: notebooks/09_reproduction
    """
    figure, axis = plt.subplots(figsize=(7, 3.2))
    values, counts = np.unique(np.round(resampled, 6), return_counts=True)  # a recall takes few values: one bar each
    step = np.diff(values).min() if len(values) > 1 else 1.0
    axis.bar(values, counts, step, color="#bbbbbb", label="resampled test sets")
    top = counts.max()
    bars = ((1.30, over_seeds, "± over five seeds"), (1.12, over_tests, "± of the test set, binomial"))
    for (height, half, name), colour, marker in zip(bars, COLOURS, MARKERS, strict=False):
        axis.errorbar(mean, height * top, xerr=half, fmt=marker, color=colour, capsize=6, lw=2, label=name)
    axis.axvline(mean, color="black", ls=":", lw=1)
    axis.set(xlabel="i2t R@1 (%)", ylabel="resampled test sets", ylim=(0, 1.45 * top))
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.tight_layout()
    return closed(figure)
