"""What many runs say, a row a run: of a study, or of any folder of runs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.linear_probe import Probes, read_probes
from rrsitr_lib.experiments.published_results import paper_differences
from rrsitr_lib.experiments.run_results import CONTROL, RECALLS, data_name, method_name, portable, read_run
from rrsitr_lib.experiments.study_file import Study
from rrsitr_lib.experiments.study_folder import STUDY_FILE, with_name
from rrsitr_lib.experiments.trials import OpenStudy, open_study
from rrsitr_lib.experiments.uncertainty import HitCounts, count_hits
from rrsitr_lib.files import fingerprint
from rrsitr_lib.registry import METHODS
from rrsitr_lib.training.retrieval_results import RetrievalResults

METRICS = (*RECALLS, "AUROC", "best_epoch")
COSTS = ("seconds", "seconds_a_step", "peak_memory_gib")
NUMBERS = (*METRICS, "realised", "before", "chance", "pairs", *COSTS)
Listed = Iterator[tuple[dict[str, Any], Path, str]]  # what is known of a run unread, its folder, why it failed


class Results(NamedTuple):
    """``runs``: a row a run, numbers missing where it is not done; by its name, ``hits``: what the done ones answered,
    ``folders``: their run folders; ``left_out``: why one that has ended is not in the table; ``study``: None where the
    folder is no study's; ``probes``: what linear probes answered, empty until ``linear_probe.write_probes``."""

    runs: pd.DataFrame
    hits: dict[str, HitCounts]
    folders: dict[str, Path]
    left_out: dict[str, str]
    study: Study | None
    probes: Probes

    @property
    def done(self) -> pd.DataFrame:
        """The rows of finished runs."""
        return self.runs.dropna(subset="mR")


def read_results(folder: str | Path) -> Results:
    """Read a study's folder, its plan and the results of all trials wherever they were trained; or any folder of runs.

    Columns of ``runs``: trial (of a run without a study its path), data, encoder, protocol, noise_rate, noise_seed,
    seed, ``kind`` (the method), ``method`` (with its variant), ``networks``, state, epochs, ``differs`` (settings
    unlike the paper's), recalls and mR, ``before`` and ``chance`` (mR) in percent, ``AUROC`` and ``realised`` in
    [0, 1], ``best_epoch`` from 1, ``pairs`` trained on, ``seconds`` of the epochs and their validation, the same by
    steps, ``peak_memory_gib`` (missing without a GPU). Fingerprints: ``settings`` of all but the seed, data and noise
    included; ``draws`` of all but both seeds; ``pair`` of all but the method, its settings and
    its learning rate.
    Raises ``InputError`` where there is no such folder.
    """
    folder = with_name(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of runs")
    opened = open_study(folder) if (folder / STUDY_FILE).is_file() else None
    results = Results(pd.DataFrame(), {}, {}, {}, opened.study if opened else None, read_probes(folder))
    rows: list[dict[str, Any]] = []
    for row, run_folder, reason in _planned(opened) if opened else _found(folder):
        name = row["trial"]
        if row["state"] == "failed":
            results.left_out[name] = reason
        elif row["state"] == "done":
            try:
                row, counted = _read(run_folder, row)
                results.hits.update({name: counted} if counted else {})
                results.folders[name] = run_folder
            except (InputError, OSError) as error:
                row["state"] = "damaged"
                results.left_out[name] = str(error).removeprefix(f"{run_folder.name}: ")
        rows += [row] if "data" in row else []
    return results._replace(runs=_frame(rows))


def _planned(opened: OpenStudy) -> Listed:
    for name, (_, config, variant) in opened.trials.items():
        state = opened.states[name]
        row = {"trial": name, "state": state.state, **_described(config, variant)}
        yield row, state.run, state.outcome.get("reason", "")


def _found(folder: Path) -> Listed:
    for run in sorted({path.parent for name in ("config.yaml", "result.json") for path in folder.rglob(name)}):
        yield {"trial": run.relative_to(folder).as_posix(), "state": "done"}, run, ""


def _described(config: RunConfig, variant: str = "") -> dict[str, Any]:
    """What a configuration says of its run; ``settings`` and ``pair`` lack the data and the noise until it is done.

    ``form``: the method with its settings, at any noise and seed; ``setup``: what all methods of a comparison share.
    """
    shown = ("encoder", "protocol", "noise_rate", "noise_seed", "seed", "epochs")
    # the control's own warm-up is the control; a method's tuned learning rate is a setting of it
    same = {"method": CONTROL, "settings": {}, "warmup_fraction": 0.0, "learning_rate": 1.0}
    draws = {"seed": 0, "noise_seed": 0, "noise_rate": 0.0}
    without: dict[str, dict[str, Any]] = {
        "settings": {"seed": 0}, "form": draws, "pair": same, "setup": {**same, **draws},
    }  # fmt: skip
    prints = {name: portable(config, **changed)[:12] for name, changed in without.items()}
    name = {"data": data_name(config), "kind": config.method, "method": method_name(config, variant),
            "networks": METHODS[config.method].networks}  # fmt: skip
    return {**name, **{field: getattr(config, field) for field in shown}, **prints, "alike": prints["settings"],
            "differs": len(paper_differences(config))}  # fmt: skip


def _read(folder: Path, known: Mapping[str, Any]) -> tuple[dict[str, Any], HitCounts | None]:
    """The row of a finished run, and what it answered where its retrieval results are there."""
    run, ranked = read_run(folder), RetrievalResults.open(folder)
    result, row = run.result, {**_described(run.config), **known}  # a study names a variant
    pairs = run.facts["pairs"]["train"]
    steps = max(1, run.config.epochs * (pairs // run.config.batch_size))
    return row | {
        **{name: float(result["test"][name]) for name in RECALLS}, "AUROC": result["partition"]["auroc"],
        "before": result["before"]["mR"], "chance": result["chance"]["mR"], "seconds": result["seconds"],
        "seconds_a_step": result["seconds"] / steps, "peak_memory_gib": result.get("peak_memory_gib"),
        "noise_rate": float(result["noise_rate"]), "protocol": result.get("protocol", row["protocol"]),
        "realised": result["realised_noise_rate"], "best_epoch": result["best_epoch"],
        "pairs": pairs, "settings": run.settings,
        "pair": fingerprint(row["pair"], *run.sources)[:12],
    }, None if ranked is None else count_hits(ranked)  # fmt: skip


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Runs as a table; one that is not done shares the cell of those that are."""
    columns = ["trial", "state", *_described(RunConfig.build())]
    runs = pd.DataFrame(rows, columns=[*columns, *NUMBERS]).astype(dict.fromkeys(NUMBERS, float))
    done = runs["mR"].notna()
    known = runs[done].drop_duplicates("alike").set_index("alike")["settings"].to_dict()
    runs["settings"] = runs["settings"].where(done, runs["alike"].map(lambda alike: known.get(alike, alike)))
    return runs.drop(columns="alike")
