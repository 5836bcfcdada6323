"""Commands over one run: train, evaluate, inspect."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from rrsitr_lib.cli.options import RunData, RunFolder, RunImages, assigned
from rrsitr_lib.errors import InputError, printable
from rrsitr_lib.registry import DATASETS, ENCODERS, METHODS, PROTOCOLS

UNNAMED = "tiny with scenes, else vit-b-32"


def train(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="run folder; the same command goes on with an unfinished run")],
    data: Annotated[str | None, typer.Option(help=f"{', '.join(DATASETS)}, or a FOLDER of csv tables")] = None,
    images: Annotated[str | None, typer.Option(help="folder of the images (default: FOLDER/images)")] = None,
    bad: Annotated[str | None, typer.Option(help="missing or broken images: fatal, or skip their pairs")] = None,
    encoder: Annotated[str | None, typer.Option(help=f"{', '.join(ENCODERS)}; not named: {UNNAMED}")] = None,
    weights: Annotated[str | None, typer.Option(help="local weight file or folder; 'none': from scratch")] = None,
    train: Annotated[str | None, typer.Option(help="all, or heads on frozen, cached towers")] = None,
    noise_rate: Annotated[float | None, typer.Option(help="nominal share of mismatched pairs, 0 to 1")] = None,
    protocol: Annotated[str | None, typer.Option(help=", ".join(PROTOCOLS))] = None,
    method: Annotated[str | None, typer.Option(help=", ".join(METHODS))] = None,
    epochs: Annotated[int | None, typer.Option()] = None,
    batch_size: Annotated[int | None, typer.Option()] = None,
    seed: Annotated[int | None, typer.Option(help="training seed; the paper's are 3, 13, 25, 42, 65")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda")] = None,
    config: Annotated[Path | None, typer.Option(help="JSON or YAML of fields; options given here win")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="any other field, also of the method: --set gamma_2=15")
    ] = None,
    resume: Annotated[bool, typer.Option(help="go on with the run in --out if there is one")] = True,
) -> None:
    """Train a model under noisy correspondence and record every pair in every epoch.

    The preset follows the encoder: the paper's settings for vit-b-32, laptop settings for tiny and for heads.
    Example: rrsitr train --data scenes --noise-rate 0.4 --method rrsitr --seed 3 --out runs/x
    """
    from rrsitr_lib.config import RunConfig

    fields: dict[str, Any] = RunConfig.fields_of(config) if config else {}
    options = {name: value for name, value in context.params.items() if name in RunConfig.model_fields}
    fields |= {name: value for name, value in options.items() if value is not None}
    fields |= assigned(set_)
    unnamed = fields.get("data", "scenes") == "scenes" and fields.keys().isdisjoint(("encoder", "weights"))
    settings = RunConfig.build(**({"encoder": "tiny"} if unnamed else {}), **fields)
    speaks = os.environ.get("RANK", "0") == "0"  # of several processes under torchrun the first one
    if unnamed and speaks:
        typer.echo("encoder tiny, as none was named")

    from rrsitr_lib.training.run import train as train_run

    result = train_run(settings, out, progress=True, resume=resume)
    if speaks:
        _show_result(out, result)


def evaluate(
    run: RunFolder,
    split: Annotated[str, typer.Option(help="train, val or test")] = "test",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object, with its unit, instead of a table")] = False,
    data: RunData = None,
    images: RunImages = None,
) -> None:
    """Evaluate the best weights of a run again, from its data: recalls in percent, 0 to 100."""
    from rrsitr_lib.evaluation import chance_recall
    from rrsitr_lib.training.evaluate import evaluate as evaluate_split
    from rrsitr_lib.training.run_folder import open_run

    model, inputs, config = open_run(run, data, images)
    if split not in inputs:
        raise InputError(f"--split is {split!r}: allowed are {', '.join(inputs)}")
    chosen = inputs[split]
    result = evaluate_split(model, chosen, config)
    chance = chance_recall(chosen.image_of_row, len(chosen.table.images))
    said = {"split": split, "unit": "percent", split: result, "chance": chance}
    typer.echo(json.dumps(said) if as_json else _rows(run, result, chance))


def inspect(
    run: RunFolder,
    epoch: Annotated[int, typer.Option(help="1 is the first; -1 the last")] = -1,
    sort: Annotated[str, typer.Option(help="column to sort by, highest first")] = "loss",
    top: Annotated[int, typer.Option(min=1, help="rows to print")] = 20,
    csv: Annotated[Path | None, typer.Option(help="write all rows here instead of printing")] = None,
) -> None:
    """Show a run's ledger as a table: by default the 20 pairs with the highest loss of the last epoch."""
    from rrsitr_lib.experiments.ledger_table import ledger_table
    from rrsitr_lib.files import read_json, write_atomically

    table = ledger_table(run, epoch, sort)
    if csv is not None:
        write_atomically(csv, lambda temporary: table.to_csv(temporary, index_label="row"))
        typer.echo(f"{csv}: {len(table)} rows")
    else:
        shown = table.head(top)
        shown = shown.assign(**{name: shown[name].map(printable) for name in ("image", "caption") if name in shown})
        typer.echo(shown.to_string(float_format="%.3f", max_colwidth=50))
    facts = read_json(run / "run.json") if (run / "run.json").exists() else {}
    for note in facts.get("notes", ()) if isinstance(facts, dict) else ():
        typer.echo(printable(str(note)), err=True)


def _show_result(out: Path, result: dict[str, Any]) -> None:
    from rrsitr_lib.evaluation import auroc_in_words

    typer.echo(_rows(out, result["test"], result["chance"]))
    memory = f", {result['peak_memory_gib']} GiB of GPU memory" if "peak_memory_gib" in result else ""
    seconds = f"{result['seconds']:.0f} s of training{memory}"
    typer.echo(f"best epoch {result['best_epoch']} by validation; {auroc_in_words(result['partition'])}; {seconds}")


def _rows(run: Path, result: dict[str, float], chance: dict[str, float]) -> str:
    import pandas as pd

    table = pd.DataFrame([result, chance], index=[run.name, "chance"]).rename_axis(columns="percent")
    return table.to_string(float_format="%.2f")


def methods(
    name: Annotated[str | None, typer.Argument(help="a method, to see its settings; without it all methods")] = None,
) -> None:
    """List the methods, or the settings of one with defaults and meaning, as --set takes them.

    Example: rrsitr methods ncr
    """
    if name is None:
        for known, method in METHODS.items():
            networks = f" ({method.networks} networks)" if method.networks > 1 else ""
            typer.echo(f"{known:12} {(method.__doc__ or '-').splitlines()[0]}{networks}")
        return
    for field, about in METHODS[name].Settings.model_fields.items():
        typer.echo(f"{field:16} {about.default!s:>10}  {about.description or ''}".rstrip())
