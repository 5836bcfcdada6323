"""The report of a study: its notebook executed, the same as a page, its tables in four forms, its figures."""

from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from rrsitr_lib.checksums import note_checksums
from rrsitr_lib.experiments.figures import over_noise
from rrsitr_lib.experiments.notebook_run import NOTEBOOKS, run
from rrsitr_lib.experiments.ranking import ranking, ranking_text
from rrsitr_lib.experiments.report_tables import FORMATS
from rrsitr_lib.experiments.results import read_results
from rrsitr_lib.experiments.study_figures import ablation_bars, ranking_figure, two_variances
from rrsitr_lib.experiments.summary import study_table, variance
from rrsitr_lib.files import write_atomically, write_text


def write_report(folder: str | Path) -> list[Path]:
    """Write everything into the study's folder; returns the files. Nothing is trained, what is missing stays empty.

    Raises ``InputError`` where there is no study.
    """
    from nbconvert import HTMLExporter

    folder = Path(folder)
    results = read_results(folder)
    table, ranked = study_table(results), ranking(results)
    figures: dict[str, Figure | None] = {}
    if results.folders:
        figures["over_noise"] = over_noise(table, results.runs)
        figures["ablation"] = ablation_bars(table, results.runs)
        figures["variance"] = two_variances(variance(results))
        figures["ranking"] = ranking_figure(ranked)
    written = [write_text(folder / f"table.{ending}", form(table)) for ending, form in FORMATS.items()]
    written.append(write_text(folder / "ranking.md", ranking_text(ranked)))
    for name, figure in figures.items():
        if figure is not None:
            write = partial(figure.savefig, dpi=110, format="png")
            written.append(write_atomically(folder / f"{name}.png", write))
    notebook = folder / "report.ipynb"
    run(NOTEBOOKS / "runs" / "study_report.ipynb", notebook, {"STUDY": str(folder.resolve())})
    page, _ = HTMLExporter(exclude_input=True).from_filename(str(notebook))
    written += [notebook, write_text(notebook.with_suffix(".html"), page)]
    note_checksums(folder, *(path.name for path in written))
    return written
