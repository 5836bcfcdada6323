"""``rrsitr data``: archives and copies of the benchmarks; ``rrsitr noise``: noise injected into a table."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from rrsitr_lib.cli.options import assigned
from rrsitr_lib.errors import InputError, printable
from rrsitr_lib.progress import progress_bar
from rrsitr_lib.registry import PROTOCOLS

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
    archive: Annotated[Path, typer.Argument(help=".zip or .tar (.gz, .bz2, .xz)")],
    into: Annotated[Path, typer.Option(help="folder; nothing is written outside it")],
) -> None:
    """Unpack an archive inside its folder: no path leaves it, newer files stay, an interrupted call goes on."""
    from rrsitr_lib.exchange.unpack import unpack as unpack_archive

    with bar(archive.name) as progress:
        done = unpack_archive(archive, into, progress)
    typer.echo(f"{into}: {done.written} files written, {done.there} were there already")
    if done.kept:
        typer.echo(f"kept {len(done.kept)} files that differ and are newer than the archive, such as {done.kept[0]}")
    if done.twice:
        typer.echo(f"names in it twice: {len(done.twice)}, such as {done.twice[0]!r}; the last one counts")


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
    from rrsitr_lib.data.problems import in_words
    from rrsitr_lib.exchange.benchmark_check import benchmark, check_copy, write_tables

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
    if copy.notes:
        typer.echo(f"noted: {in_words(copy.notes)}")
    typer.echo(f"{known.licence}; cite: {known.citation}")
    raise typer.Exit(1 if copy.problems else 0)


@app.command()
def shards(
    source: Annotated[str, typer.Argument(help="folder of train, val, test tables, or a data set by name")],
    out: Annotated[Path, typer.Option(help="folder; val and test tables and their images come beside the shards")],
    images: Annotated[str | None, typer.Option(help="folder of the images (default: SOURCE/images)")] = None,
    size: Annotated[int, typer.Option(min=1, help="images a shard")] = 1000,
    seed: Annotated[int, typer.Option(help="that shuffles the images; -1 keeps the table's order")] = 0,
    set_: Annotated[list[str] | None, typer.Option("--set", help="a field of the data: --set scenes=40000")] = None,
) -> None:
    """Write a training split as tar shards for rrsitr train --data 'OUT/{0000..0009}.tar'.

    Example: rrsitr data shards data/rsicd --out shards
    """
    from rrsitr_lib.config import RunConfig
    from rrsitr_lib.data.datasets import open_data
    from rrsitr_lib.data.shards.write import write_shards, write_split

    fields = {"data": source, "encoder": "tiny"} | ({"images": images} if images else {}) | assigned(set_)
    data = open_data(RunConfig.build(**fields))
    train, shuffled = data["train"], None if seed < 0 else seed
    with progress_bar(len(train.table.images), str(out), "image") as bar:
        paths = write_shards(train.table, train.images, out, size, shuffled, bar.update)
    for split in (data["val"], data["test"]):
        write_split(split.table, split.images, out)
    names = f"{{{paths[0].stem}..{paths[-1].stem}}}.tar"
    typer.echo(f"{len(train.table)} pairs in {len(paths)} shards: rrsitr train --data '{out}/{names}' ...")


def noise(
    table: Annotated[Path, typer.Argument(help="caption table (.csv .tsv .json .jsonl .parquet) of filename,title")],
    out: Annotated[Path, typer.Option(help=".npz: indices and truth; .npy: index form; .csv(.gz): noisy table")],
    rate: Annotated[float, typer.Option(help="share of rows (image: of images) to disturb, 0 to 1")] = 0.4,
    protocol: Annotated[str, typer.Option(help=f"{', '.join(PROTOCOLS)}; shuffle is the authors'")] = "shuffle",
    seed: Annotated[int, typer.Option(help="42 gives the published splits")] = 42,
    form: Annotated[str, typer.Option(help=".npy only: 'caption' (NCR, L2RM) or 'image' (DECL, RCL)")] = "caption",
) -> None:
    """Inject noisy correspondence into a caption table and save who got which caption.

    Prints nominal and realised rate and the fingerprint to quote beside results.
    Example: rrsitr noise train.csv --rate 0.4 --out train_nc04.csv.gz
    """
    from rrsitr_lib.data.noise import inject, save_noise
    from rrsitr_lib.data.pairs import read_csv
    from rrsitr_lib.exchange.noise_index import save_index

    if form not in ("caption", "image"):
        raise InputError(f"--form is {form!r}: allowed are caption, image")
    pairs = read_csv(table)
    typer.echo(printable(f"{table.name}: {pairs.read_as}"))
    result = inject(pairs.image_ids, rate, protocol, seed, pairs.captions)
    noisy = pairs.with_captions(result.caption_index)
    if out.suffix == ".npz":
        save_noise(result, out)
    elif out.suffix == ".npy":
        save_index(result, pairs.image_ids, out, cast(Literal["caption", "image"], form))
    elif out.name.endswith((".csv", ".csv.gz")):
        noisy.write_csv(out)
    else:
        raise InputError(f"--out is {out}: allowed endings are .npz, .npy, .csv, .csv.gz")
    typer.echo(f"rows {len(pairs)}, nominal rate {rate}, truly mismatched {100 * result.realised_rate:.2f} %")
    typer.echo(f"fingerprint {result.fingerprint}")
    typer.echo(f"captions sha256 {noisy.captions_sha256}")
