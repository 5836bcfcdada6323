"""Many runs at once: the trials of a study, each an executed notebook, or the few runs of a lesson."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rrsitr_lib.checksums import note_checksums
from rrsitr_lib.config import RunConfig
from rrsitr_lib.cores import cores
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.experiments.dispatch import Dispatch
from rrsitr_lib.experiments.execute_trial import execute_trial, wait_for_orphan
from rrsitr_lib.experiments.executors import ExecutorSettings, opened
from rrsitr_lib.experiments.progress import Progress
from rrsitr_lib.experiments.run_results import is_finished
from rrsitr_lib.experiments.study_file import Study, Trial
from rrsitr_lib.experiments.study_folder import OUTCOME, STUDY_FILE, TRIALS_FILE, is_trial
from rrsitr_lib.experiments.trials import TrialState, locate, open_study, read_state, write_outcome
from rrsitr_lib.files import write_atomically
from rrsitr_lib.training.run_files import read_result


def run_study(
    study: Study,
    root: str | Path = "runs",
    settings: ExecutorSettings | None = None,
    retry: bool = False,
    threads: int = 1,
    progress: bool = True,
) -> dict[str, TrialState]:
    """Execute every trial of a study that has not ended yet, below ``root``; returns where each trial then is.

    Failed trials are left as they are unless ``retry``. Each run is a process, or the study's ``processes``, of
    ``threads`` threads. An interrupted study goes on with the same call; two calls at once share the work. Raises
    ``RunError`` where no worker can be reached.
    """
    settings = settings or ExecutorSettings()
    _, folder, trials, states = open_study(study, root)
    _say_what_falls_out(folder, trials)
    study.save(folder)
    write_trials(trials.values(), folder / TRIALS_FILE)
    note_checksums(folder, STUDY_FILE, TRIALS_FILE)
    if retry:
        for state in states.values():
            if state.state == "failed":
                (state.folder / OUTCOME).unlink(missing_ok=True)
        states = locate(folder, trials)
    todo = {name: states[name].run for name in trials if states[name].state in ("begun", "waiting")}
    if todo:
        epochs = {name: trial.config.epochs for name, trial in trials.items()}
        failed = sum(state.state == "failed" for state in states.values())
        shared = (folder.absolute(), Path.cwd(), study.limit_minutes, threads, study.processes)
        jobs = {name: (trials[name], *shared) for name in todo}
        with opened(settings, study.processes) as cluster, Progress(epochs, todo, failed, progress) as bar:
            for name, outcome in Dispatch(execute_trial, jobs, cluster, settings, bar).outcomes():
                now = locate(folder, [name])[name]  # another study may have begun it
                bar.ended(name, now.outcome or write_outcome(now.folder, "failed", 0.0, outcome["reason"]))
    return locate(folder, trials)


def _say_what_falls_out(folder: Path, trials: Mapping[str, Trial]) -> None:
    """Another study of this name may have been here: its finished trials stay, but in no table."""
    others = [path for path in folder.glob("*") if is_trial(path) and path.name not in trials]
    if left := [path for path in others if read_state(path).state == "done"]:
        words = (
            "finished trials of its earlier plan are not in this one: in no table, and study clean would delete them"
        )
        print(f"{folder}: {len(left)} {words}", file=sys.stderr)


def run_trials(
    configs: Mapping[str, RunConfig], folders: Mapping[str, Path], workers: int = 0, progress: bool = True
) -> dict[str, dict[str, Any]]:
    """Train runs side by side without a notebook each, or go on with them, and return their results by name.

    ``workers`` processes of one thread, 0 for one a core or a GPU; another number of threads may change the last bits
    of a run. A finished run is only read. Raises ``RunError`` at the end where runs have failed; what was trained is
    kept, and the same call goes on.
    """
    todo = {name: folders[name] for name in configs if not is_finished(configs[name], folders[name])}
    if todo:
        settings = ExecutorSettings(workers=min(workers or cores(), len(todo)))
        jobs = {name: (configs[name], folder.resolve()) for name, folder in todo.items()}
        epochs, failures = {name: config.epochs for name, config in configs.items()}, []
        with opened(settings) as cluster, Progress(epochs, todo, 0, progress) as bar:
            for name, outcome in Dispatch(_train, jobs, cluster, settings, bar).outcomes():
                bar.ended(name, outcome)
                failures += [f"{name}: {outcome['reason']}"] if outcome["state"] == "failed" else []
        if failures:
            raise RunError(f"{len(failures)} of {len(configs)} runs failed: {failures[0]}")
    return {name: read_result(folders[name]) for name in configs}


def _train(config: RunConfig, folder: Path) -> dict[str, Any]:
    import torch

    from rrsitr_lib.training.run import train

    torch.set_num_threads(1)
    wait_for_orphan(folder)
    try:
        result = train(config, folder, progress=False)
    except (InputError, RunError) as error:
        return {"state": "failed", "seconds": 0.0, "reason": str(error)}
    return {"state": "done", "seconds": result["seconds"], "reason": ""}


def write_trials(trials: Iterable[Trial], path: Path) -> Path:
    """The table of a study's trials: name, what sets it apart, and its variant; for people and other programs."""
    import pandas as pd

    shown = ("data", "encoder", "method", "protocol", "noise_rate", "noise_seed", "seed")
    rows = [{"trial": trial.name, "variant": trial.variant, **{name: getattr(trial.config, name) for name in shown}}
            for trial in trials]  # fmt: skip
    return write_atomically(path, lambda temporary: pd.DataFrame(rows).to_csv(temporary, index=False))
