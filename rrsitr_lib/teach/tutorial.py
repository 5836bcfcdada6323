"""The main job: run every notebook, write an index of the executed ones, print the comparison table last."""

import argparse
import html
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.results import read_results
from rrsitr_lib.experiments.run_results import RECALLS, read_run
from rrsitr_lib.notebook_run import NOTEBOOKS, run
from rrsitr_lib.teach.site import describe, export_explorers, lesson_html, write_index

NAMED = ["method", "pairs", "epochs", "noise_rate", "realised", "seed"]
SMOKE = NOTEBOOKS / "params" / "smoke.yaml"


@dataclass(frozen=True)
class Lesson:
    """One executed notebook: ``error`` is empty where all went well, ``seconds`` its wall time.

    ``page`` is the name of the HTML file, empty where none could be written.
    """

    name: str
    seconds: float
    error: str
    page: str


def run_lessons(out: Path, parameters: dict[str, dict[str, Any]]) -> list[Lesson]:
    """Run ``notebooks/*.ipynb`` in order into ``out``; a failure is reported, and the next one runs.

    ``parameters`` by the notebook's name, without ending. Raises ``InputError`` where there is no notebook.
    """
    notebooks, lessons = sorted(NOTEBOOKS.glob("*.ipynb")), []
    if not notebooks:
        raise InputError(f"{NOTEBOOKS}: no notebooks here; make notebooks builds them")
    for number, notebook in enumerate(notebooks, 1):
        print(f"[{number}/{len(notebooks)}] {notebook.stem} …", end=" ", flush=True)
        started = time.perf_counter()
        for old in (out / notebook.name, out / f"{notebook.stem}.html"):
            old.unlink(missing_ok=True)
        error = _tried(run, notebook, out / notebook.name, parameters.get(notebook.stem), cwd=out)
        unreadable = _tried(lesson_html, out / notebook.name, out / f"{notebook.stem}.html")
        page = "" if unreadable else f"{notebook.stem}.html"
        seconds = time.perf_counter() - started
        lessons.append(Lesson(notebook.stem, seconds, error or unreadable, page))
        print(f"{'FAILED: ' + lessons[-1].error if lessons[-1].error else 'ok'} ({seconds:.0f} s)", flush=True)
    return lessons


def _tried(step: Callable[..., object], *arguments: Any, **options: Any) -> str:
    """Run one step; what went wrong in one line, or nothing. Whatever a cell raises, the next notebook must run."""
    try:
        step(*arguments, **options)
    except Exception as failure:
        said = str(failure).strip().splitlines()
        return said[-1] if said else type(failure).__name__
    return ""


def comparison(folder: Path) -> pd.DataFrame:
    """Every finished run under ``folder`` as a row of recalls in percent, then the start and chance; empty without one.

    The row ``before training`` is that of the first run: lessons begin with the same encoder and test set.
    """
    results = read_results(folder)
    for path, reason in results.left_out.items():
        print(f"not in the table: {path}: {reason}")
    if results.runs.empty:
        return results.runs
    rows = results.runs.sort_values(["noise_rate", "pairs", "method", "seed"], kind="stable").astype({"pairs": int})
    first = read_run(results.folders[rows["trial"].iloc[0]]).result
    shown = rows[[*NAMED, *RECALLS, "AUROC"]].rename(columns={"noise_rate": "noise"})
    ends = [
        {"method": name, "pairs": "", "epochs": "", "seed": "", **{key: first[part][key] for key in RECALLS}}
        for name, part in (("before training", "before"), ("chance", "chance"))
    ]
    return pd.DataFrame([*shown.round({"realised": 3}).to_dict("records"), *ends])


def write_pages(out: Path, lessons: list[Lesson], table: pd.DataFrame) -> Path:
    """The index over what was executed, with explorers of a run of the paper's method where one is finished."""
    pages = [describe(NOTEBOOKS / f"{one.name}.ipynb", one.page, _state(one)) for one in lessons]
    explorers, run = {}, _largest_run(out)
    if run is not None:
        print(f"explorers of {run.name} …", flush=True)
        try:
            explorers, missing = export_explorers(run, out)
            print("\n".join(missing), end="\n" if missing else "")
        except InputError as error:  # the lessons have run, and their table is still to come
            print(f"no explorers: {error}")
    return write_index(out, pages, explorers, None if table.empty else table, NOTEBOOKS)


def _largest_run(out: Path) -> Path | None:
    """The run of the whole method with the most pairs: its ablations and the small ones show less."""
    results = read_results(out)
    whole = results.runs[results.runs["method"] == "rrsitr"]
    return None if whole.empty else results.folders[whole.loc[whole["pairs"].idxmax(), "trial"]]


def _state(lesson: Lesson) -> str:
    minutes = f"{lesson.seconds / 60:.1f} min"
    return f"<strong>failed</strong>: {html.escape(lesson.error)}" if lesson.error else f"ok, {minutes}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all; the exit code is 1 when a notebook failed, 2 when there is none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="folder of the executed notebooks; by default runs/tutorial")
    parser.add_argument("--smoke", action="store_true", help="small parameters, by default in runs/tutorial-smoke")
    options = parser.parse_args(arguments)
    # a folder of its own, or the table would hold the small runs beside the real ones
    out = options.out or Path("runs/tutorial-smoke" if options.smoke else "runs/tutorial")
    out.mkdir(parents=True, exist_ok=True)
    parameters = yaml.safe_load(SMOKE.read_text(encoding="utf-8")) if options.smoke else {}
    try:
        lessons = run_lessons(out.resolve(), parameters)
    except InputError as error:
        parser.error(str(error))
    table = comparison(out)
    index = write_pages(out, lessons, table)
    failed = [lesson.name for lesson in lessons if lesson.error]
    print(f"\nopen {index}" + (f"\nFAILED: {', '.join(failed)}" if failed else ""))
    print("\nTest recall in percent, AUROC of the loss against the injected noise:\n")
    print("no finished run" if table.empty else table.to_string(index=False, float_format="%.2f", na_rep=""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
