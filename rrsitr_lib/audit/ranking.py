"""From signals to a ranked table: score, p-value, probability of being wrong, and the reasons in words."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from rrsitr_lib.audit.calibration import MadeMismatches, noise_rate, p_values, posterior, rate_interval
from rrsitr_lib.audit.cross_validation import OutOfFoldScores
from rrsitr_lib.audit.duplicates import Duplicates
from rrsitr_lib.audit.features import PairFeatures
from rrsitr_lib.audit.mismatch_ranking import unit_rank
from rrsitr_lib.audit.read_pairs import AuditPairs
from rrsitr_lib.audit.untrained import SIGNALS, UntrainedJudges

SURE = 3.0  # standard errors of an AUROC above one half, under which the judges tell nothing
UNSURE = 0.25  # a pair whose ranks differ by more between rounds
WORDS = dict(zip(SIGNALS, (
    "far from the caption that the image calls for", "captions of similar images say something else",
    "similar captions stand at other images",
), strict=True))  # fmt: skip


class Ranking(NamedTuple):
    """``table``: all pairs, the most suspect first; ``rate``: the share of mismatched ones, with its 95 % interval.

    ``separation``: how well the score tells right pairs from made mismatches, AUROC; ``untrained``: the same without
    the loss of trained models. ``blind``: it does not tell these pairs from mismatches made of them, so that nothing is
    known: nearly all are wrong, or the features say too little.
    """

    table: pd.DataFrame
    rate: float
    interval: tuple[float, float]
    separation: float
    untrained: float
    blind: bool


def rank_pairs(
    pairs: AuditPairs,
    features: PairFeatures,
    duplicates: Duplicates,
    judges: UntrainedJudges,
    mismatches: MadeMismatches,
    seed: int,
    scores: OutOfFoldScores | None = None,
) -> Ranking:
    """All pairs, the most suspect first, with ``rank`` from 1.

    ``score`` in [0, 1]: mean over the signals of the share of pairs below, of the held-out loss, where ``scores`` are
    given, and of the three of ``untrained``; ``p_value``: of "mismatched", against the same score of made mismatches;
    ``wrong``: probability of being mismatched; ``disagreement`` in [0, 1]: spread of the pair's rank between rounds;
    ``better_caption``: the caption of another image that fits better, by ``lead``, empty where none does; ``reasons``
    in words.
    """
    rows, everyone = mismatches.rows, np.arange(len(features))
    own, made = judges(everyone, everyone), judges(rows, mismatches.donor[rows])
    if scores is not None:
        own = {"loss": scores.loss.mean(axis=0), **own}
        made = {"loss": scores.made.mean(axis=0)[rows], **made}
    score, null = (mean_share_below(own, of, list(own)) for of in (own, made))
    p = p_values(score, null)
    rate, told = noise_rate(p), float(share_below(score, null).mean())
    without_models = [mean_share_below(own, of, SIGNALS) for of in (own, made)]
    told_untrained = float(share_below(*without_models).mean())
    blind = told - 0.5 < SURE * np.sqrt((1 / len(score) + 1 / len(null)) / 12)
    table = pd.DataFrame({
        "row": pairs.rows,
        "image": pairs.images,
        "caption": pairs.captions,
        "score": score,
        "p_value": p,
        "wrong": np.zeros(len(score)) if blind else posterior(score, null, rate),
        **own,
        **_of_models(scores),
        **_better(pairs, features, *(judges.better() if scores is None else (scores.better, scores.lead))),
        "same_picture_as": _twins(pairs.images, duplicates),
    })  # fmt: skip
    table["reasons"] = _reasons(table, duplicates.contradicting, scores.chance if scores else np.inf)
    table = table.sort_values(["score", "row"], ascending=[False, True], kind="stable", ignore_index=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    interval = (0.0, 1.0) if blind else rate_interval(p, duplicates.group_of_pair, seed)
    separation, untrained = (right_share(one, rate) for one in (told, told_untrained))
    return Ranking(table, rate, interval, separation, untrained, bool(blind))


def right_share(auroc: float, rate: float) -> float:
    """AUROC of right pairs against made mismatches, where ``auroc`` is that of all pairs, of which ``rate`` are wrong.

    >>> round(right_share(0.86, 0.1), 2), right_share(0.5, 1.0)
    (0.9, 0.5)
    """
    return min(1.0, (auroc - rate / 2) / (1 - rate)) if rate < 1 else 0.5


def share_below(observed: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The share of ``observed`` (N,) below each of ``values`` (n,), those that are equal counted half.

    >>> share_below(np.array([1.0, 2.0, 2.0, 3.0]), np.array([2.0, 9.0])).tolist()
    [0.5, 1.0]
    """
    ordered = np.sort(observed)
    below, up_to = np.searchsorted(ordered, values, side="left"), np.searchsorted(ordered, values, side="right")
    return (below + up_to) / (2 * len(observed))


def mean_share_below(
    observed: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray], names: Sequence[str]
) -> np.ndarray:
    """``share_below`` by signal, their mean. **Shape** (N,), (n,) a signal -> (n,) in [0, 1]."""
    return np.mean([share_below(observed[name], values[name]) for name in names], axis=0)


def _of_models(scores: OutOfFoldScores | None) -> dict[str, np.ndarray]:
    if scores is None:
        return {}
    spread = np.ptp([unit_rank(one) for one in scores.loss], axis=0)
    return {"similarity": scores.similarity.mean(axis=0), "disagreement": spread}


def _better(pairs: AuditPairs, features: PairFeatures, caption: np.ndarray, lead: np.ndarray) -> dict[str, np.ndarray]:
    """The caption that fits better, the first image that carries it, both empty where none does, and its lead."""
    pair_of_caption = np.zeros(len(features.text), dtype=np.int64)
    pair_of_caption[features.caption_of_pair[::-1]] = np.arange(len(features))[::-1]
    pair, fits = pair_of_caption[caption], lead > 0
    return {
        "better_caption": np.where(fits, np.array(pairs.captions, dtype=object)[pair], ""),
        "better_image": np.where(fits, np.array(pairs.images, dtype=object)[pair], ""),
        "lead": lead,
    }


def _twins(images: Sequence[str], duplicates: Duplicates) -> list[str]:
    """Names of the other images of the pair's group, the first three."""
    groups = pd.Series(duplicates.group_of_pair)
    names = pd.Series(images).groupby(groups).unique()
    return [
        " ".join([other for other in names[group] if other != name][:3])
        for name, group in zip(images, groups, strict=True)
    ]


def _reasons(table: pd.DataFrame, contradicting: np.ndarray, chance: float) -> list[str]:
    """Why a pair is where it is, in the order of weight; empty where nothing speaks against it."""
    high = {name: unit_rank(table[name]) >= 0.9 for name in SIGNALS}
    said = []
    for index, pair in enumerate(table.itertuples(index=False)):
        reasons = []
        if getattr(pair, "loss", -np.inf) >= chance:
            reasons.append(f"held-out loss {pair.loss:.1f}, no better than chance ({chance:.1f})")
        reasons += [words for name, words in WORDS.items() if high[name][index]]
        if pair.better_caption and reasons:
            reasons.append(f"a caption of {pair.better_image} fits better")
        if contradicting[index]:
            reasons.append(f"the same image as {pair.same_picture_as}, with other words")
        if reasons and getattr(pair, "disagreement", 0) > UNSURE:
            reasons.append("models disagree")
        said.append("; ".join(reasons))
    return said
