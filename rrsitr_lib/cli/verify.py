"""The command ``rrsitr verify``: is everything in a folder still what was written?"""

from pathlib import Path
from typing import Annotated

import typer

from rrsitr_lib.checksums import CHECKSUMS, changed_files
from rrsitr_lib.errors import InputError


def verify(folder: Annotated[Path, typer.Argument(help="folder of a run, of an audit, or of cached arrays")]) -> None:
    """Compare every file with the checksum that was noted when it was written. Exit code 1 where one differs.

    ``rrsitr study verify`` does so for all runs of a study, and evaluates weights again.
    """
    if (folder / "config.yaml").exists():
        from rrsitr_lib.training.run_folder import damages

        found = damages(folder)
    elif (folder / CHECKSUMS).exists():
        found = changed_files(folder)
    else:
        raise InputError(f"{folder}: neither a run (no config.yaml) nor another folder with a {CHECKSUMS}")
    for line in found or [f"{folder}: all files are what was written"]:
        typer.echo(line)
    raise typer.Exit(1 if found else 0)
