"""What a study says: its table, its ranking, its chosen settings, its linear probes, its report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rrsitr_lib.cli.options import RUNS, Root, Source, begun_folder
from rrsitr_lib.errors import InputError

if TYPE_CHECKING:
    from rrsitr_lib.experiments.results import Results

Runs = Annotated[str, typer.Argument(help="preset, study file, a study's folder or any other of finished runs")]


def table(
    study: Annotated[str, typer.Argument(help="preset, study file, a folder of runs, or a table of --format csv")],
    runs: Root = RUNS,
    form: Annotated[str, typer.Option("--format", help="md, tex, csv, html, or readme: a line a method")] = "md",
) -> None:
    """Print the table: mean ± deviation over seeds, intervals, the paper's number; missing cells are empty."""
    from rrsitr_lib.experiments.readme_table import read_table, readme_table
    from rrsitr_lib.experiments.report_tables import FORMATS
    from rrsitr_lib.experiments.summary import study_table

    forms = FORMATS | {"readme": readme_table}
    if form not in forms:
        raise InputError(f"--format is {form!r}: allowed are {', '.join(forms)}")
    kept = study.endswith(".csv")
    found = read_table(study) if kept else study_table(_results(study, runs))
    typer.echo(forms[form](found), nl=False)


def choose(study: Source, runs: Root = RUNS) -> None:
    """Print for every method the configuration with the best validation mR, of those that the study tried.

    Example: rrsitr study choose rivals-tuning
    """
    from rrsitr_lib.experiments.choose import chosen, chosen_text
    from rrsitr_lib.experiments.results import read_results

    typer.echo(chosen_text(chosen(read_results(begun_folder(study, runs)))), nl=False)


def rank(study: Runs, runs: Root = RUNS) -> None:
    """Rank the methods; those that share a letter the test set cannot tell apart."""
    from rrsitr_lib.experiments.ranking import ranking, ranking_text

    text = ranking_text(ranking(_results(study, runs)))
    _say(text, "nothing to rank: contrastive training and another method have not finished the same seeds")


def compare(
    study: Runs,
    runs: Root = RUNS,
    against: Annotated[str, typer.Option(help="a method of the study")] = "contrastive",
) -> None:
    """Print how far every method and variant is from one method with the same seeds and noise, in points of mR.

    Example: rrsitr study compare rivals --against rrsitr
    """
    from rrsitr_lib.experiments.report_tables import comparison_text
    from rrsitr_lib.experiments.summary import comparison

    results = _results(study, runs)
    if against not in (known := list(dict.fromkeys(results.runs["kind"]))):
        raise InputError(f"--against is {against!r}: allowed are {', '.join(known)}")
    text = comparison_text(comparison(results, against))
    _say(text, f"nothing to compare: {against} and another method have not finished the same seeds")


def probe(study: Source, runs: Root = RUNS) -> None:
    """Fit linear probes to the frozen features, one a data set and noise rate: a row of the table from then on."""
    from rrsitr_lib.experiments.linear_probe import write_probes

    typer.echo(write_probes(begun_folder(study, runs)))


def report(study: Source, runs: Root = RUNS) -> None:
    """Write report.ipynb, report.html, the tables in four forms and the figures into the study's folder."""
    from rrsitr_lib.experiments.report import write_report

    for path in write_report(begun_folder(study, runs)):
        typer.echo(f"{path}: {path.stat().st_size // 1024 + 1} KB")


def _say(text: str, if_empty: str) -> None:
    typer.echo(text, nl=False)
    if not text:
        typer.echo(if_empty, err=True)


def _results(study: str, runs: Path) -> "Results":
    """Of a study that was begun, or of a folder of finished runs that is no study's."""
    from rrsitr_lib.experiments.results import read_results

    is_folder_of_runs = next(Path(study).glob("*/result.json"), None) is not None
    return read_results(study if is_folder_of_runs else begun_folder(study, runs))
