"""The command ``rrsitr data``: archives and copies of the benchmarks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, help="Unpack what data_download.sh fetched, and check copies of the benchmarks."
)


@contextmanager
def bar(what: str, unit: str = "file") -> Iterator[Callable[[int, int], None]]:
    """A progress bar as a function of (done, total)."""
    from tqdm import tqdm

    with tqdm(desc=what, unit=unit, disable=None) as shown:

        def progress(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        yield progress


@app.command()
def unpack(
    archive: Annotated[Path, typer.Argument(help=".zip, .tar (.gz, .bz2, .xz) or .rar")],
    into: Annotated[Path, typer.Option(help="folder; nothing is written outside it")],
) -> None:
    """Unpack an archive inside its folder: no path leaves it, newer files stay, an interrupted call goes on."""
    from rrsitr_lib.exchange.unpack import unpack as unpack_archive

    with bar(archive.name) as progress:
        done = unpack_archive(archive, into, progress)
    typer.echo(f"{into}: {done.written} files written, {done.there} were there already")
    if done.kept:
        typer.echo(f"kept {len(done.kept)} files that are newer than the archive, such as {done.kept[0]}")


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="rsitmd, rsicd or nwpu")],
    dir_: Annotated[Path, typer.Option("--dir", help="folder with the set's JSON or its tables, and its images")],
    images: Annotated[Path | None, typer.Option(help="folder of the images, where it is another one")] = None,
    write: Annotated[bool, typer.Option(help="write train.csv, val.csv and test.csv where they are missing")] = True,
) -> None:
    """Compare a copy with what is published: counts, splits, fingerprints, every image decoded.

    Exit code 1 when something is wrong. Example: rrsitr data check rsitmd --dir data/rsitmd
    """
    from rrsitr_lib.data.benchmark import benchmark
    from rrsitr_lib.exchange.benchmark_check import check_copy, write_tables

    known = benchmark(name)
    with bar(f"images of {known.title}") as progress:
        copy = check_copy(name, dir_, images, progress)
    for split, table in copy.tables.items():
        typer.echo(
            f"{split}: {len(table.images)} images, {len(table)} pairs (published {known.images[split]}, "
            f"{known.pairs[split]}); captions sha256 {table.captions_sha256}"
        )
    typer.echo(f"images: {copy.images or 'not found'}")
    if write and not copy.problems:
        for path in write_tables(copy, dir_):
            typer.echo(f"{path}: written")
    for problem in copy.problems[:20]:
        typer.echo(f"wrong: {problem}")
    if len(copy.problems) > 20:
        typer.echo(f"and {len(copy.problems) - 20} more")
    typer.echo(f"{known.licence}; cite: {known.citation}")
    raise typer.Exit(1 if copy.problems else 0)
