"""The card of a run: what was done, what came out, and what the number does not say, in markdown."""

from pathlib import Path
from typing import Any

from rrsitr_lib.experiments.provenance import FILE as PROVENANCE
from rrsitr_lib.experiments.published_results import paper_differences
from rrsitr_lib.experiments.run_results import RECALLS, FinishedRun, read_run
from rrsitr_lib.experiments.uncertainty import recall_error
from rrsitr_lib.files import read_json


def run_card(folder: str | Path) -> str:
    """The card of a finished run as markdown, to stand beside every number that is quoted from it.

    Percentages throughout, chance beside them. Raises ``InputError`` where the run is not finished or damaged.
    Taught in: notebooks/09_reproduction
    """
    run = read_run(folder)
    parts = [_title(run), _what(run), _settings(run), _numbers(run), _origin(Path(folder)), _unsaid(run)]
    parts = [part for part in parts if part]
    return "\n\n".join(parts) + "\n"


def _title(run: FinishedRun) -> str:
    return f"# {run.method} on {run.data}, {run.config.noise_rate:.0%} noise, seed {run.config.seed}"


def _what(run: FinishedRun) -> str:
    config, facts, result = run.config, run.facts, run.result
    prints = ", ".join(f"{name} `{str(value)[:12]}`" for name, value in facts["data"].items())
    pairs = ", ".join(f"{name} {number}" for name, number in facts["pairs"].items())
    rows = {
        "data": f"{run.data}; pairs: {pairs}",
        "fingerprints of the data": prints,
        "noise": f"protocol {config.protocol}, nominal {config.noise_rate:.1%}, realised "
        f"{result['realised_noise_rate']:.1%}, seed {config.noise_seed}, fingerprint `{str(facts['noise'])[:12]}`",
        "model": f"{config.encoder}, a single network, no ensemble",
        "training seed": config.seed,
        "chosen epoch": f"{result['best_epoch']} of {config.epochs}, the first with the highest mR on the clean "
        "validation set",
        "settings without the seed": f"`{run.settings}`",
        "versions": ", ".join(f"{name} {value}" for name, value in facts["versions"].items()),
    }
    return _table(("", ""), [(name, str(value)) for name, value in rows.items()])


def _settings(run: FinishedRun) -> str:
    differences = paper_differences(run.config)
    if not differences:
        return "## Settings\n\nAll settings are the paper's."
    rows = [(f"`{name}`", _plain(paper), _plain(here)) for name, (paper, here) in differences.items()]
    return "## Settings that differ from the paper's\n\n" + _table(("setting", "paper", "here"), rows)


def _numbers(run: FinishedRun) -> str:
    result = run.result
    rows = [(name, *(f"{result[part][name]:.2f}" for part in ("test", "before", "chance"))) for name in RECALLS]
    table = _table(("test set, percent", "this run", "before training", "chance"), rows)
    auroc = result["partition"]["auroc"]
    found = (
        "" if auroc is None else f"\n\nThe loss of the last epoch finds the mismatched pairs with AUROC {auroc:.3f}."
    )
    return f"## Result\n\n{table}{found}"


def _origin(folder: Path) -> str:
    """Code, packages, machine, time and energy, where the run noted them."""
    if not (folder / PROVENANCE).exists():
        return ""
    noted = read_json(folder / PROVENANCE)
    code, sessions = noted["code"], noted["sessions"]
    joules = [session["joules"] for session in sessions]
    seconds = [session["seconds"] for session in sessions if session["seconds"] is not None]
    killed = f", {len(sessions) - len(seconds)} of them killed" if len(seconds) < len(sessions) else ""
    tree = {True: "files differ from the commit", False: "clean", None: "not a checkout"}[code["dirty"]]
    rows = {
        "code version": f"{code['version']}, commit {code['commit'] or 'not known'}",
        "working tree": tree,
        "packages": ", ".join(f"{name} {version}" for name, version in noted["packages"].items()),
        "device": f"{noted['device']}, {noted['threads']} threads, {noted['system']}, Python {noted['python']}",
        "time": f"{sum(seconds):.0f} s in {len(sessions)} sessions{killed}, begun {sessions[0]['began']}",
        "energy": "not readable here" if None in joules else f"{sum(joules) / 3600:.1f} Wh by the processor's counter",
    }
    return "## Where it came from\n\n" + _table(("", ""), list(rows.items()))


def _unsaid(run: FinishedRun) -> str:
    error = recall_error(run.result["test"]["i2t_R@1"], run.test_images)
    points = [
        "One seed: the spread over seeds is not in it.",
        "One noise realisation: every seed of this setting trains on the same mismatched pairs.",
        "The epoch was chosen on a validation set without noise, which a real collection does not offer.",
        f"The test set has {run.test_images} pictures: another one of this size would move i2t R@1 by about "
        f"{error:.1f} points (binomial standard error).",
    ]
    if run.data == "scenes":
        points.append("The scenes are drawn: no number on them can be compared with the paper's benchmarks.")
    if run.config.encoder == "tiny":
        points.append("The tiny encoder had seen clean drawn scenes of another seed before training.")
    return "## What the numbers do not say\n\n" + "\n".join(f"- {point}" for point in points)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
