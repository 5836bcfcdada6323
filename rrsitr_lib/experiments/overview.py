"""What ``plan`` and ``status`` print: trials by kind, what is done, what the rest will cost."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rrsitr_lib.experiments.costs import Cost
from rrsitr_lib.experiments.study_file import Trial
from rrsitr_lib.experiments.trials import OpenStudy, counts

HEAD = ("data", "method", "runs", "done", "minutes a run", "hours left")


def plan_text(opened: OpenStudy, costs: Mapping[str, Cost], tflops: float) -> str:
    """A line for every data set and method, and the total; hours of one run at a time, here and on GPUs.

    Several processes a run are taken to share its work evenly.
    """
    study, folder, trials, states = opened
    costs = {name: _by(study.processes, cost) for name, cost in costs.items()}
    groups: dict[tuple[str, str], list[str]] = {}
    for name, trial in trials.items():
        groups.setdefault((trial.config.data, _method(trial)), []).append(name)
    left = {name for name, state in states.items() if state.state != "done"}
    rows = [HEAD]
    for (data, method), names in groups.items():
        known = [seconds for name in names if (seconds := costs[name].seconds) is not None]
        minutes = f"{sum(known) / len(known) / 60:.1f}" if known else "unknown"
        done = len(names) - len(left.intersection(names))
        rows.append((Path(data).name, method, str(len(names)), str(done), minutes, _hours(names, left, costs)))
    ended = ", ".join(f"{number} {state}" for state, number in counts(states).items() if number)
    sources = ", ".join(sorted({cost.source for cost in costs.values()}))
    shared = f" by {study.processes} processes each, taken to share the work evenly" if study.processes > 1 else ""
    here = f"one run at a time{shared}: {_hours(trials, left, costs)} hours left here (cost from {sources})"
    title = f"{study.name}: {study.title}".rstrip(": ")
    lines = [title, f"{_number(trials)} in {folder}", "", *_aligned(rows), "", ended, here]
    operations = [costs[name].operations for name in left]
    if left and None not in operations:  # an estimate, and said to be one
        hours = sum(number or 0.0 for number in operations) / (tflops * 1e12) / 3600
        cards = "one GPU" if study.processes == 1 else f"{study.processes} GPUs"
        lines.append(f"on {cards}: about {hours:.1f} hours, not measured: operations of a step counted, {tflops:g} "
                     f"TFLOPS{'' if study.processes == 1 else ' each'} assumed (--tflops), reading images not "
                     "included")  # fmt: skip
    return "\n".join(lines)


def _by(processes: int, cost: Cost) -> Cost:
    """What a run takes where so many share it."""
    seconds, source, operations = cost
    return Cost(seconds and seconds / processes, source, operations and operations / processes)


def status_text(opened: OpenStudy) -> str:
    """Trials by state, those that are begun with their epochs, those that failed with their reasons."""
    study, _, trials, states = opened
    lines = [f"{study.name}: {_number(trials)}"]
    lines += [f"  {number:6} {state}" for state, number in counts(states).items()]
    for name, (_, config, _) in trials.items():
        state = states[name]
        if state.state in ("begun", "failed"):
            how = f"epoch {state.epochs} of {config.epochs}" if state.state == "begun" else state.outcome["reason"]
            what = f"{_method(trials[name])} on {Path(config.data).name}, noise {config.noise_rate:g}"
            lines.append(f"{state.state:6}  {name}  {what}, seed {config.seed}: {how}")
    if any(state.state == "failed" for state in states.values()):
        lines.append(f"rrsitr study retry {study.name} runs the failed ones again")
    return "\n".join(lines)


def _number(trials: Mapping[str, Trial]) -> str:
    return f"{len(trials)} trial{'s' * (len(trials) != 1)}"


def _method(trial: Trial) -> str:
    return f"{trial.config.method}, {trial.variant}" if trial.variant else trial.config.method


def _hours(names: Iterable[str], left: set[str], costs: Mapping[str, Cost]) -> str:
    seconds = [costs[name].seconds for name in names if name in left]
    return "unknown" if None in seconds else f"{sum(value or 0.0 for value in seconds) / 3600:.1f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(text.ljust(w) if column < 2 else text.rjust(w) for column, (text, w) in
                      enumerate(zip(row, widths, strict=True))).rstrip() for row in rows]  # fmt: skip
