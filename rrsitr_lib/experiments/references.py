"""Rows that give a table its sense: before training, chance, and the linear probe, as cells beside the methods'."""

import numpy as np
import pandas as pd

from rrsitr_lib.experiments.results import Results
from rrsitr_lib.experiments.run_results import PLACE, RECALLS, SUBJECT
from rrsitr_lib.experiments.uncertainty import HitCounts, resampling_interval
from rrsitr_lib.training.run_files import read_result

BEFORE, CHANCE, PROBE = "before training", "chance", "linear probe"
REFERENCES = (BEFORE, CHANCE, PROBE)


def reference_cells(results: Results) -> pd.DataFrame:
    """Cells of ``before training``, ``chance`` and ``linear probe``, by data set; a row a metric, in percent.

    Columns as those of ``summarise``; ``settings`` is missing, and so is the noise rate of the first two, which no
    noise changes. ``before training`` is a mean over the seeds, of one network where the study has such runs; the
    linear probe is one fit a noise rate, its interval that of ``summarise``.
    """
    rows = [_of_probe(counts).assign(**dict(zip(SUBJECT, cell, strict=True)))
            for cell, counts in results.probes.items()]  # fmt: skip
    done = results.done.sort_values("networks", kind="stable").drop_duplicates([*PLACE, "seed"])
    for place, part in done.groupby(PLACE, sort=False):
        found = [read_result(results.folders[trial]) for trial in part["trial"]]
        for name, key in ((BEFORE, "before"), (CHANCE, "chance")):
            values = pd.DataFrame([result[key] for result in found], columns=[*RECALLS])
            moments = {"mean": values.mean(), "std": values.std(), "seeds": len(found)}
            cell = pd.DataFrame(moments).rename_axis("metric").reset_index()
            rows.append(cell.assign(**dict(zip(PLACE, place, strict=True)), noise_rate=np.nan, method=name))
    if not rows:
        return pd.DataFrame()
    table = pd.concat(rows)
    chance = table["method"] == CHANCE
    table.loc[chance, ["std", "seeds"]] = np.nan  # it is known, not measured
    return table.assign(kind=table["method"])


def _of_probe(counts: HitCounts) -> pd.DataFrame:
    ends = pd.DataFrame(resampling_interval(counts), index=["low", "high"]).T
    return ends.assign(mean=counts.recalls(), seeds=1, method=PROBE).rename_axis("metric").reset_index()
