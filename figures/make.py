"""The README's figures, PNG and SVG: contact sheet, records of lesson 06, rivals, RSICD.

Usage: python figures/make.py [--out figures]
"""

import argparse
from pathlib import Path

import pandas as pd

from rrsitr_lib.experiments.figures import over_noise
from rrsitr_lib.experiments.notebook_run import RESULTS
from rrsitr_lib.experiments.readme_table import read_table
from rrsitr_lib.scenes.world import draw_scenes
from rrsitr_lib.show.figures import contact_sheet, curves
from rrsitr_lib.teach.records import RECORDS, mean_metrics


def main() -> None:
    """Write every figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("figures"))
    arguments = parser.parse_args()
    scenes = draw_scenes(24, seed=5, size=128)
    figures = {"contact_sheet": contact_sheet(scenes.images, scenes.captions[::5])}
    shown = {method: mean_metrics(RECORDS, method, 0.6) for method in ("rrsitr", "contrastive", "oracle")}
    figures["curves"] = curves({**shown, "clean pairs": mean_metrics(RECORDS, "contrastive", 0.0)})
    figures["rsicd"] = curves({method: pd.read_csv(RESULTS / "rsicd_80" / f"{method}.csv") for method in shown})
    figures["rivals"] = over_noise(read_table(RESULTS / "rivals.csv"))
    for name, figure in figures.items():
        figure.savefig(arguments.out / f"{name}.png", dpi=80)
        figure.savefig(arguments.out / f"{name}.svg")
        print(arguments.out / f"{name}.png")


if __name__ == "__main__":
    main()
