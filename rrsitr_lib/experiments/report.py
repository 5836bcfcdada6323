"""The report of a study: its notebook executed, the same as a page, its tables in four forms, its figures."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from rrsitr_lib.experiments.report_tables import write_tables
from rrsitr_lib.experiments.results import StudyRuns, open_study, study_table, variance
from rrsitr_lib.experiments.study_figures import ablation_bars, over_noise, two_variances
from rrsitr_lib.files import write_atomically, write_text


def write_report(folder: str | Path) -> list[Path]:
    """Write everything into the study's folder; returns the files. Nothing is trained, what is missing stays empty.

    Raises ``InputError`` where there is no study. Taught in: notebooks/09_reproduction
    """
    from rrsitr_lib.notebook_run import NOTEBOOKS, run

    folder = Path(folder)
    opened = open_study(folder)
    table = study_table(opened)
    written = write_tables(table, folder)
    for name, figure in _figures(opened, table):
        written.append(write_atomically(folder / f"{name}.png", lambda temporary, f=figure: _save(f, temporary)))
    notebook = folder / "report.ipynb"
    run(NOTEBOOKS / "runs" / "study_report.ipynb", notebook, {"STUDY": str(folder.resolve())})
    return [*written, notebook, _page(notebook)]


def _figures(opened: StudyRuns, table: pd.DataFrame) -> Iterator[tuple[str, Figure]]:
    if not opened.hits:
        return
    yield "over_noise", over_noise(table, opened.runs)
    for name, figure in (
        ("ablation", ablation_bars(table, opened.runs)),
        ("variance", two_variances(variance(opened))),
    ):
        if figure is not None:
            yield name, figure


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=110, format="png")


def _page(notebook: Path) -> Path:
    from nbconvert import HTMLExporter

    body, _ = HTMLExporter(exclude_input=True).from_filename(str(notebook))
    return write_text(notebook.with_suffix(".html"), body)
