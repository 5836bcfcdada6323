"""The command ``rrsitr audit``: which of one's own pairs look wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from rrsitr_lib.cli.data import bar
from rrsitr_lib.errors import printable


def audit(
    source: Annotated[
        Path,
        typer.Argument(help="table (.csv .tsv .txt .json .jsonl .parquet .tar), a folder of one, or '{00..09}.tar'"),
    ],
    out: Annotated[Path, typer.Option(help="folder that receives report.html, suspects.csv, cleaned.csv, weights.csv")],
    images: Annotated[Path | None, typer.Option(help="folder of the images (default: beside the table)")] = None,
    image_column: Annotated[str | None, typer.Option(help="column of image files, else guessed and said")] = None,
    caption_column: Annotated[str | None, typer.Option(help="column of captions, else guessed and said")] = None,
    encoder: Annotated[str, typer.Option(help="lite, vit-b-32 or tiny: whose frozen towers see the pairs")] = "lite",
    weights: Annotated[str | None, typer.Option(help="local weight file or folder")] = None,
    features: Annotated[tuple[Path, Path] | None, typer.Option(help="two .npy files: images, captions")] = None,
    folds: Annotated[int, typer.Option(min=2, help="models a round; each scores the pairs that it never saw")] = 4,
    repeats: Annotated[int, typer.Option(min=1, help="rounds with other starts")] = 2,
    epochs: Annotated[int, typer.Option(min=1, help="epochs of every model")] = 6,
    keep: Annotated[
        str, typer.Option(help="what cleaned.csv leaves out: balanced, sure, fdr=SHARE of right pairs, or all (none)")
    ] = "balanced",
    quick: Annotated[bool, typer.Option(help="train no model: a linear map and the neighbours judge")] = False,
    review: Annotated[
        str | None, typer.Option(help="write a sheet to decide on: so many left out and so many others, as 40+40")
    ] = None,
    split: Annotated[str | None, typer.Option(help="only the pairs of which the column split says so")] = None,
    bad: Annotated[str, typer.Option(help="missing or undecodable images: skip (and list) or fatal")] = "skip",
    top: Annotated[int, typer.Option(min=1, help="pairs shown in the report")] = 200,
    seed: Annotated[int, typer.Option(min=0)] = 3,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
) -> None:
    """Rank one's own pairs by how wrong they look, and say how many are; no pair is scored by what was fitted to it.

    Example: rrsitr audit pairs.csv --images chips/ --out audit/
    """
    from rrsitr_lib.audit.cross_validation import AuditSettings, check_enough
    from rrsitr_lib.audit.read_pairs import open_pairs
    from rrsitr_lib.audit.review import sizes_of
    from rrsitr_lib.audit.run import audit as run_audit
    from rrsitr_lib.audit.run import check_request, features_of
    from rrsitr_lib.files import gone_unless_finished
    from rrsitr_lib.training.device import device_of

    sizes = sizes_of(review) if review is not None else None
    check_request(out, keep, sizes)
    settings = AuditSettings(folds, repeats, epochs, seed=seed, device=device)
    where = device_of(settings.config)
    own = out / "pictures"  # those that the table itself holds
    with gone_unless_finished(own):
        pairs = open_pairs(source, own, images, image_column, caption_column, bad, features is None, split)
        for note in pairs.notes:
            typer.echo(printable(note))
        check_enough(pairs.images, pairs.captions, folds, source)
        described = features_of(pairs, encoder, weights, features, where)
        with bar("models", "model") as progress:
            done = run_audit(pairs, described, out, settings, top, keep, quick, sizes, progress)
    summary, shown = done.summary, done.table.head(10)[["rank", "row", "image", "score", "caption"]]
    shown = shown.assign(image=shown["image"].map(printable), caption=shown["caption"].map(printable))
    typer.echo(shown.to_string(index=False, max_colwidth=60))
    kinds = ", ".join(f"{count} x {kind}" for kind, count in summary["remarks"].items())
    remarked = f", {summary['remarked_on']} kept with a remark: {kinds}" if kinds else ""
    if summary["slipped"]:
        typer.echo(summary["slipped"])
    typer.echo(f"{summary['pairs']} pairs of {summary['pictures']} images")
    for line in _decisions(summary):
        typer.echo(line)
    typer.echo(f"{summary['left_out']} rows could not be used{remarked} (problems.csv); open {out / 'report.html'}")
    if sizes:
        typer.echo(f"decide in {out / 'review.html'}, save review.csv over the one there, then: rrsitr review {out}")


def _decisions(summary: Mapping[str, Any]) -> list[str]:
    """How many are wrong, and what each choice would leave out; or that nothing can be said."""
    if summary["blind"]:
        return [
            "the judges do not tell these pairs from mismatches made of them: nearly all are wrong, or the features "
            "know such images too little, or they are too few. Nothing is left out, all weights are 1"
        ]
    low, high = summary["interval"]
    lines = [
        f"an estimated {summary['noise_rate']:.1%} of them are mismatched ({low:.1%} to {high:.1%} over resampled "
        "images): as unlike as a random pair; wrong captions of similar scenes are not counted"
    ]
    if not summary["quick"]:
        lines.append(
            f"right pairs and made mismatches are told apart with an AUROC of {summary['separation']:.3f}; without the "
            f"trained models, as --quick has it, {summary['separation_untrained']:.3f}"
        )
    if summary["weak"]:
        lines.append(
            f"the judges tell right pairs from made mismatches with an AUROC of {summary['separation']:.2f} only: the "
            "share is rather a bound from above; features that know such images better make it sharper"
        )
    for name, choice in summary["choices"].items():
        chosen = " (cleaned.csv)" if name == summary["keep"] else ""
        right = f", of which {choice['right_among_left_out']:.0%} are expected to be right"
        lines.append(
            f"  --keep {name}: leaves out {choice['left_out']}{right if choice['left_out'] else ''}; "
            f"{choice['wrong_among_kept']:.1%} of the others are expected to be wrong{chosen}"
        )
    return lines


def review(
    audit: Annotated[Path, typer.Argument(help="folder of an audit that was made with --review")],
    decisions: Annotated[Path | None, typer.Option(help="table of the decisions (default: its review.csv)")] = None,
) -> None:
    """What the decisions about a sample say of all pairs: precision, misses, noise rate, with 95 % intervals.

    Example: rrsitr review audit/ --decisions ~/Downloads/review.csv
    """
    from rrsitr_lib.audit.review_sheet import read_review

    typer.echo(read_review(audit, decisions).in_words())
