"""The command ``rrsitr``: errors on one line, exit code 0 done, 1 the run failed, 2 bad input, 130 interrupted."""

import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from rrsitr_lib.cli_audit import audit
from rrsitr_lib.cli_data import app as data_app
from rrsitr_lib.cli_options import assigned
from rrsitr_lib.cli_share import features, push, weights
from rrsitr_lib.cli_show import RunFolder, export, site
from rrsitr_lib.cli_study import app as study_app
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.registry import DATASETS, ENCODERS, METHODS, PROTOCOLS

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Learn from remote-sensing image-text pairs that do not always belong together (RRSITR, CVPR 2026).\n\n"
    "Start with: rrsitr doctor, then rrsitr train --data scenes --encoder tiny --noise-rate 0.4 --out runs/first",
)

app.add_typer(data_app, name="data")
app.add_typer(study_app, name="study")
app.command()(audit)
app.command()(weights)
app.command()(features)
app.command()(push)
app.command()(export)
app.command()(site)

INTERRUPTED = 130
Protocol = Annotated[str, typer.Option(help=f"{', '.join(PROTOCOLS)}; shuffle is the authors'")]


@app.command()
def doctor() -> None:
    """Check the environment: [OK] or [FAIL] a line, with what to do. Exit code 1 if anything fails."""
    from rrsitr_lib.teach.doctor import checks, report

    found = checks()
    typer.echo(report(found))
    raise typer.Exit(0 if all(check.ok for check in found) else 1)


@app.command()
def noise(
    table: Annotated[Path, typer.Argument(help="caption table, .csv or .csv.gz with columns filename,title")],
    out: Annotated[Path, typer.Option(help=".npz: indices and truth; .npy: index form; .csv(.gz): noisy table")],
    rate: Annotated[float, typer.Option(help="share of rows (image: of images) to disturb, 0 to 1")] = 0.4,
    protocol: Protocol = "shuffle",
    seed: Annotated[int, typer.Option(help="42 gives the published splits")] = 42,
    form: Annotated[str, typer.Option(help=".npy only: 'caption' (NCR, L2RM) or 'image' (DECL, RCL)")] = "caption",
) -> None:
    """Inject noisy correspondence into a caption table and save who got which caption.

    Prints nominal and realised rate and the fingerprint to quote beside results.
    Example: rrsitr noise train.csv --rate 0.4 --out train_nc04.csv.gz
    """
    from rrsitr_lib.data.noise import inject, save_noise
    from rrsitr_lib.data.tables import read_csv
    from rrsitr_lib.exchange.noise_index import save_index

    if form not in ("caption", "image"):
        raise InputError(f"--form is {form!r}: allowed are caption, image")
    pairs = read_csv(table)
    result = inject(pairs.image_ids, rate, protocol, seed, pairs.captions)
    noisy = pairs.with_captions(result.caption_index)
    if out.suffix == ".npz":
        save_noise(result, out)
    elif out.suffix == ".npy":
        save_index(result, pairs.image_ids, out, form)
    elif out.name.endswith((".csv", ".csv.gz")):
        noisy.write_csv(out)
    else:
        raise InputError(f"--out is {out}: allowed endings are .npz, .npy, .csv, .csv.gz")
    typer.echo(f"rows {len(pairs)}, nominal rate {rate}, truly mismatched {100 * result.realised_rate:.2f} %")
    typer.echo(f"fingerprint {result.fingerprint}")
    typer.echo(f"captions sha256 {noisy.captions_sha256}")


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="run folder; the same command goes on with an unfinished run")],
    data: Annotated[str | None, typer.Option(help=f"{', '.join(DATASETS)}, or a FOLDER of csv tables")] = None,
    images: Annotated[str | None, typer.Option(help="folder of the images (default: FOLDER/images)")] = None,
    encoder: Annotated[str | None, typer.Option(help=", ".join(ENCODERS))] = None,
    weights: Annotated[str | None, typer.Option(help="local weight file or folder; 'none': from scratch")] = None,
    train_: Annotated[str | None, typer.Option("--train", help="all, or heads on frozen, cached towers")] = None,
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
    Example: rrsitr train --data scenes --encoder tiny --noise-rate 0.4 --method rrsitr --seed 3 --out runs/x
    """
    from rrsitr_lib.config import RunConfig

    fields: dict[str, Any] = RunConfig.fields_of(config) if config else {}
    options = {
        "data": data, "images": images, "encoder": encoder, "weights": weights, "train": train_,
        "noise_rate": noise_rate, "protocol": protocol, "method": method, "epochs": epochs,
        "batch_size": batch_size, "seed": seed, "device": device,
    }  # fmt: skip
    fields |= {name: value for name, value in options.items() if value is not None}
    fields |= assigned(set_)
    settings = RunConfig.build(**fields)

    from rrsitr_lib.training.run import train as train_run

    result = train_run(settings, out, progress=True, resume=resume)
    if os.environ.get("RANK", "0") == "0":  # of several processes under torchrun the first one speaks
        _show_result(out, result)


@app.command()
def evaluate(
    run: RunFolder,
    split: Annotated[str, typer.Option(help="train, val or test")] = "test",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object instead of a table")] = False,
) -> None:
    """Evaluate the best weights of a run again, from its data."""
    from rrsitr_lib.evaluation import chance_recall
    from rrsitr_lib.training.evaluate import evaluate as evaluate_split
    from rrsitr_lib.training.run import open_run

    model, inputs, config = open_run(run)
    if split not in inputs:
        raise InputError(f"--split is {split!r}: allowed are {', '.join(inputs)}")
    chosen = inputs[split]
    result = evaluate_split(model, chosen, config)
    chance = chance_recall(chosen.image_of_row, len(chosen.table.images))
    typer.echo(json.dumps({"split": split, split: result, "chance": chance}) if as_json else _rows(run, result, chance))


@app.command()
def inspect(
    run: RunFolder,
    epoch: Annotated[int, typer.Option(help="1 is the first; -1 the last")] = -1,
    sort: Annotated[str, typer.Option(help="column to sort by, highest first")] = "loss",
    top: Annotated[int, typer.Option(min=1, help="rows to print")] = 20,
    csv: Annotated[Path | None, typer.Option(help="write all rows here instead of printing")] = None,
) -> None:
    """Show a run's ledger as a table: by default the 20 pairs with the highest loss of the last epoch."""
    from rrsitr_lib.files import write_atomically
    from rrsitr_lib.training.ledger import ledger_table

    table = ledger_table(run, epoch, sort)
    if csv is not None:
        write_atomically(csv, lambda temporary: table.to_csv(temporary, index_label="row"))
        typer.echo(f"{csv}: {len(table)} rows")
    else:
        typer.echo(table.head(top).to_string(float_format="%.3f", max_colwidth=50))


def _show_result(out: Path, result: dict[str, Any]) -> None:
    partition = result["partition"]
    typer.echo(_rows(out, result["test"], result["chance"]))
    found = "no mismatched pairs" if partition["auroc"] is None else f"AUROC of the loss {partition['auroc']:.3f}"
    memory = f", {result['peak_memory_gib']} GiB of GPU memory" if "peak_memory_gib" in result else ""
    seconds = f"{result['seconds']:.0f} s of training{memory}"
    typer.echo(f"best epoch {result['best_epoch']} by validation; {found}; {seconds}")


def _rows(run: Path, result: dict[str, float], chance: dict[str, float]) -> str:
    import pandas as pd

    return pd.DataFrame([result, chance], index=[run.name, "chance"]).to_string(float_format="%.2f")


def main() -> None:
    """Entry point: every expected error becomes one line on stderr and an exit code."""
    logging.getLogger().setLevel(logging.ERROR)
    try:
        code = app(standalone_mode=False) or 0
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:  # the reader, say `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except InputError as error:
        code = _say(f"error: {error}", 2)
    except (RunError, OSError) as error:
        code = _say(f"error: {error}", 1)
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's own complaints; where their class lives varies by version
            raise
        code = _say(f"error: {error.format_message()}" if error.format_message() else "", 2)
    if code == INTERRUPTED:  # some versions of typer catch the interrupt and return the code
        _say("interrupted: the same command goes on after the last finished epoch", code)
    raise SystemExit(code)


def _say(message: str, code: int) -> int:
    if message:  # empty where typer has shown its help instead
        print(" ".join(message.split()), file=sys.stderr)
    return code
