"""``rrsitr study``: many runs from one file, planned, executed, continued, tabled, reported, verified, packed."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from rrsitr_lib.cli.options import RUNS, Root, Source, begun_folder, executor_of, study_of
from rrsitr_lib.cli.study_tables import choose, compare, probe, rank, report, table
from rrsitr_lib.errors import InputError, RunError

app = typer.Typer(
    no_args_is_help=True,
    help="Many runs, each an executed notebook. Presets: laptop, lesson, paper, real-small, rivals, "
    "rivals-real, rivals-tuning, rsicd.\n\nStart: rrsitr study run laptop",
)

Set = Annotated[list[str] | None, typer.Option("--set", help="a field of every run: --set epochs=2")]
Data = Annotated[str | None, typer.Option(help="folder of pairs for every run, as real-small needs it")]
Weights = Annotated[str | None, typer.Option(help="local weights for every run")]
Workers = Annotated[int, typer.Option(min=0, help="runs at once; 0: one a GPU, else one a core")]
Threads = Annotated[int, typer.Option(min=1, help="of each run; another number may change last bits")]
Scheduler = Annotated[str | None, typer.Option(help="address of a running scheduler of Dask")]
for command in (table, rank, compare, choose, probe, report):
    app.command()(command)


@app.command()
def plan(
    study: Source,
    runs: Root = RUNS,
    data: Data = None,
    weights: Weights = None,
    set_: Set = None,
    measure: Annotated[bool, typer.Option(help="time a step here, once, where no cost is known")] = True,
    tflops: Annotated[float, typer.Option(min=1e-3, help="operations of one GPU, assumed, 10^12 a second")] = 40.0,
) -> None:
    """Show the runs, what is done, and what the rest will cost. Starts nothing."""
    from rrsitr_lib.experiments.costs import costs
    from rrsitr_lib.experiments.costs import measure as measure_steps
    from rrsitr_lib.experiments.overview import plan_text
    from rrsitr_lib.experiments.trials import open_study

    opened = open_study(*study_of(study, runs, data, weights, set_))
    expected = costs(opened.trials, opened.states)
    if measure and any(cost.seconds is None for cost in expected.values()):
        typer.echo("measuring a step, once on this machine ...", err=True)
        measure_steps(opened.trials, expected)
        expected = costs(opened.trials, opened.states)
    typer.echo(plan_text(opened, expected, tflops))


@app.command()
def run(
    study: Source,
    runs: Root = RUNS,
    data: Data = None,
    weights: Weights = None,
    set_: Set = None,
    workers: Workers = 0,
    threads: Threads = 1,
    scheduler: Scheduler = None,
    resource: Annotated[list[str] | None, typer.Option(help="that a worker must have free: GPU=1")] = None,
) -> None:
    """Execute what is not done; the same command goes on after any interruption, and shares the work with a second one.

    Example: rrsitr study run laptop
    """
    settings = executor_of(workers, scheduler, resource)
    _run(*study_of(study, runs, data, weights, set_), settings, threads)


@app.command()
def retry(
    study: Source,
    runs: Root = RUNS,
    workers: Workers = 0,
    threads: Threads = 1,
    scheduler: Scheduler = None,
) -> None:
    """Run the failed trials again, from their last checkpoint, and what is left."""
    found = study_of(str(begun_folder(study, runs)), runs)
    _run(*found, executor_of(workers, scheduler), threads, retry=True)


def _run(study: Any, root: Path, settings: Any, threads: int, retry: bool = False) -> None:
    from rrsitr_lib.experiments.engine import run_study
    from rrsitr_lib.experiments.trials import counts

    ended = counts(run_study(study, root, settings, retry, threads))
    folder = root / study.name
    typer.echo(f"{folder}: {ended['done']} done, {ended['failed']} failed; rrsitr study report {folder}")
    if ended["failed"]:
        raise RunError(f"{ended['failed']} runs failed: rrsitr study status {folder} says why, retry runs them again")


@app.command()
def status(
    study: Source,
    runs: Root = RUNS,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
) -> None:
    """Say how far a study is, and why trials failed."""
    from rrsitr_lib.experiments.overview import status_text
    from rrsitr_lib.experiments.trials import counts, open_study

    opened = open_study(begun_folder(study, runs))
    if as_json:
        failed = {name: state.outcome["reason"] for name, state in opened.states.items() if state.state == "failed"}
        number = {"study": opened.study.name, "trials": len(opened.trials)}
        typer.echo(json.dumps({**number, **counts(opened.states), "reasons": failed}))
    else:
        typer.echo(status_text(opened))


@app.command()
def verify(
    study: Source,
    runs: Root = RUNS,
    trials: Annotated[int, typer.Option(min=0, help="done trials, drawn, whose weights are tested again")] = 1,
    seed: Annotated[int | None, typer.Option(min=0, help="of the draw; by default another each time")] = None,
    tolerance: Annotated[float, typer.Option(min=0, help="percentage points")] = 1e-6,
) -> None:
    """Compute all fingerprints anew and test the saved weights of drawn trials again. Exit code 1 where they differ."""
    from rrsitr_lib.experiments.verify import verify as check

    findings = list(check(begun_folder(study, runs), trials, seed, tolerance))
    for trial, what, problem in findings:
        if problem or not what.startswith("files"):
            typer.echo(f"[FAIL] {trial}: {what}: {problem}" if problem else f"[OK] {trial}: {what}")
    wrong = sum(bool(finding.problem) for finding in findings)
    typer.echo(f"{len(findings)} checks, {wrong} failed")
    raise typer.Exit(1 if wrong else 0)


@app.command()
def clean(
    study: Source,
    runs: Root = RUNS,
    failed: Annotated[bool, typer.Option(help="also trials that failed")] = False,
    checkpoints: Annotated[bool, typer.Option(help="also last.safetensors of finished runs")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="delete; without it only say what would go")] = False,
) -> None:
    """Delete trials that no study here plans any more."""
    from rrsitr_lib.experiments.clean import clean as clean_study

    freed = 0
    for path, size in clean_study(begun_folder(study, runs), failed, checkpoints, delete=yes):
        freed += size
        typer.echo(f"{'deleted' if yes else 'would delete'} {path} ({size / 2**20:.1f} MiB)")
    typer.echo(f"{freed / 2**20:.1f} MiB" + ("" if yes or not freed else "; --yes deletes"))


@app.command()
def pack(
    study: Source,
    out: Annotated[Path, typer.Option(help="archive, .zip")],
    runs: Root = RUNS,
    weights: Annotated[bool, typer.Option(help="with the best weights of every run")] = False,
    records: Annotated[bool, typer.Option(help="only what tables and rankings need, to be unpacked in runs/")] = False,
) -> None:
    """Pack a study into one archive with RO-Crate metadata, for a paper's supplement, or as small records.

    Example: rrsitr study pack rivals --records --out results/rivals.zip
    """
    from rrsitr_lib.experiments.records import pack_records
    from rrsitr_lib.experiments.ro_crate import pack as pack_study

    if records and weights:
        raise InputError("--weights and --records were given: records hold no weights")
    if out.suffix != ".zip":
        raise InputError(f"--out is {out}: allowed is a name that ends in .zip")
    folder = begun_folder(study, runs)
    path = pack_records(folder, out) if records else pack_study(folder, out, weights)
    typer.echo(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")


@app.command()
def schema(out: Annotated[Path | None, typer.Option(help="write it here instead of printing")] = None) -> None:
    """JSON schema of a study file, for editors."""
    from rrsitr_lib.experiments.study_file import schema as study_schema
    from rrsitr_lib.files import write_json

    if out is None:
        typer.echo(json.dumps(study_schema(), indent=2))
    else:
        typer.echo(write_json(out, study_schema()))
