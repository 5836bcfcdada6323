"""The table of a study for people: one line a cell, as CSV, Markdown, HTML, and LaTeX with booktabs."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from rrsitr_lib.experiments.run_results import RECALLS
from rrsitr_lib.experiments.table import cell_text
from rrsitr_lib.files import write_text

LINE = ["data", "noise", "method"]
PAPER, GAIN = "paper mR", "gain over contrastive"
SHORT = {
    "i2t_R@1": "I→T R@1", "i2t_R@5": "R@5", "i2t_R@10": "R@10", "t2i_R@1": "T→I R@1", "t2i_R@5": "R@5 ",
    "t2i_R@10": "R@10 ", "mR": "mR",
}  # fmt: skip


def lines(table: pd.DataFrame) -> pd.DataFrame:
    """The table of ``study_table`` as text, a line a cell: ``46.10 ± 1.08``, empty where there is no number.

    ``95 % interval`` is that of mR over resampled test images; the gain is that of mR over plain training with the same
    seeds and noise, in points, with its interval; ``seeds`` reads "done of planned"; ``differs`` counts settings unlike
    the paper's: only at 0 do the two columns of mR compare like with like.
    Taught in: notebooks/09_reproduction
    """
    rows = []
    for _, part in table.groupby(["data", "encoder", "protocol", "noise_rate", "method", "alike"], sort=False):
        own = part.set_index("metric")
        first, mean_recall = part.iloc[0], own.loc["mR"]
        cells = {SHORT[name]: _text(own.loc[name, "mean"], own.loc[name, "std"]) for name in RECALLS}
        done = pd.notna(mean_recall["low"])
        interval = f"{mean_recall['low']:.2f} to {mean_recall['high']:.2f}" if done else ""
        rows.append({
            "data": first["data"], "noise": f"{100 * first['noise_rate']:g} %", "method": first["method"], **cells,
            "95 % interval": interval, GAIN: _gain(mean_recall),
            "seeds": f"{mean_recall['seeds']} of {first['planned']}",
            PAPER: _text(mean_recall["paper"], mean_recall["paper_std"]),
            "source": mean_recall["source"] if pd.notna(mean_recall["paper"]) else "", "differs": str(first["differs"]),
        })  # fmt: skip
    return pd.DataFrame(rows)


def markdown(table: pd.DataFrame) -> str:
    """For a README."""
    return lines(table).to_markdown(index=False, disable_numparse=True) + "\n"


def html(table: pd.DataFrame) -> str:
    """For a page."""
    return lines(table).to_html(index=False, border=0, classes="study") + "\n"


def latex(table: pd.DataFrame) -> str:
    """For a paper: needs ``\\usepackage{booktabs}``; everything that LaTeX would read as a command is escaped."""
    shown = lines(table).rename(columns=str.strip)
    style = shown.style.format(escape="latex").format_index(escape="latex", axis=1).hide(axis="index")
    text = style.to_latex(hrules=True, column_format="lrl" + "r" * len(RECALLS) + "rrrrlr")
    return text.replace("±", r"$\pm$").replace("→", r"$\rightarrow$")


def csv(table: pd.DataFrame) -> str:
    """For other programs: one row a cell and metric, numbers in percent, missing ones empty."""
    return table.drop(columns="alike").to_csv(index=False, float_format="%.4f")


FORMATS: dict[str, Callable[[pd.DataFrame], str]] = {"md": markdown, "tex": latex, "csv": csv, "html": html}


def write_tables(table: pd.DataFrame, folder: str | Path) -> list[Path]:
    """Write ``table.md``, ``.tex``, ``.csv`` and ``.html`` into a folder."""
    written = []
    for ending, form in FORMATS.items():
        written.append(write_text(Path(folder) / f"table.{ending}", form(table)))
    return written


def _gain(row: pd.Series) -> str:
    return "" if pd.isna(row["gain"]) else f"{row['gain']:+.2f} ({row['gain_low']:+.2f} to {row['gain_high']:+.2f})"


def _text(mean: float, std: float) -> str:
    return "" if pd.isna(mean) else cell_text(mean, std)
