"""The ledger of a run: what happened to every pair in every epoch, one file a column, read by memory map.

A folder holds ``header.json`` (pairs, epochs written, columns, the run's config, a checksum an epoch and column) and
one raw little-endian file a column, epoch after epoch. Rows are written first and counted in the header afterwards:
what a crash leaves half-written is not counted, and the next append overwrites it.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from rrsitr_lib.errors import InputError, RunError, describe_error
from rrsitr_lib.files import CHANGED, checksum, read_json, sealed, write_atomically, write_json

COLUMNS = {
    "loss": "<f4",
    "loss_global": "<f4",
    "loss_local": "<f4",
    "category": "|u1",
    "weight": "<f4",
    "margin_text": "<f4",
    "margin_image": "<f4",
    "similarity": "<f4",
    "hardest_text": "<f4",
    "hardest_image": "<f4",
    "trained": "|b1",
}
PAIRS_FILE = "pairs.csv.gz"  # beside the ledger: the pairs as trained


class _Header(BaseModel):
    """What ``header.json`` holds."""

    model_config = ConfigDict(strict=True, extra="forbid")

    format: Literal[1]
    pairs: NonNegativeInt
    epochs: NonNegativeInt
    columns: dict[Annotated[str, Field(pattern=r"^\w+$")], Literal["<f4", "|u1", "|b1"]]
    config: dict[str, Any]
    checksums: dict[str, list[str]] = {}  # of every epoch by column; none in ledgers of older versions


class Ledger:
    """The record of ``pairs`` pairs over ``epochs`` epochs.

    Columns of shape (epochs, pairs): ``loss`` = ``loss_global`` + ``loss_local``; ``category`` 0 clean, 1 ambiguous,
    2 noisy; ``weight`` [0, 1]; ``margin_text``, ``margin_image``, ``similarity``, ``hardest_text``, ``hardest_image``
    in cosine units; ``trained`` False where the pair was only scored (the rest that filled no batch).
    ``mismatched`` (pairs,) is the injected truth.

    >>> import tempfile
    >>> ledger = Ledger.create(tempfile.mkdtemp(), mismatched=np.array([True, False]), config={"seed": 3})
    >>> ledger.append({name: np.zeros(2) for name in COLUMNS})
    >>> Ledger.open(ledger.folder).column("loss").shape
    (1, 2)
    """

    def __init__(self, folder: Path, header: _Header) -> None:
        self.folder, self._header = folder, header
        self._compared: set[tuple[str, int]] = set()  # columns and epochs that are known to be what was written

    @classmethod
    def create(
        cls,
        folder: str | Path,
        mismatched: np.ndarray,
        config: Mapping[str, Any],
        columns: Mapping[str, str] = COLUMNS,
    ) -> Self:
        """Begin an empty ledger. Shape: ``mismatched`` (pairs,) bool. An old one in ``folder`` is replaced.

        ``columns``: name -> type, ``COLUMNS`` and what a method records beside.
        """
        folder = Path(folder)
        truth = np.ascontiguousarray(mismatched, dtype=bool)
        write_atomically(folder / "mismatched.bin", truth.tofile)
        header = {"format": 1, "pairs": len(truth), "epochs": 0, "columns": dict(columns), "config": dict(config)}
        header["checksums"] = {"mismatched": [checksum(truth)], **{name: [] for name in columns}}
        ledger = cls(folder, _Header.model_validate(header))
        ledger.truncate(0)
        return ledger

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open a ledger by its own folder or the run's. Raises ``InputError`` where there is none or it is damaged."""
        run, folder = Path(folder), Path(folder)
        if not (folder / "header.json").exists():
            folder = folder / "ledger"
        if not (folder / "header.json").exists():
            raise InputError(f"{run}: no ledger here (expected header.json, or ledger/header.json in a run folder)")
        try:
            ledger = cls(folder, _Header.model_validate(read_json(folder / "header.json")))
        except ValidationError as error:
            raise InputError(f"{folder / 'header.json'}: not a ledger header ({describe_error(error)})") from None
        sizes = {name: ledger._bytes(name, ledger.epochs) for name in ledger._header.columns}
        for name, size in {**sizes, "mismatched": ledger.pairs}.items():
            path = ledger._path(name)
            if size and (not path.exists() or path.stat().st_size < size):
                counts = f"{ledger.epochs} epochs of {ledger.pairs} pairs"
                raise InputError(f"{path}: absent, or shorter than the {counts} that the header counts")
        return ledger

    @property
    def pairs(self) -> int:
        """Number of training pairs."""
        return self._header.pairs

    @property
    def epochs(self) -> int:
        """Number of whole epochs written."""
        return self._header.epochs

    @property
    def config(self) -> dict[str, Any]:
        """The run's configuration, its seed included."""
        return self._header.config

    @property
    def columns(self) -> list[str]:
        """Names that ``column`` knows."""
        own = self._header.columns
        common = [name for name in COLUMNS if name in own]
        return [*common, *(name for name in own if name not in COLUMNS), "mismatched"]

    def column(self, name: str) -> np.ndarray:
        """A column by name, read-only: (epochs, pairs), or (pairs,) for ``mismatched``; mapped, not loaded.

        Raises ``InputError`` for an unknown name, listing the known ones, and for a file that has changed.
        """
        if name == "mismatched":
            return self._unchanged(name, np.fromfile(self._path(name), dtype=bool, count=self.pairs)[None])[0]
        return self._unchanged(name, self._mapped(name))

    def _mapped(self, name: str) -> np.ndarray:
        if name not in self._header.columns:
            raise InputError(f"{self.folder}: no column {name!r}; there are {', '.join(self.columns)}")
        dtype, shape = np.dtype(self._header.columns[name]), (self.epochs, self.pairs)
        if 0 in shape:
            return np.empty(shape, dtype)
        return np.memmap(self._path(name), dtype=dtype, mode="r", shape=shape)

    def epoch(self, number: int) -> dict[str, np.ndarray]:
        """All columns of one epoch, from 0, in memory: (pairs,) each."""
        rows = {name: np.array(self._mapped(name)[[number]]) for name in self._header.columns}
        return {name: self._unchanged(name, row, number)[0] for name, row in rows.items()}

    def _unchanged(self, name: str, epochs: np.ndarray, first: int = 0) -> np.ndarray:
        """The epochs of a column from ``first`` on, compared with their checksums."""
        noted = self._header.checksums.get(name, [])[first : first + len(epochs)]
        for number, (rows, stated) in enumerate(zip(epochs, noted, strict=False), first):
            if (name, number) not in self._compared and checksum(rows) != stated:
                where = f"{self._path(name)}, epoch {number + 1}"
                raise InputError(f"{where}: {CHANGED}: put back a copy of the folder, or train anew in another one")
            self._compared.add((name, number))
        return epochs

    def append(self, rows: Mapping[str, np.ndarray]) -> None:
        """Write one epoch: every column, (pairs,) each. Raises ``InputError`` for a wrong set or shape of columns."""
        if set(rows) != set(self._header.columns):
            raise InputError(f"a ledger row needs exactly the columns {', '.join(self._header.columns)}")
        noted = dict(self._header.checksums)
        for name, dtype in self._header.columns.items():
            try:
                values = np.ascontiguousarray(rows[name], dtype=dtype)
            except (ValueError, TypeError) as error:
                raise InputError(f"column {name}: not numbers ({error})") from None
            if values.shape != (self.pairs,):
                raise InputError(f"column {name} has shape {values.shape}: allowed is ({self.pairs},)")
            self._write_at(self._path(name), self._bytes(name, self.epochs), values.tobytes())
            if noted:
                noted[name] = [*noted[name][: self.epochs], checksum(values)]
            self._compared.add((name, self.epochs))
        self._header = self._header.model_copy(update={"checksums": noted})
        self.truncate(self.epochs + 1)

    def truncate(self, epochs: int) -> None:
        """Count ``epochs`` epochs from now on: what stands behind them is overwritten by the next append."""
        self._header = self._header.model_copy(update={"epochs": epochs})
        write_json(self.folder / "header.json", sealed(self._header.model_dump()))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.bin"

    def _bytes(self, name: str, epochs: int) -> int:
        return np.dtype(self._header.columns[name]).itemsize * self.pairs * epochs

    @staticmethod
    def _write_at(path: Path, offset: int, content: bytes) -> None:
        try:
            with open(path, "r+b" if path.exists() else "w+b") as file:
                file.truncate(offset)
                file.seek(offset)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunError(f"cannot write {path}: {error.strerror or error}; the epochs before are kept") from error
