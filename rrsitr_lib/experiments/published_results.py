"""What the paper states: its numbers with their sources, and its settings to compare a run's with."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from rrsitr_lib.config import NO_RESULT, RunConfig

TABLE, SECONDARY, CHANCE = "table, five seeds", "secondary source", "chance level"
ABLATION = f"{SECONDARY}, ablation"
# what names an experiment, or can only change how fast it is; all other fields are settings
NOT_SETTINGS = NO_RESULT | {"data", "images", "scenes", "scenes_seed", "noise_rate", "method", "settings", "seed"}


def paper_results() -> pd.DataFrame:
    """The published numbers (paper, tables of results), one row a number; what is not at hand has no row.

    Columns: ``data`` as in a configuration, ``method`` as the paper writes it, ``noise_rate`` in [0, 1] (missing for
    chance, which no noise changes), ``metric``, ``mean`` and ``std`` in percent (``std`` is missing where no deviation
    is at hand; whether the paper divided by n or by n - 1 is not stated), ``source``: the paper's table over five
    seeds, a secondary source, its ablation, or the chance level.

    >>> cell = paper_results().query("data == 'rsitmd' and method == 'RRSITR' and noise_rate == 0 and metric == 'mR'")
    >>> cell[["mean", "std"]].values.tolist()
    [[46.1, 1.08]]
    """
    return pd.read_csv(files(__package__) / "paper_results.csv")


def paper_differences(config: RunConfig) -> dict[str, tuple[Any, Any]]:
    """The settings in which ``config`` departs from the paper's preset: name -> (paper's value, value here).

    Data, noise rate, method and seed name the experiment and are no settings. Of a path only the last part is told.

    >>> paper_differences(RunConfig.build(encoder="vit-b-32", batch_size=50))
    {'batch_size': (100, 50)}
    """
    differences = {}
    for fields in (config, config.method_settings):
        for name, field in type(fields).model_fields.items():
            value = getattr(fields, name)
            if name not in NOT_SETTINGS and value != field.default:
                differences[name] = (field.default, Path(value).name if name in ("weights", "noise_file") else value)
    return differences
