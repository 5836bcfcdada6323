"""Figures of many runs, pure functions from their tables to a matplotlib figure, readable in grey.

One figure of recall over the noise rate serves a study, a comparison of any runs, and the paper's numbers alone.
"""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rrsitr_lib.experiments.published_results import CHANCE, TABLE
from rrsitr_lib.show.style import COLOURS, DASHES, MARKERS, closed


def style_of(number: int) -> dict[str, Any]:
    """Colour, dash and marker of the line ``number``; sixteen differ in colour or dash, and markers cycle beside."""
    dash = DASHES[(number + number // len(COLOURS)) % len(DASHES)]
    return {"color": COLOURS[number % len(COLOURS)], "ls": dash, "marker": MARKERS[number % len(MARKERS)]}


def over_noise(
    table: pd.DataFrame | None = None,
    runs: pd.DataFrame | None = None,
    paper: pd.DataFrame | None = None,
    levels: Mapping[str, float] | None = None,
    probe: pd.Series | None = None,
) -> Figure:
    """mR over the noise rate, a panel a data set: a line a method, and a variant that was run at several rates.

    ``table``: of ``study_table`` or ``summarise``; its intervals are bands, where there are none the deviations bars.
    ``runs``: single runs as dots. ``paper``: published numbers (of ``paper_results``, or those in ``table``), crosses
    beside a line of ours; alone a line, filled where the paper's table states them, hollow where a secondary source
    does. ``levels``: recall by name, drawn over all rates (by default chance). ``probe``: the linear probe's, by rate.
    """
    ours = pd.DataFrame(columns=["data", "method", "noise_rate"]) if table is None else _drawn(table)
    theirs = _published(ours) if paper is None else paper[paper["metric"] == "mR"]
    levels = _chance(runs, theirs) if levels is None else levels
    theirs = theirs[theirs["source"] != CHANCE]
    keys = {name.casefold(): None for name in [*ours["method"], *theirs["method"]]}
    styles = {key: style_of(number) for number, key in enumerate(keys)}
    names = list(dict.fromkeys([*ours["data"], *theirs["data"]]))
    size = (max(7, 4 * len(names)), 3.8)
    figure, axes = plt.subplots(1, max(1, len(names)), figsize=size, squeeze=False, layout="tight")
    for axis, data in zip(axes[0], names, strict=False):
        here, published = (rows[rows["data"] == data].sort_values("noise_rate") for rows in (ours, theirs))
        _draw_ours(axis, here, None if runs is None else runs[runs["data"] == data], styles)
        _draw_published(axis, published, styles, set(here["method"].str.casefold()))
        if probe is not None:
            axis.plot(100 * probe.index, probe, "x--", color="#777777", label="linear probe")
        for (name, level), dash in zip(levels.items(), (":", "-.", "--"), strict=False):
            axis.axhline(level, color="black", ls=dash, lw=1.2, label=f"{name}, {level:.2f}")
        rates = sorted({*here["noise_rate"], *published["noise_rate"]})
        axis.set(title=data, xlabel="nominal noise rate (%)", xticks=[100 * rate for rate in rates], ylim=(0, None))
        axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("test mR (%)")
    title = "filled: the paper's table\nhollow: a secondary source" if table is None else None
    axes[0, 0].legend(frameon=False, fontsize=8, ncols=1 + len(keys) // 6, title=title, title_fontsize=8)
    return closed(figure)


def _drawn(table: pd.DataFrame) -> pd.DataFrame:
    """Methods as they are, and their variants where they are more than a point."""
    rows = table[table["metric"] == "mR"].dropna(subset="mean")
    rates = rows.groupby(["data", "method"])["noise_rate"].transform("nunique")
    return rows[(rows["method"] == rows["kind"]) | (rates > 1)]


def _published(ours: pd.DataFrame) -> pd.DataFrame:
    """The paper's numbers that stand in a table of ours."""
    columns = ["data", "method", "noise_rate", "paper", "source"]
    return ours.reindex(columns=columns).rename(columns={"paper": "mean"}).dropna(subset="mean")


def _chance(runs: pd.DataFrame | None, paper: pd.DataFrame) -> dict[str, float]:
    known = paper.loc[paper["source"] == CHANCE, "mean"] if runs is None else runs["chance"].dropna()
    return {"chance": known.iloc[0]} if len(known) else {}


def _draw_ours(axis: Axes, rows: pd.DataFrame, runs: pd.DataFrame | None, styles: Mapping[str, dict[str, Any]]) -> None:
    for method, line in rows.groupby("method", sort=False):
        style, rate, known = styles[method.casefold()], 100 * line["noise_rate"], line["low"].notna()
        spread = None if known.all() else line["std"].where(~known)
        axis.errorbar(rate, line["mean"], spread, **style, capsize=4, label=method)
        axis.fill_between(rate, line["low"], line["high"], where=known, color=style["color"], alpha=0.15, lw=0)
        if len(line) == 1:  # a band needs two rates
            axis.vlines(rate, line["low"], line["high"], color=style["color"], lw=1.2)
        if runs is not None:
            seeds = runs[runs["method"] == method]
            axis.plot(100 * seeds["noise_rate"], seeds["mR"], ".", color=style["color"], ms=4, alpha=0.6)


def _draw_published(axis: Axes, rows: pd.DataFrame, styles: Mapping[str, dict[str, Any]], beside: set[str]) -> None:
    for method, line in rows.groupby("method", sort=False):
        style, rate = styles[method.casefold()], 100 * line["noise_rate"]
        if method.casefold() in beside:
            axis.plot(rate, line["mean"], "x", color=style["color"], ms=8, label=f"{method}, paper")
            continue
        axis.plot(rate, line["mean"], **style, mfc="white", label=method)
        stated = line["source"] == TABLE
        axis.errorbar(rate[stated], line["mean"][stated], line["std"][stated], **style | {"ls": ""}, capsize=4)


def ablation_bars(table: pd.DataFrame, runs: pd.DataFrame) -> Figure | None:
    """mR of every method with variants, and of these, where they were run; None where a study has no variant.

    Chance is drawn in: a bar at its height is a collapsed model, not a weak one.
    """
    rows = table[(table["metric"] == "mR") & table["mean"].notna()]
    where = ["data", "noise_rate", "kind"]
    variants = rows.loc[rows["method"] != rows["kind"], where].drop_duplicates()
    if variants.empty:
        return None
    rows = rows.merge(variants, on=where).sort_values("mean")
    figure, axis = plt.subplots(figsize=(7.5, 0.6 + 0.36 * len(rows)), layout="tight")
    height = np.arange(len(rows))
    reach = np.abs(rows[["low", "high"]].to_numpy().T - rows["mean"].to_numpy())
    shade = np.where(rows["method"] == rows["kind"], COLOURS[1], "#bbbbbb")
    axis.barh(height, rows["mean"], xerr=reach, color=shade, error_kw={"lw": 1, "capsize": 3})
    axis.plot(rows["paper"], height, "x", color="black", label="paper" if rows["paper"].notna().any() else None)
    axis.axvline(runs["chance"].dropna().iloc[0], color="black", ls=":", label="chance")
    one = f"{rows['kind'].iloc[0]}, " if rows["kind"].nunique() == 1 else ""
    labels = [f"{row.method.removeprefix(one)} ({row.data}, {row.noise_rate:.0%})" for row in rows.itertuples()]
    axis.set_yticks(height, labels)
    axis.set_xlabel("test mR (%), 95 % interval over test images")
    axis.legend(frameon=False, loc="lower right")
    return closed(figure)


def two_variances(moved: pd.DataFrame) -> Figure | None:
    """Single results by what moved between them, the training seed or the draw of the noise; None without both.

    ``moved``: the table of ``variance``. Rows are settings that have both.
    """
    keys = ["data", "noise_rate", "method"]
    both = moved.groupby(keys)["what"].transform("nunique") == 2
    if not both.any():
        return None
    rows = moved[both].sort_values([*keys, "what"])
    figure, axis = plt.subplots(figsize=(7.5, 0.8 + 0.4 * len(rows)), layout="tight")
    for height, row in enumerate(rows.itertuples()):
        style = style_of(0 if row.what == "training seed" else 1) | {"ls": ""}
        axis.plot(row.values, [height] * len(row.values), **style)
        axis.annotate(f" deviation {row.std:.2f}", (max(row.values), height), fontsize=8, va="center",
                      xytext=(6, 0), textcoords="offset points")  # fmt: skip
    axis.set_yticks(range(len(rows)), [f"{row.method}, {row.noise_rate:.0%}: {row.what}" for row in rows.itertuples()])
    axis.margins(x=0.5, y=0.15)  # room for the words
    axis.set_xlabel("test mR (%)")
    axis.grid(alpha=0.3, axis="x")
    return closed(figure)


def two_spreads(resampled: np.ndarray, mean: float, over_seeds: float, over_tests: float) -> Figure:
    """Recalls of resampled test sets as a histogram; above it the deviation over seeds and the test set's error.

    **Shape** resampled (draws,), percent; the other three in percent and percentage points.
    """
    figure, axis = plt.subplots(figsize=(7, 3.2), layout="tight")
    values, counts = np.unique(np.round(resampled, 6), return_counts=True)  # a recall takes few values: one bar each
    step = np.diff(values).min() if len(values) > 1 else 1.0
    axis.bar(values, counts, step, color="#bbbbbb", label="resampled test sets")
    top = counts.max()
    bars = ((1.30, over_seeds, "± over five seeds"), (1.12, over_tests, "± of the test set, binomial"))
    for number, (height, half, name) in enumerate(bars):
        axis.errorbar(mean, height * top, xerr=half, **style_of(number) | {"ls": ""}, capsize=6, lw=2, label=name)
    axis.axvline(mean, color="black", ls=":", lw=1)
    axis.set(xlabel="i2t R@1 (%)", ylabel="resampled test sets", ylim=(0, 1.45 * top))
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return closed(figure)
