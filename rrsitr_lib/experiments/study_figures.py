"""Figures of a study beside recall over noise: its ablation, what moves a result, and its ranking."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rrsitr_lib.experiments.figures import style_of
from rrsitr_lib.experiments.ranking import LETTERS
from rrsitr_lib.experiments.summary import SUBJECT
from rrsitr_lib.show.style import COLOURS, closed, method_looks


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
    looks = method_looks(rows.loc[rows["method"] == rows["kind"], "method"])
    shade = [looks[name][0] if name in looks else "#bbbbbb" for name in rows["method"]]
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
    axis.set_xlabel("test mR (%), the axis is cut")
    axis.grid(alpha=0.3, axis="x")
    return closed(figure)


def ranking_figure(table: pd.DataFrame) -> Figure | None:
    """Methods by mR, a panel a data set and noise rate; a bar joins those that the test set cannot tell apart.

    ``table``: of ``ranking``. As a critical difference diagram, but on the scale of mR. None without a ranking.
    """
    panels = list(table.groupby(SUBJECT, sort=False, dropna=False))
    if not panels:
        return None
    most = table.groupby(SUBJECT, dropna=False).size().max()
    size = (4.2 * len(panels), 1.0 + 0.22 * most)
    figure, axes = plt.subplots(1, len(panels), figsize=size, squeeze=False, layout="tight")
    for axis, ((data, _, _, rate), part) in zip(axes[0], panels, strict=True):
        where = "all rates" if np.isnan(rate) else f"{rate:.0%} noise"
        axis.plot(part["mR"], part["place"], "o", color=COLOURS[0], ms=4)
        step = 0.04 * max(np.ptp(part["mR"]), 1.0)
        for number, letter in enumerate(sorted({*"".join(part["letters"])}, key=LETTERS.index), 1):
            joined = part[part["letters"].str.contains(letter, regex=False)]
            across = np.full(len(joined), part["mR"].max() + number * step)
            axis.plot(across, joined["place"], "-", color="black", lw=1.5, marker="_", ms=4, label=letter)
        axis.set_yticks(part["place"], part["method"], fontsize=7)
        axis.invert_yaxis()
        axis.set(title=f"{data}, {where}", xlabel="test mR (%); cut")
        axis.grid(alpha=0.3, axis="x")
    return closed(figure)
