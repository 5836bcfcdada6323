"""The command ``rrsitr audit``: which of one's own pairs look wrong."""

from pathlib import Path
from typing import Annotated

import typer

from rrsitr_lib.cli.data import bar
from rrsitr_lib.errors import printable


def audit(
    source: Annotated[
        Path, typer.Argument(help="table (.csv .tsv .txt .json .jsonl .parquet .tar) or a folder of one")
    ],
    out: Annotated[Path, typer.Option(help="folder that receives report.html, suspects.csv, cleaned.csv, weights.csv")],
    images: Annotated[Path | None, typer.Option(help="folder of the images (default: beside the table)")] = None,
    image_column: Annotated[str | None, typer.Option(help="column of image files, else guessed and said")] = None,
    caption_column: Annotated[str | None, typer.Option(help="column of captions, else guessed and said")] = None,
    encoder: Annotated[str, typer.Option(help="lite, vit-b-32 or tiny: whose frozen towers see the pairs")] = "lite",
    weights: Annotated[str | None, typer.Option(help="local weight file or folder")] = None,
    features: Annotated[tuple[Path, Path] | None, typer.Option(help="two .npy files: images, captions")] = None,
    folds: Annotated[int, typer.Option(min=2, help="models a round; each scores the pairs that it never saw")] = 4,
    repeats: Annotated[int, typer.Option(min=1, help="rounds with other folds")] = 2,
    epochs: Annotated[int, typer.Option(min=1, help="epochs of every model")] = 6,
    bad: Annotated[str, typer.Option(help="missing or undecodable images: skip (and list) or fatal")] = "skip",
    top: Annotated[int, typer.Option(min=1, help="pairs shown in the report")] = 200,
    seed: Annotated[int, typer.Option(min=0)] = 3,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "cpu",
) -> None:
    """Rank one's own pairs by how wrong they look, with reasons; no pair is scored by a model that trained on it.

    Example: rrsitr audit pairs.csv --images chips/ --out audit/
    """
    from rrsitr_lib.audit.cross_validation import AuditSettings
    from rrsitr_lib.audit.read_pairs import open_pairs
    from rrsitr_lib.audit.run import audit as run_audit
    from rrsitr_lib.audit.run import features_of
    from rrsitr_lib.training.device import device_of

    settings = AuditSettings(folds, repeats, epochs, seed=seed, device=device)
    where = device_of(settings.config)
    pairs = open_pairs(source, out / "pictures", images, image_column, caption_column, bad, features is None)
    for note in pairs.notes:
        typer.echo(printable(note))
    described = features_of(pairs, encoder, weights, features, where)
    with bar("models", "model") as progress:
        done = run_audit(pairs, described, out, settings, top, progress)
    summary, shown = done.summary, done.table.head(10)[["rank", "row", "image", "score", "caption"]]
    shown = shown.assign(image=shown["image"].map(printable), caption=shown["caption"].map(printable))
    typer.echo(shown.to_string(index=False, max_colwidth=60))
    high = 100 * summary["expected_wrong"]
    remarked = f", {summary['remarked_on']} kept with a remark" if summary["remarked_on"] else ""
    typer.echo(
        f"{summary['pairs']} pairs of {summary['pictures']} images, {high:.0f} % with a high loss, hard true pairs "
        f"among them; {summary['left_out']} rows left out{remarked} (problems.csv); open {out / 'report.html'}"
    )
