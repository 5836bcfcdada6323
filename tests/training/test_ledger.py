"""The ledger: epochs as written, nothing of a crash, mapped and not loaded; damaged ones: tests/malformed."""

import numpy as np
import pytest

from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.training.ledger import COLUMNS, Ledger

PAIRS, CONFIG = 6, {"seed": 3, "noise_rate": 0.4}
MISMATCHED = np.array([True, False, False, True, False, False])


def epoch(number):
    """One epoch of recognisable values, of each column's own type."""
    return {
        name: ((np.arange(PAIRS) + 10 * number + place) % (2 if dtype == "|b1" else 251)).astype(dtype)
        for place, (name, dtype) in enumerate(COLUMNS.items())
    }


def assert_holds(ledger, numbers):
    assert ledger.epochs == len(numbers) and ledger.pairs == PAIRS
    for name in COLUMNS:
        expected = np.array([epoch(number)[name] for number in numbers]).reshape(len(numbers), PAIRS)
        np.testing.assert_array_equal(ledger.column(name), expected)


@pytest.fixture
def ledger(tmp_path):
    """Three epochs."""
    ledger = Ledger.create(tmp_path / "run" / "ledger", MISMATCHED, CONFIG)
    for number in range(3):
        ledger.append(epoch(number))
    return ledger


def test_what_is_appended_is_there(ledger):
    for opened in (ledger, Ledger.open(ledger.folder), Ledger.open(ledger.folder.parent)):
        assert_holds(opened, [0, 1, 2])
        np.testing.assert_array_equal(opened.column("mismatched"), MISMATCHED)
        assert opened.config == CONFIG and opened.columns == [*COLUMNS, "mismatched"]
    for name, dtype in COLUMNS.items():
        assert ledger.column(name).dtype == np.dtype(dtype)
        assert ledger.folder.joinpath(f"{name}.bin").stat().st_size == 3 * PAIRS * np.dtype(dtype).itemsize


def test_columns_are_mapped_and_read_only(ledger):
    column = ledger.column("loss")
    assert isinstance(column, np.memmap) and not column.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        column[0, 0] = 1


def test_empty_ledger(tmp_path):
    opened = Ledger.open(Ledger.create(tmp_path, MISMATCHED, CONFIG).folder)
    assert_holds(opened, [])
    assert len(opened.column("mismatched")) == PAIRS


def test_values_of_other_types_are_converted(tmp_path):
    ledger = Ledger.create(tmp_path, MISMATCHED, CONFIG)
    ledger.append({name: epoch(1)[name].astype(np.float64).tolist() for name in COLUMNS})
    assert_holds(ledger, [1])


def test_rows_of_a_crash_are_not_counted_and_are_overwritten(ledger):
    for place, name in enumerate(COLUMNS):  # died while writing the fourth epoch: each column got a bit further
        with open(ledger.folder / f"{name}.bin", "ab") as file:
            file.write(b"\xff" * (3 * place))
    opened = Ledger.open(ledger.folder)
    assert_holds(opened, [0, 1, 2])
    opened.append(epoch(3))
    assert_holds(Ledger.open(ledger.folder), [0, 1, 2, 3])


def test_append_after_truncate_overwrites(ledger):
    ledger.truncate(1)
    assert_holds(Ledger.open(ledger.folder), [0])
    ledger.append(epoch(7))
    assert_holds(Ledger.open(ledger.folder), [0, 7])
    assert (ledger.folder / "loss.bin").stat().st_size == 2 * PAIRS * 4


FULL = r"cannot write .*loss\.bin: No space left.*epochs before are kept"


@pytest.mark.parametrize(
    ("place", "error", "said"),
    [("write_json", KeyboardInterrupt(), r"^$"), ("os.fsync", OSError(28, "No space left on device"), FULL)],
)
def test_an_end_between_rows_and_header_keeps_the_epochs_before(ledger, monkeypatch, place, error, said):
    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(f"rrsitr_lib.training.ledger.{place}", fail)
        with pytest.raises((KeyboardInterrupt, RunError), match=said):
            ledger.append(epoch(3))
    opened = Ledger.open(ledger.folder)
    assert_holds(opened, [0, 1, 2])
    assert not list(ledger.folder.glob("*.tmp"))
    opened.append(epoch(4))
    assert_holds(Ledger.open(ledger.folder), [0, 1, 2, 4])


def test_a_refused_row_leaves_no_trace(ledger):
    for wrong in ({}, {**epoch(3), "trained": np.zeros(PAIRS + 1)}):
        with pytest.raises(InputError):
            ledger.append(wrong)
    assert_holds(Ledger.open(ledger.folder), [0, 1, 2])
    ledger.append(epoch(3))
    assert_holds(Ledger.open(ledger.folder), [0, 1, 2, 3])


def test_create_replaces_an_old_ledger(ledger):
    fresh = Ledger.create(ledger.folder, ~MISMATCHED, {"seed": 4})
    fresh.append(epoch(5))
    opened = Ledger.open(ledger.folder)
    assert_holds(opened, [5])
    assert opened.config == {"seed": 4} and (opened.column("mismatched") == ~MISMATCHED).all()
