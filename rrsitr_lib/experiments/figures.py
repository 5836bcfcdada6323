"""Figures of many runs, pure functions from their tables to a matplotlib figure, readable in grey.

One figure of recall over the noise rate serves a study, a comparison of any runs, and the paper's numbers alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rrsitr_lib.experiments.published_results import CHANCE, TABLE
from rrsitr_lib.experiments.references import CHANCE as CHANCE_LEVEL
from rrsitr_lib.experiments.references import PROBE, REFERENCES
from rrsitr_lib.show.style import COLOURS, DASHES, MARKERS, closed, label_ends, line_looks, method_looks

INTEREST = ("contrastive", "rrsitr", "oracle")
FEW = 8  # methods that a legend tells apart
GREY = "#8c8c8c"


def style_of(number: int) -> dict[str, Any]:
    """Colour, dash and marker of the line ``number``; sixteen differ in colour or dash, and markers cycle beside."""
    dash = DASHES[(number + number // len(COLOURS)) % len(DASHES)]
    return {"color": COLOURS[number % len(COLOURS)], "ls": dash, "marker": MARKERS[number % len(MARKERS)]}


def over_noise(
    table: pd.DataFrame | None = None,
    runs: pd.DataFrame | None = None,
    paper: pd.DataFrame | None = None,
    interest: Sequence[str] = INTEREST,
) -> Figure:
    """mR over the noise rate, a panel a data set: a line a method, and a variant that was run at several rates.

    ``table``: of ``study_table`` or ``summarise``; its intervals are bands, where there are none the deviations bars;
    its ``reference_cells`` are levels over all rates, and the linear probe's line. ``runs``: single runs as dots.
    ``paper``: published numbers (of ``paper_results``, or those in ``table``), crosses beside a line of ours; alone a
    line, filled where the paper's table states them, hollow where a secondary source does. More than eight methods
    have their names at their lines; then only the methods of ``interest`` are in colour, with bands and dots.
    """
    ours = pd.DataFrame(columns=["data", "method", "noise_rate"]) if table is None else _drawn(table)
    theirs = _published(ours) if paper is None else paper[paper["metric"] == "mR"]
    aside = _references(table, runs, theirs)
    theirs = theirs[theirs["source"] != CHANCE]
    styles = _styles([*ours["method"], *theirs["method"]], interest)
    names = list(dict.fromkeys([*ours["data"], *theirs["data"]]))
    width, height = (4.0, 3.8) if len(styles) <= FEW else (6.0, max(3.8, 0.26 * len(styles)))
    size = (max(7, width * len(names)), height)
    figure, axes = plt.subplots(1, max(1, len(names)), figsize=size, squeeze=False, layout="tight")
    for axis, data in zip(axes[0], names, strict=False):
        here, published = (rows[rows["data"] == data].sort_values("noise_rate") for rows in (ours, theirs))
        _draw_ours(axis, here, None if runs is None else runs[runs["data"] == data], styles, interest)
        _draw_published(axis, published, styles, set(here["method"].str.casefold()))
        _draw_references(axis, aside[aside["data"].isin([data, ""])])
        rates = sorted({*here["noise_rate"], *published["noise_rate"]})
        axis.set(title=data, xlabel="nominal noise rate (%)", xticks=[100 * rate for rate in rates], ylim=(0, None))
        axis.grid(alpha=0.3)
        if len(styles) > FEW:
            alone = ~published["method"].str.casefold().isin(here["method"].str.casefold())
            _name_lines(axis, pd.concat([here, published[alone]]), styles)
    axes[0, 0].set_ylabel("test mR (%)")
    _legend(axes[0, 0], styles, "filled: the paper's table\nhollow: a secondary source" if table is None else None)
    return closed(figure)


def _styles(methods: Sequence[str], interest: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The look of every method by its folded name; of many the others step back, in grey and thin."""
    keys = list(dict.fromkeys(name.casefold() for name in methods))
    first = keys if len(keys) <= FEW else [name for name in interest if name in keys]
    shown = method_looks(first).items()
    look = {key: {"color": colour, "ls": dash, "marker": marker} for key, (colour, dash, marker) in shown}
    if len(keys) <= FEW:
        return look
    others = [key for key in keys if key not in first]
    looks = zip(others, line_looks(), strict=False)
    grey = {key: {"color": GREY, "ls": dash, "marker": marker, "lw": 0.9, "ms": 4} for key, (_, dash, marker) in looks}
    return {key: style | {"lw": 2.2} for key, style in look.items()} | grey


def _drawn(table: pd.DataFrame) -> pd.DataFrame:
    """Methods as they are, and their variants where they are more than a point."""
    rows = table[(table["metric"] == "mR") & ~table["method"].isin(REFERENCES)].dropna(subset="mean")
    rates = rows.groupby(["data", "method"])["noise_rate"].transform("nunique")
    return rows[(rows["method"] == rows["kind"]) | (rates > 1)]


def _published(ours: pd.DataFrame) -> pd.DataFrame:
    """The paper's numbers that stand in a table of ours."""
    columns = ["data", "method", "noise_rate", "paper", "source"]
    return ours.reindex(columns=columns).rename(columns={"paper": "mean"}).dropna(subset="mean")


def _references(table: pd.DataFrame | None, runs: pd.DataFrame | None, paper: pd.DataFrame) -> pd.DataFrame:
    """The table's own rows of reference; without them chance alone, of the runs or of the paper, for any data."""
    columns = ["data", "method", "noise_rate", "mean"]
    own = pd.DataFrame(columns=columns) if table is None else table[table["method"].isin(REFERENCES)]
    if len(own):
        return own[own["metric"] == "mR"]
    known = paper.loc[paper["source"] == CHANCE, "mean"] if runs is None else runs["chance"].dropna()
    return pd.DataFrame([("", CHANCE_LEVEL, np.nan, mean) for mean in known[:1]], columns=columns)


def _draw_references(axis: Axes, rows: pd.DataFrame) -> None:
    levels = rows[rows["method"] != PROBE].sort_values("mean")
    for level, dash in zip(levels.itertuples(), (":", "-."), strict=False):
        axis.axhline(level.mean, color="black", ls=dash, lw=1.2, label=f"{level.method}, {level.mean:.2f}")
    probe = rows[rows["method"] == PROBE].sort_values("noise_rate")
    if len(probe):
        axis.plot(100 * probe["noise_rate"], probe["mean"], "x--", color="#777777", label=PROBE)


def _name_lines(axis: Axes, rows: pd.DataFrame, styles: Mapping[str, dict[str, Any]]) -> None:
    """Every method's name at the last point of its line."""
    last = rows.groupby("method", sort=False).last()
    ends = {row.Index: (100 * row.noise_rate, row.mean) for row in last.itertuples()}
    label_ends(axis, ends, {name: styles[name.casefold()]["color"] for name in ends})


def _legend(axis: Axes, styles: Mapping[str, dict[str, Any]], title: str | None) -> None:
    """What has no name at its line."""
    named = len(styles) > FEW
    every = zip(*axis.get_legend_handles_labels(), strict=True)
    shown = {name: line for line, name in every if not (named and name.casefold() in styles)}
    if shown:
        axis.legend(
            list(shown.values()), list(shown), ncols=1 + len(shown) // 6,
            frameon=False, fontsize=8, title=title, title_fontsize=8,
        )  # fmt: skip


def _draw_ours(
    axis: Axes,
    rows: pd.DataFrame,
    runs: pd.DataFrame | None,
    styles: Mapping[str, dict[str, Any]],
    interest: Sequence[str],
) -> None:
    for method, line in rows.groupby("method", sort=False):
        style, rate, known = styles[method.casefold()], 100 * line["noise_rate"], line["low"].notna()
        spread = None if known.all() else line["std"].where(~known)
        axis.errorbar(rate, line["mean"], spread, **style, capsize=4, label=method)
        if len(styles) > FEW and method not in interest:
            continue
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
    axis.set(xlabel="i2t R@1 (%), the axis is cut", ylabel="resampled test sets", ylim=(0, 1.45 * top))
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return closed(figure)
