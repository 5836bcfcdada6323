"""Commands that show: the environment, explorers of a run as pages, the whole site."""

from pathlib import Path
from typing import Annotated

import typer

from rrsitr_lib.cli.options import RunFolder


def export(
    run: RunFolder,
    html: Annotated[Path, typer.Option("--html", help="folder that receives the pages")],
    only: Annotated[list[str] | None, typer.Option(help="one explorer by name; may be given several times")] = None,
    against: Annotated[Path | None, typer.Option(help="folder of another run on the same pairs: compare both")] = None,
) -> None:
    """Write the explorers of a run as pages that need neither kernel nor network.

    Exit code 1 where one that was asked for has nothing to show.
    Example: rrsitr export runs/first --against runs/second --html out/
    """
    from rrsitr_lib.teach.explorer_pages import export_explorers

    pages = export_explorers(run, html, only or (), against)
    missing = [page for page in pages if page.missing]
    written = [f"{html / page.file}: {page.title}" for page in pages if not page.missing]
    typer.echo("\n".join([*written, *(f"{page.title}: {page.missing}" for page in missing)]))
    if missing and (only or not written):
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
