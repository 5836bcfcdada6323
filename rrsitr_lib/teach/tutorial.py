"""The main job: run every notebook, write an index of the executed ones, print the comparison table last."""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.notebook_run import NOTEBOOKS, run
from rrsitr_lib.experiments.results import Results, read_results
from rrsitr_lib.experiments.run_results import RECALLS, read_run
from rrsitr_lib.teach.explorer_pages import ExplorerPage
from rrsitr_lib.teach.side_by_side import side_by_side
from rrsitr_lib.teach.site import LessonPage, describe, site_explorers, write_site
from rrsitr_lib.teach.sources import lesson_notebooks
from rrsitr_lib.teach.sphinx_pages import need_sphinx
from rrsitr_lib.yaml_text import read_yaml

NAMED = ["method", "pairs", "epochs", "noise_rate", "realised", "seed"]
SMOKE = NOTEBOOKS / "params" / "smoke.yaml"


@dataclass(frozen=True)
class Lesson:
    """One executed notebook: ``error`` is empty where all went well, ``seconds`` its wall time."""

    notebook: Path
    seconds: float
    error: str


def run_lessons(out: Path, parameters: Mapping[str, Mapping[str, Any]]) -> list[Lesson]:
    """Run ``notebooks/*.ipynb`` into ``out``, two at a time; a failure is reported, and the next one runs.

    ``parameters`` by the notebook's name, without ending. Raises ``InputError`` where there is no notebook.
    """
    notebooks = lesson_notebooks()
    for notebook in notebooks:
        for old in (out / notebook.name, out / f"{notebook.stem}.html"):
            old.unlink(missing_ok=True)
    jobs = [(notebook, out, parameters.get(notebook.stem)) for notebook in notebooks]
    lessons: dict[int, Lesson] = {}
    print(f"{len(jobs)} lessons, two at a time …", flush=True)
    for number, lesson in side_by_side(run_lesson, jobs):
        lessons[number] = lesson
        state = f"FAILED: {lesson.error}" if lesson.error else "ok"
        print(f"[{len(lessons)}/{len(jobs)}] {lesson.notebook.stem} {state} ({lesson.seconds:.0f} s)", flush=True)
    return [lessons[number] for number in sorted(lessons)]


def run_lesson(notebook: Path, out: Path, parameters: Mapping[str, Any] | None) -> Lesson:
    """Execute one notebook into ``out``; whatever it raises is kept in a line."""
    started = time.perf_counter()
    error = _error_of(run, notebook, out / notebook.name, parameters, cwd=out)
    return Lesson(notebook, time.perf_counter() - started, error)


def _error_of(step: Callable[..., object], *arguments: Any, **options: Any) -> str:
    """Run one step; what went wrong in one line, or nothing. Whatever a cell raises, the next notebook must run."""
    try:
        step(*arguments, **options)
    except Exception as failure:
        said = str(failure).strip().splitlines()
        return said[-1] if said else type(failure).__name__
    return ""


def comparison(results: Results) -> pd.DataFrame:
    """Every finished run as a row of recalls in percent, then the start and chance; empty without one.

    A row ``before training`` an encoder: lessons share the test set, and chance with it.
    """
    for path, reason in results.left_out.items():
        print(f"not in the table: {path}: {reason}")
    if results.runs.empty:
        return results.runs
    rows = results.runs.sort_values(["noise_rate", "pairs", "method", "seed"], kind="stable").astype({"pairs": int})
    firsts = rows.drop_duplicates("encoder").set_index("encoder")["trial"]
    start = {encoder: read_run(results.folders[trial]).result for encoder, trial in firsts.items()}
    ends = {f"before training, {encoder}": result["before"] for encoder, result in start.items()}
    ends["chance"] = next(iter(start.values()))["chance"]
    shown = rows[[*NAMED, *RECALLS, "AUROC"]].rename(columns={"noise_rate": "noise"})
    named = [{"method": name, "pairs": "", "epochs": "", "seed": "", **recalls} for name, recalls in ends.items()]
    return pd.DataFrame([*shown.round({"realised": 3}).to_dict("records"), *named])


def write_explorers(out: Path, lessons: Sequence[LessonPage], results: Results) -> list[ExplorerPage]:
    """Explorers of a run of the paper's method, where one is finished."""
    run = _largest_run(results)
    if run is None:
        return []
    print(f"explorers of {run.name} …", flush=True)
    try:
        explorers = site_explorers(out, lessons, run)
    except InputError as error:  # the lessons have run, and their table is still to come
        print(f"no explorers: {error}")
        return []
    for page in explorers:
        if page.missing:
            print(f"{page.title}: {page.missing}")
    return explorers


def _largest_run(results: Results) -> Path | None:
    """The run of the whole method with the most pairs: its ablations and the small ones show less."""
    whole = results.runs[results.runs["method"] == "rrsitr"]
    return None if whole.empty else results.folders[whole.loc[whole["pairs"].idxmax(), "trial"]]


def pages_of(out: Path, lessons: Sequence[Lesson]) -> list[LessonPage]:
    """The executed notebooks as the index lists them, each with what became of it."""
    pages = []
    for one in lessons:
        state = one.error or f"ok, {one.seconds / 60:.1f} min"
        pages.append(describe(out / one.notebook.name, state, failed=bool(one.error)))
    return pages


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all; the exit code is 1 when a notebook failed, 2 when there is none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="folder of the executed notebooks; by default runs/tutorial")
    parser.add_argument("--smoke", action="store_true", help="small parameters, by default in runs/tutorial-smoke")
    options = parser.parse_args(arguments)
    # a folder of its own, or the table would hold the small runs beside the real ones
    out = options.out or Path("runs/tutorial-smoke" if options.smoke else "runs/tutorial")
    out.mkdir(parents=True, exist_ok=True)
    parameters = read_yaml(SMOKE) if options.smoke else {}
    try:
        need_sphinx()
        lessons = run_lessons(out.resolve(), parameters)
    except InputError as error:
        parser.error(str(error))
    results = read_results(out)
    table, pages = comparison(results), pages_of(out, lessons)
    explorers = write_explorers(out, pages, results)
    unwritten = _error_of(write_site, out, pages, explorers, None if table.empty else table)
    failed = [page.name for page in pages if page.failed] + [f"the pages ({unwritten})"] * bool(unwritten)
    print(f"\nopen {out / 'index.html'}" + (f"\nFAILED: {', '.join(failed)}" if failed else ""))
    print("\nTest recall in percent, AUROC of the loss against the injected noise:\n")
    print("no finished run" if table.empty else table.to_string(index=False, float_format="%.2f", na_rep=""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
