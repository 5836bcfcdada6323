"""The README's tables: every method at every noise rate over several seeds, mean and deviation, chance beside them.

Runs that are there already are not trained again; an interrupted one goes on. Usage, for the two tables:

    python benchmarks/compare.py --rates 0.4 0.6
    python benchmarks/compare.py --data FOLDER --encoder lite --weights DIR --train heads --rates 0 0.4
"""

import argparse
from pathlib import Path

import pandas as pd

from rrsitr_lib.config import RunConfig
from rrsitr_lib.training.run import train

METHODS = ("contrastive", "rrsitr")


def row_of(method: str, rate: float, result: dict) -> dict:
    """One run as a row: recalls in percent, AUROC of the loss in the last epoch."""
    return {"noise": rate, "method": method, **result["test"], "AUROC": result["partition"]["auroc"]}


def summary(rows: list[dict]) -> pd.DataFrame:
    """Mean and sample deviation over the seeds of every cell, as text."""
    cells = pd.DataFrame(rows).groupby(["noise", "method"], sort=False)
    mean, deviation = cells.mean(), cells.std()
    text = mean.map("{:.2f}".format) + " ± " + deviation.map("{:.2f}".format)
    return text.replace("nan ± nan", "")


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="scenes")
    parser.add_argument("--encoder", default="tiny")
    parser.add_argument("--weights")
    parser.add_argument("--train", default="all")
    parser.add_argument("--rates", type=float, nargs="+", default=[0.4, 0.6])
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 13, 25])
    parser.add_argument("--out", type=Path, default=Path("runs/compare"))
    arguments = parser.parse_args()
    rows = []
    for rate in arguments.rates:
        for method in METHODS:
            for seed in arguments.seeds:
                shared = {name: getattr(arguments, name) for name in ("data", "encoder", "weights", "train")}
                config = RunConfig.build(**shared, noise_rate=rate, method=method, seed=seed)
                name = f"{Path(arguments.data).name}_{arguments.encoder}_{method}_{rate}_{seed}"
                result = train(config, arguments.out / name)
                rows.append(row_of(method, rate, result))
                print(f"{name}: test mR {result['test']['mR']:.2f}, before training {result['before']['mR']:.2f}")
    print(f"\nmean ± deviation over seeds {arguments.seeds}; chance mR {result['chance']['mR']:.2f}\n")
    print(summary(rows).to_string())


if __name__ == "__main__":
    main()
