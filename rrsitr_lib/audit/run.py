"""An audit from source to folder: pairs, features, scores, and the files that others can use."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

import rrsitr_lib
from rrsitr_lib.audit.calibration import CHOICES, false_share, left_out, made_mismatches
from rrsitr_lib.audit.cross_validation import AuditSettings, check_enough, cross_validate, folds_of
from rrsitr_lib.audit.duplicates import Duplicates, find_duplicates
from rrsitr_lib.audit.features import PairFeatures, read_features, tower_features
from rrsitr_lib.audit.oddities import Problem, kinds_of
from rrsitr_lib.audit.ranking import Ranking, rank_pairs
from rrsitr_lib.audit.read_pairs import AuditPairs
from rrsitr_lib.audit.report import write_report
from rrsitr_lib.audit.review_sheet import check_no_review, write_sheet
from rrsitr_lib.audit.row_shift import find_shift, find_torn
from rrsitr_lib.audit.untrained import UntrainedJudges
from rrsitr_lib.checksums import note_checksums
from rrsitr_lib.data.pairs import numbered
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import fingerprint, write_atomically, write_json
from rrsitr_lib.model.encoder import build_encoder

WEAK = 0.9  # AUROC of the judges, under which many right pairs look like mismatches
FDR = "fdr=0.1"  # shown beside the other choices
TOO_LONG = "its caption longer than the encoder's context: the end is not seen"
NAMES = {"image": "filename", "caption": "title"}
FILES = ("report.html", "suspects.csv", "cleaned.csv", "weights.csv", "problems.csv", "audit.json")


class Audit(NamedTuple):
    """``table``: all pairs, most suspect first (``audit.ranking.rank_pairs``); ``summary``: what audit.json holds."""

    table: pd.DataFrame
    summary: dict[str, Any]


class Judged(NamedTuple):
    """What the judges say of pairs, the images that are there twice, and the judges to ask of other captions."""

    ranking: Ranking
    duplicates: Duplicates
    judges: UntrainedJudges


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
        numbers = towers.tokenize(unique)
        cut = towers.cut(unique, numbers)[caption_of_pair]
        pairs.remarks.extend(_of_pairs(pairs, cut, f"kept, {TOO_LONG}"))
        image, text = tower_features(towers, pairs.paths, unique, device, numbers)
    else:
        image = read_features(files[0], len(pairs), int(image_of_pair.max()) + 1, image_of_pair, "image")
        text = read_features(files[1], len(pairs), len(unique), caption_of_pair, "caption")
    return PairFeatures(image, text, image_of_pair, caption_of_pair)


def check_request(out: Path, keep: str, review: tuple[int, int] | None) -> None:
    """What is wrong with the wishes themselves, before hours are spent on them.

    Raises ``InputError`` for a ``keep`` that there is not, a review that would be lost, and a folder that is a file.
    """
    if keep not in CHOICES:
        false_share(keep)
    if in_the_way := next((path for path in (out, *out.parents) if path.is_file()), None):
        raise InputError(f"{out}: {in_the_way} is a file; allowed is a folder, or the name of a new one")
    if review:
        check_no_review(out)


def audit(
    pairs: AuditPairs,
    features: PairFeatures,
    out: str | Path,
    settings: AuditSettings | None = None,
    top: int = 200,
    keep: str = "balanced",
    quick: bool = False,
    review: tuple[int, int] | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Audit:
    """Rank the pairs and write ``FILES`` and their checksums into ``out``: whole files, each by itself.

    ``cleaned.csv`` keeps what ``keep`` does not leave out (``calibration.left_out``), ``weights.csv`` gives every pair
    the probability of being right, both in the table's order with columns filename, title. ``quick``: no model is
    trained. ``report.html`` shows the ``top`` most suspect. ``review``: so many of the pairs that are left out and so
    many others go into ``review.html`` and ``review.csv`` (``audit.review_sheet``).
    Raises ``InputError`` for too few pairs, a ``keep`` that there is not, and a review that would be lost.
    """
    settings, out = settings or AuditSettings(), Path(out)
    check_request(out, keep, review)
    ranking, duplicates, judges = judge(pairs, features, settings, quick, progress)
    table, score, wrong = ranking.table, ranking.table["score"].to_numpy(), ranking.table["wrong"].to_numpy()
    pairs.remarks.extend(_of_pairs(pairs, duplicates.blank, "kept, its picture of one colour or nearly black"))
    rate = 0.0 if ranking.blind else ranking.rate  # where nothing is known, nothing is left out
    choices = {name: left_out(score, wrong, rate, name) for name in dict.fromkeys([*CHOICES, FDR, keep])}
    table = table.assign(left_out=choices[keep])
    by_row = table.sort_values("row", kind="stable").rename(columns=NAMES)
    kept = by_row[~by_row["left_out"]]
    summary = {
        "pairs": len(table), "pictures": len(set(pairs.images)), "left_out": len(pairs.problems),
        "remarks": kinds_of(pairs.remarks),
        "remarked_on": len({(remark.row, remark.image) for remark in pairs.remarks}),
        "noise_rate": round(ranking.rate, 4), "interval": [round(end, 4) for end in ranking.interval],
        "separation": round(ranking.separation, 4), "separation_untrained": round(ranking.untrained, 4),
        "blind": ranking.blind,
        "weak": ranking.separation < WEAK, "keep": keep, "kept": len(kept), "quick": quick,
        "choices": {name: expected(out_of_it, wrong, rate) for name, out_of_it in choices.items()},
        "slipped": find_shift(judges, pairs.rows, ranking.rate)
        or find_torn(by_row["wrong"].to_numpy(), judges.groups, pairs.rows),
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
    if review:
        write_sheet(out, table, pairs, review, settings.seed)
    note_checksums(out, *FILES)
    return Audit(table, summary)


def judge(
    pairs: AuditPairs,
    features: PairFeatures,
    settings: AuditSettings,
    quick: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> Judged:
    """Score the pairs and mismatches made of them, each by what was never fitted to its image.

    ``quick``: no model is trained. Raises ``InputError`` for too few pairs.
    """
    check_enough(features.image_of_pair.tolist(), features.caption_of_pair.tolist(), settings.folds)
    duplicates = find_duplicates(features, pairs.paths or None)
    groups = duplicates.group_of_pair
    fold = folds_of(groups, settings.folds, settings.seed)
    mismatches = made_mismatches(fold, groups, settings.seed)
    scores = None if quick else cross_validate(features, fold, mismatches, settings, progress)
    judges = UntrainedJudges(features, groups, fold)
    ranking = rank_pairs(pairs, features, duplicates, judges, mismatches, settings.seed, scores)
    return Judged(ranking, duplicates, judges)


def expected(out: np.ndarray, wrong: np.ndarray, rate: float) -> dict[str, float]:
    """What a choice leaves out, and the expected shares of right pairs among it and of wrong ones among the others.

    Of the ``rate`` of all what is not left out remains, so that leaving out none leaves ``rate``. ``wrong`` of the
    others adds up to that or less: it is at most 1, and of mismatches more suspect than any pair it counts none.
    """
    remain = max(0.0, rate * len(out) - float(wrong[out].sum()))
    return {
        "left_out": int(out.sum()),
        "right_among_left_out": round(float((1 - wrong[out]).mean()), 4) if out.any() else 0.0,
        "wrong_among_kept": round(min(1.0, remain / (~out).sum()), 4) if not out.all() else 0.0,
    }


def _of_pairs(pairs: AuditPairs, are_so: np.ndarray, said: str) -> list[Problem]:
    return [Problem(pairs.rows[pair], pairs.images[pair], said) for pair in np.flatnonzero(are_so)]


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    write_atomically(path, lambda file: table.to_csv(file, index=False, float_format="%.4f"))
