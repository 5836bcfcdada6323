"""What ``plan`` and ``status`` print: cells by kind, what is done, what the rest will cost."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rrsitr_lib.experiments.costs import Cost
from rrsitr_lib.experiments.plan import Cell
from rrsitr_lib.experiments.study_file import Study
from rrsitr_lib.experiments.trials import Place, counts

HEAD = ("data", "method", "runs", "done", "minutes a run", "hours left")


def plan_text(
    study: Study,
    root: Path,
    cells: Sequence[Cell],
    places: Mapping[str, Place],
    costs: Mapping[str, Cost],
    tflops: float,
) -> str:
    """A line for every data set and method, and the total; hours of one worker, on this machine and on a GPU."""
    lines = [f"{study.name}: {study.title}".rstrip(": "), f"{_number(cells)} in {root / study.name}", ""]
    rows = [HEAD]
    for (data, method), group in _groups(cells).items():
        done = sum(places[cell.name].state == "done" for cell in group)
        seconds = [costs[cell.name].seconds for cell in group]
        known = [value for value in seconds if value is not None]
        minutes = f"{sum(known) / len(known) / 60:.1f}" if known else "unknown"
        rows.append((Path(data).name, method, str(len(group)), str(done), minutes, _hours(group, places, costs)))
    lines += _aligned(rows)
    ended = counts(places)
    lines += ["", ", ".join(f"{number} {state}" for state, number in ended.items() if number)]
    sources = sorted({costs[cell.name].source for cell in cells})
    lines.append(f"one run at a time: {_hours(cells, places, costs)} hours left here (cost from {', '.join(sources)})")
    lines += _on_gpu(cells, places, costs, tflops)
    return "\n".join(lines)


def _on_gpu(cells: Sequence[Cell], places: Mapping[str, Place], costs: Mapping[str, Cost], tflops: float) -> list[str]:
    """An estimate, and said to be one: operations were counted, the speed of the card is assumed."""
    left = [costs[cell.name] for cell in cells if places[cell.name].state != "done"]
    if not left or any(cost.operations is None for cost in left):
        return []
    hours = sum(cost.operations or 0.0 for cost in left) / (tflops * 1e12) / 3600
    return [f"on one GPU: about {hours:.1f} hours, not measured: operations of a step counted, "
            f"{tflops:g} TFLOPS assumed (--tflops), reading pictures not included"]  # fmt: skip


def status_text(study: Study, cells: Sequence[Cell], places: Mapping[str, Place]) -> str:
    """Cells by state, those that are begun with their epochs, those that failed with their reasons."""
    lines = [f"{study.name}: {_number(cells)}"]
    lines += [f"  {number:6} {state}" for state, number in counts(places).items()]
    for cell in cells:
        place = places[cell.name]
        if place.state == "begun":
            lines.append(f"begun   {cell.name}  {_what(cell)}: epoch {place.epochs} of {cell.config.epochs}")
        elif place.state == "failed":
            lines.append(f"failed  {cell.name}  {_what(cell)}: {place.outcome['reason']}")
    if any(place.state == "failed" for place in places.values()):
        lines.append(f"rrsitr study retry {study.name} runs the failed ones again")
    return "\n".join(lines)


def _number(cells: Sequence[Cell]) -> str:
    return f"{len(cells)} cell{'s' * (len(cells) != 1)}"


def _what(cell: Cell) -> str:
    config = cell.config
    return f"{_method(cell)} on {Path(config.data).name}, noise {config.noise_rate:g}, seed {config.seed}"


def _method(cell: Cell) -> str:
    return f"{cell.config.method}, {cell.variant}" if cell.variant else cell.config.method


def _groups(cells: Sequence[Cell]) -> dict[tuple[str, str], list[Cell]]:
    found: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        found.setdefault((cell.config.data, _method(cell)), []).append(cell)
    return found


def _hours(cells: Sequence[Cell], places: Mapping[str, Place], costs: Mapping[str, Cost]) -> str:
    left = [costs[cell.name].seconds for cell in cells if places[cell.name].state != "done"]
    return "unknown" if None in left else f"{sum(value or 0.0 for value in left) / 3600:.1f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(text.ljust(w) if column < 2 else text.rjust(w) for column, (text, w) in
                      enumerate(zip(row, widths, strict=True))).rstrip() for row in rows]  # fmt: skip
