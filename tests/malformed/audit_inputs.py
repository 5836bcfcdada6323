"""Bad tables, features, signals and decisions of an audit."""

from pathlib import Path

import numpy as np
import pandas as pd
from malformed.making import Cases, Make, call, file, files, npy

from rrsitr_lib.audit.features import read_features
from rrsitr_lib.audit.mismatch_ranking import (
    NEEDED,
    agreement,
    mismatch_ranking,
    precision_at,
    read_decisions,
    signals,
    unit_rank,
)  # fmt: skip
from rrsitr_lib.audit.read_pairs import open_pairs
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.training.ledger import COLUMNS, PAIRS_FILE, Ledger


def table(name: str, content: bytes, **columns: str) -> Make:
    """Read a table of pairs, whatever its images."""
    return file(lambda path: open_pairs(path, path.parent, need_images=False, **columns), name, content)


def tables(**contents: bytes) -> Make:
    """Open a folder of CSV files."""
    named = {f"{name}.csv": content for name, content in contents.items()}
    return files(lambda folder: open_pairs(folder, folder / "scratch"), named)


def features(values: object) -> Make:
    """Read features for five pairs of three images."""
    return file(read_features, "a.npy", npy(values), 5, 3, np.array([0, 0, 1, 2, 2]), "image")


def signals_of(**changes: object) -> Make:
    """Signals of columns of two epochs, some replaced or (``...``) left out."""
    columns = {**{name: np.zeros((2, 3)) for name in NEEDED}, **changes}
    return call(signals, {name: column for name, column in columns.items() if column is not ...})


def ranking(epochs: int, pairs_beside: int = 0) -> Make:
    """The ranking of a run of three pairs, so many pairs beside it."""

    def make(folder: Path) -> object:
        ledger = Ledger.create(folder / "ledger", np.zeros(3, bool), {})
        for _ in range(epochs):
            ledger.append({name: np.zeros(3) for name in COLUMNS})
        if pairs_beside:
            PairTable(["a"] * pairs_beside, ["b"] * pairs_beside, "train", "memory").write_csv(folder / PAIRS_FILE)
        return mismatch_ranking(folder)

    return make


def precision(mismatched: list, k: int) -> Make:
    """Precision of two scores."""
    return call(precision_at, np.array([1.0, 2.0]), np.array(mismatched), k)


def decisions(*lines: str, header: str = "row,image,caption,score,decision") -> Make:
    """Read decisions for three pairs."""
    pairs = pd.DataFrame({"image": ["0.jpg", "1.jpg", "2.jpg"], "caption": ["zero", "one", "two"]})
    return file(read_decisions, "decisions.csv", "\n".join([header, *lines]), pairs)


GOOD, ONE = b"filename,title\na.png,three words here\n", "1,1.jpg,one,0.5,wrong"

CASES: Cases = [
    ("pairs, a field too many", table("a.csv", b"filename,title\na.png,one,two\n"),
     r"a\.csv, line 2: the row is .*: allowed is 2 fields .*that hold ',' need quotes"),
    ("pairs, a column twice", table("a.csv", b"filename,filename\na.png,one\n"),
     r"line 1: the header is .*: allowed is each column once"),
    ("pairs, header only", table("a.csv", b"filename,title\n"), r"a\.csv: no pair in it"),
    ("pairs, a quote left open", table("a.csv", b'filename,title\na.png,"one\n'), r"line 2: .*is a quote left open"),
    ("pairs, every caption empty", table("a.csv", b"filename,title\na.png, \n"),
     r"no pair is left of 1; .*a\.csv, line 2: the caption is empty"),
    ("pairs, an image without name", table("a.csv", b"filename,title\n,one\n"),
     r"a\.csv, line 2: the image is '': allowed is the name of a file"),
    ("pairs not UTF-8", table("a.csv", "filename,title\na.png,湖\n".encode("gb18030")), r"line 2: .*is UTF-8 text"),
    ("pairs without images", table("a.csv", b"x,y\n1,2\n"), r"a\.csv: no column of image files among x, y \(name it"),
    ("pairs without captions", table("a.csv", b"filename,n\na.png,1\n"), r"no column of captions among n \(name it"),
    ("pairs, no such caption column", table("a.csv", GOOD, caption_column="best"),
     r"no caption column 'best'; there are filename, title"),
    ("pairs, no such image column", table("a.csv", GOOD, image_column="img"),
     r"no image column 'img'; there are filename, title"),
    ("JSON lines broken", table("a.jsonl", b'\n{"a": 1\n'), r"a\.jsonl, line 2: not JSON"),
    ("JSON lines of lists", table("a.jsonl", b"[1]\n"), r"a\.jsonl, line 1: '\[1\]' is no object: allowed is one"),
    ("JSON lines, a number as caption", table("a.jsonl", b'{"image": "a.png", "caption": 7}\n'),
     r"a\.jsonl, line 1: the caption is '7': allowed is text, or a list of it"),
    ("JSON lines, an empty object, fatal", table("a.jsonl", b'{"image": "a", "caption": "lake"}\n{}\n', bad="fatal"),
     r"a\.jsonl, line 2: the image is 'None'"),
    ("a part of a set is missing", files(lambda folder: open_pairs(folder, folder), {"train-00000-of-00002.csv": GOOD}),
     r"1 of 2 parts are there: train-00000-of-00002\.csv; fetch the others, or name one file"),
    ("Parquet of something else", table("a.parquet", b"PAR1 or not"), r"a\.parquet: not readable as Parquet"),
    ("shard of something else", table("a.tar", b"no tar"), r"a\.tar: not a whole tar file"),
    ("pairs in a form unknown", table("a.xlsx", b""), r"a\.xlsx: a spreadsheet: save it as CSV UTF-8"),
    ("pairs in another form", table("a.doc", b""), r"a\.doc: allowed are \.csv, .*\.tar, or these by gzip"),
    ("several tables", tables(one=GOOD, two=GOOD), r"2 tables, name one"),
    ("no table", tables(), r"no table in it \(\.csv, \.tsv"),
    ("pairs nowhere", lambda folder: open_pairs(folder / "no", folder), r"no: no such file or folder"),
    ("bad images, no such choice", lambda folder: open_pairs(folder, folder, bad="never"), r"bad is 'never'"),
    ("features, other rows", features(np.zeros((4, 2))), r"a\.npy: 4 rows: allowed are 5 \(pairs\) or 3 \("),
    ("features of one axis", features(np.zeros(5)), r"a\.npy: allowed is an array of numbers, a row for each"),
    ("features not finite", features(np.full((3, 2), np.nan)), r"a\.npy, row 0: a value is not finite"),
    ("features beyond float32", features(np.full((3, 2), -1e300)), r"a\.npy, row 0: .* or beyond 1e\+15: divide"),
    ("features of texts", features(np.array([["a"]])), r"a\.npy: allowed is an array of numbers"),
    ("features of objects", features(np.array([[{}]], dtype=object)), r"a\.npy: not an \.npy array of numbers"),
    ("signals without a column", signals_of(category=...), r"columns lack category: needed are loss, category, simila"),
    ("signals of unequal shapes", signals_of(loss=np.zeros((1, 3))), r"allowed is one shape \(epochs, N\), neither 0"),
    ("signals without an epoch", signals_of(**{name: np.empty((0, 3)) for name in NEEDED}), r"neither 0"),
    ("rank of nothing", call(unit_rank, np.array([])), r"values have the shape \(0,\): allowed is \(N,\)"),
    ("rank of two axes", call(unit_rank, np.ones((1, 1))), r"values have the shape \(1, 1\)"),
    ("rank of no number", call(unit_rank, np.array([1.0, np.nan])), r"the value of pair 1 is not a number"),
    ("agreement beyond one", call(agreement, pd.DataFrame({"a": [1.0]}), 1.5), r"top is 1\.5: allowed is"),
    ("precision at zero", precision([True, False], 0), r"k is 0: allowed is 1 to 2"),
    ("precision beyond the pairs", precision([True, False], 3), r"k is 3: allowed is 1 to 2"),
    ("precision of unequal lengths", precision([True], 1), r"score \(2,\) and mismatched \(1,\): allowed is \(N,\)"),
    ("ranking without an epoch", ranking(0), r"ledger: no finished epoch yet, so there is nothing to rank"),
    ("ranking of other pairs", ranking(1, pairs_beside=1), r"1 pairs, but the ledger beside it has 3"),
    ("decision beyond the pairs", decisions("9,1.jpg,one,0.5,wrong"),
     r"decisions\.csv, entry 1 \(row 9\): row is '9': allowed is a whole number from 0 to 2"),
    ("decision below zero", decisions("-1,1.jpg,one,0.5,wrong"), r"row is '-1': allowed is a whole number"),
    ("decision of no row", decisions("x,1.jpg,one,0.5,wrong"), r"row is 'x': allowed is a whole number"),
    ("decision of another image", decisions("2,1.jpg,two,0.5,wrong"), r"image is '1\.jpg', but this run has '2\.jpg'"),
    ("decision of another caption", decisions("1,1.jpg,two,0.5,wrong"), r"caption is 'two', but this run has 'one'"),
    ("decision unknown", decisions("1,1.jpg,one,0.5,maybe"), r"decision is 'maybe': allowed are wrong, right"),
    ("decision twice", decisions(ONE, ONE), r"entry 2 \(row 1\): row 1 is there twice: allowed is one decision a pair"),
    ("decisions without rows", decisions(header="image,caption,decision"), r"decisions\.csv: no column row"),
    ("decisions, a quote left open", decisions('1,1.jpg,"one,0.5,wrong'), r"decisions\.csv, line 2: .*is a quote left"),
]  # fmt: skip
