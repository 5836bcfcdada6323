"""The README's tables and figures: every method, noise rate and seed, with the rows that give them sense.

Chance, before training, a linear probe on the frozen features (ridge) and the oracle, which knows the wrong pairs,
stand under the same evaluation. Runs that are there are not trained again; an interrupted one goes on. Usage:

    python benchmarks/compare.py --rates 0.4 0.6
    python benchmarks/compare.py --data FOLDER --encoder lite --weights DIR --train heads --figure real.png
    python benchmarks/compare.py --data rsicd --images data/rsicd --encoder lite --train heads --rates 0.4 --epochs 5
"""

import argparse
from pathlib import Path

import pandas as pd

from rrsitr_lib.config import RunConfig
from rrsitr_lib.cores import cores
from rrsitr_lib.experiments.engine import run_trials
from rrsitr_lib.experiments.figures import over_noise
from rrsitr_lib.experiments.linear_probe import linear_probes
from rrsitr_lib.experiments.report_tables import cell_text
from rrsitr_lib.experiments.results import METRICS, read_results
from rrsitr_lib.experiments.summary import study_table
from rrsitr_lib.registry import METHODS

RATES = (0.0, 0.2, 0.4, 0.6, 0.8)


def configs_of(arguments: argparse.Namespace) -> dict[str, RunConfig]:
    """The runs by name, seed after seed; without noise the oracle is plain training and not run twice."""
    shared = {name: getattr(arguments, name) for name in ("data", "images", "encoder", "weights", "train", "epochs")}
    shared = {name: value for name, value in shared.items() if value is not None}
    found = {}
    for seed in arguments.seeds:
        for rate in arguments.rates:
            for method in (method for method in arguments.methods if rate or method != "oracle"):
                config = RunConfig.build(**shared, noise_rate=rate, method=method, seed=seed)
                found[f"{Path(arguments.data).name}_{arguments.encoder}_{method}_{rate}_{seed}"] = config
    return found


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and sample deviation over the seeds, a row a noise rate and method, a column a metric."""
    text = [cell_text(mean, std) for mean, std in zip(table["mean"], table["std"], strict=True)]
    wide = table.assign(text=text, noise=table["noise_rate"]).pivot(index=["noise", "method"], columns="metric")["text"]
    return wide[list(METRICS)].rename_axis(columns=None).fillna("")


def main() -> None:
    """Train what is missing, print the tables, draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="scenes")
    parser.add_argument("--images", help="folder of the pictures, for rsitmd, rsicd and nwpu")
    parser.add_argument("--encoder", default="tiny")
    parser.add_argument("--weights")
    parser.add_argument("--train", default="all")
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=["contrastive", "rrsitr", "oracle"])
    parser.add_argument("--epochs", type=int, help="else the preset's")
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 13, 25])
    parser.add_argument("--out", type=Path, default=Path("runs/compare"))
    parser.add_argument("--workers", type=int, default=cores(), help="runs at once, one thread each")
    parser.add_argument("--figure", type=Path, help="mR over the noise rate, .png or .svg")
    arguments = parser.parse_args()
    configs = configs_of(arguments)
    results = run_trials(configs, {name: arguments.out / name for name in configs}, arguments.workers)
    for name, result in results.items():
        print(f"{name}: test mR {result['test']['mR']:.2f}, {result['seconds']:.0f} s of training")
    read = read_results(arguments.out)
    runs = read.runs[read.runs["trial"].isin(configs)]
    probes = linear_probes(next(iter(configs.values())), sorted(set(arguments.rates)))
    table = study_table(read._replace(runs=runs, probes=probes))
    print(f"\nmean ± deviation over seeds {list(arguments.seeds)}, recall in percent\n")
    print(as_text(table).to_string())
    if arguments.figure:
        over_noise(table, runs).savefig(arguments.figure, dpi=90)
        print(f"\n{arguments.figure}: written")


if __name__ == "__main__":
    main()
