"""Figures of a study, pure functions from its tables to a matplotlib figure, readable in grey."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rrsitr_lib.show.style import COLOURS, DASHES, MARKERS, closed

BASIC = ("contrastive", "rrsitr", "oracle")


def over_noise(table: pd.DataFrame, runs: pd.DataFrame, metric: str = "mR") -> Figure:
    """Recall over the noise rate, a panel a data set: a line a method, its 95 % interval over test images as a band.

    Dots are single seeds, crosses the paper's numbers, the dotted line chance. ``table``, ``runs``: of ``study_table``
    and ``open_study``. Taught in: notebooks/09_reproduction
    """
    shown = table[(table["metric"] == metric) & table["method"].isin(BASIC)]
    names = list(dict.fromkeys(shown["data"]))
    figure, axes = plt.subplots(1, max(1, len(names)), figsize=(max(6.5, 4 * len(names)), 3.8), squeeze=False)
    for axis, data in zip(axes[0], names, strict=False):
        _panel(axis, shown[shown["data"] == data], runs[runs["data"] == data], metric)
        axis.set(title=data, xlabel="nominal noise rate (%)")
    axes[0, 0].set_ylabel(f"test {metric} (%)")
    axes[0, 0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    return closed(figure)


def _panel(axis: plt.Axes, rows: pd.DataFrame, runs: pd.DataFrame, metric: str) -> None:
    for method, colour, dash, marker in zip(BASIC, COLOURS, DASHES, MARKERS, strict=False):
        line = rows[rows["method"] == method].dropna(subset="mean").sort_values("noise_rate")
        if line.empty:
            continue
        rate = 100 * line["noise_rate"]
        axis.plot(rate, line["mean"], dash, marker=marker, color=colour, label=method)
        axis.fill_between(rate, line["low"], line["high"], color=colour, alpha=0.15, lw=0)
        if len(line) == 1:  # a band needs two rates
            axis.vlines(rate, line["low"], line["high"], color=colour, lw=1.2)
        axis.plot(
            rate, line["paper"], "x", color=colour, ms=8, label=f"{method}, paper" if line["paper"].any() else None
        )
        seeds = runs[runs["method"] == method]
        axis.plot(100 * seeds["noise_rate"], seeds[metric], ".", color=colour, ms=4, alpha=0.6)
    chance = runs["chance"].dropna()
    if len(chance) and metric == "mR":
        axis.axhline(chance.iloc[0], color="black", ls=":", lw=1.2, label=f"chance, {chance.iloc[0]:.2f}")
    axis.grid(alpha=0.3)
    axis.set_xticks(sorted(set(100 * rows["noise_rate"])))
    axis.set_ylim(0, None)


def ablation_bars(table: pd.DataFrame, runs: pd.DataFrame) -> Figure | None:
    """mR of RRSITR and of its variants where they were run, chance drawn in; None where a study has no variant.

    A bar at the height of chance is a collapsed model, not a weak one. Taught in: notebooks/09_reproduction
    """
    rows = table[(table["metric"] == "mR") & table["mean"].notna() & table["method"].str.startswith("rrsitr")]
    variants = rows[rows["method"] != "rrsitr"]
    if variants.empty:
        return None
    place = ["data", "noise_rate"]
    rows = rows.merge(variants[place].drop_duplicates(), on=place).sort_values("mean")
    figure, axis = plt.subplots(figsize=(7.5, 0.6 + 0.36 * len(rows)))
    height = np.arange(len(rows))
    reach = np.abs(rows[["low", "high"]].to_numpy().T - rows["mean"].to_numpy())
    shade = np.where(rows["method"] == "rrsitr", COLOURS[1], "#bbbbbb")
    axis.barh(height, rows["mean"], xerr=reach, color=shade, error_kw={"lw": 1, "capsize": 3})
    axis.plot(rows["paper"], height, "x", color="black", label="paper" if rows["paper"].notna().any() else None)
    axis.axvline(runs["chance"].dropna().iloc[0], color="black", ls=":", label="chance")
    labels = [f"{row.method.removeprefix('rrsitr, ')} ({row.data}, {row.noise_rate:.0%})" for row in rows.itertuples()]
    axis.set_yticks(height, labels)
    axis.set_xlabel("test mR (%), 95 % interval over test images")
    axis.legend(frameon=False, loc="lower right")
    figure.tight_layout()
    return closed(figure)


def two_variances(moved: pd.DataFrame) -> Figure | None:
    """Single results by what moved between them, the training seed or the draw of the noise; None without both.

    ``moved``: the table of ``variance``. Rows are settings that have both. Taught in: notebooks/09_reproduction
    """
    keys = ["data", "noise_rate", "method"]
    both = moved.groupby(keys)["what"].transform("nunique") == 2
    if not both.any():
        return None
    rows = moved[both].sort_values([*keys, "what"])
    figure, axis = plt.subplots(figsize=(7.5, 0.8 + 0.4 * len(rows)))
    for height, row in enumerate(rows.itertuples()):
        by_seed = row.what == "training seed"
        colour, marker = (COLOURS[0], MARKERS[0]) if by_seed else (COLOURS[1], MARKERS[1])
        axis.plot(row.values, [height] * len(row.values), marker, color=colour)
        axis.annotate(f" deviation {row.std:.2f}", (max(row.values), height), fontsize=8, va="center",
                      xytext=(6, 0), textcoords="offset points")  # fmt: skip
    axis.set_yticks(range(len(rows)), [f"{row.method}, {row.noise_rate:.0%}: {row.what}" for row in rows.itertuples()])
    axis.margins(x=0.5, y=0.15)  # room for the words
    axis.set_xlabel("test mR (%)")
    axis.grid(alpha=0.3, axis="x")
    figure.tight_layout()
    return closed(figure)
