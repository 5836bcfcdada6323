"""The README's tables and figures: every method, noise rate and seed, with the rows that give them sense.

Chance, before training, a linear probe on the frozen features (ridge) and the oracle, which knows the wrong pairs,
stand under the same evaluation. Runs that are there are not trained again; an interrupted one goes on. Usage:

    python benchmarks/compare.py --rates 0.4 0.6
    python benchmarks/compare.py --data FOLDER --encoder lite --weights DIR --train heads --figure figures/real.png
    python benchmarks/compare.py --data rsicd --images data/rsicd --encoder lite --train heads --rates 0.4 --epochs 5
"""

import argparse
import os
from pathlib import Path

import pandas as pd

from rrsitr_lib.config import RunConfig
from rrsitr_lib.experiments.figures import methods_over_noise
from rrsitr_lib.experiments.linear_probe import linear_probes
from rrsitr_lib.training.many import train_many

METHODS = ("contrastive", "rrsitr", "oracle")
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


def row_of(config: RunConfig, result: dict) -> dict:
    """One run as a row: recalls in percent, AUROC of the loss in the last epoch."""
    return {
        "noise": config.noise_rate, "method": config.method, "seed": config.seed, **result["test"],
        "AUROC": result["partition"]["auroc"],
    }  # fmt: skip


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean and sample deviation over the seeds of every cell, as text."""
    cells = rows.drop(columns="seed").groupby(["noise", "method"], sort=True)
    text = cells.mean().map("{:.2f}".format) + " ± " + cells.std().map("{:.2f}".format)
    return text.replace({r"^nan.*": "", r" ± nan$": ""}, regex=True)


def sanity(result: dict, probes: dict[float, dict]) -> pd.DataFrame:
    """Chance, before training, and the linear probe fitted to the noisy pairs of every rate; recalls in percent."""
    rows = {"chance": result["chance"], "before training": result["before"]}
    return pd.DataFrame(rows | {f"linear probe, noise {rate}": recalls for rate, recalls in probes.items()}).T


def main() -> None:
    """Train what is missing, print the tables, draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="scenes")
    parser.add_argument("--images", help="folder of the pictures, for rsitmd, rsicd and nwpu")
    parser.add_argument("--encoder", default="tiny")
    parser.add_argument("--weights")
    parser.add_argument("--train", default="all")
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--epochs", type=int, help="else the preset's")
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 13, 25])
    parser.add_argument("--out", type=Path, default=Path("runs/compare"))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="runs at once, one thread each")
    parser.add_argument("--figure", type=Path, help="mR over the noise rate, .png or .svg")
    arguments = parser.parse_args()
    configs, results = configs_of(arguments), {}
    folders = {name: arguments.out / name for name in configs}
    for name, result in train_many(configs, folders, arguments.workers):
        results[name] = result
        print(
            f"[{len(results)}/{len(configs)}] {name}: test mR {result['test']['mR']:.2f}, "
            f"{result['seconds']:.0f} s of training",
            flush=True,
        )
    rows = pd.DataFrame([row_of(configs[name], result) for name, result in results.items()])
    probes = linear_probes(next(iter(configs.values())), sorted(set(arguments.rates)))
    aside = sanity(next(iter(results.values())), probes)
    print(f"\nmean ± deviation over seeds {list(arguments.seeds)}, recall in percent\n")
    print(summary(rows).to_string())
    print(f"\n{aside.map('{:.2f}'.format).to_string()}")
    if arguments.figure:
        probe = pd.Series({rate: recalls["mR"] for rate, recalls in probes.items()})
        figure = methods_over_noise(rows, aside.loc[["chance", "before training"], "mR"], probe)
        figure.savefig(arguments.figure, dpi=90)
        print(f"\n{arguments.figure}: written")


if __name__ == "__main__":
    main()
