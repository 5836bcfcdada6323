"""An audit from source to folder: pairs, features, scores, and the files that others can use."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

import rrsitr_lib
from rrsitr_lib.audit.cross_validation import AuditSettings, cross_validate
from rrsitr_lib.audit.duplicates import find_duplicates
from rrsitr_lib.audit.features import PairFeatures, read_features, tower_features
from rrsitr_lib.audit.ranking import rank_pairs
from rrsitr_lib.audit.read_pairs import AuditPairs, Problem
from rrsitr_lib.audit.report import write_report
from rrsitr_lib.checksums import note_checksums
from rrsitr_lib.data.pairs import numbered
from rrsitr_lib.files import fingerprint, write_atomically, write_json
from rrsitr_lib.model.encoder import build_encoder

FILES = ("report.html", "suspects.csv", "cleaned.csv", "weights.csv", "problems.csv", "audit.json")


class Audit(NamedTuple):
    """``table``: all pairs, most suspect first (``audit.ranking.rank_pairs``); ``summary``: what audit.json holds."""

    table: pd.DataFrame
    summary: dict[str, Any]


def features_of(
    pairs: AuditPairs,
    encoder: str = "lite",
    weights: str | None = None,
    files: tuple[str | Path, str | Path] | None = None,
    device: str | torch.device = "cpu",
) -> PairFeatures:
    """Features of the pairs by an encoder's frozen towers, or from two ``.npy`` ``files`` (images, captions).

    A caption that is longer than the encoder's context is remarked on: its end is not seen. Raises ``InputError`` for
    files that do not fit.
    """
    unique, caption_of_pair = numbered(pairs.captions)
    image_of_pair = numbered(pairs.images)[1]
    if files is None:
        towers = build_encoder(encoder, weights, "masked")
        pairs.remarks.extend(_cut(pairs, towers.cut(unique)[caption_of_pair]))
        image, text = tower_features(towers, pairs.paths, unique, device)
    else:
        image = read_features(files[0], len(pairs), int(image_of_pair.max()) + 1, image_of_pair, "image")
        text = read_features(files[1], len(pairs), len(unique), caption_of_pair, "caption")
    return PairFeatures(image, text, image_of_pair, caption_of_pair)


def audit(
    pairs: AuditPairs,
    features: PairFeatures,
    out: str | Path,
    settings: AuditSettings | None = None,
    top: int = 200,
    progress: Callable[[int, int], object] | None = None,
) -> Audit:
    """Rank the pairs and write ``FILES`` and their checksums into ``out``: whole files, each by itself.

    ``cleaned.csv`` keeps the pairs in the lower component of the losses, ``weights.csv`` gives every pair the posterior
    of that component, both in the table's order with columns filename, title. Hard true pairs fall into the upper one:
    both are careful rather than exact. ``report.html`` shows the ``top`` most suspect.
    Raises ``InputError`` for too few pairs.
    """
    settings, out = settings or AuditSettings(), Path(out)
    duplicates = find_duplicates(features, pairs.paths or None)
    scores = cross_validate(features, duplicates.group_of_pair, settings, progress)
    table = rank_pairs(pairs, features, duplicates, scores, settings)
    by_row = table.sort_values("row", kind="stable").rename(columns={"image": "filename", "caption": "title"})
    kept = by_row[by_row["wrong"] <= 0.5]
    summary = {
        "pairs": len(table), "pictures": len(set(pairs.images)), "left_out": len(pairs.problems),
        "remarked_on": len(pairs.remarks),
        "expected_wrong": round(float(table["wrong"].mean()), 4), "kept": len(kept),
        "pictures_that_are_twice": int((table["same_picture_as"] != "").sum()), "notes": pairs.notes,
        "settings": vars(settings), "features": fingerprint(features.image, features.text),
        "version": rrsitr_lib.__version__,
    }  # fmt: skip
    _write_csv(out / "suspects.csv", table)
    _write_csv(out / "cleaned.csv", kept[["filename", "title"]])
    _write_csv(out / "weights.csv", by_row.assign(weight=1 - by_row["wrong"])[["filename", "title", "weight"]])
    _write_csv(out / "problems.csv", pd.DataFrame(sorted(pairs.problems + pairs.remarks), columns=Problem._fields))
    write_json(out / "audit.json", summary)
    write_report(out / "report.html", table.head(top), summary, pairs)
    note_checksums(out, *FILES)
    return Audit(table, summary)


def _cut(pairs: AuditPairs, is_cut: np.ndarray) -> list[Problem]:
    said = "kept, but its caption is longer than the encoder's context: the end is not seen"
    return [Problem(pairs.rows[pair], pairs.images[pair], said) for pair in np.flatnonzero(is_cut)]


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    write_atomically(path, lambda file: table.to_csv(file, index=False, float_format="%.4f"))
