"""Results that are kept with the code: a CSV of ``rrsitr study table``, and the README's table that follows from it."""

from pathlib import Path

import numpy as np
import pandas as pd

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.report_tables import as_markdown, markdown, range_text
from rrsitr_lib.experiments.run_results import PLACE
from rrsitr_lib.experiments.summary import CELL

NUMBERS = [
    "noise_rate", "mean", "std", "low", "high", "least", "most", "seeds", "planned", "differs", "networks",
    "gain", "gain_low", "gain_high",
]  # fmt: skip
NEEDED = [*CELL, "metric", *NUMBERS]


def read_table(path: str | Path) -> pd.DataFrame:
    """A table that ``rrsitr study table --format csv`` wrote. Raises ``InputError`` for another file."""
    try:
        table = pd.read_csv(path, dtype={"settings": str})
    except (OSError, ValueError) as error:  # of pandas too
        raise InputError(f"{path}: not readable as CSV ({' '.join(str(error).split())[:200]})") from None
    if missing := [name for name in NEEDED if name not in table]:
        raise InputError(f"{path}: no table of rrsitr study table --format csv (no column {missing[0]})")
    for name in NUMBERS:
        numbers = pd.to_numeric(table[name], errors="coerce")
        for row in np.flatnonzero(numbers.isna() & table[name].notna())[:1]:
            raise InputError(f"{path}: line {row + 2}: {name} is {table[name][row]!r}: allowed is a number")
        table[name] = numbers
    return table


def readme_table(table: pd.DataFrame) -> str:
    """A line a method, a column a noise rate, as Markdown: mR ± deviation over the seeds, in percent.

    Only of what is done: a planned method or rate without a number has no line and no column.

    Bold: the 95 % interval of the gain over contrastive training lies above 0. AUROC is that of the last epoch's loss,
    at the middle noise rate that has one; beside it the best epoch there, whose mR is shown, least and most over the
    seeds: within a method's plain epochs, what is shown is plain training. What no noise changes stands in every
    column. Costs are left out: runs of a study share their machine with others, and ``benchmarks/methods.py`` measures
    a step of every method under the same load.
    """
    filled = table[table.groupby(PLACE)["mean"].transform("count") > 0]
    parts = [part for _, part in filled.groupby(PLACE, sort=False)]
    titles = [", ".join(str(as_markdown(part[name].iloc[0])) for name in PLACE) + ":\n\n" for part in parts]
    shown = titles if len(parts) > 1 else [""] * len(parts)
    return "\n".join(title + markdown(_lines(part)) for title, part in zip(shown, parts, strict=True))


def _lines(table: pd.DataFrame) -> pd.DataFrame:
    filled = table[(table["metric"] == "mR") & table["mean"].notna()]
    trained = filled[filled["networks"].notna()]
    rates = sorted((trained if len(trained) else filled)["noise_rate"].dropna().unique())
    told = table.loc[(table["metric"] == "AUROC") & table["mean"].notna(), "noise_rate"]
    noisy = sorted({rate for rate in told if rate > 0}) or rates
    middle = noisy[len(noisy) // 2]
    rows = []
    for method, part in table[table["method"].isin(filled["method"])].groupby("method", sort=False):
        of = filled[filled["method"] == method]
        by_rate = {rate: _cell(of[(of["noise_rate"] == rate) | of["noise_rate"].isna()]) for rate in rates}
        at = part[part["noise_rate"] == middle].set_index("metric")
        auroc, best = at.loc[at.index == "AUROC", "mean"], at.loc[at.index == "best_epoch"]
        rows.append({
            "method": as_markdown(method), "networks": _number(part["networks"].max(), 0),
            **{f"mR, {100 * rate:g}%": text for rate, text in by_rate.items()},
            f"AUROC, {100 * middle:g}%": _number(auroc.max(), 2),
            f"best epoch, {100 * middle:g}%": range_text(best["least"].min(), best["most"].max()),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _cell(rows: pd.DataFrame) -> str:
    if rows.empty:
        return ""
    row = rows.iloc[0]
    text = f"{row['mean']:.1f}" + ("" if pd.isna(row["std"]) else f" ± {row['std']:.1f}")
    return f"**{text}**" if row["gain_low"] > 0 else text


def _number(value: float, digits: int) -> str:
    return "" if pd.isna(value) else f"{value:.{digits}f}"
