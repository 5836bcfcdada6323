"""From out-of-fold scores to a ranked table: score, probability of being wrong, and the reasons in words."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rrsitr_lib.audit.cross_validation import AuditSettings, OutOfFoldScores
from rrsitr_lib.audit.duplicates import Duplicates
from rrsitr_lib.audit.features import PairFeatures
from rrsitr_lib.audit.mismatch_ranking import unit_rank
from rrsitr_lib.audit.probes import neighbour_score, ridge_score
from rrsitr_lib.audit.read_pairs import AuditPairs

UNSURE = 0.25  # a pair whose ranks differ by more between rounds


def rank_pairs(
    pairs: AuditPairs, features: PairFeatures, duplicates: Duplicates, scores: OutOfFoldScores, settings: AuditSettings
) -> pd.DataFrame:
    """All pairs, the most suspect first, with ``rank`` from 1.

    ``score`` in [0, 1]: mean rank of the held-out loss, counted twice, of the distance from what a linear probe
    predicts (``linear``, a cosine) and from the captions of similar images (``neighbours``, a cosine); ``wrong`` in
    [0, 1]: posterior of the upper component of a Gaussian mixture of the losses; ``disagreement`` in [0, 1]: spread of
    the pair's rank between rounds; ``better_caption``: the caption of another image that fits better, by ``lead``,
    empty where none does; ``reasons`` in words.
    """
    loss, groups = scores.loss.mean(axis=0), duplicates.group_of_pair
    linear, neighbours = ridge_score(features, groups, settings.folds, settings.seed), neighbour_score(features, groups)
    loss_rank, linear_rank, neighbour_rank = (unit_rank(one) for one in (loss, linear, neighbours))
    table = pd.DataFrame({
        "row": pairs.rows,
        "image": pairs.images,
        "caption": pairs.captions,
        "score": (2 * loss_rank + linear_rank + neighbour_rank) / 4,
        "wrong": wrong_posterior(loss, settings.seed),
        "loss": loss,
        "similarity": scores.similarity.mean(axis=0),
        "linear": -linear,
        "neighbours": -neighbours,
        "disagreement": np.ptp([unit_rank(one) for one in scores.loss], axis=0),
        **_better(pairs, features, scores),
        "lead": scores.lead,
        "same_picture_as": _twins(pairs.images, duplicates),
    })  # fmt: skip
    table["reasons"] = _reasons(table, loss_rank, neighbour_rank, scores.chance, duplicates.contradicting)
    table = table.sort_values(["score", "row"], ascending=[False, True], kind="stable", ignore_index=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table


def wrong_posterior(loss: np.ndarray, seed: int) -> np.ndarray:
    """Posterior of the component with the higher mean, made to rise with the loss. **Shape** (N,) -> (N,) in [0, 1].

    The wider component can win again at very low losses; a pair below the lower mean is never called wrong for that.
    """
    from sklearn.mixture import GaussianMixture

    values = loss.astype(np.float64)[:, None]
    if np.ptp(values) == 0:
        return np.zeros(len(loss))
    mixture = GaussianMixture(2, random_state=seed, n_init=3, reg_covar=1e-4).fit(values)
    high = int(mixture.means_.argmax())
    posterior = mixture.predict_proba(values)[:, high]
    order = np.argsort(loss, kind="stable")
    posterior[loss <= mixture.means_.min()] = 0
    posterior[order] = np.maximum.accumulate(posterior[order])
    return posterior


def _better(pairs: AuditPairs, features: PairFeatures, scores: OutOfFoldScores) -> dict[str, np.ndarray]:
    """The caption that fits better, and the first image that carries it; both empty where none does."""
    pair_of_caption = np.zeros(len(features.text), dtype=np.int64)
    pair_of_caption[features.caption_of_pair[::-1]] = np.arange(len(features))[::-1]
    pair, fits = pair_of_caption[scores.better], scores.lead > 0
    return {
        "better_caption": np.where(fits, np.array(pairs.captions, dtype=object)[pair], ""),
        "better_image": np.where(fits, np.array(pairs.images, dtype=object)[pair], ""),
    }


def _twins(images: Sequence[str], duplicates: Duplicates) -> list[str]:
    """Names of the other images of the pair's group, the first three."""
    groups = pd.Series(duplicates.group_of_pair)
    names = pd.Series(images).groupby(groups).unique()
    return [
        " ".join([other for other in names[group] if other != name][:3])
        for name, group in zip(images, groups, strict=True)
    ]


def _reasons(
    table: pd.DataFrame, loss_rank: np.ndarray, neighbour_rank: np.ndarray, chance: float, contradicting: np.ndarray
) -> list[str]:
    """Why a pair is where it is, in the order of weight; empty where nothing speaks against it."""
    said = []
    for index, pair in enumerate(table.itertuples(index=False)):
        reasons = []
        if pair.loss >= chance:
            reasons.append(f"held-out loss {pair.loss:.1f}, no better than chance ({chance:.1f})")
        elif loss_rank[index] >= 0.9:
            reasons.append(f"held-out loss {pair.loss:.1f} among the highest tenth")
        if pair.wrong >= 0.5:
            reasons.append(f"in the upper component of the losses ({pair.wrong:.2f})")
        if neighbour_rank[index] >= 0.9:
            reasons.append("captions of similar images say something else")
        if pair.better_caption and reasons:
            reasons.append(f"a caption of {pair.better_image} fits better")
        if contradicting[index]:
            reasons.append(f"the same image as {pair.same_picture_as}, with other words")
        if reasons and pair.disagreement > UNSURE:
            reasons.append("models disagree")
        said.append("; ".join(reasons))
    return said
