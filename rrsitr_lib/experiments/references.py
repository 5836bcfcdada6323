"""Rows that give a table its sense: before training, chance, and the linear probe, as cells beside the methods'."""

import numpy as np
import pandas as pd

from rrsitr_lib.experiments.results import Results
from rrsitr_lib.experiments.run_results import RECALLS
from rrsitr_lib.training.run_files import read_result

BEFORE, CHANCE, PROBE = "before training", "chance", "linear probe"
REFERENCES = (BEFORE, CHANCE, PROBE)
PLACE = ["data", "encoder", "protocol"]


def reference_cells(results: Results) -> pd.DataFrame:
    """Cells of ``before training``, ``chance`` and ``linear probe``, by data set; a row a metric, in percent.

    Columns as those of ``summarise``; ``settings`` is missing, and so is the noise rate of the first two, which no
    noise changes. ``before training`` is a mean over the seeds, of one network where the study has such runs; the
    linear probe is one fit a noise rate.
    """
    rows = [results.probes.assign(method=PROBE, seeds=1)]
    done = results.done.sort_values("networks", kind="stable").drop_duplicates([*PLACE, "seed"])
    for place, part in done.groupby(PLACE, sort=False):
        found = [read_result(results.folders[trial]) for trial in part["trial"]]
        for name, key in ((BEFORE, "before"), (CHANCE, "chance")):
            values = pd.DataFrame([result[key] for result in found], columns=[*RECALLS])
            moments = {"mean": values.mean(), "std": values.std(), "seeds": len(found)}
            cell = pd.DataFrame(moments).rename_axis("metric").reset_index()
            rows.append(cell.assign(**dict(zip(PLACE, place, strict=True)), noise_rate=np.nan, method=name))
    table = pd.concat([part for part in rows if len(part)] or rows)
    chance = table["method"] == CHANCE
    table.loc[chance, ["std", "seeds"]] = np.nan  # it is known, not measured
    return table.assign(kind=table["method"])
