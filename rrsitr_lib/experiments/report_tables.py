"""The table of cells for people: one line a cell, as CSV, Markdown, HTML, and LaTeX with booktabs."""

import re
from collections.abc import Callable

import pandas as pd

from rrsitr_lib.experiments.results import METRICS
from rrsitr_lib.experiments.run_results import PLACE, RECALLS
from rrsitr_lib.experiments.study_file import one_line
from rrsitr_lib.experiments.summary import CELL

COMPARED = """\
In brackets the 95 % interval over resampled test images, each with its captions, of this one difference: neither for
all of them at once, nor over training seeds or draws of the noise. wins: at how many seeds the method is ahead.
"""
SHORT = dict(zip(RECALLS, ("I→T R@1", "R@5", "R@10", "T→I R@1", "R@5 ", "R@10 ", "mR"), strict=True))


def cell_text(mean: float, std: float | None = None) -> str:
    """A cell as the paper prints it, empty where there is no number.

    >>> cell_text(46.1, 1.078), cell_text(45.58), cell_text(1, float("nan")), cell_text(float("nan"))
    ('46.10 ± 1.08', '45.58', '1.00', '')
    """
    text = "" if pd.isna(mean) else f"{mean:.2f}"
    return text if std is None or pd.isna(std) else f"{text} ± {std:.2f}"


def range_text(least: float, most: float) -> str:
    """Least and most of whole numbers, empty where there is none.

    >>> range_text(3, 3), range_text(3, 6), range_text(float("nan"), float("nan"))
    ('3', '3 to 6', '')
    """
    if pd.isna(least):
        return ""
    return f"{least:.0f}" if least == most else f"{least:.0f} to {most:.0f}"


def as_markdown(value: object) -> object:
    r"""A value as Markdown shows it: what Markdown or HTML would read as a mark is escaped.

    >>> print(as_markdown("a|b, <half> $$ price"), as_markdown(3))
    a\|b, \<half\> \$\$ price 3
    """
    return re.sub(r"([\\`*\[\]<>|$])", r"\\\1", one_line(value)) if isinstance(value, str) else value


def markdown(table: pd.DataFrame) -> str:
    """A table of texts as Markdown; ``as_markdown`` has escaped what is a stranger's."""
    return table.to_markdown(index=False, disable_numparse=True) + "\n"


def lines(table: pd.DataFrame) -> pd.DataFrame:
    """A table of ``summarise``, ``beside_paper`` or ``study_table`` as text, a line a cell: ``46.10 ± 1.08``.

    ``AUROC`` says how well the loss of the last epoch finds the mismatched pairs; recalls are of the ``best epoch``, of
    which least and most over the seeds are shown; ``networks``: whether two were trained, whose scores
    are averaged; ``cost``: seconds a step, as a multiple of contrastive training's. ``95 % interval`` is that of mR
    over resampled test images; the gain is that of mR over contrastive training with the same seeds and noise, in
    points, with its interval; ``seeds`` reads "done of planned"; ``differs`` counts settings unlike the paper's: only
    at 0 do the two columns of mR compare like with like. Empty where there is no number.
    """
    rows, place = [], _varied(table)
    for _, part in table.groupby(CELL, sort=False, dropna=False):
        of, cell = part.set_index("metric").reindex([*METRICS]), part.iloc[0]
        mr, ours = of.loc["mR"], pd.notna(cell["settings"])
        rows.append({
            "data": ", ".join(str(cell[name]) for name in place if pd.notna(cell[name])),
            "noise": "" if pd.isna(cell["noise_rate"]) else f"{100 * cell['noise_rate']:g} %",
            "method": cell["method"],
            **{short: cell_text(of.loc[name, "mean"], of.loc[name, "std"]) for name, short in SHORT.items()},
            "AUROC": cell_text(of.loc["AUROC", "mean"], of.loc["AUROC", "std"]),
            "best epoch": range_text(of.loc["best_epoch", "least"], of.loc["best_epoch", "most"]),
            "networks": _networks(cell),
            "95 % interval": "" if pd.isna(mr["low"]) else f"{mr['low']:.2f} to {mr['high']:.2f}",
            "gain over contrastive": _gain(mr),
            "cost": "" if pd.isna(cell.get("cost")) else f"{cell['cost']:.2f}",
            "seeds": f"{mr['seeds']:.0f} of {cell['planned']:.0f}" if ours else "",
            "paper mR": cell_text(mr.get("paper"), mr.get("paper_std")),
            "source": mr["source"] if pd.notna(mr.get("paper")) else "",
            "differs": f"{cell['differs']:.0f}" if ours else "",
        })  # fmt: skip
    return pd.DataFrame(rows)


def _varied(table: pd.DataFrame) -> list[str]:
    """What says of a row where it was measured: the data, and what else there is more than one of."""
    return ["data", *(name for name in PLACE[1:] if table[name].nunique() > 1)]


def _networks(cell: pd.Series) -> str:
    number = cell.get("networks")
    return "" if pd.isna(number) else "single" if number == 1 else f"ensemble of {number:.0f}"


def _gain(row: pd.Series) -> str:
    return "" if pd.isna(row.get("gain")) else difference_text(row["gain"], row["gain_low"], row["gain_high"])


def difference_text(difference: float, low: float, high: float) -> str:
    """A difference in points with its interval.

    >>> difference_text(10.344, 7.7, 12.9)
    '+10.34 (+7.70 to +12.90)'
    """
    return f"{difference:+.2f} ({low:+.2f} to {high:+.2f})"


def comparison_text(found: pd.DataFrame) -> str:
    """A table of ``comparison`` as Markdown, with what its columns mean. Empty if it is."""
    place = _varied(found)
    rows = [
        {
            "data": as_markdown(", ".join(getattr(row, name) for name in place)),
            "noise": f"{100 * row.noise_rate:g} %", "method": as_markdown(row.method),
            f"mR minus that of {row.control}": difference_text(row.difference, row.low, row.high),
            "wins": f"{row.wins} of {row.seeds}",
        }
        for row in found.itertuples()
    ]  # fmt: skip
    return f"{markdown(pd.DataFrame(rows))}\n{COMPARED}" if rows else ""


def latex(table: pd.DataFrame) -> str:
    """For a paper: needs ``\\usepackage{booktabs}``; everything that LaTeX would read as a command is escaped."""
    shown = lines(table).rename(columns=str.strip)
    style = shown.style.format(escape="latex").format_index(escape="latex", axis=1).hide(axis="index")
    text = style.to_latex(hrules=True, column_format="lrl" + "r" * len(METRICS) + "lrrrrrlr")
    return text.replace("±", r"$\pm$").replace("→", r"$\rightarrow$")


FORMATS: dict[str, Callable[[pd.DataFrame], str]] = {
    "md": lambda table: markdown(lines(table).map(as_markdown)),
    "tex": latex,
    # for other programs: one row a cell and metric; recalls in percent, AUROC in [0, 1], missing numbers empty
    "csv": lambda table: table.to_csv(index=False, float_format="%.4f"),
    "html": lambda table: lines(table).to_html(index=False, border=0, classes="study tex2jax_ignore") + "\n",
}
