"""Fair tuning: of the configurations that a study tried of every method, the one with the best validation mR."""

from itertools import groupby

import pandas as pd

from rrsitr_lib.experiments.report_tables import as_markdown, markdown
from rrsitr_lib.experiments.results import Results
from rrsitr_lib.training.run_files import read_metrics

PLAIN = "as it is"
COLUMNS = ["data", "method", "tried", "done", "chosen", "val_mR", "seconds_a_step", "peak_memory_gib"]


def chosen(results: Results) -> pd.DataFrame:
    """A row a data set and method: what was tried, how many of it are done, which is best. No test pair has a say.

    A configuration is judged by the validation mR, percent, of its best epoch, mean over its runs; of equals the first
    in the study's order is taken, and one of which a run is missing is not done. ``seconds_a_step``,
    ``peak_memory_gib`` (missing without a GPU): medians of its runs.
    Raises ``InputError`` where a finished run has no metrics.
    """
    runs = results.runs.copy()
    best = {name: read_metrics(folder).query("epoch > 0")["val_mR"].max() for name, folder in results.folders.items()}
    runs["val_mR"] = runs["trial"].map(best)
    runs["values"] = [_values(row.kind, row.method) for row in runs.itertuples()]
    rows = []
    for (data, kind), part in runs.groupby(["data", "kind"], sort=False):
        costs = {"seconds_a_step": ("seconds_a_step", "median"), "peak_memory_gib": ("peak_memory_gib", "median")}
        tried = part.groupby("values", sort=False).agg(
            val_mR=("val_mR", lambda found: found.mean(skipna=False)), **costs
        )
        known = tried.dropna(subset="val_mR")
        own = {
            "data": data,
            "method": kind,
            "tried": in_words(list(tried.index)),
            "done": f"{len(known)} of {len(tried)}",
        }
        found = known.loc[known["val_mR"].idxmax()].to_dict() if len(known) else {}
        rows.append({**own, "chosen": known["val_mR"].idxmax() if len(known) else "", **found})
    return pd.DataFrame(rows, columns=COLUMNS)


def _values(kind: str, method: str) -> str:
    """What sets a configuration apart from its method as it is."""
    return method.removeprefix(kind).removeprefix(", ") or PLAIN


def in_words(tried: list[str]) -> str:
    """Values of one setting together.

    >>> in_words(["margin=0.1", "margin=0.2", "as it is"])
    'margin=0.1 | 0.2, as it is'
    """
    grouped = groupby((one.rpartition("=") for one in tried), key=lambda parts: parts[0])
    return ", ".join(
        "=".join(filter(None, [name, " | ".join(value for _, _, value in parts)])) for name, parts in grouped
    )


def chosen_text(table: pd.DataFrame) -> str:
    """The table as Markdown; empty where there is no number."""
    shown = table.assign(
        val_mR=table["val_mR"].map("{:.2f}".format, na_action="ignore"),
        seconds_a_step=table["seconds_a_step"].map("{:.3f}".format, na_action="ignore"),
        peak_memory_gib=table["peak_memory_gib"].map("{:.2f}".format, na_action="ignore"),
    )
    return markdown(shown.fillna("").map(as_markdown))
