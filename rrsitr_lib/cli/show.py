"""Commands that show: the environment, explorers of a run as pages, the whole site."""

from pathlib import Path
from typing import Annotated

import typer

from rrsitr_lib.cli.options import RunFolder


def export(
    run: RunFolder,
    html: Annotated[Path, typer.Option("--html", help="folder that receives the pages")],
    only: Annotated[list[str] | None, typer.Option(help="one explorer by name; may be given several times")] = None,
) -> None:
    """Write the explorers of a run as pages that need neither kernel nor network.

    Exit code 1 where one that was asked for has nothing to show.
    Example: rrsitr export runs/first --html out/
    """
    from rrsitr_lib.teach.site import export_explorers

    pages, missing = export_explorers(run, html, only or ())
    typer.echo("\n".join([*(f"{html / page}: {title}" for page, title in pages.items()), *missing]))
    if missing and (only or not pages):
        raise typer.Exit(1)


def site(
    out: Annotated[Path, typer.Option(help="folder that receives the site")],
    run: Annotated[Path | None, typer.Option(help="run folder for the explorers")] = None,
) -> None:
    """Build one static site of executed lessons, explorers, exercises and an index, ready for any web host.

    Example: rrsitr site --out site/ --run runs/first
    """
    from rrsitr_lib.teach.site import build_site

    typer.echo(f"open {build_site(out, run)}")


def doctor() -> None:
    """Check the environment: [OK] or [FAIL] a line, with what to do. Exit code 1 if anything fails."""
    from rrsitr_lib.teach.doctor import checks, report

    found = checks()
    typer.echo(report(found))
    raise typer.Exit(0 if all(check.ok for check in found) else 1)
